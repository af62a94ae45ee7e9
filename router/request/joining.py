"""Small calls for embeddings that are made as one: which may be, when it goes out, and whose part of it is what.

Rules:
1. Calls join if they are of one tenant, for one model at one price by one account, and ask in the same way; so nothing
   of one tenant is ever in another's call, and each account's invoice is its bill.
2. Only small calls join, and only where the deadline leaves the model all its time: none is held up by a long one, and
   none is cut short by another's deadline. All others go out at once, alone.
3. A call waits for others for `JOIN_S`, or until the next one would be too much. One that has found no other goes out
   alone, as if it had not waited.
4. Every member has its own write-ahead record, reservation and cost event, under its own event id; together they name
   the joined call (`upstream_call_id`). Its cost is divided by the bounds of the members' inputs
   (`router.request.share`).
5. If the joined call is refused for what is in it, it is not known whose input that is: each member is asked for alone.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Generic, TypeVar
from uuid import uuid5

import orjson

from router.errors import Answer, UpstreamFailure
from router.job import Job
from router.request.steps import Call
from schemas.costs import EVENT_NAMESPACE
from schemas.requests import Request
from schemas.vocabulary import AttemptOutcome

JOIN_S = 0.02
"""How long a call waits for others, seconds."""
SMALL_INPUTS, SMALL_TOKENS = 8, 1_024
"""A small call has at most so many inputs, and so many tokens by its upper bound."""
JOINED_TOKENS = 16_384
"""The most tokens of a joined call, by the sum of the bounds: the least that a vendor takes (Mistral's 16,384)."""
WRITE_S = 0.5
"""How long the members whose write-ahead records are acknowledged wait for those whose are not, seconds."""

REFUSED = frozenset({AttemptOutcome.INVALID_REQUEST, AttemptOutcome.CONTEXT_TOO_LONG, AttemptOutcome.CONTENT_FILTERED})
"""What a call is refused with for what is in it."""

M = TypeVar("M")


@dataclass(frozen=True, slots=True)
class Manner:
    """What calls that join have in common."""

    tenant: str
    authenticated: bool
    model: str
    account: str | None
    join_inputs: int
    price: str | None
    of_tokens: bool
    asked: bytes
    """The request but for its inputs, and what is sent along."""


@dataclass(frozen=True, slots=True)
class Size:
    """What a call adds to a joined one."""

    inputs: int
    tokens: int
    """By the upper bound."""


def manner_of(job: Job, call: Call, now_s: float) -> Manner | None:
    """Return what the call has in common with those that it may join; None if it has to go out alone."""
    model, request = call.model, job.request
    if model.join_inputs < 2 or not call.joinable or call.repair is not None:  # noqa: PLR2004 - a call of two
        return None
    size = size_of(job, call)
    if size.inputs > min(SMALL_INPUTS, model.join_inputs - 1) or size.tokens > SMALL_TOKENS:
        return None
    if job.deadline_s - now_s < model.timeout_s + JOIN_S + WRITE_S:
        return None
    asked = (request.dimensions, request.encoding_format, request.parameters)
    return Manner(
        tenant=job.identity.tenant,
        authenticated=job.identity.authenticated,
        model=model.name,
        account=call.account,
        join_inputs=model.join_inputs,
        price=call.started.price_json,
        of_tokens=not isinstance(request.inputs[0], str),
        asked=orjson.dumps(asked, option=orjson.OPT_SORT_KEYS),
    )


def size_of(job: Job, call: Call) -> Size:
    """Return what the call adds to a joined one."""
    return Size(len(job.request.inputs), call.started.input_tokens or 0)


class Batch(Generic[M]):
    """Calls that wait for others like them."""

    __slots__ = ("_sizes", "closes_s", "manner")

    def __init__(self, manner: Manner, closes_s: float) -> None:
        self.manner = manner
        self.closes_s = closes_s
        self._sizes: dict[M, Size] = {}

    @property
    def members(self) -> tuple[M, ...]:
        """Those that wait, in the order in which they came."""
        return tuple(self._sizes)

    def add(self, member: M, size: Size) -> None:
        """Take a call."""
        self._sizes[member] = size

    def leave(self, member: M) -> None:
        """Give a call up."""
        self._sizes.pop(member, None)

    def has_room(self, more: Size) -> bool:
        """Say whether another call fits."""
        inputs = more.inputs + sum(size.inputs for size in self._sizes.values())
        tokens = more.tokens + sum(size.tokens for size in self._sizes.values())
        return inputs <= self.manner.join_inputs and tokens <= JOINED_TOKENS


class Gathering(Generic[M]):
    """All calls of a worker that wait for others."""

    def __init__(self) -> None:
        self._open: dict[Manner, Batch[M]] = {}

    def add(self, manner: Manner, member: M, size: Size, now_s: float) -> tuple[Batch[M], Batch[M] | None]:
        """Take a call.

        Returns:
            The batch that it is in, and one that is closed by it: too full for it, or full with it.
        """
        batch, closed = self._open.get(manner), None
        if batch is not None and not batch.has_room(size):
            closed = self._open.pop(manner)
            batch = None
        if batch is None:
            batch = self._open[manner] = Batch(manner, now_s + JOIN_S)
        batch.add(member, size)
        if closed is None and not batch.has_room(Size(1, 1)):
            closed = self._open.pop(manner)
        return batch, closed

    def close(self, batch: Batch[M]) -> bool:
        """Close a batch whose time is up; say whether it was open."""
        if self._open.get(batch.manner) is not batch:
            return False
        del self._open[batch.manner]
        return True


def joined_call_id(event_ids: Iterable[str]) -> str:
    """Return the id of the call that is made for these."""
    return str(uuid5(EVENT_NAMESPACE, "\x1f".join(event_ids)))


def joined_call(call: Call, call_id: str) -> Call:
    """Return the joined call, by one of its members'."""
    return replace(call, started=call.started.model_copy(update={"event_id": call_id}))


def joined_request(requests: Sequence[Request]) -> Request:
    """Return one request for all inputs, in the order of the requests; all ask in the same manner."""
    inputs = [one for request in requests for one in request.inputs]
    return requests[0].model_copy(update={"input": inputs})


def parted(result: Answer | UpstreamFailure, counts: Sequence[int]) -> list[Answer | UpstreamFailure]:
    """Return what came of a joined call for each member, by the counts of their inputs; the usage stays the whole's."""
    if isinstance(result, UpstreamFailure):
        return [_of_several(result, len(counts))] * len(counts)
    vectors = iter(result.message.embeddings or ())
    return [
        replace(
            result,
            message=result.message.model_copy(update={"embeddings": [next(vectors) for _ in range(count)]}),
        )
        for count in counts
    ]


def left_behind() -> UpstreamFailure:
    """Return what becomes of a member whose write-ahead record is not acknowledged when the others' are."""
    return UpstreamFailure(
        AttemptOutcome.UNREACHABLE, "not called: its write-ahead record took longer than others'", is_anothers=True
    )


def _of_several(failure: UpstreamFailure, members: int) -> UpstreamFailure:
    if members == 1 or failure.category not in REFUSED:
        return failure
    detail = f"in one call with {members - 1} others, of which any may be to blame: {failure.detail}"
    return replace(failure, detail=detail, is_final=False, is_anothers=True)
