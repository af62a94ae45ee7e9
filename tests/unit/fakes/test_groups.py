import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from random import Random

from streams.kafka.fence import HeartbeatFence
from streams.ports import Received, Record, TopicPartition
from tests.fakes.broker import Broker, partitions_of
from tests.fakes.consumer import GroupConsumer, Rhythm
from tests.fakes.groups import Group, by_weight
from tests.fakes.link import Link
from tests.fakes.loop import Process, VirtualLoop, in_virtual_time

RHYTHM = Rhythm(session_s=10, drain_s=5, rebalance_s=20, commit_s=1)
TPS = partitions_of("t", range(4))


@dataclass
class Reads:
    """What a member is told, in order; it acknowledges only what it is asked to."""

    told: list[str] = field(default_factory=list)
    received: list[Received] = field(default_factory=list)
    partitions: tuple[TopicPartition, ...] = ()
    is_busy: bool = False

    async def assigned(self, partitions: tuple[TopicPartition, ...]) -> None:
        self.partitions = partitions
        self.told.append("assigned")

    def ingest(self, batch: Sequence[Received]) -> None:
        self.received += batch

    def checkpoint(self, _partition: TopicPartition, offset: int) -> str | None:
        return f"at {offset}"

    def drain(self) -> None:
        self.told.append("drain")

    def busy(self) -> bool:
        return self.is_busy

    def lost(self) -> None:
        self.told.append("lost")

    async def revoked(self, _partitions: tuple[TopicPartition, ...]) -> None:
        self.told.append("revoked")

    def acknowledge(self, *offsets: int) -> None:
        for received in self.received:
            if received.delivery.origin.offset in offsets:
                received.acknowledge()


class Scene:
    def __init__(self, loop: VirtualLoop) -> None:
        self.loop = loop
        self.broker = Broker(loop)
        self.broker.create("t", len(TPS))
        self.group = Group(loop, TPS)
        self.links: dict[str, Link] = {}
        self.fences: dict[str, HeartbeatFence] = {}
        self.consumers: dict[str, GroupConsumer] = {}

    def join(self, name: str) -> Reads:
        process, reads = Process(self.loop, name), Reads()
        self.links[name] = Link(self.loop, process, Random(len(self.links)))  # noqa: S311 - a test's dice
        fence = self.fences[name] = HeartbeatFence(RHYTHM.session_s, self.loop.time)
        consumer = GroupConsumer(self.broker, self.links[name], self.group, name, fence, RHYTHM)
        self.consumers[name] = consumer
        process.run(consumer.start, reads)
        return reads

    def publish(self, records: int = 1, partition: int = 0) -> None:
        for _ in range(records):
            self.broker.append(Record("t", b"x", None, [], partition))


def test_members_share_the_partitions_and_a_new_one_makes_the_others_give_up_first() -> None:
    async def main(loop: VirtualLoop) -> None:
        scene = Scene(loop)
        first = scene.join("w1")
        await asyncio.sleep(5)
        assert first.partitions == TPS
        second = scene.join("w2")
        await asyncio.sleep(5)
        assert first.told == ["assigned", "drain", "revoked", "assigned"]
        assert sorted((*first.partitions, *second.partitions)) == sorted(TPS)
        assert len(first.partitions) == len(second.partitions)

    in_virtual_time(main)


def test_a_commit_passes_no_unfinished_record_and_carries_its_metadata() -> None:
    async def main(loop: VirtualLoop) -> None:
        scene = Scene(loop)
        reads = scene.join("w1")
        scene.publish(4)
        await asyncio.sleep(3)
        reads.acknowledge(0, 2, 3)
        await asyncio.sleep(3)
        committed = scene.group.committed[TPS[0]]
        assert (committed.offset, committed.metadata) == (1, "at 1")

    in_virtual_time(main)


def test_a_killed_member_is_missed_after_its_session_and_its_heir_reads_from_the_commit() -> None:
    async def main(loop: VirtualLoop) -> None:
        scene = Scene(loop)
        first, second = scene.join("w1"), scene.join("w2")
        await asyncio.sleep(5)
        owner, heir = (first, second) if TPS[0] in first.partitions else (second, first)
        scene.publish(3)
        await asyncio.sleep(1)
        owner.acknowledge(0)
        await asyncio.sleep(2)
        scene.links["w1" if owner is first else "w2"].process.kill()
        await asyncio.sleep(RHYTHM.session_s + 5)
        assert heir.partitions == TPS
        assert [received.delivery.origin.offset for received in heir.received] == [1, 2]

    in_virtual_time(main)


