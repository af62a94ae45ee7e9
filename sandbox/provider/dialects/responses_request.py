"""What OpenAI's Responses take. What needs memory between calls is refused.

Source: https://platform.openai.com/docs/api-reference/responses/create and the types of the `openai` package, 3.57.
"""

from collections.abc import Iterator
from typing import Annotated, Literal

import orjson
from pydantic import Discriminator, Field, JsonValue, PositiveInt, Tag

from sandbox.provider.ask import Ask, Function, InvalidRequest, MediaKind, Medium, ToolUse, Turn
from sandbox.provider.dialects.dialect import Strict, media_of, parse

LEAST_OUTPUT_TOKENS = 16


class _InputText(Strict):
    type: Literal["input_text"]
    text: str


class _OutputText(Strict):
    type: Literal["output_text"]
    text: str
    annotations: JsonValue = None
    logprobs: JsonValue = None


class _Refusal(Strict):
    type: Literal["refusal"]
    refusal: str


class _InputImage(Strict):
    type: Literal["input_image"]
    detail: Literal["auto", "low", "high", "original"] = "auto"
    image_url: str | None = None
    file_id: str | None = None


class _InputFile(Strict):
    type: Literal["input_file"]
    detail: Literal["auto", "low", "high"] = "auto"
    file_data: str | None = None
    file_id: str | None = None
    file_url: str | None = None
    filename: str | None = None


class _Sound(Strict):
    data: str
    format: Literal["mp3", "wav"]


class _InputAudio(Strict):
    type: Literal["input_audio"]
    input_audio: _Sound


_Part = _InputText | _OutputText | _Refusal | _InputImage | _InputFile | _InputAudio
_Parts = list[Annotated[_Part, Field(discriminator="type")]]


class _Message(Strict):
    type: Literal["message"] = "message"
    role: Literal["user", "assistant", "system", "developer"]
    content: str | _Parts
    id: str | None = None
    status: str | None = None
    phase: str | None = None


class _FunctionCall(Strict):
    type: Literal["function_call"]
    call_id: str
    name: str
    arguments: str
    id: str | None = None
    status: str | None = None


class _FunctionCallOutput(Strict):
    type: Literal["function_call_output"]
    call_id: str
    output: str | _Parts
    id: str | None = None
    status: str | None = None


class _Reasoning(Strict):
    type: Literal["reasoning"]
    id: str
    summary: list[JsonValue]
    content: JsonValue = None
    encrypted_content: str | None = None
    status: str | None = None


def _type_of(item: object) -> str:
    return str(item.get("type", "message")) if isinstance(item, dict) else str(getattr(item, "type", "message"))


_Item = Annotated[
    Annotated[_Message, Tag("message")]
    | Annotated[_FunctionCall, Tag("function_call")]
    | Annotated[_FunctionCallOutput, Tag("function_call_output")]
    | Annotated[_Reasoning, Tag("reasoning")],
    Discriminator(_type_of),
]


class _FunctionTool(Strict):
    type: Literal["function"]
    name: str
    parameters: dict[str, JsonValue] | None = None
    description: str | None = None
    strict: bool | None = None


class _WebSearch(Strict):
    type: Literal["web_search", "web_search_2025_08_26", "web_search_preview"]
    filters: JsonValue = None
    search_context_size: Literal["low", "medium", "high"] | None = None
    user_location: JsonValue = None


class _ForcedTool(Strict):
    type: Literal["function"]
    name: str


class _Format(Strict):
    type: Literal["text", "json_object", "json_schema"]
    name: str | None = None
    json_schema: dict[str, JsonValue] | None = Field(default=None, alias="schema")
    description: str | None = None
    strict: bool | None = None


class _TextConfig(Strict):
    format: _Format | None = None
    verbosity: Literal["low", "medium", "high"] | None = None


class _ReasoningConfig(Strict):
    effort: Literal["none", "minimal", "low", "medium", "high", "xhigh", "max"] | None = None
    summary: Literal["auto", "concise", "detailed"] | None = None


class _Body(Strict):
    model: str
    input: Annotated[str, Field(min_length=1)] | Annotated[list[_Item], Field(min_length=1)]
    background: Literal[False] | None = None
    include: list[str] | None = None
    instructions: str | None = None
    max_output_tokens: Annotated[int, Field(ge=LEAST_OUTPUT_TOKENS)] | None = None
    max_tool_calls: PositiveInt | None = None
    metadata: dict[str, str] | None = None
    parallel_tool_calls: bool | None = None
    prompt_cache_key: str | None = None
    reasoning: _ReasoningConfig | None = None
    safety_identifier: str | None = None
    service_tier: Literal["auto", "default", "flex", "scale", "priority"] | None = None
    store: bool | None = None
    stream: Literal[False] | None = None
    temperature: Annotated[float, Field(ge=0, le=2)] | None = None
    text: _TextConfig | None = None
    tool_choice: Literal["none", "auto", "required"] | _ForcedTool | None = None
    tools: list[Annotated[_FunctionTool | _WebSearch, Field(discriminator="type")]] | None = None
    top_logprobs: int | None = None
    top_p: Annotated[float, Field(ge=0, le=1)] | None = None
    truncation: Literal["auto", "disabled"] | None = None
    user: str | None = None


