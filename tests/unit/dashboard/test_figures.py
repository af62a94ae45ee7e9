from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from uuid import uuid4

import pytest

from dashboard.figures import KEPT_FAILOVERS, MOST_CELLS, MOST_KEYS, OTHERS, Figures, Spend
from dashboard.seen import SeenIds
from dashboard.state import MOST_CELLS_SHOWN, MOST_ROWS, STALE_S, UNKNOWN, State, state_of
from schemas.budgets import Budget, BudgetState, BudgetWindow
from schemas.costs import CostEvent
from schemas.failovers import Failover
from schemas.health import BreakerState, HealthStatus, ModelHealth
from schemas.quality import ModelQuality
from schemas.responses import Response
from schemas.vocabulary import AttemptOutcome, Certainty, Status
from tests.warehouses import golden

NOW_S = 1_800_000_000.0
WINDOW_S = 3600
"""Steps of 30 s."""
COST = CostEvent.decode(golden("cost-metered"))
RESPONSE = Response.decode(golden("response-completed"))


def moment(ago_s: float) -> datetime:
    return datetime.fromtimestamp(NOW_S - ago_s, tz=UTC)


def cost(nano: int | None, ago_s: float = 60, **changes: object) -> CostEvent:
    fields: dict[str, object] = {
        "event_id": str(uuid4()),
        "occurred_at": moment(ago_s),
        "occurred_at_ms": int((NOW_S - ago_s) * 1000),
        "outcome": AttemptOutcome.SUCCEEDED,
        "certainty": Certainty.METERED,
        "tenant": "search",
        "request_model": "cheap",
        "cost_nano_usd": nano,
        "baseline_model": "dear",
        "baseline_cost_usd": Decimal("0.000001000"),
    }
    return COST.model_copy(update=fields | changes)


def response(status: Status, ago_s: float = 60, request_id: str | None = None) -> Response:
    return RESPONSE.model_copy(
        update={"request_id": request_id or str(uuid4()), "status": status, "completed_at": moment(ago_s)}
    )


def after(*events: CostEvent | Response, now_s: float = NOW_S) -> State:
    figures = Figures(WINDOW_S)
    for event in events:
        if isinstance(event, CostEvent):
            figures.take_cost(event, NOW_S)
        else:
            figures.take_response(event, NOW_S)
    return state_of(figures, now_s)


def test_savings_are_the_answers_at_the_baseline_less_all_that_was_paid() -> None:
    failed = cost(100, outcome=AttemptOutcome.TIMEOUT)
    unpriced = cost(None)
    no_baseline = cost(7, baseline_cost_usd=None)
    total = after(cost(300), failed, unpriced, no_baseline).total
    assert (total.calls, total.unpriced_calls) == (4, 1)
    assert total.spent_usd == "0.000000407"
    assert total.saved_usd == "0.000000600"
    assert total.baseline_usd == "0.000001007"
    assert total.saved_share == pytest.approx(600 / 1007)


def hit(tenant: str, saved_usd: str | None) -> Response:
    saved = None if saved_usd is None else Decimal(saved_usd)
    told = {"tenant": tenant, "cached": True, "saved_usd": saved}
    return response(Status.COMPLETED).model_copy(update=told)


def test_answers_from_the_cache_are_told_by_tenant_who_saved_most_first() -> None:
    again = hit("a", "0.001")
    told = after(hit("b", "0.002"), again, again, hit("a", None), response(Status.COMPLETED)).cached
    assert [(one.tenant, one.answers, one.saved_usd) for one in told] == [
        ("b", 1, "0.002000000"),
        ("a", 2, "0.001000000"),
    ]
    many = after(*(hit(f"t-{number:03}", f"0.{number:03}") for number in range(MOST_KEYS + 10))).cached
    assert len(many) == MOST_ROWS
    assert sum(one.answers for one in many) == MOST_KEYS + 10
    assert many[-1].tenant == OTHERS


def test_what_is_old_is_forgotten_though_nobody_looks_at_the_page() -> None:
    figures = Figures(WINDOW_S)
    figures.take_cost(cost(300, event_id="x"), NOW_S)
    later_s = NOW_S + 2 * WINDOW_S
    figures.observe(lag=0, in_flight=0, now_s=later_s)
    # its id is forgotten with it, so an event of that id is a new one
    figures.take_cost(cost(500, ago_s=-2 * WINDOW_S, event_id="x"), later_s)
    assert state_of(figures, later_s).total.spent_usd == "0.000000500"


