"""Bounds the tokens of a text with a real tokenizer where one is installed, else by its bytes."""

from collections.abc import Callable
from functools import cache
from math import ceil

from router.bounds import TextBound, byte_bound

MARGIN = 1.3
"""Other vendors' tokenizers find up to this many times the tokens of o200k in ordinary text."""
LONGEST_CHARS = 200_000
"""A longer text is bounded by its bytes: counting it would hold up everything else for tens of milliseconds."""


@cache
def best_text_bound() -> TextBound:
    """Return the bound by the exact count of o200k, with the extra `tokens`; without it, `byte_bound`."""
    try:
        import quicktok  # noqa: PLC0415  # optional
    except ImportError:
        return byte_bound
    # what looks like a special token is text to it: `encode` would raise there
    count: Callable[[str], int] = quicktok.get_encoding("o200k_base").count

    def bound(text: str) -> int:
        by_bytes = byte_bound(text)
        if len(text) > LONGEST_CHARS:
            return by_bytes
        whole = text if text.isascii() else text.encode(errors="replace").decode()
        return min(by_bytes, ceil(count(whole) * MARGIN))

    return bound
