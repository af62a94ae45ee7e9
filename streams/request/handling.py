"""One request in a worker's hands: its record, what is remembered of its partition, and its slot."""

import asyncio
from dataclasses import dataclass
from typing import Protocol

from router.request.steps import Wait
from streams.codec import Delivery
from streams.control.budget_client import BudgetClient
from streams.ports import Clock, Trace
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
    is_referenced: bool = False
    """Whether the record only says where its request is."""
    is_back: bool = False
    """Whether the request came back from the batch lane."""


async def waited(wait: Wait, slot: Slot, budget_client: BudgetClient, clock: Clock) -> None:
    """Sleep, and let another request have the slot meanwhile."""
    slot.leave()
    for_s = wait.until_s - clock()
    if wait.call_id is None:
        await asyncio.sleep(for_s)
    else:
        await budget_client.reserved(wait.call_id, for_s)
    await slot.take_again()