def read_responses(body: bytes) -> Ask:
    """Read a Responses request. Raises InvalidRequest."""
    parsed = parse(_Body, body)
    _check_calls(parsed)
    form = parsed.text.format if parsed.text else None
    reasoning = parsed.reasoning
    functions = [tool for tool in parsed.tools or () if isinstance(tool, _FunctionTool)]
    for index, tool in enumerate(functions):
        if tool.strict and tool.parameters is not None:
            _check_strict(tool.parameters, f"Invalid schema for function {tool.name!r}", f"tools[{index}].parameters")
    if form is not None and form.strict and form.json_schema is not None:
        _check_strict(form.json_schema, f"Invalid schema for response_format {form.name!r}", "text.format.schema")
    choice = parsed.tool_choice
    ask = Ask(
        model=parsed.model,
        turns=tuple(_turns(parsed)),
        functions=tuple(
            Function(tool.name, tool.parameters or {}, tool.model_dump_json(exclude_none=True)) for tool in functions
        ),
        tool_use=ToolUse(choice) if isinstance(choice, str) else ToolUse.AUTO,
        forced_tool=choice.name if isinstance(choice, _ForcedTool) else None,
        output_limit=parsed.max_output_tokens,
        as_json=form is not None and form.type != "text",
        schema=form.json_schema if form is not None else None,
        service_tier=parsed.service_tier,
        cache_key=parsed.prompt_cache_key,
        may_search=any(isinstance(tool, _WebSearch) for tool in parsed.tools or ()),
        thinks=reasoning is not None and reasoning.effort != "none",
        shows_thoughts=reasoning is not None and reasoning.summary is not None,
        echo={
            "instructions": parsed.instructions,
            "max_output_tokens": parsed.max_output_tokens,
            "metadata": dict(parsed.metadata or {}),
            "parallel_tool_calls": parsed.parallel_tool_calls is not False,
            "reasoning": (reasoning or _ReasoningConfig()).model_dump(),
            "store": parsed.store is not False,
            "temperature": 1.0 if parsed.temperature is None else parsed.temperature,
            "text": {"format": (form or _Format(type="text")).model_dump(by_alias=True, exclude_none=True)},
            "tool_choice": choice.model_dump() if isinstance(choice, _ForcedTool) else choice or "auto",
            "tools": [tool.model_dump(exclude_none=True) for tool in parsed.tools or ()],
            "top_p": 1.0 if parsed.top_p is None else parsed.top_p,
            "truncation": parsed.truncation or "disabled",
            "user": parsed.user,
        },
    )
    ask.check_forced_tool("tool_choice")
    if form is not None and form.type == "json_object" and all("json" not in turn.text.lower() for turn in ask.turns):
        problem = "'text.format' of type 'json_object' needs the word 'json' in the input."
        raise InvalidRequest(problem, "input")
    return ask


def _check_calls(body: _Body) -> None:
    """Each output of a function has its call before it."""
    called: set[str] = set()
    for item in body.input if isinstance(body.input, list) else ():
        if isinstance(item, _FunctionCall):
            called.add(item.call_id)
        elif isinstance(item, _FunctionCallOutput) and item.call_id not in called:
            problem = f"No tool call found for function call output with call_id {item.call_id}."
            raise InvalidRequest(problem, "input")


def _check_strict(schema: dict[str, JsonValue], what: str, param: str) -> None:
    """A strict schema allows no other properties than its own, and requires all of them."""
    if schema.get("additionalProperties") is not False:
        problem = "'additionalProperties' is required to be supplied and to be false"
        raise InvalidRequest(f"{what}: In context=(), {problem}.", param)
    properties, required = schema.get("properties"), schema.get("required")
    names = required if isinstance(required, list) else []
    missing = [name for name in properties if name not in names] if isinstance(properties, dict) else []
    if missing:
        problem = f"'required' is required to include every key in properties; missing {missing[0]!r}"
        raise InvalidRequest(f"{what}: In context=(), {problem}.", param)


def _turns(body: _Body) -> Iterator[Turn]:
    if body.instructions:
        yield Turn(body.instructions)
    if isinstance(body.input, str):
        yield Turn(body.input)
        return
    for item in body.input:
        match item:
            case _Message(content=content):
                yield Turn(_text(content), media=tuple(_media(content)))
            case _FunctionCall():
                yield Turn("", orjson.dumps({"name": item.name, "arguments": item.arguments}).decode())
            case _FunctionCallOutput(output=output):
                yield Turn(_text(output), media=tuple(_media(output)), brings_result=True)
            case _Reasoning():
                yield Turn("")


def _text(content: str | list[_Part]) -> str:
    if isinstance(content, str):
        return content
    texts = (part.refusal if isinstance(part, _Refusal) else getattr(part, "text", "") for part in content)
    return "".join(texts)


def _media(content: str | list[_Part]) -> Iterator[Medium]:
    for part in content if isinstance(content, list) else ():
        match part:
            case _InputImage():
                yield media_of(MediaKind.IMAGE, part.image_url)
            case _InputFile():
                yield media_of(MediaKind.FILE, part.file_data)
            case _InputAudio():
                yield media_of(MediaKind.AUDIO, part.input_audio.data)
