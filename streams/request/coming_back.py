"""Follows how the requests of the batch lane stand, and gives those that came back to the pump.

One reader follows the partitions of `llm.waiting.v1` whose requests this worker serves, each from where its recovery
ended. A request that came back is read again from `llm.batch-requests.v1`, the nearest deadline first, as many at a
time as the pump has room for; its place among them is not held by an offset, but by what the topic says until it is
answered.
"""

import asyncio
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice

import structlog
from aiokafka.errors import KafkaError

from streams.batch_requests import read_batch_request
from streams.codec import Delivery
from streams.ports import Log, LogReader, TopicPartition
from streams.request.overtaken import OvertakenRequests
from streams.request.partition_state import PartitionState
from streams.request.reader import ParsedRequest, RequestReader
from streams.request.recovery import follow
from streams.request.waiting_ids import CameBack

log = structlog.get_logger()

LOOK_S = 0.2
"""How often to look for other partitions, and for room."""
AWAY_S = 1.0
RECORDS_A_READ = 500
AT_ONCE = 100
"""Requests whose bodies are read together."""


@dataclass(frozen=True, slots=True)
class GivenBack:
    """A request that came back: what the pump acknowledges has no offset."""

    delivery: Delivery
    is_current: bool = True

    def acknowledge(self) -> None:
        """Do nothing: `llm.waiting.v1` says that it is finished."""

    def let_be(self) -> None:
        """Do nothing: it is found there again."""


@dataclass(frozen=True, slots=True)
class ComingBack:
    """What came back to the partitions of one worker."""

    log: Log
    waiting_topic: str
    batch_topic: str
    reader: RequestReader
    states: Callable[[], Mapping[TopicPartition, PartitionState]]
    """Of the requests partitions whose recovery is over."""
    has_room: Callable[[], bool]
    give: Callable[[ParsedRequest, TopicPartition], bool]
    """Takes a request for its end; says whether it has."""
    overtaken: OvertakenRequests

    async def run(self) -> None:
        """Follow, for ever."""
        while True:
            try:
                async with self.log.reader() as waiting, self.log.reader() as bodies:
                    await self._run(waiting, bodies)
            except (KafkaError, TimeoutError) as error:
                log.warning("the batch lane is not followed for now", error=str(error) or type(error).__name__)
                await asyncio.sleep(AWAY_S)

    async def _run(self, waiting: LogReader, bodies: LogReader) -> None:
        followed: dict[TopicPartition, PartitionState] = {}
        while True:
            states = {TopicPartition(self.waiting_topic, tp.partition): state for tp, state in self.states().items()}
            if states != followed:
                followed = states
                waiting.assign(list(followed))
                for tp, state in followed.items():
                    waiting.seek(tp, state.waiting.end)
            if followed:
                for record in await waiting.read(timeout_s=LOOK_S, most=RECORDS_A_READ):
                    follow(followed[TopicPartition(record.origin.topic, record.origin.partition)], record)
            else:
                await asyncio.sleep(LOOK_S)
            for tp, state in self.states().items():
                await self._give(tp, state, bodies)
            for tp, state in self.states().items():
                await self.overtaken.tell(tp.partition, state)

    async def _give(self, tp: TopicPartition, state: PartitionState, bodies: LogReader) -> None:
        while self.has_room() and (came_back := list(islice(state.waiting.next_back(), AT_ONCE))):
            found = await self._bodies(came_back, bodies)
            for one in came_back:
                place = one.returned.partition, one.returned.offset
                parsed = self._parsed(found.get(place), one)
                if parsed is None:
                    log.error("a request that came back is not to be found: it is looked for again", place=place)
                if parsed is None or not self.give(parsed, tp):
                    state.waiting.back_again(one)
            if not found:
                return

    def _parsed(self, record: Delivery | None, came_back: CameBack) -> ParsedRequest | None:
        request = None if record is None else read_batch_request(record)
        return None if request is None else self.reader.came_back(request, came_back.returned)

    async def _bodies(self, came_back: Iterable[CameBack], reader: LogReader) -> Mapping[tuple[int, int], Delivery]:
        offsets: defaultdict[int, list[int]] = defaultdict(list)
        for one in came_back:
            offsets[one.returned.partition].append(one.returned.offset)
        found: dict[tuple[int, int], Delivery] = {}
        for partition, wanted in offsets.items():
            tp = TopicPartition(self.batch_topic, partition)
            reader.assign([tp])
            for offset in sorted(wanted):
                if (partition, offset) not in found:
                    reader.seek(tp, offset)
                    records = await reader.read(tp, timeout_s=AWAY_S, most=AT_ONCE)
                    found |= _wanted(records, partition, wanted)
        return found


def _wanted(records: Sequence[Delivery], partition: int, wanted: Sequence[int]) -> dict[tuple[int, int], Delivery]:
    return {
        (partition, record.origin.offset): record for record in records if record.origin.offset in frozenset(wanted)
    }
