"""What stood on the topics once is read for ever: each file in `golden/` is a value as it was written.

A golden file is never changed. A change of the contract adds files; one that changes a meaning, a version's folder.
"""

import re
from decimal import Decimal
from pathlib import Path
from uuid import uuid5

import orjson
import pytest
from pydantic import JsonValue

from schemas.batch_lanes import BatchLane
from schemas.budgets import Budget, BudgetReservation
from schemas.caching import CacheEntry
from schemas.costs import EVENT_NAMESPACE, CallStarted, CostEvent, cost_event_id
from schemas.failovers import Failover
from schemas.feedback import Feedback
from schemas.health import ModelHealth, ModelStats
from schemas.message import Message
from schemas.quality import ModelQuality, QualityCounts
from schemas.requests import JsonObject, Request
from schemas.responses import Response
from schemas.shadow_answers import ShadowAnswer
from schemas.tenant_shares import TenantShares, WorkerDemand
from schemas.vocabulary import Certainty
from schemas.waiting import Waiting

GOLDEN = Path(__file__).parent / "golden" / "v1"
PRODUCED: dict[str, type[Message]] = {
    "budget": Budget,
    "budget-crossed": Budget,
    "budget-reservation": BudgetReservation,
    "budget-windows": Budget,
    "cache-entry": CacheEntry,
    "cache-entry-followed": CacheEntry,
    "cache-forgotten": CacheEntry,
    "call": CallStarted,
    "call-handed-on": CallStarted,
    "call-price-list": CallStarted,
    "cost-cache-write": CostEvent,
    "cost-cut-off": CostEvent,
    "cost-estimated": CostEvent,
    "cost-metered": CostEvent,
    "cost-unknown": CostEvent,
    "cost-unknown-price": CostEvent,
    "failover": Failover,
    "failover-health": Failover,
    "feedback": Feedback,
    "model-health": ModelHealth,
    "model-health-accounts": ModelHealth,
    "model-health-shares": ModelHealth,
    "model-health-many-workers": ModelHealth,
    "model-stats": ModelStats,
    "model-stats-accounts": ModelStats,
    "model-quality": ModelQuality,
    "model-quality-form": ModelQuality,
    "batch-lane": BatchLane,
    "model-stats-stance": ModelStats,
    "model-stats-keeps-shares": ModelStats,
    "quality-counts": QualityCounts,
    "quality-counts-judged": QualityCounts,
    "response-arm": Response,
    "response-cached": Response,
    "response-cascade": Response,
    "response-completed": Response,
    "response-everything": Response,
    "response-failed": Response,
    "response-form": Response,
    "response-rejected-cost-cap": Response,
    "response-rejected-rate": Response,
    "response-rejected-reused": Response,
    "response-rejected-unreadable": Response,
    "response-skipped": Response,
    "response-tool-calls": Response,
    "shadow-answer": ShadowAnswer,
    "tenant-demand": WorkerDemand,
    "tenant-demand-signs": WorkerDemand,
    "tenant-shares": TenantShares,
    "waiting": Waiting,
    "waiting-answered": Waiting,
    "waiting-cache": Waiting,
    "waiting-returned": Waiting,
}
EARLIER = {
    "budget",
    "budget-crossed",
    "budget-windows",
    "cache-entry",
    "call",
    "call-handed-on",
    "call-price-list",
    "cost-cache-write",
    "cost-cut-off",
    "cost-estimated",
    "cost-metered",
    "cost-unknown",
    "cost-unknown-price",
    "failover",
    "model-health",
    "model-health-accounts",
    "model-health-shares",
    "model-stats",
    "model-stats-accounts",
    "model-stats-stance",
    "response-completed",
    "response-failed",
    "response-rejected-cost-cap",
    "response-rejected-rate",
    "response-rejected-unreadable",
    "response-skipped",
    "response-tool-calls",
    "tenant-demand",
}
"""Written before optional fields were added; read and written again they have those too, with their defaults."""
LEFT_OUT_WHERE_NULL = {"tool_calls"}
"""Fields that were written as null once, and are left out now where they hold nothing: to a reader it is the same."""
QUESTIONS = {
    "request-cache": ("faq-0043", "When does the warranty end?"),
    "request-batch-line": ("row-0001", "Translate to French: the train leaves at nine."),
    "request-max-latency": ("fast-1", "Which track is free?"),
    "request-embeddings": ("emb-7", ""),
    "request-messages": ("chat-19", "Thanks. Explain how it works."),
    "request-minimal": (None, "List three uses of a turnout."),
    "request-newer-version": ("next-1", "Hello"),
    "request-parameters": ("json-3", "Extract name and price: Turnout kit, 12 EUR"),
    "request-prompt": ("faq-0042", "Tóm tắt điều khoản bảo hành trong ba câu."),
    "request-tools": ("trip-7", "Find a train from Huế to Đà Nẵng tomorrow."),
}
COSTS = sorted(name for name, message in PRODUCED.items() if issubclass(message, CostEvent))
COST_FIELDS = re.findall(
    r"\w+",
    """
    event_id schema_version occurred_at occurred_at_ms request_id attempt is_fallback outcome error_type certainty
    tenant task tier route_reason provider_name request_model response_model input_tokens cached_input_tokens
    cache_write_tokens output_tokens reasoning_tokens token_count_source input_usd_per_mtok
    cached_input_usd_per_mtok output_usd_per_mtok cost_usd cost_nano_usd baseline_model baseline_cost_usd currency
    price_status price_catalogue price_catalogue_version latency_ms trace_id tags_json request_topic
    request_partition request_offset
    """,
)


