"""What docs/guarantees.md names as the proof of a promise exists."""

import re
from fnmatch import filter as matching
from pathlib import Path

import pytest

from tests.chaos.table import SCENARIOS

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "docs" / "guarantees.md").read_text()
NAMES = [scenario.name for scenario in SCENARIOS]
PROMISES = re.findall(r"^\| (\*\*.+) \| (.+) \|$", TEXT, re.MULTILINE)
"""The rows of the table: the promise, and what shows it."""
SCENARIO_LIKE = re.compile(r"`([a-z]+(?:-[a-z0-9*]+)+)`")


def exists(proof: str) -> bool:
    if proof.startswith("make "):
        return f"\n{proof.removeprefix('make ').split()[0]}:" in (ROOT / "Makefile").read_text()
    if "/" in proof:
        return (ROOT / proof).is_file()
    return bool(matching(NAMES, proof))


@pytest.mark.parametrize(("promise", "proofs"), PROMISES, ids=[promise for promise, _ in PROMISES])
def test_each_promise_names_proofs_that_exist(promise: str, proofs: str) -> None:
    named = re.findall(r"`([^`]+)`", proofs)
    assert named or "invariant" in proofs or "all scenarios" in proofs, f"nothing shows: {promise}"
    assert [proof for proof in named if not exists(proof)] == []


def test_there_are_promises() -> None:
    assert len(PROMISES) > 20


def test_each_scenario_that_the_text_names_is_in_the_table() -> None:
    assert [name for name in SCENARIO_LIKE.findall(TEXT) if not matching(NAMES, name)] == []
