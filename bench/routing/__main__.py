"""`python -m bench.routing [DATA]`: cost against quality of each way of routing, on what models really answered.

Prints tables and writes build/bench-routing.json and docs/images/routing.svg. `--rates` prints the shares of right
answers that `sandbox/provider/exam.py` is made of.
"""

import argparse
import sys
from dataclasses import asdict
from pathlib import Path

import orjson
from rich.console import Console
from rich.table import Table

from bench.routing.answers import AnswerSet, load_sets
from bench.routing.cascade import CheckSeen, free_checks
from bench.routing.many import Curve, Point, score_many
from bench.routing.pairs import CascadeResult, PairResult, score_cascade, score_pair
from bench.routing.picture import draw
from bench.routing.rates import rates_table

ROOT = Path(__file__).resolve().parents[2]
REPORT, PICTURE = ROOT / "build" / "bench-routing.json", ROOT / "docs" / "images" / "routing.svg"


def main() -> None:
    """Scores every set."""
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("data", nargs="?", type=Path, help="a folder of public answers; without it, our own alone")
    arguments.add_argument("--rates", action="store_true", help="print the simulated provider's table, from DATA")
    arguments.add_argument("--unseen", action="store_true", help="only prompts that the forms were not chosen on")
    given = arguments.parse_args()
    console = Console(width=None if sys.stdout.isatty() else 150)
    try:
        sets = load_sets(given.data)
    except FileNotFoundError as error:
        sys.exit(f"{error}.")
    if given.rates:
        console.print(rates_table(sets))
        return
    if given.unseen:
        sets = [one.unseen() for one in sets]
    report: dict[str, object] = {}
    panels: list[tuple[AnswerSet, list[Point], list[Curve]]] = []
    for answers in sets:
        points, curves = score_many(answers)
        panels.append((answers, points, curves))
        found: dict[str, object] = {"prompts": len(answers.rows), "points": [asdict(one) for one in points]}
        found["curves"] = [asdict(one) for one in curves]
        if answers.is_pair:
            pair = score_pair(answers)
            found["orders"] = [asdict(one) for one in pair]
            console.print(_orders(answers, pair), "")
        if answers.name == "GSM8K":
            cascade = score_cascade(answers)
            found["cascade"] = [asdict(one) for one in cascade]
            checks = free_checks(answers)
            found["free_checks"] = [asdict(one) for one in checks]
            console.print(_cascade(cascade), "", _checks(checks), "")
        console.print(_points(answers, points), "")
        report[answers.name] = found
    REPORT.parent.mkdir(exist_ok=True)
    REPORT.write_bytes(orjson.dumps(report, option=orjson.OPT_INDENT_2))
    if given.data is not None and not given.unseen:
        PICTURE.write_text(draw(panels), encoding="utf-8")


def _orders(answers: AnswerSet, results: list[PairResult]) -> Table:
    title = f"{answers.name}: {len(answers.rows):,} prompts, which of them go to the strong model first"
    rows = Table("order", title=title, title_justify="left")
    for heading in ("APGR (95 %)", "CPT50", "CPT80", "saved at 95 %", "kept", "saved at 99 %", "kept", "Arena"):
        rows.add_column(heading, justify="right")
    for one in results:
        saved = [text for saving in one.savings for text in (f"{saving.saved:.1%}", f"{saving.quality:.1%}")]
        rows.add_row(one.way, str(one.apgr), f"{one.cpt50:.0%}", f"{one.cpt80:.0%}", *saved, f"{one.arena:.3f}")
    return rows


def _cascade(results: list[CascadeResult]) -> Table:
    rows = Table("checks", title="GSM8K: the product's cascade, its checks paid", title_justify="left")
    for heading in ("all: saved", "kept", "saved at 95 %", "kept", "saved at 99 %", "kept"):
        rows.add_column(heading, justify="right")
    for one in results:
        savings = (one.everywhere, *one.between)
        rows.add_row(one.way, *(text for each in savings for text in (f"{each.saved:.1%}", f"{each.quality:.1%}")))
    return rows


def _checks(seen: list[CheckSeen]) -> Table:
    rows = Table("model", "failed check", "answers", "right", title="GSM8K: the free checks", title_justify="left")
    for one in seen:
        rows.add_row(one.model, one.check, f"{one.answers}", f"{one.right:.0%}")
    return rows


def _points(answers: AnswerSet, points: list[Point]) -> Table:
    rows = Table(answers.name, title=f"{answers.name}: {len(answers.rows):,} prompts", title_justify="left")
    for heading in ("score", "of best single (95 %)", "USD per Mtok", "of its price", "Arena"):
        rows.add_column(heading, justify="right")
    for one in points:
        cells = (
            f"{one.quality:.3f}",
            str(one.of_best),
            f"{one.usd:.3f}",
            f"{one.of_best_price:.0%}",
            f"{one.arena:.3f}",
        )
        rows.add_row(one.way, *cells)
    return rows


if __name__ == "__main__":
    main()
