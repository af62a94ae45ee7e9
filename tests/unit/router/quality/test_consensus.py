"""What sources say together, and how little a wrong one of any size changes of it."""

import pytest

from router.quality.consensus import TOLERANCE, Consensus, Voice, consensus_of

HONEST = (Voice("a", 0.80, 100.0), Voice("b", 0.84, 100.0))


def test_nothing_said_weighs_nothing() -> None:
    assert consensus_of([]) == consensus_of([Voice("a", 1.0, 0.0)]) == Consensus(0.0, 0.0, frozenset())


def test_two_voices_count_by_what_they_weigh_however_far_apart() -> None:
    told = consensus_of([Voice("a", 1.0, 300.0), Voice("b", 0.0, 100.0)])
    assert (told.mean, told.weight, told.outvoted) == (0.75, 400.0, frozenset())


@pytest.mark.parametrize("times", [1, 10, 1000, 1_000_000])
def test_a_poisoned_source_is_outvoted_by_two_honest_ones_however_often_it_speaks(times: int) -> None:
    honest = consensus_of(HONEST)
    told = consensus_of([*HONEST, Voice("poison", 0.0, 100.0 * times)])
    assert told == Consensus(honest.mean, honest.weight, frozenset({"poison"}))


@pytest.mark.parametrize("times", [1, 10, 1000, 1_000_000])
@pytest.mark.parametrize("mean", [place / 50 for place in range(51)])
def test_a_poisoned_source_that_keeps_within_the_tolerance_moves_little(times: int, mean: float) -> None:
    moved = abs(consensus_of([*HONEST, Voice("poison", mean, 100.0 * times)]).mean - consensus_of(HONEST).mean)
    assert moved <= 0.08


@pytest.mark.parametrize("times", [1, 100, 1_000_000])
def test_of_five_voices_two_poisoned_ones_are_outvoted(times: int) -> None:
    honest = [Voice(f"h{number}", 0.8, 50.0) for number in range(3)]
    poison = [Voice(f"p{number}", 0.1, 50.0 * times) for number in range(2)]
    told = consensus_of([*honest, *poison])
    assert [told.mean, told.weight] == [pytest.approx(0.8), 150.0]
    assert told.outvoted == frozenset({"p0", "p1"})


def test_without_a_majority_all_count() -> None:
    told = consensus_of([Voice("a", 0.0, 100.0), Voice("b", 0.5, 1.0), Voice("c", 1.0, 100.0)])
    assert told.outvoted == frozenset()
    assert told.mean == pytest.approx(0.5)


def test_a_difference_of_taste_is_none_of_honesty() -> None:
    told = consensus_of([*HONEST, Voice("strict", 0.80 - TOLERANCE, 100.0)])
    assert told.outvoted == frozenset()
