"""Who takes a role over, and when."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable

from streams.control.ownership import PartitionOwners
from streams.ports import TopicPartition

MINE, OTHERS = TopicPartition("mine", 0), TopicPartition("others", 0)


class Duty:
    def __init__(self) -> None:
        self.is_mine = False

    def take_over(self) -> None:
        self.is_mine = True

    def give_up(self) -> None:
        self.is_mine = False


async def at_once() -> None:
    """Nothing has to be waited for."""


def duties(caught_up: Callable[[], Awaitable[None]] = at_once) -> tuple[PartitionOwners, Duty, Duty]:
    mine, others = Duty(), Duty()
    return PartitionOwners({MINE: mine, OTHERS: others}, caught_up), mine, others


async def test_what_is_assigned_is_taken_over_when_it_is_restored_and_given_up_when_it_is_revoked() -> None:
    owners, mine, others = duties()
    owners.assigned({MINE})
    assert not mine.is_mine
    await owners.restored()
    assert (mine.is_mine, others.is_mine) == (True, False)
    owners.revoked()
    assert not mine.is_mine


async def test_a_recovery_that_ends_after_the_revocation_takes_nothing_over() -> None:
    owners, mine, _ = duties()
    owners.assigned({MINE})
    owners.revoked()
    await owners.restored()
    assert not mine.is_mine


async def restored_while_it_is_assigned_again(again: Iterable[TopicPartition]) -> tuple[PartitionOwners, Duty]:
    """Return what a recovery has led to that was overtaken while it waited for the rest to catch up."""
    going_on = asyncio.Event()

    async def waiting() -> None:
        await going_on.wait()

    owners, mine, _ = duties(waiting)
    owners.assigned({MINE})
    late = asyncio.create_task(owners.restored())
    await asyncio.sleep(0)
    owners.revoked()
    owners.assigned(again)
    going_on.set()
    await late
    return owners, mine


async def test_a_recovery_that_was_overtaken_takes_nothing_over() -> None:
    _, mine = await restored_while_it_is_assigned_again({OTHERS})
    assert not mine.is_mine


async def test_tables_that_are_being_restored_again_are_waited_for() -> None:
    owners, mine = await restored_while_it_is_assigned_again({MINE})
    assert not mine.is_mine
    await owners.restored()
    assert mine.is_mine
