"""What a call used: a provider's usage, read by the field names of `streams.providers.usage_table`, and reconciled.

Providers of one dialect differ in what a count includes. The total decides: reasoning may be part of the output or
stand beside it, cached input part of the input or beside it, and whichever reading adds up to the total is the right
one. Where none does, the dearer reading stands and `Usage.doubt` says why, so that it is never taken for metered.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Decimal, InvalidOperation
from types import MappingProxyType
from typing import NamedTuple

from pydantic import JsonValue

from router.cost import estimate_tokens
from schemas.message import NANO_USD
from schemas.requests import JsonObject
from schemas.responses import Usage
from streams.providers.usage_table import (
    COST_FIELDS,
    FIELDS,
    MODALITIES,
    PRICED_APART,
    USAGE_PLACES,
    Count,
    Field,
    Inclusion,
)

MAX_TOKENS = 100_000_000
"""The most that `schemas.message.Tokens` takes."""
MAX_COST_USD = Decimal(1_000_000)

_BY_PATH: Mapping[tuple[str, ...], tuple[int, Field]] = MappingProxyType(
    {field.path: (rank, field) for rank, field in enumerate(FIELDS)}
)
_PLAIN = frozenset(
    {"prompt_tokens", "completion_tokens", "total_tokens", "prompt_tokens_details", "completion_tokens_details"}
)
_PLAIN_DETAILS = frozenset({"cached_tokens", "audio_tokens", "text_tokens", "image_tokens"})
_GROUPS = frozenset(field.path[0] for field in FIELDS if len(field.path) > 1)
_LISTS = frozenset(name for name, _ in MODALITIES)
_COUNT = re.compile(r"[0-9]{1,9}(?:\.0{1,3})?", re.ASCII)
"""A count that was written as a text."""
_COST_NAMES = frozenset(path[0] for path, _, _ in COST_FIELDS)
_CACHE_BESIDE_WITH = frozenset({("input_tokens",), ("inputTokens",)})
"""Where the input is called so and no details are told, what was found in the cache stands beside it (Anthropic)."""
_ANTHROPIC_CACHE = frozenset({("cache_read_input_tokens",), ("cache_creation_input_tokens",)})


@dataclass(slots=True)
class _Told:
    """What a usage says of one count."""

    rank: int
    field: Field
    tokens: int


def read_usage(reply: JsonObject, said: Callable[[], str]) -> Usage | None:
    """Return the usage of a reply, or None if it tells nothing that a cost can be made of.

    Args:
        reply: the whole reply.
        said: returns the text of the answer, to estimate its tokens by where they are not told.
    """
    usage = _usage_object(reply)
    if usage is None:
        return None
    tier = reply.get("service_tier") or usage.get("service_tier")
    service_tier = tier[:64] if isinstance(tier, str) else None
    return _plain(usage, service_tier) or _any(usage, service_tier, said)


def _plain(usage: JsonObject, service_tier: str | None) -> Usage | None:
    """Read OpenAI's own usage where it adds up, as `_any` would, in a fraction of its time; else return None."""
    prompt, completion = usage.get("prompt_tokens"), usage.get("completion_tokens")
    if (
        type(prompt) is not int
        or type(completion) is not int
        or not 0 < prompt < MAX_TOKENS
        or not 0 < completion < MAX_TOKENS
        or usage.get("total_tokens") != prompt + completion
        or not usage.keys() <= _PLAIN
    ):
        return None
    of_prompt, of_completion = usage.get("prompt_tokens_details"), usage.get("completion_tokens_details")
    cached = reasoning = None
    if isinstance(of_prompt, dict):
        cached = of_prompt.get("cached_tokens")
        if of_prompt.get("audio_tokens") or not of_prompt.keys() <= _PLAIN_DETAILS:
            return None
    if isinstance(of_completion, dict):
        reasoning = of_completion.get("reasoning_tokens")
        if of_completion.get("audio_tokens"):
            return None
    if (cached is not None and (type(cached) is not int or not 0 <= cached <= prompt)) or (
        reasoning is not None and (type(reasoning) is not int or not 0 <= reasoning <= completion)
    ):
        return None
    return Usage(
        input_tokens=prompt,
        output_tokens=completion,
        cached_input_tokens=cached,
        reasoning_tokens=reasoning,
        service_tier=service_tier,
    )


