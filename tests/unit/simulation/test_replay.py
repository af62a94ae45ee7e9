"""A seed is a play: the same history, byte by byte, in any process; and a few of them, as a taste of the 200."""

import os
import subprocess
import sys

import orjson
import pytest
from rich.console import Console

from tests.harness import ROOT
from tests.simulation.figures import table_of
from tests.simulation.plan import Plan
from tests.simulation.play import planned
from tests.simulation.runner import replayed_by, simulate

SECONDS = 20.0
EVENTFUL = 156
"""A seed with kills, stops, a cut link, lost acknowledgements and a model's bad spell."""
BLOWS = {"kill", "stop", "freeze", "cut", "join", "lose", "spell"}
PRINT_HASH = """
import sys
from tests.simulation.play import planned, play
sys.stdout.write(play(planned(int(sys.argv[1]), float(sys.argv[2]))).hash())
"""


def _hash_elsewhere(python_hash_seed: str) -> str:
    """Play it in a process whose sets of strings have another order."""
    ended = subprocess.run(
        [sys.executable, "-c", PRINT_HASH, str(EVENTFUL), str(SECONDS)],
        cwd=ROOT,
        env=os.environ | {"PYTHONHASHSEED": python_hash_seed},
        capture_output=True,
        check=True,
        text=True,
    )
    return ended.stdout


@pytest.mark.long
def test_the_same_seed_has_the_same_history_in_any_process() -> None:
    here = simulate(EVENTFUL, SECONDS).history
    assert simulate(EVENTFUL, SECONDS).history == here
    assert {_hash_elsewhere("1"), _hash_elsewhere("2")} == {here.hash()}


def test_another_seed_has_another_history() -> None:
    assert simulate(1, 5.0).history.hash() != simulate(2, 5.0).history.hash()


def _plan_of(plan: Plan) -> object:
    return list(plan.traffic()), list(plan.blows()), plan.limits(), plan.characters()


def test_all_that_a_seed_does_is_known_before_the_play() -> None:
    assert _plan_of(planned(EVENTFUL, SECONDS)) == _plan_of(planned(EVENTFUL, SECONDS))
    assert {blow.what for blow in planned(EVENTFUL, 6000.0).blows()} == BLOWS


@pytest.mark.parametrize("seed", [1, 2, 67, 90, 95, 123, 157, EVENTFUL])
def test_every_invariant_holds(seed: int) -> None:
    violations = simulate(seed, SECONDS).violations
    assert not violations, (violations, replayed_by(seed, SECONDS))


def test_the_table_and_the_file_tell_the_same_figures() -> None:
    outcome = simulate(EVENTFUL, SECONDS)
    figures = orjson.loads(orjson.dumps(outcome.figures()))
    console = Console(width=120)
    with console.capture() as shown:
        console.print(table_of(outcome))
    assert figures["records_published"] == len(outcome.history.published) > 0
    assert sum(figures["troubles"].values()) == len(outcome.history.troubles)
    assert f"{figures['records_written']:,}" in shown.get()
    assert figures["history"] in shown.get()
    assert figures["billed_usd"] >= figures["charged_usd"] > 0