ADDED_COST_FIELDS = ["cache_write_usd_per_mtok"]
CALLS_OWN_FIELDS = ["price_json", "baseline_price_json", "attempt_json"]
SECOND = Path(__file__).parent / "golden" / "v2"
SECOND_PRODUCED: dict[str, type[CostEvent]] = {
    "call": CallStarted,
    "call-account": CallStarted,
    "call-arm": CallStarted,
    "call-batch": CallStarted,
    "call-joined": CallStarted,
    "call-judge": CallStarted,
    "call-service-tier": CallStarted,
    "cost-account": CostEvent,
    "cost-arm": CostEvent,
    "cost-batch": CostEvent,
    "cost-joined": CostEvent,
    "cost-metered": CostEvent,
    "cost-provider-cost": CostEvent,
    "cost-shadow": CostEvent,
}
SECOND_EARLIER = {
    "call",
    "call-account",
    "call-arm",
    "call-batch",
    "call-joined",
    "call-service-tier",
    "cost-account",
    "cost-arm",
    "cost-batch",
    "cost-joined",
    "cost-metered",
    "cost-provider-cost",
}


def golden(name: str) -> bytes:
    return (GOLDEN / f"{name}.json").read_bytes().removesuffix(b"\n")


def fields(name: str) -> JsonObject:
    data: JsonObject = orjson.loads(golden(name))
    return data


def leaves(value: object, place: str = "") -> list[tuple[str, object]]:
    match value:
        case dict():
            return [leaf for name, inner in value.items() for leaf in leaves(inner, name)]
        case list():
            return [leaf for inner in value for leaf in leaves(inner, place)]
    return [(place, value)]


def without_additions(value: JsonValue, before: JsonValue) -> JsonValue:
    """Return the value without what objects have gained since."""
    if isinstance(value, dict) and isinstance(before, dict):
        return {name: without_additions(inner, before[name]) for name, inner in value.items() if name in before}
    if isinstance(value, list) and isinstance(before, list):
        return [without_additions(*pair) for pair in zip(value, before, strict=True)]
    return value


def test_every_golden_file_is_read_by_a_test() -> None:
    assert {path.stem for path in GOLDEN.iterdir()} == PRODUCED.keys() | QUESTIONS.keys()


@pytest.mark.parametrize("name", sorted(PRODUCED.keys() - EARLIER))
def test_a_message_that_is_read_and_written_again_is_the_same_to_the_byte(name: str) -> None:
    assert PRODUCED[name].decode(golden(name)).encode() == golden(name)


