"""Bedrock's Converse: `POST /model/{modelId}/converse`.

Sources: docs.aws.amazon.com, Bedrock API reference of Converse, and the guides "Tool use", "Prompt caching" and
"Structured output" of Bedrock.
"""

import re
from collections.abc import Iterator, Mapping
from types import MappingProxyType
from urllib.parse import quote

import orjson
from pydantic import JsonValue

from router.dialects.anthropic import ADDED_TOKENS
from router.dialects.conversation import (
    Media,
    MediaKind,
    Part,
    Role,
    Text,
    Thought,
    ToolCall,
    ToolResult,
    Turn,
    read_conversation,
)
from router.dialects.dialect import NO_HEADERS, Asked, Untranslatable, Wishes, stop_sequences, up_to_1
from router.dialects.reply import joined, objects_in
from router.dialects.tools import AnswerFormat, Choice, Tool, Use, read_choice, read_format, read_tools
from router.dialects.wire import DialectName
from schemas.requests import JsonObject

TITLE = "Bedrock Converse"
FINISH: Mapping[str, str] = MappingProxyType(
    {
        "end_turn": "stop",
        "stop_sequence": "stop",
        "max_tokens": "length",
        "model_context_window_exceeded": "length",
        "tool_use": "tool_calls",
        "content_filtered": "content_filter",
        "guardrail_intervened": "guardrail_intervened",
        "malformed_model_output": "error",
        "malformed_tool_use": "error",
    }
)
"""`stopReason` in OpenAI's words; `error` is that of gateways."""
_TIERS: Mapping[str, str] = MappingProxyType({tier: tier for tier in ("default", "flex", "priority")})
_IMAGES: Mapping[str, str] = MappingProxyType({f"image/{form}": form for form in ("png", "jpeg", "gif", "webp")})
_FILES: Mapping[str, str] = MappingProxyType(
    {
        "application/pdf": "pdf",
        "text/csv": "csv",
        "text/html": "html",
        "text/plain": "txt",
        "text/markdown": "md",
        "application/msword": "doc",
        "application/vnd.openxmlformats-officedocument.wordprocessingml.document": "docx",
        "application/vnd.ms-excel": "xls",
        "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": "xlsx",
    }
)
_CACHE_POINT: JsonObject = {"cachePoint": {"type": "default"}}


class Converse:
    """Bedrock's Converse."""

    name = DialectName.BEDROCK
    key_header = "authorization"
    standing_headers = NO_HEADERS
    own_parameters = frozenset({"thinking", "top_k"})

    def path(self, model: str) -> str:
        """Return the path of a model, an inference profile or their ARN."""
        return f"/model/{quote(model, '')}/converse"

    def body(self, asked: Asked) -> JsonObject:
        """Return the request as Converse has it; what it has no word for stands in `additionalModelRequestFields`.

        Raises:
            Untranslatable: something in it has no counterpart.
        """
        talk, wishes = read_conversation(asked.request), Wishes(asked, TITLE)
        if talk.turns[0].role is not Role.USER:
            raise Untranslatable(f"messages: in {TITLE} the user begins")
        config: JsonObject = {"maxTokens": asked.max_tokens}
        if asked.temperature is not None:
            config["temperature"] = up_to_1(asked.temperature, TITLE)
        if (stop := stop_sequences(wishes.take("stop"))) is not None:
            config["stopSequences"] = stop
        config |= wishes.take_all({"top_p": "topP"})
        body: JsonObject = {"messages": [_message(turn) for turn in talk.turns], "inferenceConfig": config}
        if talk.system:
            body["system"] = [block for text in talk.system for block in _blocks(text)]
        body |= _tool_config(asked, uses=any(isinstance(part, ToolCall) for turn in talk.turns for part in turn.parts))
        if (form := read_format(asked.request)) is not None:
            body["outputConfig"] = {"textFormat": _format(form)}
        if (tier := wishes.take_word("service_tier", _TIERS)) is not None:
            body["serviceTier"] = {"type": tier}
        if fields := wishes.rest():
            body["additionalModelRequestFields"] = fields
        return body

    def added_tokens(self, asked: Asked) -> int:
        """Return the bound of the prompts that makers of models add for tools and schemas: Anthropic's."""
        request = asked.request
        return ADDED_TOKENS * (bool(request.tools) + (request.response_format is not None))

    def completion(self, reply: JsonValue) -> JsonValue:
        """Return what Converse says as a completion. It tells no id and no model."""
        output = reply.get("output") if isinstance(reply, dict) else None
        message = output.get("message") if isinstance(output, dict) else None
        if not isinstance(reply, dict) or not isinstance(message, dict):
            return reply
        said, reason = objects_in(message.get("content")), reply.get("stopReason")
        finish = FINISH.get(reason, reason) if isinstance(reason, str) else None
        if reason == "guardrail_intervened":
            said = []  # what a guardrail says instead is no answer
        choices: list[JsonValue] = []
        if said or finish in ("length", "content_filter", "guardrail_intervened", "error"):
            choices = [{"index": 0, "message": _answer(said), "finish_reason": finish}]
        read: JsonObject = {"choices": choices, "usage": reply.get("usage")}
        tier = reply.get("serviceTier")
        return {**read, "service_tier": tier.get("type")} if isinstance(tier, dict) else read


