"""OpenAI's chat completions, in which requests are written, and Azure's, which have another address."""

from urllib.parse import quote

from pydantic import JsonValue

from router.dialects.dialect import NO_HEADERS, Asked
from router.dialects.wire import DialectName
from schemas.requests import JsonObject

_NEVER_NULL = frozenset({"annotations", "audio", "function_call", "name", "reasoning_content", "refusal", "tool_calls"})
"""Fields of an assistant's message that providers refuse when they are null."""


class ChatCompletions:
    """OpenAI's chat completions: `POST /chat/completions`."""

    name = DialectName.CHAT
    key_header = "authorization"
    standing_headers = NO_HEADERS
    own_parameters: frozenset[str] = frozenset()

    def path(self, model: str) -> str:  # noqa: ARG002 - the model is in the body
        """Return the path."""
        return "/chat/completions"

    def body(self, asked: Asked) -> JsonObject:
        """Return the request. Nothing is untranslatable here."""
        request, wire = asked.request, asked.wire
        body: JsonObject = {
            **asked.parameters,
            "model": asked.model,
            "messages": [_sendable(message) for message in request.chat_messages()],
            wire.max_tokens_field: asked.max_tokens,
        }
        if asked.temperature is not None:
            body["temperature"] = asked.temperature
        for name in ("tools", "tool_choice", "response_format"):
            if (value := getattr(request, name)) is not None:
                body[name] = value
        for ours, theirs in wire.renames.items():
            if ours in body:
                body[theirs] = body.pop(ours)
        return body

    def added_tokens(self, asked: Asked) -> int:  # noqa: ARG002 - what OpenAI adds is in `router.bounds`
        """Return none."""
        return 0

    def completion(self, reply: JsonValue) -> JsonValue:
        """Return the reply, which is one."""
        return reply


class AzureChatCompletions(ChatCompletions):
    """Azure OpenAI: the deployment is in the path, as the model's name, and `api-version` in the query.

    Source: learn.microsoft.com, "Azure OpenAI in Azure AI Foundry Models REST API reference".
    """

    name = DialectName.AZURE
    key_header = "api-key"

    def path(self, model: str) -> str:
        """Return the path of a deployment."""
        return f"/openai/deployments/{quote(model, '')}/chat/completions"


def _sendable(message: JsonObject) -> JsonObject:
    """Return a message without what no provider takes: nulls, and the `extra` of a response's own message."""
    if message.get("role") != "assistant":
        return message
    return {
        name: value
        for name, value in message.items()
        if name != "extra" and (value is not None or name not in _NEVER_NULL)
    }
