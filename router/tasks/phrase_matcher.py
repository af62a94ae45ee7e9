"""Finds the phrases of `router.tasks.phrases` in a text, in a time that hardly depends on how many there are.

Text and phrases are spelt the same way first: lower case, no diacritics, one space between words, each number as `0`.
"""

import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from typing import Final, Generic, TypeVar

TEXT_START: Final = "^"

# Scripts that write words together: Han, kana, Hangul and their kin.
_JOINED: Final = "\u2e80-\u9fff\uac00-\ud7a3\uf900-\ufaff"
JOINED_SCRIPT: Final = re.compile(rf"[{_JOINED}]")
_WORD: Final = re.compile(rf"[{_JOINED}]+|[^\W{_JOINED}]+|\+\+")
_ASCII_WORD: Final = re.compile(r"[a-z0-9_]+|\+\+")
"""The same in a text of ASCII in lower case."""
_NUMBER: Final = re.compile(r"\d[\d.,]*")
_LATIN_MARKS: Final = re.compile(r"[\u00c0-\u024f\u0300-\u036f\u1e00-\u1eff]")
_COMBINING_MARKS: Final = re.compile(r"[\u0300-\u036f]")

# How a Vietnamese word is built, as it is spelt here: one syllable.
_SYLLABLE: Final = re.compile(
    r"(?:ngh?|nh|ph|t[hr]?|c?h|gh?i?|kh?|qu|[bcdlmnprsvx])?"
    r"(?:uy?e|uye|[iuo]?a[ouiy]?|ie?u?|ye?u?|oe?i?|oo|u[oi]?[iu]?|e[ou]?)"
    r"(?:n[gh]?|ch?|[mpt])?"
)
# Frequent syllables that are rare in other languages.
_FREQUENT: Final = frozenset(
    """
    khong cua nhung duoc trong mot nay nao giup gium toi minh nguoi nhieu viet dich cau tieng thi voi tinh bai
    doan roi cac cho bang ve lai vay biet hoi gi nhu moi ngay lam anh chi khi nha noi ten may thu hai nhat sao ai
    ra va chinh sua gon tim tom tat giai phan loai chung mau thuan xe doc nghia chuyen dat hay thuoc nhan
    """.split(),  # noqa: SIM905  (to be read and extended by people)
)
WORDS_KEPT: Final = 10_000
"""Of so many words it is remembered whether they may be Vietnamese: few words make up most of every text."""

M = TypeVar("M")


@dataclass(frozen=True)
class Spelt:
    """A text as its words, ready to be searched, and how many numbers stood in it."""

    words: str
    numbers: int

    @cached_property
    def looks_vietnamese(self) -> bool:
        """Whether two of three words could be Vietnamese syllables and one of eight is a common one."""
        words = self.words.count(" ") - 2 - self.words.count(" 0 ")
        split = self.words.split(" ")
        found = sum(map(_FREQUENT.__contains__, split))
        return found > 0 and 8 * found >= words and 3 * sum(map(_is_syllable, split)) >= 2 * words

    @cached_property
    def has_joined_script(self) -> bool:
        """Whether there is a script in it that writes words together."""
        return has_joined_script(self.words)


def spell(text: str) -> Spelt:
    """Takes out what never matters: case, punctuation, diacritics, line breaks, the value of a number."""
    is_ascii = text.isascii()
    folded = text.lower() if is_ascii else _without_marks(unicodedata.normalize("NFKC", text.casefold()))
    unvalued, numbers = _NUMBER.subn("0", folded)
    words = (_ASCII_WORD if is_ascii else _WORD).findall(unvalued)
    return Spelt(f" {TEXT_START} {' '.join(words)} ", numbers)


def has_joined_script(text: str) -> bool:
    """Say whether there is a script in it that writes words together."""
    return not text.isascii() and JOINED_SCRIPT.search(text) is not None


@lru_cache(WORDS_KEPT)
def _is_syllable(word: str) -> bool:
    return _SYLLABLE.fullmatch(word) is not None


