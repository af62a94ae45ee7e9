"""Runs scenarios, several at a time, shows them live, and writes build/chaos.json."""

import argparse
import asyncio
import logging
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import orjson
from pydantic import ValidationError
from rich.console import Console
from rich.live import Live
from rich.table import Table

from sandbox.broker import KafkaCluster, KafkaProcess
from sandbox.provider.unkind import KIND, Unkindness, read_unkindness
from tests.chaos.kills import killing
from tests.chaos.mix import mixed
from tests.chaos.scenario import LONGEST_S, Broker, Scenario
from tests.chaos.scene import DidNotHold, Scene, Verdict
from tests.chaos.table import SCENARIOS
from tests.harness import ROOT

SHOWN = ("requests", "duplicates_avoided", "unknown_calls", "unknown_usd", "recovery_s", "took_s")


@dataclass(slots=True)
class Run:
    """All scenarios of one run, and how far they are."""

    scenarios: Sequence[Scenario]
    folder: Path
    concurrency: int
    unkind: Unkindness = KIND
    began_s: float = field(default_factory=time.monotonic)
    verdicts: dict[str, Verdict] = field(default_factory=dict)
    under_way: dict[str, float] = field(default_factory=dict)

    async def play(self, shared: str) -> None:
        """Play them all. Scenarios that break their broker go one at a time, since each needs a JVM of its own."""
        places, own_broker = asyncio.Semaphore(self.concurrency), asyncio.Lock()

        async def in_turn(scenario: Scenario) -> None:
            if scenario.broker is Broker.SHARED:
                async with places:
                    await self._play(scenario, shared)
            else:
                async with own_broker, places:
                    await self._play(scenario, shared)

        own_first = sorted(self.scenarios, key=lambda scenario: scenario.broker is Broker.SHARED)
        await asyncio.gather(*map(in_turn, own_first))

    async def _play(self, scenario: Scenario, shared: str) -> None:
        self.under_way[scenario.name] = time.monotonic()
        self.verdicts[scenario.name] = await play(scenario, shared, self.folder / scenario.name, self.unkind)
        del self.under_way[scenario.name]

    def minutes(self) -> float:
        """Return how long it has been going on."""
        return (time.monotonic() - self.began_s) / 60

    def table(self) -> Table:
        """Return what is known so far."""
        held = sum(verdict.held for verdict in self.verdicts.values())
        title = f"{held} of {len(self.scenarios)} scenarios held, after {self.minutes():.1f} minutes"
        table = Table(title=title, title_justify="left")
        table.add_column("scenario", no_wrap=True)
        table.add_column("outcome", no_wrap=True)
        for name in SHOWN:
            table.add_column(name.replace("_", " "), justify="right")
        for scenario in self.scenarios:
            if (verdict := self.verdicts.get(scenario.name)) is not None:
                outcome = "[green]held" if verdict.held else "[bold red]did not hold"
                table.add_row(scenario.name, outcome, *[f"{verdict.figures.get(name, ''):}" for name in SHOWN])
        for name, began_s in self.under_way.items():
            table.add_row(name, f"[yellow]{time.monotonic() - began_s:.0f} s ...")
        return table


async def play(scenario: Scenario, shared: str, folder: Path, unkind: Unkindness = KIND) -> Verdict:
    """Play one scenario in a new folder, against a provider with these ways, and judge it.

    Whatever goes wrong in it is its verdict.
    """
    await asyncio.to_thread(folder.mkdir, parents=True)
    try:
        async with asyncio.timeout(scenario.longest_s), _scene(scenario, shared, folder) as scene:
            scene.unkind = unkind
            await scenario.act(scene)
            return await scene.verdict()
    except DidNotHold as problem:
        return Verdict((str(problem),), {})
    except Exception as problem:  # noqa: BLE001 - the other scenarios go on
        return Verdict((f"{type(problem).__name__}: {problem}",), {})


@asynccontextmanager
async def _scene(scenario: Scenario, shared: str, folder: Path) -> AsyncIterator[Scene]:
    match scenario.broker:
        case Broker.SHARED:
            scene = Scene(shared, folder)
        case Broker.OWN:
            kafka = KafkaProcess()
            scene = Scene(kafka.bootstrap_servers, folder, kafka=kafka)
        case Broker.CLUSTER:
            cluster = KafkaCluster()
            scene = Scene(cluster.bootstrap_servers, folder, cluster=cluster)
    own = scene.kafka or scene.cluster
    try:
        if own is not None:
            await asyncio.to_thread(own.start)
        try:
            yield scene
        finally:
            await scene.close()
    finally:
        if own is not None:
            await asyncio.to_thread(own.close)


