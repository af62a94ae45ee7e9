"""One request in a worker's hands: its record, what is remembered of its partition, and its slot."""

from dataclasses import dataclass
from typing import Protocol

from streams.codec import Delivery
from streams.ports import Trace
from streams.request.partition_state import PartitionState


class Slot(Protocol):
    """A request's place among those in flight."""

    def leave(self) -> None:
        """Let another request have it."""
        ...

    async def take_again(self) -> None:
        """Wait for another one."""
        ...


@dataclass(frozen=True, slots=True)
class Handling:
    """Where a request came from, and what it takes up."""

    delivery: Delivery
    state: PartitionState
    slot: Slot
    trace: Trace
