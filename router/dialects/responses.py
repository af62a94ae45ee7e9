"""OpenAI's Responses: `POST /responses`, without memory between calls.

Sources: platform.openai.com, API reference of Responses, and the guide "Migrate to the Responses API".
"""

from collections.abc import Iterator, Mapping
from types import MappingProxyType

from pydantic import JsonValue

from router.dialects.conversation import (
    Media,
    MediaKind,
    Part,
    Role,
    Text,
    Thought,
    ToolCall,
    ToolResult,
    read_turns,
)
from router.dialects.dialect import NO_HEADERS, Asked, Untranslatable, Wishes
from router.dialects.reply import joined, objects_in
from router.dialects.tools import Choice, Tool, Use, read_choice, read_format, read_tools
from router.dialects.wire import DialectName
from schemas.requests import JsonObject

TITLE = "OpenAI Responses"
LEAST_OUTPUT_TOKENS = 16
FINISH: Mapping[str, str] = MappingProxyType({"max_output_tokens": "length", "content_filter": "content_filter"})
"""`incomplete_details.reason` in the words of chat completions."""
_SAME: Mapping[str, str] = MappingProxyType(
    {
        name: name
        for name in (
            *("parallel_tool_calls", "prompt_cache_key", "prompt_cache_retention", "safety_identifier"),
            *("service_tier", "top_p", "user", "reasoning"),
        )
    }
)
_LOGPROBS = "message.output_text.logprobs"


class Responses:
    """OpenAI's Responses."""

    name = DialectName.RESPONSES
    key_header = "authorization"
    standing_headers = NO_HEADERS
    own_parameters = frozenset({"reasoning"})

    def path(self, model: str) -> str:  # noqa: ARG002 - the model is in the body
        """Return the path."""
        return "/responses"

    def body(self, asked: Asked) -> JsonObject:
        """Return the request as items. Nothing is stored, as with chat completions, unless it is asked for.

        Raises:
            Untranslatable: something in it has no counterpart.
        """
        if asked.max_tokens < LEAST_OUTPUT_TOKENS:
            raise Untranslatable(f"max_tokens: {TITLE} takes {LEAST_OUTPUT_TOKENS} at least")
        wishes, form = Wishes(asked, TITLE), read_format(asked.request)
        body: JsonObject = {
            "model": asked.model,
            "input": [*_items(asked)],
            "max_output_tokens": asked.max_tokens,
            "store": wishes.take("store") is True,
        }
        if asked.temperature is not None:
            body["temperature"] = asked.temperature
        body |= wishes.take_all(_SAME)
        if (effort := wishes.take("reasoning_effort")) is not None:
            body["reasoning"] = {"effort": effort}
        text: JsonObject = {}
        if form is not None:
            text["format"] = {"type": "json_object"}
            if form.schema is not None:
                told: JsonObject = {"type": "json_schema", "name": form.name, "schema": form.schema}
                told |= {"description": form.description} if form.description else {}
                text["format"] = {**told, "strict": form.is_strict}
        text |= wishes.take_all({"verbosity": "verbosity"})
        if text:
            body["text"] = text
        if wishes.take("logprobs") is True:
            body["include"] = [_LOGPROBS]
            body["top_logprobs"] = wishes.take("top_logprobs") or 0
        if asked.request.tools:
            body["tools"] = [_tool(tool) for tool in read_tools(asked.request)]
            body["tool_choice"] = _choice(read_choice(asked.request))
        return {**wishes.rest(), **body}

    def added_tokens(self, asked: Asked) -> int:  # noqa: ARG002 - what OpenAI adds is in `router.bounds`
        """Return none."""
        return 0

    def completion(self, reply: JsonValue) -> JsonValue:
        """Return a response as a completion with one choice."""
        if not isinstance(reply, dict) or not isinstance(reply.get("output"), list):
            return reply
        items, error = objects_in(reply["output"]), reply.get("error")
        if not items and (text := reply.get("output_text")):
            items = [{"type": "message", "content": text}]
        choices: list[JsonValue] = []
        if items or error is not None or reply.get("status") == "incomplete":
            choices = [_choice_of(reply, items, error)]
        kept = {name: reply.get(name) for name in ("id", "model", "usage", "service_tier")}
        return {**kept, "choices": choices}


_ROLES = {Role.SYSTEM: "system", Role.USER: "user", Role.ASSISTANT: "assistant"}


