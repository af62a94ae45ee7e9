"""OpenAI's embeddings, which other vendors offer in the same form.

Source: https://platform.openai.com/docs/api-reference/embeddings.
"""

from pydantic import JsonValue

from router.dialects.dialect import NO_HEADERS, Asked
from router.dialects.wire import DialectName
from schemas.requests import JsonObject


class Embeddings:
    """OpenAI's embeddings: `POST /embeddings`. Its errors and its keys are those of the chat completions beside it."""

    name = DialectName.CHAT
    key_header = "authorization"
    standing_headers = NO_HEADERS
    own_parameters: frozenset[str] = frozenset()

    def path(self, model: str) -> str:  # noqa: ARG002 - the model is in the body
        """Return the path."""
        return "/embeddings"

    def body(self, asked: Asked) -> JsonObject:
        """Return the request."""
        request, given = asked.request, asked.request.input
        body: JsonObject = {
            **asked.parameters,
            "model": asked.model,
            "input": given if isinstance(given, str) else [*(given or ())],
        }
        for name in ("dimensions", "encoding_format"):
            if (value := getattr(request, name)) is not None:
                body[name] = value
        return body

    def added_tokens(self, asked: Asked) -> int:  # noqa: ARG002 - as of chat completions
        """Return none."""
        return 0

    def completion(self, reply: JsonValue) -> JsonValue:
        """Return the list of vectors as a completion whose message holds them, in the order of the inputs."""
        listed = reply.get("data") if isinstance(reply, dict) else None
        if not isinstance(reply, dict) or not isinstance(listed, list) or not listed:
            return reply
        vectors: dict[int, JsonValue] = {}
        for place, one in enumerate(listed):
            if not isinstance(one, dict) or not isinstance(one.get("embedding"), list | str):
                return reply
            index = one.get("index")
            vectors[index if type(index) is int else place] = one["embedding"]
        if sorted(vectors) != list(range(len(listed))):
            return reply
        embeddings: list[JsonValue] = [vectors[index] for index in range(len(listed))]
        return {
            "id": reply.get("id"),
            "model": reply.get("model"),
            "choices": [{"message": {"content": None, "embeddings": embeddings}, "finish_reason": None}],
            "usage": _usage(reply.get("usage")),
        }


def _usage(usage: JsonValue) -> JsonValue:
    """Return the usage with the output that vectors are: none."""
    return {"completion_tokens": 0, **usage} if isinstance(usage, dict) else usage
