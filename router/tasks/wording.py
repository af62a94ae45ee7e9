"""The words of what is asked, as the learned part of the analysis sees them, and whether they are English."""

import re
from functools import lru_cache
from itertools import pairwise
from typing import Final, NamedTuple

from router.tasks.phrase_matcher import JOINED_SCRIPT, Spelt, spell

MAX_WORDS: Final = 30
"""So many words of each part count."""
MAX_JOINED_CHARS: Final = 60
"""And so many characters of a script that writes words together."""
STEM_CHARS: Final = 5
"""A word counts by its beginning: `traduza`, `traduzir` and `traduzido` are one."""
WORDS_KEPT: Final = 10_000
"""Of so many words the beginning is remembered: few words make up most of every text."""
ENGLISH_SHARE: Final = 0.12
"""So many of a hundred words of an English text are among the commonest, over 100."""
_ENGLISH: Final = frozenset(
    (
        *("the", "and", "is", "of", "to", "what", "how", "for", "with", "this"),
        *("that", "it", "you", "your", "my", "are", "were", "if", "which"),
        *("who", "from", "be", "or", "not", "can", "have", "has", "please", "write"),
    )
)
_MIN_MATERIAL_CHARS: Final = 20
# What is asked ends at the first colon or line break, if a text follows.
_ASKED: Final = re.compile(r".{1,250}?[:\uff1a\n]", re.DOTALL)
_QUESTION: Final = ("?", "\uff1f")


class Asked(NamedTuple):
    """What is asked of a text, without quotations and the material that it is about."""

    words: list[str]
    """As they are spelt to be searched, the first `MAX_WORDS`."""
    chars: int
    material_chars: int
    is_question: bool
    english: bool


def asked_of(unquoted: str, spelt: Spelt) -> Asked:
    """Say what is asked of a text, from which quotations are taken out; `spelt` is all of it."""
    asked, match = unquoted, _ASKED.match(unquoted)
    words = all_words = spelt.words.split(maxsplit=MAX_WORDS + 1)[1 : MAX_WORDS + 1]
    if match is not None and len(unquoted) - match.end() > _MIN_MATERIAL_CHARS:
        asked = match.group()
        words = spell(asked).words.split(maxsplit=MAX_WORDS + 1)[1 : MAX_WORDS + 1]
    common = sum(map(_ENGLISH.__contains__, all_words))
    return Asked(
        words,
        len(asked),
        len(unquoted) - len(asked),
        asked.rstrip().endswith(_QUESTION),
        bool(all_words) and common >= ENGLISH_SHARE * len(all_words),
    )


def wording(asked: Asked) -> set[str]:
    """Name the words of what is asked, and the sizes of that and of the material."""
    names = {f"asked:{min(8, asked.chars.bit_length())}", f"material:{min(9, asked.material_chars.bit_length())}"}
    if asked.is_question:
        names.add("asks")
    for word in asked.words:
        if word.isascii() or not JOINED_SCRIPT.match(word):
            names.add(stem(word))
        else:
            run = word[:MAX_JOINED_CHARS]
            names.update([f"word:{character}" for character in run])
            names.update([f"word:{min(pair)}{max(pair)}" for pair in pairwise(run)])
    return names


@lru_cache(WORDS_KEPT)
def stem(word: str) -> str:
    """Name a word by its beginning, with the letters after the first in order, so that two may be swapped."""
    return f"word:{word[0]}{''.join(sorted(word[1:STEM_CHARS]))}"
