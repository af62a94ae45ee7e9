"""Our own prompts to learn and test the analysis on: each with its task, its difficulty and its language.

`labelled/*.jsonl`, a file a language, has `text, label, difficulty, lang, source, split` a line. People wrote and
labelled them one by one; many a situation is told in several languages, then all of its tellings are in one split.
`train` may be learnt from, `test` is for measuring only.
"""

from dataclasses import dataclass
from enum import StrEnum
from importlib.resources import files

import orjson

from schemas.vocabulary import Task, member


class Difficulty(StrEnum):
    """How much of a model a good answer takes."""

    EASY = "easy"
    """The cheapest model answers it as well as any."""
    MEDIUM = "medium"
    """A cheap model mostly does; a careful reader now and then sees a difference."""
    HARD = "hard"
    """Several constraints, long reasoning or fine judgement: where cheap models fail."""


class Split(StrEnum):
    """What a prompt is for."""

    TRAIN = "train"
    TEST = "test"


@dataclass(frozen=True, slots=True)
class LabelledPrompt:
    """A text as a person would send it, and what a careful reader says about it."""

    text: str
    label: Task
    difficulty: Difficulty
    lang: str
    """ISO 639-1, of the instruction; a text that it quotes may be in another language."""
    source: str
    split: Split


def load_labelled_prompts() -> tuple[LabelledPrompt, ...]:
    """Read all languages, in the order of their codes."""
    folder = files("sandbox").joinpath("labelled")
    paths = sorted((path for path in folder.iterdir() if path.name.endswith(".jsonl")), key=lambda path: path.name)
    return tuple(_parse(line) for path in paths for line in path.read_bytes().splitlines())


def _parse(line: bytes) -> LabelledPrompt:
    fields: dict[str, str] = orjson.loads(line)
    return LabelledPrompt(
        text=fields["text"],
        label=member(Task(fields["label"])),
        difficulty=Difficulty(fields["difficulty"]),
        lang=fields["lang"],
        source=fields["source"],
        split=Split(fields["split"]),
    )
