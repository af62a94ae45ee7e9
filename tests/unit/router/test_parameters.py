"""Parameters that change the price are priced, or the price is not known; none of them picks another model."""

from dataclasses import replace
from decimal import Decimal

import pytest

from router.catalogue import ContextTier, Price
from router.cost import price_of
from router.errors import RequestRejected
from router.models.pool import ModelPool
from router.parameters import (
    LIST_PRICE,
    PICKS_THE_MODEL,
    NotTaken,
    Terms,
    Unpriced,
    content_terms,
    forbidden_parameter,
    parameter_terms,
    terms_of,
)
from router.request.plan import make_plan
from router.route import priced
from router.tasks.analysis import analyse
from schemas.requests import PROVIDER_PARAMETERS, JsonObject, Request
from schemas.responses import Usage
from schemas.vocabulary import ErrorCode
from tests.stage import ALPHA, NOW_S, PROMPT, make_catalogue, make_job


@pytest.mark.parametrize(
    "parameters",
    [
        {},
        {"seed": 1, "top_p": 0.5, "stop": ["x"]},
        {"service_tier": "auto"},
        {"service_tier": "default"},
        {"service_tier": None},
        {"web_search_options": None},
        {"modalities": ["text"]},
    ],
)
def test_most_parameters_cost_nothing(parameters: JsonObject) -> None:
    assert parameter_terms(parameters, ALPHA) == LIST_PRICE


@pytest.mark.parametrize(
    ("parameters", "named"),
    [
        ({"service_tier": "priority"}, "service_tier"),
        ({"service_tier": 7}, "service_tier"),
        ({"web_search_options": {}}, "web_search_options"),
        ({"modalities": ["text", "audio"]}, "modalities"),
        ({"audio": {"voice": "alloy"}}, "audio"),
        ({"modalities": ["text", "image"]}, "modalities"),
        ({"modalities": ["video"]}, "modalities"),
        ({"modalities": "image"}, "modalities"),
    ],
)
def test_what_the_catalogue_does_not_price_has_no_price(parameters: JsonObject, named: str) -> None:
    terms = parameter_terms(parameters, ALPHA)
    assert isinstance(terms, Unpriced)
    assert named in terms.why


def test_the_catalogue_prices_tiers_by_a_factor_and_surcharges_by_the_call() -> None:
    model = replace(
        ALPHA, service_tiers={"flex": Decimal("0.5")}, surcharges_usd={"web_search_options": Decimal("0.03")}
    )
    asked: JsonObject = {"service_tier": "flex", "web_search_options": {}}
    assert parameter_terms(asked, model) == Terms(Decimal("0.5"), Decimal("0.03"))
    price = Price(
        Decimal(4), Decimal(8), Decimal(1), tiers=(ContextTier(Decimal(6), Decimal(12), above_input_tokens=9),)
    )
    on_terms = priced(price, Terms(Decimal("0.5"), Decimal("0.03")))
    assert price_of(on_terms, Usage(input_tokens=5, output_tokens=2)) == Decimal("0.030018000")
    assert price_of(on_terms, Usage(input_tokens=10, output_tokens=2)) == Decimal("0.030042000")
    assert price_of(on_terms, Usage(input_tokens=5, output_tokens=0, cached_input_tokens=5)) == Decimal("0.030002500")


def test_a_provider_is_sent_only_what_it_is_known_to_take() -> None:
    asked: JsonObject = {"top_k": 5}
    terms = parameter_terms(asked, ALPHA)
    assert isinstance(terms, NotTaken)
    assert "top_k" in terms.why
    allowed = parameter_terms(asked, replace(ALPHA, parameters=frozenset({"top_k"})))
    assert isinstance(allowed, Unpriced), "what it costs is not known"
    free = replace(ALPHA, parameters=frozenset({"top_k"}), surcharges_usd={"top_k": Decimal(0)})
    assert parameter_terms(asked, free) == LIST_PRICE


@pytest.mark.parametrize("name", sorted(PICKS_THE_MODEL))
def test_no_parameter_picks_another_model(name: str) -> None:
    assert name not in PROVIDER_PARAMETERS
    assert forbidden_parameter({"seed": 1, name: "x"}) == name


def planned(request: Request, **model: object) -> object:
    catalogue = make_catalogue(replace(ALPHA, **model))  # type: ignore[arg-type]
    return make_plan(make_job(request), analyse(request.question), ModelPool(catalogue), NOW_S)


def test_a_request_with_a_cap_is_not_sent_where_its_price_is_not_known() -> None:
    asked = {"prompt": PROMPT, "parameters": {"web_search_options": {}}}
    assert planned(Request.model_validate(asked))
    with pytest.raises(RequestRejected, match=r"surcharges_usd\.web_search_options") as refused:
        planned(Request.model_validate({**asked, "max_cost_usd": "0.5"}))
    assert refused.value.code is ErrorCode.COST_CAP_EXCEEDED
    priced_model = {"surcharges_usd": {"web_search_options": Decimal("0.03")}}
    assert planned(Request.model_validate({**asked, "max_cost_usd": "0.5"}), **priced_model)
    with pytest.raises(RequestRejected, match="above the cap"):
        planned(Request.model_validate({**asked, "max_cost_usd": "0.02"}), **priced_model)


def test_an_image_without_a_figure_is_not_sent_for_a_request_with_a_cap() -> None:
    asked = {"messages": [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "https://x"}}]}]}
    assert planned(Request.model_validate(asked))
    with pytest.raises(RequestRejected, match="image_tokens"):
        planned(Request.model_validate({**asked, "max_cost_usd": "0.5"}))
    assert planned(Request.model_validate({**asked, "max_cost_usd": "0.5"}), image_tokens=1000)


