"""What every suite shares: one real Kafka broker a session."""

import os
import shutil
import signal
import sys
from collections.abc import Iterator

import pytest
from hypothesis import Phase, settings
from xdist.scheduler import LoadScopeScheduling

from sandbox.broker import BrokerInfo, BrokerUnavailableError, open_broker
from sandbox.postgres import PostgresInfo, PostgresUnavailable, open_postgres
from tests.examples import examples

MOST_PROCESSES = 6
TOGETHER = ("tests/chaos/test_scenarios.py", "tests/property/test_virtual_day.py")
"""Files whose tests share what takes long to make: each is run by one process, and first."""

settings.register_profile("share", max_examples=examples(100))
settings.load_profile("share")
settings.register_profile("unshrunk", phases=(Phase.explicit, Phase.generate), database=None)
"""For whoever only asks whether a property fails, and not by which smallest example: `make mutants`."""


@pytest.fixture(scope="session")
def kafka() -> Iterator[BrokerInfo]:
    """The broker at TURNOUT_TEST_BROKER, else Apache Kafka, started here. Without either the tests fail, never skip."""
    try:
        with open_broker(os.environ.get("TURNOUT_TEST_BROKER", "kafka"), on_progress=_say) as info:
            yield info
    except BrokerUnavailableError as error:
        pytest.fail(f"These tests need a real Kafka: {error}", pytrace=False)


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresInfo]:
    """A real Postgres, started here. Where it is not installed the tests fail, never skip."""
    try:
        with open_postgres() as info:
            yield info
    except PostgresUnavailable as error:
        pytest.fail(f"These tests need a real Postgres: {error}", pytrace=False)


@pytest.fixture(scope="session")
def chromium() -> str:
    """The path of the browser. Where it is not installed the tests fail, never skip."""
    found = shutil.which("chromium")
    if found is None:
        pytest.fail("These tests need Chromium: run tests/setup", pytrace=False)
    return found


def pytest_configure() -> None:
    """Let Ctrl-C mean what it does in a terminal: a shell's background jobs, and what they start, ignore it."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


class OneByOne(LoadScopeScheduling):  # type: ignore[misc]  # xdist is untyped
    """Gives each process of `-n` its next test when it is free, because some take a minute and most no time."""

    def _split_scope(self, nodeid: str) -> str:
        file = nodeid.partition("::")[0]
        return file if file in TOGETHER else nodeid


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> OneByOne | None:
    """Share the tests out one by one, unless `--dist` names another way. Each process has a broker and a database."""
    return OneByOne(config, log) if config.option.dist == "load" else None


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers(config: pytest.Config) -> int:
    """Let `-n logical` be as many as cores, and `-n auto` one more, as tests on Kafka wait for half of their time."""
    waits: bool = config.option.numprocesses == "auto"
    return min((os.cpu_count() or 1) + waits, MOST_PROCESSES)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what uses the broker, so that `-m "not kafka"` is the quick part."""
    for item in items:
        if "kafka" in getattr(item, "fixturenames", ()):
            item.add_marker("kafka")


def _say(sentence: str) -> None:
    sys.stderr.write(sentence + "\n")
