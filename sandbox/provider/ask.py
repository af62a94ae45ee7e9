"""What a call asks for, in no vendor's words: every dialect reads its requests into this one form."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from pydantic import JsonValue


class InvalidRequest(Exception):  # noqa: N818 - named after the answer it becomes
    """The body is no request this provider can answer; `param` is the dotted field to blame, if one is."""

    def __init__(self, message: str, param: str | None) -> None:
        super().__init__(message)
        self.param = param


class MediaKind(StrEnum):
    """What else than text a turn may hold."""

    IMAGE = "image"
    AUDIO = "audio"
    FILE = "file"


@dataclass(frozen=True, slots=True)
class Medium:
    """An image, a recording or a file of that many bytes; 0 if the request only names its address."""

    kind: MediaKind
    size_bytes: int = 0


@dataclass(frozen=True, slots=True)
class Turn:
    """One message: its text, the calls of tools it makes as JSON text, and what it holds beside."""

    text: str
    tool_calls: str = ""
    media: tuple[Medium, ...] = ()
    name: str = ""
    token_ids: int = 0
    """How many tokens of it were given as numbers."""
    brings_result: bool = False
    """Whether it gives the result of a tool, which is answered with text."""


@dataclass(frozen=True, slots=True)
class Function:
    """A function that the model may ask to be called; `definition` is the text that its tokens are counted in."""

    name: str
    parameters: Mapping[str, JsonValue]
    """A JSON Schema."""
    definition: str


class ToolUse(StrEnum):
    """Whether a tool has to be called."""

    AUTO = "auto"
    NONE = "none"
    REQUIRED = "required"


@dataclass(frozen=True, slots=True)
class Vectors:
    """The form of embeddings."""

    dimensions: int
    as_base64: bool


@dataclass(frozen=True, slots=True)
class Ask:
    """One call. What a dialect cannot say keeps its default."""

    model: str
    """The model's name as it was asked for."""
    turns: tuple[Turn, ...]
    functions: tuple[Function, ...] = ()
    tool_use: ToolUse = ToolUse.AUTO
    forced_tool: str | None = None
    """The one function that has to be called."""
    output_limit: int | None = None
    """The most tokens of each choice, reasoning included."""
    choices: int = 1
    as_json: bool = False
    schema: Mapping[str, JsonValue] | None = None
    """The JSON Schema that the answer has to follow."""
    service_tier: str | None = None
    may_search: bool = False
    """Whether the web may be searched, which is charged by the call."""
    speaks: bool = False
    """Whether the answer is to be audio."""
    prediction: str = ""
    """What the caller expects the answer to be."""
    thinks: bool = False
    """Whether the model is to reason."""
    shows_thoughts: bool = False
    """Whether its thoughts are to be told, in dialects that leave the choice."""
    caches: bool = False
    """Whether the prompt is to be cached."""
    cache_marks: tuple[int, ...] = ()
    """Up to where: how many of the functions and, after them, turns are before each mark."""
    cache_key: str | None = None
    """OpenAI's `prompt_cache_key`."""
    vectors: Vectors | None = None
    """How each turn is to be embedded, if it is not to be answered."""
    breaks_schema: bool = False
    """Whether the answer is to break the schema: a fault of the model, which nobody asks for."""
    echo: Mapping[str, JsonValue] = field(default_factory=dict)
    """What the vendor repeats of the request in its answer."""

    def check_forced_tool(self, param: str) -> None:
        """Raise InvalidRequest, which blames `param`, if the tool that has to be called is not offered."""
        if self.forced_tool is not None and all(function.name != self.forced_tool for function in self.functions):
            raise InvalidRequest(f"{param}: there is no tool {self.forced_tool!r} in tools.", param)
