"""What a consumer waits for before it lets partitions go: the work on the records that it has delivered."""

from collections.abc import Iterable
from typing import Protocol

from faust.types.tuples import Message

from streams.ports import TopicPartition


class Draining(Protocol):
    """What a consumer's records are worked on by, as far as draining goes; the part of `streams.ports.Work` for it."""

    def assigned(self, partitions: Iterable[TopicPartition]) -> None: ...  # noqa: D102
    def drain(self) -> None: ...  # noqa: D102
    def busy(self) -> bool: ...  # noqa: D102
    def lost(self) -> None: ...  # noqa: D102


class HoldsRecords(Protocol):
    """A consumer, as far as what it has delivered goes."""

    @property
    def unacked(self) -> set[Message]:
        """The records that are delivered and not acknowledged."""


class HeldByStreams:
    """Streams that take no part in draining: it waits for whatever they hold."""

    def __init__(self, consumer: HoldsRecords) -> None:
        self._consumer = consumer

    def assigned(self, partitions: Iterable[TopicPartition]) -> None:
        """Do nothing."""

    def drain(self) -> None:
        """Do nothing."""

    def lost(self) -> None:
        """Do nothing."""

    def busy(self) -> bool:
        """Say whether there is something to wait for."""
        return bool(self._consumer.unacked)
