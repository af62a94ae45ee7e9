"""Parameters that change the price are priced, or the price is not known; none of them picks another model."""

from dataclasses import replace
from decimal import Decimal

import pytest

from router.catalogue import ContextTier, Price
from router.cost import price_of
from router.errors import RequestRejected
from router.models.pool import ModelPool
from router.parameters import LIST_PRICE, PICKS_THE_MODEL, NotTaken, Terms, Unpriced, forbidden_parameter, terms_of
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
    assert terms_of(parameters, ALPHA) == LIST_PRICE


@pytest.mark.parametrize(
    ("parameters", "named"),
    [
        ({"service_tier": "priority"}, "service_tier"),
        ({"service_tier": 7}, "service_tier"),
        ({"web_search_options": {}}, "web_search_options"),
        ({"modalities": ["text", "audio"]}, "modalities"),
        ({"audio": {"voice": "alloy"}}, "audio"),
    ],
)
def test_what_the_catalogue_does_not_price_has_no_price(parameters: JsonObject, named: str) -> None:
    terms = terms_of(parameters, ALPHA)
    assert isinstance(terms, Unpriced)
    assert named in terms.why


def test_the_catalogue_prices_tiers_by_a_factor_and_surcharges_by_the_call() -> None:
    model = replace(
        ALPHA, service_tiers={"flex": Decimal("0.5")}, surcharges_usd={"web_search_options": Decimal("0.03")}
    )
    asked: JsonObject = {"service_tier": "flex", "web_search_options": {}}
    assert terms_of(asked, model) == Terms(Decimal("0.5"), Decimal("0.03"))
    price = Price(
        Decimal(4), Decimal(8), Decimal(1), tiers=(ContextTier(Decimal(6), Decimal(12), above_input_tokens=9),)
    )
    on_terms = priced(price, Terms(Decimal("0.5"), Decimal("0.03")))
    assert price_of(on_terms, Usage(input_tokens=5, output_tokens=2)) == Decimal("0.030018000")
    assert price_of(on_terms, Usage(input_tokens=10, output_tokens=2)) == Decimal("0.030042000")
    assert price_of(on_terms, Usage(input_tokens=5, output_tokens=0, cached_input_tokens=5)) == Decimal("0.030002500")


def test_a_provider_is_sent_only_what_it_is_known_to_take() -> None:
    asked: JsonObject = {"top_k": 5}
    terms = terms_of(asked, ALPHA)
    assert isinstance(terms, NotTaken)
    assert "top_k" in terms.why
    allowed = terms_of(asked, replace(ALPHA, parameters=frozenset({"top_k"})))
    assert isinstance(allowed, Unpriced), "what it costs is not known"
    free = replace(ALPHA, parameters=frozenset({"top_k"}), surcharges_usd={"top_k": Decimal(0)})
    assert terms_of(asked, free) == LIST_PRICE


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
