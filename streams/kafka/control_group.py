"""The control group by Faust: a worker's second app, with its agents and its tables of one partition.

The group shares out roles, each a topic and its tables (`streams.kafka.assignor`).
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence

import faust
from aiokafka.errors import KafkaTimeoutError
from faust.types import TP

from streams.config.settings import Settings
from streams.kafka.assignor import role_assignor
from streams.kafka.batches import Take
from streams.kafka.faust_app import faust_app, subscribe
from streams.kafka.fence import HeartbeatFence
from streams.kafka.transport import SafeTransport
from streams.ports import Assignee, Received, TopicPartition

STORE_S = 30.0
DRAIN_S = 2.0
"""A delta waits for the next tick at most."""
REBALANCE_S = 30.0
"""How long the group waits for a member to join again, seconds."""


class ChangelogTable:
    """A Faust table of one partition, written from outside of the stream's own events."""

    PARTITION = 0

    def __init__(self, table: faust.Table) -> None:
        self._table = table

    def items(self) -> Mapping[bytes, bytes]:
        """Return what is in it."""
        return dict(self._table.data.items())

    async def put(self, changes: Mapping[bytes, bytes | None]) -> None:
        """Write, delete what is None, and return when the changelog has acknowledged it.

        Raises:
            KafkaTimeoutError: it has not, for long; writing the same again does no harm.
        """
        sent = []
        for key, value in changes.items():
            if value is None:
                self._table.data.pop(key, None)
            else:
                self._table.data[key] = value
            sent.append(self._table.send_changelog(self.PARTITION, key, value))
        try:
            async with asyncio.timeout(STORE_S):
                await asyncio.gather(*sent)
        except TimeoutError:
            raise KafkaTimeoutError(f"the changelog of table {self._table.name} was not acknowledged") from None


def changelog_table(app: faust.App, name: str, topic: str) -> faust.Table:
    """Return a table of bytes with one partition, whose changelog `turnout topics create` has created."""
    changelog = app.topic(
        topic,
        key_type=bytes,
        value_type=bytes,
        key_serializer="raw",
        value_serializer="raw",
        partitions=1,
        acks=False,
        internal=True,
        allow_empty=True,
    )
    return app.Table(name, key_type=bytes, value_type=bytes, partitions=1, changelog_topic=changelog)


class FaustControlGroup:
    """The group as `streams.ports.ControlGroup` describes."""

    def __init__(self, settings: Settings) -> None:
        self._takers: dict[str, Take] = {}
        self._along_with: dict[str, str] = {}
        self._weights: dict[str, int] = {}
        self._app = faust_app(
            settings,
            REBALANCE_S,
            "-control",
            table_standby_replicas=0,
            PartitionAssignor=role_assignor(self._along_with, self._weights),
        )
        self._app.transport = SafeTransport(
            self._app.conf.broker,
            self._app,
            drain_timeout_s=DRAIN_S,
            idempotent=settings.idempotence,
            takers=self._takers,
        )
        self._tables: list[faust.Table] = []

    @property
    def fence(self) -> HeartbeatFence:
        """Whether what is assigned is certainly still this worker's."""
        fence: HeartbeatFence = self._app.transport.fence
        return fence

    def table(self, name: str, topic: str, along_with: str) -> ChangelogTable:
        """Return the table of one partition whose changelog is the topic; who has `along_with` has it."""
        self._along_with[topic] = along_with
        self._tables.append(changelog_table(self._app, name, topic))
        return ChangelogTable(self._tables[-1])

    def deliver(self, topic: str, name: str, take: Callable[[Sequence[Received]], None], weight: int = 1) -> None:
        """Hand the topic's records to `take`; an agent of this name subscribes to it."""
        self._weights[topic] = weight
        subscribe(self._app, topic, name)
        self._takers[topic] = take

    async def start(self, assignee: Assignee) -> None:
        """Join. The tables of an assignment are restored all at once: the first one tells of it for all."""
        app = self._app

        async def recovered() -> None:
            try:
                await assignee.restored()
            except Exception as exc:  # noqa: BLE001  # Faust drops what is raised here, and no worker would have the role
                await app.crash(exc)

        @app.on_partitions_assigned.connect  # type: ignore[untyped-decorator]  # faust is untyped
        async def assigned(_app: faust.App, assigned: set[TP], **_signal: object) -> None:
            assignee.assigned(TopicPartition(*tp) for tp in assigned)

        @app.on_partitions_revoked.connect  # type: ignore[untyped-decorator]  # faust is untyped
        async def revoked(_app: faust.App, _revoked: set[TP], **_signal: object) -> None:
            assignee.revoked()

        self._tables[0].on_recover(recovered)
        await app.start()

    async def stop(self) -> None:
        """Leave."""
        await self._app.stop()

    async def broken(self) -> None:
        """Wait until the app has stopped.

        Raises:
            Exception: why it has crashed, if it has.
        """
        await self._app.wait_until_stopped()
        raise self._app.crash_reason or RuntimeError("the control app has stopped")
