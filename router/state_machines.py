"""Draws the state machines of the routing core from their tables, for `docs/state-machines.md`.

python -m router.state_machines docs
"""

import sys
from argparse import ArgumentParser
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from router.batches import stages
from router.models import breaker
from router.request import steps

PATH = "state-machines.md"


class Arrow(NamedTuple):
    """One line of a diagram and of its table."""

    state: str
    event: str
    condition: str
    to: str
    note: str


def document() -> str:
    """Return the page, in Markdown with Mermaid diagrams."""
    return "\n".join(
        [
            "# State machines",
            "",
            "Made from the tables of the code by `make diagrams`, as a test checks. The rules stand above each table.",
            "",
            *_section("The breaker of a model", "router/models/breaker.py", "closed", _breaker_arrows()),
            *_section("The session of a request", "router/request/steps.py", "new", _session_arrows()),
            *_section("A batch of requests", "router/batches/stages.py", "uploading", _batch_arrows()),
        ]
    )


def _section(title: str, source: str, start: str, arrows: Iterable[Arrow]) -> Iterator[str]:
    """Return a diagram of what changes the state, and a table of everything."""
    every = list(arrows)
    yield from (f"## {title}", "", f"`{source}`. The diagram leaves out what leads back to the same state.", "")
    yield from ("```mermaid", "stateDiagram-v2", f"    [*] --> {_name(start)}")
    yield from (f'    state "{state}" as {_name(state)}' for state in dict.fromkeys(arrow.state for arrow in every))
    for arrow in every:
        if arrow.state != arrow.to:
            condition = f" [{arrow.condition}]".replace("`", "") if arrow.condition else ""
            yield f"    {_name(arrow.state)} --> {_name(arrow.to)}: {arrow.event}{condition}"
    yield from ("```", "", "| state | event | if | leads to | |", "|---|---|---|---|---|")
    yield from (f"| {' | '.join(arrow)} |" for arrow in every)
    yield ""


def _breaker_arrows() -> Iterator[Arrow]:
    for (state, event), rules in breaker.TRANSITIONS.items():
        for rule in rules:
            yield Arrow(state, event, rule.when.text if rule.when else "", rule.to, rule.note)


def _session_arrows() -> Iterator[Arrow]:
    for (state, event), rule in steps.TRANSITIONS.items():
        for to in rule.to:
            yield Arrow(state, event.__name__, "", to, rule.note)
        if not rule.to:
            yield Arrow(state, event.__name__, "", state, f"`SessionError`: {rule.note}")


def _batch_arrows() -> Iterator[Arrow]:
    for (stage, event), transition in stages.TRANSITIONS.items():
        yield Arrow(stage, event.__name__, "", transition.to, transition.note)


def _name(state: str) -> str:
    return state.replace("-", "_").replace(" ", "_")


def main() -> None:
    """Write the page into the folder that the command line names."""
    parser = ArgumentParser(prog="python -m router.state_machines", description=__doc__)
    parser.add_argument("folder", type=Path, help="where the documentation is")
    path: Path = parser.parse_args().folder / PATH
    path.write_text(document(), encoding="utf-8")
    sys.stdout.write(f"{path}\n")


if __name__ == "__main__":
    main()
