"""What a model must be able to do for a request, beside words in and words out.

| a request with                                                   | needs         |
|------------------------------------------------------------------|---------------|
| an image, audio or a file in a message                           | `images`, `audio`, `files` |
| `tools`, or `functions` among its parameters                     | `tools`       |
| a `response_format` of type `json_schema`, or a tool with `strict` | `json_schema` |
| `reasoning_effort`, whatever it says                             | `reasoning`   |

Whether a context is long enough is `router.request.plan`'s question, since it depends on figures.
"""

from collections.abc import Iterable, Mapping
from types import MappingProxyType

from router.bounds import InputBound
from schemas.requests import JsonObject, Request
from schemas.vocabulary import Capability

NOTHING: frozenset[Capability] = frozenset()

_LACKS: Mapping[Capability, str] = MappingProxyType(
    {
        Capability.IMAGES: "it takes no images",
        Capability.AUDIO: "it takes no audio",
        Capability.FILES: "it takes no files",
        Capability.TOOLS: "it calls no tools",
        Capability.JSON_SCHEMA: "it keeps to no JSON Schema",
        Capability.REASONING: "it takes no reasoning_effort",
    }
)


def needs_of(request: Request, sent: InputBound) -> frozenset[Capability]:
    """Return what the request needs; `sent` counts the parts of its messages."""
    asked = request.parameters
    if not (sent.images or sent.audio or sent.files or asked or request.tools or request.response_format):
        return NOTHING
    needed = {
        Capability.IMAGES: sent.images,
        Capability.AUDIO: sent.audio,
        Capability.FILES: sent.files,
        Capability.TOOLS: request.tools or asked.get("functions"),
        Capability.JSON_SCHEMA: has_schema(request),
        Capability.REASONING: asked.get("reasoning_effort"),
    }
    return frozenset(capability for capability, needs in needed.items() if needs)


def has_schema(request: Request) -> bool:
    """Say whether the answer, or the arguments of a call in it, have to keep to a JSON Schema."""
    asked = request.response_format
    if asked is not None and asked.get("type") == "json_schema":
        return True
    return any(function.get("strict") is True for function in functions_of(request.tools or ()))


def functions_of(tools: Iterable[JsonObject]) -> Iterable[JsonObject]:
    """Yield the definitions of the functions among the tools, as far as they are objects."""
    for tool in tools:
        if isinstance(function := tool.get("function"), dict):
            yield function


def lacking(lacks: frozenset[Capability], needs: frozenset[Capability]) -> str | None:
    """Say what a model that lacks something cannot do of what is needed; None if it can do it all."""
    missing = sorted(lacks & needs)
    return ", ".join(_LACKS[capability] for capability in missing) if missing else None