@pytest.mark.parametrize("name", sorted(EARLIER))
def test_an_earlier_message_that_is_read_and_written_again_has_all_that_it_had(name: str) -> None:
    again, before = orjson.loads(PRODUCED[name].decode(golden(name)).encode()), fields(name)
    if isinstance(message := before.get("message"), dict):
        before["message"] = {
            field: value for field, value in message.items() if value is not None or field not in LEFT_OUT_WHERE_NULL
        }
    assert without_additions(again, before) == before
    assert again != fields(name)


@pytest.mark.parametrize("name", PRODUCED)
def test_fields_of_a_later_version_are_passed_over(name: str) -> None:
    later = orjson.dumps({**fields(name), "schema_version": 2, "added_later": {"deep": [1]}})
    message = PRODUCED[name].decode(later)
    assert message.model_copy(update={"schema_version": 1}) == PRODUCED[name].decode(golden(name))


@pytest.mark.parametrize("name", PRODUCED)
def test_money_is_a_decimal_string_with_nine_places_and_time_is_utc_with_a_z(name: str) -> None:
    for field, value in leaves(fields(name)):
        if field.endswith("_usd") and isinstance(value, str):
            assert re.fullmatch(r"\d+\.\d{9}", value), field
        elif field.endswith("_at") or field in {"as_of", "window_start", "window_end"}:
            assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{6})?Z", str(value)), field
        else:
            assert not (field.endswith("_usd") and isinstance(value, float)), field


@pytest.mark.parametrize("name", COSTS)
def test_a_cost_event_is_flat_and_has_these_fields_in_this_order(name: str) -> None:
    event = fields(name)
    if name == "call-price-list":
        expected = COST_FIELDS + ADDED_COST_FIELDS + CALLS_OWN_FIELDS[:2]
    elif name == "call-handed-on":
        expected = COST_FIELDS + ADDED_COST_FIELDS + CALLS_OWN_FIELDS
    elif name == "cost-cache-write":
        expected = COST_FIELDS + ADDED_COST_FIELDS
    else:
        expected = COST_FIELDS
    assert list(event) == expected
    assert all(value is None or isinstance(value, str | int | bool) for value in event.values())


@pytest.mark.parametrize("name", COSTS)
def test_a_cost_event_says_its_cost_twice_and_its_id_can_be_made_again(name: str) -> None:
    event = CostEvent.decode(golden(name))
    first_version = uuid5(EVENT_NAMESPACE, f"{event.request_id}:{event.attempt}")
    assert event.event_id == str(first_version)
    assert event.occurred_at_ms == round(event.occurred_at.timestamp() * 1000)
    if event.cost_usd is None or event.input_usd_per_mtok is None or event.output_usd_per_mtok is None:
        assert (event.price_status, event.cost_usd, event.cost_nano_usd) == ("unknown", None, None)
        return
    assert event.cost_nano_usd == event.cost_usd * 10**9
    cached, written = event.cached_input_tokens or 0, event.cache_write_tokens or 0
    dollars = (
        ((event.input_tokens or 0) - cached - written) * event.input_usd_per_mtok
        + cached * (event.cached_input_usd_per_mtok or event.input_usd_per_mtok)
        + written * (event.cache_write_usd_per_mtok or event.input_usd_per_mtok)
        + (event.output_tokens or 0) * event.output_usd_per_mtok
    )
    assert event.cost_usd == dollars / 10**6


def test_every_golden_file_of_version_2_is_read_by_a_test() -> None:
    assert {path.stem for path in SECOND.iterdir()} == SECOND_PRODUCED.keys()


