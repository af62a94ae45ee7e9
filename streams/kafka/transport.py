"""Faust's aiokafka transport, made so that a commit never passes a record that is still being processed.

Stock Faust commits past unfinished records: `_new_offset` looks for a hole only where more than one offset is missing,
and never on a partition without a commit; `_add_gap` acknowledges the record after a gap; a rebalance forgets what is
unfinished before it drains. Here one `OffsetTracker` a partition decides. A record counts as delivered when the
consumer hands it to the conductor, that is before it waits in any stream's queue, so neither a queue that is cleared
nor a decode error opens a hole. It counts as finished at its last acknowledgement.

What it relies on stands in `streams.kafka.pinned`; `tests/integration/test_safe_commits.py` proves the lot.
"""

import asyncio
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from time import monotonic
from types import MappingProxyType

import faust
from aiokafka.consumer.group_coordinator import GroupCoordinator
from aiokafka.errors import CommitFailedError, IllegalStateError, KafkaError
from aiokafka.protocol.group import JoinGroupRequest
from aiokafka.structs import OffsetAndMetadata, TopicPartition
from faust.transport.drivers.aiokafka import Producer, Transport
from faust.types import TP
from faust.types.transports import ConsumerCallback, PartitionsAssignedCallback, PartitionsRevokedCallback, TPorTopicSet
from faust.types.tuples import Message
from mode import Service
from mode.utils.futures import notify
from yarl import URL

from streams.kafka.batches import BatchConsumer, ReceivedRecord, Take
from streams.kafka.bookkeeping import AckSet, DiscardingMap, ForgettingMap
from streams.kafka.consumer_thread import ConsumerThread
from streams.kafka.draining import Draining, HeldByStreams
from streams.kafka.fence import HeartbeatFence, WatchedHeartbeat
from streams.kafka.offsets import OffsetTracker
from streams.ports import TopicPartition as Partition

Checkpoint = Callable[[TP, int], str | None]
"""Gives the metadata to commit with an offset; brokers take 4,096 bytes by default. None: commit nothing yet."""


def no_metadata(_tp: TP, _offset: int) -> str:
    """Commit bare offsets."""
    return ""


DRAIN_LOOK_S = 0.25
"""How often a drain looks whether it is over, though an acknowledgement makes it look at once, and a member whether
it is one still."""


