"""Measures the task analysis on labelled prompts: accuracy by source, language and label, and prompts per second.

`python bench/analysis.py --prompts PATH.jsonl` reads one object a line with `text`, `label`, `lang` and `source`,
prints tables and writes `build/bench-analysis.json`.
"""

import argparse
import sys
import time
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from statistics import fmean

import orjson
from pydantic import BaseModel
from rich.console import Console
from rich.table import Table

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))  # a script, run from a checkout

from router.tasks.analysis import analyse  # noqa: E402  (after the path is set)
from schemas.vocabulary import Task  # noqa: E402  (same)

REPORT = ROOT / "build" / "bench-analysis.json"
TYPICAL_CHARS = range(100, 301)
MIN_REPETITIONS = 2_000


class LabelledPrompt(BaseModel):
    """One line of the file."""

    text: str
    label: Task
    lang: str
    source: str


class Score(BaseModel):
    """How often one group's prompts were named right, and what they were most often taken for instead."""

    prompts: int
    right: int
    accuracy: float
    mistaken_for: dict[Task, int]


class Report(BaseModel):
    """What the run measured; times are of `analyse` alone, on one core."""

    prompts: int
    accuracy: float
    mean_accuracy_of_sources: float
    unknown: int
    prompts_per_s: float
    us_per_prompt: float
    us_per_typical_prompt: float
    by_source: dict[str, Score]
    by_language: dict[str, Score]
    by_label: dict[str, Score]


def score(pairs: Iterable[tuple[str, LabelledPrompt, Task]]) -> dict[str, Score]:
    """Groups (group, prompt, task named) into one score a group."""
    counts: dict[str, Counter[tuple[Task, Task]]] = {}
    for group, prompt, named in pairs:
        counts.setdefault(group, Counter())[prompt.label, named] += 1
    scores = {}
    for group, counter in sorted(counts.items()):
        right = sum(n for (label, named), n in counter.items() if label == named)
        mistaken = Counter({named: 0 for _, named in counter})
        for (label, named), n in counter.items():
            mistaken[named] += n if label != named else 0
        scores[group] = Score(
            prompts=counter.total(),
            right=right,
            accuracy=right / counter.total(),
            mistaken_for={task: n for task, n in mistaken.most_common(3) if n},
        )
    return scores


def us_per_prompt(texts: list[str]) -> float:
    """Times `analyse` over the texts, over and over until there are enough calls."""
    rounds = max(1, MIN_REPETITIONS // max(1, len(texts)))
    started = time.perf_counter()
    for _ in range(rounds):
        for text in texts:
            analyse(text)
    return (time.perf_counter() - started) / (rounds * max(1, len(texts))) * 1e6


def table(title: str, scores: dict[str, Score]) -> Table:
    """One score a row."""
    rows = Table("", "prompts", "accuracy", "mistaken for", title=title, title_justify="left")
    for group, result in scores.items():
        mistaken = ", ".join(f"{task} {n}" for task, n in result.mistaken_for.items())
        rows.add_row(group, f"{result.prompts:,}", f"{result.accuracy:.3f}", mistaken)
    return rows


def main() -> None:
    """Runs the measurement."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--prompts", type=Path, required=True, help="JSON lines with text, label, lang, source")
    lines = arguments.parse_args().prompts.read_bytes().splitlines()
    prompts = [LabelledPrompt.model_validate(orjson.loads(line)) for line in lines if line.strip()]
    if not prompts:
        sys.exit("The file has no prompts.")
    named = [(prompt, analyse(prompt.text).task) for prompt in prompts]
    by_source = score((prompt.source, prompt, task) for prompt, task in named)
    us = us_per_prompt([prompt.text for prompt in prompts])
    report = Report(
        prompts=len(prompts),
        accuracy=fmean(task == prompt.label for prompt, task in named),
        mean_accuracy_of_sources=fmean(result.accuracy for result in by_source.values()),
        unknown=sum(task is Task.UNKNOWN for _, task in named),
        prompts_per_s=1e6 / us,
        us_per_prompt=us,
        us_per_typical_prompt=us_per_prompt([p.text for p in prompts if len(p.text) in TYPICAL_CHARS]),
        by_source=by_source,
        by_language=score((prompt.lang, prompt, task) for prompt, task in named),
        by_label=score((prompt.label, prompt, task) for prompt, task in named),
    )
    REPORT.parent.mkdir(exist_ok=True)
    REPORT.write_bytes(orjson.dumps(report.model_dump(mode="json"), option=orjson.OPT_INDENT_2))

    console = Console()
    console.print(table("By source", report.by_source))
    console.print(table("By language", report.by_language))
    console.print(table("By label", report.by_label))
    console.print(
        f"{report.prompts:,} prompts: {report.accuracy:.3f} right, {report.mean_accuracy_of_sources:.3f} as the mean of"
        f" sources, {report.unknown:,} not sure. {report.prompts_per_s:,.0f} prompts/s a core, {us:.0f} us a prompt,"
        f" {report.us_per_typical_prompt:.0f} us at {TYPICAL_CHARS.start} to {TYPICAL_CHARS.stop - 1} characters.",
    )


if __name__ == "__main__":
    main()
