"""A member of a consumer group: joins, beats, reads what it is assigned, and commits no further than what is finished.

It does what Turnout's Kafka edge does: a rebalance drains, commits and lets go before it joins again, a member that the
group has expelled learns it by its next heartbeat, and a commit carries the metadata that the work gives.
"""

import asyncio
from asyncio import Task
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from aiokafka.errors import KafkaTimeoutError

from streams.codec import Delivery
from streams.kafka.fence import HeartbeatFence
from streams.kafka.offsets import OffsetTracker
from streams.ports import Received, TopicPartition
from tests.fakes.broker import Broker
from tests.fakes.groups import Assignment, Beat, Group
from tests.fakes.link import Link
from tests.fakes.log import arrival

BEATS = 5
"""Heartbeats in a session timeout."""
POLL_S = 1.0
POLLED_RECORDS = 500
LOOK_EVERY_S = 0.25


class Owner(Protocol):
    """What a member reads for."""

    async def assigned(self, partitions: tuple[TopicPartition, ...]) -> None:
        """Get ready; records come when this returns."""

    def ingest(self, batch: Sequence[Received]) -> None:
        """Take records of one partition, in order."""

    def checkpoint(self, partition: TopicPartition, offset: int) -> str | None:
        """Return the metadata to commit, or None to commit nothing."""

    def drain(self) -> None:
        """Start nothing more."""

    def busy(self) -> bool:
        """Say whether a drain has something to wait for."""

    def lost(self) -> None:
        """Give up at once."""

    async def revoked(self, partitions: tuple[TopicPartition, ...]) -> None:
        """Let go."""


@dataclass(frozen=True, slots=True)
class Rhythm:
    """How a member behaves, in seconds."""

    session_s: float
    drain_s: float
    rebalance_s: float
    commit_s: float


class MemoryReceived:
    """A record that was handed over under a generation."""

    __slots__ = ("_consumer", "_generation", "delivery")

    def __init__(self, delivery: Delivery, generation: int, consumer: "GroupConsumer") -> None:
        self.delivery = delivery
        self._generation = generation
        self._consumer = consumer

    @property
    def is_current(self) -> bool:
        """Whether it was handed over under the present assignment."""
        return self._generation == self._consumer.generation

    def acknowledge(self) -> None:
        """Finish it."""
        self._consumer.finish(self)

    def let_be(self) -> None:
        """Leave it unfinished."""
        self._consumer.unfinished.pop(self, None)