class SafeConsumer(BatchConsumer):
    """Commits, for each partition, no further than the smallest offset handed over and not yet acknowledged."""

    def __init__(
        self,
        transport: "SafeTransport",
        callback: ConsumerCallback,
        on_partitions_revoked: PartitionsRevokedCallback,
        on_partitions_assigned: PartitionsAssignedCallback,
        **service: object,
    ) -> None:
        super().__init__(transport, callback, on_partitions_revoked, on_partitions_assigned, **service)
        self._work = transport.work or HeldByStreams(self)
        self._deliver = callback
        self.callback = self._hand_over
        self._trackers: defaultdict[TP, OffsetTracker] = defaultdict(OffsetTracker)
        self._held_back: set[TP] = set()
        self._handed_over = 0
        self._unacked_messages = AckSet(self._finish)
        self._acked = DiscardingMap(list)
        self._acked_index = DiscardingMap(set)
        self._read_offset = ForgettingMap()

    def _new_consumer_thread(self) -> ConsumerThread:
        return ConsumerThread(self, loop=self.loop, beacon=self.beacon)

    def span(self, tp: TP) -> int:
        """Return how many offsets of a partition a restart now would read again."""
        tracker = self._trackers.get(tp)
        return 0 if tracker is None else tracker.span()

    def lag(self, tp: TP) -> int:
        """Return how many records of the partition are not finished, as far as is known.

        Those of a transaction that is open, and what lies behind it and cannot be read yet, are among them.
        """
        end, start = self.highwater(tp), self._new_offset(tp) if tp in self._trackers else None
        if start is None:
            read_to = self._thread.read_to.get(tp)
            start = self._committed_offset.get(tp) if read_to is None else read_to.position
        return max(0, end - start) if end and start is not None else 0

    def behind_open_transaction(self, tp: TP) -> int:
        """Return how many records of the partition cannot be read before a transaction has ended."""
        end, readable = self.highwater(tp), self._thread.last_stable_offset(tp)
        return end - readable if end and readable is not None else 0

    async def has_unread(self) -> bool:
        """Ask the broker whether there are records that have not been fetched; a broker that is away says no.

        Those of partitions that are held back do not count.
        """
        if self._thread.should_stop:  # nothing answers any more
            return False
        unread: bool = await self._thread.has_unread(
            TopicPartition(*tp)
            for tp in self.assignment() - self._held_back
            if self.app.topics.acks_enabled_for(tp.topic)
        )
        return unread

    @property
    def handed_over(self) -> int:
        """How many records have been handed over since the start."""
        return self._handed_over

    @property
    def takers(self) -> Mapping[str, Take]:
        """The taker of each topic that has one."""
        takers: Mapping[str, Take] = self.transport.takers
        return takers

    def delivered(self, received: ReceivedRecord) -> None:
        """Note that a record is handed over, before it waits in any queue."""
        self._handed_over += 1
        self._tracker(received.tp, received.offset).delivered(received.offset)
        self._unacked_messages.add(received)

    def finish(self, received: ReceivedRecord) -> None:
        """Note that a record is finished, unless it is of an earlier assignment."""
        self._unacked_messages.discard(received)
        notify(self._waiting_for_ack)

    def let_be(self, received: ReceivedRecord) -> None:
        """Leave a record unfinished, and do not wait for it when draining: it will be delivered again."""
        self._unacked_messages.let_be(received)

    def hold_back(self, tp: TP) -> None:
        """Fetch no more of the partition; what has been fetched still comes.

        Faust's `pause_partitions` would lose that: its fetch loop skips fetched records of a paused partition, and the
        position has passed them.
        """
        self._held_back.add(tp)
        self._buffered_partitions.add(tp)  # else what has been fetched would be skipped here too
        self._get_active_partitions().discard(tp)

    def let_flow(self, tp: TP) -> None:
        """Fetch the partition again."""
        self._held_back.discard(tp)
        super().on_buffer_drop(tp)

    def on_buffer_drop(self, tp: TP) -> None:
        """Faust's own buffer has room again, which does not overrule `hold_back`."""
        if tp not in self._held_back:
            super().on_buffer_drop(tp)

    def resume_partitions(self, tps: Iterable[TP]) -> None:
        """Fetch the partitions again, which does not overrule `hold_back` either."""
        super().resume_partitions(tps)
        self._get_active_partitions().difference_update(self._held_back)

    def _set_active_tps(self, tps: set[TP]) -> set[TP]:
        active: set[TP] = super()._set_active_tps(tps)
        active.difference_update(self._held_back)
        return active

    async def committed_with_metadata(self, tps: Iterable[TP]) -> dict[TP, OffsetAndMetadata]:
        """Ask the group's coordinator for what is committed; a partition without a commit is left out.

        It can be awaited while partitions are being assigned. It retries while the coordinator is away.

        Raises:
            KafkaError: the coordinator refuses.
        """
        # no public call gives the metadata
        committed = await self._thread.ask(
            self._coordinator.fetch_committed_offsets([TopicPartition(*tp) for tp in tps])
        )
        return {TP(*tp): offset for tp, offset in committed.items()}

    async def perform_seek(self) -> None:
        """Go back to what is committed; the caller that wants the flow to go on has to resume it.

        What was handed over meanwhile would be cleared from the streams' queues when the flow is resumed.

        Raises:
            KafkaError: the coordinator refuses, which has ended the app: Faust might only log it, and read on.
        """
        self.stop_flow()
        try:
            await super().perform_seek()
        except KafkaError as exc:
            await self.crash(exc)
            raise

    async def on_partitions_revoked(self, revoked: set[TP]) -> None:
        """Drain, commit, then forget: what is still unfinished will be delivered again."""
        if self._is_not_a_member:  # another worker may be at these very requests
            self._work.lost()
        if self.app.should_stop:
            # Faust's own callback does nothing then: the group would go on while the drain of the stop lasts
            await self.wait_empty()
            await self.app.on_partitions_revoked.send(revoked)
        await super().on_partitions_revoked(revoked)
        self._forget()

    async def on_partitions_assigned(self, assigned: set[TP], generation_id: int = 0) -> None:
        """Start afresh: every partition is read again from its committed offset.

        The fence stays as it is until a heartbeat is answered, which goes out at once: between the coordinator's
        assignment and this moment the process may have been frozen, and its partitions be another worker's.
        """
        self._forget()
        heartbeat = self._watch_heartbeats()
        self.add_future(self._beat_at_once(heartbeat))
        self._work.assigned(Partition(*tp) for tp in assigned)
        await super().on_partitions_assigned(assigned, generation_id)

    def verify_event_path(self, now: float, tp: TP) -> None:
        """Do nothing: Faust's look at a partition only warns, and ends the app where the position is not known yet."""

    async def wait_empty(self) -> None:
        """Let the work drain, `drain_timeout_s` at most, then commit what is safe."""
        work, deadline = self._work, monotonic() + self.transport.drain_timeout_s
        work.drain()
        while work.busy() and not self.should_stop and (left := deadline - monotonic()) > 0:
            self._waiting_for_ack = self.loop.create_future()
            await asyncio.wait([self._waiting_for_ack], timeout=min(left, DRAIN_LOOK_S))
        self._waiting_for_ack = None
        if work.busy() and not self.should_stop:
            self.log.warning(
                "%d records were still unfinished after %s s; they will be delivered again.",
                len(self._unacked_messages),
                self.transport.drain_timeout_s,
            )
        # commit() does nothing while another one is under way, and that one does not know the latest acknowledgements
        await self.maybe_wait_for_commit_to_finish()
        await self.commit_and_end_transactions()

    async def _hand_over(self, message: Message) -> None:
        self._handed_over += 1
        if self.app.topics.acks_enabled_for(message.topic):
            self._tracker(message.tp, message.offset).delivered(message.offset)
        await self._deliver(message)

    def _tracker(self, tp: TP, offset: int) -> OffsetTracker:
        """Return the partition's tracker; a new one where its log has started anew below what is committed."""
        if offset < (self._committed_offset[tp] or 0):
            self.log.warning(
                "%s, partition %d, is read at offset %d although %d is committed: its log ended before that.",
                tp.topic,
                tp.partition,
                offset,
                self._committed_offset[tp],
            )
            self._committed_offset.pop(tp)
        if self._trackers[tp].has_passed(offset):
            self._trackers[tp] = OffsetTracker()
        return self._trackers[tp]

    def _finish(self, message: Message | ReceivedRecord) -> None:
        tracker = self._trackers.get(message.tp)
        # a record from before a rebalance says nothing about its second delivery
        if tracker is not None and message.generation_id == self.app.consumer_generation_id:
            tracker.finished(message.offset)

    def _forget(self) -> None:
        self._trackers.clear()
        self._unacked_messages.clear()
        self._held_back.clear()

    @property
    def _coordinator(self) -> GroupCoordinator:
        return self._thread._ensure_consumer()._coordinator  # noqa: SLF001  # the thread has no public way to it

    @property
    def _is_not_a_member(self) -> bool:
        """Whether the group has gone on without this member."""
        return bool(self._coordinator.member_id == JoinGroupRequest.UNKNOWN_MEMBER_ID)

    @Service.task  # type: ignore[untyped-decorator]  # faust is untyped
    async def _watch_coordinator(self) -> None:
        """End the app when its membership has ended: the client tells a reader, and in a rebalance there is none."""
        async for _ in self.itertimer(DRAIN_LOOK_S, name="coordinator"):
            if (error := self._thread.membership_error()) is not None:
                await self.crash(error)

    def _watch_heartbeats(self) -> WatchedHeartbeat:
        """Tell the fence of each heartbeat that the coordinator has answered; once for each coordinator."""
        coordinator = self._coordinator
        beat = coordinator._do_heartbeat  # noqa: SLF001  # aiokafka does not tell when the last one was answered
        if not isinstance(beat, WatchedHeartbeat):
            beat = coordinator._do_heartbeat = WatchedHeartbeat(beat, self.transport.fence, monotonic)  # noqa: SLF001  # same
        return beat

    async def _beat_at_once(self, heartbeat: WatchedHeartbeat) -> None:
        try:
            await self._thread.ask(heartbeat())
        except KafkaError as error:  # the client's own heartbeats go on, and it says what is wrong
            self.log.info("the first heartbeat was not answered: %r", error)

    def _filter_tps_with_pending_acks(self, topics: TPorTopicSet | None = None) -> Iterator[TP]:
        return (tp for tp in self._trackers if topics is None or tp in topics or tp.topic in topics)

    def _new_offset(self, tp: TP) -> int | None:
        tracker, read_to = self._trackers[tp], self._thread.read_to.get(tp)
        if read_to is not None and read_to.last is not None:
            tracker.read_on(read_to.last, read_to.position)
        return tracker.committable()

    async def _add_gap(self, tp: TP, offset_from: int, offset_to: int) -> None:
        """Do nothing: the tracker needs no offsets that do not exist."""

    async def _commit_offsets(self, offsets: Mapping[TP, int], start_new_transaction: bool = True) -> bool:  # noqa: FBT001, FBT002  # Faust's signature
        trackers = {tp: self._trackers.get(tp) for tp in offsets}
        committed: bool = await super()._commit_offsets(offsets, start_new_transaction)
        for tp, tracker in trackers.items():
            if not committed or self._trackers.get(tp) is not tracker:  # meanwhile its log has started anew
                self._committed_offset.pop(tp, None)
        return committed

    async def _commit(self, offsets: Mapping[TP, int]) -> bool:
        if self._thread.should_stop:  # it has crashed and will answer no call, so a stop would wait for ever
            return False
        if self._is_not_a_member:  # brokers take its commit when the group is empty, even one that goes back
            return False
        consumer = self._thread._ensure_consumer()  # noqa: SLF001  # the thread has no public way to it
        with_metadata = {
            TopicPartition(*tp): OffsetAndMetadata(offset, metadata)
            for tp, offset in offsets.items()
            if (metadata := self.transport.checkpoint(tp, offset)) is not None
        }
        if not with_metadata:
            return True
        try:
            await self._thread.call_thread(consumer.commit, with_metadata)
        except (CommitFailedError, IllegalStateError) as exc:
            self.log.info("The group rebalanced before the commit: %s", exc)
            return False
        except KafkaError as exc:
            await self.crash(exc)
            return False
        self._thread.tp_last_committed_at.update(dict.fromkeys(offsets, monotonic()))
        return True


