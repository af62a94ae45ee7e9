"""Takes secrets out of what providers say, before it enters a response, an event, a log or a dead letter.

A key is known as it is, and as encoders write it: percent-encoded, with the escapes of JSON and HTML, and inside of
base64 (RFC 4648) at any of the three places where it may begin.
"""

import re
from base64 import b64encode
from collections.abc import Iterable
from functools import lru_cache
from html import escape

REMOVED = "[secret]"
SHORTEST_KEY = 4
"""A key that is shorter is a word like any other: to take it out would spoil every sentence."""
SHORTEST_IN_BODIES = 16
"""A shorter key ("EMPTY", "lm-studio") may be a word of an answer, or the name of a field: it stays in whole bodies."""
_SHORTEST_NEEDLE = 4
_LONGEST_NAME = 64
"""Every answer names the same models and reasons to end again."""

_PATTERNS = re.compile(
    r"""
    \bbearer\s+[\w.~+/*=-]{6,}                  # RFC 6750
    | \bbasic\s+(?=\S*[\d=])[\w+/=]{8,}          # RFC 7617
    | (?<![\w-])sk-[\w*.-]{6,}                    # OpenAI, Anthropic, OpenRouter, DeepSeek; masked ones too
    | (?<![\w-])(?:gsk|xai|pplx|nvapi|hf|r8|fw|csk|tgp_v1|ghp|glpat)[_-][\w*-]{12,}
    | \bAIza[\w*-]{10,}                           # Google
    | \bya29\.[\w-]{10,}
    | \b(?:AKIA|ASIA)[A-Z0-9]{12,}                # AWS
    | \beyJ[\w-]{8,}\.[\w-]{8,}(?:\.[\w-]*)?      # a JSON web token
    | (?<=://)[^/\s:@]+:[^/\s@]+(?=@)             # user and password of a URL
    | (?:(?<=[?&]key=)|(?<=[?&]token=)|(?<=[?&]sig=)|(?<=[?&]api_key=)|(?<=[?&]api-key=)|(?<=[?&]apikey=))[^&\s"']+
    | (?:(?<=api-key:\s)|(?<=api_key:\s)|(?<=apikey:\s)|(?<=authorization:\s))[^\s"',}]{6,}
    """,
    re.IGNORECASE | re.VERBOSE,
)


_BEGINNINGS = (
    *("bearer", "basic", "sk-", "gsk-", "xai-", "pplx-", "nvapi-", "hf-", "r8-", "fw-", "csk-", "tgp-v1-", "ghp-"),
    *("glpat-", "aiza", "ya29.", "akia", "asia", "eyj", "://", "key=", "token=", "sig=", "key:", "authorization:"),
)
"""What looks like a key has one of these in it, in lower case and with hyphens for underscores. To look for them costs
a small part of the patterns, and hardly any text has one."""


class Scrubber:
    """Knows this worker's keys, and what keys look like."""

    def __init__(self, keys: Iterable[str] = ()) -> None:
        self._keys: set[str] = set()
        self._known: re.Pattern[str] | None = None
        self._in_bodies: re.Pattern[bytes] | None = None
        self._needles: tuple[str, ...] = ()
        self._body_needles: tuple[bytes, ...] = ()
        self.learn(keys)

    def learn(self, keys: Iterable[str]) -> None:
        """Know these keys too, and the parts of an AWS key; earlier ones may still come back."""
        self._keys |= {part for key in keys for part in (key, *key.split(":")) if len(part) >= SHORTEST_KEY}
        known = sorted(self._keys, key=len, reverse=True)
        long = [key for key in known if len(key) >= SHORTEST_IN_BODIES]
        cores = [core for key in long for core in _base64_cores(key)]
        in_bodies = "|".join([*map(_spellings, long), *map(_base64_spellings, cores)])
        everywhere = "|".join([*map(_spellings, known), *map(_base64_spellings, cores)])
        self._known = re.compile(everywhere) if everywhere else None
        self._in_bodies = re.compile(in_bodies.encode()) if in_bodies else None
        self._needles = tuple(map(_needle, (*known, *cores)))
        self._body_needles = tuple(_needle(one).encode() for one in (*long, *cores))

    def __call__(self, text: str) -> str:
        """Return the text without them."""
        if self._known is not None and any(needle in text for needle in self._needles):
            text = self._known.sub(REMOVED, text)
        return _without_lookalikes(text) if len(text) <= _LONGEST_NAME else _without_patterns(text)

    def passes(self, text: str) -> bool:
        """Say whether nothing in the text looks like the beginning of a key: most do not, and need no closer look."""
        return not (any(needle in text for needle in self._needles) or _may_hold_a_key(text))

    def body(self, content: bytes) -> bytes:
        """Return the body of a reply without this worker's keys, before anything of it is read or shortened."""
        if self._in_bodies is None or not any(needle in content for needle in self._body_needles):
            return content
        return self._in_bodies.sub(REMOVED.encode(), content)


@lru_cache(1024)
def _without_lookalikes(name: str) -> str:
    return _without_patterns(name)


def _without_patterns(text: str) -> str:
    return _PATTERNS.sub(REMOVED, text) if _may_hold_a_key(text) else text


def _may_hold_a_key(text: str) -> bool:
    if not text.isascii():  # there are letters that only patterns take for `i`, `k` and `s`
        return True
    folded = text.lower().replace("_", "-")
    return any(map(folded.__contains__, _BEGINNINGS))


def _spellings(text: str) -> str:
    """Return a pattern of the text with each character as it is, or as an encoder may write it."""
    return "".join(map(_spelling, text))


def _spelling(char: str) -> str:
    if char.isascii() and char.isalnum():
        return char
    in_url = "".join(f"%(?:25)*(?i:{byte:02x})" for byte in char.encode(errors="replace"))
    in_json = rf"\\+u(?i:{ord(char):04x})"
    in_html = rf"&\#(?:0*{ord(char)}|[xX]0*(?i:{ord(char):x}));"
    in_html += f"|{escape(char)}" if escape(char) != char else ""
    as_it_is = r"\\+" if char == "\\" else rf"\\*{re.escape(char)}"
    return rf"(?:{in_url}|{in_json}|{in_html}|{as_it_is})"  # "%25" before "%"


def _base64_spellings(core: str) -> str:
    other = {"+": "-", "/": "_"}  # of the alphabet for URLs
    return "".join(f"(?:{_spelling(char)}|{other[char]})" if char in other else _spelling(char) for char in core)


def _base64_cores(key: str) -> Iterable[str]:
    """Yield what any base64 text that holds the key has in it: six bits a character, of which none is another's."""
    data = key.encode(errors="replace")
    for before, first in ((0, 0), (1, 2), (2, 3)):
        yield b64encode(bytes(before) + data).decode()[first : (before + len(data)) * 8 // 6]


def _needle(text: str) -> str:
    """Return the longest part of the text that every encoder leaves as it is; empty if it is too short to look for."""
    longest = max(re.findall("[A-Za-z0-9]+", text), key=len, default="")
    return longest if len(longest) >= _SHORTEST_NEEDLE else ""
