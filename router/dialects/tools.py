"""A request's tools, and the form that its answer has to have, read once for all dialects."""

from dataclasses import dataclass
from enum import Enum, auto

from pydantic import JsonValue

from router.dialects.conversation import is_cached
from router.dialects.dialect import Untranslatable
from schemas.requests import JsonObject, Request


@dataclass(frozen=True, slots=True)
class Tool:
    """A function that the model may ask to be called."""

    name: str
    description: str
    schema: JsonObject
    is_strict: bool
    is_cached: bool


class Use(Enum):
    """Whether a tool has to be called."""

    AUTO = auto()
    NONE = auto()
    REQUIRED = auto()
    NAMED = auto()


@dataclass(frozen=True, slots=True)
class Choice:
    """Which tool is to be called; a name goes with `NAMED`."""

    use: Use = Use.AUTO
    name: str = ""


def read_tools(request: Request) -> tuple[Tool, ...]:
    """Return the tools.

    Raises:
        Untranslatable: one is no function.
    """
    return tuple(_tool(tool, f"tools[{number}]") for number, tool in enumerate(request.tools or ()))


def _tool(tool: JsonObject, place: str) -> Tool:
    function = tool.get("function")
    if tool.get("type", "function") != "function" or not isinstance(function, dict):
        raise Untranslatable(f"{place}: a tool of type {str(tool.get('type'))[:64]!r} is known to no other dialect")
    schema = function.get("parameters")
    return Tool(
        str(function.get("name") or ""),
        str(function.get("description") or ""),
        schema if isinstance(schema, dict) and schema else {"type": "object", "properties": {}},
        function.get("strict") is True,
        is_cached(tool, place) or is_cached(function, place),
    )


_USES = {"auto": Use.AUTO, "none": Use.NONE, "required": Use.REQUIRED}


def read_choice(request: Request) -> Choice:
    """Return which tool is to be called.

    Raises:
        Untranslatable: it is none of OpenAI's plain choices.
    """
    match request.tool_choice:
        case None:
            return Choice()
        case str(word) if word in _USES:
            return Choice(_USES[word])
        case {"type": "function", "function": {"name": str(name)}}:
            return Choice(Use.NAMED, name)
        case _:
            raise Untranslatable("tool_choice: only auto, none, required and a function are known to other dialects")


@dataclass(frozen=True, slots=True)
class AnswerFormat:
    """The JSON that the answer has to be."""

    schema: JsonObject | None
    """None: any JSON object."""
    name: str = ""
    description: str = ""
    is_strict: bool = False


def read_format(request: Request) -> AnswerFormat | None:
    """Return the form of the answer; None for free text.

    Raises:
        Untranslatable: it is none that is known.
    """
    form: JsonValue = request.response_format
    match form:
        case None | {"type": "text"}:
            return None
        case {"type": "json_object"}:
            return AnswerFormat(None)
        case {"type": "json_schema", "json_schema": {"schema": dict(schema), **told}}:
            return AnswerFormat(
                schema,
                str(told.get("name") or "answer"),
                str(told.get("description") or ""),
                told.get("strict") is True,
            )
        case _:
            raise Untranslatable("response_format: only json_object and json_schema are known to other dialects")
