"""A representative few of the scenarios; `make chaos` runs them all."""

import asyncio
from collections.abc import Mapping

import pytest

from sandbox.broker import BrokerInfo
from tests.chaos.runner import Run
from tests.chaos.scene import Verdict
from tests.chaos.table import SCENARIOS

REPRESENTATIVE = (
    "killed-during-the-calls",
    "killed-before-the-response-is-acknowledged",
    "killed-before-the-commit",
    "rolling-restart",
    "lost-acknowledgement-of-responses",
    "offsets-rewound",
)
CONCURRENCY = 3


@pytest.fixture(scope="module")
def verdicts(kafka: BrokerInfo, tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Verdict]:
    """All of them are played at once, several at a time: most of their time is spent waiting for the group."""
    chosen = [scenario for scenario in SCENARIOS if scenario.name in REPRESENTATIVE]
    run = Run(chosen, tmp_path_factory.mktemp("chaos"), CONCURRENCY)
    asyncio.run(run.play(kafka.bootstrap_servers))
    return run.verdicts


@pytest.mark.timeout(300)  # the first one waits for all
@pytest.mark.parametrize("name", REPRESENTATIVE)
def test_the_scenario_holds(verdicts: Mapping[str, Verdict], name: str) -> None:
    assert verdicts[name].complaints == ()
    assert verdicts[name].figures["requests"] > 0


def test_no_two_scenarios_have_one_name() -> None:
    assert len({scenario.name for scenario in SCENARIOS}) == len(SCENARIOS)
