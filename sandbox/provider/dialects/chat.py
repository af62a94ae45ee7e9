"""OpenAI's chat completions, `POST /v1/chat/completions`. Parameters that change nothing here are accepted and ignored.

Source: https://platform.openai.com/docs/api-reference/chat/create.
"""

from typing import Annotated, Literal

import orjson
from pydantic import BaseModel, ConfigDict, Field, JsonValue, PositiveInt

from sandbox.provider.ask import Ask, Function, ToolUse, Turn
from sandbox.provider.connection import Request
from sandbox.provider.dialects.dialect import Address, Dialect, parse
from sandbox.provider.dialects.openai_errors import openai_error
from sandbox.provider.models import TokenCounts
from sandbox.provider.outcome import Answer, ErrorResponse, Outcome, Problem, ProblemKind


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True)


class _TextPart(_Frozen):
    type: Literal["text"]
    text: str


class _Message(_Frozen):
    role: Literal["system", "developer", "user", "assistant", "tool"]
    content: str | list[_TextPart] | None = None
    tool_calls: list[dict[str, JsonValue]] | None = None

    def to_turn(self) -> Turn:
        content = self.content
        text = content if isinstance(content, str) else "".join(part.text for part in content or ())
        calls = orjson.dumps(self.tool_calls).decode() if self.tool_calls else ""
        return Turn(text, calls, brings_result=self.role == "tool")


class _FunctionDefinition(_Frozen):
    name: str
    description: str | None = None
    parameters: dict[str, JsonValue] = {}


class _Tool(_Frozen):
    type: Literal["function"]
    function: _FunctionDefinition


class _FunctionName(_Frozen):
    name: str


class _ForcedTool(_Frozen):
    type: Literal["function"]
    function: _FunctionName


class _NamedSchema(_Frozen):
    json_schema: dict[str, JsonValue] = Field(default={}, alias="schema")


class _ResponseFormat(_Frozen):
    type: Literal["text", "json_object", "json_schema"]
    json_schema: _NamedSchema | None = None


class ChatBody(_Frozen):
    """The part of a chat-completions request that changes the answer."""

    model: str
    messages: Annotated[list[_Message], Field(min_length=1)]
    max_tokens: PositiveInt | None = None
    max_completion_tokens: PositiveInt | None = None
    tools: list[_Tool] | None = None
    tool_choice: Literal["none", "auto", "required"] | _ForcedTool | None = None
    response_format: _ResponseFormat | None = None
    stream: Literal[False] | None = None
    n: Literal[1] | None = None

    def to_ask(self, model: str) -> Ask:
        """Say it in no vendor's words. Raises InvalidRequest."""
        choice = self.tool_choice
        form = self.response_format
        ask = Ask(
            model=model,
            turns=tuple(message.to_turn() for message in self.messages),
            functions=tuple(
                Function(tool.function.name, tool.function.parameters, tool.model_dump_json())
                for tool in self.tools or ()
            ),
            tool_use=ToolUse(choice) if isinstance(choice, str) else ToolUse.AUTO,
            forced_tool=choice.function.name if isinstance(choice, _ForcedTool) else None,
            output_limit=self.max_completion_tokens or self.max_tokens,
            as_json=form is not None and form.type != "text",
            schema=form.json_schema.json_schema
            if form is not None and form.type == "json_schema" and form.json_schema is not None
            else None,
        )
        ask.check_forced_tool("tool_choice")
        return ask


class ChatCompletions(Dialect):
    """OpenAI's chat completions."""

    id_prefix = "chatcmpl-"
    usage_field = "usage"
    answers_field = "choices"

    def refuse(self, request: Request, address: Address, key: str | None) -> Problem | None:  # noqa: ARG002 - in the headers
        """Any bearer key will do, or none, unless there is one to hold it against."""
        if key is None or request.headers.get(b"authorization") == b"Bearer " + key.encode():
            return None
        return Problem(ProblemKind.UNAUTHORIZED)

    def read(self, body: bytes, address: Address) -> Ask:  # noqa: ARG002 - the model is in the body
        """Read a chat-completions request."""
        parsed = parse(ChatBody, body)
        return parsed.to_ask(parsed.model)

    def write(self, outcome: Outcome) -> dict[str, JsonValue]:
        """Write a chat completion."""
        return {
            "id": outcome.id,
            "object": "chat.completion",
            "created": int(outcome.created_at.timestamp()),
            "model": outcome.ask.model,
            "choices": [_choice(outcome, index, answer) for index, answer in enumerate(outcome.answers)],
            "usage": _usage(outcome.counts),
        }

    def write_error(self, problem: Problem) -> ErrorResponse:
        """Write OpenAI's error object."""
        return openai_error(problem)


def _choice(outcome: Outcome, index: int, answer: Answer) -> JsonValue:
    message: dict[str, JsonValue] = {"role": "assistant", "content": answer.text, "refusal": None}
    if answer.tool is not None:
        message["content"] = None
        call_id = f"call_{outcome.id.removeprefix('chatcmpl-')}"
        function: JsonValue = {"name": answer.tool, "arguments": answer.text}
        message["tool_calls"] = [{"id": call_id, "type": "function", "function": function}]
    return {"index": index, "message": message, "logprobs": None, "finish_reason": answer.finish_reason}


def _usage(counts: TokenCounts) -> JsonValue:
    usage: dict[str, JsonValue] = {
        "prompt_tokens": counts.input_tokens,
        "completion_tokens": counts.output_tokens,
        "total_tokens": counts.input_tokens + counts.output_tokens,
        "prompt_tokens_details": {"cached_tokens": counts.cached_input_tokens},
        "completion_tokens_details": {"reasoning_tokens": counts.reasoning_tokens},
    }
    if counts.cache_write_tokens:
        usage["cache_creation_input_tokens"] = counts.cache_write_tokens
    return usage
