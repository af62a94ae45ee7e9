"""Parts of an answer's message: content in parts, thoughts and calls of tools, in OpenAI's form or in others."""

import json
import re

import orjson
from pydantic import JsonValue

from schemas.requests import JsonObject

_ARGUMENTS = ("arguments", "parameters", "input", "args")
"""OpenAI's name; Llama's own form, Anthropic's and Google's behind gateways."""
_MARGIN = 16
"""How many levels deeper a value stands in a response; orjson writes 254 at most."""
MAX_NAME_CHARS = 256
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_THOUGHTS = frozenset({"thinking", "reasoning", "reasoning_content", "summary_text"})


def name_of(value: JsonValue) -> str | None:
    """Return an id or a name as text: numbers too, without control characters, shortened; None if it is none."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        value = str(value)
    if not isinstance(value, str) or not value:
        return None
    return _CONTROL.sub("\ufffd", value[:MAX_NAME_CHARS])


class Parts:
    """Content in parts, sorted by what they are."""

    def __init__(self) -> None:
        self.text: str | None = None
        self.reasoning: str | None = None
        self.refusal: str | None = None
        self.calls: list[JsonValue] = []
        self.others: list[JsonValue] = []

    def take(self, content: JsonValue) -> None:
        """Take one part, or several."""
        if isinstance(content, list):
            for part in content:
                self.take(part)
        elif isinstance(content, str):
            self.text = (self.text or "") + content
        elif isinstance(content, dict):
            self._take_part(content)
        elif content is not None:
            self.text = (self.text or "") + as_json(content)

    def _take_part(self, part: JsonObject) -> None:
        text, refusal, kind = part.get("text"), part.get("refusal"), part.get("type")
        if isinstance(text, dict):  # OpenAI's assistants: a value with its annotations
            text = text.get("value")
        if kind == "tool_use" and isinstance(part.get("name"), str):
            self.calls.append({name: value for name, value in part.items() if name != "type"})
        elif kind in _THOUGHTS:
            self.reasoning = (self.reasoning or "") + _text_in(part)
        elif isinstance(refusal, str):
            self.refusal = (self.refusal or "") + refusal
        elif isinstance(text, str):
            self.text = (self.text or "") + text
        elif isinstance(kind, str):
            self.others.append(part)
        else:
            self.text = (self.text or "") + as_json(part)


def thought_in(value: JsonValue) -> str | None:
    """Return the words of a thought, whichever form it has; None if there are none."""
    if isinstance(value, str):
        return value or None
    if isinstance(value, dict):
        return _text_in(value) or None
    return (
        "".join(_text_in(part) for part in value if isinstance(part, dict)) or None if isinstance(value, list) else None
    )


def _text_in(part: JsonObject) -> str:
    """Return the words of a thought: Mistral nests parts in it, Anthropic has a text."""
    within = Parts()
    for name in ("thinking", "text", "reasoning", "reasoning_content", "summary", "content"):
        value = part.get(name)
        if isinstance(value, str | list) and value:
            within.take(value)
    return (within.text or "") + (within.reasoning or "")


def tool_calls_in(calls: JsonValue) -> list[JsonObject] | None:
    """Return the calls in OpenAI's form: id, type, and a function whose arguments are a text."""
    if isinstance(calls, str):
        calls = json_in(calls)
    given = calls if isinstance(calls, list) else [calls]
    return [_tool_call(call, place) for place, call in enumerate(given) if isinstance(call, dict) and call] or None


def _tool_call(call: JsonObject, place: int) -> JsonObject:
    function = call.get("function")
    if not isinstance(function, dict) and "name" in call:
        function = {name: call[name] for name in ("name", *_ARGUMENTS) if name in call}
        call = {name: value for name, value in call.items() if name not in function}
    read = {name: value for name, value in call.items() if name != "index" and (value is None or fits(value))}
    read["id"] = name_of(call.get("id")) or f"call_{place}"
    read.setdefault("type", "function")
    if isinstance(function, dict):
        read["function"] = function_of(function)
    return read


def function_of(function: JsonObject) -> JsonObject:
    """Return a function that is called, with its arguments as a text, in whichever form they came."""
    called = next((name for name in _ARGUMENTS if name in function), "arguments")
    arguments = function.get(called)
    read = {name: value for name, value in function.items() if name != called and (value is None or fits(value))}
    if arguments is None or (isinstance(arguments, str) and not arguments.strip()):
        arguments = "{}"  # a function without parameters: vercel/ai#6687, simonw/llm#1164
    elif isinstance(arguments, str) and arguments.lstrip().startswith('"'):
        # an object that was written as JSON twice: vllm-project/vllm#54964, livekit/agents#5409
        once = json_in(arguments)
        arguments = once if isinstance(once, str) and isinstance(json_in(once), dict) else arguments
    read["arguments"] = arguments if isinstance(arguments, str) else as_json(arguments)
    return read


def fits(value: JsonValue) -> bool:
    """Say whether the value can be written where it will stand."""
    return isinstance(value, str | bool) or size_of(value) is not None


def size_of(value: JsonValue) -> int | None:
    """Return the length of the value as JSON, or None if it cannot be written where it will stand."""
    deeper: JsonValue = value
    for _ in range(_MARGIN):
        deeper = [deeper]
    try:
        return len(orjson.dumps(deeper)) - 2 * _MARGIN
    except TypeError:  # too deep, or an integer beyond 64 bits
        return None


def as_json(value: JsonValue) -> str:
    """Return the value as JSON, integers beyond 64 bits included; empty if it is too deep."""
    try:
        return orjson.dumps(value).decode()
    except TypeError:
        pass
    try:
        return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    except RecursionError:
        return ""


def json_in(text: str) -> JsonValue:
    """Return the JSON in a text; None if it holds none."""
    try:
        return orjson.loads(text)  # type: ignore[no-any-return]  # JSON is what it returns
    except orjson.JSONDecodeError:
        return None
