"""Which parameters of a request change what a call costs, and by how much at a model.

| parameter | effect | priced by the catalogue's |
|---|---|---|
| `service_tier` (but `SAME_PRICE_TIERS`) | a factor on all rates | `service_tiers` of the model |
| `web_search_options` | an amount a call | `surcharges_usd` of the model, key `web_search_options` |
| `modalities` with `audio`, `audio` | other rates for the output | `surcharges_usd`, an amount a call that covers it |
| `model`, `models`, `route`, `provider`, `plugins`, `fallbacks` | another model may answer | refused: Turnout routes |
| any other of OpenAI's | none, or bounded by tokens (`router.bounds`) | |
| any that the provider is not known to take | unknown: the model is left out | `parameters` of the provider allows it |

An allowed parameter without a price makes the call's price unknown: a request with a cap or a budget does not go to
that model. Sources: OpenAI's reference of chat completions and its price list; OpenRouter's of `models`, `route`,
`provider` and `plugins`.
"""

from dataclasses import dataclass
from decimal import Decimal

from router.catalogue import Model
from schemas.requests import PROVIDER_PARAMETERS, JsonObject

SURCHARGED = frozenset({"web_search_options"})
PICKS_THE_MODEL = frozenset({"fallbacks", "model", "models", "plugins", "provider", "route"})
SAME_PRICE_TIERS = ("auto", "default", "standard", "standard_only", "on_demand")
"""Service tiers at the list price: OpenAI's, Anthropic's, Groq's. `auto` is the project's setting; whoever sets another
one prices the model by it."""


@dataclass(frozen=True, slots=True)
class Terms:
    """What a call costs beside its model's rates: a factor on them, and an amount a call."""

    factor: Decimal = Decimal(1)
    per_call_usd: Decimal = Decimal(0)


LIST_PRICE = Terms()


@dataclass(frozen=True, slots=True)
class Unpriced:
    """The parameter's price is not known. The text says which one, and how it could be."""

    why: str


@dataclass(frozen=True, slots=True)
class NotTaken:
    """The model's provider is not known to take a parameter. The text says which one, and how to allow it."""

    why: str


def forbidden_parameter(parameters: JsonObject) -> str | None:
    """Return the name of a parameter that would let another model answer, if there is one."""
    return next(iter(sorted(PICKS_THE_MODEL & parameters.keys())), None) if parameters else None


def terms_of(parameters: JsonObject, model: Model) -> Terms | Unpriced | NotTaken:
    """Return on which terms a model is called with these parameters."""
    if not parameters:
        return LIST_PRICE
    given = sorted(name for name, value in parameters.items() if value is not None)
    unknown = next((name for name in given if name not in PROVIDER_PARAMETERS | model.parameters), None)
    if unknown is not None:
        return NotTaken(
            f"{unknown!r} is not among the parameters of provider {model.provider_name}; if it takes it, "
            "list it there in the catalogue"
        )
    factor, per_call_usd = Decimal(1), Decimal(0)
    for name in given:
        if name in model.surcharges_usd:
            per_call_usd += model.surcharges_usd[name]
        elif name in SURCHARGED or name not in PROVIDER_PARAMETERS or _speaks(name, parameters[name]):
            return Unpriced(f"what {name} costs is not known; set the model's surcharges_usd.{name}")
        elif name == "service_tier" and parameters[name] not in SAME_PRICE_TIERS:
            tier = str(parameters[name])
            if tier not in model.service_tiers:
                return Unpriced(f"what service_tier {tier!r} costs is not known; set the model's service_tiers")
            factor = model.service_tiers[tier]
    return Terms(factor, per_call_usd) if factor != 1 or per_call_usd else LIST_PRICE


def _speaks(name: str, value: object) -> bool:
    return name == "audio" or (name == "modalities" and isinstance(value, list) and "audio" in value)
