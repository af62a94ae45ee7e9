"""What import-linter cannot say about the rooms of `streams`: it knows a library only as a whole."""

import ast
from collections.abc import Iterator
from pathlib import Path

STREAMS = Path(__file__).parents[2] / "streams"
ABOVE_THE_PORTS = ["worker.py", "publisher.py", "ports.py", "away.py", "request", "control", "ops"]


def modules() -> Iterator[Path]:
    for name in ABOVE_THE_PORTS:
        yield from [STREAMS / name] if name.endswith(".py") else (STREAMS / name).rglob("*.py")


def imported(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module


def test_above_the_ports_kafka_is_known_by_its_errors_alone() -> None:
    found = {(path.name, name) for path in modules() for name in imported(path) if name.split(".")[0] == "aiokafka"}
    assert len(list(modules())) > 20
    assert {name for _, name in found} == {"aiokafka.errors"}
