"""What can be seen of a request without understanding it, for its difficulty and for the learned tie-break."""

import re
from dataclasses import dataclass
from typing import Final

from router.tasks.clues import Found
from schemas.requests import Request
from schemas.vocabulary import Form

_CHOICE: Final = re.compile(r"(?:^|[\s(])(?:[A-Ea-e1-5]|[①-⑤])[.):）]\s?\S")  # noqa: RUF001  (Chinese punctuation)
_MIN_CHOICES: Final = 3
_CHOICE_MARKS: Final = ".):\uff09"
_LIST_MARK: Final = re.compile(r"(?:^|\n)\s*(?:[-*•]|\d+[.)])\s")
# What an answer depends on or is bound by. English leads; the other languages have their commonest such words. They are
# looked for in lower case, word by word: one pattern of all of them takes four times as long.
_CONDITION_WORDS: Final = frozenset(
    """
    if suppose would should could might likely unless whether then after before until because although than
    each every twice half times more less per remaining left must exactly without only except keep avoid
    wenn falls nicht ohne höchstens mindestens genau weil obwohl si sans exactement chaque sauf sin cada
    exactamente porque salvo se senza ogni perché sem exatamente jika kalau tanpa tepat setiap karena
    nếu mỗi không đừng giữ
    """.split(),  # noqa: SIM905  (to be read and extended by people)
)
_ASSUMING: Final = "assum"
"""What a longer word begins by that is a condition, too."""
_CONDITION_PAIRS: Final = re.compile(r"\b(?:such that|parce que)\b")
_JOINED_CONDITIONS: Final = re.compile("如果|若|必须|不要|不得|每|なら|場合|ずつ|なしで|必ず|면 |금지|반드시|없이|마다")
"""In scripts that write words together."""
_WORD: Final = re.compile(r"\w+")
_QUOTES: Final = '"“„«「'
_INTRODUCTION_CHARS: Final = 80
# A longer question may hold a pasted text, and what is asked stands before or after that.
_PASTED_CHARS: Final = 250
_INTRODUCTION: Final = re.compile(r".{1,200}?[:\n]")
_LAST_LINE_CHARS: Final = 150
_ASKED: Final = ("?", "\uff1f", "\u061f")
_CLOSING: Final = " \t\r\n\"'*)\u201d\u2019\u300d\u300f\uff09"


@dataclass(frozen=True, slots=True)
class Features:
    """Seen from the request itself. `chars` is the length of the question; the others are counts or yes and no."""

    chars: int = 0
    numbers: int = 0
    asked_chars: int = 0
    """The length of what stands before the options to choose from; all, if there are none."""
    conditions: int = 0
    """Words that the answer depends on or is bound by: if, than, each, exactly, without; not those of a pasted text."""
    steps: int = 0
    """Lines that begin as a list's."""
    lines: int = 1
    code: bool = False
    formulas: bool = False
    choices: bool = False
    """Three options or more, as A), B), C)."""
    question: bool = False
    """It ends by a question mark."""
    quoted: bool = False
    """It has a quotation, or says at its start that something follows."""
    tools: int = 0
    images: int = 0
    schema: bool = False
    """The answer has to keep to a JSON Schema."""
    turns: int = 1
    """Messages of the user."""

    @property
    def form(self) -> Form:
        """What the question looks like."""
        if self.choices:
            return Form.CHOICES
        forms = _MATERIALS if self.quoted else _QUESTIONS if self.question else _STATEMENTS
        return forms[(self.chars >= SHORT_CHARS) + (self.chars >= MEDIUM_CHARS) + (self.chars >= LONG_CHARS)]


SHORT_CHARS, MEDIUM_CHARS, LONG_CHARS = 64, 256, 1024
"""Shorter questions are short, medium and long. Chosen, as the kinds were, on half of the nine models' answers: see
docs/savings.md."""
_QUESTIONS: Final = (Form.SHORT_QUESTION, Form.MEDIUM_QUESTION, Form.LONG_QUESTION, Form.HUGE_QUESTION)
_STATEMENTS: Final = (Form.SHORT_STATEMENT, Form.MEDIUM_STATEMENT, Form.LONG_STATEMENT, Form.HUGE_STATEMENT)
_MATERIALS: Final = (Form.SHORT_MATERIAL, Form.MEDIUM_MATERIAL, Form.LONG_MATERIAL, Form.HUGE_MATERIAL)

NOTHING_SEEN: Final = Features()


def seen_in(found: Found, request: Request | None = None) -> Features:
    """Describe a question by what was found in it, and the request that it belongs to."""
    window = found.window
    first = _CHOICE.search(window) if _has_choices(window) else None
    messages = (request.messages or ()) if request else ()
    parts = [part for message in messages if isinstance(message.content, list) for part in message.content]
    return Features(
        chars=found.chars,
        numbers=found.spelt.numbers,
        asked_chars=found.chars if first is None else first.start(),
        conditions=conditions_in(_asked(window).lower()),
        steps=len(_LIST_MARK.findall(window)) if "\n" in window else int(_LIST_MARK.match(window) is not None),
        lines=window.count("\n") + 1,
        code=found.has_code,
        formulas=found.has_formula,
        choices=first is not None,
        question=window.rstrip(_CLOSING).endswith(_ASKED),
        quoted=any(mark in window for mark in _QUOTES) or ":" in window[:_INTRODUCTION_CHARS],
        tools=len(request.tools or ()) if request else 0,
        images=sum(part.get("type") in {"image_url", "input_image", "image"} for part in parts),
        schema=request is not None and (request.response_format or {}).get("type") == "json_schema",
        turns=max(1, sum(message.role == "user" for message in messages)),
    )


def conditions_in(lowered: str) -> int:
    """Count what an answer depends on or is bound by in a text of lower case."""
    words = _WORD.findall(lowered)
    count = sum(map(_CONDITION_WORDS.__contains__, words))
    if _ASSUMING in lowered:
        count += sum(word.startswith(_ASSUMING) and word != _ASSUMING for word in words)
    if " that" in lowered or " que" in lowered:
        count += len(_CONDITION_PAIRS.findall(lowered))
    return count if lowered.isascii() else count + len(_JOINED_CONDITIONS.findall(lowered))


def _has_choices(window: str) -> bool:
    """Say whether there are options to choose from; their marks are counted first, since most texts have too few."""
    return sum(map(window.count, _CHOICE_MARKS)) >= _MIN_CHOICES and len(_CHOICE.findall(window)) >= _MIN_CHOICES


def _asked(window: str) -> str:
    """Leave out what seems to be pasted: what follows the introduction, but for the last line."""
    introduction = _INTRODUCTION.match(window) if len(window) > _PASTED_CHARS else None
    if introduction is None:
        return window
    last_line = window[window.rfind("\n") + 1 :]
    return introduction.group() + (last_line if len(last_line) <= _LAST_LINE_CHARS else "")
