"""What Bedrock's Converse takes, with the rules for conversations and tools that it holds them to.

Source: https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_Converse.html and the service model of the
`botocore` package, 1.44.
"""

from collections.abc import Iterator
from typing import Annotated, Literal

import orjson
from pydantic import BaseModel, ConfigDict, Field, Json, JsonValue, PositiveInt
from pydantic.alias_generators import to_camel

from sandbox.provider.ask import Ask, Function, InvalidRequest, MediaKind, Medium, ToolUse, Turn
from sandbox.provider.dialects.dialect import Strict, media_of, parse


class _Camel(BaseModel):
    """A part whose fields are in camel case on the wire, and which has no others."""

    model_config = ConfigDict(frozen=True, extra="forbid", alias_generator=to_camel)


class _Source(_Camel):
    bytes: str | None = None
    s3_location: JsonValue = None
    text: str | None = None
    content: JsonValue = None


class _Image(_Camel):
    format: Literal["png", "jpeg", "gif", "webp"]
    source: _Source


class _Document(_Camel):
    name: Annotated[str, Field(pattern=r"^[a-zA-Z0-9\s()\[\]-]{1,200}$")]
    source: _Source
    format: Literal["pdf", "csv", "doc", "docx", "xls", "xlsx", "html", "txt", "md"] | None = None
    context: str | None = None
    citations: JsonValue = None


class _Audio(_Camel):
    format: str
    source: _Source


class _ToolUseBlock(_Camel):
    tool_use_id: Annotated[str, Field(pattern="^[a-zA-Z0-9_.:-]{1,64}$")]
    name: str
    input: JsonValue
    type: Literal["server_tool_use"] | None = None


class _ToolResultContent(_Camel):
    text: str | None = None
    json_value: JsonValue = Field(default=None, alias="json")
    image: _Image | None = None
    document: _Document | None = None


class _ToolResult(_Camel):
    tool_use_id: str
    content: list[_ToolResultContent]
    status: Literal["success", "error"] | None = None
    type: str | None = None


class _CachePoint(_Camel):
    type: Literal["default"]
    ttl: Literal["5m", "1h"] | None = None


class _ReasoningText(_Camel):
    text: str
    signature: str | None = None


class _Reasoning(_Camel):
    reasoning_text: _ReasoningText | None = None
    redacted_content: str | None = None


class _Block(_Camel):
    """A union: exactly one field is there."""

    text: str | None = None
    image: _Image | None = None
    document: _Document | None = None
    audio: _Audio | None = None
    tool_use: _ToolUseBlock | None = None
    tool_result: _ToolResult | None = None
    cache_point: _CachePoint | None = None
    reasoning_content: _Reasoning | None = None


class _Message(_Camel):
    role: Literal["user", "assistant"]
    content: Annotated[list[_Block], Field(min_length=1)]


class _SystemBlock(_Camel):
    text: Annotated[str, Field(min_length=1)] | None = None
    cache_point: _CachePoint | None = None


class _InferenceConfig(_Camel):
    max_tokens: PositiveInt | None = None
    temperature: Annotated[float, Field(ge=0, le=1)] | None = None
    top_p: Annotated[float, Field(ge=0, le=1)] | None = None
    stop_sequences: list[str] | None = None


class _InputSchema(_Camel):
    json_schema: dict[str, JsonValue] = Field(alias="json")


class _ToolSpec(_Camel):
    name: Annotated[str, Field(pattern="^[a-zA-Z0-9_-]{1,64}$")]
    input_schema: _InputSchema
    description: Annotated[str, Field(min_length=1)] | None = None
    strict: bool | None = None


class _SystemTool(_Camel):
    name: str


class _Tool(_Camel):
    tool_spec: _ToolSpec | None = None
    system_tool: _SystemTool | None = None
    cache_point: _CachePoint | None = None


class _Nothing(_Camel):
    pass


class _ToolChoice(_Camel):
    auto: _Nothing | None = None
    any: _Nothing | None = None
    tool: _SystemTool | None = None


class _ToolConfig(_Camel):
    tools: Annotated[list[_Tool], Field(min_length=1)]
    tool_choice: _ToolChoice | None = None


class _ServiceTier(_Camel):
    type: Literal["priority", "default", "flex", "reserved"]


class _Performance(_Camel):
    latency: Literal["standard", "optimized"] | None = None


class _JsonSchema(_Camel):
    json_schema: Json[dict[str, JsonValue]] = Field(alias="schema")
    name: str | None = None
    description: str | None = None


class _Structure(_Camel):
    json_schema: _JsonSchema


class _TextFormat(_Camel):
    type: Literal["json_schema"]
    structure: _Structure


class _OutputConfig(_Camel):
    text_format: _TextFormat | None = None
    effort: str | None = None


class _Thinking(Strict):
    type: Literal["enabled", "disabled", "adaptive"]
    budget_tokens: PositiveInt | None = None


class _ModelFields(Strict):
    """Fields of Anthropic's models that Converse has no words for."""

    thinking: _Thinking | None = None
    top_k: int | None = None
    anthropic_beta: list[str] | None = None


class _Body(_Camel):
    messages: Annotated[list[_Message], Field(min_length=1)]
    system: list[_SystemBlock] | None = None
    inference_config: _InferenceConfig = _InferenceConfig()
    tool_config: _ToolConfig | None = None
    guardrail_config: JsonValue = None
    additional_model_request_fields: _ModelFields | None = None
    additional_model_response_field_paths: list[str] | None = None
    request_metadata: dict[str, str] | None = None
    performance_config: _Performance | None = None
    service_tier: _ServiceTier | None = None
    output_config: _OutputConfig | None = None


