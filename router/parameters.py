"""Which parameters of a request change what a call costs, and by how much at a model.

| parameter | effect | priced by the catalogue's |
|---|---|---|
| `service_tier` (but `SAME_PRICE_TIERS`) | a factor on all rates | `service_tiers` of the model |
| `web_search_options` | an amount a call | `surcharges_usd` of the model, key `web_search_options` |
| `modalities` beside `text`, `audio` | other rates for the output | `surcharges_usd`, an amount that covers it |
| a tool that the provider runs itself | an amount a use | `surcharges_usd`, key: its type; an amount that covers it |
| an image | for some models, an amount each | `image_usd` of the model |
| `cache_control` with a `ttl` beyond five minutes | another rate for what is written | none |
| `model`, `models`, `route`, `provider`, `plugins`, `fallbacks` | another model may answer | refused: Turnout routes |
| any other of OpenAI's | none, or bounded by tokens (`router.bounds`) | |
| any that the provider is not known to take | unknown: the model is left out | `parameters` of the provider allows it |

An allowed parameter without a price makes the call's price unknown: a request with a cap or a budget does not go to
that model. Sources: OpenAI's reference of chat completions and its price list; OpenRouter's of `models`, `route`,
`provider` and `plugins`; of tools that the provider runs: OpenAI's, Anthropic's ("web_search_20250305"), Moonshot's
("builtin_function"), Groq's ("browser_search") and Gemini's ({"google_search": {}}); of the cache, Anthropic's price
list: what is kept for an hour is written at twice the price of input, for five minutes at 1.25 times.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from decimal import Decimal

from pydantic import JsonValue

from router.catalogue import Model
from schemas.requests import PROVIDER_PARAMETERS, JsonObject, Request

SURCHARGED = frozenset({"web_search_options"})
PICKS_THE_MODEL = frozenset({"fallbacks", "model", "models", "plugins", "provider", "route"})
SAME_PRICE_TIERS = ("auto", "default", "standard", "standard_only", "on_demand")
"""Service tiers at the list price: OpenAI's, Anthropic's, Groq's. `auto` is the project's setting; whoever sets another
one prices the model by it."""


LIST_PRICE_TTLS = (None, "5m")
"""For how long a cache is kept at the price of `cache_write_usd_per_mtok`."""
RUN_BY_THE_CALLER = frozenset({"function", "custom"})
"""Types of tools that cost their tokens alone: the caller runs them. Source: OpenAI's reference of chat completions."""


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


def content_terms(request: Request, images: int, model: Model) -> Terms | Unpriced:
    """Return what the tools and the messages of a request cost at a model beside its rates."""
    if not (images or request.tools or request.messages):
        return LIST_PRICE
    per_call_usd = images * model.image_usd
    for kind in sorted({_kind_of(tool) for tool in request.tools or ()} - RUN_BY_THE_CALLER):
        if kind not in model.surcharges_usd:
            shown = kind[:64]
            return Unpriced(f"what a tool of type {shown!r} costs is not known; set the model's surcharges_usd.{shown}")
        per_call_usd += model.surcharges_usd[kind]
    if (ttl := next((ttl for ttl in _cache_ttls(request) if ttl not in LIST_PRICE_TTLS), None)) is not None:
        return Unpriced(f"what a cache_control of ttl {str(ttl)[:64]!r} costs is not known; leave ttl out")
    return Terms(per_call_usd=per_call_usd) if per_call_usd else LIST_PRICE


def _kind_of(tool: JsonObject) -> str:
    """Return the type of a tool; Gemini's have none, and are named by their only field."""
    kind = tool.get("type")
    if isinstance(kind, str):
        return kind
    return "function" if "function" in tool else next(iter(sorted(tool)), "function")


def _cache_ttls(request: Request) -> Iterator[JsonValue]:
    """Yield for how long what stands in a request is to be cached, wherever it says so."""
    holders: list[Iterable[object]] = [request.tools or ()]
    for message in request.messages or ():
        beside = message.model_extra or {}
        holders += [(beside,), message.content if isinstance(message.content, list) else ()]
        holders.append(beside["tool_calls"] if isinstance(beside.get("tool_calls"), list) else ())
    for holder in (one for some in holders for one in some if isinstance(one, dict)):
        for place in (holder, holder.get("function")):
            control = place.get("cache_control") if isinstance(place, dict) else None
            if isinstance(control, dict):
                yield control.get("ttl")


def has_list_price(request: Request, images: int) -> bool:
    """Say whether nothing in a request with so many images changes a price, at any model."""
    return not (request.parameters or images or request.tools or request.messages)


def terms_of(parameters: JsonObject, request: Request, images: int, model: Model) -> Terms | Unpriced | NotTaken:
    """Return on which terms a model is called for a request with so many images, of which it gets these parameters."""
    by_parameters = parameter_terms(parameters, model)
    if not isinstance(by_parameters, Terms):
        return by_parameters
    by_content = content_terms(request, images, model)
    if isinstance(by_content, Unpriced) or by_parameters is LIST_PRICE:
        return by_content
    return Terms(by_parameters.factor, by_parameters.per_call_usd + by_content.per_call_usd)


def parameter_terms(parameters: JsonObject, model: Model) -> Terms | Unpriced | NotTaken:
    """Return what these parameters cost at a model."""
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
        elif name in SURCHARGED or name not in PROVIDER_PARAMETERS or _is_no_text(name, parameters[name]):
            return Unpriced(f"what {name} costs is not known; set the model's surcharges_usd.{name}")
        elif name == "service_tier" and parameters[name] not in SAME_PRICE_TIERS:
            tier = str(parameters[name])
            if tier not in model.service_tiers:
                return Unpriced(f"what service_tier {tier!r} costs is not known; set the model's service_tiers")
            factor = model.service_tiers[tier]
    return Terms(factor, per_call_usd) if factor != 1 or per_call_usd else LIST_PRICE


def _is_no_text(name: str, value: object) -> bool:
    return name == "audio" or (name == "modalities" and value not in (["text"], []))
