"""How a model's provider is spoken to, as far as that decides what can be asked of it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from schemas.requests import PROVIDER_PARAMETERS


class DialectName(StrEnum):
    """The dialects, by the catalogue's words for them."""

    CHAT = "openai"
    RESPONSES = "openai-responses"
    AZURE = "azure-openai"
    ANTHROPIC = "anthropic"
    GEMINI = "gemini"
    BEDROCK = "bedrock"


class BatchForm(StrEnum):
    """The ways of sending batches, by the catalogue's words for them."""

    OPENAI = "openai"
    """Files and batches; Groq's are the same."""
    AZURE = "azure-openai"
    MISTRAL = "mistral"
    """OpenAI's files and lines, in jobs of its own."""
    ANTHROPIC = "anthropic"
    GEMINI = "gemini"


MAX_TOKENS_FIELDS = ("max_completion_tokens", "max_tokens")
"""What chat completions call the longest answer: OpenAI and Azure the first, most others the second."""

DROPPABLE = (PROVIDER_PARAMETERS | {"temperature"}) - {
    *("audio", "function_call", "functions", "modalities", "prediction", "service_tier", "web_search_options")
}
"""Parameters that an operator may keep from a provider: none decides what is answered with, or at which price."""


@dataclass(frozen=True, slots=True)
class Wire:
    """One provider's way of being asked."""

    dialect: DialectName = DialectName.CHAT
    max_tokens_field: str = MAX_TOKENS_FIELDS[0]
    """Chat completions only."""
    is_bounded: bool = True
    """Whether the provider is known to heed the field. If not, nothing bounds what a call costs."""
    drops: frozenset[str] = frozenset()
    """Parameters that are not sent."""
    renames: Mapping[str, str] = field(default_factory=dict, hash=False)
    """The provider's names for OpenAI's parameters."""
    prompt_cache: bool = False
    """Whether calls say what the provider is to cache of them, or by which key (`router.prompt_caching`)."""


OPENAI = Wire()
