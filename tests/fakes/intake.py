"""`streams.ports.Intake` over a `GroupConsumer`: requests, partition by partition."""

from streams.ports import TopicPartition, Work
from tests.fakes.broker import Broker
from tests.fakes.consumer import GroupConsumer


class _Requests:
    """What the consumer tells, for the work."""

    def __init__(self, work: Work) -> None:
        self.ingest = work.ingest
        self.checkpoint = work.checkpoint
        self.drain = work.drain
        self.busy = work.busy
        self.lost = work.lost
        self.revoked = work.let_go
        self._work = work

    async def assigned(self, partitions: tuple[TopicPartition, ...]) -> None:
        self._work.assigned(partitions)


class MemoryIntake:
    """Hands requests over and commits what is finished."""

    def __init__(self, broker: Broker, consumer: GroupConsumer) -> None:
        self._broker = broker
        self._consumer = consumer

    async def start(self, work: Work) -> None:
        """Join."""
        self._consumer.start(_Requests(work))

    async def stop(self) -> None:
        """Drain, commit, leave."""
        await self._consumer.stop()

    async def broken(self) -> None:
        """Wait until it has stopped, or cannot go on."""
        await self._consumer.broken()

    def hold_back(self, partition: TopicPartition) -> None:
        """Fetch no more of it."""
        self._consumer.held_back.add(partition)

    def let_flow(self, partition: TopicPartition) -> None:
        """Fetch it again."""
        self._consumer.held_back.discard(partition)

    def span(self, partition: TopicPartition) -> int:
        """Return how many offsets a restart now would read again."""
        tracker = self._consumer.trackers.get(partition)
        return 0 if tracker is None else tracker.span()

    def lag(self, partition: TopicPartition) -> int:
        """Return how many records are not finished."""
        tracker = self._consumer.trackers.get(partition)
        finished = None if tracker is None else tracker.committable()
        start = self._consumer.positions.get(partition) if finished is None else finished
        return 0 if start is None else self._broker.partition(partition).end - start

    def behind_open_transaction(self, partition: TopicPartition) -> int:  # noqa: ARG002  # this broker has none
        """Return how many records a transaction keeps from being read."""
        return 0

    async def committed_metadata(self, partition: TopicPartition) -> str | None:
        """Return what was committed with the partition's offset."""
        committed = await self._consumer.committed(partition)
        return None if committed is None else committed[1]

    @property
    def handed_over(self) -> int:
        """How many records have been handed over."""
        return self._consumer.handed_over

    async def has_unread(self) -> bool:
        """Say whether there are records that have not been fetched."""
        return self._broker.has_news(self._consumer.positions)