def test_a_member_that_was_frozen_past_its_session_commits_nothing_more_and_hears_that_it_has_lost() -> None:
    async def main(loop: VirtualLoop) -> None:
        scene = Scene(loop)
        first = scene.join("w1")
        scene.publish(2)
        await asyncio.sleep(3)
        scene.join("w2")
        await asyncio.sleep(3)
        process = scene.links["w1"].process
        process.freeze()
        await asyncio.sleep(1)
        first.acknowledge(0, 1)
        await asyncio.sleep(RHYTHM.session_s + 5)
        before = list(scene.group.history)
        assert not scene.fences["w1"].is_open()
        process.thaw()
        await asyncio.sleep(0)
        assert not scene.fences["w1"].is_open()
        await asyncio.sleep(10)
        assert "lost" in first.told
        assert scene.fences["w1"].is_open()
        late = scene.group.history[len(before) :]
        assert all(commit.offset > 0 for commit in late)

    in_virtual_time(main)


def test_a_drain_waits_for_what_is_busy_and_no_longer_than_it_may() -> None:
    async def main(loop: VirtualLoop) -> float:
        scene = Scene(loop)
        reads = scene.join("w1")
        reads.is_busy = True
        await asyncio.sleep(5)
        began_s = loop.time()
        await scene.consumers["w1"].stop()
        return loop.time() - began_s

    assert RHYTHM.drain_s <= in_virtual_time(main) < RHYTHM.drain_s + 1


def test_a_record_that_is_delivered_again_after_a_rebalance_is_not_finished_by_its_first_acknowledgement() -> None:
    async def main(loop: VirtualLoop) -> None:
        scene = Scene(loop)
        reads = scene.join("w1")
        scene.publish(1)
        await asyncio.sleep(3)
        (early,) = reads.received
        other = scene.join("w2")
        await asyncio.sleep(5)
        await scene.consumers["w2"].stop()
        await asyncio.sleep(5)
        assert other.told[-1] == "revoked"
        assert not early.is_current
        early.acknowledge()
        await asyncio.sleep(3)
        assert scene.group.committed.get(TPS[0]) is None or scene.group.committed[TPS[0]].offset == 0
        again = [received for received in (*reads.received, *other.received) if received.is_current]
        assert [received.delivery.origin.offset for received in again] == [0]

    in_virtual_time(main)


def test_a_member_that_freezes_while_it_joins_takes_up_no_assignment_of_before() -> None:
    async def main(loop: VirtualLoop) -> None:
        scene = Scene(loop)
        first = scene.join("w1")
        first.is_busy = True
        await asyncio.sleep(5)
        scene.join("w2")
        await asyncio.sleep(1)
        scene.links["w2"].process.freeze()
        first.is_busy = False
        await asyncio.sleep(3 * RHYTHM.session_s)
        assert first.partitions == TPS
        scene.links["w2"].process.thaw()
        await asyncio.sleep(0.1)
        assert not scene.fences["w2"].is_open()

    in_virtual_time(main)


def test_what_a_member_has_by_weight_stays_with_it_while_that_is_fair() -> None:
    async def main(loop: VirtualLoop) -> None:
        scene = Scene(loop)
        scene.group.assign = by_weight({})
        second = scene.join("w2")
        await asyncio.sleep(5)
        assert second.partitions == TPS
        first = scene.join("w1")
        await asyncio.sleep(5)
        assert (second.partitions, first.partitions) == (TPS[:2], TPS[2:])
        await scene.consumers["w2"].stop()
        await asyncio.sleep(5)
        assert first.partitions == TPS

    in_virtual_time(main)


def test_a_member_that_is_stopped_while_it_joins_leaves() -> None:
    async def main(loop: VirtualLoop) -> None:
        scene = Scene(loop)
        scene.join("w1")
        await asyncio.sleep(0)
        async with asyncio.timeout(10):
            await scene.consumers["w1"].stop()
        assert not scene.group.assignments

    in_virtual_time(main)


def test_a_member_that_freezes_between_its_assignment_and_its_first_heartbeat_may_not_write_when_it_thaws() -> None:
    async def main(loop: VirtualLoop) -> None:
        scene = Scene(loop)
        first, process = scene.join("w1"), scene.links["w1"].process
        heard = first.assigned

        async def assigned(partitions: tuple[TopicPartition, ...]) -> None:
            loop.in_the_world(0, process.freeze)
            await heard(partitions)

        first.assigned = assigned  # type: ignore[method-assign]
        await asyncio.sleep(1)
        assert first.partitions == TPS
        other = scene.join("w2")
        await asyncio.sleep(3 * RHYTHM.session_s)
        assert other.partitions == TPS, "what it was assigned is another's"
        process.thaw()
        await asyncio.sleep(0)
        assert not scene.fences["w1"].is_open()
        await asyncio.sleep(5)
        assert "lost" in first.told

    in_virtual_time(main)