def test_a_cost_event_counts_once_and_the_better_known_one_counts() -> None:
    unknown = cost(900, certainty=Certainty.UNKNOWN, ago_s=120)
    metered = cost(300, event_id=unknown.event_id)
    assert after(unknown, unknown).total.spent_usd == "0.000000900"
    assert after(unknown, metered, unknown, metered).total.spent_usd == "0.000000300"
    assert after(metered, unknown).total.spent_usd == "0.000000300"
    assert after(unknown, metered).total.calls == 1


def test_a_response_counts_once() -> None:
    state = after(
        *[response(Status.COMPLETED, request_id="one")] * 3, response(Status.FAILED), response(Status.REJECTED)
    )
    assert (state.completed, state.failed, state.rejected) == (1, 1, 1)


def test_what_is_older_than_the_window_is_forgotten() -> None:
    figures = Figures(WINDOW_S)
    figures.take_cost(cost(300, ago_s=WINDOW_S + 60), NOW_S)
    figures.take_cost(cost(5, ago_s=10), NOW_S)
    assert state_of(figures, NOW_S).total.spent_usd == "0.000000005"
    assert state_of(figures, NOW_S + WINDOW_S + 60).total.spent_usd == "0.000000000"
    assert figures._steps == {}


def test_a_clock_that_is_ahead_is_told_as_now() -> None:
    assert after(cost(300, ago_s=-600)).total.spent_usd == "0.000000300"


def test_rates_are_of_finished_steps() -> None:
    state = after(*(response(Status.COMPLETED, ago_s=15) for _ in range(30)))
    assert state.now.over_s == 30
    assert state.now.completed_per_s == pytest.approx(1.0)
    assert state.series.completed_per_s[-1] == pytest.approx(1.0)
    assert len(state.series.at_ms) == WINDOW_S // state.step_s - 1
    assert state.series.at_ms[-1] == (NOW_S - 30) * 1000
    assert after(cost(10**9, ago_s=15)).now.spent_usd_per_hour == pytest.approx(120)


def test_models_and_tenants_add_up_to_the_total_and_are_bounded() -> None:
    events = [cost(100 + number, tenant=f"tenant-{number}") for number in range(MOST_KEYS + 50)]
    figures = Figures(WINDOW_S)
    for event in events:
        figures.take_cost(event, NOW_S)
    state = state_of(figures, NOW_S)
    assert [row.name for row in state.models] == ["cheap"]
    assert len(state.tenants) == MOST_ROWS + 1
    assert state.tenants[0].name == OTHERS
    assert sum(row.calls for row in state.tenants) == len(events)
    assert sum(Decimal(row.spent_usd) for row in state.tenants) == Decimal(state.total.spent_usd)


def test_ids_are_bounded_and_the_oldest_are_forgotten_first() -> None:
    seen = SeenIds(most=3)
    assert all(seen.add(name, step) for step, name in enumerate("abcd"))
    assert not seen.add("d", 9)
    assert not seen.add("b", 9)
    assert seen.add("a", 9)
    seen.forget_before(9)
    assert seen.add("d", 9)


def health(**changes: object) -> ModelHealth:
    fields = {
        "request_model": "cheap",
        "as_of": moment(1),
        "window_s": 60,
        "status": HealthStatus.DEGRADED,
        "requests": 100,
        "error_rate": 0.07,
        "timeout_rate": 0.0,
        "p50_ms": 300.0,
        "p90_ms": 700.0,
        "p99_ms": 900.0,
        "requests_per_minute": 100.0,
        "tokens_per_minute": 10_000.0,
        "in_flight": 4,
        "workers": 3,
        "breakers": {"a": BreakerState.HALF_OPEN, "b": BreakerState.OPEN},
    }
    return ModelHealth.model_validate(fields | changes)