def _tool_config(asked: Asked, *, uses: bool) -> JsonObject:
    tools, choice = read_tools(asked.request), read_choice(asked.request)
    if asked.parameters.get("parallel_tool_calls") is False:
        raise Untranslatable(f"parallel_tool_calls: {TITLE} has no word for it")
    if not tools:
        if uses:
            raise Untranslatable(f"tools: {TITLE} wants them where the messages hold calls of tools")
        return {}
    if choice.use is Use.NONE:
        if uses:
            raise Untranslatable(f"tool_choice: {TITLE} has no none, and wants the tools that were called")
        return {}
    declared = [block for tool in tools for block in _tool(tool)]
    return {"toolConfig": {"tools": [*declared], "toolChoice": _choice(choice)}}


def _format(form: AnswerFormat) -> JsonObject:
    if form.schema is None:
        raise Untranslatable(f"response_format: {TITLE} has no json_object; give a json_schema")
    schema: JsonObject = {"schema": orjson.dumps(form.schema).decode(), "name": form.name}
    schema |= {"description": form.description} if form.description else {}
    return {"type": "json_schema", "structure": {"jsonSchema": schema}}


def _message(turn: Turn) -> JsonObject:
    # results of tools come first, as Anthropic's models want them
    parts = sorted(turn.parts, key=lambda part: not isinstance(part, ToolResult))
    return {"role": turn.role.name.lower(), "content": [block for part in parts for block in _blocks(part)]}


def _blocks(part: Part) -> list[JsonObject]:
    return [_block(part), _CACHE_POINT] if part.is_cached else [_block(part)]


def _block(part: Part) -> JsonObject:  # noqa: PLR0911 - one for each kind of part
    match part:
        case Text():
            return {"text": part.text}
        case Media(kind=MediaKind.IMAGE):
            return {"image": {"format": _form(part, _IMAGES), "source": _source(part)}}
        case Media(kind=MediaKind.FILE):
            named = re.sub(r"[^A-Za-z0-9()\[\]-]+", " ", part.name.rpartition(".")[0] or part.name).strip()
            document: JsonObject = {"format": _form(part, _FILES), "name": named[:200] or "document"}
            return {"document": {**document, "source": _source(part)}}
        case Media():
            raise Untranslatable(f"{part.place}: {TITLE} takes no {part.kind.value}")
        case ToolCall():
            return {"toolUse": {"toolUseId": part.id, "name": part.name, "input": part.arguments}}
        case ToolResult():
            return {"toolResult": {"toolUseId": part.call_id, "content": [*_result(part)]}}
        case Thought(sealed=str(data)):
            return {"reasoningContent": {"redactedContent": data}}
        case Thought():
            told: JsonObject = {"text": part.text, "signature": part.signature}
            return {"reasoningContent": {"reasoningText": told}}


def _result(result: ToolResult) -> list[JsonObject]:
    if (value := result.json_object) is not None:
        return [{"json": value}]
    return [_block(inner) for inner in result.content] or [{"text": "(nothing)"}]


def _form(media: Media, forms: Mapping[str, str]) -> str:
    if media.mime_type not in forms:
        raise Untranslatable(f"{media.place}: {TITLE} takes {', '.join(forms.values())}, as a data URL")
    return forms[media.mime_type]


def _source(media: Media) -> JsonObject:
    return {"bytes": media.data}


def _tool(tool: Tool) -> list[JsonObject]:
    spec: JsonObject = {"name": tool.name, "inputSchema": {"json": {"type": "object", **tool.schema}}}
    if tool.description:
        spec["description"] = tool.description
    if tool.is_strict:
        spec["strict"] = True
    declared: JsonObject = {"toolSpec": spec}
    return [declared, _CACHE_POINT] if tool.is_cached else [declared]


def _choice(choice: Choice) -> JsonObject:
    match choice.use:
        case Use.NAMED:
            return {"tool": {"name": choice.name}}
        case Use.REQUIRED:
            return {"any": {}}
        case _:
            return {"auto": {}}


def _answer(blocks: list[JsonObject]) -> JsonObject:
    reasoning = [told for block in blocks if isinstance(told := block.get("reasoningContent"), dict)]
    thoughts = [text for told in reasoning if isinstance(text := told.get("reasoningText"), dict)]
    sealed = [told["redactedContent"] for told in reasoning if "redactedContent" in told]
    uses = [use for block in blocks if isinstance(use := block.get("toolUse"), dict)]
    cited = [told for block in blocks if isinstance(told := block.get("citationsContent"), dict)]
    known = {"text", "reasoningContent", "toolUse", "citationsContent"}
    answer: JsonObject = {
        "role": "assistant",
        "content": joined(_texts(blocks), "text"),
        "reasoning_content": joined(thoughts, "text"),
        "tool_calls": [
            {"id": use.get("toolUseId"), "function": {"name": use.get("name"), "arguments": use.get("input")}}
            for use in uses
        ],
    }
    if annotations := [found for told in cited for found in objects_in(told.get("citations"))]:
        answer["annotations"] = [*annotations]
    signed: list[JsonValue] = [
        {"type": "thinking", "thinking": text.get("text"), "signature": text["signature"]}
        for text in thoughts
        if text.get("signature")
    ]
    signed += [{"type": "redacted_thinking", "data": data} for data in sealed]
    if signed:
        answer["thinking_blocks"] = signed
    if others := [block for block in blocks if known.isdisjoint(block)]:
        answer["content_parts"] = [*others]
    return answer


def _texts(blocks: list[JsonObject]) -> Iterator[JsonObject]:
    """Yield what has text, in order; words with citations stand one level deeper (`CitationsContentBlock`)."""
    for block in blocks:
        cited = block.get("citationsContent")
        yield from objects_in(cited.get("content")) if isinstance(cited, dict) else (block,)
