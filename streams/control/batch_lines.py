"""The lines of a batch, written to a file from the requests' records: their size is told before they are sent."""

import asyncio
from dataclasses import dataclass

import structlog

from router.batches.batch import BatchInput, BatchQueue
from router.batches.members import Members, mask_of, places_in
from router.batches.names import custom_id_of
from router.batches.stages import Batch
from router.caching.answers import wish_of_waiting
from router.caching.key import key_of_waiting
from router.dialects.dialect import Untranslatable
from schemas.waiting import Waiting
from streams.batch_requests import BatchRequest, read_batch_request
from streams.codec import Unreadable, read_record
from streams.control.batch_parts import BatchParts
from streams.control.batch_spool import Spool

log = structlog.get_logger()

RECORDS_A_TURN = 16
"""Requests whose lines are written in one turn of the event loop."""


@dataclass(frozen=True, slots=True)
class Lines:
    """What is sent, as long as it may be sent again."""

    asked: int
    """The mask of those that were to be in it."""
    who: int
    """Of those that are."""
    shared: int
    """Of those that have none of their own: an earlier line asks the same, and both requests ask for the cache."""
    known: int
    """Of those whose answer the cache has by now."""
    spool: Spool
    input: BatchInput


class _Questions:
    """Which requests need no line of their own, since they ask for the cache."""

    def __init__(self, parts: BatchParts) -> None:
        self._parts = parts
        self._asked: set[str] = set()
        self.shared: list[int] = []
        self.known: list[int] = []

    async def needs_a_line(self, place: int, waiting: Waiting) -> bool:
        wish, key = wish_of_waiting(waiting), key_of_waiting(waiting)
        if wish is None or key is None:
            return True
        tenant = self._parts.catalogue.tenants.get(waiting.tenant)
        stored, _ = await self._parts.kept.look(key, tenant, wish)  # counted where it is answered
        if stored is not None:
            self.known.append(place)
        elif key in self._asked:
            self.shared.append(place)
        else:
            self._asked.add(key)
            return True
        return False


async def lines_of(
    parts: BatchParts, queue: BatchQueue, batch: Batch, members: Members, who: int, *, is_new: bool
) -> Lines:
    """Write the lines of these to a file. What cannot be asked in a batch is left out, and has no result then.

    Args:
        parts: what the collector works with.
        queue: where they are sent.
        batch: theirs.
        members: all of it.
        who: the mask of those that are to be in it.
        is_new: whether it was never sent: then what the answer cache makes needless is left out, too.

    Raises:
        KafkaError: records cannot be read.
        OSError: the file cannot be written.
    """
    spool, written, questions = Spool(batch.count), list[int](), _Questions(parts)
    offsets = [members.offsets[place] for place in places_in(who)]
    try:
        async with parts.records.at(batch.partition, offsets) as records:
            async for record in records:
                if record.origin.offset % RECORDS_A_TURN == 0:
                    await asyncio.sleep(0)
                place, request = members.place_of(record.origin.offset), read_batch_request(record)
                if place is None or request is None:
                    continue
                line = _line(parts, queue, custom_id_of(batch.our_id, place), request)
                if line is None or (is_new and not await questions.needs_a_line(place, request.waiting)):
                    continue
                spool.write(place, line)
                written.append(place)
    except BaseException:
        spool.close()
        raise
    lines = BatchInput(spool.contents, len(written), spool.size_bytes)
    return Lines(who, mask_of(written), mask_of(questions.shared), mask_of(questions.known), spool, lines)


def _line(parts: BatchParts, queue: BatchQueue, custom_id: str, request: BatchRequest) -> bytes | None:
    reading = read_record(request.original, parts.max_request_bytes)
    if isinstance(reading, Unreadable):
        return None
    try:
        return parts.provider.line(queue, custom_id, reading, request.waiting.max_tokens)
    except (Untranslatable, ValueError) as error:
        log.warning("a request cannot be asked in a batch", record=str(request.place), error=str(error))
        return None
