"""The prompts of the demo and the integration tests, each with the task and difficulty that a careful reader sees."""

from dataclasses import dataclass
from enum import StrEnum
from importlib.resources import files

import orjson
from pydantic import JsonValue

from sandbox.labelled_prompts import Difficulty
from schemas.requests import Request
from schemas.vocabulary import Task, member


class Language(StrEnum):
    """The language of a prompt's instruction; a text that it quotes may be in another one."""

    ENGLISH = "en"
    VIETNAMESE = "vi"
    GERMAN = "de"
    FRENCH = "fr"
    SPANISH = "es"
    CHINESE = "zh"
    KOREAN = "ko"
    JAPANESE = "ja"


@dataclass(frozen=True, slots=True)
class DemoPrompt:
    """A request without an id, ready to be published, and what a person says about it."""

    request: Request
    task: Task
    difficulty: Difficulty
    lang: Language


def load_prompts() -> tuple[DemoPrompt, ...]:
    """Read `prompts.jsonl`. Its order is fixed and mixes tasks, languages and tenants as traffic does."""
    lines = files("sandbox").joinpath("prompts.jsonl").read_bytes().splitlines()
    return tuple(_parse(line) for line in lines)


def _parse(line: bytes) -> DemoPrompt:
    fields: dict[str, JsonValue] = orjson.loads(line)
    task, lang = member(Task(str(fields.pop("task")))), Language(str(fields.pop("lang")))
    difficulty = Difficulty(str(fields.pop("difficulty")))
    return DemoPrompt(Request.model_validate(fields), task, difficulty, lang)
