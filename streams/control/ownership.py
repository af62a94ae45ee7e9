"""What one worker at a time does for all, and when it may: from the restoring of an assignment's tables to its end."""

from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Protocol

from faust.types import TP


class PartitionOwner(Protocol):
    """What one worker at a time does for all: whoever is assigned its partition."""

    def take_over(self) -> None:
        """Go on where somebody else stopped."""
        ...

    def give_up(self) -> None:
        """Forget everything: somebody else goes on."""
        ...


class PartitionOwners:
    """The roles that come with partitions, of which an assignment brings some."""

    def __init__(self, owners: Mapping[TP, PartitionOwner]) -> None:
        self._owners = owners
        self._assignment: set[TP] | None = None

    def assigned(self, tps: Iterable[TP]) -> None:
        """Take note of an assignment, whose tables are not restored yet."""
        self._assignment = set(tps)

    def revoked(self) -> None:
        """Give up all roles: the assignment has ended."""
        self._assignment = None
        for owner in self._owners.values():
            owner.give_up()

    async def restored(self, caught_up: Callable[[], Awaitable[None]]) -> None:
        """Take over what the assignment brings, once everything else has caught up, unless it has ended by then."""
        assignment = self._assignment
        await caught_up()
        if assignment is None or assignment is not self._assignment:
            return
        for tp, owner in self._owners.items():
            if tp in assignment:
                owner.take_over()