def test_the_latest_health_is_shown_and_stale_health_is_unknown() -> None:
    figures = Figures(WINDOW_S)
    figures.take_health(health(in_flight=9))
    figures.take_health(health())
    figures.take_health(health(request_model="dear", breakers={}, in_flight=2))
    state = state_of(figures, NOW_S)
    cheap, dear = state.health
    assert (cheap.status, cheap.breaker, cheap.breaker_workers) == ("degraded", BreakerState.OPEN, 1)
    assert dear.breaker is BreakerState.CLOSED
    assert state.in_flight == 6
    later = state_of(figures, NOW_S + STALE_S)
    assert [one.status for one in later.health] == [UNKNOWN, UNKNOWN]
    assert later.in_flight == 0


def test_a_step_shows_the_most_that_was_in_flight_and_waited() -> None:
    figures = Figures(WINDOW_S)
    for lag, in_flight in ((3, 1), (9, 5), (None, 2)):
        figures.observe(lag, in_flight, NOW_S - 15)
    state = state_of(figures, NOW_S)
    assert (state.series.lag[-1], state.series.in_flight[-1]) == (9, 5)
    assert state.series.lag[-2] is None
    assert state.lag is None


def budget(tenant: str, spent: str, limit: str | None, ends_in_s: float) -> Budget:
    window = BudgetWindow(
        window="day",
        window_start=moment(3600),
        window_end=moment(-ends_in_s),
        spent_usd=Decimal(spent),
        limit_usd=None if limit is None else Decimal(limit),
        state=BudgetState.WARNED,
    )
    return Budget(tenant=tenant, as_of=moment(1), windows=(window,), **window.model_dump())


def test_budgets_with_a_limit_are_bars_and_those_of_yesterday_are_not() -> None:
    figures = Figures(WINDOW_S)
    for one in (
        budget("a", "1", "10", 60),
        budget("b", "8", "10", 60),
        budget("a", "9", "10", 60),
        budget("open", "5", None, 60),
        budget("over", "5", "10", -60),
    ):
        figures.take_budget(one)
    bars = state_of(figures, NOW_S).budgets
    assert [(bar.tenant, bar.spent_usd, bar.share) for bar in bars] == [
        ("a", "9.000000000", 0.9),
        ("b", "8.000000000", 0.8),
    ]


def test_the_latest_failovers_come_first_and_are_bounded() -> None:
    first = Failover.decode(golden("failover"))
    figures = Figures(WINDOW_S)
    for number in range(KEPT_FAILOVERS + 5):
        figures.take_failover(first.model_copy(update={"occurred_at": moment(1000) + timedelta(seconds=number)}))
    shown = state_of(figures, NOW_S).failovers
    assert len(shown) == KEPT_FAILOVERS
    assert shown[0].at_ms == int(moment(1000 - KEPT_FAILOVERS - 4).timestamp() * 1000)


def test_what_is_taken_off_leaves_nothing() -> None:
    spend, one = Spend(), Spend(calls=1, unpriced_calls=1, spent=5, baseline=9, compared=4)
    spend.add(one)
    spend.add(replace(one), -1)
    assert spend == Spend()


def test_the_latest_quality_is_shown_by_task_and_difficulty_with_who_is_outvoted_and_is_bounded() -> None:
    figures = Figures(WINDOW_S)
    one_of_them = ModelQuality.decode(golden("model-quality"))
    for model, difficulty, mean, weight in (
        ("alpha", "hard", 0.4, 10.0),
        ("beta", "easy", 0.1, 10.0),
        ("beta", "easy", 0.5, 10.0),
        ("alpha", "easy", 0.9, 10.0),
        ("gamma", "medium", 0.0, 0.0),
    ):
        told = {"request_model": model, "difficulty": difficulty, "mean": mean, "weight": weight}
        figures.take_quality(ModelQuality.model_validate({**one_of_them.model_dump(), **told}))
    shown = state_of(figures, NOW_S).quality
    assert [(one.model, one.difficulty, one.mean) for one in shown] == [
        ("alpha", "easy", 0.9),
        ("beta", "easy", 0.5),
        ("gamma", "medium", None),
        ("alpha", "hard", 0.4),
    ]
    assert shown[0].outvoted == ("acme/mallory",)
    for number in range(MOST_CELLS + 100):
        figures.take_quality(ModelQuality.model_validate({**one_of_them.model_dump(), "request_model": f"m{number}"}))
    assert len(figures.quality) == MOST_CELLS
    assert len(state_of(figures, NOW_S).quality) == MOST_CELLS_SHOWN
