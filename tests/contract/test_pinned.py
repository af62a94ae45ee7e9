"""What is overridden and used of Faust, aiokafka and aiohttp stands in `streams.kafka.pinned`, and is there."""

import ast
import inspect
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import aiokafka.protocol.commit
import pytest
from aiokafka.consumer.group_coordinator import GroupCoordinator
from faust.transport.consumer import Consumer
from structlog.testing import capture_logs

from streams.kafka import assignor, batches, consumer_thread, pinned_check, table_recovery, transport, unpacking
from streams.kafka.pinned import OVERRIDDEN, TESTED, USED
from streams.kafka.pinned_check import members_of

ROOT = Path(__file__).parents[2]
KAFKA = ROOT / "streams" / "kafka"
OURS = [
    each
    for module in (transport, batches, consumer_thread, table_recovery, assignor, unpacking)
    for each in vars(module).values()
    if inspect.isclass(each) and each.__module__ == module.__name__
]
LIBRARIES = ("faust", "mode", "aiokafka")
PYTHON_OWN = {"__module__", "__doc__", "__annotations__", "__abstractmethods__", "_abc_impl", "logger", "abstract"}
PYTHON_OWN |= {"__parameters__", "__subclasshook__", "_is_protocol"}  # of a base that is a typing.Protocol


def test_all_of_it_is_in_the_installed_libraries() -> None:
    assert list(pinned_check.missing()) == []


def test_the_tested_versions_are_the_installed_and_the_required_ones() -> None:
    assert pinned_check.installed() == TESTED
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    required = {re.sub(r"\[.*\]", "", each) for each in project["dependencies"]}
    assert {f"{name}=={TESTED[name]}" for name in ("faust-streaming", "aiokafka", "aiohttp")} <= required


def bases_of_libraries(cls: type) -> list[type]:
    return [base for base in cls.__mro__[1:] if base.__module__.split(".")[0] in LIBRARIES]


def overrides() -> Iterator[tuple[str, str]]:
    for cls in OURS:
        for name in set(vars(cls)) - PYTHON_OWN:
            owner = next((base for base in bases_of_libraries(cls) if name in vars(base)), None)
            if owner is not None:
                yield f"{owner.__module__}:{owner.__qualname__}", name


def test_every_override_is_in_the_table_and_nothing_else() -> None:
    assert sorted(overrides()) == sorted(
        (owner, member.name) for owner, members in OVERRIDDEN.items() for member in members
    )
    assert len(list(overrides())) > 20


def private_names_used() -> Iterator[tuple[str, str]]:
    """Give file and name of each private member that is looked up in something that is not this package's own."""
    own = {name for cls in OURS for name in set(_bound_in(cls)).difference(*map(members_of, bases_of_libraries(cls)))}
    for path in KAFKA.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Attribute) and node.attr.startswith("_") and not node.attr.endswith("__"):
                of_ours = _is_self(node.value) and path.stem not in SUBCLASSING
                if not of_ours and node.attr not in own:
                    yield path.name, node.attr


SUBCLASSING = {"transport", "batches", "consumer_thread", "table_recovery", "unpacking"}
"""Where `self` has members of the libraries too."""


def _bound_in(cls: type) -> Iterator[str]:
    yield from vars(cls)
    for node in ast.walk(ast.parse(inspect.getsource(cls))):
        if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store) and _is_self(node.value):
            yield node.attr


def _is_self(node: ast.expr) -> bool:
    return isinstance(node, ast.Name) and node.id == "self"


def test_every_private_member_that_is_used_is_in_a_table() -> None:
    listed = {member.name for table in (OVERRIDDEN, USED) for members in table.values() for member in members}
    assert {(place, name) for place, name in private_names_used() if name not in listed} == set()
    assert {"_thread", "_conns", "_do_heartbeat", "_coordination_task"} <= {name for _, name in private_names_used()}


def test_an_override_that_nothing_would_call_is_missed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(Consumer, "_new_offset")
    assert list(pinned_check.missing()) == ["faust.transport.consumer:Consumer._new_offset is missing"]


def test_a_method_that_takes_more_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    async def gap(self: object, tp: object, offset_from: int, offset_to: int, generation: int) -> None:
        """Do nothing."""

    monkeypatch.setattr(Consumer, "_add_gap", gap)
    (said,) = pinned_check.missing()
    assert said.endswith("takes (self, tp, offset_from, offset_to, generation), not (self, tp, offset_from, offset_to)")


def test_a_caller_that_goes_another_way_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    async def commit(self: object, topics: object = None) -> None:
        """Do nothing."""

    monkeypatch.setattr(Consumer, "force_commit", commit)
    assert [said for said in pinned_check.missing() if said.endswith("is not used by Consumer.force_commit")]


def test_an_attribute_that_no_function_sets_is_missed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(GroupCoordinator, "__init__", object.__init__)
    said = [each.rpartition(".")[2] for each in pinned_check.missing()]
    assert "_coordination_task is missing" in said
    assert "_do_heartbeat is missing" not in said


def test_a_class_that_has_gone_is_missed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(aiokafka.protocol.commit, "OffsetFetchResponse_v3")
    assert list(pinned_check.missing()) == ["aiokafka.protocol.commit:OffsetFetchResponse_v3 is missing"]


def test_other_versions_alone_are_a_warning(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pinned_check, "version", {**TESTED, "faust-streaming": "0.16.0"}.__getitem__)
    with capture_logs() as lines:
        pinned_check.check_pinned()
        pinned_check.warn_if_untested()
    assert [(line["log_level"], line["found"]["faust-streaming"]) for line in lines] == [("warning", "0.16.0")]


def test_a_worker_does_not_start_without_what_it_overrides() -> None:
    program = (
        "import sys, aiokafka.protocol.commit as commit, faust.transport.consumer as consumer\n"
        "del commit.OffsetFetchResponse_v3, consumer.Consumer._new_offset\n"
        "from streams.cli import main; sys.argv = ['turnout', 'worker']; main()"
    )
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False, cwd=ROOT)
    assert ended.returncode == 2
    assert len(ended.stderr.splitlines()) == 1
    assert "tested with faust-streaming 0.15.3" in ended.stderr
    assert "Installed are faust-streaming 0.15.3" in ended.stderr
    assert "Consumer._new_offset is missing; " in ended.stderr
    assert "OffsetFetchResponse_v3 is missing. " in ended.stderr
    assert "pip install faust-streaming==0.15.3" in ended.stderr