def _any(usage: JsonObject, service_tier: str | None, said: Callable[[], str]) -> Usage | None:
    told: dict[Count, _Told] = {}
    doubts: list[str] = []
    apart: set[Count] = set()
    for name, value in usage.items():
        if name in _GROUPS and isinstance(value, dict):
            for inner, tokens in value.items():
                _take(told, doubts, (name, inner), tokens)
        elif name in _LISTS and isinstance(value, list):
            apart |= {MODALITIES[name, kind] for kind in _modalities(value) if (name, kind) in MODALITIES}
        else:
            _take(told, doubts, (name,), value)
    counts = {count: one.tokens for count, one in told.items()}
    read = _reconciled(told, counts, doubts, said)
    if read is None:
        return None
    doubts += [why for count, why in PRICED_APART.items() if count in apart or counts.get(count)]
    return Usage(
        input_tokens=min(read.input, MAX_TOKENS),
        output_tokens=min(read.output, MAX_TOKENS),
        cached_input_tokens=counts.get(Count.CACHED),
        cache_write_tokens=counts.get(Count.WRITTEN),
        reasoning_tokens=counts.get(Count.REASONING),
        provider_cost_usd=_cost(usage) if not _COST_NAMES.isdisjoint(usage) else None,
        service_tier=service_tier,
        doubt=f"usage: {'; '.join(doubts)}" if doubts else None,
    )


def _modalities(details: list[JsonValue]) -> set[str]:
    """Return the modalities of which any tokens are told."""
    return {str(one.get("modality")) for one in details if isinstance(one, dict) and one.get("tokenCount")}


def _usage_object(reply: JsonObject) -> JsonObject | None:
    for path in USAGE_PLACES:
        value: JsonValue = reply
        for name in path:
            value = value.get(name) if isinstance(value, dict) else None
        if isinstance(value, dict) and value:
            return value
    choices = reply.get("choices")
    for choice in choices if isinstance(choices, list) else ():
        if isinstance(choice, dict) and isinstance(usage := choice.get("usage"), dict):
            return usage
    return reply if "eval_count" in reply else None


def _take(told: dict[Count, _Told], doubts: list[str], path: tuple[str, ...], value: JsonValue) -> None:
    known = _BY_PATH.get(path)
    if known is None or value is None:
        return
    tokens = value if type(value) is int else _whole(value)
    if tokens is None or not 0 <= tokens <= MAX_TOKENS:
        doubts.append(f"{'.'.join(path)} is no count of tokens")
        return
    rank, field = known
    before = told.get(field.count)
    if before is None or (tokens > 0, -rank) > (before.tokens > 0, -before.rank):
        told[field.count] = _Told(rank, field, tokens)


def _whole(value: JsonValue) -> int | None:
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, str) and _COUNT.fullmatch(value):
        return int(value.partition(".")[0])
    return None


class _Sums(NamedTuple):
    input: int
    output: int


def _reconciled(
    told: Mapping[Count, _Told], counts: dict[Count, int], doubts: list[str], said: Callable[[], str]
) -> _Sums | None:
    """Return the whole input and output, and put a doubt in words where the counts do not add up."""
    _derive(counts, doubts, said)
    if not counts.get(Count.INPUT) and not (counts.get(Count.CACHED) or counts.get(Count.WRITTEN)):
        return None
    prompt, completion = counts.get(Count.INPUT, 0), counts[Count.OUTPUT]
    cache = counts.get(Count.CACHED, 0) + counts.get(Count.WRITTEN, 0)
    reasoning = counts.get(Count.REASONING, 0)
    total = counts.get(Count.TOTAL)
    cache_place, reasoning_place = _cache_place(told), _place(told, Count.REASONING)
    readings = [
        _Sums(prompt + (cache if cache_beside else 0), completion + (reasoning if reasoning_beside else 0))
        for cache_beside in _ways(cache_place, cache, prompt)
        for reasoning_beside in _ways(reasoning_place, reasoning, completion)
    ]
    tool_input = counts.get(Count.TOOL_INPUT, 0)
    if tool_input:
        readings = [_Sums(one.input + tool_input, one.output) for one in readings]
    if total is None:
        return readings[0]
    fitting = [one for one in readings if one.input + one.output == total]
    if len(set(fitting)) == 1:
        return fitting[0]
    if fitting:
        doubts.append(f"the total, {total}, can be read in several ways")
        return max(fitting, key=lambda one: (one.output, one.input))
    likeliest = readings[0]
    if not reasoning and total > likeliest.input + likeliest.output:
        # Gemini behind OpenAI's dialect: what was thought is in the total alone, and paid as output.
        return _Sums(likeliest.input, total - likeliest.input)
    dearest = max(readings, key=lambda one: (one.output, one.input))
    doubts.append(f"{prompt} tokens of input and {completion} of output do not add up to the total, {total}")
    return _Sums(dearest.input, max(dearest.output, total - dearest.input))


