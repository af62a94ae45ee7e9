"""`turnout report`, from a DuckDB file and from a real Postgres."""

import re
import sys
import uuid
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from subprocess import CompletedProcess, run
from typing import Any

import orjson
import pytest
from playwright.sync_api import sync_playwright

from schemas.budgets import BudgetState
from streams.cli.report import norms_of
from streams.config.catalogue_file import load_catalogue
from tests.harness import ROOT
from tests.reference import in_chain_order
from tests.warehouses import Warehouse, batch_of, golden
from warehouse.advice import Recommendation
from warehouse.budgets import BudgetLimits, budget_use
from warehouse.report import Period, make_report
from warehouse.store import Engine

DEAR, CHEAP = "gpt-4.1", "deepseek-v3.2"
PRICES = {DEAR: Decimal("4.00"), CHEAP: Decimal("0.21")}


def event(model: str, **changes: object) -> bytes:
    """An answer of 10,000 tokens in and 10,000 out."""
    cost = PRICES[model] * 20_000 / 1_000_000
    answer: dict[str, object] = {
        "event_id": str(uuid.uuid4()),
        "request_id": str(uuid.uuid4()),
        "request_model": model,
        "tenant": "search",
        "task": "coding",
        "tier": "balanced",
        "tags_json": '{"feature": "<script>alert(1)</script>"}',
        "input_tokens": 10_000,
        "output_tokens": 10_000,
        "input_usd_per_mtok": str(PRICES[model]),
        "output_usd_per_mtok": str(PRICES[model]),
        "cost_usd": f"{cost:.9f}",
        "cost_nano_usd": int(cost * 10**9),
        "baseline_cost_usd": "0.080000000",
    }
    return golden("cost-metered", **answer | changes)


@pytest.fixture(params=list(Engine))
def warehouse(request: pytest.FixtureRequest, tmp_path: Path) -> Warehouse:
    if request.param is Engine.DUCKDB:
        return Warehouse.in_file(tmp_path)
    return Warehouse.in_postgres(request.getfixturevalue("postgres"))


def fill(warehouse: Warehouse, *events: bytes) -> None:
    store = warehouse.open()
    store.write(batch_of(list(events), []))
    store.close()


def report(warehouse: Warehouse, *arguments: str) -> CompletedProcess[str]:
    command = [sys.executable, "-m", "streams.cli", "report", *warehouse.options, *arguments]
    return run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=60)


def told(warehouse: Warehouse, *arguments: str) -> dict[str, Any]:
    done = report(warehouse, *arguments, "--json")
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = orjson.loads(done.stdout)
    return found


def advised(warehouse: Warehouse) -> tuple[Recommendation, ...]:
    norms = norms_of(load_catalogue(ROOT / "catalogue.toml").catalogue)
    store = warehouse.open(read_only=True)
    try:
        return make_report(store, Period(), "model", norms, datetime.now(UTC)).recommendations
    finally:
        store.close()


def test_spend_savings_and_a_recommendation_with_its_arithmetic(warehouse: Warehouse, tmp_path: Path) -> None:
    fill(warehouse, *(event(DEAR) for _ in range(30)), *(event(CHEAP) for _ in range(40)))
    found = told(warehouse, "--by", "tag:feature")
    total = found["total"]
    # 30 x 0.08 + 40 x 0.0042, against 70 x 0.08
    assert Decimal(total["cost_usd"]) == Decimal("2.568")
    assert Decimal(total["saved_usd"]) == Decimal("3.032")
    assert [row["key"] for row in found["rows"]] == ["<script>alert(1)</script>"]
    (advice,) = found["recommendations"]
    assert (advice["model"], advice["instead"], advice["tenant"]) == (DEAR, CHEAP, "search")
    # 300,000 tokens in and as many out, at 0.21
    assert Decimal(advice["instead_cost_usd"]) == Decimal("0.126")
    assert Decimal(advice["saving_usd"]) == Decimal("2.274")
    assert "30 calls of gpt-4.1 cost 2.4000 USD, 93.5% of all spend" in advice["sentence"]
    assert "answered 40 of 40 such calls" in advice["sentence"]

    shown = report(warehouse, "--by", "model")
    assert shown.returncode == 0, shown.stderr
    assert "2.274" in shown.stdout

    written = tmp_path / "report.html"
    assert report(warehouse, "--by", "tag:feature", "--html", str(written)).returncode == 0
    text = written.read_text()
    assert "<script>alert" not in text
    assert not re.search(r"(?:src|href)\s*=\s*[\"']", text.split("<style>")[0])
    assert "default-src 'none'" in text


