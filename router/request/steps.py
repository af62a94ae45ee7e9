"""What a session is told and what it answers with, and which may follow which.

    Started ──> Call ──> Answered ──> Finish, or as after Failed if the answer does not fit its strict schema
                  │ └──> Failed ──┬─> Call (the same model again, or the next one)
                  │               ├─> Wait ──> Woke ──> Call
                  │               └─> Finish
    Started ──> Wait | Finish (rejected)

Rules:
1. A session starts once; then it is told what came of its last action and nothing else.
2. Every path ends in exactly one `Finish`; after it there are no events.
3. The caller may end a session in any state: `refuse` before its start, `abandon` when another worker goes on,
   `break_off` for a defect. If the call that was asked for last was not made, it says so before, by `call_off`; if it
   is to be made together with others, by `join`. These are calls of their own, not events.

`TRANSITIONS` has a row for each state and event; `docs/state-machines.md` is drawn from it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import NamedTuple

from router.catalogue import Model
from router.errors import Answer, UpstreamFailure
from router.prompt_caching.memory import PromptCache
from router.request.share import Share
from schemas.costs import CallStarted, CostEvent
from schemas.requests import Request
from schemas.responses import Response


class SessionError(RuntimeError):
    """The caller told a session what it had not asked for. Always a defect of the caller."""


@dataclass(frozen=True, slots=True)
class Started:
    """The request has been read. `earlier` are the calls of workers before, from the write-ahead records."""

    now_s: float
    earlier: tuple[CallStarted, ...] = ()


@dataclass(frozen=True, slots=True)
class Answered:
    """The call was answered, `latency_s` after it went out."""

    now_s: float
    answer: Answer
    """Its usage is that of the whole call."""
    latency_s: float
    share: Share | None = None
    """This request's part of the call, if others were joined in it."""


@dataclass(frozen=True, slots=True)
class Failed:
    """The call was not answered, or not usably."""

    now_s: float
    failure: UpstreamFailure
    """Its usage is that of the whole call."""
    latency_s: float
    share: Share | None = None
    """This request's part of the call, if others were joined in it."""


@dataclass(frozen=True, slots=True)
class Woke:
    """The wait is over."""

    now_s: float


Event = Started | Answered | Failed | Woke


@dataclass(frozen=True, slots=True)
class Call:
    """Write `started` ahead, then call `model` and wait for `timeout_s` at the most."""

    model: Model
    started: CallStarted
    max_tokens: int
    timeout_s: float
    repair: Request | None = None
    """What to ask in place of the request: it, the model's own answer, and what is wrong with that."""
    account: str | None = None
    """By which of the provider's accounts; None: it has none."""
    joinable: bool = True
    """Whether other requests may be in the same call (`router.request.joining`)."""
    prompt_cache: PromptCache | None = None
    """What the provider is told of the prefix."""


@dataclass(frozen=True, slots=True)
class Wait:
    """Nothing can be done before `until_s`, or before the reservation of `call_id` is made."""

    until_s: float
    call_id: str | None = None


@dataclass(frozen=True, slots=True)
class Finish:
    """The end: publish the response, then the cost events, then let the offset pass."""

    response: Response
    costs: tuple[CostEvent, ...]


Action = Call | Wait | Finish


class SessionState(StrEnum):
    """What a session waits for."""

    NEW = "new"
    CALLING = "calling"
    WAITING = "waiting"
    ENDED = "ended"


STATE_AFTER: Mapping[type[Action], SessionState] = MappingProxyType(
    {Call: SessionState.CALLING, Wait: SessionState.WAITING, Finish: SessionState.ENDED}
)


class SessionRule(NamedTuple):
    """Where an event may lead to, and when; nowhere: it is a `SessionError`, and the note ends its text."""

    to: tuple[SessionState, ...]
    note: str


_NEW, _CALLING, _WAITING, _ENDED = SessionState
_ON = (_CALLING, _WAITING, _ENDED)

# fmt: off
TRANSITIONS: Mapping[tuple[SessionState, type[Event]], SessionRule] = MappingProxyType({
    (_NEW,     Started):  SessionRule(_ON, "planned: a model is called, none is ready, or none fits"),
    (_NEW,     Answered): SessionRule((), "before the start"),
    (_NEW,     Failed):   SessionRule((), "before the start"),
    (_NEW,     Woke):     SessionRule((), "before the start"),

    (_CALLING, Started):  SessionRule((), "twice"),
    (_CALLING, Answered): SessionRule(_ON, "completed; or repaired (strict schema), checked (cascade), or the next"),
    (_CALLING, Failed):   SessionRule(_ON, "the same model or the next one, now or later, or none"),
    (_CALLING, Woke):     SessionRule((), "during a call"),

    (_WAITING, Started):  SessionRule((), "twice"),
    (_WAITING, Answered): SessionRule((), "without a call"),
    (_WAITING, Failed):   SessionRule((), "without a call"),
    (_WAITING, Woke):     SessionRule(_ON, "a model is ready now, none is yet, or the time is up"),

    (_ENDED,   Started):  SessionRule((), "after the end"),
    (_ENDED,   Answered): SessionRule((), "after the end"),
    (_ENDED,   Failed):   SessionRule((), "after the end"),
    (_ENDED,   Woke):     SessionRule((), "after the end"),
})
# fmt: on