def _derive(counts: dict[Count, int], doubts: list[str], said: Callable[[], str]) -> None:
    """Fill in a count that is missing, from the total or from the text."""
    total = counts.get(Count.TOTAL)
    if Count.INPUT not in counts and total is not None and Count.OUTPUT in counts:
        counts[Count.INPUT] = max(0, total - counts[Count.OUTPUT])
        doubts.append("no tokens of input are told")
    if not counts.get(Count.OUTPUT) and ((text := said()) or Count.OUTPUT not in counts):
        told_input = counts.get(Count.INPUT, 0)
        beside = counts.get(Count.REASONING, 0)
        if not text and total is not None and total == told_input + beside > 0:
            counts[Count.OUTPUT] = 0  # Google leaves zeros out
            return
        if total is not None and total > told_input and total != told_input + beside:
            counts[Count.OUTPUT] = total - told_input
        else:
            counts[Count.OUTPUT] = estimate_tokens(text)
            counts.pop(Count.TOTAL, None)
        doubts.append("no tokens of output are told")
    counts.setdefault(Count.OUTPUT, 0)


def _ways(place: Inclusion, part: int, whole: int) -> tuple[bool, ...]:
    """Return whether the part stands beside the whole, the likelier reading first."""
    if not part:
        return (False,)
    if place is Inclusion.BESIDE or part > whole:
        return (True,)
    return (False,) if place is Inclusion.INSIDE else (False, True)


def _place(told: Mapping[Count, _Told], count: Count) -> Inclusion:
    return told[count].field.place if count in told else Inclusion.EITHER


def _cache_place(told: Mapping[Count, _Told]) -> Inclusion:
    """Return where cached and written tokens are told; they stand at one place."""
    paths = {told[count].field.path for count in (Count.CACHED, Count.WRITTEN) if count in told}
    if Count.INPUT in told and told[Count.INPUT].field.path in _CACHE_BESIDE_WITH and paths & _ANTHROPIC_CACHE:
        return Inclusion.BESIDE
    return _place(told, Count.CACHED if Count.CACHED in told else Count.WRITTEN)


def _cost(usage: JsonObject) -> Decimal | None:
    for path, unit_usd, _ in COST_FIELDS:
        value: JsonValue = usage
        for name in path:
            value = value.get(name) if isinstance(value, dict) else None
        if (cost := _usd(value, unit_usd)) is not None:
            return cost + _paid_behind(usage)
    return None


def _paid_behind(usage: JsonObject) -> Decimal:
    """Return what OpenRouter has charged to the operator's own key of a provider, beside its own cost.

    Source: openrouter.ai, "Usage accounting": `upstream_inference_cost`, with keys of one's own (`is_byok`).
    """
    details = usage.get("cost_details")
    if usage.get("is_byok") is not True or not isinstance(details, dict):
        return Decimal(0)
    return _usd(details.get("upstream_inference_cost"), Decimal(1)) or Decimal(0)


def _usd(value: JsonValue, unit_usd: Decimal) -> Decimal | None:
    if not isinstance(value, int | float | str) or isinstance(value, bool):
        return None
    try:
        cost = (Decimal(str(value)[:40]) * unit_usd).quantize(NANO_USD, ROUND_HALF_EVEN)
    except InvalidOperation:
        return None
    return cost if 0 <= cost <= MAX_COST_USD else None
