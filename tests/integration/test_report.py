"""`turnout report`, from a DuckDB file and from a real Postgres."""

import re
import sys
import uuid
from decimal import Decimal
from pathlib import Path
from subprocess import CompletedProcess, run
from typing import Any

import orjson
import pytest
from playwright.sync_api import sync_playwright

from streams.catalogue_file import load_catalogue
from tests.harness import ROOT
from tests.warehouses import Warehouse, batch_of, golden
from warehouse.advice import ModelQuality, Recommendation
from warehouse.report import Period, make_report
from warehouse.store import Engine

CHROMIUM = "/usr/bin/chromium"
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
    catalogue = load_catalogue(ROOT / "catalogue.toml").catalogue
    qualities = [ModelQuality(model.name, model.quality) for model in catalogue.models.values()]
    store = warehouse.open(read_only=True)
    try:
        floors = {tier.value: floor for tier, floor in catalogue.quality_floors.items()}
        return make_report(store, Period(), "model", qualities, floors).recommendations
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
    assert "2.4000 USD, 93.5% of all spend" in advice["sentence"]
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


def test_the_page_draws_its_charts_in_a_browser_and_fetches_nothing(tmp_path: Path) -> None:
    warehouse, written = Warehouse.in_file(tmp_path), tmp_path / "report.html"
    fill(warehouse, *(event(DEAR) for _ in range(30)), *(event(CHEAP) for _ in range(40)))
    assert report(warehouse, "--html", str(written)).returncode == 0
    requested: list[str] = []
    complaints: list[str] = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
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
