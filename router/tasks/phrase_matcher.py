"""Finds the phrases of `router.tasks.phrases` in a text, in a time that hardly depends on how many there are.

Text and phrases are spelt the same way first: lower case, composed characters, one space between words, each number
as `0`.
"""

import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final, Generic, TypeVar

TEXT_START: Final = "^"

# Scripts that write words together: Han, kana, Hangul and their kin.
_JOINED: Final = "\u2e80-\u9fff\uac00-\ud7a3\uf900-\ufaff"
_JOINED_SCRIPT: Final = re.compile(rf"[{_JOINED}]")
_WORD: Final = re.compile(rf"[{_JOINED}]+|[^\W{_JOINED}]+|\+\+")
_NUMBER: Final = re.compile(r"\d[\d.,]*")
_COMBINING_MARKS: Final = re.compile(r"[\u0300-\u036f]")

M = TypeVar("M")


@dataclass(frozen=True, slots=True)
class Spelt:
    """A text as its words, ready to be searched, and how many numbers stood in it."""

    words: str
    numbers: int


def spell(text: str) -> Spelt:
    """Takes out what never matters: case, punctuation, line breaks, control characters, the value of a number."""
    folded = text.lower() if text.isascii() else unicodedata.normalize("NFKC", text.casefold())
    unvalued, numbers = _NUMBER.subn("0", folded)
    return Spelt(f" {TEXT_START} {' '.join(_WORD.findall(unvalued))} ", numbers)


class PhraseMatcher(Generic[M]):
    """Phrases and what each means. Where tables share a phrase, the first table's meaning holds."""

    def __init__(self, tables: Iterable[tuple[str, M]]) -> None:
        self._meanings: dict[str, M] = {}
        spaced = _Branch()
        joined: defaultdict[str, set[str]] = defaultdict(set)
        for table, meaning in tables:
            for phrase, whole_words in _entries(table):
                self._meanings.setdefault(phrase, meaning)
                if phrase[0] == " ":
                    spaced.add(phrase, whole_words=whole_words)
                else:
                    joined[phrase[0]].add(phrase)
        self._spaced = re.compile(spaced.pattern())
        self._joined = {first: sorted(phrases, key=len, reverse=True) for first, phrases in joined.items()}

    @property
    def meanings(self) -> Mapping[str, M]:
        """What each phrase means, by the phrase as it is spelt."""
        return self._meanings

    def find(self, text: Spelt) -> Iterator[tuple[str, int, M]]:
        """Yields phrase, place in `text.words` and meaning; at each place the longest phrase, none inside another."""
        for match in self._spaced.finditer(text.words):
            phrase = match.group()
            yield phrase, match.start(), self._meanings[phrase]
        if _JOINED_SCRIPT.search(text.words):
            yield from self._find_joined(text.words)

    def _find_joined(self, text: str) -> Iterator[tuple[str, int, M]]:
        end = 0
        for place, character in enumerate(text):
            if place < end or character not in self._joined:
                continue
            for phrase in self._joined[character]:
                if text.startswith(phrase, place):
                    yield phrase, place, self._meanings[phrase]
                    end = place + len(phrase)
                    break


def _entries(table: str) -> Iterator[tuple[str, bool]]:
    """Yields each phrase of a table as it is spelt in a text, and whether a word must end where it ends."""
    language = ""
    for line in table.splitlines():
        before, colon, after = line.partition(":")
        if colon:
            language = before.strip()
        for entry in (after if colon else line).split(","):
            written = entry.strip()
            if not written:
                continue
            yield _entry(written)
            # One syllable without its marks is too often another word: `dịch` would be the German `dich`.
            if language == "vi" and " " in written.removeprefix(f"{TEXT_START} "):
                yield _entry(_without_diacritics(written))


def _entry(written: str) -> tuple[str, bool]:
    phrase = " ".join(_WORD.findall(spell(written).words))
    if written.startswith(TEXT_START):
        phrase = f"{TEXT_START} {phrase}"
    if not _JOINED_SCRIPT.match(phrase):
        phrase = f" {phrase}"
    return phrase, not (written.endswith("*") or _JOINED_SCRIPT.match(phrase[-1]))


def _without_diacritics(text: str) -> str:
    return _COMBINING_MARKS.sub("", unicodedata.normalize("NFD", text)).replace("đ", "d")


@dataclass(slots=True)
class _Branch:
    """The phrases that go on from one beginning, as a tree of characters.

    As one regular expression in the shape of the tree, ` (?:a(?:naly(?:se|ze)|nd)|b...)`, they cost a few comparisons a
    word, and no text can make it go back further than one phrase.
    """

    branches: dict[str, "_Branch"] = field(default_factory=dict)
    shutdown: str | None = None

    def add(self, rest: str, *, whole_words: bool) -> None:
        if rest:
            self.branches.setdefault(rest[0], _Branch()).add(rest[1:], whole_words=whole_words)
        else:
            self.shutdown = "(?= )" if whole_words else ""

    def pattern(self) -> str:
        # The end of a phrase comes last, so that a longer one is tried first.
        choices = [re.escape(character) + branch.pattern() for character, branch in self.branches.items()]
        if self.shutdown is not None:
            choices.append(self.shutdown)
        return choices[0] if len(choices) == 1 else f"(?:{'|'.join(choices)})"
