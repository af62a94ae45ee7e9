"""Anthropic's Messages: `POST /messages`.

Sources: platform.claude.com, "Messages", "Tool use", "Prompt caching", "Extended thinking", "Structured outputs" and
"Handling stop reasons".
"""

from collections.abc import Iterable, Mapping
from types import MappingProxyType

from pydantic import JsonValue

from router.dialects.conversation import (
    Conversation,
    Media,
    MediaKind,
    Part,
    Text,
    Thought,
    ToolCall,
    ToolResult,
    Turn,
    read_conversation,
)
from router.dialects.dialect import Asked, Untranslatable, Wishes, stop_sequences, up_to_1
from router.dialects.reasoning import budget_for
from router.dialects.reply import joined, objects_in
from router.dialects.tools import AnswerFormat, Choice, Tool, Use, read_choice, read_format, read_tools
from router.dialects.wire import DialectName
from schemas.requests import JsonObject

TITLE = "Anthropic Messages"
ADDED_TOKENS = 1_000
"""At most, each of the prompts that Anthropic adds for tools and for a JSON schema. Of the first it tells 159 to 530 by
model and choice; of the second that the input is slightly longer. Source: "Tool use pricing and tokens"."""
IMAGES = frozenset({"image/jpeg", "image/png", "image/gif", "image/webp"})
FINISH: Mapping[str, str] = MappingProxyType(
    {
        "end_turn": "stop",
        "stop_sequence": "stop",
        "pause_turn": "stop",
        "max_tokens": "length",
        "model_context_window_exceeded": "length",
        "tool_use": "tool_calls",
        "refusal": "content_filter",
    }
)
"""`stop_reason` in OpenAI's words."""
_TIERS: Mapping[str, str] = MappingProxyType({"default": "standard_only", "standard_only": "standard_only"})
_CACHE: JsonObject = {"type": "ephemeral"}


class AnthropicMessages:
    """Anthropic's Messages."""

    name = DialectName.ANTHROPIC
    key_header = "x-api-key"
    standing_headers: Mapping[str, str] = MappingProxyType({"anthropic-version": "2023-06-01"})
    own_parameters = frozenset({"thinking", "top_k"})

    def path(self, model: str) -> str:  # noqa: ARG002 - the model is in the body
        """Return the path."""
        return "/messages"

    def body(self, asked: Asked) -> JsonObject:
        """Return the request as a message.

        Raises:
            Untranslatable: something in it has no counterpart.
        """
        talk, wishes = read_conversation(asked.request), Wishes(asked, TITLE)
        tools, form = read_tools(asked.request), read_format(asked.request)
        body: JsonObject = {
            "model": asked.model,
            "max_tokens": asked.max_tokens,
            "messages": [_message(turn) for turn in talk.turns],
        }
        body |= _system(talk)
        if asked.temperature is not None:
            body["temperature"] = up_to_1(asked.temperature, TITLE)
        if (stop := stop_sequences(wishes.take("stop"))) is not None:
            body["stop_sequences"] = stop
        body |= wishes.take_all({"top_p": "top_p", "top_k": "top_k", "thinking": "thinking"})
        if (user := wishes.take("user") or wishes.take("safety_identifier")) is not None:
            body["metadata"] = {"user_id": user}
        if (tier := wishes.take_word("service_tier", _TIERS)) is not None:
            body["service_tier"] = tier
        parallel = wishes.take("parallel_tool_calls") is not False
        if tools:
            body["tools"] = [_tool(tool) for tool in tools]
            body["tool_choice"] = _choice(read_choice(asked.request), is_parallel=parallel)
        if form is not None:
            body["output_config"] = {"format": _format(form)}
        if (effort := wishes.take("reasoning_effort")) is not None:
            body["thinking"] = _thinking(effort, asked)
        return {**wishes.rest(), **body}

    def added_tokens(self, asked: Asked) -> int:
        """Return the bound of the prompts that Anthropic adds."""
        request = asked.request
        return ADDED_TOKENS * (bool(request.tools) + (request.response_format is not None))

    def completion(self, reply: JsonValue) -> JsonValue:
        """Return a message as a completion."""
        if not isinstance(reply, dict) or not _is_message(reply):
            return reply
        content, reason = reply["content"], reply.get("stop_reason")
        said: list[JsonObject] = (
            [{"type": "text", "text": content}] if isinstance(content, str) else objects_in(content)
        )
        finish = FINISH.get(reason, reason) if isinstance(reason, str) else None
        choices: list[JsonValue] = []
        if said or finish in ("length", "content_filter"):
            choices = [{"index": 0, "message": _answer(said), "finish_reason": finish}]
        return {**{name: reply.get(name) for name in ("id", "model", "usage")}, "choices": choices}


def _is_message(reply: JsonObject) -> bool:
    """Say whether the reply is a message; proxies write a text for its one block of text."""
    content, kind = reply.get("content"), reply.get("type")
    return (isinstance(content, list) and kind != "error") or (isinstance(content, str) and kind == "message")