class IdempotentProducer(Producer):  # type: ignore[misc]  # faust is untyped
    """Lets the broker drop a batch that a retry sends twice; linger and batch size come from Faust's settings."""

    def _settings_extra(self) -> Mapping[str, str | bool]:
        return {"acks": "all", "enable_idempotence": self.transport.idempotent}


class SafeTransport(Transport):  # type: ignore[misc]  # faust is untyped
    """Makes the consumer and the producer above; assign it to `app.transport` before the first agent is declared."""

    Consumer = SafeConsumer
    Producer = IdempotentProducer

    def __init__(  # noqa: PLR0913 - one composition root calls it, by name
        self,
        url: list[URL],
        app: faust.App,
        *,
        checkpoint: Checkpoint = no_metadata,
        drain_timeout_s: float = 30.0,
        idempotent: bool = True,
        work: Draining | None = None,
        fence: HeartbeatFence | None = None,
        takers: Mapping[str, Take] = MappingProxyType({}),
    ) -> None:
        """Take the brokers (`app.conf.broker`) and what the consumer and the producer need.

        Args:
            url: the brokers.
            app: the app that the transport serves.
            checkpoint: called in the app's event loop with each offset that is about to be committed.
            drain_timeout_s: how long a rebalance or a stop waits for unfinished records, in seconds. Keep it below
                `broker_rebalance_timeout`, or the group goes on without this member.
            idempotent: off for a broker that knows no producer ids.
            work: what drains; by default whatever streams hold.
            fence: is told of heartbeats that were answered.
            takers: of each topic whose records go past Faust's streams, what takes them. Topics are subscribed to by an
                agent all the same.
        """
        super().__init__(url, app)
        self.checkpoint = checkpoint
        self.drain_timeout_s = drain_timeout_s
        self.idempotent = idempotent
        self.work = work
        self.takers = takers
        self.fence = fence or HeartbeatFence(app.conf.broker_session_timeout, monotonic)
