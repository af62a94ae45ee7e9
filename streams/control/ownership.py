"""What one worker at a time does for all, and when it may: from the restoring of an assignment's tables to its end."""

from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Protocol

from streams.ports import TopicPartition


class PartitionOwner(Protocol):
    """What one worker at a time does for all: the one that is assigned its partition."""

    def take_over(self) -> None:
        """Go on where another worker stopped."""
        ...

    def give_up(self) -> None:
        """Forget everything: another worker goes on."""
        ...


class PartitionOwners:
    """The roles that come with partitions, of which an assignment brings some."""

    def __init__(
        self, owners: Mapping[TopicPartition, PartitionOwner], caught_up: Callable[[], Awaitable[None]]
    ) -> None:
        """Take the owner of each partition, and what to wait for before any takes over."""
        self._owners = owners
        self._caught_up = caught_up
        self._assignment: set[TopicPartition] | None = None
        self.kept: frozenset[TopicPartition] = frozenset()
        """Whose owners have taken over."""

    def assigned(self, partitions: Iterable[TopicPartition]) -> None:
        """Take in an assignment, whose tables are not restored yet."""
        self._assignment = set(partitions)

    def revoked(self) -> None:
        """Give up all roles: the assignment has ended."""
        self._assignment, self.kept = None, frozenset()
        for owner in self._owners.values():
            owner.give_up()

    async def restored(self) -> None:
        """Take over what the assignment brings, once everything else has caught up, unless it has ended by then."""
        assignment = self._assignment
        await self._caught_up()
        if assignment is None or assignment is not self._assignment:
            return
        self.kept = frozenset(self._owners.keys() & assignment)
        for partition, owner in self._owners.items():
            if partition in self.kept:
                owner.take_over()
