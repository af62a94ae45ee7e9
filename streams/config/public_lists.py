"""What public lists say about a model: its prices, its limits, what it can do. From a file, never from the network.

| list       | where                                                                 | a flag that is missing |
|------------|-----------------------------------------------------------------------|------------------------|
| LiteLLM    | `model_prices_and_context_window.json` of its repository              | means no, as there     |
| OpenRouter | the reply of `https://openrouter.ai/api/v1/models`                    | means no               |

Both price by the token, this project by the million. Names differ in dots and in the provider before a slash.

TurnoutError
└── PublicListUnreadable    the file is missing, or is neither list
"""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from pathlib import Path

from router.catalogue import ContextTier, Price
from router.errors import TurnoutError
from schemas.vocabulary import Capability

PER_MTOK = Decimal(1_000_000)
MOST_TOKENS = 100_000_000
"""What a catalogue takes for a limit."""
_MODES = frozenset({"chat", "responses", "embedding"})
_ABOVE = re.compile(r"input_cost_per_token_above_(\d+)k_tokens")
_PLACES = Decimal("0.000000001")


class PublicListUnreadable(TurnoutError):  # noqa: N818 - reads as the sentence it starts
    """The file is no public list. The message names it."""


@dataclass(frozen=True, slots=True)
class ListedModel:
    """What a list says about one model; None and missing: nothing."""

    price: Price | None = None
    context_tokens: int | None = None
    max_output_tokens: int | None = None
    capabilities: Mapping[Capability, bool] = field(default_factory=dict)


class PublicList:
    """One list, with the models' names as the list has them."""

    def __init__(self, models: Mapping[str, ListedModel]) -> None:
        self._models = models
        self._by_name: dict[str, list[str]] = {}
        for listed in models:
            self._by_name.setdefault(_plain(listed), []).append(listed)

    def find(self, model: str, provider_name: str) -> ListedModel | None:
        """Return the model as its own provider has it, or else as the list names it most briefly; None without one."""
        found = self._by_name.get(_plain(model))
        if not found:
            return None
        own = (model, f"{provider_name}/{model}")
        return self._models[min(found, key=lambda name: (name not in own, len(name), name))]


def read_public_list(path: Path) -> PublicList:
    """Read a list.

    Raises:
        PublicListUnreadable: there is no such file, or it is neither of the lists.
    """
    try:
        value = json.loads(path.read_bytes(), parse_float=Decimal)
    except OSError as error:
        raise PublicListUnreadable(f"{path}: the list cannot be read ({error.strerror}).") from None
    except (ValueError, RecursionError):
        raise PublicListUnreadable(f"{path}: the list is not JSON.") from None
    if isinstance(value, dict) and isinstance(value.get("data"), list):
        models = dict(_openrouter(value["data"]))
    elif isinstance(value, dict):
        models = dict(_litellm(value))
    else:
        models = {}
    if not models:
        raise PublicListUnreadable(
            f"{path}: is neither LiteLLM's model_prices_and_context_window.json nor what OpenRouter's /api/v1/models "
            "replies."
        )
    return PublicList(models)


def _plain(name: str) -> str:
    return name.rpartition("/")[2].lower().replace(".", "-")


def _litellm(entries: Mapping[str, object]) -> Iterator[tuple[str, ListedModel]]:
    for name, entry in entries.items():
        if not isinstance(entry, dict) or entry.get("mode") not in _MODES:
            continue
        modalities = entry.get("supported_modalities")
        heard = isinstance(modalities, list) and "audio" in modalities
        yield (
            name,
            ListedModel(
                _litellm_price(entry),
                _tokens(entry.get("max_input_tokens")),
                _tokens(entry.get("max_output_tokens")),
                {
                    Capability.IMAGES: entry.get("supports_vision") is True,
                    Capability.AUDIO: entry.get("supports_audio_input") is True or heard,
                    Capability.FILES: entry.get("supports_pdf_input") is True,
                    Capability.TOOLS: entry.get("supports_function_calling") is True,
                    Capability.JSON_SCHEMA: entry.get("supports_response_schema") is True,
                    Capability.REASONING: entry.get("supports_reasoning") is True,
                },
            ),
        )


def _litellm_price(entry: Mapping[str, object]) -> Price | None:
    suffixes = sorted(
        (int(found[1]), f"_above_{found[1]}k_tokens") for name in entry if (found := _ABOVE.fullmatch(name))
    )

    def rate(name: str, suffix: str = "") -> Decimal | None:
        listed = _per_mtok(entry.get(f"{name}{suffix}"))
        return _per_mtok(entry.get(name)) if listed is None and suffix else listed

    def rates(suffix: str = "") -> tuple[Decimal | None, ...]:
        names = ("input_cost_per_token", "output_cost_per_token", "cache_read_input_token_cost")
        return tuple(rate(name, suffix) for name in (*names, "cache_creation_input_token_cost"))

    per_input, per_output, per_cached, per_write = rates()
    if per_input is None or per_output is None:
        return None
    tiers = []
    for thousands, suffix in suffixes:
        tier_input, tier_output, tier_cached, tier_write = rates(suffix)
        tiers.append(
            ContextTier(tier_input or per_input, tier_output or per_output, tier_cached, tier_write, thousands * 1000)
        )
    return Price(per_input, per_output, per_cached, per_write, tuple(tiers))


def _openrouter(entries: Iterable[object]) -> Iterator[tuple[str, ListedModel]]:
    for entry in entries:
        if not isinstance(entry, dict) or not isinstance(name := entry.get("id"), str):
            continue
        pricing, architecture, top = (_object(entry.get(key)) for key in ("pricing", "architecture", "top_provider"))
        takes, knows = _words(architecture.get("input_modalities")), _words(entry.get("supported_parameters"))
        yield (
            name,
            ListedModel(
                _openrouter_price(pricing),
                _tokens(entry.get("context_length")),
                _tokens(top.get("max_completion_tokens")),
                {
                    Capability.IMAGES: "image" in takes,
                    Capability.AUDIO: "audio" in takes,
                    Capability.FILES: "file" in takes,
                    Capability.TOOLS: "tools" in knows,
                    Capability.JSON_SCHEMA: "structured_outputs" in knows,
                    Capability.REASONING: "reasoning" in knows,
                }
                if takes or knows
                else {},
            ),
        )


def _openrouter_price(pricing: Mapping[str, object]) -> Price | None:
    per_input, per_output = _per_mtok(pricing.get("prompt")), _per_mtok(pricing.get("completion"))
    if per_input is None or per_output is None:
        return None
    return Price(
        per_input, per_output, _per_mtok(pricing.get("input_cache_read")), _per_mtok(pricing.get("input_cache_write"))
    )


def _per_mtok(value: object) -> Decimal | None:
    """Return dollars a million tokens; None if it is no price: OpenRouter says -1 for a model that picks another."""
    if isinstance(value, bool) or not isinstance(value, int | str | Decimal):
        return None
    try:
        rate = (Decimal(value) * PER_MTOK).quantize(_PLACES)
    except (InvalidOperation, ValueError):
        return None
    # quantized, since floats of the lists carry digits that nobody charges
    return rate.normalize() if rate >= 0 else None


def _tokens(value: object) -> int | None:
    if isinstance(value, str) and value.isdecimal():
        value = int(value)
    return value if type(value) is int and 0 < value <= MOST_TOKENS else None


def _object(value: object) -> Mapping[str, object]:
    return value if isinstance(value, dict) else {}


def _words(value: object) -> frozenset[str]:
    return frozenset(word for word in value if isinstance(word, str)) if isinstance(value, list) else frozenset()
