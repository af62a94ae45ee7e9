"""What Gemini's generateContent takes: protocol buffers as JSON, in camel or snake case, without unknown fields.

Source: https://ai.google.dev/api/generate-content and the types of the `google-genai` package, 3.6.
"""

from collections.abc import Iterator, Mapping
from typing import Annotated, Literal

import orjson
from pydantic import BaseModel, ConfigDict, Field, JsonValue, PositiveInt
from pydantic.alias_generators import to_camel

from sandbox.provider.ask import Ask, Function, InvalidRequest, MediaKind, Medium, ToolUse, Turn
from sandbox.provider.dialects.dialect import media_of, parse

MOST_CANDIDATES = 8

_SCHEMA_FIELDS = frozenset(
    {
        *("type", "format", "title", "description", "nullable", "enum", "example", "default", "anyOf"),
        *("properties", "required", "minProperties", "maxProperties", "propertyOrdering", "additionalProperties"),
        *("items", "minItems", "maxItems", "minLength", "maxLength", "pattern", "minimum", "maximum"),
    }
)
"""Of Gemini's `Schema`, which is a part of OpenAPI's and not JSON Schema."""
_TYPES = frozenset({"string", "number", "integer", "boolean", "array", "object", "null"})
_MEDIA = {"image": MediaKind.IMAGE, "audio": MediaKind.AUDIO}


class _Proto(BaseModel):
    model_config = ConfigDict(
        frozen=True, extra="forbid", alias_generator=to_camel, validate_by_name=True, validate_by_alias=True
    )


class _Blob(_Proto):
    mime_type: str
    data: str
    display_name: str | None = None


class _FileData(_Proto):
    file_uri: str
    mime_type: str | None = None
    display_name: str | None = None


class _FunctionCall(_Proto):
    name: str
    args: dict[str, JsonValue] | None = None
    id: str | None = None


class _FunctionResponse(_Proto):
    name: str
    response: dict[str, JsonValue]
    id: str | None = None


class _Part(_Proto):
    """One of its fields of data, and what is said of it."""

    text: str | None = None
    inline_data: _Blob | None = None
    file_data: _FileData | None = None
    function_call: _FunctionCall | None = None
    function_response: _FunctionResponse | None = None
    thought: bool | None = None
    thought_signature: str | None = None
    video_metadata: JsonValue = None
    media_resolution: JsonValue = None

    @property
    def data(self) -> list[object]:
        given = (self.text, self.inline_data, self.file_data, self.function_call, self.function_response)
        return [field for field in given if field is not None]

    def medium(self) -> Medium | None:
        media = self.inline_data or self.file_data
        if media is None:
            return None
        kind = _MEDIA.get((media.mime_type or "").partition("/")[0], MediaKind.FILE)
        return media_of(kind, self.inline_data.data if self.inline_data else None)


class _Content(_Proto):
    role: Literal["user", "model"] | None = None
    parts: Annotated[list[_Part], Field(min_length=1)]


class _SystemInstruction(_Proto):
    role: str | None = None
    parts: Annotated[list[_Part], Field(min_length=1)]


class _ThinkingConfig(_Proto):
    include_thoughts: bool = False
    thinking_budget: int | None = None
    thinking_level: Literal["MINIMAL", "LOW", "MEDIUM", "HIGH", "minimal", "low", "medium", "high"] | None = None


class _GenerationConfig(_Proto):
    stop_sequences: list[str] | None = None
    response_mime_type: Literal["text/plain", "application/json", "text/x.enum"] = "text/plain"
    response_schema: dict[str, JsonValue] | None = None
    response_json_schema: dict[str, JsonValue] | None = None
    response_modalities: list[Literal["TEXT", "IMAGE", "AUDIO"]] | None = None
    candidate_count: Annotated[int, Field(ge=1, le=MOST_CANDIDATES)] = 1
    max_output_tokens: PositiveInt | None = None
    temperature: Annotated[float, Field(ge=0, le=2)] | None = None
    top_p: float | None = None
    top_k: int | None = None
    seed: int | None = None
    presence_penalty: float | None = None
    frequency_penalty: float | None = None
    response_logprobs: bool | None = None
    logprobs: int | None = None
    enable_enhanced_civic_answers: bool | None = None
    speech_config: JsonValue = None
    thinking_config: _ThinkingConfig | None = None
    media_resolution: str | None = None


class _FunctionDeclaration(_Proto):
    name: Annotated[str, Field(pattern="^[a-zA-Z_][a-zA-Z0-9_.:-]{0,63}$")]
    description: str | None = None
    parameters: dict[str, JsonValue] | None = None
    parameters_json_schema: dict[str, JsonValue] | None = None
    response: JsonValue = None
    response_json_schema: JsonValue = None
    behavior: str | None = None


class _Tool(_Proto):
    function_declarations: list[_FunctionDeclaration] | None = None
    google_search: dict[str, JsonValue] | None = None
    google_search_retrieval: dict[str, JsonValue] | None = None
    code_execution: dict[str, JsonValue] | None = None
    url_context: dict[str, JsonValue] | None = None


class _FunctionCallingConfig(_Proto):
    mode: Literal["AUTO", "ANY", "NONE", "VALIDATED"] = "AUTO"
    allowed_function_names: list[str] | None = None


class _ToolConfig(_Proto):
    function_calling_config: _FunctionCallingConfig | None = None
    retrieval_config: JsonValue = None