def test_a_request_that_would_let_another_model_answer_is_refused() -> None:
    with pytest.raises(RequestRejected, match="another model") as refused:
        planned(Request(prompt=PROMPT, parameters={"models": ["dear"]}))
    assert (refused.value.code, refused.value.field) == (ErrorCode.INVALID_REQUEST, "parameters.models")


FUNCTION: JsonObject = {"type": "function", "function": {"name": "f"}}


@pytest.mark.parametrize(
    ("tool", "named"),
    [
        ({"type": "web_search_20250305", "name": "web_search", "max_uses": 50}, "web_search_20250305"),  # Anthropic
        ({"type": "code_execution_20250522", "name": "code_execution"}, "code_execution_20250522"),
        ({"type": "builtin_function", "function": {"name": "$web_search"}}, "builtin_function"),  # Moonshot
        ({"type": "browser_search"}, "browser_search"),  # Groq
        ({"type": "web_search_preview"}, "web_search_preview"),  # OpenAI
        ({"google_search": {}}, "google_search"),  # Gemini
        ({"code_execution": {}}, "code_execution"),
    ],
)
def test_a_tool_that_the_provider_runs_has_no_price_but_the_catalogues(tool: JsonObject, named: str) -> None:
    request = Request(prompt=PROMPT, tools=[FUNCTION, tool])
    terms = content_terms(request, 0, ALPHA)
    assert isinstance(terms, Unpriced)
    assert f"surcharges_usd.{named}" in terms.why
    assert planned(request), "nobody has set a cap"
    with pytest.raises(RequestRejected, match=named):
        planned(request.model_copy(update={"max_cost_usd": Decimal("0.5")}))
    surcharges = {named: Decimal("0.03")}
    assert content_terms(request, 0, replace(ALPHA, surcharges_usd=surcharges)) == Terms(per_call_usd=Decimal("0.03"))
    assert planned(request.model_copy(update={"max_cost_usd": Decimal("0.5")}), surcharges_usd=surcharges)
    with pytest.raises(RequestRejected, match="above the cap"):
        planned(request.model_copy(update={"max_cost_usd": Decimal("0.02")}), surcharges_usd=surcharges)


@pytest.mark.parametrize(
    "tool", [FUNCTION, {"function": {"name": "f"}}, {"type": "custom", "custom": {"name": "f"}}, {}]
)
def test_a_tool_that_the_caller_runs_costs_its_tokens_alone(tool: JsonObject) -> None:
    assert content_terms(Request(prompt=PROMPT, tools=[tool]), 0, ALPHA) == LIST_PRICE


HOUR: JsonObject = {"cache_control": {"type": "ephemeral", "ttl": "1h"}}
PLAIN_PART: JsonObject = {"type": "text", "text": "hi"}


@pytest.mark.parametrize(
    "asked",
    [
        {"messages": [{"role": "user", "content": [{**PLAIN_PART, **HOUR}]}]},
        {"messages": [{"role": "user", "content": "hi", **HOUR}]},
        {"messages": [{"role": "assistant", "tool_calls": [{**FUNCTION, **HOUR}]}, {"role": "user", "content": "hi"}]},
        {"prompt": PROMPT, "tools": [{**FUNCTION, **HOUR}]},
        {"prompt": PROMPT, "tools": [{"type": "function", "function": {"name": "f", **HOUR}}]},
    ],
)
def test_what_is_cached_for_an_hour_has_no_price(asked: JsonObject) -> None:
    # Anthropic's price list: twice the price of input, where cache_write_usd_per_mtok is 1.25 times
    request = Request.model_validate(asked)
    assert isinstance(content_terms(request, 0, ALPHA), Unpriced)
    with pytest.raises(RequestRejected, match="ttl"):
        planned(request.model_copy(update={"max_cost_usd": Decimal("0.5")}))


@pytest.mark.parametrize("control", [{"type": "ephemeral"}, {"type": "ephemeral", "ttl": "5m"}, None])
def test_what_is_cached_for_five_minutes_has_the_list_price(control: JsonObject | None) -> None:
    part = {**PLAIN_PART, "cache_control": control}
    request = Request.model_validate({"messages": [{"role": "user", "content": [part]}]})
    assert content_terms(request, 0, ALPHA) == LIST_PRICE


def test_an_image_may_have_a_price_of_its_own() -> None:
    image: JsonObject = {"type": "image_url", "image_url": {"url": "https://x"}}
    asked = {"messages": [{"role": "user", "content": [image, image]}], "max_cost_usd": "0.1"}
    by_the_piece = {"image_tokens": 1000, "image_usd": Decimal("0.03")}
    assert planned(Request.model_validate(asked), **by_the_piece)
    with pytest.raises(RequestRejected, match="above the cap"):
        planned(Request.model_validate({**asked, "max_cost_usd": "0.059"}), **by_the_piece)
    assert content_terms(Request.model_validate(asked), 2, replace(ALPHA, image_usd=Decimal("0.03"))) == Terms(
        per_call_usd=Decimal("0.06")
    )


def test_parameters_and_content_are_paid_together() -> None:
    model = replace(
        ALPHA,
        service_tiers={"flex": Decimal("0.5")},
        surcharges_usd={"web_search_options": Decimal("0.03"), "browser_search": Decimal("0.02")},
        image_usd=Decimal("0.01"),
    )
    request = Request(prompt=PROMPT, tools=[{"type": "browser_search"}])
    asked: JsonObject = {"service_tier": "flex", "web_search_options": {}}
    assert terms_of(asked, request, 3, model) == Terms(Decimal("0.5"), Decimal("0.08"))
    assert isinstance(terms_of(asked, request, 3, replace(model, surcharges_usd={})), Unpriced)
    assert isinstance(terms_of({"top_k": 1}, request, 3, model), NotTaken)
