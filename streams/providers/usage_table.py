"""How providers name what a call used and cost: one table of field names, with a source a row.

`streams/providers/usage.py:read_usage` reads a reply by it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from enum import Enum, auto
from types import MappingProxyType

USD_PER_TICK = Decimal("1e-10")
"""xAI's `cost_in_usd_ticks`. Source: docs.x.ai, "Models and pricing"."""


class Count(Enum):
    """What a field of a usage counts."""

    INPUT = auto()
    OUTPUT = auto()
    TOTAL = auto()
    CACHED = auto()
    WRITTEN = auto()
    REASONING = auto()
    TOOL_INPUT = auto()
    """Input beside the input."""
    AUDIO = auto()
    """Part of the input or the output that was heard or spoken."""
    IMAGE = auto()
    """Part of the output that was drawn."""
    HOUR = auto()
    """Part of what was written to a cache, for an hour."""


class Inclusion(Enum):
    """Where the counted tokens are told."""

    EITHER = auto()
    """The total decides, or the sizes: a part is no larger than its whole."""
    INSIDE = auto()
    BESIDE = auto()


@dataclass(frozen=True, slots=True)
class Field:
    """One field of a provider's usage: the keys that lead to it, what it counts, who calls it so."""

    path: tuple[str, ...]
    count: Count
    place: Inclusion
    source: str


def _field(path: str, count: Count, source: str, place: Inclusion = Inclusion.EITHER) -> Field:
    return Field(tuple(path.split(".")), count, place, source)


FIELDS: tuple[Field, ...] = (
    _field("prompt_tokens", Count.INPUT, "OpenAI chat completions"),
    _field("completion_tokens", Count.OUTPUT, "OpenAI chat completions"),
    _field("total_tokens", Count.TOTAL, "OpenAI chat completions"),
    _field("prompt_tokens_details.cached_tokens", Count.CACHED, "OpenAI, Qwen, xAI, Groq, OpenRouter"),
    _field("completion_tokens_details.reasoning_tokens", Count.REASONING, "OpenAI inside; xAI beside"),
    _field("prompt_tokens_details.audio_tokens", Count.AUDIO, "OpenAI, heard", Inclusion.INSIDE),
    _field("completion_tokens_details.audio_tokens", Count.AUDIO, "OpenAI, spoken", Inclusion.INSIDE),
    _field("prompt_tokens_details.cache_write_tokens", Count.WRITTEN, "OpenRouter"),
    _field("prompt_tokens_details.cache_creation_tokens", Count.WRITTEN, "LiteLLM"),
    _field("prompt_tokens_details.cache_creation_input_tokens", Count.WRITTEN, "Qwen (DashScope)"),
    _field("prompt_cache_hit_tokens", Count.CACHED, "DeepSeek", Inclusion.INSIDE),
    _field("cached_tokens", Count.CACHED, "Moonshot: at the top", Inclusion.INSIDE),
    _field("num_cached_tokens", Count.CACHED, "Mistral", Inclusion.INSIDE),
    _field("prompt_token_details.cached_tokens", Count.CACHED, "Mistral", Inclusion.INSIDE),
    _field("reasoning_tokens", Count.REASONING, "Perplexity, Cohere: at the top"),
    _field("output_tokens_details.reasoning_tokens", Count.REASONING, "OpenAI Responses", Inclusion.INSIDE),
    _field("input_tokens_details.cached_tokens", Count.CACHED, "OpenAI Responses", Inclusion.INSIDE),
    _field("input_tokens", Count.INPUT, "Anthropic, OpenAI Responses, DashScope"),
    _field("output_tokens", Count.OUTPUT, "Anthropic, OpenAI Responses, DashScope"),
    _field("cache_read_input_tokens", Count.CACHED, "Anthropic beside; gateways of its models either"),
    _field("cache_creation_input_tokens", Count.WRITTEN, "Anthropic beside; gateways of its models either"),
    _field("promptTokenCount", Count.INPUT, "Gemini"),
    _field("candidatesTokenCount", Count.OUTPUT, "Gemini"),
    _field("totalTokenCount", Count.TOTAL, "Gemini"),
    _field("cachedContentTokenCount", Count.CACHED, "Gemini", Inclusion.INSIDE),
    _field("thoughtsTokenCount", Count.REASONING, "Gemini", Inclusion.BESIDE),
    _field("toolUsePromptTokenCount", Count.TOOL_INPUT, "Gemini"),
    _field("inputTokens", Count.INPUT, "Bedrock Converse"),
    _field("outputTokens", Count.OUTPUT, "Bedrock Converse"),
    _field("totalTokens", Count.TOTAL, "Bedrock Converse"),
    _field("cacheReadInputTokens", Count.CACHED, "Bedrock Converse", Inclusion.BESIDE),
    _field("cacheWriteInputTokens", Count.WRITTEN, "Bedrock Converse", Inclusion.BESIDE),
    _field("billed_units.input_tokens", Count.INPUT, "Cohere: what is billed"),
    _field("billed_units.output_tokens", Count.OUTPUT, "Cohere: what is billed"),
    _field("tokens.input_tokens", Count.INPUT, "Cohere"),
    _field("tokens.output_tokens", Count.OUTPUT, "Cohere"),
    _field("promptTokens", Count.INPUT, "Vercel's AI SDK"),
    _field("completionTokens", Count.OUTPUT, "Vercel's AI SDK"),
    _field("cachedInputTokens", Count.CACHED, "Vercel's AI SDK", Inclusion.INSIDE),
    _field("reasoningTokens", Count.REASONING, "Vercel's AI SDK", Inclusion.INSIDE),
    _field("cache_creation.ephemeral_1h_input_tokens", Count.HOUR, "Anthropic", Inclusion.INSIDE),
    _field("prompt_eval_count", Count.INPUT, "Ollama"),
    _field("eval_count", Count.OUTPUT, "Ollama"),
)
"""The first that is told stands, and one that is more than zero before one that is not."""

