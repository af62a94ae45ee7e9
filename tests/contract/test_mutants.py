"""Deliberate defects: every place is still in the code, and a tenth of them is played. `make mutants` plays all."""

import pytest
from rich.console import Console

from tests.mutants.mutant import ROOT, Mutant, all_mutants, some_mutants
from tests.mutants.runner import play
from tests.mutants.trial import Verdict

MUTANTS = all_mutants()


def test_names_are_unique() -> None:
    assert len({mutant.name for mutant in MUTANTS}) == len(MUTANTS)


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_the_place_is_in_the_code_and_its_tests_exist(mutant: Mutant) -> None:
    assert mutant.applied_to((ROOT / mutant.file).read_text()) != (ROOT / mutant.file).read_text()
    assert all((ROOT / test.partition("::")[0]).exists() for test in mutant.tests)


@pytest.mark.long
@pytest.mark.timeout(300)
def test_a_tenth_of_the_defects_is_caught() -> None:
    results = play(some_mutants(), 1, Console(quiet=True))
    assert {
        result.mutant.name: (result.verdict, result.by) for result in results if result.verdict != Verdict.CAUGHT
    } == {}
