"""Text of others, made safe to show: nothing in it can command a terminal, or begin a line of its own in a log.

Providers, tenants and producers write what they like, escape sequences included: one in a request's id could clear an
operator's screen, forge a line of a log, or type into a terminal that answers queries.
"""

import re
from re import Match

_ON_LINES = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f"  # C0 but tab and newline, DEL, C1 (U+009B is an escape sequence's beginning)
    "\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"  # marks that turn the direction of text: Unicode TR 9 and 36
    "\u2028\u2029"
    "\ud800-\udfff]"  # half characters, which no encoding can write
)
_ON_ONE_LINE = re.compile(f"{_ON_LINES.pattern[:-1]}\t\n]")
_RAW_IN_JSON = re.compile("[\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\u2028\u2029]")


def on_lines(text: str) -> str:
    r"""Return a text of several lines with its controls escaped, as `\x1b`. Tabs and line ends stay."""
    return text if text.isascii() and text.isprintable() else _ON_LINES.sub(_escaped, text)


def on_one_line(text: str) -> str:
    """Return a text as one line, its controls escaped."""
    return text if text.isascii() and text.isprintable() else _ON_ONE_LINE.sub(_escaped, text)


def without_controls(text: str) -> str:
    """Return a text of the same width with U+FFFD for each control. Tabs and line ends stay."""
    return text if text.isascii() and text.isprintable() else _ON_LINES.sub("\ufffd", text)


def plain_json(value: bytes) -> bytes:
    r"""Return JSON with the controls that JSON lets stand raw, such as U+009B, written as `\u009b`: the same value."""
    if value.isascii() and b"\x7f" not in value:
        return value
    return _RAW_IN_JSON.sub(lambda found: f"\\u{ord(found[0]):04x}", value.decode()).encode()


def _escaped(found: Match[str]) -> str:
    return found[0].encode("unicode_escape", "backslashreplace").decode()
