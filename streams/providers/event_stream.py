"""Puts a streamed completion together: server-sent events, or JSON lines, that were not asked for.

Sources: https://html.spec.whatwg.org/multipage/server-sent-events.html; OpenAI, "Streaming events" of chat completions.
"""

import re
from collections.abc import Iterable

from pydantic import JsonValue

from schemas.requests import JsonObject

_GROWING = frozenset({"content", "reasoning_content", "reasoning", "refusal", "arguments", "transcript", "data"})
"""Texts that come piece by piece; of other texts the last one stands."""
_NESTED = frozenset({"function", "function_call", "audio", "logprobs", "extra_content"})


_LINE_END = re.compile(r"\r\n|\n|\r")
"""By the specification; JSON may hold U+2028 and U+0085 as they are, at which `str.splitlines` would cut it."""


def lines_of(text: str) -> list[str]:
    """Return the lines of an event stream."""
    return _LINE_END.split(text)


def data_of_events(text: str) -> list[str]:
    """Return the data of each event of an event stream, its comments and the other fields left out.

    An event may have several lines of data. Servers that end no event with a blank line are understood too: data that
    begins like an object and has ended before begins another event.
    """
    events: list[list[str]] = [[]]
    for line in lines_of(text):
        if line[:5].lower() == "data:":
            data = line[5:].strip()
            if events[-1] and data[:1] in ("{", "[") and events[-1][-1][-1:] in ("}", "]"):
                events.append([])
            events[-1].append(data)
        elif not line:
            events.append([])
    return ["\n".join(lines) for lines in events if lines]


def assembled(chunks: Iterable[JsonValue]) -> JsonObject | None:
    """Return the completion that the chunks are the pieces of, or None if they are of none."""
    whole: JsonObject = {}
    choices: dict[int, JsonObject] = {}
    for chunk in chunks:
        if not isinstance(chunk, dict):
            continue
        for name, value in chunk.items():
            if value is not None and name not in ("choices", "message"):
                whole[name] = value
        given = chunk.get("choices")
        for place, choice in enumerate(given if isinstance(given, list) else [chunk] if "message" in chunk else ()):
            if isinstance(choice, dict):
                index = choice.get("index")
                _add_choice(choices.setdefault(index if isinstance(index, int) else place, {}), choice)
    for index, choice in choices.items():
        choice["index"] = index
    if choices:
        whole["choices"] = [choices[index] for index in sorted(choices)]
    return whole if choices or "error" in whole else None


def _add_choice(whole: JsonObject, choice: JsonObject) -> None:
    for name, value in choice.items():
        if name in ("delta", "message"):
            message = whole.setdefault("message", {})
            if isinstance(message, dict) and isinstance(value, dict):
                _add(message, value)
        elif name == "text" and isinstance(value, str):
            whole[name] = f"{whole.get(name) or ''}{value}"
        elif name == "logprobs" and isinstance(value, dict):
            logprobs = whole.setdefault(name, {})
            if isinstance(logprobs, dict):
                _add(logprobs, value)
        elif value is not None:
            whole[name] = value


def _add(whole: JsonObject, piece: JsonObject) -> None:
    for name, value in piece.items():
        before = whole.get(name)
        if value is None:
            continue
        if isinstance(before, str) and isinstance(value, str) and name in _GROWING:
            whole[name] = before + value
        elif isinstance(value, list) and (before is None or isinstance(before, list)):
            whole[name] = _grown(before or [], value, by_index=name == "tool_calls")
        elif isinstance(before, dict) and isinstance(value, dict) and name in _NESTED:
            _add(before, value)
        elif before is None or value not in ("", {}):
            whole[name] = value


def _grown(before: list[JsonValue], more: list[JsonValue], *, by_index: bool) -> list[JsonValue]:
    grown = list(before)
    for item in more:
        known = _of_index(grown, item) if by_index else None
        if known is not None and isinstance(item, dict):
            _add(known, item)
        else:
            grown.append(item)
    return grown


def _of_index(items: list[JsonValue], item: JsonValue) -> JsonObject | None:
    """Return the tool call that the piece is a piece of."""
    if not isinstance(item, dict) or item.get("index") is None:
        return None
    return next((one for one in items if isinstance(one, dict) and one.get("index") == item["index"]), None)
