"""The lines of a batch, written to a file from the requests' records: their size is told before they are sent."""

from dataclasses import dataclass

import structlog

from router.batches.batch import BatchInput, BatchQueue
from router.batches.members import Members, mask_of, places_in
from router.batches.names import custom_id_of
from router.batches.stages import Batch
from router.dialects.dialect import Untranslatable
from streams.batch_requests import read_batch_request
from streams.codec import Unreadable, read_record
from streams.control.batch_parts import BatchParts
from streams.control.batch_spool import Spool

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Lines:
    """What is sent, as long as it may be sent again."""

    asked: int
    """The mask of those that were to be in it."""
    who: int
    """Of those that are."""
    spool: Spool
    input: BatchInput


async def lines_of(parts: BatchParts, queue: BatchQueue, batch: Batch, members: Members, who: int) -> Lines:
    """Write the lines of these to a file. What cannot be asked in a batch is left out, and has no result then.

    Raises:
        KafkaError: records cannot be read.
        OSError: the file cannot be written.
    """
    spool, written = Spool(batch.count), list[int]()
    offsets = [members.offsets[place] for place in places_in(who)]
    try:
        async with parts.records.at(batch.partition, offsets) as records:
            async for record in records:
                place, request = members.place_of(record.origin.offset), read_batch_request(record)
                if place is None or request is None:
                    continue
                reading = read_record(request.original, parts.max_request_bytes)
                if isinstance(reading, Unreadable):
                    continue
                custom_id = custom_id_of(batch.our_id, place)
                try:
                    line = parts.provider.line(queue, custom_id, reading, request.waiting.max_tokens)
                except (Untranslatable, ValueError) as error:
                    log.warning("a request cannot be asked in a batch", record=str(record.origin), error=str(error))
                    continue
                spool.write(place, line)
                written.append(place)
    except BaseException:
        spool.close()
        raise
    return Lines(who, mask_of(written), spool, BatchInput(spool.contents, len(written), spool.size_bytes))
