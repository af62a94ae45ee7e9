"""Who takes a role over, and when."""

import asyncio
from collections.abc import Iterable

from faust.types import TP

from streams.control.ownership import PartitionOwners

MINE, OTHERS = TP("mine", 0), TP("others", 0)


class Duty:
    def __init__(self) -> None:
        self.is_mine = False

    def take_over(self) -> None:
        self.is_mine = True

    def give_up(self) -> None:
        self.is_mine = False


def duties() -> tuple[PartitionOwners, Duty, Duty]:
    mine, others = Duty(), Duty()
    return PartitionOwners({MINE: mine, OTHERS: others}), mine, others


async def caught_up() -> None:
    """Nothing has to be waited for."""


async def test_what_is_assigned_is_taken_over_when_it_is_restored_and_given_up_when_it_is_revoked() -> None:
    owners, mine, others = duties()
    owners.assigned({MINE})
    assert not mine.is_mine
    await owners.restored(caught_up)
    assert (mine.is_mine, others.is_mine) == (True, False)
    owners.revoked()
    assert not mine.is_mine


async def test_a_recovery_that_ends_after_the_revocation_takes_nothing_over() -> None:
    owners, mine, _ = duties()
    owners.assigned({MINE})
    owners.revoked()
    await owners.restored(caught_up)
    assert not mine.is_mine


async def restored_while_it_is_assigned_again(again: Iterable[TP]) -> tuple[PartitionOwners, Duty]:
    """Return what a recovery has led to that was overtaken while it waited for the rest to catch up."""
    owners, mine, _ = duties()
    owners.assigned({MINE})
    going_on = asyncio.Event()

    async def waiting() -> None:
        await going_on.wait()

    late = asyncio.create_task(owners.restored(waiting))
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
    await owners.restored(caught_up)
    assert mine.is_mine
