"""For how long a provider asks to be left alone: in its headers, or in what it says.

Headers count only with 429 and 5xx: Groq and others send `x-ratelimit-*` with every response, refusals included.
"""

import math
import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from pydantic import JsonValue

MAX_WAIT_S = 300.0
"""A model is left alone for no longer at a provider's word, whatever it says: then it is asked once more."""

_A_YEAR_S = 31_536_000.0
_UNITS_S = {"d": 86_400.0, "h": 3600.0, "m": 60.0, "s": 1.0, "ms": 0.001}
_UNIT = r"(?:ms|milliseconds?|d|days?|h|hours?|m|min|minutes?|s|secs?|seconds?)"
_DURATION = re.compile(rf"(?:\d+(?:\.\d+)?\s*{_UNIT}[\s,]*(?:and\s+)?)+", re.IGNORECASE)
_PART = re.compile(rf"(\d+(?:\.\d+)?)\s*({_UNIT})", re.IGNORECASE)
_SPOKEN = re.compile(
    rf"(?:try(?:ing)? again|retry(?:ing)?|wait|available|reset)\b[^.\d]{{0,40}}?"
    rf"(\d+(?:\.\d+)?\s*{_UNIT}(?![a-z])(?:[\s,]*(?:and\s+)?\d+(?:\.\d+)?\s*{_UNIT}(?![a-z]))*)",
    re.IGNORECASE,
)
_LIMIT = re.compile(r"\b(?:r|remaining)=(\d+)[^,]*?[;,]\s*(?:t|reset)=(\d+)")
"""`RateLimit` of the IETF's drafts, draft-ietf-httpapi-ratelimit-headers, as Hugging Face and gateways send it."""
_RETRY_DELAYS = frozenset(
    {"retrydelay", "retry_after", "retry-after", "retry_after_seconds", "retryafter"}
    | {"estimated_time", "resets_in_seconds"}
)
"""`retryDelay` is Google's, `estimated_time` Hugging Face's while a model is loaded, `resets_in_seconds` OpenAI's."""
_RETRY_DELAYS_MS = frozenset({"retry-after-ms", "retry_after_ms"})
MAX_DEPTH = 8
NODES_LOOKED_AT = 500


def wait_s(headers: Mapping[str, str], body: JsonValue, said: str, now_s: float) -> float | None:
    """Return the seconds, at most `MAX_WAIT_S`, or None if nothing is asked for.

    The first of these counts: `retry-after-ms`; `retry-after` in seconds, as a duration or an HTTP date; a `retryDelay`
    or `retry_after` of the body (Google's RetryInfo; OpenRouter's `metadata.headers`); "try again in 6.2s" in words;
    the resets of those limits of which nothing remains.

    Args:
        headers: by lower-case name.
        body: the error as JSON.
        said: its words.
        now_s: seconds since 1970.
    """
    asked = _first(_asked(headers, body, said, now_s))
    return None if asked is None else min(max(asked, 0.0), MAX_WAIT_S)


def _asked(headers: Mapping[str, str], body: JsonValue, said: str, now_s: float) -> Iterable[float | None]:
    yield _milliseconds(headers.get("retry-after-ms"))
    yield seconds(headers.get("retry-after", ""), now_s)
    for name, value in _leaves(body):
        if name in _RETRY_DELAYS:
            yield seconds(value, now_s)
        elif name in _RETRY_DELAYS_MS:
            yield _milliseconds(value)
    spoken = _SPOKEN.search(said)
    yield seconds(spoken[1], now_s) if spoken else None
    yield _latest_reset(headers, now_s)
    yield max(
        (float(reset) for left, reset in _LIMIT.findall(headers.get("ratelimit", "")) if left == "0"), default=None
    )
    yield _latest_reset(dict(_leaves(body)), now_s)


def _latest_reset(limits: Mapping[str, str], now_s: float) -> float | None:
    resets = (
        seconds(value, now_s)
        for name, value in limits.items()
        if "ratelimit" in name and "reset" in name and not _remains(limits, name)
    )
    return max((reset for reset in resets if reset is not None), default=None)


def _remains(limits: Mapping[str, str], reset: str) -> bool:
    remaining = _number(limits.get(reset.replace("reset", "remaining")))
    return remaining is not None and remaining > 0


def _first(asked: Iterable[float | None]) -> float | None:
    return next((wait for wait in asked if wait is not None), None)


def seconds(text: str, now_s: float) -> float | None:
    """Read seconds, a moment since 1970 (seconds or milliseconds), a duration such as `6m0s`, or a date; else None."""
    text = text.strip()[:100]
    number = _number(text)
    if number is None and "," in text:  # one header sent twice, which RFC 9110, section 5.3, lets a recipient join
        numbers = [_number(each) for each in text.split(",")]
        number = None if None in numbers else max(each for each in numbers if each is not None)
    if number is not None:
        if number > _A_YEAR_S * 1000:
            number /= 1000
        return number - now_s if number > _A_YEAR_S else number
    if _DURATION.fullmatch(text):
        return sum(float(count) * _UNITS_S[_unit(name)] for count, name in _PART.findall(text))
    moment = _moment(text)
    return None if moment is None else moment - now_s


def _unit(name: str) -> str:
    lower = name.lower()
    return "ms" if lower.startswith(("ms", "milli")) else lower[0]


def _moment(text: str) -> float | None:
    for read in (parsedate_to_datetime, datetime.fromisoformat):
        try:
            moment = read(text)
            return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
        except (ValueError, OverflowError):
            continue
    return None


def _milliseconds(text: str | None) -> float | None:
    number = _number(text)
    return None if number is None else number / 1000


def _number(text: str | None) -> float | None:
    try:
        number = float(text) if text else None
    except ValueError:
        return None
    return number if number is not None and math.isfinite(number) else None


def _leaves(body: JsonValue) -> Iterable[tuple[str, str]]:
    """Yield the named texts and numbers of the body, names in lower case, as far as it is not deep or large."""
    nodes: list[tuple[str, JsonValue, int]] = [("", body, 0)]
    for _ in range(NODES_LOOKED_AT):
        if not nodes:
            return
        name, value, depth = nodes.pop()
        if isinstance(value, dict | list) and depth < MAX_DEPTH:
            inner = value.items() if isinstance(value, dict) else ((name, item) for item in value)
            nodes += [(key.lower(), item, depth + 1) for key, item in inner]
        elif isinstance(value, str | int | float) and not isinstance(value, bool):
            yield name, str(value)