class PhraseMatcher(Generic[M]):
    """Phrases and what each means. Where tables share a phrase, the first table's meaning holds."""

    def __init__(self, tables: Iterable[tuple[str, M]]) -> None:
        self._meanings: dict[str, M] = {}
        spaced, vietnamese, joined = _Branch(), _Branch(), _Branch()
        for table, meaning in tables:
            for language, phrase, whole_words in _entries(table):
                self._meanings.setdefault(phrase, meaning)
                if phrase[0] != " ":
                    joined.add(phrase, whole_words=False)
                    continue
                vietnamese.add(phrase, whole_words=whole_words)
                # One syllable without its marks is too often another word: `dịch` would be the German `dich`.
                if language != "vi" or " " in phrase.removeprefix(f" {TEXT_START}").strip():
                    spaced.add(phrase, whole_words=whole_words)
        self._spaced, self._vietnamese, self._joined = map(_compiled, (spaced, vietnamese, joined))

    @property
    def meanings(self) -> Mapping[str, M]:
        """What each phrase means, by the phrase as it is spelt."""
        return self._meanings

    def find(self, text: Spelt) -> Iterator[tuple[str, int, M]]:
        """Yields phrase, place in `text.words` and meaning; at each place the longest phrase, none inside another."""
        words = text.words
        patterns = [self._vietnamese if text.looks_vietnamese else self._spaced]
        if text.has_joined_script:
            patterns.append(self._joined)
        for pattern in patterns:
            for match in pattern.finditer(words):
                phrase = match.group()
                yield phrase, match.start(), self._meanings[phrase]


def _without_marks(text: str) -> str:
    if not _LATIN_MARKS.search(text):
        return text
    # Composed again, for Korean syllables come apart, too.
    bare = _COMBINING_MARKS.sub("", unicodedata.normalize("NFD", text)).replace("đ", "d")
    return unicodedata.normalize("NFC", bare)


def _entries(table: str) -> Iterator[tuple[str, str, bool]]:
    """Yields each phrase of a table with its language, as it is spelt, and whether a word must end where it ends."""
    language = ""
    for line in table.splitlines():
        before, colon, after = line.partition(":")
        if colon:
            language = before.strip()
        for entry in (after if colon else line).split(","):
            if written := entry.strip():
                yield language, *_entry(written)


def _entry(written: str) -> tuple[str, bool]:
    phrase = " ".join(_WORD.findall(spell(written).words))
    if written.startswith(TEXT_START):
        phrase = f"{TEXT_START} {phrase}"
    if not JOINED_SCRIPT.match(phrase):
        phrase = f" {phrase}"
    return phrase, not (written.endswith("*") or JOINED_SCRIPT.match(phrase[-1]))


def _compiled(phrases: "_Branch") -> re.Pattern[str]:
    # without a phrase, a pattern that matches nowhere
    return re.compile(phrases.pattern() if phrases.branches else r"(?!)")


@dataclass(slots=True)
class _Branch:
    """The phrases that go on from one beginning, as a tree of characters.

    As one regular expression in the shape of the tree, ` (?:a(?:naly(?:se|ze)|nd)|b...)`, they cost a few comparisons a
    word, and no text can make it go back further than one phrase.
    """

    branches: dict[str, "_Branch"] = field(default_factory=dict)
    end: str | None = None

    def add(self, rest: str, *, whole_words: bool) -> None:
        if rest:
            self.branches.setdefault(rest[0], _Branch()).add(rest[1:], whole_words=whole_words)
        elif self.end != "":
            self.end = "(?= )" if whole_words else ""

    def pattern(self) -> str:
        # The end of a phrase comes last, so that a longer one is tried first.
        choices = [re.escape(character) + branch.pattern() for character, branch in self.branches.items()]
        if self.end is not None:
            choices.append(self.end)
        return choices[0] if len(choices) == 1 else f"(?:{'|'.join(choices)})"
