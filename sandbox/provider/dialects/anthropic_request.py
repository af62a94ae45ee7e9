"""What Anthropic's Messages take, as strict as they are about fields, tool results and thinking.

Sources: https://platform.claude.com/docs/en/api/messages, the guides to prompt caching and extended thinking there,
and the types of the `anthropic` package, 2.14.
"""

from collections.abc import Iterator
from typing import Annotated, Literal

import orjson
from pydantic import Field, JsonValue, PositiveInt

from sandbox.provider.ask import Ask, Function, InvalidRequest, MediaKind, Medium, ToolUse, Turn
from sandbox.provider.dialects.dialect import Strict, media_of, parse

LEAST_THINKING_TOKENS = 1024


class _CacheControl(Strict):
    type: Literal["ephemeral"]
    ttl: Literal["5m", "1h"] | None = None


class _Block(Strict):
    cache_control: _CacheControl | None = None


class _Text(_Block):
    type: Literal["text"]
    text: Annotated[str, Field(min_length=1)]
    citations: JsonValue = None


class _Source(Strict):
    type: Literal["base64", "url", "file", "text", "content"]
    media_type: (
        Literal["image/jpeg", "image/png", "image/gif", "image/webp", "application/pdf", "text/plain"] | None
    ) = None
    data: str | None = None
    url: str | None = None
    file_id: str | None = None
    content: JsonValue = None


class _Image(_Block):
    type: Literal["image"]
    source: _Source


class _Document(_Block):
    type: Literal["document"]
    source: _Source
    title: str | None = None
    context: str | None = None
    citations: JsonValue = None


class _ToolUse(_Block):
    type: Literal["tool_use"]
    id: str
    name: str
    input: dict[str, JsonValue]


class _ToolResult(_Block):
    type: Literal["tool_result"]
    tool_use_id: str
    content: str | list[Annotated[_Text | _Image | _Document, Field(discriminator="type")]] = ""
    is_error: bool = False


class _Thinking(Strict):
    type: Literal["thinking"]
    thinking: str
    signature: str


class _RedactedThinking(Strict):
    type: Literal["redacted_thinking"]
    data: str


_AnyBlock = _Text | _Image | _Document | _ToolUse | _ToolResult | _Thinking | _RedactedThinking


class _Message(Strict):
    role: Literal["user", "assistant"]
    content: (
        Annotated[str, Field(min_length=1)]
        | Annotated[list[Annotated[_AnyBlock, Field(discriminator="type")]], Field(min_length=1)]
    )

    @property
    def blocks(self) -> list[_AnyBlock]:
        return [_Text(type="text", text=self.content)] if isinstance(self.content, str) else self.content


class _Tool(_Block):
    """A tool of the caller's, or one of Anthropic's, whose `type` has a date."""

    name: Annotated[str, Field(pattern="^[a-zA-Z0-9_-]{1,128}$")]
    type: Annotated[str, Field(pattern="^(custom|web_search_[0-9]{8})$")] = "custom"
    description: str | None = None
    input_schema: dict[str, JsonValue] | None = None
    input_examples: JsonValue = None
    strict: bool | None = None
    max_uses: PositiveInt | None = None
    allowed_domains: list[str] | None = None
    blocked_domains: list[str] | None = None
    user_location: JsonValue = None


class _ToolChoice(Strict):
    type: Literal["auto", "any", "tool", "none"]
    name: str | None = None
    disable_parallel_tool_use: bool | None = None


class _ThinkingConfig(Strict):
    type: Literal["enabled", "disabled", "adaptive"]
    budget_tokens: Annotated[int, Field(ge=LEAST_THINKING_TOKENS)] | None = None
    display: Literal["summarized", "omitted"] | None = None


class _OutputFormat(Strict):
    type: Literal["json_schema"]
    json_schema: dict[str, JsonValue] = Field(alias="schema")


class _OutputConfig(Strict):
    effort: Literal["low", "medium", "high", "xhigh", "max"] | None = None
    format: _OutputFormat | None = None


class _Metadata(Strict):
    user_id: str | None = None


class _Body(Strict):
    model: str
    max_tokens: PositiveInt
    messages: Annotated[list[_Message], Field(min_length=1)]
    system: str | list[_Text] | None = None
    cache_control: _CacheControl | None = None
    metadata: _Metadata | None = None
    output_config: _OutputConfig | None = None
    service_tier: Literal["auto", "standard_only"] | None = None
    stop_sequences: list[str] | None = None
    stream: Literal[False] | None = None
    temperature: Annotated[float, Field(ge=0, le=1)] | None = None
    thinking: _ThinkingConfig | None = None
    tool_choice: _ToolChoice | None = None
    tools: list[_Tool] | None = None
    top_k: int | None = None
    top_p: float | None = None


