"""Mends one typo in a word that names a task: a letter too many, too few, another one, or two swapped.

By the deletions of each word (SymSpell, W. Garbe, 2012): two words are one typo apart only if they are alike after at
most one letter is taken out of each.
"""

from collections.abc import Iterable, Iterator
from typing import Final

MIN_WORD_CHARS: Final = 6
"""Shorter words are too often one letter from another word."""
MIN_SWAPPED_CHARS: Final = 4
"""Of words down to this length only two swapped letters are mended."""
MAX_WORD_CHARS: Final = 14
EDGE_WORDS: Final = 12
"""Only so many words from the start and from the end are looked at: a command stands there."""


class TypoMender:
    """Knows the words that may be meant."""

    def __init__(self, words: Iterable[str]) -> None:
        self._known = frozenset(word for word in words if MIN_SWAPPED_CHARS <= len(word) <= MAX_WORD_CHARS)
        self._near: dict[str, str] = {}
        self._swapped: dict[str, str] = {}
        for word in sorted(self._known):
            if len(word) < MIN_WORD_CHARS:
                self._swapped.update(dict.fromkeys(_swaps(word) - self._known, word))
                continue
            for key in _keys(word):
                self._near.setdefault(key, word)

    def mend(self, words: str) -> str | None:
        """Return the words of `Spelt.words` with known ones in the place of typos, or None if there is none."""
        split = words.split(" ")
        count, mended = len(split), False
        for at, word in enumerate(split):
            if EDGE_WORDS <= at < count - EDGE_WORDS or not MIN_SWAPPED_CHARS <= len(word) <= MAX_WORD_CHARS + 1:
                continue
            if (meant := self._meant(word)) is not None:
                split[at], mended = meant, True
        return " ".join(split) if mended else None

    def _meant(self, word: str) -> str | None:
        if word in self._known:
            return None
        if len(word) < MIN_WORD_CHARS and (meant := self._swapped.get(word)) is not None:
            return meant
        if len(word) < MIN_WORD_CHARS - 1:
            return None
        for key in _keys(word):
            meant = self._near.get(key)
            if meant is not None and meant[0] == word[0] and _one_typo_apart(word, meant):
                return meant
        return None


def _swaps(word: str) -> set[str]:
    """The word with two neighbours behind its first letter swapped."""
    inner = range(1, len(word) - 1)
    return {f"{word[:at]}{word[at + 1]}{word[at]}{word[at + 2 :]}" for at in inner} - {word}


def _keys(word: str) -> Iterator[str]:
    yield word
    for at in range(len(word)):
        yield word[:at] + word[at + 1 :]


def _one_typo_apart(one: str, other: str) -> bool:
    """Whether they differ in one letter, or in one that is missing, or in two neighbours that are swapped."""
    longer, shorter = (one, other) if len(one) >= len(other) else (other, one)
    start = 0
    while start < len(shorter) and longer[start] == shorter[start]:
        start += 1
    if len(longer) > len(shorter):
        return len(longer) - len(shorter) == 1 and longer[start + 1 :] == shorter[start:]
    if longer[start + 1 :] == shorter[start + 1 :]:
        return True
    swapped = longer[start : start + 2] == shorter[start : start + 2][::-1]
    return swapped and longer[start + 2 :] == shorter[start + 2 :]