def main() -> None:
    """Run the chosen scenarios; exits with 1 if one did not hold."""
    logging.basicConfig(level=logging.CRITICAL)  # the clients complain of what is broken on purpose
    parser = argparse.ArgumentParser(prog="make chaos", description=__doc__)
    parser.add_argument("names", nargs="*", help="scenarios, by a part of their names; all by default")
    parser.add_argument("--concurrency", type=int, default=4, help="how many at a time (default 4)")
    parser.add_argument("--keep", type=Path, help="a folder to keep logs and invoices in")
    parser.add_argument(
        "--unkind",
        nargs="?",
        type=_unkindness,
        const="all",
        default=KIND,
        metavar="WAYS",
        help="against a provider as unkind as `turnout provider --unkind` (default: all)",
    )
    parser.add_argument("--seed", type=int, help="mix faults at random instead, as this seed says")
    parser.add_argument("--minutes", type=float, default=3.0, help="for so long")
    parser.add_argument("--kills", type=int, help="kill workers so often instead")
    parser.add_argument("--requests", type=int, default=20_000, help="while so many requests go through")
    parser.add_argument("--list", action="store_true", help="show the table of scenarios and end")
    arguments = parser.parse_args()
    if arguments.keep and arguments.keep.exists() and any(arguments.keep.iterdir()):
        parser.error(f"argument --keep: {arguments.keep} is not empty; name a new folder")
    chosen = _chosen(arguments)
    if arguments.list:
        _show(chosen)
        return
    with tempfile.TemporaryDirectory(prefix="turnout-chaos-") as folder:
        run = Run(chosen, arguments.keep or Path(folder), arguments.concurrency, arguments.unkind)
        asyncio.run(_run(run))
    sys.exit(0 if _report(run) else 1)


def _unkindness(text: str) -> Unkindness:
    try:
        return read_unkindness(text)
    except ValidationError as problem:
        raise argparse.ArgumentTypeError(str(problem)) from None


def _chosen(arguments: argparse.Namespace) -> list[Scenario]:
    if arguments.seed is not None:
        breaks = f"faults at random for {arguments.minutes:g} minutes, as seed {arguments.seed} says"
        act = mixed(arguments.seed, arguments.minutes)
        return [
            Scenario(
                f"mix-{arguments.seed}", breaks, "the invariants", act, longest_s=arguments.minutes * 60 + LONGEST_S
            )
        ]
    if arguments.kills is not None:
        breaks = f"{arguments.kills} SIGKILLs during {arguments.requests} requests"
        act = killing(arguments.kills, arguments.requests)
        return [Scenario(f"kills-{arguments.kills}", breaks, "the invariants", act, longest_s=20 * 60)]
    names = arguments.names
    if unknown := [name for name in names if not any(name in scenario.name for scenario in SCENARIOS)]:
        raise SystemExit(f"No scenario's name holds {', '.join(unknown)}; `python -m tests.chaos --list` shows them.")
    return [scenario for scenario in SCENARIOS if not names or any(name in scenario.name for name in names)]


async def _run(run: Run) -> None:
    # A dead worker is given up soon, where a scenario asks for it.
    with KafkaProcess(properties={"group.min.session.timeout.ms": "2000"}) as kafka:
        playing = asyncio.create_task(run.play(kafka.bootstrap_servers))
        console = Console(width=None if sys.stdout.isatty() else 140)
        said: set[str] = set()
        if console.is_terminal:
            with Live(run.table(), console=console, refresh_per_second=2) as live:
                while not playing.done():
                    await asyncio.wait([playing], timeout=0.5)
                    live.update(run.table())
        else:
            while not playing.done():
                await asyncio.wait([playing], timeout=0.5)
                for name in [name for name in run.verdicts if name not in said]:
                    said.add(name)
                    console.print(_line(name, run.verdicts[name]), soft_wrap=True, highlight=False)
            console.print(run.table())
        await playing


def _line(name: str, verdict: Verdict) -> str:
    outcome = "held" if verdict.held else f"DID NOT HOLD: {'; '.join(verdict.complaints)[:3000]}"
    figures = ", ".join(f"{key} {value}" for key, value in verdict.figures.items())
    return f"{name}: {outcome} ({figures})".replace("[", r"\[")


def _report(run: Run) -> bool:
    build = ROOT / "build"
    build.mkdir(exist_ok=True)
    rows = [
        {
            "name": scenario.name,
            "breaks": scenario.breaks,
            "holds": scenario.holds,
            "held": run.verdicts[scenario.name].held,
            "complaints": run.verdicts[scenario.name].complaints,
            "figures": run.verdicts[scenario.name].figures,
        }
        for scenario in run.scenarios
    ]
    figures = {
        "minutes": round(run.minutes(), 1),
        "concurrency": run.concurrency,
        "unkind": run.unkind != KIND,
        "scenarios": rows,
    }
    (build / "chaos.json").write_bytes(orjson.dumps(figures, option=orjson.OPT_INDENT_2))
    for row in rows:
        if not row["held"]:
            sys.stdout.write(f"{row['name']} did not hold: {row['complaints']}\n")
    return all(row["held"] for row in rows)


def _show(scenarios: Sequence[Scenario]) -> None:
    table = Table("scenario", "what breaks, and when", "what must hold, beside the invariants")
    for scenario in scenarios:
        table.add_row(scenario.name, scenario.breaks, scenario.holds)
    Console().print(table)
