"""The figures at the end of the demo: what they count, and what they do not let pass."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from sandbox.demo.figures import Outage, Story, percentile, work_out
from sandbox.demo.tally import Tally, is_fallback
from sandbox.provider.exam import Exam
from sandbox.provider.invoice import InvoiceRow
from sandbox.provider.outcome import FinishReason
from schemas.costs import CostEvent, cost_event_id
from schemas.failovers import Failover
from schemas.health import BreakerState
from schemas.message import Message
from schemas.responses import Attempt, Response, Skipped
from schemas.topics import Topic
from schemas.vocabulary import AttemptOutcome, SkipReason, Status, Task, Tier
from tests.warehouses import golden

COST = CostEvent.decode(golden("cost-metered"))
NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)
FIRST, SECOND = "gpt-4.1", "claude-sonnet-4.5"
EXAM = Exam(1)
OUTAGE = Outage(FIRST, NOON, NOON + timedelta(seconds=7))


def asked(*request_ids: str) -> dict[str, str]:
    return dict.fromkeys(request_ids, "no part of the exam")


def attempt(number: int, model: str, *, failed: bool = False) -> Attempt:
    return Attempt(
        attempt=number,
        provider_name="somebody",
        request_model=model,
        outcome=AttemptOutcome.UNAVAILABLE if failed else AttemptOutcome.SUCCEEDED,
        started_at=NOON,
        latency_ms=100 * number,
    )


def response(
    request_id: str, *attempts: Attempt, skipped: tuple[Skipped, ...] = (), at_s: float = 0, latency_ms: int = 500
) -> Response:
    answered = bool(attempts) and attempts[-1].outcome is AttemptOutcome.SUCCEEDED
    return Response(
        request_id=request_id,
        status=Status.COMPLETED if answered else Status.FAILED,
        tenant="shop",
        task=Task.QA,
        tier=Tier.POWERFUL,
        request_model=attempts[-1].request_model if answered else None,
        attempts=attempts,
        skipped=skipped,
        received_at=NOON,
        completed_at=NOON + timedelta(seconds=at_s),
        latency_ms=latency_ms,
        request_topic="llm.requests.v1",
        request_partition=0,
        request_offset=0,
    )


def event_id(request_id: str) -> str:
    return cost_event_id("shop", request_id, "llm.requests.v1-0-0", 1)


def cost(request_id: str, nano_usd: int, *, baseline_nano_usd: int, model: str = FIRST) -> CostEvent:
    changes = {
        "event_id": event_id(request_id),
        "occurred_at": NOON,
        "occurred_at_ms": int(NOON.timestamp() * 1000),
        "request_id": request_id,
        "attempt": 1,
        "is_fallback": False,
        "tenant": "shop",
        "task": Task.QA,
        "tier": Tier.POWERFUL,
        "request_model": model,
        "cost_usd": Decimal(nano_usd).scaleb(-9),
        "cost_nano_usd": nano_usd,
        "baseline_model": FIRST,
        "baseline_cost_usd": Decimal(baseline_nano_usd).scaleb(-9),
    }
    return COST.model_copy(update=changes)


def charge(event: CostEvent) -> InvoiceRow:
    nano_usd = event.cost_nano_usd or 0
    return InvoiceRow(
        "x", event.event_id, FIRST, 1, 0, 1, FinishReason.STOP, Decimal(nano_usd).scaleb(-9), nano_usd, NOON
    )


def switch(worker: str, to_state: BreakerState, at_s: float) -> Failover:
    return Failover(
        occurred_at=NOON + timedelta(seconds=at_s),
        request_model=FIRST,
        provider_name="somebody",
        from_state="whatever it was",
        to_state=to_state,
        reason="unavailable",
        alternatives=(SECOND,),
        worker=worker,
    )


def tally_of(*messages: Message) -> Tally:
    topics: dict[type[Message], Topic] = {Response: Topic.RESPONSES, CostEvent: Topic.COSTS, Failover: Topic.FAILOVERS}
    tally = Tally()
    for message in messages:
        tally.add(next(topic for kind, topic in topics.items() if isinstance(message, kind)), message.encode())
    return tally


@pytest.mark.parametrize(
    ("values", "share", "expected"),
    [([], 0.5, None), ([7], 0.99, 7), ([3, 1, 2], 0.5, 2), (range(1, 101), 0.99, 99), (range(1, 102), 0.99, 100)],
)
def test_a_percentile_is_the_smallest_value_that_enough_values_do_not_exceed(
    values: list[int], share: float, expected: int | None
) -> None:
    assert percentile(values, share) == expected


def test_a_fallback_is_an_answer_of_another_model_than_the_one_that_failed_or_was_passed_over() -> None:
    passed_over = (Skipped(request_model=FIRST, reason="breaker open", code=SkipReason.BREAKER_OPEN),)
    too_dear = (Skipped(request_model=FIRST, reason="above the cap", code=SkipReason.ABOVE_COST_CAP),)

    assert is_fallback(response("a", attempt(1, FIRST, failed=True), attempt(2, SECOND)))
    assert is_fallback(response("a", attempt(1, SECOND), skipped=passed_over))
    assert not is_fallback(response("a", attempt(1, FIRST, failed=True), attempt(2, FIRST)))
    assert not is_fallback(response("a", attempt(1, SECOND), skipped=too_dear))
    assert not is_fallback(response("a", attempt(1, FIRST, failed=True)))


def test_the_error_rate_is_by_calls_and_a_models_latency_is_that_of_its_own_answers() -> None:
    tally = tally_of(
        response("a", attempt(1, FIRST, failed=True), attempt(2, SECOND), latency_ms=900),
        response("b", attempt(1, FIRST), latency_ms=300),
    )
    figures = work_out(asked("a", "b"), tally, [], None, EXAM)
    (task,), by_model = figures.by_task, {row.name: row for row in figures.by_model}

    assert (task.requests, task.calls, task.failed_calls, task.fallbacks) == (2, 3, 1, 1)
    assert (task.p50_ms, task.p99_ms) == (300, 900)
    assert (by_model[FIRST].requests, by_model[FIRST].p99_ms, by_model[FIRST].error_rate) == (1, 100, 0.5)
    assert (by_model[SECOND].requests, by_model[SECOND].p99_ms, by_model[SECOND].fallbacks) == (1, 200, 1)


def test_a_run_in_which_everything_was_answered_once_and_charged_as_billed_has_no_problems() -> None:
    event = cost("a", 400, baseline_nano_usd=1000)
    figures = work_out(
        asked("a"), tally_of(response("a", attempt(1, FIRST)), event, event), [charge(event)], None, EXAM
    )

    assert figures.problems == ()
    assert figures.bill_equals_invoice
    assert (figures.by_tenant[0].name, figures.by_tenant[0].cost_usd) == ("shop", Decimal("0.0000004"))


def test_savings_are_stated_with_and_without_the_fallbacks_and_may_be_negative() -> None:
    tally = tally_of(
        response("a", attempt(1, FIRST)),
        cost("a", 500, baseline_nano_usd=1000),
        response("b", attempt(1, FIRST, failed=True), attempt(2, SECOND)),
        cost("b", 3500, baseline_nano_usd=1000, model=SECOND),
    )
    savings = work_out(asked("a", "b"), tally, [], None, EXAM).savings

    assert savings is not None
    assert (savings.saved, savings.saved_without_fallbacks) == (-1.0, 0.5)


@pytest.mark.parametrize(
    ("tally", "problem"),
    [
        (tally_of(), "1 of 1 requests without a response (first a)"),
        (
            tally_of(response("a", attempt(1, FIRST)), response("a", attempt(1, FIRST))),
            "1 of 1 requests with more than one response (first a)",
        ),
        (
            tally_of(response("a", attempt(1, FIRST)), response("b", attempt(1, FIRST))),
            "1 of 1 requests answered and never asked (first b)",
        ),
        (
            tally_of(response("a", attempt(1, FIRST)), cost("a", 5, baseline_nano_usd=5)),
            f"The bill does not equal the invoice: 1 call billed and never charged (first {event_id('a')}).",
        ),
    ],
)
def test_a_request_that_was_not_answered_once_and_a_wrong_bill_are_problems(tally: Tally, problem: str) -> None:
    assert work_out(asked("a"), tally, [], None, EXAM).problems == (problem,)


def test_a_dead_letter_is_a_problem() -> None:
    tally = tally_of(response("a", attempt(1, FIRST)))
    tally.add(Topic.DEAD_LETTERS, b"\xff")

    assert work_out(asked("a"), tally, [], None, EXAM).problems == ("1 dead letter",)


def test_the_outage_is_told_from_the_first_openings_to_the_last_closing() -> None:
    passed_over = (Skipped(request_model=FIRST, reason="breaker open", code=SkipReason.BREAKER_OPEN),)
    tally = tally_of(
        switch("worker-1", BreakerState.OPEN, 0.5),
        switch("worker-2", BreakerState.OPEN, 1.5),
        switch("worker-1", BreakerState.HALF_OPEN, 2.5),
        switch("worker-1", BreakerState.OPEN, 2.6),
        response("a", attempt(1, SECOND), skipped=passed_over, at_s=3),
        response("b", attempt(1, FIRST), at_s=0.1),
        response("c", attempt(1, FIRST, failed=True), at_s=4),
        response("d", attempt(1, FIRST), at_s=8),
        switch("worker-1", BreakerState.CLOSED, 8),
        switch("worker-2", BreakerState.CLOSED, 9),
    )

    assert work_out(asked("a", "b", "c", "d"), tally, [], OUTAGE, EXAM).outage == Story(
        model=FIRST,
        lasted_s=7,
        opened_after_s={"worker-1": 0.5, "worker-2": 1.5},
        recovered_after_s=2,
        completed_meanwhile=2,
        fallbacks_meanwhile=1,
        failed_meanwhile=1,
    )


def test_a_breaker_that_stays_open_on_one_worker_is_no_recovery() -> None:
    tally = tally_of(
        switch("worker-1", BreakerState.OPEN, 1),
        switch("worker-2", BreakerState.OPEN, 1),
        switch("worker-1", BreakerState.CLOSED, 8),
    )
    story = work_out(asked(), tally, [], OUTAGE, EXAM).outage

    assert story is not None
    assert story.recovered_after_s is None
    assert tally.models[FIRST].workers_with(BreakerState.OPEN) == 1