def read_messages(body: bytes) -> Ask:
    """Read a Messages request. Raises InvalidRequest."""
    parsed = parse(_Body, body)
    _check_tool_results(parsed)
    _check_thinking(parsed)
    choice = parsed.tool_choice
    config = parsed.output_config
    functions = [_function(index, tool) for index, tool in enumerate(parsed.tools or ()) if tool.type == "custom"]
    ask = Ask(
        model=parsed.model,
        turns=tuple(_turns(parsed)),
        functions=tuple(functions),
        tool_use=_TOOL_USE[choice.type] if choice else ToolUse.AUTO,
        forced_tool=choice.name if choice and choice.type == "tool" else None,
        output_limit=parsed.max_tokens,
        as_json=config is not None and config.format is not None,
        schema=config.format.json_schema if config is not None and config.format is not None else None,
        service_tier=parsed.service_tier,
        may_search=any(tool.type != "custom" for tool in parsed.tools or ()),
        thinks=parsed.thinking is not None and parsed.thinking.type != "disabled",
        shows_thoughts=parsed.thinking is not None and parsed.thinking.type != "disabled",
        caches=_caches(parsed),
        cache_marks=tuple(_cache_marks(parsed)),
    )
    ask.check_forced_tool("tool_choice.name")
    return ask


_TOOL_USE = {"auto": ToolUse.AUTO, "any": ToolUse.REQUIRED, "tool": ToolUse.REQUIRED, "none": ToolUse.NONE}


def _check_tool_results(body: _Body) -> None:
    """Each use of a tool has its result in the next message, and each result its use in the one before."""
    before: set[str] = set()
    for index, message in enumerate(body.messages):
        uses = {block.id for block in message.blocks if isinstance(block, _ToolUse)}
        results = {block.tool_use_id for block in message.blocks if isinstance(block, _ToolResult)}
        where = f"messages.{index}"
        if uses and not body.tools:
            problem = "Requests which include `tool_use` or `tool_result` blocks must define tools."
            raise InvalidRequest(problem, "tools")
        if stray := results - before:
            problem = f"unexpected `tool_use_id` found in `tool_result` blocks: {min(stray)}"
            raise InvalidRequest(f"{where}: {problem}.", where)
        if missing := (before - results) | (uses if message is body.messages[-1] else set()):
            problem = f"`tool_use` ids were found without `tool_result` blocks immediately after: {min(missing)}"
            raise InvalidRequest(f"{where}: {problem}.", where)
        before = uses


def _check_thinking(body: _Body) -> None:
    thinking = body.thinking
    if thinking is None or thinking.type != "enabled":
        return
    if thinking.budget_tokens is None:
        raise InvalidRequest("thinking.enabled.budget_tokens: Field required.", "thinking.budget_tokens")
    if thinking.budget_tokens >= body.max_tokens:
        raise InvalidRequest("`max_tokens` must be greater than `thinking.budget_tokens`.", "max_tokens")
    if body.tool_choice is not None and body.tool_choice.type in ("any", "tool"):
        raise InvalidRequest("Thinking may not be enabled when tool_choice forces tool use.", "tool_choice")


def _function(index: int, tool: _Tool) -> Function:
    if tool.input_schema is None or tool.input_schema.get("type") != "object":
        where = f"tools.{index}.custom.input_schema"
        raise InvalidRequest(f"{where}: Input should be a schema whose type is 'object'.", where)
    return Function(tool.name, tool.input_schema, tool.model_dump_json(exclude_none=True))


def _turns(body: _Body) -> Iterator[Turn]:
    if body.system:
        yield Turn(body.system if isinstance(body.system, str) else "".join(block.text for block in body.system))
    for message in body.messages:
        calls = [block.model_dump() for block in message.blocks if isinstance(block, _ToolUse)]
        yield Turn(
            "".join(_text(block) for block in message.blocks),
            orjson.dumps(calls).decode() if calls else "",
            tuple(medium for block in message.blocks for medium in _media(block)),
            brings_result=any(isinstance(block, _ToolResult) for block in message.blocks),
        )


def _text(block: _AnyBlock) -> str:
    match block:
        case _Text():
            return block.text
        case _Thinking():
            return block.thinking
        case _ToolResult(content=str(text)):
            return text
        case _ToolResult(content=list(inner)):
            return "".join(_text(item) for item in inner)
        case _Document(source=_Source(type="text", data=str(text))):
            return text
    return ""


def _media(block: _AnyBlock) -> Iterator[Medium]:
    match block:
        case _Image():
            yield media_of(MediaKind.IMAGE, block.source.data)
        case _Document(source=_Source(type="base64" | "url" | "file")):
            yield media_of(MediaKind.FILE, block.source.data)
        case _ToolResult(content=list(inner)):
            for item in inner:
                yield from _media(item)


def _caches(body: _Body) -> bool:
    blocks: list[object] = [body, *(body.tools or ()), *(body.system if isinstance(body.system, list) else ())]
    for message in body.messages:
        blocks += message.blocks
    return any(getattr(block, "cache_control", None) is not None for block in blocks)


def _cache_marks(body: _Body) -> Iterator[int]:
    """Give how many functions and turns stand before each mark; one inside of a turn counts as behind it."""
    custom = [tool for tool in body.tools or () if tool.type == "custom"]
    yield from (number for number, tool in enumerate(custom, start=1) if tool.cache_control is not None)
    before = len(custom)
    if body.system:
        before += 1
        if not isinstance(body.system, str) and any(block.cache_control is not None for block in body.system):
            yield before
    for message in body.messages:
        before += 1
        if any(getattr(block, "cache_control", None) is not None for block in message.blocks):
            yield before
    if body.cache_control is not None:
        yield before
