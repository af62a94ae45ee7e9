"""How Turnout grows: `make bench-scaling`, or one table of it (`ONLY=partitions`); `make bench-long` for half an hour.

Broker, provider, workers and load share the machine, so more processes than cores show what they cost and not
what they give. The provider answers after 200 ms. Prints tables, and writes
build/bench-scaling.json and .md (or bench-long).
"""

import argparse
import asyncio
import logging
import os
import platform
import re
import sys
import tempfile
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import orjson
from rich.console import Console
from rich.table import Table

from bench.compare.calibration import Calibration, calibrate, complaints
from bench.compare.systems import ROOT, NoAnswer, World
from bench.scaling.experiments import Row, Size, backlog, bursts, by_partitions, by_processes, by_prompt, long_run
from sandbox.broker import open_broker
from sandbox.provider.options import ProviderOptions
from sandbox.provider.process import ProviderProcess

TABLES = ("processes", "partitions", "backlog", "prompts", "bursts")
LATENCY_MS = 200.0


def main() -> int:
    """Measure, print and write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="*", choices=TABLES, default=list(TABLES), help="these tables alone")
    parser.add_argument("--data", type=Path, help="a folder with azure-llm-2023; without it nothing is replayed")
    parser.add_argument("--speed", type=float, default=20.0, help="how many times as fast its hours are replayed")
    parser.add_argument("--backlog", type=int, default=100_000, help="requests of the long queue")
    parser.add_argument("--short", action="store_true", help="little of everything, to try it")
    parser.add_argument(
        "--long", action="store_true", help="instead: one worker at an even rate, its memory and its lag"
    )
    parser.add_argument("--rate", type=float, default=579.0, help="with --long: requests a second")
    parser.add_argument("--minutes", type=float, default=30.0, help="with --long")
    given = parser.parse_args()
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)  # a new topic's partitions have no leader for a moment
    size = Size(backlog=given.backlog)
    if given.short:
        size = Size(1500, (1, 2), (1, 10), 3000, ((1_000, 1500), (100_000, 400)))
    calibrations = [calibrate()]
    found: dict[str, list[Row]] = {}
    with tempfile.TemporaryDirectory(prefix="turnout-bench-") as name:
        folder = Path(name)
        options = ProviderOptions(folder / "invoice.jsonl", latency_ms=LATENCY_MS, limits=False, failures=False)
        with open_broker("kafka", on_progress=_say) as broker, ProviderProcess(options) as provider:
            world = World(broker.bootstrap_servers, provider.base_url, _catalogue(folder), folder)
            for title, rows in _experiments(given, world, size):
                try:
                    found[title] = asyncio.run(_all(title, rows))
                except NoAnswer as reason:
                    _say(f"{title} ends here: {reason}")
                calibrations.append(calibrate())
    _write("bench-long" if given.long else "bench-scaling", found, calibrations)
    return 0


def _experiments(given: argparse.Namespace, world: World, size: Size) -> list[tuple[str, AsyncIterator[Row]]]:
    if given.long:
        return [("long", long_run(world, given.rate, given.minutes, _say))]
    found = {
        "processes": by_processes(world, size),
        "partitions": by_partitions(world, size),
        "backlog": backlog(world, size),
        "prompts": by_prompt(world, size),
    }
    if given.data:
        found["bursts"] = bursts(world, given.data, given.speed)
    elif "bursts" in given.only:
        _say("bursts: no --data (make bench-scaling DATA=FOLDER), so nothing is replayed.")
    return [(title, rows) for title, rows in found.items() if title in given.only]


async def _all(title: str, rows: AsyncIterator[Row]) -> list[Row]:
    found: list[Row] = []
    async for row in rows:
        found.append(row)
        _say(f"{title}: " + ", ".join(f"{name} {value}" for name, value in row.items()))
    return found


def _catalogue(folder: Path) -> Path:
    path = folder / "catalogue.toml"
    text = (ROOT / "catalogue.toml").read_text()
    path.write_text(re.sub(r"requests_per_minute = [\d_]+", "requests_per_minute = 1_000_000", text))
    return path


def _write(name: str, found: dict[str, list[Row]], calibrations: Sequence[Calibration]) -> None:
    console = Console(width=max(140, Console().width))
    pages: list[str] = []
    for title, rows in found.items():
        table = Table(title=title)
        for heading in rows[0]:
            table.add_column(heading, justify="right")
        for row in rows:
            table.add_row(*(_told(value) for value in row.values()))
        console.print(table)
        pages += [f"| {' | '.join(rows[0])} |", "|---" * len(rows[0]) + "|"]
        pages += [f"| {' | '.join(_told(value) for value in row.values())} |" for row in rows] + [""]
    for complaint in (told := complaints(calibrations)):
        console.print(f"NOT CALM: {complaint}")
    machine = f"{os.cpu_count()} cores, {platform.machine()}, Python {platform.python_version()}"
    report = {"machine": machine, "calm": not told, "complaints": told, **found}
    path = ROOT / "build" / f"{name}.json"
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(orjson.dumps(report, option=orjson.OPT_INDENT_2))
    path.with_suffix(".md").write_text("\n".join(pages))


def _told(value: float | str | None) -> str:
    if value is None:
        return "no answer"
    return value if isinstance(value, str) else f"{value:,}"


def _say(sentence: str) -> None:
    sys.stderr.write(sentence + "\n")


if __name__ == "__main__":
    sys.exit(main())
