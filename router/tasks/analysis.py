"""What a prompt asks for, told from its words: the task it names and the tier of model it needs.

The words are the tables of `router.tasks.phrases`. Tier: a word for reasoning, else a word for fast work, else great
length or batch work (balanced), else powerful. Task: the one with the strongest phrase, a command before a subject
before a hint; between equals one near the start or end of the text, then the one with more phrases, then the order of
`TASK_ORDER`; unknown when nothing speaks for any.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, NamedTuple

from router.tasks import phrases
from router.tasks.phrase_matcher import TEXT_START, PhraseMatcher, Spelt, spell
from schemas.vocabulary import Task, Tier

LONG_TEXT_CHARS: Final = 5_000

# Words are looked for in the first and last part of a text, so that five megabytes cost what a page costs.
HEAD_CHARS: Final = 2_000
TAIL_CHARS: Final = 500
# People say what they want before or after what they paste, so the task is read nearer to the edges,
TASK_HEAD_CHARS: Final = 500
TASK_TAIL_CHARS: Final = 300
# and about the first and the last sentence speak loudest.
FIRST_SENTENCE_CHARS: Final = 100
LAST_SENTENCE_CHARS: Final = 150
# A cut goes to the next space within this distance, so that it does not make a word out of half a word.
LONGEST_WORD_CHARS: Final = 40
# An amount asked for after this much text has premises before it.
PREMISES_CHARS: Final = 40

CODE, COMMAND, SUBJECT, HINT = 4, 3, 2, 1
# Past this, more phrases say that the text is long rather than what is asked for.
MAX_PHRASES: Final = 3

TASK_ORDER: Final = (
    Task.TRANSLATION,
    Task.SUMMARIZATION,
    Task.EXTRACTION,
    Task.REWRITE,
    Task.CLASSIFICATION,
    Task.CODING,
    Task.MATH,
    Task.REASONING,
    Task.CREATIVE,
    Task.QA,
)


@dataclass(frozen=True, slots=True)
class Analysis:
    """What a prompt asks for; `reason` is a short English clause that quotes nothing but phrases of our own tables."""

    task: Task
    tier: Tier
    reason: str


class _Sign(NamedTuple):
    task: Task
    strength: int


class _Clue(NamedTuple):
    """A sign as it was found in a text."""

    strength: int
    near_edge: bool
    reason: str


_AMOUNT: Final = _Sign(Task.MATH, SUBJECT)
_ARITHMETIC_HINT: Final = _Sign(Task.MATH, HINT)
_QUESTION: Final = _Sign(Task.QA, HINT)

_TIER_LEXICON: Final[PhraseMatcher[Tier | None]] = PhraseMatcher(
    [(phrases.TIER_INNOCENTS, None), *((table, tier) for tier, table in phrases.TIERS.items())],
)
_TASK_LEXICON: Final[PhraseMatcher[_Sign | None]] = PhraseMatcher(
    [
        (phrases.TASK_INNOCENTS, None),
        (phrases.QUANTITIES, _AMOUNT),
        *((table, _Sign(task, COMMAND)) for task, table in phrases.COMMANDS.items()),
        *((table, _Sign(task, SUBJECT)) for task, table in phrases.SUBJECTS.items()),
        *((table, _Sign(task, HINT)) for task, table in phrases.HINTS.items()),
    ],
)

# Plain substrings come first: they are an order of magnitude faster than a pattern.
_CODE_MARKS: Final = (
    *("```", "():", "() {", "(self", "=> {", "</"),
    *("#include", "public static ", "console.log(", "SELECT * FROM"),
)
_DEFINITION_MARK: Final = "def "
_DEFINITION: Final = re.compile(r"(?:^|\n)[ \t]*def \w+\(")
_FORMULA_MARKS: Final = re.compile(r"[=\\^²³]")
_FORMULA: Final = re.compile(
    r"\\(?:frac|sqrt|boxed|begin|sum|int|cdot)\b"
    r"|\$[^$\n]{0,80}[=^\\][^$\n]{0,80}\$"
    r"|\d ?[-+*/×÷^] ?\(?-?\d.{0,30}="  # noqa: RUF001  (the multiplication sign is meant)
    r"|\b\d?[a-z] ?[\^²³]"
    r"|\b\d?[a-z] ?= ?-?\d"
    r"|\)=",
)
_QUESTION_MARKS: Final = ("?", "\uff1f", "\u061f")
_CLOSING: Final = " \t\r\n\"'*)\u201d\u2019\u300d\u300f\uff09"


def analyse(text: str) -> Analysis:
    """Names the task and tier of a prompt of any length, in any language, with or without sense; never raises."""
    window = _edges(text)
    spelt = spell(window)
    tier, tier_reason = _tier(spelt, len(text))
    task, task_reason = _task(spelt, window)
    return Analysis(task, tier, f"{tier_reason}; {task_reason}")


def _edges(text: str) -> str:
    if len(text) <= HEAD_CHARS + TAIL_CHARS:
        return text
    head_end = text.find(" ", HEAD_CHARS, HEAD_CHARS + LONGEST_WORD_CHARS)
    tail_start = text.rfind(" ", len(text) - TAIL_CHARS - LONGEST_WORD_CHARS, len(text) - TAIL_CHARS)
    head = text[: head_end if head_end > 0 else HEAD_CHARS]
    return f"{head}\n{text[tail_start if tail_start > 0 else -TAIL_CHARS :]}"


def _tier(spelt: Spelt, length: int) -> tuple[Tier, str]:
    first: dict[Tier, str] = {}
    for phrase, _, tier in _TIER_LEXICON.find(spelt):
        if tier is not None:
            first.setdefault(tier, phrase)
    for tier in (Tier.REASONING, Tier.FAST, Tier.BALANCED):
        if tier is Tier.BALANCED and length > LONG_TEXT_CHARS:
            return tier, f"longer than {LONG_TEXT_CHARS:,} characters"
        if tier in first:
            return tier, f"word {_quoted(first[tier])} asks for {tier}"
    return Tier.POWERFUL, "no word asks for another tier than powerful"


def _task(spelt: Spelt, window: str) -> tuple[Task, str]:
    clues: dict[Task, list[_Clue]] = {}
    for task, clue in (*_phrase_clues(spelt), *_shape_clues(window)):
        clues.setdefault(task, []).append(clue)
    if not clues:
        if window.rstrip(_CLOSING).endswith(_QUESTION_MARKS):
            return Task.QA, f"a question mark says {Task.QA}"
        return Task.UNKNOWN, "no word names a task"
    strongest = {task: max(found, key=_weight) for task, found in clues.items()}
    task = max(
        (task for task in TASK_ORDER if task in clues),
        key=lambda task: (_weight(strongest[task]), min(len(clues[task]), MAX_PHRASES)),
    )
    return task, f"{strongest[task].reason} says {task}"


def _weight(clue: _Clue) -> tuple[int, bool]:
    return clue.strength, clue.near_edge


def _phrase_clues(spelt: Spelt) -> Iterator[tuple[Task, _Clue]]:
    """The distinct phrases near the edges and what they speak for; a phrase counts where it stands first."""
    length = len(spelt.words)
    seen: set[str] = set()
    for phrase, place, sign in _TASK_LEXICON.find(spelt):
        if sign is None or phrase in seen or TASK_HEAD_CHARS <= place < length - TASK_TAIL_CHARS:
            continue
        seen.add(phrase)
        if spelt.numbers == 0 and sign == _ARITHMETIC_HINT:
            continue
        plain_question = sign is _AMOUNT and spelt.numbers == 0 and place < PREMISES_CHARS
        task, strength = _QUESTION if plain_question else sign
        near_edge = place < FIRST_SENTENCE_CHARS or place > length - LAST_SENTENCE_CHARS
        yield task, _Clue(strength, near_edge, _quoted(phrase))


def _shape_clues(window: str) -> Iterator[tuple[Task, _Clue]]:
    if any(mark in window for mark in _CODE_MARKS) or (_DEFINITION_MARK in window and _DEFINITION.search(window)):
        yield Task.CODING, _Clue(CODE, near_edge=True, reason="the shape of code")
    if _FORMULA_MARKS.search(window) and _FORMULA.search(window):
        yield Task.MATH, _Clue(SUBJECT, near_edge=True, reason="the shape of a formula")


def _quoted(phrase: str) -> str:
    return f"'{phrase.strip(f'{TEXT_START} ')}'"
