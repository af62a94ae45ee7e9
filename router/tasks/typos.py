"""Mends one typo in a word that names a task: a letter too many, too few, another one, or two swapped.

By the deletions of each word (SymSpell, W. Garbe, 2012): two words are one typo apart only if they are alike after at
most one letter is taken out of each. In the beginnings of longer words, in phrases of several words and in scripts that
write words together it is two swapped letters only: of those there are few enough to be listed beforehand.
"""

from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import Final

MIN_WORD_CHARS: Final = 6
"""Shorter words are too often one letter from another word."""
MIN_SWAPPED_CHARS: Final = 4
"""Of words down to this length only two swapped letters are mended."""
MAX_WORD_CHARS: Final = 14
EDGE_WORDS: Final = 12
"""Only so many words from the start and from the end are looked at: a command stands there."""
MAX_PHRASE_WORDS: Final = 5
MIN_JOINED_CHARS, MAX_JOINED_CHARS = 3, 7
"""Of a phrase in a script that writes words together. Two characters swapped are too often another word."""
EDGE_CHARS: Final = 60
"""So much of a run of such a script is looked at, from its start and from its end."""


WORDS_KEPT: Final = 10_000
"""Of so many words it is remembered what they were taken for: few words make up most of every text."""


class TypoMender:
    """Knows the words and phrases that may be meant."""

    def __init__(self, phrases: Iterable[str], words: Iterable[str] = ()) -> None:
        """Mend to `phrases`; `words` look like typos of them, and are not."""
        given = sorted(phrases)
        self._words = frozenset(words)
        words = [phrase for phrase in given if phrase.isascii() and " " not in phrase]
        self._phrases = _all_swaps(phrase for phrase in given if " " in phrase)
        self._first_words = frozenset(phrase.partition(" ")[0] for phrase in self._phrases)
        self._beginnings = _all_swaps(word for word in words if len(word) > MIN_SWAPPED_CHARS)
        self._first_letters = frozenset(word[: MIN_SWAPPED_CHARS + 1] for word in self._beginnings)
        joined = (phrase for phrase in given if not phrase.isascii() and " " not in phrase)
        self._joined = _all_swaps(one for one in joined if MIN_JOINED_CHARS <= len(one) <= MAX_JOINED_CHARS)
        self._first_characters = frozenset(phrase[:MIN_JOINED_CHARS] for phrase in self._joined)
        self._known = frozenset(word for word in words if MIN_SWAPPED_CHARS <= len(word) <= MAX_WORD_CHARS)
        self._mended = lru_cache(WORDS_KEPT)(self._mend_word)
        self._near: dict[str, str] = {}
        self._swapped: dict[str, str] = {}
        for word in sorted(self._known):
            if len(word) < MIN_WORD_CHARS:
                self._swapped.update(dict.fromkeys(_swaps(word) - self._known, word))
                continue
            for key in _keys(word):
                self._near.setdefault(key, word)

    def mend(self, words: str, *, swapped_only: bool = False) -> str | None:
        """Return the words of `Spelt.words` with known ones in the place of typos, or None if there is none.

        With `swapped_only` letters may stand in another order, and none is wrong, missing or too many: what that makes
        of a word is seldom another word.
        """
        split = words.split(" ")
        count, mended = len(split), False
        for at, word in enumerate(split):
            if EDGE_WORDS <= at < count - EDGE_WORDS:
                continue
            meant = self._mended(word)
            if meant is not None and (not swapped_only or sorted(meant) == sorted(word)):
                split[at], mended = meant, True
            elif word in self._first_words:
                for end in range(at + 2, min(at + MAX_PHRASE_WORDS, count) + 1):
                    if (phrase := self._phrases.get(" ".join(split[at:end]))) is not None:
                        split[at:end], mended = phrase.split(" "), True
        return " ".join(split) if mended else None

    def _mend_word(self, word: str) -> str | None:
        if word in self._words:
            return None
        return self._meant(word) or self._begun(word) or self._run_together(word)

    def _begun(self, word: str) -> str | None:
        """Return the word with its beginning mended: `sumamries` for what begins by `summari`."""
        if word[: MIN_SWAPPED_CHARS + 1] not in self._first_letters or word in self._known:
            return None
        for end in range(min(len(word) - 1, MAX_WORD_CHARS), MIN_SWAPPED_CHARS, -1):
            if (meant := self._beginnings.get(word[:end])) is not None:
                return meant + word[end:]
        return None

    def _run_together(self, run: str) -> str | None:
        """Return a run of a script without spaces with the first phrase mended."""
        if run.isascii() or len(run) < MIN_JOINED_CHARS:
            return None
        for at in range(len(run) - MIN_JOINED_CHARS + 1):
            if (
                EDGE_CHARS <= at < len(run) - EDGE_CHARS
                or run[at : at + MIN_JOINED_CHARS] not in self._first_characters
            ):
                continue
            for size in range(MAX_JOINED_CHARS, MIN_JOINED_CHARS - 1, -1):
                if (meant := self._joined.get(run[at : at + size])) is not None:
                    return run[:at] + meant + run[at + size :]
        return None

    def _meant(self, word: str) -> str | None:
        if word in self._known or not MIN_SWAPPED_CHARS <= len(word) <= MAX_WORD_CHARS + 1:
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


def _all_swaps(phrases: Iterable[str]) -> dict[str, str]:
    """Return the phrases by each that two swapped letters make of them, but for those that are phrases themselves."""
    given = list(phrases)
    known = frozenset(given)
    return {swapped: phrase for phrase in given for swapped in _inner_swaps(phrase) - known}


def _inner_swaps(phrase: str) -> set[str]:
    """The phrase with two neighbours swapped within a word; where words have spaces, behind its first letter."""
    first = 0 if not phrase.isascii() and " " not in phrase else 1
    places = [at for at in range(first, len(phrase) - 1) if " " not in phrase[max(0, at - first) : at + 2]]
    return {f"{phrase[:at]}{phrase[at + 1]}{phrase[at]}{phrase[at + 2 :]}" for at in places} - {phrase}


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
