"""Gemini's generateContent: `POST /models/{model}:generateContent`.

Sources: ai.google.dev, "Generating content", "Function calling", "Structured outputs", "Thinking" and "Thought
signatures".
"""

from collections.abc import Mapping
from types import MappingProxyType
from urllib.parse import quote

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
    Turn,
    read_conversation,
)
from router.dialects.dialect import NO_HEADERS, Asked, Untranslatable, Wishes, stop_sequences
from router.dialects.reasoning import budget_for
from router.dialects.reply import joined, objects_in
from router.dialects.tools import Choice, Tool, Use, read_choice, read_format, read_tools
from router.dialects.wire import DialectName
from schemas.requests import JsonObject

TITLE = "Gemini generateContent"
FINISH: Mapping[str, str] = MappingProxyType(
    {
        "STOP": "stop",
        "MAX_TOKENS": "length",
        **dict.fromkeys(
            (
                *("SAFETY", "RECITATION", "BLOCKLIST", "PROHIBITED_CONTENT", "SPII", "LANGUAGE"),
                *("IMAGE_SAFETY", "IMAGE_PROHIBITED_CONTENT", "IMAGE_RECITATION", "MODEL_ARMOR"),
            ),
            "content_filter",
        ),
        **dict.fromkeys(
            (
                *("MALFORMED_FUNCTION_CALL", "UNEXPECTED_TOOL_CALL", "TOO_MANY_TOOL_CALLS", "MALFORMED_RESPONSE"),
                *("MISSING_THOUGHT_SIGNATURE", "OTHER", "NO_IMAGE", "IMAGE_OTHER"),
            ),
            "error",
        ),
    }
)
"""`finishReason` in OpenAI's words; `error` is that of gateways."""
_SAMPLING: Mapping[str, str] = MappingProxyType(
    {
        "top_p": "topP",
        "top_k": "topK",
        "seed": "seed",
        "frequency_penalty": "frequencyPenalty",
        "presence_penalty": "presencePenalty",
        "thinking_config": "thinkingConfig",
    }
)
_OF_BODY: Mapping[str, str] = MappingProxyType({"safety_settings": "safetySettings"})
_TIERS: Mapping[str, str] = MappingProxyType(
    {"default": "standard", "standard": "standard", "flex": "flex", "priority": "priority"}
)
_SCHEMES = ("gs://", "https://generativelanguage.googleapis.com/")
"""Addresses that Gemini reads for itself: Cloud Storage, and its own Files API."""


class GenerateContent:
    """Gemini's generateContent."""

    name = DialectName.GEMINI
    key_header = "x-goog-api-key"
    standing_headers = NO_HEADERS
    own_parameters = frozenset({"safety_settings", "thinking_config", "top_k"})

    def path(self, model: str) -> str:
        """Return the path of a model."""
        return f"/models/{quote(model, '')}:generateContent"

    def body(self, asked: Asked) -> JsonObject:
        """Return the request as contents.

        Raises:
            Untranslatable: something in it has no counterpart.
        """
        talk, wishes = read_conversation(asked.request), Wishes(asked, TITLE)
        tools, form = read_tools(asked.request), read_format(asked.request)
        config: JsonObject = {"maxOutputTokens": asked.max_tokens}
        if asked.temperature is not None:
            config["temperature"] = asked.temperature
        if (stop := stop_sequences(wishes.take("stop"))) is not None:
            config["stopSequences"] = stop
        config |= wishes.take_all(_SAMPLING)
        if (effort := wishes.take("reasoning_effort")) is not None:
            config["thinkingConfig"] = _thinking(effort, asked)
        if form is not None:
            config["responseMimeType"] = "application/json"
            if form.schema is not None:
                config["responseJsonSchema"] = form.schema
        body: JsonObject = {"contents": [_content(turn) for turn in talk.turns], "generationConfig": config}
        if talk.system:
            body["systemInstruction"] = {"parts": [_part(text) for text in talk.system]}
        if tools:
            body["tools"] = [{"functionDeclarations": [_declaration(tool) for tool in tools]}]
            config_of_calls = _calling(read_choice(asked.request), is_strict=any(tool.is_strict for tool in tools))
            body["toolConfig"] = {"functionCallingConfig": config_of_calls}
        if (tier := wishes.take_word("service_tier", _TIERS)) is not None:
            body["serviceTier"] = tier
        body |= wishes.take_all(_OF_BODY)
        return {**wishes.rest(), **body}

    def added_tokens(self, asked: Asked) -> int:  # noqa: ARG002 - Google tells of none
        """Return none."""
        return 0

    def completion(self, reply: JsonValue) -> JsonValue:
        """Return the candidates as choices; of a prompt that was blocked, one that holds nothing."""
        if not isinstance(reply, dict) or not ("candidates" in reply or "promptFeedback" in reply):
            return reply
        candidates = objects_in(reply.get("candidates"))
        choices: list[JsonValue] = [_choice(candidate, place) for place, candidate in enumerate(candidates)]
        feedback = reply.get("promptFeedback")
        if not choices and isinstance(feedback, dict) and feedback.get("blockReason"):
            choices = [{"index": 0, "message": {"content": None}, "finish_reason": "content_filter"}]
        return {
            "id": reply.get("responseId"),
            "model": reply.get("modelVersion"),
            "choices": choices,
            "usageMetadata": reply.get("usageMetadata"),
        }


