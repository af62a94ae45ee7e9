"""The stable beginning of a request: its tools and its system messages, which providers read first.

Providers cache what they have read of a prompt, from its first token on, and charge less for reading it again. What a
request begins with is sent in the order in which vendors put it together (tools, system, conversation), and written the
same each time, so that requests with the same beginning share it.
"""

from hashlib import blake2b
from typing import NamedTuple

import orjson

from router.cost import estimate_tokens
from schemas.requests import JsonObject, Request

MIN_TOKENS = 1024
"""What is shorter, no provider caches. Sources: OpenAI's guide "Prompt caching", Anthropic's of the same name; some
models want more, and then nothing is cached and nothing charged for it."""
_MIN_BYTES = MIN_TOKENS * 4
_SYSTEM = frozenset({"system", "developer"})


class Prefix(NamedTuple):
    """What a request begins with, of one tenant."""

    key: str
    """32 hexadecimal digits; it tells nothing of what is said."""
    tokens: int
    """About how many."""


def prefix_of(request: Request, tenant: str) -> Prefix | None:
    """Return what the request begins with; None if that is too short for any cache."""
    said = _system_texts(request)
    tools = request.tools or []
    if not tools and sum(map(len, said)) < _MIN_BYTES // 4:  # a character has four bytes at the most
        return None
    text = orjson.dumps([tools, said]).decode()
    tokens = estimate_tokens(text)
    if tokens < MIN_TOKENS:
        return None
    return Prefix(blake2b(f"{tenant}\x1f{text}".encode(), digest_size=16).hexdigest(), tokens)


def _system_texts(request: Request) -> list[str]:
    if request.messages is None:
        return [request.system_prompt] if request.system_prompt else []
    said: list[str] = []
    for message in request.messages:
        if message.role not in _SYSTEM:
            break
        said.append(message.text)
    return said


def says_what_to_cache(request: Request) -> bool:
    """Say whether the request has marks of its own, or a key: its author knows better."""
    if "prompt_cache_key" in request.parameters:
        return True
    tools: list[JsonObject] = request.tools or []
    places = [*tools, *(message.model_dump(exclude_unset=True) for message in request.messages or ())]
    return any(b'"cache_control"' in orjson.dumps(place) for place in places)
