"""OpenAI's chat completions, `POST /v1/chat/completions`. Parameters that change nothing here are accepted and ignored.

Source: https://platform.openai.com/docs/api-reference/chat/create.
"""

import base64
from typing import Annotated, ClassVar, Literal

import orjson
from pydantic import BaseModel, ConfigDict, Field, JsonValue, PositiveInt

from sandbox.provider.ask import Ask, Function, MediaKind, Medium, ToolUse, Turn
from sandbox.provider.dialects.dialect import Address, media_of, parse
from sandbox.provider.dialects.openai import OpenAiApi
from sandbox.provider.outcome import Answer, Outcome

MOST_CHOICES = 128
"""The largest `n`."""

AUDIO_LIVES_S = 3600
"""How long OpenAI keeps a spoken answer."""


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True)


class _TextPart(_Frozen):
    type: Literal["text"]
    text: str

    def medium(self) -> Medium | None:
        return None


class _RefusalPart(_Frozen):
    type: Literal["refusal"]
    refusal: str

    @property
    def text(self) -> str:
        return self.refusal

    def medium(self) -> Medium | None:
        return None


class _ImageUrl(_Frozen):
    url: str
    detail: Literal["auto", "low", "high"] | None = None


class _ImagePart(_Frozen):
    type: Literal["image_url"]
    image_url: _ImageUrl
    text: ClassVar[str] = ""

    def medium(self) -> Medium | None:
        return media_of(MediaKind.IMAGE, self.image_url.url)


class _InputAudio(_Frozen):
    data: str
    format: Literal["wav", "mp3"]


class _AudioPart(_Frozen):
    type: Literal["input_audio"]
    input_audio: _InputAudio
    text: ClassVar[str] = ""

    def medium(self) -> Medium | None:
        return media_of(MediaKind.AUDIO, self.input_audio.data)


class _File(_Frozen):
    file_data: str | None = None
    file_id: str | None = None
    filename: str | None = None


class _FilePart(_Frozen):
    type: Literal["file"]
    file: _File
    text: ClassVar[str] = ""

    def medium(self) -> Medium | None:
        return media_of(MediaKind.FILE, self.file.file_data)


_Part = Annotated[_TextPart | _RefusalPart | _ImagePart | _AudioPart | _FilePart, Field(discriminator="type")]


class _Message(_Frozen):
    role: Literal["system", "developer", "user", "assistant", "tool"]
    content: str | list[_Part] | None = None
    name: str | None = None
    tool_calls: list[dict[str, JsonValue]] | None = None

    def to_turn(self) -> Turn:
        calls = orjson.dumps(self.tool_calls).decode() if self.tool_calls else ""
        brings_result = self.role == "tool"
        if self.content is None or isinstance(self.content, str):
            return Turn(self.content or "", calls, name=self.name or "", brings_result=brings_result)
        text = "".join(part.text for part in self.content)
        media = tuple(medium for part in self.content if (medium := part.medium()) is not None)
        return Turn(text, calls, media, name=self.name or "", brings_result=brings_result)


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


class _Prediction(_Frozen):
    type: Literal["content"]
    content: str | list[_TextPart]

    @property
    def text(self) -> str:
        content = self.content
        return content if isinstance(content, str) else "".join(part.text for part in content)


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
    n: Annotated[int, Field(ge=1, le=MOST_CHOICES)] | None = None
    prompt_cache_key: str | None = None
    service_tier: str | None = None
    web_search_options: dict[str, JsonValue] | None = None
    prediction: _Prediction | None = None
    modalities: list[Literal["text", "audio"]] | None = None

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
            choices=self.n or 1,
            as_json=form is not None and form.type != "text",
            schema=form.json_schema.json_schema
            if form is not None and form.type == "json_schema" and form.json_schema is not None
            else None,
            service_tier=self.service_tier,
            cache_key=self.prompt_cache_key,
            may_search=self.web_search_options is not None,
            speaks="audio" in (self.modalities or ()),
            prediction=self.prediction.text if self.prediction else "",
        )
        ask.check_forced_tool("tool_choice")
        return ask


class ChatCompletions(OpenAiApi):
    """OpenAI's chat completions."""

    id_prefix = "chatcmpl-"
    usage_field = "usage"
    answers_field = "choices"

    def read(self, body: bytes, address: Address) -> Ask:  # noqa: ARG002 - the model is in the body
        """Read a chat-completions request."""
        parsed = parse(ChatBody, body)
        return parsed.to_ask(parsed.model)

    def write(self, outcome: Outcome) -> dict[str, JsonValue]:
        """Write a chat completion."""
        body: dict[str, JsonValue] = {
            "id": outcome.id,
            "object": "chat.completion",
            "created": int(outcome.created_at.timestamp()),
            "model": outcome.ask.model,
            "choices": [_choice(outcome, index, answer) for index, answer in enumerate(outcome.answers)],
            "usage": _usage(outcome),
        }
        if outcome.service_tier is not None:
            body["service_tier"] = outcome.service_tier
        return body


def _choice(outcome: Outcome, index: int, answer: Answer) -> JsonValue:
    message: dict[str, JsonValue] = {"role": "assistant", "content": answer.text, "refusal": None}
    suffix = outcome.id.removeprefix("chatcmpl-") + (f"-{index}" if index else "")
    if answer.tool is not None:
        message["content"] = None
        function: JsonValue = {"name": answer.tool, "arguments": answer.text}
        message["tool_calls"] = [{"id": f"call_{suffix}", "type": "function", "function": function}]
    elif outcome.ask.speaks:
        message["content"] = None
        message["audio"] = {
            "id": f"audio_{suffix}",
            "data": base64.b64encode(answer.text.encode()).decode(),
            "expires_at": int(outcome.created_at.timestamp()) + AUDIO_LIVES_S,
            "transcript": answer.text,
        }
    if answer.thoughts:
        message["reasoning_content"] = answer.thoughts
    return {"index": index, "message": message, "logprobs": None, "finish_reason": answer.finish_reason}


def _usage(outcome: Outcome) -> JsonValue:
    counts = outcome.counts
    prompt, completion = counts.input_tokens, counts.output_tokens
    if outcome.cached_beside:
        prompt -= counts.cached_input_tokens + counts.cache_write_tokens
    if outcome.reasoning_beside:
        completion -= counts.reasoning_tokens
    heard: dict[str, JsonValue] = {"audio_tokens": counts.audio_input_tokens} if counts.audio_input_tokens else {}
    spoken: dict[str, JsonValue] = {"audio_tokens": counts.audio_output_tokens} if counts.audio_output_tokens else {}
    if counts.rejected_tokens:
        spoken |= {"accepted_prediction_tokens": 0, "rejected_prediction_tokens": counts.rejected_tokens}
    usage: dict[str, JsonValue] = {
        "prompt_tokens": prompt,
        "completion_tokens": completion,
        "total_tokens": counts.input_tokens + counts.output_tokens,
        "prompt_tokens_details": {"cached_tokens": counts.cached_input_tokens, **heard},
        "completion_tokens_details": {"reasoning_tokens": counts.reasoning_tokens, **spoken},
    }
    if counts.cache_write_tokens:
        usage["cache_creation_input_tokens"] = counts.cache_write_tokens
    if outcome.cost_usd is not None:
        usage["cost"] = float(outcome.cost_usd)
    return usage
