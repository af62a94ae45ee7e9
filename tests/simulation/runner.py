"""Plays one seed in virtual time, checks it, shows what it came to, and writes build/simulate.json."""

import argparse
import sys
import time
from collections.abc import Callable

import orjson
from rich.console import Console

from streams.config.tokens import best_text_bound
from tests.harness import ROOT
from tests.simulation.checker import check
from tests.simulation.figures import MOST_SHOWN, Outcome, table_of
from tests.simulation.play import planned, play

HOUR_S = 3600.0
SAY_EVERY_S = 2.0

Say = Callable[[float], None]


def simulate(seed: int, seconds: float, say: Say = lambda _done_s: None) -> Outcome:
    """Play a seed for so long, and check it; `say` is told now and then how far it is, in simulated seconds."""
    best_text_bound()  # a second to load, once a process
    plan, began_s = planned(seed, seconds), time.process_time()
    history = play(plan, say)
    took_s = time.process_time() - began_s
    return Outcome(history, check(history), seconds, plan.workers, took_s)


def replayed_by(seed: int, seconds: float) -> str:
    """Return the command that plays it again."""
    return f"make simulate SEED={seed} SECONDS={seconds:g}"


def main() -> None:
    """Play what the command line says; exits with 1 if something did not hold."""
    parser = argparse.ArgumentParser(prog="make simulate", description=__doc__)
    parser.add_argument("--seed", type=int, default=1, help="everything that happens comes from it (default 1)")
    parser.add_argument("--hours", type=float, default=1.0, help="simulated (default 1)")
    parser.add_argument("--seconds", type=float, help="the same, in seconds")
    arguments = parser.parse_args()
    seconds = arguments.hours * HOUR_S if arguments.seconds is None else arguments.seconds
    if seconds <= 0:
        parser.error(f"nothing can be played in {seconds:g} s: give --hours or --seconds above 0")
    console = Console(width=None if sys.stdout.isatty() else 120)
    outcome = simulate(arguments.seed, seconds, _progress(seconds))
    console.print(table_of(outcome))
    for sentence in outcome.violations[:MOST_SHOWN]:
        console.print(sentence, style="red", markup=False, highlight=False, soft_wrap=True)
    if (more := len(outcome.violations) - MOST_SHOWN) > 0:
        console.print(f"and {more} more, in build/simulate.json")
    build = ROOT / "build"
    build.mkdir(exist_ok=True)
    (build / "simulate.json").write_bytes(orjson.dumps(outcome.figures(), option=orjson.OPT_INDENT_2))
    if outcome.violations:
        console.print(f"to play it again: {replayed_by(arguments.seed, seconds)}", highlight=False)
        sys.exit(1)


def _progress(seconds: float) -> Say:
    """Return what tells people how far it is: at once, and then every two seconds."""
    began_s = said_s = time.monotonic()

    def say(done_s: float) -> None:
        nonlocal said_s
        now_s = time.monotonic()
        if now_s - said_s < SAY_EVERY_S:
            return
        said_s = now_s
        rate = done_s / (now_s - began_s) * 60
        sys.stderr.write(f"{done_s:,.0f} of {seconds:,.0f} simulated seconds, {rate:,.0f} a minute\n")

    return say
