"""Reads an error in whichever form a provider, a gateway or a proxy writes it: one sentence, and its codes.

Forms: `{"error": {...}}`, `{"error": "..."}`, a list of either, `message`, `detail` (FastAPI's lists too), `errors`,
nested metadata with the error of a provider behind (OpenRouter), JSON in a string, HTML, plain text.
"""

import re
from dataclasses import dataclass

import orjson
from pydantic import JsonValue

from streams.providers.body import plain_text

MAX_TEXT_CHARS = 2000
"""Of all that an error says, so much is looked at."""
MAX_DEPTH = 8
MAX_NODES = 300
_TEXTS = (
    "message",
    "msg",
    "detail",
    "error_message",
    "errormessage",
    "error_description",
    "error_msg",
    "status_msg",
    "title",
    "description",
    "raw",
    "text",
)
_CODES = frozenset(
    {"code", "type", "status", "reason", "error_code", "errorcode", "error_type", "status_code", "statuscode", "__type"}
)
_NESTS = frozenset(
    {"error", "errors", "detail", "details", "innererror", "inner_error", "metadata", "cause", "data", "base_resp"}
    | set(_TEXTS)
)
_QUOTED = re.compile(r"(?<!\w)([\"'`]).*\1(?!\w)", re.DOTALL)
"""From the first mark to the last one of its kind: what is repeated may hold some itself."""
_HTTP_ERRORS = range(400, 600)


@dataclass(frozen=True, slots=True)
class ErrorBody:
    """What an error says."""

    text: str
    """Its words, with secrets in them if the provider repeats any. Empty: it says nothing."""
    codes: frozenset[str]
    """Its codes, types, statuses and reasons, in lower case."""
    status: int | None = None
    """The HTTP status that it names in itself."""

    @property
    def own_words(self) -> str:
        """The words without what stands in quotation marks: there a provider repeats the request, or names a model."""
        return _QUOTED.sub(" ", self.text)


def read_error(body: JsonValue) -> ErrorBody:
    """Read an error's body: parsed JSON, or its text where it is none."""
    texts: dict[str, None] = {}
    codes: set[str] = set()
    statuses: list[int] = []
    nodes: list[tuple[str, JsonValue, int]] = [("message", body, 0)]
    for _ in range(MAX_NODES):
        if not nodes:
            break
        name, value, depth = nodes.pop(0)
        if isinstance(value, str) and (name in _TEXTS or name in ("error", "errors", "details")):
            inner = _json_in(value)
            if inner is not None and depth < MAX_DEPTH:
                nodes.append(("message", inner, depth + 1))
            elif said := plain_text(value[:MAX_TEXT_CHARS]):
                texts[said] = None
        elif isinstance(value, list) and depth < MAX_DEPTH:
            nodes += [(name, item, depth + 1) for item in value[:MAX_NODES]]
        elif isinstance(value, dict):
            if depth < MAX_DEPTH:
                nodes += _inner(value, depth)
            _take_codes(value, codes, statuses)
    return ErrorBody("; ".join(_told_once(texts))[:MAX_TEXT_CHARS], frozenset(codes), next(iter(statuses), None))


def _inner(value: dict[str, JsonValue], depth: int) -> list[tuple[str, JsonValue, int]]:
    by_name = {name.lower(): inner for name, inner in value.items()}
    place = by_name.get("loc")
    message = by_name.get("msg")
    if isinstance(place, list) and isinstance(message, str):  # FastAPI and pydantic
        return [("message", f"{'.'.join(map(str, place))}: {message}", depth + 1)]
    names = sorted(by_name.keys() & _NESTS, key=lambda name: _TEXTS.index(name) if name in _TEXTS else len(_TEXTS))
    return [(name, by_name[name], depth + 1) for name in names]


def _take_codes(value: dict[str, JsonValue], codes: set[str], statuses: list[int]) -> None:
    for name, inner in value.items():
        if name.lower() not in _CODES or not isinstance(inner, str | int) or isinstance(inner, bool):
            continue
        code = str(inner)[:100].lower().rpartition("#")[2]  # AWS: com.amazonaws#ThrottlingException
        codes.add(code)
        if code.isascii() and code.isdigit() and len(code) <= 3 and int(code) in _HTTP_ERRORS:  # noqa: PLR2004 - digits of a status
            statuses.append(int(code))


def _json_in(text: str) -> JsonValue:
    stripped = text.strip()
    if not re.match(r"[{\[]", stripped):
        return None
    try:
        return orjson.loads(stripped)  # type: ignore[no-any-return]  # JSON is what it returns
    except orjson.JSONDecodeError:
        return None


def _told_once(texts: dict[str, None]) -> list[str]:
    """Return the texts, in order, without those that another one holds."""
    return [text for text in texts if not any(text != other and text in other for other in texts)]
