"""How a simulated model judges two answers: by what it would have answered itself, as one does that knows no better.

It is asked as Turnout asks (`router.shadows.judging`): question and answers between lines with one mark. An answer
that comes to what it believes itself is good to it, so it is right about as often as it knows the exam, takes mistakes
that it shares for the truth, and where neither answer is its own it has no opinion but that the first looks better.
That models do so is published (Zheng et al. 2023, arXiv:2306.05685, sections 3.3 and 4.2); how much is a judgement.
"""

import hashlib
import re
from typing import Final

from sandbox.provider.exam import Exam, said_number

GOOD: Final = 9
BAD: Final = 3
FIRST_LOOKS_BETTER: Final = 0.3
"""How often the first of two answers that it cannot judge gets `FAVOUR` points more."""
FAVOUR: Final = 3
_ASKED: Final = re.compile(
    r"BEGIN QUESTION (?P<mark>\w+)\n(?P<question>.*)\nEND QUESTION (?P=mark)\n"
    r"BEGIN FIRST ANSWER (?P=mark)\n(?P<first>.*)\nEND FIRST ANSWER (?P=mark)\n"
    r"BEGIN SECOND ANSWER (?P=mark)\n(?P<second>.*)\nEND SECOND ANSWER (?P=mark)\n",
    re.DOTALL,
)


def judges(exam: Exam, model: str, asked: str) -> str | None:
    """Return the model's verdict, or None if it is not asked for one."""
    found = _ASKED.match(asked)
    if found is None:
        return None
    own = said_number(_says(exam, model, found["question"]))
    lot = hashlib.blake2b(f"{model}\n{found['question']}\n{found['first']}".encode(), digest_size=2).digest()
    scores = [GOOD if own is not None and said_number(found[name]) == own else BAD for name in ("first", "second")]
    if max(scores) == BAD and int.from_bytes(lot) / 2**16 < FIRST_LOOKS_BETTER:
        scores[0] += FAVOUR
    return f"SCORES first={scores[0]} second={scores[1]}"


def _says(exam: Exam, model: str, question: str) -> str | None:
    """Return what it would have answered; the question may stand behind a system prompt, or behind who says it."""
    rest = question
    while True:
        said = exam.says(model, rest.removeprefix("user: "))
        _, newline, rest = rest.partition("\n")
        if said is not None or not newline:
            return said
