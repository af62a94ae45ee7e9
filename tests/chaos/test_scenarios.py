"""A representative few of the scenarios; `make chaos` runs them all."""

import asyncio
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from sandbox.broker import BrokerInfo
from sandbox.provider.unkind import KIND, UNKIND, Unkindness
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
    "hostile-takes-ids-first",
    "batch-killed-while-publishing",
)
AGAINST_AN_UNKIND_PROVIDER = ("killed-during-the-calls", "fault-status-500")
CONCURRENCY = 3


@pytest.fixture(scope="module")
def verdicts(kafka: BrokerInfo, tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Verdict]:
    """All of them are played at once, several at a time: most of their time is spent waiting for the group."""
    return play(REPRESENTATIVE, KIND, kafka, tmp_path_factory.mktemp("chaos"))


@pytest.fixture(scope="module")
def unkind_verdicts(kafka: BrokerInfo, tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Verdict]:
    return play(AGAINST_AN_UNKIND_PROVIDER, UNKIND, kafka, tmp_path_factory.mktemp("unkind"))


def play(names: Sequence[str], unkind: Unkindness, kafka: BrokerInfo, folder: Path) -> Mapping[str, Verdict]:
    run = Run([scenario for scenario in SCENARIOS if scenario.name in names], folder, CONCURRENCY, unkind)
    asyncio.run(run.play(kafka.bootstrap_servers))
    return run.verdicts


@pytest.mark.timeout(480)  # the first one waits for all
@pytest.mark.parametrize("name", REPRESENTATIVE)
def test_the_scenario_holds(verdicts: Mapping[str, Verdict], name: str) -> None:
    assert verdicts[name].complaints == ()
    assert verdicts[name].figures["requests"] > 0


@pytest.mark.timeout(480)  # as above
@pytest.mark.parametrize("name", AGAINST_AN_UNKIND_PROVIDER)
def test_the_scenario_holds_against_an_unkind_provider(unkind_verdicts: Mapping[str, Verdict], name: str) -> None:
    assert unkind_verdicts[name].complaints == ()
    assert unkind_verdicts[name].figures["unknown_calls"] > 0


def test_no_two_scenarios_have_one_name() -> None:
    assert len({scenario.name for scenario in SCENARIOS}) == len(SCENARIOS)
