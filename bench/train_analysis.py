"""Learns the weights of the analysis from our own labelled prompts, and writes `router/tasks/weights.json`.

`python bench/train_analysis.py` takes about a minute and always gives the same file; with `--held-out` it writes
nothing and says what the learnt part is worth on prompts it did not learn from. The linear model is learnt from the
`train` split of `sandbox/labelled`, each prompt as it is and edited (a question mark more or less, typos); the
shares of right answers, which are the confidence, are counted on `sandbox/prompts.jsonl`, which nothing is learnt from.
No library beyond Python's own.
"""

import json
import math
import random
import sys
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
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
ROUNDS = 12
STEP = 0.1
RIDGE = 3.0
"""Half of it times each weight's square is added to the loss: of weights of 1, so much as three sure mistakes."""
FOLDS = 4
LEAST_SEEN = 8
"""A feature of fewer examples is left out; a prompt makes three."""
LEAST = 0.05
"""Weights below are left out of the file."""
DIFFICULTIES = {Difficulty.EASY: 0.1, Difficulty.MEDIUM: 0.5, Difficulty.HARD: 0.9}
CHAT = "own:chat"
TERSE = frozenset({"own:terse", CHAT})
"""The sources of prompts as people type them in a hurry."""
PRIOR = 5
"""A cell of the confidence table starts as so many prompts of the mean share."""
TASKS = tuple(sorted(set(Task) - {Task.UNKNOWN}))

Example = tuple[frozenset[str], Task]


def seen(text: str) -> tuple[frozenset[str], Verdict, Features]:
    """What the model is given of a text."""
    found = find_clues(text)
    features = seen_in(found)
    verdict, _ = by_rules(found, features)
    return feature_names(found, features, verdict), verdict, features


def examples(prompts: Sequence[LabelledPrompt]) -> Iterator[Example]:
    """Each prompt as it is, with a question mark more or less, and with typos; other edits change nothing it sees."""
    for prompt in prompts:
        edits = edited(prompt.text, SEED)
        for text in (prompt.text, edits["question mark"], edits["typos"]):
            yield seen(text)[0], prompt.label


def learn(given: Sequence[Example], chance: random.Random) -> dict[str, list[float]]:
    """Softmax regression by stochastic gradient descent, each weight with a step of its own (AdaGrad).

    A rare word takes large steps and a common sign small ones. Returns the weights of each feature by `TASKS`.
    """
    known = Counter(name for names, _ in given for name in names)
    rows = [
        ([name for name in sorted(names) if known[name] >= LEAST_SEEN], TASKS.index(label)) for names, label in given
    ]
    weights = {name: [0.0] * len(TASKS) for names, _ in rows for name in names}
    squares = {name: [1e-3] * len(TASKS) for name in weights}
    for _ in range(ROUNDS):
        chance.shuffle(rows)
        for names, label in rows:
            of_names = [(weights[name], squares[name], RIDGE / known[name]) for name in names]
            scores = [sum(of_task) for of_task in zip(*(row for row, _, _ in of_names), strict=True)]
            top = max(scores)
            shares = [math.exp(score - top) for score in scores]
            total = sum(shares)
            misses = [share / total - (task == label) for task, share in enumerate(shares)]
            for row, square, pull in of_names:
                for task, miss in enumerate(misses):
                    slope = miss + pull * row[task]
                    square[task] += slope * slope
                    row[task] -= STEP * slope / math.sqrt(square[task])
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


def named(verdict: Verdict, guess: Task, probability: float) -> Task:
    """Decide as the analysis does."""
    return guess if verdict.yields_to(guess, probability) else verdict.task


def rounded(weights: Mapping[str, Sequence[float]]) -> dict[str, dict[Task, float]]:
    """Leave out what counts for next to nothing."""
    return {
        name: {task: round(weight, 2) for task, weight in zip(TASKS, row, strict=True) if abs(weight) >= LEAST}
        for name, row in sorted(weights.items())
    }


def held_out(prompts: Sequence[LabelledPrompt]) -> tuple[float, float]:
    """Return the shares of the latest training prompts named rightly, by all but a fold of them and by the rules alone.

    The phrases know them, so both are too high; what the learnt part adds is the difference.
    """
    last = [one for one in prompts if one.source == CHAT]
    right = by_rules_alone = 0
    for fold in range(FOLDS):
        left_out = {one.text for one in last[fold::FOLDS]}
        given = list(examples([one for one in prompts if one.text not in left_out]))
        weights = rounded(learn(given, random.Random(SEED)))  # noqa: S311  (reproducible, and no secret)
        written = {"record": {}, "weights": weights, "confidence": {"all": 0.5}, "difficulty": {}}
        model = TieBreak(written)  # type: ignore[arg-type]  # as it would be read
        for one in last[fold::FOLDS]:
            names, verdict, _ = seen(one.text)
            right += named(verdict, *model.guess(names)) is one.label
            by_rules_alone += verdict.task is one.label
    return right / len(last), by_rules_alone / len(last)


def count_confidence(model: TieBreak) -> dict[str, float]:
    """The share of right answers by cell, on prompts that nothing is learnt from."""
    right, all_ = Counter[str](), Counter[str]()
    for prompt in load_prompts():
        names, verdict, _ = seen(prompt.request.question)
        guess, probability = model.guess(names)
        task = named(verdict, guess, probability)
        for cell in (sureness(verdict, guess), "all"):
            right[cell] += task is prompt.task
            all_[cell] += 1
    mean = right["all"] / all_["all"]
    return {cell: round((right[cell] + PRIOR * mean) / (all_[cell] + PRIOR), 3) for cell in sorted(all_)}


def main() -> None:
    """Learns, counts and writes."""
    chance = random.Random(SEED)  # noqa: S311  (reproducible, and no secret)
    prompts = [one for one in load_labelled_prompts() if one.split is Split.TRAIN]
    if sys.argv[1:] == ["--held-out"]:
        learnt, alone = held_out(prompts)
        Console().print(f"{CHAT}, held out by turns: {learnt:.3f} right; by the rules alone {alone:.3f}.")
        return
    given = list(examples(prompts))
    weights = rounded(learn(given, chance))
    # how hard a terse prompt is, its length does not tell
    difficulty = learn_difficulty([one for one in prompts if one.source not in TERSE], chance)
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
        "ridge": RIDGE,
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
