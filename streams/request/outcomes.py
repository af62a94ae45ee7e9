"""Publishes what has come of a request: its response, the copy it asked for, its cost events, or its dead letter.

Once begun, an outcome is published to its end in spite of a cancellation, unless the partition is another worker's by
then. The response goes before its cost events, so that a crash in between leaves of a call either its response, from
which the same cost event is made again, or nothing, and then it is billed as unknown, but never two prices for one
event id. Of a partition that was lost while the response was on its way nothing more is published: the request comes
again at its next owner, who has billed its calls as unknown or makes their cost events from the response.
"""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Iterable
from contextlib import suppress
from dataclasses import dataclass
from typing import NamedTuple, TypeVar

import structlog
from aiokafka.errors import KafkaError, MessageSizeTooLargeError

from router.identity import Identity, identity_of_response
from router.quality.feedback import NotCounted
from router.quality.flaws import FlawCounter
from router.request.attempts import settle_all
from router.request.session import Finish
from schemas.costs import CostEvent
from schemas.dead_letters import DeadLetter
from schemas.responses import ErrorDetail, Response
from schemas.vocabulary import ErrorCode, Status
from streams.codec import Delivery, without_key
from streams.ops.metrics import Metrics
from streams.ops.request_log import RequestLog
from streams.ports import BlobStore, Clock, Fence
from streams.publisher import Publisher
from streams.request.finished_records import FinishedId, FinishedIdWriter
from streams.request.handling import Handling
from streams.request.references import kept_apart, without_content

log = structlog.get_logger()

Stored = Callable[[int, int], Awaitable[bytes | None]]
"""Reads back the response at (partition, offset) of the responses topic, if it is still there."""

T = TypeVar("T")


class Written(NamedTuple):
    """A response as it was written, and its offset on the responses topic."""

    response: Response
    offset: int


@dataclass(frozen=True, slots=True)
class Outcomes:
    """Every method returns when all that it publishes is acknowledged."""

    publisher: Publisher
    fence: Fence
    stored: Stored
    drawn_by: Callable[[CostEvent], str | None]
    """Who reserved for a call in its tenant's budget."""
    request_log: RequestLog
    metrics: Metrics
    flaws: FlawCounter
    finished_ids: FinishedIdWriter
    """Tells where responses lie, behind them."""
    clock: Clock
    blobs: BlobStore | None
    """Where an answer goes that is too large for its topic."""
    max_letter_bytes: int
    """What is larger, without Turnout's own headers, becomes a dead letter that is cut."""

    async def finish(self, finish: Finish, handling: Handling, reply_to: str | None) -> Written:
        """Publish the response, a copy to `reply_to`, and the cost events; return the response as it was written.

        Raises:
            CancelledError: the fence was closed, or the partition lost: nothing more was published.
        """
        await self.fence.passed()
        return await _to_the_end(self._finish(finish, handling, reply_to))

    async def again(self, identity: Identity, offset: int, copy_to: str | None, handling: Handling) -> None:
        """Publish what is missing of a finished request's bill, and a copy of the stored response to `copy_to`."""
        await _to_the_end(self._again(identity, offset, copy_to, handling))

    async def dead_letter(self, delivery: Delivery, letter: DeadLetter) -> None:
        """Publish the original bytes of what could not be brought to its end."""
        await _to_the_end(self._dead_letter(delivery, letter))

    async def _finish(self, finish: Finish, handling: Handling, reply_to: str | None) -> Written:
        response = finish.response

        async def still_ours() -> None:
            await self.fence.passed(lambda: handling.state.is_lost)
            if handling.state.is_lost:  # its worker of now answers, or has read what was written after all
                raise asyncio.CancelledError

        try:
            offset = await self.publisher.response(response, handling.delivery, handling.trace, still_ours)
        except MessageSizeTooLargeError:
            response = await shortened(self.blobs, response, handling.delivery)
            offset = await self.publisher.response(response, handling.delivery, handling.trace, still_ours)
        identity = identity_of_response(vars(response))
        handling.state.response_written(identity, offset, self.clock())
        self.finished_ids.add(handling.delivery.origin.partition, FinishedId.of(identity, offset))
        await still_ours()  # else its worker of now may have billed the calls as cut off, before this was written
        if reply_to is not None:
            await self._reply(reply_to, response, handling)
        await self._costs(finish.costs, handling)
        self.request_log.write(response)
        self.metrics.ended(response)
        self.flaws.ended(response)
        return Written(response, offset)

    async def _again(self, identity: Identity, offset: int, copy_to: str | None, handling: Handling) -> None:
        calls, attempts = handling.state.unsettled(identity.key)
        await self._costs(settle_all(calls, attempts), handling)
        self.metrics.answered_again()
        origin = handling.delivery.origin
        log.info("answered already", request_id=identity.request_id, record=str(origin), response_offset=offset)
        if copy_to is None:
            return
        value = await self.stored(origin.partition, offset)
        if value is not None:
            await self._reply(copy_to, Response.decode(value), handling)

    async def _reply(self, topic: str, response: Response, handling: Handling) -> None:
        try:
            await self.publisher.reply(topic, response, handling.delivery, handling.trace)
        except KafkaError as error:
            # the answer itself is on its own topic: a missing copy is no reason to hold the partition
            log.warning("no copy sent", reply_to=topic, request_id=response.request_id, error=str(error))

    async def _costs(self, events: Iterable[CostEvent], handling: Handling) -> None:
        for event in events:
            # of a lost partition its next owner may tell the same event first, and then this draws on no worker's grant
            holder = None if handling.state.is_lost else self.drawn_by(event)
            await self.publisher.cost(event, handling.trace, holder)

    async def _dead_letter(self, delivery: Delivery, letter: DeadLetter) -> None:
        letter = letter.within(self.max_letter_bytes)
        await self.publisher.dead_letter(letter)
        log.warning("dead letter", code=letter.code, reason=letter.reason, record=str(delivery.origin))


