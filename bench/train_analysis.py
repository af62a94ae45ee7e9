"""Learns the weights of the analysis from our own labelled prompts, and writes `router/tasks/weights.json`.

`python bench/train_analysis.py` takes about a minute and always gives the same file. The linear model is learnt from
the `train` split of `sandbox/labelled`, each prompt as it is and edited (a question mark more or less, typos); the
shares of right answers, which are the confidence, are counted on `sandbox/prompts.jsonl`, which nothing is learnt from.
No library beyond Python's own.
"""

import json
import math
import random
import sys
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path
from statistics import fmean

from rich.console import Console

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))  # a script, run from a checkout

OUT = ROOT / "router" / "tasks" / "weights.json"
if not OUT.exists():
    EMPTY = {
        "record": {},
        "weights": {},
        "confidence": {"all": 0.5},
        "difficulty": {"bias": 0, "length": 0, "heavy": 0},
    }
    OUT.write_text(json.dumps(EMPTY))

from router.tasks.analysis import by_rules  # noqa: E402  (after the path is set)
from router.tasks.clues import find_clues  # noqa: E402  (same)
from router.tasks.features import Features, seen_in  # noqa: E402  (same)
from router.tasks.tie_break import HEAVY, TieBreak, Verdict, feature_names, size_of, sureness  # noqa: E402  (same)
from sandbox.labelled_prompts import Difficulty, LabelledPrompt, Split, load_labelled_prompts  # noqa: E402  (same)
from sandbox.prompts import load_prompts  # noqa: E402  (same)
from schemas.vocabulary import Task  # noqa: E402  (same)
from streams.cli.prompt_edits import edited  # noqa: E402  (same)

SEED = 7
ROUNDS = 30
STEP = 0.1
DECAY = 3e-3
"""Pull of each weight towards nought, at each example that has its feature."""
LEAST = 0.05
"""Weights below are left out of the file."""
DIFFICULTIES = {Difficulty.EASY: 0.1, Difficulty.MEDIUM: 0.5, Difficulty.HARD: 0.9}
TERSE = "own:terse"
"""The source of prompts as people type them in a hurry."""
PRIOR = 5
"""A cell of the confidence table starts as so many prompts of the mean share."""
TASKS = tuple(sorted(set(Task) - {Task.UNKNOWN}))

Example = tuple[frozenset[str], Task]


def seen(text: str) -> tuple[frozenset[str], Verdict, Features]:
    """What the model is given of a text."""
    found = find_clues(text)
    features = seen_in(found)
    verdict, _ = by_rules(found, features)
    return feature_names(found.clues, features, verdict), verdict, features


def examples(prompts: Sequence[LabelledPrompt]) -> Iterator[Example]:
    """Each prompt as it is and edited; terse ones as they are, which would have most of the say otherwise."""
    for prompt in prompts:
        edits = () if prompt.source == TERSE else edited(prompt.text, SEED).values()
        for text in (prompt.text, *edits):
            yield seen(text)[0], prompt.label


def learn(given: list[Example], chance: random.Random) -> dict[str, dict[Task, float]]:
    """Softmax regression by stochastic gradient descent with a falling step."""
    weights: dict[str, dict[Task, float]] = defaultdict(lambda: dict.fromkeys(TASKS, 0.0))
    for number in range(ROUNDS):
        chance.shuffle(given)
        step = STEP / (1 + number / 5)
        for names, label in given:
            rows = [weights[name] for name in sorted(names)]
            scores = {task: sum(row[task] for row in rows) for task in TASKS}
            top = max(scores.values())
            shares = {task: math.exp(score - top) for task, score in scores.items()}
            total = sum(shares.values())
            for task in TASKS:
                miss = (task is label) - shares[task] / total
                for row in rows:
                    row[task] += step * (miss - DECAY * row[task])
    return weights


def learn_difficulty(prompts: Sequence[LabelledPrompt], chance: random.Random) -> dict[str, float]:
    """Logistic regression of the readers' difficulty on size and kind of task."""
    given = [
        (size_of(one.label, seen(one.text)[2]), one.label in HEAVY, DIFFICULTIES[one.difficulty]) for one in prompts
    ]
    middle = fmean(size for size, _, _ in given)
    bias = length = heavy = 0.0
    for number in range(200):
        chance.shuffle(given)
        step = 0.1 / (1 + number / 10)
        for size, is_heavy, wanted in given:
            miss = wanted - 1 / (1 + math.exp(-(bias + length * (size - middle) + heavy * is_heavy)))
            bias += step * miss
            length += step * miss * (size - middle)
            heavy += step * miss * is_heavy
    return {"bias": round(bias - length * middle, 3), "length": round(length, 3), "heavy": round(heavy, 3)}


def count_confidence(model: TieBreak) -> dict[str, float]:
    """The share of right answers by cell, on prompts that nothing is learnt from."""
    right, all_ = Counter[str](), Counter[str]()
    for prompt in load_prompts():
        names, verdict, _ = seen(prompt.request.question)
        guess, probability = model.guess(names)
        task = guess if verdict.yields_to(guess, probability) else verdict.task
        for cell in (sureness(verdict, guess), "all"):
            right[cell] += task is prompt.task
            all_[cell] += 1
    mean = right["all"] / all_["all"]
    return {cell: round((right[cell] + PRIOR * mean) / (all_[cell] + PRIOR), 3) for cell in sorted(all_)}


def main() -> None:
    """Learns, counts and writes."""
    chance = random.Random(SEED)  # noqa: S311  (reproducible, and no secret)
    prompts = [one for one in load_labelled_prompts() if one.split is Split.TRAIN]
    given = list(examples(prompts))
    weights = {
        name: {task: round(weight, 2) for task, weight in row.items() if abs(weight) >= LEAST}
        for name, row in sorted(learn(given, chance).items())
    }
    # how hard a terse prompt is, its length does not tell
    difficulty = learn_difficulty([one for one in prompts if one.source != TERSE], chance)
    written = {"record": {}, "weights": weights, "confidence": {"all": 0.5}, "difficulty": difficulty}
    written["confidence"] = count_confidence(TieBreak(written))  # type: ignore[arg-type]  # as it will be read
    written["record"] = {
        "command": "python bench/train_analysis.py",
        "learnt_from": "sandbox/labelled, split train",
        "prompts": len(prompts),
        "examples_with_edits": len(given),
        "confidence_counted_on": "sandbox/prompts.jsonl",
        "seed": SEED,
        "rounds": ROUNDS,
        "decay": DECAY,
        "features": len(weights),
    }
    OUT.write_text(_as_lines(written), encoding="utf-8")
    console = Console()
    console.print(f"{OUT.relative_to(ROOT)}: {len(weights)} features, {OUT.stat().st_size:,} bytes.")
    console.print("Run `turnout classify` to see what it is worth; a new process reads the new file.")


def _as_lines(written: dict[str, object]) -> str:
    """JSON with one feature a line, so that a change can be read."""
    parts = []
    for name, value in written.items():
        if name == "weights" and isinstance(value, dict):
            rows = ",\n".join(f"  {json.dumps(key)}: {json.dumps(row)}" for key, row in value.items())
            parts.append(f'"{name}": {{\n{rows}\n}}')
        else:
            parts.append(f"{json.dumps(name)}: {json.dumps(value, indent=1)}")
    return "{\n" + ",\n".join(parts) + "\n}\n"


if __name__ == "__main__":
    main()