def test_a_period_has_its_first_and_last_day(warehouse: Warehouse) -> None:
    days = ("2026-01-30", "2026-01-31", "2026-02-01")
    fill(warehouse, *(event(CHEAP, occurred_at=f"{day}T23:59:59Z") for day in days))
    found = told(warehouse, "--by", "day", "--since", days[1], "--until", days[1])
    assert [row["key"] for row in found["rows"]] == [days[1]]
    assert [row["key"] for row in told(warehouse, "--by", "day")["rows"]] == list(days)


def spent(tenant: str, day: str, usd: str, **changes: object) -> bytes:
    nano = int(Decimal(usd) * 10**9)
    known: dict[str, object] = {"occurred_at": f"{day}T11:00:00Z", "cost_usd": usd, "cost_nano_usd": nano}
    return event(CHEAP, tenant=tenant, **known | changes)


def test_budgets_are_used_by_utc_day_and_month_and_projected_to_their_end(warehouse: Warehouse) -> None:
    fill(
        warehouse,
        spent("search", "2026-02-10", "0.400000000"),
        spent("search", "2026-02-10", "0.450000000", certainty="unknown", outcome="timeout"),
        spent("search", "2026-02-10", "9.000000000", cost_usd=None, cost_nano_usd=None, price_status="unknown"),
        spent("search", "2026-02-01", "1.000000000"),
        spent("search", "2026-01-31", "50.000000000"),
        spent("ads", "2026-02-10", "3.000000000"),
        spent("nobody", "2026-02-10", "7.000000000"),
    )
    limits = [
        BudgetLimits("search", Decimal(1), Decimal(10), (Decimal("0.5"), Decimal("0.8"))),
        BudgetLimits("ads", Decimal(3), None, ()),
        BudgetLimits("idle", None, Decimal(5), (Decimal("0.8"),)),
    ]
    store = warehouse.open(read_only=True)
    try:
        now = datetime(2026, 2, 10, 18, tzinfo=UTC)
        uses = {(use.tenant, use.window): use for use in budget_use(store, limits, now)}
        early = budget_use(store, limits, datetime(2026, 2, 10, 0, 30, tzinfo=UTC))
    finally:
        store.close()
    assert list(uses) == [("ads", "day"), ("search", "day"), ("search", "month"), ("idle", "month")]
    # 0.85 in 18 of 24 hours; 1.85 in 9.75 of February's 28 days
    day, month = uses["search", "day"], uses["search", "month"]
    assert (day.spent_usd, day.share, day.state) == (Decimal("0.85"), Decimal("0.85"), BudgetState.WARNED)
    assert day.projected_usd == Decimal("0.85") * 24 / 18
    assert (month.spent_usd, month.state) == (Decimal("1.85"), BudgetState.WITHIN)
    assert month.projected_usd == Decimal("1.85") * 672 / 234
    assert day.crossed == (Decimal("0.5"), Decimal("0.8"))
    assert "85.0%, past 80%. At this pace" in str(day)
    assert "18.5%, below 50%. At" in str(month)
    assert "0.8500 x 24 h / 18.0 h = 1.1333 USD at the end, 113.3%" in str(day)
    assert uses["ads", "day"].state is BudgetState.EXHAUSTED
    assert uses["idle", "month"].spent_usd == 0
    assert {use.window for use in early if use.projected_usd is None} == {"day"}


