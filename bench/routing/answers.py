"""What models really answered, prompt by prompt: the loaders. Public files are read where they lie; none is shipped.

`gsm8k_strong_weak.jsonl` and `mmlu_strong_weak.jsonl`: `prompt`, `weak_right`, `strong_right` (RouteLLM, Ong et al.
2024, evaluation files of lm-sys/RouteLLM, Apache-2.0). `nine_models.jsonl`: `question`, `scores` by model, 0 to 1
(ulab-uiuc/LLMRouter, MIT). Our own set is no measurement: the 360 prompts of the demo, answered by the simulated
provider's table.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from hashlib import sha256
from pathlib import Path
from random import Random
from typing import Self, TypeVar

from pydantic import BaseModel, TypeAdapter

from router.tasks.analysis import Analysis, analyse
from router.tasks.features import NOTHING_SEEN
from sandbox.prompts import load_prompts
from sandbox.provider.exam import KNOWN, Exam

SEED = 7
WEAK, STRONG = "mixtral-8x7b", "gpt-4-1106"
PAIR_PRICES = {WEAK: 0.24, STRONG: 24.7}
"""USD per million tokens, input and output together, as in the cost analysis of the RouteLLM paper (section 5.3)."""
NINE_PRICES = {
    "llama3-chatqa-1.5-8b": 0.2,
    "qwen2.5-7b-instruct": 0.2,
    "mistral-7b-instruct-v0.3": 0.2,
    "llama-3.1-8b-instruct": 0.2,
    "codegemma-7b": 0.2,
    "gemma-2-9b-it": 0.3,
    "llama-3.1-nemotron-51b-instruct": 0.8,
    "llama-3.3-nemotron-super-49b-v1": 0.8,
    "llama3-chatqa-1.5-70b": 0.9,
}
"""USD per million tokens, by size."""
OWN_PRICES = {"deepseek-v3.2": 0.21, "gemini-2.5-flash": 3.125, "gpt-4.1": 4.0, "claude-sonnet-4.5": 7.5}
"""The reference prices, of as many input as output tokens."""


R = TypeVar("R", bound=BaseModel)


class _Pair(BaseModel):
    prompt: str
    weak_right: bool
    strong_right: bool
    weak_answer: str = ""
    strong_answer: str = ""


class _Scored(BaseModel):
    question: str
    scores: dict[str, float]


@dataclass(frozen=True, slots=True)
class Answered:
    """A prompt, what the router sees in it, and how good each model's answer was, 0 to 1."""

    prompt: str
    analysis: Analysis
    scores: Mapping[str, float]
    texts: Mapping[str, str] = field(default_factory=dict, hash=False)
    """What the models wrote, where the file tells it."""


@dataclass(frozen=True, slots=True)
class AnswerSet:
    """Prompts that the same models answered. A call costs its model's price: the files do not tell tokens."""

    name: str
    prices: Mapping[str, float]
    """By model, USD per million tokens."""
    rows: Sequence[Answered]

    @property
    def is_pair(self) -> bool:
        """Whether there are two models only, a weak and a strong one."""
        return len(self.prices) == 2  # noqa: PLR2004  (a pair)

    def without_forms(self) -> Self:
        """Return the prompts as if nothing were seen of their forms."""
        return replace(self, rows=[_without_form(row) for row in self.rows])

    def unseen(self) -> Self:
        """Return the prompts that the forms were not chosen on, a half by digest."""
        return replace(self, rows=[row for row in self.rows if sha256(row.prompt.encode()).digest()[-1] % 2])

    def halves(self, seed: int = SEED) -> tuple[list[Answered], list[Answered]]:
        """Return two halves by lot."""
        rows = list(self.rows)
        Random(seed).shuffle(rows)  # noqa: S311  (reproducible, and no secret)
        return rows[: len(rows) // 2], rows[len(rows) // 2 :]


def load_sets(folder: Path | None) -> list[AnswerSet]:
    """Read what the folder has of the three files, and our own set."""
    sets = []
    if folder is not None:
        for file, name in (("gsm8k_strong_weak.jsonl", "GSM8K"), ("mmlu_strong_weak.jsonl", "MMLU")):
            if (path := folder / file).exists():
                sets.append(AnswerSet(name, PAIR_PRICES, [_pair(one) for one in _lines(path, _Pair)]))
        if (path := folder / "nine_models.jsonl").exists():
            scored = [Answered(one.question, analyse(one.question), one.scores) for one in _lines(path, _Scored)]
            sets.append(AnswerSet("nine models", NINE_PRICES, scored))
        if not sets:
            raise FileNotFoundError(f"{folder} has none of the files that docs/savings.md names")
    return [*sets, own_set()]


def own_set(seeds: int = 5) -> AnswerSet:
    """Return the demo's prompts as the simulated provider answers them under some seeds: a table, no measurement."""
    analysed = [(one.request.question, analyse(one.request.question)) for one in load_prompts()]
    rows = [
        Answered(question, analysis, {model: float(exam.knows(model, question) or 0) for model in KNOWN})
        for exam in map(Exam, range(1, seeds + 1))
        for question, analysis in analysed
    ]
    return AnswerSet("our own, simulated", OWN_PRICES, rows)


def _without_form(row: Answered) -> Answered:
    return replace(row, analysis=replace(row.analysis, features=NOTHING_SEEN))


def _pair(one: _Pair) -> Answered:
    scores = {WEAK: float(one.weak_right), STRONG: float(one.strong_right)}
    texts = {WEAK: one.weak_answer, STRONG: one.strong_answer}
    return Answered(one.prompt, analyse(one.prompt), scores, texts)


def _lines(path: Path, kind: type[R]) -> list[R]:
    read = TypeAdapter(kind)
    return [read.validate_json(line) for line in path.read_bytes().splitlines()]