class GroupConsumer:
    """One member of a group, in its process."""

    def __init__(
        self, broker: Broker, link: Link, group: Group, name: str, fence: HeartbeatFence, rhythm: Rhythm
    ) -> None:
        self.fence = fence
        self.generation = 0
        self.trackers: defaultdict[TopicPartition, OffsetTracker] = defaultdict(OffsetTracker)
        self.unfinished: dict[MemoryReceived, None] = {}
        self.positions: dict[TopicPartition, int] = {}
        self.held_back: set[TopicPartition] = set()
        self.handed_over = 0
        self._broker = broker
        self._link = link
        self._group = group
        self._name = name
        self._rhythm = rhythm
        self._member: str | None = None
        self._committed: dict[TopicPartition, int] = {}
        self._committing = asyncio.Lock()
        self._rejoin = asyncio.Event()
        self._progress = asyncio.Event()
        self._stopping = False
        self._running: Task[None] | None = None

    def start(self, owner: Owner) -> None:
        """Join, and take part until `stop`."""
        self._running = asyncio.create_task(self._run(owner))

    async def stop(self) -> None:
        """Drain, commit, leave."""
        self._stopping = True
        self._rejoin.set()
        if self._running is not None:
            await self._running

    async def broken(self) -> None:
        """Wait until it has stopped, or has failed.

        Raises:
            Exception: why it has failed.
        """
        assert self._running is not None
        await asyncio.shield(self._running)

    def finish(self, received: MemoryReceived) -> None:
        """Take in an acknowledgement; one of before a rebalance says nothing about the second delivery."""
        self.unfinished.pop(received, None)
        if received.is_current:
            origin = received.delivery.origin
            tracker = self.trackers.get(TopicPartition(origin.topic, origin.partition))
            if tracker is not None:
                tracker.finished(origin.offset)
        self._progress.set()

    async def committed(self, tp: TopicPartition) -> tuple[int, str] | None:
        """Ask the coordinator for the offset and metadata that are committed."""
        await self._reach()
        found = self._group.committed.get(tp)
        return None if found is None else (found.offset, found.metadata)

    async def _run(self, owner: Owner) -> None:
        while not self._stopping:
            joined = await self._join()
            if not self._stopping:
                self._rejoin.clear()
            self._member, self.generation = joined.member, joined.generation
            self._forget()
            reading = asyncio.create_task(self._read(joined, owner))
            beside = [
                asyncio.create_task(self._beat(joined)),
                asyncio.create_task(self._commit_now_and_then(owner)),
                asyncio.create_task(self._rejoin.wait()),
            ]
            await asyncio.wait([reading, beside[-1]], return_when=asyncio.FIRST_COMPLETED)
            await _end(reading)
            await self._give_up(joined, owner)  # meanwhile it beats, and commits
            await _end(*beside)
        if self._member is not None:
            self._group.leave(self._member)

    async def _join(self) -> Assignment:
        """Join, and ask for what is assigned, as Kafka has it: whatever froze in between is told to join again."""
        rhythm = self._rhythm
        while True:
            try:
                await self._link.pass_over()
                joined = await self._group.join(self._member, self._name, rhythm.session_s, rhythm.rebalance_s)
                await self._link.pass_over()
                sent_s = self._link.loop.time()
                await self._link.pass_over()
                has_synced = self._group.sync(joined.member, joined.generation)
                await self._link.pass_over()
            except TimeoutError:
                continue
            if has_synced:
                self.fence.renew(sent_s)
                return joined

    async def _beat(self, joined: Assignment) -> None:
        while True:
            await asyncio.sleep(self._rhythm.session_s / BEATS)
            sent_s = self._link.loop.time()
            try:
                await self._link.pass_over()
                beat = self._group.heartbeat(joined.member, joined.generation)
                await self._link.pass_over()
            except TimeoutError:
                continue
            if beat is Beat.UNKNOWN:
                self._member = None
                self._rejoin.set()
                return
            self.fence.renew(sent_s)
            if beat is Beat.REBALANCE:
                self._rejoin.set()

    async def _read(self, joined: Assignment, owner: Owner) -> None:
        await owner.assigned(joined.partitions)
        for tp in joined.partitions:
            committed = await self._patiently_committed(tp)
            self.positions[tp] = self._broker.partition(tp).begin if committed is None else committed[0]
            if committed is not None:
                self._committed[tp] = committed[0]
        while True:
            if await arrival(self._broker, self._link, self._flowing(), POLL_S):
                self._hand_over(self._broker.read(self._flowing(), POLLED_RECORDS), owner)

    def _flowing(self) -> dict[TopicPartition, int]:
        return {tp: offset for tp, offset in self.positions.items() if tp not in self.held_back}

    def _hand_over(self, records: Sequence[Delivery], owner: Owner) -> None:
        batches: defaultdict[TopicPartition, list[MemoryReceived]] = defaultdict(list)
        for record in records:
            tp = TopicPartition(record.origin.topic, record.origin.partition)
            received = MemoryReceived(record, self.generation, self)
            batches[tp].append(received)
            self.positions[tp] = record.origin.offset + 1
            self.trackers[tp].delivered(record.origin.offset)
            self.unfinished[received] = None
            self.handed_over += 1
        for batch in batches.values():
            owner.ingest(batch)

    async def _commit_now_and_then(self, owner: Owner) -> None:
        while True:
            await asyncio.sleep(self._rhythm.commit_s)
            await self._commit(owner.checkpoint)

    async def _commit(self, checkpoint: Callable[[TopicPartition, int], str | None]) -> None:
        async with self._committing:
            offsets = {
                tp: (offset, metadata)
                for tp, tracker in self.trackers.items()
                if (offset := tracker.committable()) is not None
                and offset != self._committed.get(tp)
                and (metadata := checkpoint(tp, offset)) is not None
            }
            if not offsets or self._member is None:
                return
            member, generation = self._member, self.generation
            try:
                await self._link.pass_over()
                accepted = self._group.commit(member, generation, offsets)
                await self._link.pass_over()
            except TimeoutError:
                return
            if accepted:
                self._committed.update({tp: offset for tp, (offset, _) in offsets.items()})

    async def _give_up(self, joined: Assignment, owner: Owner) -> None:
        if self._member is None:
            owner.lost()
        owner.drain()
        until_s = self._link.loop.time() + self._rhythm.drain_s
        while owner.busy() and (left_s := until_s - self._link.loop.time()) > 0:
            self._progress.clear()
            try:
                async with asyncio.timeout(min(left_s, LOOK_EVERY_S)):
                    await self._progress.wait()
            except TimeoutError:
                pass
        await self._commit(owner.checkpoint)
        await owner.revoked(joined.partitions)
        self._forget()

    def _forget(self) -> None:
        self.trackers.clear()
        self.unfinished.clear()
        self.positions.clear()
        self.held_back.clear()
        self._committed.clear()

    async def _patiently_committed(self, tp: TopicPartition) -> tuple[int, str] | None:
        while True:
            try:
                return await self.committed(tp)
            except KafkaTimeoutError:
                continue

    async def _reach(self) -> None:
        try:
            await self._link.pass_over()
            await self._link.pass_over()
        except TimeoutError:
            raise KafkaTimeoutError("the group's coordinator cannot be reached") from None


async def _end(*tasks: Task[Any]) -> None:
    """Cancel them, and raise why one has failed."""
    for task in tasks:
        task.cancel()
    for result in await asyncio.gather(*tasks, return_exceptions=True):
        if isinstance(result, Exception):
            raise result