def _items(asked: Asked) -> Iterator[JsonObject]:
    for turn in read_turns(asked.request):
        spoken: list[JsonValue] = []
        after: list[JsonObject] = []
        for part in turn.parts:
            match part:
                case ToolCall():
                    call: JsonObject = {"type": "function_call", "call_id": part.id, "name": part.name}
                    after.append({**call, "arguments": part.written})
                case ToolResult():
                    after.append({"type": "function_call_output", "call_id": part.call_id, "output": _output(part)})
                case Thought():
                    continue
                case _:
                    spoken.append(_part(part, turn.role))
        if spoken:
            yield {"role": _ROLES[turn.role], "content": spoken}
        yield from after


def _output(result: ToolResult) -> JsonValue:
    if all(isinstance(part, Text) for part in result.content):
        return result.text
    return [_part(part, Role.USER) for part in result.content]


def _part(part: Part, role: Role) -> JsonObject:
    match part:
        case Text():
            return {"type": "output_text" if role is Role.ASSISTANT else "input_text", "text": part.text}
        case Media(kind=MediaKind.IMAGE):
            detail: JsonObject = {"detail": part.detail} if part.detail else {}
            return {"type": "input_image", "image_url": _url(part), **detail}
        case Media(kind=MediaKind.FILE):
            if part.file_id:
                return {"type": "input_file", "file_id": part.file_id}
            if part.url:
                return {"type": "input_file", "file_url": part.url}
            return {"type": "input_file", "filename": part.name or "file", "file_data": _url(part)}
        case Media():
            raise Untranslatable(f"{part.place}: {TITLE} takes no {part.kind.value}")
        case _:
            raise Untranslatable(f"messages: {TITLE} has no word for a {type(part).__name__}")


def _url(media: Media) -> str:
    return media.url or f"data:{media.mime_type or 'application/octet-stream'};base64,{media.data}"


def _tool(tool: Tool) -> JsonObject:
    # without `strict`, Responses would take it for true
    read: JsonObject = {"type": "function", "name": tool.name, "parameters": tool.schema, "strict": tool.is_strict}
    return {**read, "description": tool.description} if tool.description else read


def _choice(choice: Choice) -> JsonValue:
    return {"type": "function", "name": choice.name} if choice.use is Use.NAMED else choice.use.name.lower()


def _choice_of(reply: JsonObject, items: list[JsonObject], error: JsonValue) -> JsonObject:
    said = [part for item in items if item.get("type") == "message" for part in _said(item.get("content"))]
    thoughts = [part for item in items if item.get("type") == "reasoning" for part in _thoughts(item)]
    calls = [item for item in items if item.get("type") == "function_call"]
    known = {"message", "reasoning", "function_call"}
    others: list[JsonValue] = [item for item in items if item.get("type") not in known]
    texts = [part for part in said if part.get("type") in _TEXTS]
    message: JsonObject = {
        "role": "assistant",
        "content": joined(texts, "text"),
        "refusal": joined(said, "refusal"),
        "reasoning_content": joined(thoughts, "text"),
        "annotations": [found for part in texts for found in objects_in(part.get("annotations"))],
        "tool_calls": [
            {
                "id": call.get("call_id"),
                "type": "function",
                "function": {"name": call.get("name"), "arguments": call.get("arguments")},
            }
            for call in calls
        ],
    }
    if others:
        message["output_items"] = others
    choice: JsonObject = {"index": 0, "message": message, "finish_reason": _finish(reply, has_calls=bool(calls))}
    if logprobs := [found for part in texts for found in objects_in(part.get("logprobs"))]:
        choice["logprobs"] = {"content": [*logprobs]}
    return {**choice, "error": error} if error is not None else choice


_TEXTS = ("output_text", "text")
"""OpenAI's own type, and that of servers that take it from chat completions."""


def _said(content: JsonValue) -> list[JsonObject]:
    """Return the parts of a message; a text may stand for its one part of text, as in a request."""
    return [{"type": "output_text", "text": content}] if isinstance(content, str) else objects_in(content)


def _thoughts(item: JsonObject) -> list[JsonObject]:
    return objects_in(item.get("content")) or objects_in(item.get("summary"))


def _finish(reply: JsonObject, *, has_calls: bool) -> str:
    details = reply.get("incomplete_details")
    reason = details.get("reason") if isinstance(details, dict) else None
    if isinstance(reason, str):
        return FINISH.get(reason, reason)
    if reply.get("status") in ("failed", "cancelled"):
        return "error"
    return "tool_calls" if has_calls else "stop"
