"""Follows how the batch lanes of all models stand, for whoever decides which requests wait."""

from router.batches.late import LateBatches
from schemas.batch_lanes import BatchLane
from streams.control.following import changes
from streams.internal_records import read_internal
from streams.ports import Clock, LogReader


async def follow_late_batches(late: LateBatches, reader: LogReader, topic: str, clock: Clock) -> None:
    """Read the topic from its beginning and for ever, without a group."""
    async for batch in changes(reader, topic):
        for _, value in batch:
            if (lane := read_internal(BatchLane, value, topic, clock(), lambda told: told.as_of)) is not None:
                late.follow(lane)