def dead_letter_of(
    delivery: Delivery, code: str, reason: str, request_id: str | None, tenant: str | None
) -> DeadLetter:
    """Return the record as it came, but for its tenant's key, and why it is no use."""
    origin = delivery.origin
    return DeadLetter(
        value=delivery.value,
        headers=tuple(without_key(delivery.headers)),
        topic=origin.topic,
        partition=origin.partition,
        offset=origin.offset,
        timestamp_ms=delivery.timestamp_ms,
        key=delivery.key,
        code=code,
        reason=reason,
        request_id=request_id,
        tenant=tenant,
    )


def letter_of_feedback(delivery: Delivery, refused: NotCounted, *, max_letter_bytes: int) -> DeadLetter:
    """Return a record of the feedback that cannot be read, and why."""
    letter = dead_letter_of(delivery, refused.code, refused.reason, refused.request_id, None)
    return letter.within(max_letter_bytes)


async def shortened(blobs: BlobStore | None, response: Response, delivery: Delivery) -> Response:
    """Return what is published of a response that its topic does not take: where it is, or that it is too large."""
    return await kept_apart(blobs, response, delivery) or _without_message(response)


def _without_message(response: Response) -> Response:
    message = (
        "the answer is larger than the responses topic takes; raise its max.message.bytes, set TURNOUT_DATAREF_URL, or "
        "lower max_tokens"
    )
    error = ErrorDetail(code=ErrorCode.INTERNAL_ERROR, message=message)
    return without_content(response).model_copy(update={"status": Status.FAILED, "error": error})


async def _to_the_end(work: Coroutine[None, None, T]) -> T:
    """Do the work whole, even if the caller is cancelled meanwhile, and return what it does."""
    task = asyncio.ensure_future(work)
    while not task.done():
        with suppress(asyncio.CancelledError):
            await asyncio.shield(task)
    return task.result()