def _content(turn: Turn) -> JsonObject:
    role = "model" if turn.role is Role.ASSISTANT else "user"
    parts = sorted(turn.parts, key=lambda part: not isinstance(part, ToolResult)) if role == "user" else turn.parts
    return {"role": role, "parts": [_part(part) for part in parts if not isinstance(part, Thought)]}


def _part(part: Part) -> JsonObject:
    match part:
        case Text():
            return {"text": part.text}
        case Media():
            return _media(part)
        case ToolCall():
            call: JsonObject = {"functionCall": {"id": part.id, "name": part.name, "args": part.arguments}}
            return call if part.signature is None else {**call, "thoughtSignature": part.signature}
        case ToolResult():
            if any(isinstance(inner, Media) for inner in part.content):
                raise Untranslatable(f"messages: in {TITLE} the result of a tool is text")
            told: JsonObject = {
                "id": part.call_id,
                "name": part.name,
                "response": part.json_object or {"output": part.text},
            }
            return {"functionResponse": told}
        case Thought():  # pragma: no cover - left out before
            raise Untranslatable(f"messages: {TITLE} takes no thoughts")


def _media(media: Media) -> JsonObject:
    if media.data and media.mime_type:
        return {"inlineData": {"mimeType": media.mime_type, "data": media.data}}
    if media.url.startswith(_SCHEMES):
        return {"fileData": {"fileUri": media.url}}
    what = {MediaKind.FILE: "a file", MediaKind.AUDIO: "audio"}.get(media.kind, "an image")
    raise Untranslatable(f"{media.place}: {TITLE} takes {what} as a data URL or from Google's own storage only")


def _declaration(tool: Tool) -> JsonObject:
    read: JsonObject = {"name": tool.name, "parametersJsonSchema": tool.schema}
    return {**read, "description": tool.description} if tool.description else read


def _calling(choice: Choice, *, is_strict: bool) -> JsonObject:
    match choice.use:
        case Use.NONE:
            return {"mode": "NONE"}
        case Use.REQUIRED:
            return {"mode": "ANY"}
        case Use.NAMED:
            return {"mode": "ANY", "allowedFunctionNames": [choice.name]}
        case Use.AUTO:
            return {"mode": "VALIDATED" if is_strict else "AUTO"}


def _thinking(effort: JsonValue, asked: Asked) -> JsonObject:
    budget = budget_for(effort, asked.max_tokens)
    return {"thinkingBudget": budget, "includeThoughts": True} if budget else {"thinkingBudget": 0}


def _choice(candidate: JsonObject, place: int) -> JsonObject:
    content = candidate.get("content")
    parts = objects_in(content.get("parts")) if isinstance(content, dict) else []
    thoughts = [part for part in parts if part.get("thought") is True]
    calls = [part for part in parts if isinstance(part.get("functionCall"), dict)]
    texts = [part for part in parts if "text" in part and part not in thoughts and part not in calls]
    others = [part for part in parts if part not in thoughts and part not in calls and part not in texts]
    reason = candidate.get("finishReason")
    finish = FINISH.get(reason, reason.lower()) if isinstance(reason, str) else None
    message: JsonObject = {
        "role": "assistant",
        "content": joined(texts, "text"),
        "reasoning_content": joined(thoughts, "text"),
        "tool_calls": [_call(part, number) for number, part in enumerate(calls)],
    }
    if others:
        message["content_parts"] = [*others]
    if (grounding := candidate.get("groundingMetadata")) is not None:
        message["grounding_metadata"] = grounding
    read: JsonObject = {"index": candidate.get("index", place), "message": message}
    if finish == "error":
        read["error"] = {"message": candidate.get("finishMessage") or f"finishReason {reason}"}
    return {**read, "finish_reason": "tool_calls" if calls and finish == "stop" else finish}


def _call(part: JsonObject, number: int) -> JsonObject:
    call = part["functionCall"]
    told = call if isinstance(call, dict) else {}
    function: JsonObject = {"name": told.get("name"), "arguments": told.get("args")}
    read: JsonObject = {"id": told.get("id") or f"call_{number}", "function": function}
    if (signature := part.get("thoughtSignature")) is not None:
        read["extra_content"] = {"google": {"thought_signature": signature}}
    return read
