"""Plays the defects of `tests/mutants.toml` and tells which of them no test catches."""

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path
from queue import SimpleQueue

import orjson
from rich.console import Console
from rich.table import Table

from tests.mutants.mutant import ROOT, Mutant, all_mutants, some_mutants
from tests.mutants.trial import Copy, Result, Verdict

REPORT = ROOT / "build" / "mutants.json"


def main() -> None:
    """Run the command."""
    parser = argparse.ArgumentParser(
        prog="make mutants",
        description="Put deliberate defects into a copy of the code, one at a time; each must make a test fail.",
    )
    parser.add_argument("names", nargs="*", help="only these, by the `name` in tests/mutants.toml")
    parser.add_argument("--some", action="store_true", help="only those that the gate plays")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="how many at the same time")
    chosen = parser.parse_args()
    mutants = some_mutants() if chosen.some else all_mutants()
    if unknown := set(chosen.names) - {mutant.name for mutant in mutants}:
        parser.error(f"tests/mutants.toml has none called {', '.join(sorted(unknown))}")
    mutants = tuple(mutant for mutant in mutants if not chosen.names or mutant.name in chosen.names)
    console = Console()
    start = time.monotonic()
    results = play(mutants, chosen.jobs, console)
    _show(results, time.monotonic() - start, console)
    _write(results)
    sys.exit(any(result.verdict is not Verdict.CAUGHT for result in results))


def play(mutants: Sequence[Mutant], jobs: int, console: Console) -> list[Result]:
    """Play the defects, some at a time, each on a copy that nothing else uses.

    Raises:
        RuntimeError: the tests fail without any defect, so they would judge nothing.
    """
    with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor(jobs) as pool:
        copies: SimpleQueue[Copy] = SimpleQueue()
        for number in range(jobs):
            copies.put(Copy(Path(folder) / str(number)))

        def trial(mutant: Mutant) -> Result:
            copy = copies.get()
            try:
                return copy.play(mutant)
            finally:
                copies.put(copy)

        def sound() -> str | None:
            copy = copies.get()
            try:
                return copy.sound(tuple(sorted({test for mutant in mutants for test in mutant.tests})))
            finally:
                copies.put(copy)

        baseline = pool.submit(sound)
        trials = [pool.submit(trial, mutant) for mutant in mutants]
        results = []
        for number, done in enumerate(as_completed(trials), 1):
            result = done.result()
            results.append(result)
            console.print(f"{number}/{len(trials)} {result.mutant.name}: {result.verdict} ({result.seconds:.1f} s)")
        if (problem := baseline.result()) is not None:
            raise RuntimeError(f"the tests fail without any defect: {problem}")
    order = {mutant.name: number for number, mutant in enumerate(mutants)}
    return sorted(results, key=lambda result: order[result.mutant.name])


def _show(results: Sequence[Result], seconds: float, console: Console) -> None:
    table = Table("defect", "breaks the promise", "verdict", "by")
    for result in results:
        colour = "green" if result.verdict is Verdict.CAUGHT else "bold red"
        mutant = result.mutant
        table.add_row(mutant.name, mutant.promise, f"[{colour}]{result.verdict}[/]", result.by)
    console.print(table)
    caught = sum(result.verdict is Verdict.CAUGHT for result in results)
    console.print(f"{caught} of {len(results)} defects are caught, in {seconds:.0f} s.")


def _write(results: Sequence[Result]) -> None:
    rows = [
        {"name": r.mutant.name, "promise": r.mutant.promise, "verdict": r.verdict, "by": r.by, "seconds": r.seconds}
        for r in results
    ]
    caught = sum(result.verdict is Verdict.CAUGHT for result in results)
    REPORT.parent.mkdir(exist_ok=True)
    REPORT.write_bytes(
        orjson.dumps({"mutants": len(results), "caught": caught, "results": rows}, option=orjson.OPT_INDENT_2)
    )
