"""Calls that answered no request: in what was spent, apart, and in no comparison or recommendation."""

from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

from tests.warehouses import Warehouse, batch_of, golden
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
