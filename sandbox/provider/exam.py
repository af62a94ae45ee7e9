"""Which simulated answers are right: the demo's prompts are an exam, and each model knows its share of the answers.

The right answer to a prompt is a number made of its text. A model that knows it says that number, one that does not
says another; which one it is depends on nothing but seed, model and prompt. So an answer can be marked wherever it ends
up, and what another model would have said is known as well.

A prompt's task and difficulty are those that a careful reader gave it in `sandbox/prompts.jsonl`. The shares, `KNOWN`,
are those of open models in public answers: LLMRouter, `data/dcrouter_preprocessed/train.json` (MIT), 5,608 questions of
13 benchmarks. gpt-4.1 and claude-sonnet-4.5 stand on llama-3.1-nemotron-51b-instruct, deepseek-v3.2 on
llama-3.3-nemotron-super-49b-v1 and gemini-2.5-flash on gemma-2-9b-it: so the shares say how models of such prices
differ, and nothing of those that the names belong to. A question is easy if at least half of the six other models were
right, and hard if less than a sixth of their points were made. `python -m bench.routing --rates DATA` prints the table.
Where questions are few, 30 of the same difficulty from all tasks are added.

Nothing that routes reads this table: what Turnout expects of a model is written in its catalogue, or learnt.
"""

import hashlib
import re
from collections.abc import Mapping
from functools import cache
from types import MappingProxyType
from typing import Final

from sandbox.labelled_prompts import Difficulty
from sandbox.prompts import DemoPrompt, load_prompts
from schemas.vocabulary import Task

Shares = tuple[float, float, float]
"""Of easy, medium and hard prompts."""

_UPPER: Final[Mapping[Task, Shares]] = MappingProxyType(
    {
        Task.CLASSIFICATION: (0.89, 0.69, 0.13),
        Task.CODING: (0.93, 0.59, 0.21),
        Task.CREATIVE: (0.89, 0.70, 0.15),
        Task.EXTRACTION: (0.93, 0.58, 0.20),
        Task.MATH: (0.93, 0.59, 0.18),
        Task.QA: (0.91, 0.65, 0.11),
        Task.REASONING: (0.90, 0.61, 0.27),
        Task.REWRITE: (0.90, 0.61, 0.19),
        Task.SUMMARIZATION: (0.92, 0.78, 0.19),
        Task.TRANSLATION: (0.86, 0.73, 0.21),
    },
)
KNOWN: Final[Mapping[str, Mapping[Task, Shares]]] = MappingProxyType(
    {
        "gpt-4.1": _UPPER,
        "claude-sonnet-4.5": _UPPER,
        "deepseek-v3.2": {
            Task.CLASSIFICATION: (0.87, 0.69, 0.21),
            Task.CODING: (0.92, 0.64, 0.21),
            Task.CREATIVE: (0.76, 0.64, 0.13),
            Task.EXTRACTION: (0.80, 0.62, 0.13),
            Task.MATH: (0.91, 0.68, 0.25),
            Task.QA: (0.75, 0.60, 0.11),
            Task.REASONING: (0.72, 0.58, 0.14),
            Task.REWRITE: (0.82, 0.61, 0.22),
            Task.SUMMARIZATION: (0.81, 0.78, 0.21),
            Task.TRANSLATION: (0.65, 0.52, 0.19),
        },
        "gemini-2.5-flash": {
            Task.CLASSIFICATION: (0.81, 0.53, 0.07),
            Task.CODING: (0.72, 0.31, 0.06),
            Task.CREATIVE: (0.86, 0.65, 0.11),
            Task.EXTRACTION: (0.85, 0.55, 0.18),
            Task.MATH: (0.90, 0.46, 0.09),
            Task.QA: (0.84, 0.58, 0.09),
            Task.REASONING: (0.82, 0.54, 0.21),
            Task.REWRITE: (0.81, 0.53, 0.17),
            Task.SUMMARIZATION: (0.84, 0.66, 0.21),
            Task.TRANSLATION: (0.73, 0.60, 0.08),
        },
    },
)
"""The share of the answers that a model knows."""

IN_COMMON: Final = 0.6
"""How often a model knows what any model of its share knows, instead of by a lot of its own: makes two models right
together as often as weak and strong were on the MMLU of RouteLLM."""
COMMON_MISTAKES: Final = 0.3
"""How often a wrong answer is the one that others give as well. A judgement."""
_PLACES: Final = {difficulty: place for place, difficulty in enumerate(Difficulty)}
_SAID: Final = re.compile(r"the answer is (\d+)")


class Exam:
    """The demo's prompts and who knows what of them. All answers follow from the seed."""

    def __init__(self, seed: int) -> None:
        self._seed = seed

    def says(self, model: str, question: str) -> str | None:
        """Return the sentence with the model's answer, or None where the question is no part of the exam."""
        if (knows := self.knows(model, question)) is None:
            return None
        right = _right_answer(question)
        if knows:
            return f"the answer is {right}."
        common = self._lot("mistake", model, question) < COMMON_MISTAKES
        return f"the answer is {_other(right, question if common else f'{model} {question}')}."

    def knows(self, model: str, question: str) -> bool | None:
        """Say whether the model answers rightly, or None where the model or the question is no part of the exam."""
        share = share_known(model, question)
        if share is None:
            return None
        common = self._lot("common", model, question) < IN_COMMON
        return self._lot("knows", "" if common else model, question) < share

    def _lot(self, what: str, model: str, question: str) -> float:
        drawn = hashlib.blake2b(f"{self._seed}\n{what}\n{model}\n{question}".encode(), digest_size=8).digest()
        return int.from_bytes(drawn) / 2**64


def share_known(model: str, question: str) -> float | None:
    """Return how likely the model knows the answer, or None where the model or the question is no part of the exam."""
    prompt = _questions().get(question)
    if prompt is None or model not in KNOWN:
        return None
    return KNOWN[model][prompt.task][_PLACES[prompt.difficulty]]


def mark(question: str, answer: str | None) -> bool | None:
    """Mark an answer: right or wrong, or None where the question is no part of the exam or there is no answer.

    An answer that was cut before it said anything is wrong.
    """
    if answer is None or question not in _questions():
        return None
    return said_number(answer) == _right_answer(question)


def said_number(answer: str | None) -> int | None:
    """Return what an answer comes to, or None if it says nothing."""
    said = _SAID.search(answer or "")
    return None if said is None else int(said.group(1))


@cache
def _questions() -> Mapping[str, DemoPrompt]:
    return {prompt.request.question: prompt for prompt in load_prompts()}


def _right_answer(question: str) -> int:
    return 1000 + int.from_bytes(hashlib.blake2b(question.encode(), digest_size=4).digest()) % 9000


def _other(right: int, origin: str) -> int:
    """Return a number of four digits that is not the right one."""
    distance = 1 + int.from_bytes(hashlib.blake2b(origin.encode(), digest_size=4).digest()) % 8999
    return 1000 + (right - 1000 + distance) % 9000