MODALITIES: Mapping[tuple[str, str], Count] = MappingProxyType(
    {
        ("promptTokensDetails", "AUDIO"): Count.AUDIO,
        ("candidatesTokensDetails", "AUDIO"): Count.AUDIO,
        ("candidatesTokensDetails", "IMAGE"): Count.IMAGE,
    }
)
"""Gemini's lists of tokens by modality: those that have a price of their own. Source: ai.google.dev, "Pricing"."""
PRICED_APART: Mapping[Count, str] = MappingProxyType(
    {
        Count.AUDIO: "tokens of audio are told, whose price is not known",
        Count.IMAGE: "tokens of drawn images are told, whose price is not known",
        Count.HOUR: "tokens written to a cache for an hour are told, whose price is not known",
    }
)
"""What a usage may tell that the catalogue has no price for: then it is doubted."""

USAGE_PLACES: tuple[tuple[str, ...], ...] = (
    ("usage",),
    ("usageMetadata",),
    ("usage_metadata",),
    ("x_groq", "usage"),
    ("meta", "usage"),
)
"""Where a reply holds its usage. A choice may hold it too (Moonshot), or the reply itself (Ollama)."""

COST_FIELDS: tuple[tuple[tuple[str, ...], Decimal, str], ...] = (
    (("cost",), Decimal(1), "OpenRouter"),
    (("cost", "total_cost"), Decimal(1), "Perplexity"),
    (("total_cost",), Decimal(1), "OpenRouter, generations"),
    (("estimated_cost",), Decimal(1), "DeepInfra"),
    (("cost_usd",), Decimal(1), "gateways"),
    (("cost_in_usd_ticks",), USD_PER_TICK, "xAI"),
)
"""Where a usage says what the call cost, in US dollars a unit."""