def read_converse(body: bytes, model: str) -> Ask:
    """Read a Converse request for the model. Raises InvalidRequest."""
    parsed = parse(_Body, body)
    _check_conversation(parsed)
    config = parsed.tool_config
    choice = config.tool_choice if config else None
    tools = config.tools if config else []
    form = parsed.output_config.text_format if parsed.output_config else None
    fields = parsed.additional_model_request_fields
    thinks = fields is not None and fields.thinking is not None and fields.thinking.type != "disabled"
    ask = Ask(
        model=model,
        turns=tuple(_turns(parsed)),
        functions=tuple(
            Function(spec.name, spec.input_schema.json_schema, spec.model_dump_json(by_alias=True, exclude_none=True))
            for tool in tools
            if (spec := tool.tool_spec) is not None
        ),
        tool_use=ToolUse.REQUIRED if choice and (choice.any or choice.tool) else ToolUse.AUTO,
        forced_tool=choice.tool.name if choice and choice.tool else None,
        output_limit=parsed.inference_config.max_tokens,
        as_json=form is not None,
        schema=form.structure.json_schema.json_schema if form else None,
        service_tier=parsed.service_tier.type if parsed.service_tier else None,
        may_search=any(tool.system_tool is not None for tool in tools),
        thinks=thinks,
        shows_thoughts=thinks,
        caches=_caches(parsed),
        cache_marks=tuple(_cache_marks(parsed)),
    )
    ask.check_forced_tool("toolConfig.toolChoice.tool.name")
    return ask


def _check_conversation(body: _Body) -> None:
    """The user begins, the roles take turns, and each use of a tool has its result in the next message."""
    uses: set[str] = set()
    for index, message in enumerate(body.messages):
        where = f"messages.{index}"
        if index == 0 and message.role != "user":
            raise InvalidRequest(
                "A conversation must start with a user message. Try again with a conversation that starts with a user "
                "message.",
                where,
            )
        if index and message.role == body.messages[index - 1].role:
            raise InvalidRequest(
                "A conversation must alternate between user and assistant roles. Make sure the conversation alternates "
                "between user and assistant roles and try again.",
                where,
            )
        for number, block in enumerate(message.content):
            _check_block(block, f"{where}.content.{number}")
        results = {block.tool_result.tool_use_id for block in message.content if block.tool_result is not None}
        if stray := results - uses:
            problem = f"The number of toolResult blocks at {where}.content exceeds the number of toolUse blocks of"
            raise InvalidRequest(f"{problem} previous turn: {min(stray)}.", where)
        if missing := uses - results:
            problem = f"Expected toolResult blocks at {where}.content for the following Ids: {min(missing)}"
            raise InvalidRequest(f"{problem}, but found none.", where)
        uses = {block.tool_use.tool_use_id for block in message.content if block.tool_use is not None}
        if (uses or results) and body.tool_config is None:
            problem = "The toolConfig field must be defined when using toolUse and toolResult content blocks."
            raise InvalidRequest(problem, "toolConfig")


def _check_block(block: _Block, where: str) -> None:
    if len(block.model_fields_set) != 1:
        raise InvalidRequest(f"The content block at {where} must have exactly one member.", where)
    if block.text is not None and not block.text.strip():
        problem = f"The text field in the ContentBlock object at {where} is blank"
        raise InvalidRequest(f"{problem}. Add text to the text field, and try again.", where)


def _turns(body: _Body) -> Iterator[Turn]:
    if body.system:
        yield Turn("".join(block.text or "" for block in body.system))
    for message in body.messages:
        calls = [block.tool_use.model_dump(by_alias=True) for block in message.content if block.tool_use is not None]
        yield Turn(
            "".join(_text(block) for block in message.content),
            orjson.dumps(calls).decode() if calls else "",
            tuple(medium for block in message.content for medium in _media(block)),
            brings_result=any(block.tool_result is not None for block in message.content),
        )


def _text(block: _Block) -> str:
    if block.reasoning_content is not None and block.reasoning_content.reasoning_text is not None:
        return block.reasoning_content.reasoning_text.text
    if block.tool_result is not None:
        return "".join(
            orjson.dumps(item.json_value).decode() if item.json_value is not None else item.text or ""
            for item in block.tool_result.content
        )
    return block.text or ""


def _media(block: _Block) -> Iterator[Medium]:
    if block.image is not None:
        yield media_of(MediaKind.IMAGE, block.image.source.bytes)
    if block.document is not None:
        yield media_of(MediaKind.FILE, block.document.source.bytes)
    if block.audio is not None:
        yield media_of(MediaKind.AUDIO, block.audio.source.bytes)
    for item in block.tool_result.content if block.tool_result is not None else ():
        if item.image is not None:
            yield media_of(MediaKind.IMAGE, item.image.source.bytes)
        if item.document is not None:
            yield media_of(MediaKind.FILE, item.document.source.bytes)


def _caches(body: _Body) -> bool:
    blocks: list[_Block | _SystemBlock | _Tool] = [*(body.system or ())]
    blocks += body.tool_config.tools if body.tool_config else []
    for message in body.messages:
        blocks += message.content
    return any(block.cache_point is not None for block in blocks)


def _cache_marks(body: _Body) -> Iterator[int]:
    """Give how many functions and turns stand before each cache point; one inside of a turn counts as behind it."""
    before = 0
    for tool in body.tool_config.tools if body.tool_config else ():
        before += tool.tool_spec is not None
        if tool.cache_point is not None:
            yield before
    if body.system:
        before += 1
        if any(block.cache_point is not None for block in body.system):
            yield before
    for message in body.messages:
        before += 1
        if any(block.cache_point is not None for block in message.content):
            yield before
