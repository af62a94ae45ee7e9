"""The requests topic by Faust: an app that assigns, fetches and commits. Its agent subscribes; records go past it."""

import faust
from faust.types import TP

from schemas.topics import Topic
from streams.config.settings import Settings
from streams.kafka.faust_app import faust_app, subscribe
from streams.kafka.fence import HeartbeatFence
from streams.kafka.transport import SafeConsumer, SafeTransport
from streams.ports import TopicPartition, Work

POLLED_RECORDS = 500
"""What one look at the consumer brings at most. A partition that is held back still delivers what was brought."""
REBALANCE_MARGIN_S = 30.0


class FaustIntake:
    """Requests as `streams.ports.Intake` describes."""

    def __init__(self, settings: Settings, fence: HeartbeatFence) -> None:
        """Take the settings, and the fence that is told of answered heartbeats."""
        self._settings = settings
        self._fence = fence
        self._app = faust_app(
            settings,
            settings.drain_s + REBALANCE_MARGIN_S,
            broker_max_poll_interval=settings.drain_s + 10 * REBALANCE_MARGIN_S,
            broker_max_poll_records=POLLED_RECORDS,
        )

    async def start(self, work: Work) -> None:
        """Join the group and hand its records to this work."""
        app, settings = self._app, self._settings
        topic = settings.topic(Topic.REQUESTS)
        app.transport = SafeTransport(
            app.conf.broker,
            app,
            checkpoint=lambda tp, offset: work.checkpoint(TopicPartition(*tp), offset),
            drain_timeout_s=settings.drain_s,
            idempotent=settings.idempotence,
            work=work,
            fence=self._fence,
            takers={topic: work.ingest},
        )
        subscribe(app, topic, "turnout.pump")

        @app.on_partitions_revoked.connect  # type: ignore[untyped-decorator]  # faust is untyped
        async def revoked(_app: faust.App, revoked: set[TP], **_signal: object) -> None:
            await work.let_go(TopicPartition(*tp) for tp in revoked)

        await app.start()
        app.sensors.remove(app.monitor)  # Faust's own statistics at every record, which are not read

    async def stop(self) -> None:
        """Drain, commit, leave."""
        await self._app.stop()

    async def broken(self) -> None:
        """Wait until the app has stopped.

        Raises:
            Exception: why it has crashed, if it has.
        """
        await self._app.wait_until_stopped()
        if self._app.crashed:
            raise self._app.crash_reason or RuntimeError("the Faust app has crashed")

    def hold_back(self, partition: TopicPartition) -> None:
        """Fetch no more of the partition; what has been fetched is still handed over."""
        self._consumer.hold_back(TP(*partition))

    def let_flow(self, partition: TopicPartition) -> None:
        """Fetch the partition again."""
        self._consumer.let_flow(TP(*partition))

    def span(self, partition: TopicPartition) -> int:
        """Return how many offsets of the partition a restart now would read again."""
        return self._consumer.span(TP(*partition))

    def lag(self, partition: TopicPartition) -> int:
        """Return how many records of the partition are not finished, as far as is known."""
        return self._consumer.lag(TP(*partition))

    def behind_open_transaction(self, partition: TopicPartition) -> int:
        """Return how many of these cannot be read before a producer's transaction has ended."""
        return self._consumer.behind_open_transaction(TP(*partition))

    async def committed_metadata(self, partition: TopicPartition) -> str | None:
        """Return what was committed with the partition's offset; None without a commit."""
        tp = TP(*partition)
        committed = await self._consumer.committed_with_metadata([tp])
        return committed[tp].metadata if tp in committed else None

    @property
    def handed_over(self) -> int:
        """How many records have been handed over since the start."""
        return self._consumer.handed_over

    async def has_unread(self) -> bool:
        """Ask the broker whether there are records that have not been fetched; a broker that is away says no."""
        return await self._consumer.has_unread()

    @property
    def _consumer(self) -> SafeConsumer:
        consumer: SafeConsumer = self._app.consumer
        return consumer
