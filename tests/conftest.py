"""What every suite shares: one real Kafka broker a session."""

import os
import shutil
import sys
from collections.abc import Iterator

import pytest
from hypothesis import Phase, settings

from sandbox.broker import BrokerInfo, BrokerUnavailableError, open_broker
from sandbox.postgres import PostgresInfo, PostgresUnavailable, open_postgres

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


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what uses the broker, so that `-m "not kafka"` is the quick part."""
    for item in items:
        if "kafka" in getattr(item, "fixturenames", ()):
            item.add_marker("kafka")


def _say(sentence: str) -> None:
    sys.stderr.write(sentence + "\n")