@pytest.mark.parametrize("name", SECOND_PRODUCED)
def test_from_version_2_on_the_id_of_a_call_tells_tenants_and_records_apart(name: str) -> None:
    value = (SECOND / f"{name}.json").read_bytes().removesuffix(b"\n")
    event = SECOND_PRODUCED[name].decode(value)
    if name in SECOND_EARLIER:
        before = orjson.loads(value)
        assert without_additions(orjson.loads(event.encode()), before) == before
    else:
        assert event.encode() == value
    record = f"{event.request_topic}-{event.request_partition}-{event.request_offset}"
    assert event.schema_version == 2
    assert event.event_id == cost_event_id(event.tenant, event.request_id, record, event.attempt)
    others = {
        cost_event_id("another", event.request_id, record, event.attempt),
        cost_event_id(event.tenant, event.request_id, "llm.requests.v1-7-0", event.attempt),
        cost_event_id(event.tenant, event.request_id, record, event.attempt + 1),
    }
    assert len(others - {event.event_id}) == 3


def test_the_golden_costs_show_every_certainty() -> None:
    assert {CostEvent.decode(golden(name)).certainty for name in COSTS} == set(Certainty)


def test_the_golden_costs_of_a_request_add_up_to_its_response() -> None:
    response = Response.decode(golden("response-completed"))
    events = [CostEvent.decode(golden(name)) for name in ("cost-unknown", "cost-metered")]
    assert {event.request_id for event in events} == {response.request_id}
    assert sum((event.cost_usd or Decimal(0) for event in events), Decimal(0)) == response.cost_usd
    assert [event.cost_usd for event in events] == [attempt.cost_usd for attempt in response.attempts]


def test_what_a_provider_says_beside_its_words_is_in_the_response() -> None:
    response = Response.decode(golden("response-everything"))
    message = response.message
    assert message is not None
    assert message.reasoning_content == "Both tracks are free; the left one is shorter."
    assert message.annotations is not None
    assert message.extra == {"reasoning_details": [{"type": "reasoning.encrypted", "data": "b64"}]}
    assert response.logprobs is not None
    assert [choice.message.content for choice in response.other_choices] == ["The right one."]
    assert response.usage is not None
    assert (response.usage.provider_cost_usd, response.usage.doubt) == (Decimal("0.001150000"), None)


def test_no_message_says_null_for_a_field_that_a_provider_refuses_as_null() -> None:
    again = orjson.loads(Response.decode(golden("response-completed")).encode())["message"]
    assert list(again) == ["role", "content", "refusal"]


def test_a_rejection_for_the_rate_says_for_a_program_when_to_try_again() -> None:
    error = Response.decode(golden("response-rejected-rate")).error
    assert error is not None
    assert (error.code, error.retry_after_ms) == ("rate_exceeded", 7400)


def test_a_budget_says_which_of_its_alerts_was_the_last() -> None:
    budget = Budget.decode(golden("budget-crossed"))
    assert (budget.crossed, [one.crossed for one in budget.windows]) == (0.8, [0.8, None])


def test_a_call_has_the_fields_of_the_cost_event_that_it_becomes_if_nothing_more_is_heard_of_it() -> None:
    assert golden("call") == golden("cost-cut-off")


@pytest.mark.parametrize("name", QUESTIONS)
def test_a_request_is_understood_in_each_of_its_forms(name: str) -> None:
    request = Request.decode(golden(name))
    assert (request.request_id, request.question) == QUESTIONS[name]
    assert Request.decode(request.encode()) == request


def test_a_batch_line_is_the_request_in_its_body() -> None:
    request = Request.decode(golden("request-batch-line"))
    assert (request.model, request.max_tokens, request.metadata) == ("gpt-4.1", 64, {"job": "nightly"})


def test_openai_parameters_reach_the_provider_as_they_came() -> None:
    request = Request.decode(golden("request-parameters"))
    assert request.parameters == {"seed": 7, "top_p": 0.9, "stop": ["\n\n"], "top_k": 40}
    assert request.max_tokens == 200


def test_a_conversation_reaches_the_provider_as_it_came() -> None:
    assert Request.decode(golden("request-messages")).chat_messages() == fields("request-messages")["messages"]


def test_a_field_of_a_later_version_is_refused_in_a_request_of_ours() -> None:
    ours = {**fields("request-newer-version"), "schema_version": 1}
    with pytest.raises(ValueError, match="mood: unknown field"):
        Request.decode(orjson.dumps(ours))