class _SafetySetting(_Proto):
    category: Annotated[str, Field(pattern="^HARM_CATEGORY_")]
    threshold: Literal["BLOCK_LOW_AND_ABOVE", "BLOCK_MEDIUM_AND_ABOVE", "BLOCK_ONLY_HIGH", "BLOCK_NONE", "OFF"]


class _Body(_Proto):
    contents: Annotated[list[_Content], Field(min_length=1)]
    system_instruction: _SystemInstruction | None = None
    tools: list[_Tool] | None = None
    tool_config: _ToolConfig | None = None
    safety_settings: list[_SafetySetting] | None = None
    generation_config: _GenerationConfig = _GenerationConfig()
    cached_content: str | None = None
    service_tier: Literal["unspecified", "standard", "flex", "priority"] | None = None
    labels: dict[str, str] | None = None
    store: bool | None = None
    model: str | None = None


def read_gemini(body: bytes, model: str) -> Ask:
    """Read a generateContent request for the model. Raises InvalidRequest."""
    parsed = parse(_Body, body)
    _check_parts(parsed)
    _check_responses(parsed)
    config = parsed.generation_config
    thinking = config.thinking_config
    calling = parsed.tool_config.function_calling_config if parsed.tool_config else None
    mode = calling.mode if calling else "AUTO"
    allowed = (calling.allowed_function_names or []) if calling else []
    schema = config.response_json_schema
    if config.response_schema is not None:
        schema = _to_json_schema(config.response_schema, "generation_config.response_schema")
    ask = Ask(
        model=model,
        turns=tuple(_turns(parsed)),
        functions=tuple(_functions(parsed)),
        tool_use={"ANY": ToolUse.REQUIRED, "NONE": ToolUse.NONE}.get(mode, ToolUse.AUTO),
        forced_tool=allowed[0] if mode == "ANY" and allowed else None,
        output_limit=config.max_output_tokens,
        choices=config.candidate_count,
        as_json=config.response_mime_type == "application/json",
        schema=schema if config.response_mime_type == "application/json" else None,
        service_tier=parsed.service_tier,
        may_search=any(tool.google_search is not None or tool.google_search_retrieval for tool in parsed.tools or ()),
        thinks=thinking is not None and thinking.thinking_budget != 0,
        shows_thoughts=thinking is not None and thinking.include_thoughts,
        caches=parsed.cached_content is not None,
    )
    ask.check_forced_tool("tool_config.function_calling_config.allowed_function_names")
    return ask


def _check_parts(body: _Body) -> None:
    for index, content in enumerate(body.contents):
        for number, part in enumerate(content.parts):
            if len(part.data) != 1:
                where = f"contents[{index}].parts[{number}].data"
                problem = "required oneof field 'data' must have one initialized field"
                raise InvalidRequest(f"* GenerateContentRequest.{where}: {problem}.", where)


def _check_responses(body: _Body) -> None:
    """A turn of function calls is followed by one with as many responses."""
    called = 0
    for content in body.contents:
        answered = sum(part.function_response is not None for part in content.parts)
        if answered != called:
            problem = (
                "Please ensure that the number of function response parts is equal to the number of function call "
                "parts of the function call turn."
            )
            raise InvalidRequest(problem, "contents")
        called = sum(part.function_call is not None for part in content.parts)


def _functions(body: _Body) -> Iterator[Function]:
    declarations = [item for tool in body.tools or () for item in tool.function_declarations or ()]
    for number, declared in enumerate(declarations):
        parameters = declared.parameters_json_schema or {}
        if declared.parameters is not None:
            parameters = _to_json_schema(declared.parameters, f"tools[0].function_declarations[{number}].parameters")
        yield Function(declared.name, parameters, declared.model_dump_json(exclude_none=True))


def _to_json_schema(schema: Mapping[str, JsonValue], where: str) -> dict[str, JsonValue]:
    """Return Gemini's Schema as JSON Schema; the names of its types may be in capitals."""
    made: dict[str, JsonValue] = {}
    for name, value in schema.items():
        if name not in _SCHEMA_FIELDS:
            problem = f"Invalid JSON payload received. Unknown name {name!r} at {where!r}: Cannot find field."
            raise InvalidRequest(problem, where)
        match name, value:
            case "type", str(kind) if kind.lower() in _TYPES:
                made[name] = kind.lower()
            case "type", _:
                raise InvalidRequest(f"Invalid value at '{where}.type' (type.googleapis.com/google.ai.Type).", where)
            case "properties", dict(fields):
                made[name] = {
                    field: _to_json_schema(inner, f"{where}.properties[{number}].value")
                    for number, (field, inner) in enumerate(fields.items())
                    if isinstance(inner, dict)
                }
            case "items", dict(inner):
                made[name] = _to_json_schema(inner, f"{where}.items")
            case "anyOf", list(options):
                made[name] = [_to_json_schema(option, where) for option in options if isinstance(option, dict)]
            case _:
                made[name] = value
    return made


def _turns(body: _Body) -> Iterator[Turn]:
    if body.system_instruction is not None:
        yield Turn("".join(part.text or "" for part in body.system_instruction.parts))
    for content in body.contents:
        calls: list[object] = [part.function_call.model_dump() for part in content.parts if part.function_call]
        results = [part.function_response for part in content.parts if part.function_response]
        said = [part.text or "" for part in content.parts]
        told = [orjson.dumps(result.response).decode() for result in results]
        yield Turn(
            "".join([*said, *told]),
            orjson.dumps(calls).decode() if calls else "",
            tuple(medium for part in content.parts if (medium := part.medium()) is not None),
            brings_result=bool(results),
        )
