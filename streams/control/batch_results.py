"""Publishes what has come of a batch: its answers, what its lines cost, and who is handed to the live path after all.

Results are spooled to a file, and then published in the order of the requests, a stretch at a time. After each stretch
it is stored whose results are published, and from where on in the responses others may be: a worker that goes on after
a crash looks there first, and answers no request again. Of a request that was handed to the live path before, only the
cost is told.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace

import orjson
import structlog
from aiokafka.errors import KafkaError, MessageSizeTooLargeError
from pydantic import TypeAdapter

from router.answer_schema.check import PLAIN, Checked, answer_schema_of
from router.batches import settling
from router.batches.batch import BatchQueue
from router.batches.line import BatchLine, LineEnd
from router.batches.members import mask_of, places_in
from router.batches.names import custom_id_of, place_of
from router.batches.settling import BatchCall
from router.batches.stages import NO_SUMS, Sums, published, reason_after, returning
from router.caching.answers import Asker, answer_again, may_be_kept, wish_of_waiting
from router.caching.key import key_of_waiting
from router.errors import Answer, RequestRejected
from router.job import Origin
from schemas.requests import Request
from schemas.responses import Attempt, Response
from schemas.vocabulary import ReturnReason, WaitingState
from schemas.waiting import Waiting
from streams.batch_requests import BatchRequest, identity_of_waiting, read_batch_request
from streams.codec import Unreadable, read_record, trace_of
from streams.control.batch_parts import Batching, BatchParts
from streams.control.batch_returns import BatchReturns
from streams.control.batch_spool import Spool
from streams.control.earlier_answers import EarlierAnswers

log = structlog.get_logger()

STRETCH = 100
"""Results that are published before it is stored that they are."""
AT_ONCE = 8
"""Of these, as many are begun in one turn of the event loop: some milliseconds."""
LINES_A_TURN = 16
"""Lines of results, or records, that are read in one turn of it."""
_LINE = TypeAdapter(BatchLine)
_OF_THE_REQUEST = (b'"reply_to"', b'"json_schema"', b'"strict"')
"""Without these in it a request need not be read again to publish its answer."""


@dataclass(frozen=True, slots=True)
class _Result:
    """One request of a stretch, and what is known of it."""

    place: int
    request: BatchRequest
    line: BatchLine | None
    answered_at: int | None
    """The offset of its response, if it was published before a crash."""

    @property
    def bit(self) -> int:
        """Its bit in the batch's masks."""
        return 1 << self.place


_Published = tuple[Sums, tuple[int, int] | None]
"""What to add up of a result, and the partition and offset of its response if there is one."""


