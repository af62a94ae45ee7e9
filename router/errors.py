"""What can go wrong, and whose it is to mend.

    TurnoutError
    ├── CatalogueError        the operator's; only at start-up
    ├── TooManyDeadLetters    the operator's; ends the worker (`router.dead_letters`)
    └── RequestRejected       the caller's; never retried, never called for

Upstream trouble is no exception but data, an `UpstreamFailure` of one `AttemptOutcome`, because the session has to
decide about it. `DISPOSITIONS` says what becomes of each category; a test fails when the table has a gap. Three kinds
are told apart: what the operator has to mend (authentication: key, credit, access, address, name of the model), what
another model may take or do (invalid_request, context_too_long, content_filtered, malformed, answer_too_large,
schema_violation), and
what passes (the others).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum, auto
from types import MappingProxyType

from router.charges import Charge
from schemas.requests import JsonObject
from schemas.responses import AnswerMessage, Choice, Usage
from schemas.vocabulary import AccountLimit, AttemptOutcome, ErrorCode


class TurnoutError(Exception):
    """The root of everything that Turnout raises on purpose."""


class CatalogueError(TurnoutError):
    """A catalogue that cannot be used. The message names the key and the fix."""


class RequestRejected(TurnoutError):  # noqa: N818 - the field's word; it is an outcome, not a fault
    """A request that no call is made for."""

    def __init__(self, code: ErrorCode, message: str, field: str | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.field = field


class Next(Enum):
    """What to do after a failed call."""

    RETRY_HERE = auto()
    ASK_APART = auto()
    """Ask the same model again, alone: the call was made for several requests, and another of them may be to blame."""
    NEXT_MODEL = auto()
    LEAVE_MODEL = auto()
    """Go to the next model and do not come back: this one will say the same again."""
    STOP = auto()
    """No model will answer this: only for what is certainly the request's own fault (`UpstreamFailure.is_final`)."""


class Blame(Enum):
    """What a failed call says about its model."""

    NONE = auto()
    MODEL = auto()
    LIMIT = auto()
    """The model is well, and has had enough for the moment."""


@dataclass(frozen=True, slots=True)
class Disposition:
    """One row of the table."""

    next: Next
    blame: Blame


DISPOSITIONS: Mapping[AttemptOutcome, Disposition] = MappingProxyType(
    {
        AttemptOutcome.INVALID_REQUEST: Disposition(Next.LEAVE_MODEL, Blame.NONE),
        AttemptOutcome.CONTEXT_TOO_LONG: Disposition(Next.LEAVE_MODEL, Blame.NONE),
        AttemptOutcome.CONTENT_FILTERED: Disposition(Next.LEAVE_MODEL, Blame.NONE),
        AttemptOutcome.AUTHENTICATION: Disposition(Next.LEAVE_MODEL, Blame.MODEL),
        AttemptOutcome.RATE_LIMITED: Disposition(Next.NEXT_MODEL, Blame.LIMIT),
        AttemptOutcome.TIMEOUT: Disposition(Next.NEXT_MODEL, Blame.MODEL),
        AttemptOutcome.MALFORMED: Disposition(Next.LEAVE_MODEL, Blame.MODEL),
        AttemptOutcome.ANSWER_TOO_LARGE: Disposition(Next.LEAVE_MODEL, Blame.NONE),
        AttemptOutcome.SCHEMA_VIOLATION: Disposition(Next.LEAVE_MODEL, Blame.NONE),
        AttemptOutcome.UNREACHABLE: Disposition(Next.RETRY_HERE, Blame.MODEL),
        AttemptOutcome.DISCONNECTED: Disposition(Next.RETRY_HERE, Blame.MODEL),
        AttemptOutcome.UNAVAILABLE: Disposition(Next.RETRY_HERE, Blame.MODEL),
        AttemptOutcome.CUT_OFF: Disposition(Next.RETRY_HERE, Blame.NONE),
    }
)


REQUESTS_OWN_FAULT = Disposition(Next.STOP, Blame.NONE)
ANOTHERS_FAULT = Disposition(Next.ASK_APART, Blame.NONE)
OUT_OF_TIME = Disposition(Next.NEXT_MODEL, Blame.NONE)


_NO_LIMITS: Mapping[AccountLimit, int] = MappingProxyType({})


def _no_limits() -> Mapping[AccountLimit, int]:
    return _NO_LIMITS


@dataclass(frozen=True, slots=True)
class Answer:
    """A call that was answered. `usage` is None when the provider sent none that can be read."""

    message: AnswerMessage
    finish_reason: str | None
    response_model: str | None
    response_id: str | None
    usage: Usage | None
    logprobs: JsonObject | None = None
    other_choices: tuple[Choice, ...] = ()
    told_limits: Mapping[AccountLimit, int] = field(default_factory=_no_limits)
    """The limits of the account that was called with, by the provider's headers."""


@dataclass(frozen=True, slots=True)
class UpstreamFailure:
    """A call that was not answered, or not usably."""

    category: AttemptOutcome
    detail: str
    """What the provider said, shortened; no secret in it."""
    status_code: int | None = None
    retry_after_s: float | None = None
    charge: Charge = Charge.FREE
    """Whether it was charged, by the table of charges (`router.charges`)."""
    usage: Usage | None = None
    """Set when an unusable answer, or an error, said what it cost; then that is billed, whatever the table says."""
    is_final: bool = False
    """The request itself is wrong, whichever model is asked."""
    is_cut_short: bool = False
    """The request's deadline ended the call before the model's own time was up."""
    told_limits: Mapping[AccountLimit, int] = field(default_factory=_no_limits)
    """As an `Answer`'s."""
    is_anothers: bool = False
    """It says nothing of this request: another one was in the same call, or held it up (`router.request.joining`)."""

    @property
    def maybe_charged(self) -> bool:
        """Whether there is something to bill."""
        return self.charge is not Charge.FREE

    @property
    def disposition(self) -> Disposition:
        """What becomes of it: the row of its category, unless the request is to blame, or another one may be."""
        if self.is_anothers:
            return ANOTHERS_FAULT
        if self.is_final:
            return REQUESTS_OWN_FAULT
        return OUT_OF_TIME if self.is_cut_short else DISPOSITIONS[self.category]
