"""The vendors' APIs that the simulated provider speaks, each by the path it answers on."""

import re
from urllib.parse import parse_qsl, unquote, urlsplit

from sandbox.provider.dialects.anthropic import Messages
from sandbox.provider.dialects.azure import AzureChatCompletions
from sandbox.provider.dialects.bedrock import Converse
from sandbox.provider.dialects.chat import ChatCompletions
from sandbox.provider.dialects.dialect import Address, Dialect
from sandbox.provider.dialects.embeddings import Embeddings
from sandbox.provider.dialects.gemini import GenerateContent
from sandbox.provider.dialects.responses import Responses

_BY_PATH: dict[str, Dialect] = {
    "/v1/chat/completions": ChatCompletions(),
    "/v1/responses": Responses(),
    "/v1/embeddings": Embeddings(),
    "/v1/messages": Messages(),
}
_BY_MODEL: tuple[tuple[re.Pattern[str], Dialect], ...] = (
    (re.compile("/openai/deployments/(?P<model>[^/]+)/chat/completions"), AzureChatCompletions()),
    (re.compile("/v1(?:beta)?/models/(?P<model>[^/:]+):generateContent"), GenerateContent()),
    (re.compile("/model/(?P<model>[^/]+)/converse"), Converse()),
)
"""Paths that name the model."""


def find_dialect(target: str) -> tuple[Dialect, Address] | None:
    """Return who answers a POST to this target, and what its address says; None: there is nothing there."""
    if (dialect := _BY_PATH.get(target)) is not None:
        return dialect, Address()
    path, query = urlsplit(target)[2:4]
    pairs = dict(parse_qsl(query))
    if (dialect := _BY_PATH.get(path)) is not None:
        return dialect, Address(query=pairs)
    for pattern, dialect in _BY_MODEL:
        if (found := pattern.fullmatch(path)) is not None:
            return dialect, Address(unquote(found["model"]), pairs)
    return None
