"""The standard edits: small changes to a text that change nothing about what it asks for."""

import unicodedata
from collections.abc import Mapping
from random import Random
from typing import Final

TYPOS_PER_CHARS: Final = 40
"""One typo in so many characters, at least one."""


def edited(text: str, seed: int) -> Mapping[str, str]:
    """Return the text with each edit, by the edit's name; the same for the same seed."""
    return {
        "question mark": without_question_mark(text)
        if text.rstrip().endswith(("?", "\uff1f"))
        else f"{text.rstrip()}?",
        "typos": with_typos(text, seed),
        "upper case": text.upper(),
        "no diacritics": without_diacritics(text),
        "spaces": f"  {text.replace(' ', '  ')}\n",
    }


def without_question_mark(text: str) -> str:
    """Leave out the question mark at the end."""
    return text.rstrip().rstrip("?\uff1f")


def with_typos(text: str, seed: int) -> str:
    """Swap two neighbouring letters inside a word, here and there."""
    chance, letters = Random(f"{seed}:{text}"), list(text)  # noqa: S311  (reproducible, and no secret)
    inner = [at for at in range(1, len(letters) - 2) if all(c.isalpha() for c in letters[at - 1 : at + 2])]
    for at in chance.sample(inner, min(len(inner), max(1, len(text) // TYPOS_PER_CHARS))):
        letters[at], letters[at + 1] = letters[at + 1], letters[at]
    return "".join(letters)


def without_diacritics(text: str) -> str:
    """Type as people do on a foreign keyboard; scripts that are not Latin stay as they are."""
    bare = "".join(c for c in unicodedata.normalize("NFD", text) if not "\u0300" <= c <= "\u036f")
    return unicodedata.normalize("NFC", bare).replace("đ", "d").replace("Đ", "D")