def _system(talk: Conversation) -> JsonObject:
    if not talk.system:
        return {}
    if len(talk.system) == 1 and not talk.system[0].is_cached:
        return {"system": talk.system[0].text}
    return {"system": [_block(text) for text in talk.system]}


def _message(turn: Turn) -> JsonObject:
    # results of tools come first, as Anthropic wants them
    parts = sorted(turn.parts, key=lambda part: not isinstance(part, ToolResult))
    if len(parts) == 1 and isinstance(text := parts[0], Text) and not text.is_cached:
        return {"role": turn.role.name.lower(), "content": text.text}
    return {"role": turn.role.name.lower(), "content": [_block(part) for part in parts]}


def _block(part: Part) -> JsonObject:
    block = _bare(part)
    return {**block, "cache_control": _CACHE} if part.is_cached and not isinstance(part, Thought) else block


def _bare(part: Part) -> JsonObject:  # noqa: PLR0911 - one for each kind of part
    match part:
        case Text():
            return {"type": "text", "text": part.text}
        case Media(kind=MediaKind.IMAGE):
            return {"type": "image", "source": _source(part, IMAGES)}
        case Media(kind=MediaKind.FILE):
            title: JsonObject = {"title": part.name} if part.name else {}
            return {"type": "document", "source": _source(part, frozenset({"application/pdf"})), **title}
        case Media():
            raise Untranslatable(f"{part.place}: {TITLE} takes no {part.kind.value}")
        case ToolCall():
            return {"type": "tool_use", "id": part.id, "name": part.name, "input": part.arguments}
        case ToolResult():
            return {
                "type": "tool_result",
                "tool_use_id": part.call_id,
                "content": [_block(inner) for inner in part.content],
            }
        case Thought(sealed=str(data)):
            return {"type": "redacted_thinking", "data": data}
        case Thought():
            return {"type": "thinking", "thinking": part.text, "signature": part.signature}


def _source(media: Media, taken: Iterable[str]) -> JsonObject:
    if media.url:
        return {"type": "url", "url": media.url}
    if media.data and media.mime_type in taken:
        return {"type": "base64", "media_type": media.mime_type, "data": media.data}
    raise Untranslatable(f"{media.place}: {TITLE} takes {', '.join(sorted(taken))} in base64, or an address")


def _tool(tool: Tool) -> JsonObject:
    read: JsonObject = {"name": tool.name, "input_schema": {"type": "object", **tool.schema}}
    if tool.description:
        read["description"] = tool.description
    if tool.is_strict:
        read["strict"] = True
    return {**read, "cache_control": _CACHE} if tool.is_cached else read


def _choice(choice: Choice, *, is_parallel: bool) -> JsonObject:
    read: JsonObject = {"type": {Use.REQUIRED: "any", Use.NAMED: "tool"}.get(choice.use, choice.use.name.lower())}
    if choice.use is Use.NAMED:
        read["name"] = choice.name
    if not is_parallel and choice.use is not Use.NONE:
        read["disable_parallel_tool_use"] = True
    return read


def _format(form: AnswerFormat) -> JsonObject:
    if form.schema is None:
        raise Untranslatable(f"response_format: {TITLE} has no json_object; give a json_schema")
    return {"type": "json_schema", "schema": form.schema}


def _thinking(effort: JsonValue, asked: Asked) -> JsonObject:
    budget = budget_for(effort, asked.max_tokens)
    if budget == 0:
        return {"type": "disabled"}
    if read_choice(asked.request).use in (Use.REQUIRED, Use.NAMED):
        raise Untranslatable(f"reasoning_effort: {TITLE} does not think where tool_choice forces a tool")
    if asked.temperature not in (None, 1):
        raise Untranslatable(f"temperature: {TITLE} takes none while it thinks")
    return {"type": "enabled", "budget_tokens": budget}


def _answer(blocks: list[JsonObject]) -> JsonObject:
    thoughts = [block for block in blocks if block.get("type") in ("thinking", "redacted_thinking")]
    texts = [block for block in blocks if block.get("type") == "text"]
    uses = [block for block in blocks if block.get("type") == "tool_use"]
    others = [block for block in blocks if block not in thoughts and block not in texts and block not in uses]
    answer: JsonObject = {
        "role": "assistant",
        "content": joined(texts, "text"),
        "reasoning_content": joined(thoughts, "thinking"),
        "tool_calls": [
            {"id": use.get("id"), "function": {"name": use.get("name"), "arguments": use.get("input")}} for use in uses
        ],
        "annotations": [cited for text in texts for cited in objects_in(text.get("citations"))],
    }
    if any("signature" in block or "data" in block for block in thoughts):
        answer["thinking_blocks"] = [*thoughts]
    if others:
        answer["content_parts"] = [*others]
    return answer
