"""What in a text speaks for which task: phrases of `router.tasks.phrases`, and the shapes of code and formulas.

A command that is negated ("do not translate") or mentioned ("she said 'summarize'") is no command.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, NamedTuple

from router.tasks import phrases
from router.tasks.phrase_matcher import TEXT_START, PhraseMatcher, Spelt, spell
from router.tasks.typos import TypoMender
from router.tasks.wording import Asked, asked_of
from schemas.vocabulary import Task

# People say what they want before or after what they paste: the task is read in the first and last part of a text, so
# that five megabytes cost what a page costs,
HEAD_CHARS: Final = 500
TAIL_CHARS: Final = 300
# and about the first and the last sentence speak loudest.
FIRST_SENTENCE_CHARS: Final = 100
LAST_SENTENCE_CHARS: Final = 150
# A cut goes to the next space within this distance, so that it does not make a word out of half a word.
LONGEST_WORD_CHARS: Final = 40
# An amount asked for after this much text has premises before it.
PREMISES_CHARS: Final = 40

CODE, COMMAND, SUBJECT, HINT = 4, 3, 2, 1
STRENGTHS: Final = {CODE: "code", COMMAND: "command", SUBJECT: "subject", HINT: "hint"}

SHAPE: Final = "the shape of "

NEGATED_CHARS: Final = 18
"""A negation stands within about three words before what it negates."""
ADJACENT_CHARS: Final = 2
"""Where it stands after, as in Japanese and Korean, it is part of the same word."""
MIN_UNQUOTED_CHARS: Final = 8
"""A text that is all quotation is read as it is."""


class Sign(NamedTuple):
    """What a phrase speaks for, and how strongly."""

    task: Task
    strength: int


@dataclass(frozen=True, slots=True)
class Clue:
    """A sign as it was found in a text."""

    task: Task
    strength: int
    zone: str
    """`first` or `last` sentence, or `middle`."""
    phrase: str

    @property
    def near_edge(self) -> bool:
        """Whether it stands in about the first or the last sentence."""
        return self.zone != "middle"

    @property
    def reason(self) -> str:
        """What was found, in the words of our own tables."""
        return self.phrase if self.phrase.startswith(SHAPE) else f"'{self.phrase}'"


_AMOUNT: Final = Sign(Task.MATH, SUBJECT)
_ARITHMETIC_HINT: Final = Sign(Task.MATH, HINT)
_QUESTION: Final = Sign(Task.QA, HINT)

_LEXICON: Final[PhraseMatcher[Sign | None]] = PhraseMatcher(
    [
        (phrases.TASK_INNOCENTS, None),
        (phrases.QUANTITIES, _AMOUNT),
        *((table, Sign(task, COMMAND)) for task, table in phrases.COMMANDS.items()),
        *((table, Sign(task, SUBJECT)) for task, table in phrases.SUBJECTS.items()),
        *((table, Sign(task, HINT)) for task, table in phrases.HINTS.items()),
    ],
)
_TYPOS: Final = TypoMender(
    (phrase.strip() for phrase, sign in _LEXICON.meanings.items() if sign is not None and TEXT_START not in phrase),
    (phrase.strip() for phrase, sign in _LEXICON.meanings.items() if sign is None and " " not in phrase.strip()),
)
_NEGATIONS: Final = PhraseMatcher([(phrases.NEGATIONS, True)])
_NEGATIONS_AFTER: Final = PhraseMatcher([(phrases.NEGATIONS_AFTER, True)])

# Plain substrings come first: they are an order of magnitude faster than a pattern.
_CODE_MARKS: Final = (
    *("```", "():", "() {", "(self", "=> {", "</"),
    *("#include", "public static ", "console.log(", "select * from", "json.parse(", "print(", "=> "),
)
_DEFINITION_MARK: Final = "def "
_DEFINITION: Final = re.compile(r"(?:^|\n)[ \t]*def \w+\(")
# What is to choose from, before what is to be judged: `(low, mid, high)`, `low/mid/high`, `spam or not`.
_LABELS: Final = re.compile(
    r"\([^(),]{2,24}(?:, ?[^(),]{2,24}){1,7}\)|\b[^\W\d]{2,14}(?:/[^\W\d]{2,14}){1,5}\b"
    r"|\b(?:or|oder|ou|o|atau|hay|hoặc)\b[^:?\n]{2,24}(?:[:?]|$)|还是|(?:か|？)[^？]{1,8}か|인지|아니면",  # noqa: RUF001  (a question mark)
)
_LABELS_CHARS: Final = 110
# Names to be filled in, whatever the language: `{name, city, date}`.
_FIELDS: Final = re.compile(r"\{\s?[^\W\d]\w[\w ]{0,24}(?:, ?[^\W\d]\w[\w ]{0,24}){1,9}\s?\}")
_SEQUENCE: Final = re.compile(r"(?:\b\d{1,4}, ?){3,}")
_SEQUENCE_CHARS: Final = 70
_FORMULA_MARKS: Final = re.compile(r"[=\\^²³%]")
_FORMULA: Final = re.compile(
    r"\\(?:frac|sqrt|boxed|begin|sum|int|cdot)\b"
    r"|\$[^$\n]{0,80}[=^\\][^$\n]{0,80}\$"
    r"|\d ?[-+*/×÷^] ?\(?-?\d.{0,30}="  # noqa: RUF001  (the multiplication sign is meant)
    r"|\b\d?[a-z] ?[\^²³]"
    r"|\b\d?[a-z] ?= ?-?\d"
    r"|\d ?% (?:of|von|de|di|du|dari|của) \d"
    r"|\)=|\d ?≥ ?\d|[a-z] ?≥ ?\d",
)
_ENDS: Final = "?\uff1f!. "
# `RecursionError`, `NullPointerException`.
_FAILURE: Final = re.compile(r"[a-z]{3}(?:error|exception)\b")
_SPACES: Final = re.compile(r"[ \t]{2,}")
_QUOTED: Final = re.compile(r'["“„«「『][^"”“»」』]{3,400}["”“»」』]')


@dataclass(frozen=True, slots=True)
class Found:
    """What was found in the part of a text that is read."""

    window: str
    chars: int
    """Of the whole text, without what may stand or not at its ends: space, a question mark, a full stop."""
    spelt: Spelt
    clues: tuple[Clue, ...]
    has_code: bool
    has_formula: bool
    asked: Asked


def find_clues(text: str) -> Found:
    """Read a text of any length, in any language, with or without sense."""
    stripped = text.strip().rstrip(_ENDS)
    read = edges(text.strip())
    window = _SPACES.sub(" ", read) if "  " in read or "\t" in read else read
    lowered = window.lower()
    unquoted = _unquoted(window)
    spelt = spell(unquoted)
    has_code = any(mark in lowered for mark in _CODE_MARKS) or (
        _DEFINITION_MARK in lowered and _DEFINITION.search(lowered) is not None
    )
    has_formula = _FORMULA_MARKS.search(lowered) is not None and _FORMULA.search(lowered) is not None
    clues = list(_phrase_clues(spelt))
    strongest = max((clue.strength for clue in clues), default=0)
    if (mended := _TYPOS.mend(spelt.words, swapped_only=strongest > 0)) is not None:
        clues = list(_phrase_clues(Spelt(mended, spelt.numbers)))
    if has_code:
        clues.append(Clue(Task.CODING, CODE, "first", f"{SHAPE}code"))
    if ("error" in lowered or "exception" in lowered) and _FAILURE.search(lowered):
        clues.append(Clue(Task.CODING, COMMAND, "first", f"{SHAPE}an error's name"))
    if has_formula:
        clues.append(Clue(Task.MATH, SUBJECT, "first", f"{SHAPE}a formula"))
    if unquoted is not window and _LABELS.search(unquoted, 0, _LABELS_CHARS):
        clues.append(Clue(Task.CLASSIFICATION, SUBJECT, "first", f"{SHAPE}labels to choose from"))
    if "{" in window and _FIELDS.search(window):
        clues.append(Clue(Task.EXTRACTION, SUBJECT, "first", f"{SHAPE}fields to fill in"))
    if len(window) <= _SEQUENCE_CHARS and "," in window and _SEQUENCE.search(window):
        clues.append(Clue(Task.REASONING, SUBJECT, "first", f"{SHAPE}a sequence"))
    return Found(
        window,
        len(stripped) - len(read) + len(window),
        spelt,
        tuple(clues),
        has_code,
        has_formula,
        asked_of(unquoted, spelt),
    )


def edges(text: str) -> str:
    """Return the first and the last part of the text, in which the task is read."""
    if len(text) <= HEAD_CHARS + TAIL_CHARS:
        return text
    head_end = text.find(" ", HEAD_CHARS, HEAD_CHARS + LONGEST_WORD_CHARS)
    tail_start = text.rfind(" ", len(text) - TAIL_CHARS - LONGEST_WORD_CHARS, len(text) - TAIL_CHARS)
    head = text[: head_end if head_end > 0 else HEAD_CHARS]
    return f"{head}\n{text[tail_start if tail_start > 0 else -TAIL_CHARS :]}"


def _unquoted(window: str) -> str:
    rest = _QUOTED.sub(" ", window)
    return rest if len(rest) < len(window) and len(rest.strip(' .:,\n"')) >= MIN_UNQUOTED_CHARS else window


def _phrase_clues(spelt: Spelt) -> Iterator[Clue]:
    """The distinct phrases and what they speak for; a phrase counts where it stands first."""
    length = len(spelt.words)
    found = [(phrase, place, sign) for phrase, place, sign in _LEXICON.find(spelt) if sign is not None]
    before = [place + len(phrase) for phrase, place, _ in _NEGATIONS.find(spelt)] if found else []
    after = [place for _, place, _ in _NEGATIONS_AFTER.find(spelt)] if found else []
    seen: set[str] = set()
    for phrase, place, sign in found:
        if phrase in seen or (spelt.numbers == 0 and sign == _ARITHMETIC_HINT):
            continue
        end = place + len(phrase)
        if sign.strength == COMMAND and (
            any(0 <= place - negated <= NEGATED_CHARS for negated in before)
            or any(abs(negation - end) <= ADJACENT_CHARS for negation in after)
        ):
            continue
        seen.add(phrase)
        plain_question = sign is _AMOUNT and spelt.numbers == 0 and place < PREMISES_CHARS
        task, strength = _QUESTION if plain_question else sign
        zone = "first" if place < FIRST_SENTENCE_CHARS else "last" if place > length - LAST_SENTENCE_CHARS else "middle"
        yield Clue(task, strength, zone, phrase.strip(f"{TEXT_START} "))
