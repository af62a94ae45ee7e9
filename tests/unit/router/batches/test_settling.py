from dataclasses import replace
from decimal import Decimal

import pytest

from router.batches import settling
from router.batches.batch import BatchCounts, BatchState, BatchStatus
from router.batches.line import BATCH_TIER
from router.batches.settling import BatchCall
from router.catalogue import Price
from router.charges import Charge
from router.errors import Answer, UpstreamFailure
from schemas.costs import CallStarted
from schemas.responses import AnswerMessage, Usage
from schemas.vocabulary import AttemptOutcome, Certainty, Lane, Status, WaitingState
from schemas.waiting import Waiting
from tests.fakes.lane import batching, waiting_of
from tests.stage import make_catalogue

NOW_S = 1_800_000_000.0
USAGE = Usage(input_tokens=100, output_tokens=10, service_tier=BATCH_TIER)
ANSWER = Answer(AnswerMessage(content="Yes."), "stop", "alpha-2026", "id-1", USAGE)
FAILED = UpstreamFailure(AttemptOutcome.UNAVAILABLE, "overloaded", status_code=500)


def waiting() -> Waiting:
    catalogue = make_catalogue(batching())
    asked = {"prompt": "Is it?", "max_tokens": 50, "metadata": {"team": "a"}}
    return waiting_of(catalogue, "r-1", "alpha", asked, NOW_S, 3600.0, (3, 42))[0]


def call() -> CallStarted:
    return BatchCall(waiting(), "batch_1", "line-0").started


def test_an_answer_costs_what_batches_cost() -> None:
    attempt = settling.answered(call(), ANSWER, 60.0)
    assert attempt.cost_usd == Decimal("0.000060000"), "half of 1 and of 2 USD a million tokens"
    assert (attempt.certainty, attempt.latency_ms) == (Certainty.METERED, 60_000)
    event = settling.cost_event(call(), attempt)
    assert event is not None
    assert (event.batch_id, event.service_tier, event.cost_nano_usd) == ("batch_1", "batch", 60_000)
    assert event.upstream_call_id == "line-0", "its row of the invoice is found by it"
    assert event.baseline_cost_usd == Decimal("0.000120000"), "at the live price of the baseline"
    assert event.reserved_usd == call().cost_usd


def test_an_answer_without_usage_is_estimated() -> None:
    attempt = settling.answered(call(), replace(ANSWER, usage=None), None)
    assert (attempt.certainty, attempt.latency_ms) == (Certainty.ESTIMATED, None)


def test_an_answer_that_violates_its_schema_is_paid() -> None:
    attempt = settling.answered(call(), ANSWER, 1.0, "it is no object")
    assert attempt.outcome is AttemptOutcome.SCHEMA_VIOLATION
    assert attempt.cost_usd == Decimal("0.000060000")


@pytest.mark.parametrize(
    ("failure", "certainty", "cost_usd"),
    [
        (FAILED, None, None),
        (replace(FAILED, charge=Charge.UNKNOWN), Certainty.UNKNOWN, call().cost_usd),
        (replace(FAILED, charge=Charge.CHARGED), Certainty.ESTIMATED, call().cost_usd),
        (replace(FAILED, usage=USAGE), Certainty.METERED, Decimal("0.000060000")),
    ],
)
def test_a_failed_line_costs_what_it_says_or_its_estimate(
    failure: UpstreamFailure, certainty: Certainty | None, cost_usd: Decimal | None
) -> None:
    attempt = settling.failed(call(), failure, 1.0)
    assert (attempt.certainty, attempt.cost_usd, attempt.status_code) == (certainty, cost_usd, 500)
    assert (settling.cost_event(call(), attempt) is None) == (certainty is None)


@pytest.mark.parametrize("may_be_charged", [True, False])
def test_a_call_without_a_line_stands_as_it_was_decided_or_is_free(*, may_be_charged: bool) -> None:
    attempt = settling.unfinished(call(), "lost", may_be_charged=may_be_charged)
    assert attempt.outcome is AttemptOutcome.CUT_OFF
    assert attempt.cost_usd == (call().cost_usd if may_be_charged else None)


def test_the_response_says_who_has_asked_and_which_batch_has_answered() -> None:
    batch_call = BatchCall(waiting(), "batch_1", "line-0")
    attempt = settling.answered(batch_call.started, ANSWER, 60.0)
    response = settling.response(batch_call, ANSWER, attempt, None, NOW_S + 90)
    assert (response.request_id, response.status, response.lane) == ("r-1", Status.COMPLETED, Lane.BATCH)
    assert (response.batch_id, response.latency_ms) == ("batch_1", 90_000)
    assert (response.request_partition, response.request_offset) == (3, 42)
    assert (response.asked_sha256, response.metadata) == (waiting().asked_sha256, {"team": "a"})
    assert response.attempts == (attempt,)
    assert response.cost_usd == attempt.cost_usd


def test_what_is_saved_is_the_difference_to_the_live_price() -> None:
    attempt = settling.answered(call(), ANSWER, 60.0)
    live = Price(Decimal(1), Decimal(2))
    assert settling.saved_usd(live, attempt) == Decimal("0.000060000")
    assert settling.saved_usd(None, attempt) == 0
    assert settling.saved_usd(live, settling.unfinished(call(), "", may_be_charged=True)) == 0
    assert settling.nano_usd_of([Decimal("0.000060000"), None]) == 60_000


@pytest.mark.parametrize(
    ("end", "counts", "answered", "expected"),
    [
        (BatchState.COMPLETED, BatchCounts(3, 3), 3, True),
        (BatchState.EXPIRED, BatchCounts(3, 2, 1), 2, False),
        (BatchState.EXPIRED, BatchCounts(3, 2, 1), 0, True),
        (BatchState.CANCELLED, BatchCounts(3, 0, 3), 0, False),
        (BatchState.CANCELLED, None, 0, True),
        (BatchState.FAILED, None, 0, False),
        (BatchState.FAILED, BatchCounts(3, 1), 0, True),
    ],
)
def test_results_lack_what_was_charged_if_the_provider_says_so_or_does_not_say(
    end: BatchState, counts: BatchCounts | None, answered: int, *, expected: bool
) -> None:
    assert settling.may_lack_charged(end, BatchStatus(end, counts), answered) is expected


def test_a_request_without_a_decision_has_no_call() -> None:
    answered = waiting().model_copy(update={"state": WaitingState.ANSWERED, "call": None})
    with pytest.raises(ValueError, match="no call"):
        _ = BatchCall(answered, None, "line-0").started
