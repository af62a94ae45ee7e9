"""What the simulated provider understands of a chat-completions request, and how it says no to the rest."""

from enum import StrEnum
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, JsonValue, PositiveInt, ValidationError


class FinishReason(StrEnum):
    """Why an answer ended where it did."""

    STOP = "stop"
    LENGTH = "length"
    TOOL_CALLS = "tool_calls"
    CONTENT_FILTER = "content_filter"


class InvalidRequest(Exception):  # noqa: N818 - named after the answer it becomes
    """The body is no request this provider can answer; `param` is the dotted field to blame, if one is."""

    def __init__(self, message: str, param: str | None) -> None:
        super().__init__(message)
        self.param = param


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True)


class TextPart(_Frozen):
    """One part of a message's content. The simulated models read text only."""

    type: Literal["text"]
    text: str


class Message(_Frozen):
    """One message of the conversation."""

    role: Literal["system", "developer", "user", "assistant", "tool"]
    content: str | list[TextPart] | None = None
    tool_calls: list[dict[str, JsonValue]] | None = None

    @property
    def text(self) -> str:
        """All the text of the content."""
        if isinstance(self.content, str):
            return self.content
        return "".join(part.text for part in self.content or ())


class FunctionDefinition(_Frozen):
    """A function that the model may ask to be called; `parameters` is a JSON Schema."""

    name: str
    description: str | None = None
    parameters: dict[str, JsonValue] = {}


class Tool(_Frozen):
    """One tool. Functions are the only kind."""

    type: Literal["function"]
    function: FunctionDefinition


class FunctionName(_Frozen):
    """Names a function."""

    name: str


class ForcedTool(_Frozen):
    """The `tool_choice` that forces one function."""

    type: Literal["function"]
    function: FunctionName


class NamedSchema(_Frozen):
    """The JSON Schema that an answer must follow."""

    json_schema: dict[str, JsonValue] = Field(default={}, alias="schema")


class ResponseFormat(_Frozen):
    """The form that the answer's content takes."""

    type: Literal["text", "json_object", "json_schema"]
    json_schema: NamedSchema | None = None


class ChatRequest(_Frozen):
    """The part of a chat-completions request that changes the answer; other parameters are accepted and ignored."""

    model: str
    messages: Annotated[list[Message], Field(min_length=1)]
    max_tokens: PositiveInt | None = None
    max_completion_tokens: PositiveInt | None = None
    tools: list[Tool] | None = None
    tool_choice: Literal["none", "auto", "required"] | ForcedTool | None = None
    response_format: ResponseFormat | None = None
    stream: Literal[False] | None = None
    n: Literal[1] | None = None

    @property
    def output_limit(self) -> int | None:
        """The most tokens the answer may have, by either of the two names."""
        return self.max_completion_tokens or self.max_tokens


def read_chat_request(body: bytes) -> ChatRequest:
    """Parse a request body, or raise InvalidRequest with one sentence about the first thing wrong."""
    try:
        request = ChatRequest.model_validate_json(body)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        param = ".".join(str(part) for part in first["loc"]) or None
        raise InvalidRequest(f"{param or 'body'}: {first['msg']}.", param) from None
    forced = request.tool_choice
    if isinstance(forced, ForcedTool) and all(
        tool.function.name != forced.function.name for tool in request.tools or ()
    ):
        raise InvalidRequest(f"tool_choice: there is no tool {forced.function.name!r} in tools.", "tool_choice")
    return request
