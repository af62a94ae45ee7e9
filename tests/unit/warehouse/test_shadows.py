"""Calls that answered no request: in what was spent, apart, and in no comparison or recommendation."""

from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from tests.warehouses import Warehouse, batch_of, golden
from warehouse.experiments import mean, shadow_arms, share
from warehouse.report import Norms, Period, make_report, spend_by

NOW = datetime(2026, 1, 31, 12, tzinfo=UTC)


def test_what_shadows_and_judges_cost_is_told_by_purpose_and_is_no_saving(tmp_path: Path) -> None:
    store = Warehouse.in_file(tmp_path).open()
    apart = {"tenant": "turnout-shadow", "baseline_model": None, "baseline_cost_usd": None}
    answer = golden("cost-metered", event_id="a", cost_usd="0.010000000", cost_nano_usd=10_000_000)
    shadow = golden("cost-metered", event_id="s", purpose="shadow", cost_usd="0.002000000", **apart)
    judges = [
        golden("cost-metered", event_id=f"j-{number}", purpose="judge", attempt=2, cost_usd="0.003000000", **apart)
        for number in range(2)
    ]
    store.write(batch_of([answer], []))
    before = make_report(store, Period(), "model", Norms(), NOW)
    store.write(batch_of([shadow, *judges], []))
    made = make_report(store, Period(), "model", Norms(), NOW)
    rows = {row.key: (row.calls, row.cost_usd) for row in spend_by(store, Period(), "purpose")}
    assert rows == {
        "answer": (1, Decimal("0.010000000")),
        "shadow": (1, Decimal("0.002000000")),
        "judge": (2, Decimal("0.006000000")),
    }
    assert [(row.key, row.calls) for row in made.shadows] == [("judge", 2), ("shadow", 1)]
    assert made.total.cost_usd == Decimal("0.018000000")
    assert made.total.saved_usd == before.total.saved_usd
    assert before.shadows == ()
    store.close()


def test_shadows_are_told_by_experiment_beside_the_answers_of_their_requests(tmp_path: Path) -> None:
    store = Warehouse.in_file(tmp_path).open()
    verdicts = [
        {"judge": "gpt-4.1", "answered_score": 0.5, "shadow_score": score, "shadow_was_first": True}
        for score in (0.6, 0.7, 0.9)
    ]
    shadows: list[bytes | None] = [
        golden("shadow-answer", request_id=f"e-{number}", experiment="dear", verdict=verdict, cost_usd="0.002")
        for number, verdict in enumerate(verdicts)
    ]
    shadows.append(golden("shadow-answer", request_id="f", status="failed", verdict=None, cost_usd=None))
    shadows += [shadows[0], golden("shadow-answer", request_id="e-0", experiment="other"), b"{}"]
    batch = batch_of([], [], shadows=shadows)
    store.write(batch)
    ever = date(1, 1, 1), date(9999, 12, 31)
    of_models, dear = sorted(shadow_arms(store, *ever), key=lambda arm: arm.experiment or "")
    assert (of_models.experiment, of_models.shadows, of_models.answered) == (None, 1, share(0, 1))
    assert (of_models.usd, of_models.judged, of_models.score, of_models.difference) == (None, 0, None, None)
    assert (dear.experiment, dear.shadows, dear.judged, dear.answered) == ("dear", 3, 3, share(3, 3))
    assert dear.usd == mean(0.002, 0.0, 3)
    assert dear.answered_score == mean(0.5, 0.0, 3)
    assert dear.difference is not None
    assert dear.difference.value == pytest.approx(0.7 + 0.1 / 3 - 0.5)
    assert dear.difference.high - dear.difference.low == pytest.approx(2 * 1.959964 * 0.1527525 / 3**0.5, rel=1e-5)
    assert store.query("SELECT count(*) FROM unreadable_records") == [(1,)]
    ((answered_by, judged, score),) = store.query(
        "SELECT answered_by, judged, round(shadow_score, 4) FROM shadow_results WHERE judged > 0"
    )
    assert (answered_by, judged, score) == ("gemini-2.5-flash", 3, 0.7333)
    store.close()
