"""Is the difficulty worth anything? Measured against what a weak and a strong model really answered.

`python bench/difficulty.py FILE.jsonl` takes one object a line: `prompt`, `weak_right` and `strong_right` (the form of
the public answers of RouteLLM on GSM8K and MMLU). The hardest prompts go to the strong model, more and more of them;
APGR is the mean share of the gap between the two that is closed on the way (RouteLLM, Ong et al. 2024): 0.5 is chance.
"""

import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import orjson
from pydantic import BaseModel

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))  # a script, run from a checkout

from router.tasks.analysis import analyse  # noqa: E402  (after the path is set)


class Answered(BaseModel):
    """A prompt, and who answered it rightly."""

    prompt: str
    weak_right: bool
    strong_right: bool


def apgr(answers: Sequence[Answered], hardness: Callable[[Answered], float]) -> float:
    """Average the recovered share of the performance gap over all shares of strong calls."""
    weak, strong = (sum(getattr(one, name) for one in answers) for name in ("weak_right", "strong_right"))
    right, recovered = weak, 0.0
    for one in sorted(answers, key=hardness, reverse=True):
        right += one.strong_right - one.weak_right
        recovered += (right - weak) / (strong - weak)
    return recovered / len(answers)


def main() -> None:
    """Prints the figures of each file."""
    if not sys.argv[1:]:
        sys.exit("Name a file of JSON lines with prompt, weak_right and strong_right.")
    for name in sys.argv[1:]:
        answers = [Answered.model_validate(orjson.loads(line)) for line in Path(name).read_bytes().splitlines()]
        ours = apgr(answers, lambda one: analyse(one.prompt).difficulty)
        length = apgr(answers, lambda one: len(one.prompt))
        print(f"{Path(name).name}: {len(answers):,} prompts, APGR {ours:.3f}; by length alone {length:.3f}")


if __name__ == "__main__":
    main()