def test_the_arms_of_experiments_are_compared_with_intervals(warehouse: Warehouse) -> None:
    store = warehouse.open()
    responses: list[bytes | None] = [
        golden("response-completed", request_id=f"{arm}-{number}", arm=arm, cost_usd=usd)
        for arm, usd in (("control", "0.004"), ("cheaper", "0.001"))
        for number in range(3)
    ]
    store.write(batch_of([], responses))
    store.close()
    cheaper, control = told(warehouse)["arms"]
    assert (cheaper["name"], cheaper["requests"], cheaper["usd"]["value"]) == ("cheaper", 3, 0.001)
    assert (control["name"], control["answered"]["value"], control["usd"]["value"]) == ("control", 1.0, 0.004)
    assert control["answered"]["low"] < 0.5, "three requests say little"
    shown = report(warehouse)
    assert "Experiments, with 95 % intervals" in shown.stdout
    assert "0.001000 (0.001000 to 0.001000)" in shown.stdout


def test_the_report_shows_budgets_in_every_form(warehouse: Warehouse, tmp_path: Path) -> None:
    catalogue, written = tmp_path / "catalogue.toml", tmp_path / "report.html"
    catalogue.write_text(f'{in_chain_order()}\n[tenants."a<b"]\ndaily_budget_usd = 2\n')
    today = datetime.now(UTC).date().isoformat()
    fill(warehouse, spent("a<b", today, "1.700000000"))
    named = ("--catalogue", str(catalogue))
    (budget,) = told(warehouse, *named)["budgets"]
    if budget["as_of"][:10] == today:  # it is not just past midnight
        assert (budget["tenant"], budget["window"], budget["state"]) == ("a<b", "day", "warned")
        assert [Decimal(budget[name]) for name in ("spent_usd", "limit_usd", "share")] == [
            Decimal("1.7"),
            2,
            Decimal("0.85"),
        ]
        assert "a<b, this day: 1.7000 of 2.0000 USD, 85.0%" in report(warehouse, *named).stdout
    assert report(warehouse, *named, "--html", str(written)).returncode == 0
    assert "<td>a&lt;b, this day</td>" in written.read_text()


@pytest.mark.parametrize(
    "cheap",
    [
        [event(CHEAP) for _ in range(19)],  # too few to show anything
        [event(CHEAP, task="qa") for _ in range(40)],  # another task
        [event(CHEAP, tier="powerful") for _ in range(40)],  # another tier
        [event(CHEAP) for _ in range(37)] + [event(CHEAP, outcome="timeout") for _ in range(3)],  # not well enough
    ],
)
def test_nothing_is_recommended_that_the_data_does_not_show(tmp_path: Path, cheap: list[bytes]) -> None:
    warehouse = Warehouse.in_file(tmp_path)
    fill(warehouse, *(event(DEAR) for _ in range(30)), *cheap)
    assert advised(warehouse) == ()


def test_a_model_below_the_floor_is_not_recommended(tmp_path: Path) -> None:
    warehouse = Warehouse.in_file(tmp_path)
    both = [*(event(DEAR, tier="powerful") for _ in range(30)), *(event(CHEAP, tier="powerful") for _ in range(40))]
    fill(warehouse, *both)
    assert advised(warehouse) == ()


def test_mistakes_and_emptiness_are_said(tmp_path: Path) -> None:
    missing = Warehouse.in_file(tmp_path)
    assert "There is no warehouse at" in report(missing).stderr
    missing.open().close()
    assert told(missing)["rows"] == []
    wrong = report(missing, "--by", "colour")
    assert wrong.returncode == 1
    assert "There is no dimension 'colour'" in wrong.stderr


def test_the_page_draws_its_charts_in_a_browser_and_fetches_nothing(chromium: str, tmp_path: Path) -> None:
    warehouse, written = Warehouse.in_file(tmp_path), tmp_path / "report.html"
    fill(warehouse, *(event(DEAR) for _ in range(30)), *(event(CHEAP) for _ in range(40)))
    assert report(warehouse, "--html", str(written)).returncode == 0
    requested: list[str] = []
    complaints: list[str] = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 375, "height": 800})
        page.on("request", lambda request: requested.append(request.url))
        page.on("console", lambda message: complaints.append(message.text))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.goto(written.as_uri())
        page.wait_for_selector("body[data-drawn=yes]")
        painted = page.evaluate(
            "[...document.querySelectorAll('canvas')].map(canvas => new Set(canvas.getContext('2d')"
            ".getImageData(0, 0, canvas.width, canvas.height).data).size > 3)"
        )
        assert painted == [True, True, True]
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        browser.close()
    assert requested == [written.as_uri()]
    assert complaints == []