class BatchResults:
    """Reads and publishes the results of one batch."""

    def __init__(self, parts: BatchParts, batching: Batching) -> None:
        self._parts = parts
        self._batching = batching
        self._returns = BatchReturns(parts, batching.term)
        self._earlier = EarlierAnswers(parts.log, parts.responses)
        self._may_lack = True

    async def spool(self, queue: BatchQueue, spool: Spool) -> int:
        """Read all results into the spool, of several lines of one request an answer; return who has one, a mask.

        Raises:
            BatchCallFailed: they cannot be read for now.
        """
        batch = self._batching.batch
        if batch.handle is None:
            return 0
        answered, strangers, count = bytearray(batch.count), 0, 0
        async with aclosing(self._parts.provider.results(queue, batch.handle)) as lines:
            async for line in lines:
                count += 1
                if count % LINES_A_TURN == 0:
                    await asyncio.sleep(0)
                place = place_of(line.custom_id, batch.our_id, batch.count)
                if place is None:
                    strangers += 1
                    continue
                is_answer = line.end is LineEnd.ANSWERED
                if place not in spool or (is_answer and not answered[place]):
                    spool.write(place, _dumped(line))
                    answered[place] = is_answer
        if strangers:
            log.warning("results of requests that are not in the batch", batch=batch.our_id, lines=strangers)
        return mask_of(place for place, is_answer in enumerate(answered) if is_answer)

    async def publish(self, spool: Spool, answered: int, *, may_lack: bool) -> None:
        """Publish all that is not published, stretch by stretch; then every request is answered or handed on.

        Args:
            spool: the results.
            answered: who has an answer among them, a mask.
            may_lack: whether a line may have been charged that is not in them.

        Raises:
            KafkaError: the broker is away; what is stored as published is.
            UnsureError: another worker may have the batch.
        """
        batching, self._may_lack = self._batching, may_lack
        earlier = await self._earlier.found(batching.batch)
        batch = batching.batch
        without = batch.waiting & ~batch.shared & ~answered
        batching.batch = returning(batch, without, reason_after(batch.end))
        if not batching.batch.answers_from:
            ends = await self._earlier.ends()
            batching.batch = replace(batching.batch, answers_from=ends)
        await batching.store()
        batch = batching.batch
        places = list(places_in(batch.everyone & ~batch.done & ~batch.released))
        offsets = [batching.members.offsets[place] for place in places]
        stretch: list[_Result] = []
        async with self._parts.records.at(batch.partition, offsets) as records:
            async for record in records:
                place = batching.members.place_of(record.origin.offset)
                if record.origin.offset % LINES_A_TURN == 0:
                    await asyncio.sleep(0)
                request = read_batch_request(record)
                if place is None or request is None:
                    continue
                origin = request.original.origin
                content = spool.read(place)
                line = None if content is None else _LINE.validate_json(content)
                stretch.append(_Result(place, request, line, earlier.get((origin.partition, origin.offset))))
                if len(stretch) >= STRETCH:
                    await self._publish(stretch)
                    stretch = []
        await self._publish(stretch)
        await self._let_go()

    async def _let_go(self) -> None:
        """Go on without those that the log does not keep, or that cannot be read: nothing can be said of them."""
        batching = self._batching
        lost = batching.batch.everyone & ~batching.batch.done & ~batching.batch.released
        if lost:
            log.error(
                "batch requests are not in the log any more", batch=batching.batch.our_id, requests=lost.bit_count()
            )
            batching.batch = published(batching.batch, lost)
            await batching.store()

    async def _publish(self, stretch: Sequence[_Result]) -> None:
        batching = self._batching
        if not stretch:
            return
        who = batching.publishing = mask_of(result.place for result in stretch)
        try:
            batching.term.be_sure()
            shared = batching.batch.shared
            results = await self._together(self._one, [one for one in stretch if not one.bit & shared])
            results += await self._share([one for one in stretch if one.bit & shared])
            sums = Sums(*(sum(column) for column in zip(*(one for one, _ in results), strict=True)))
            ends = list(batching.batch.answers_from)
            for _, place in results:
                if place is not None and place[0] < len(ends):
                    ends[place[0]] = max(ends[place[0]], place[1] + 1)
            batching.batch = replace(published(batching.batch, who, sums), answers_from=tuple(ends))
            await batching.store()
        finally:
            batching.publishing = 0

    @staticmethod
    async def _together(do: Callable[[_Result], Awaitable[_Published]], some: Sequence[_Result]) -> list[_Published]:
        tasks: list[asyncio.Task[_Published]] = []
        try:
            for begin in range(0, len(some), AT_ONCE):
                tasks += [asyncio.ensure_future(do(one)) for one in some[begin : begin + AT_ONCE]]
                await asyncio.sleep(0)
            return await asyncio.gather(*tasks)
        finally:
            for task in tasks:
                task.cancel()

    async def _share(self, some: Sequence[_Result]) -> list[_Published]:
        """Answer those that have no line of their own with what is kept by now; the others are handed over."""
        batching = self._batching
        known = {one.place: found for one in some if (found := await self._known(one)) is not None}
        lacking = mask_of(one.place for one in some if one.place not in known and one.answered_at is None)
        if lacking & batching.batch.waiting:  # stored, since an answer may be there the next time
            batching.batch = returning(batching.batch, lacking, ReturnReason.NOT_SHARED)
            await batching.store()

        async def one(result: _Result) -> _Published:
            if not result.bit & batching.batch.waiting:
                return await self._one(result)
            return await self._answer_again(result, known.get(result.place))

        return await self._together(one, some)

    async def _known(self, result: _Result) -> Response | None:
        waiting, parts = result.request.waiting, self._parts
        wish, key = wish_of_waiting(waiting), key_of_waiting(waiting)
        if wish is None or key is None or not result.bit & self._batching.batch.waiting:
            return None
        return await parts.kept.find(key, parts.catalogue.tenants.get(waiting.tenant), wish)

    async def _answer_again(self, result: _Result, stored: Response | None) -> _Published:
        """Answer a request with the answer of another one; nothing was called for it."""
        request, offset, handle = result.request, result.answered_at, self._batching.batch.handle
        if offset is None and stored is not None and handle is not None:
            asker = _asker(request.waiting, handle.batch_id)
            offset, _ = await self._answer(request, answer_again(stored, asker, self._parts.clock()))
        if offset is None:
            raise AssertionError("a request is answered again without an answer")
        await self._returns.release(request)
        await self._parts.publisher.waiting(_answered(request, offset))
        return NO_SUMS._replace(answered=1), (request.waiting.request_partition, offset)

    async def _one(self, result: _Result) -> _Published:
        """Publish one result."""
        batch, parts, bit = self._batching.batch, self._parts, result.bit
        batch_id = batch.handle.batch_id if batch.handle else None
        call = BatchCall(result.request.waiting, batch_id, custom_id_of(batch.our_id, result.place))
        outcome = None if result.line is None else result.line.outcome
        took_s = None if batch.created_s is None or batch.ended_s is None else batch.ended_s - batch.created_s
        if isinstance(outcome, Answer):
            checked = self._checked(result.request, outcome)
            attempt = settling.answered(call.started, outcome, took_s, checked.violation)
            if checked.violation is None and bit & batch.waiting:
                response = settling.response(call, outcome, attempt, checked.told, parts.clock())
                offset = result.answered_at
                if offset is None:
                    offset, response = await self._answer(result.request, response)
                    await self._keep(result.request.waiting, response, offset)
                await self._bill(result.request, call, attempt)
                await parts.publisher.waiting(_answered(result.request, offset))
                live = parts.catalogue.models.get(attempt.request_model)
                now_ms = int(parts.clock() * 1000)
                saved = settling.saved_usd(live.price_at(now_ms) if live else None, attempt)
                cost, saved_nano = settling.nano_usd_of([attempt.cost_usd]), settling.nano_usd_of([saved])
                return Sums(1, cost, saved_nano), (response.request_partition, offset)
            detail = checked.violation
        elif outcome is not None:
            attempt = settling.failed(call.started, outcome, took_s)
            detail = outcome.detail
        else:
            attempt = self._without_line(result.place, call)
            detail = attempt.detail
        if bit & batch.waiting:  # an answer that is none: the same line says so each time that it is read
            self._batching.batch = returning(self._batching.batch, bit, ReturnReason.LINE_FAILED)
        await self._bill(result.request, call, attempt)
        if bit & self._batching.batch.untold:
            has_line = outcome is not None and not _has_ended_without(result.line)
            reason = ReturnReason.LINE_FAILED if has_line else reason_after(batch.end)
            if bit & batch.shared:
                reason = ReturnReason.NOT_SHARED
            made = attempt if bit & batch.sent else None
            await self._returns.hand_on(batch, result.request, reason, made, detail)
        return NO_SUMS._replace(cost_nano_usd=settling.nano_usd_of([attempt.cost_usd])), None

    def _without_line(self, place: int, call: BatchCall) -> Attempt:
        """Return the attempt of a request of which the results say nothing."""
        batch = self._batching.batch
        is_sent = bool(batch.sent >> place & 1)
        detail = batch.detail or f"the batch is {batch.end or 'lost'} and has no result of it"
        return settling.unfinished(call.started, detail, may_be_charged=is_sent and self._may_lack)

    async def _bill(self, request: BatchRequest, call: BatchCall, attempt: Attempt) -> None:
        event = settling.cost_event(call.started, attempt)
        if event is None:
            await self._returns.release(request)
            return
        self._batching.term.be_sure()
        await self._parts.publisher.cost(event, _trace(request))

    async def _keep(self, waiting: Waiting, response: Response, offset: int) -> None:
        """Put the answer into the cache, if that is wished and it may be used again."""
        wish, key = wish_of_waiting(waiting), key_of_waiting(waiting)
        if wish is not None and key is not None and waiting.cache is not None and may_be_kept(response, wish):
            await self._parts.kept.keep(key, response, offset, wish, waiting.cache.followed)

    async def _answer(self, request: BatchRequest, response: Response) -> tuple[int, Response]:
        """Publish the response, and the copy that was asked for; return its offset, and it as it was published."""
        parts, term = self._parts, self._batching.term

        async def still_ours() -> None:
            term.be_sure()

        term.be_sure()
        try:
            offset = await parts.publisher.response(response, request.original, _trace(request), still_ours)
        except MessageSizeTooLargeError:
            response = await parts.shortened(response, request.original)
            offset = await parts.publisher.response(response, request.original, _trace(request), still_ours)
        await self._copy(request, response)
        parts.ended(response)
        return offset, response

    async def _copy(self, request: BatchRequest, response: Response) -> None:
        asked = self._request(request)
        if asked is None or asked.reply_to not in self._parts.reply_to_allowed or asked.reply_to is None:
            return
        try:
            await self._parts.publisher.reply(asked.reply_to, response, request.original, _trace(request))
        except KafkaError as error:
            log.warning("no copy sent", reply_to=asked.reply_to, request_id=response.request_id, error=str(error))

    def _checked(self, request: BatchRequest, answer: Answer) -> Checked:
        """Check the answer against the schema that its request has for it."""
        asked = self._request(request)
        if asked is None:
            return PLAIN
        try:
            schema = answer_schema_of(asked)
        except RequestRejected:  # it was accepted when it came: of what another version takes there is nothing to say
            return PLAIN
        return PLAIN if schema is None else schema.check(answer)

    def _request(self, request: BatchRequest) -> Request | None:
        value = request.original.value or b""
        if not any(word in value for word in _OF_THE_REQUEST):
            return None
        reading = read_record(request.original, self._parts.max_request_bytes)
        return None if isinstance(reading, Unreadable) else reading


def _dumped(line: BatchLine) -> bytes:
    """Return a line as it is spooled: without its account's limits, which nothing asks for."""
    return _LINE.dump_json(replace(line, outcome=replace(line.outcome, told_limits={})))


def _has_ended_without(line: BatchLine | None) -> bool:
    return line is not None and line.end in (LineEnd.EXPIRED, LineEnd.CANCELLED)


def _answered(request: BatchRequest, offset: int) -> Waiting:
    return request.waiting.model_copy(
        update={
            "state": WaitingState.ANSWERED,
            "response_offset": offset,
            "call": None,
            "skipped": (),
            "returned": None,
        }
    )


def _asker(waiting: Waiting, batch_id: str) -> Asker:
    origin = Origin(waiting.request_topic, waiting.request_partition, waiting.request_offset)
    tags = {} if waiting.call is None else orjson.loads(waiting.call.tags_json)
    return Asker(identity_of_waiting(waiting), origin, waiting.received_at_ms / 1000, tags, batch_id)


def _trace(request: BatchRequest) -> Mapping[str, str]:
    return trace_of(dict(request.original.headers))
