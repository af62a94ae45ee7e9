"""`turnout dashboard` in a real Chromium, over a real pipeline."""

import asyncio
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from urllib.parse import urlsplit

import httpx
from playwright.async_api import Page, async_playwright, expect

from sandbox.postgres import PostgresInfo
from sandbox.provider.faults import Fault, FaultKind
from schemas.batch_lanes import BatchLane
from schemas.budgets import Budget
from schemas.topics import Topic
from schemas.vocabulary import AttemptOutcome, Status
from streams.kafka.clients import producer
from tests.harness import ROOT, MakePipeline, MakeProvider, Pipeline
from tests.reference import in_chain_order
from tests.warehouses import Warehouse, golden

PATIENCE_MS = 30_000
TENANTS = """
[tenants.search]
daily_budget_usd = 1
[tenants."<script>alert(1)</script>"]
daily_budget_usd = 2
"""
BAD_NAME = "<script>alert(1)</script>"


@contextmanager
def dashboard(pipeline: Pipeline, *arguments: str) -> Iterator[str]:
    """Start one on a free port; gives its address."""
    command = [sys.executable, "-m", "streams.cli", "dashboard", "--port", "0", *arguments]
    environment = {**os.environ, **pipeline.environment}
    with subprocess.Popen(command, cwd=ROOT, env=environment, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        try:
            line = process.stderr.readline()
            found = re.search(r"http://127\.0\.0\.1:\d+", line)
            assert found, line + process.stderr.read()
            yield found[0]
        finally:
            process.send_signal(signal.SIGINT)
            assert process.wait(30) == 130


def requests(prefix: str, count: int, **fields: object) -> list[dict[str, object]]:
    return [
        {
            "request_id": f"{prefix}{number}",
            "prompt": f"What is {number} + 1?",
            "tenant": "search",
            "max_tokens": 50,
            **fields,
        }
        for number in range(count)
    ]


async def spent_as_the_topic_says(pipeline: Pipeline) -> tuple[Decimal, Decimal]:
    """Return what was spent and saved, by the sums of the topic's events."""
    events = {event.event_id: event for event in await pipeline.costs()}.values()
    spent = sum((event.cost_usd or Decimal(0) for event in events), Decimal(0))
    answers = (event for event in events if event.outcome is AttemptOutcome.SUCCEEDED)
    return spent, sum((event.baseline_cost_usd or Decimal(0) for event in answers), Decimal(0)) - spent


async def shows(page: Page, place: str, exact: str) -> None:
    await expect(page.locator(place)).to_have_attribute("data-value", exact, timeout=PATIENCE_MS)


async def test_the_page_shows_what_the_topics_say_and_asks_nobody_else(
    make_pipeline: MakePipeline, make_provider: MakeProvider, chromium: str, tmp_path: Path
) -> None:
    catalogue, provider = tmp_path / "tenants.toml", make_provider()
    catalogue.write_text(f"{in_chain_order()}\n{TENANTS}\n")
    pipeline = await make_pipeline(provider, TURNOUT_CATALOGUE=str(catalogue))
    await asyncio.to_thread(provider.add_fault, Fault(model="gemini-2.5-flash", fault=FaultKind.OUTAGE, duration_s=300))
    published = [
        *requests("a", 60, tier="fast"),
        *requests("b", 20, tenant=BAD_NAME, tier="powerful"),
        *requests("c", 5, max_cost_usd="0.0000001"),
    ]
    await pipeline.publish(published)
    pipeline.start_worker()
    ids = [str(request["request_id"]) for request in published]
    await pipeline.wait_for_responses(ids)

    requested: list[str] = []
    complaints: list[str] = []
    with dashboard(pipeline) as address:
        async with async_playwright() as playwright:
            browser = await playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
            page = await browser.new_page(viewport={"width": 375, "height": 800})
            page.on("request", lambda request: requested.append(request.url))
            page.on("console", lambda message: complaints.append(message.text))
            page.on("pageerror", lambda error: complaints.append(str(error)))
            await page.goto(address)
            await page.wait_for_selector("body[data-drawn=yes]")
            await _see_that_it_is_true(pipeline, page)

            # live: what comes later is there without anybody's doing
            await pipeline.publish(requests("d", 10))
            await pipeline.wait_for_responses([f"d{number}" for number in range(10)])
            await _see_that_it_is_true(pipeline, page)
            # a cost event that is delivered again adds nothing
            first = (await pipeline.records(Topic.COSTS))[0]
            async with producer(pipeline.settings) as client:
                await client.send_and_wait(first.topic, first.value, key=first.key)
            await pipeline.publish(requests("e", 1))
            await pipeline.wait_for_responses(["e0"])
            await _see_that_it_is_true(pipeline, page)

            await _see_health_and_budgets(pipeline, page)
            await _see_batches(pipeline, page)
            await _see_that_it_is_legible(page)
            await browser.close()
    assert {urlsplit(url).netloc for url in requested if not url.startswith("data:")} == {urlsplit(address).netloc}
    assert complaints == []


async def _see_batches(pipeline: Pipeline, page: Page) -> None:
    lane = BatchLane.decode(golden("batch-lane"))
    await expect(page.locator("#lane")).to_be_hidden()
    async with producer(pipeline.settings) as client:
        await client.send_and_wait(pipeline.settings.topic(Topic.BATCH_LANES), lane.encode(), key=b"lane")
    for batch in lane.batches:
        row = page.locator(f'#batches tr[data-batch="{batch.batch_id or batch.our_id}"]')
        await expect(row).to_contain_text(batch.state, timeout=PATIENCE_MS)
        await expect(row).to_contain_text(f"{batch.saved_usd:.4f}")


async def _see_that_it_is_true(pipeline: Pipeline, page: Page) -> None:
    spent, saved = await spent_as_the_topic_says(pipeline)
    assert spent > 0
    await shows(page, "#spent", f"{spent:.9f}")
    await shows(page, "#saved", f"{saved:.9f}")
    statuses = [response.status for response in await pipeline.responses()]
    counts = [statuses.count(status) for status in (Status.COMPLETED, Status.REJECTED, Status.FAILED)]
    assert counts[1] == 5
    await shows(page, "#ended-note", " ".join(map(str, counts)))
    await shows(page, "#lag", "0")
    await shows(page, "#in-flight", "0")
    for name, dimension in (("tenants", "tenant"), ("models", "request_model")):
        events = {event.event_id: event for event in await pipeline.costs()}.values()
        shown = {
            str(await bar.get_attribute("data-name")): Decimal(str(await bar.get_attribute("data-value")))
            for bar in await page.locator(f"#{name} .bar").all()
        }
        assert set(shown) == {getattr(event, dimension) for event in events}
        for key, amount in shown.items():
            assert amount == sum(event.cost_usd or 0 for event in events if getattr(event, dimension) == key)


async def _see_health_and_budgets(pipeline: Pipeline, page: Page) -> None:
    down = page.locator("#health tr[data-model='gemini-2.5-flash']")
    await expect(down).to_contain_text("on 1 of 1", timeout=PATIENCE_MS)
    await expect(page.locator("#failovers li").first).to_contain_text("gemini-2.5-flash")
    await expect(page.locator("#budgets .bar")).to_have_count(2, timeout=PATIENCE_MS)
    events = {event.event_id: event for event in await pipeline.costs()}.values()
    spent = sum((event.cost_usd or Decimal(0) for event in events if event.tenant == BAD_NAME), Decimal(0))
    await expect(page.locator(f"#budgets [data-name^='{BAD_NAME}']")).to_have_attribute(
        "data-value", f"{spent:.9f}", timeout=PATIENCE_MS
    )
    told = [Budget.decode(record.value or b"") for record in await pipeline.records(Topic.BUDGETS)]
    assert [budget.spent_usd for budget in told if budget.tenant == BAD_NAME][-1] == spent
    await expect(page.locator("#advice")).to_contain_text("rest on a warehouse")


async def _see_that_it_is_legible(page: Page) -> None:
    for scheme in ("light", "dark"):
        await page.emulate_media(color_scheme=scheme)
        for width in (375, 768, 1400):
            await page.set_viewport_size({"width": width, "height": 800})
            # charts follow a new width a moment later
            await page.wait_for_function("document.documentElement.scrollWidth <= innerWidth", timeout=PATIENCE_MS)
    painted = await page.evaluate(
        "[...document.querySelectorAll('canvas')].map(canvas => new Set(canvas.getContext('2d')"
        ".getImageData(0, 0, canvas.width, canvas.height).data).size > 3)"
    )
    assert painted == [True, True, True]


async def test_a_recommendation_from_real_calls_in_a_real_postgres_is_on_the_page(
    make_pipeline: MakePipeline, postgres: PostgresInfo, chromium: str
) -> None:
    pipeline, warehouse = await make_pipeline(), Warehouse.in_postgres(postgres)
    coding: dict[str, object] = {"prompt": "Write a Python function that sorts dates.", "tier": "balanced"}
    published = [
        *requests("dear", 90, model="gpt-4.1", max_tokens=600, metadata={"feature": "editor"}, **coding),
        *requests("cheap", 30, model="deepseek-v3.2", max_tokens=600, **coding),
    ]
    await pipeline.publish(published)
    pipeline.start_worker()
    await pipeline.wait_for_responses([str(request["request_id"]) for request in published])
    dear = [event for event in await pipeline.costs() if event.request_model == "gpt-4.1"]
    paid = sum((event.cost_usd or Decimal(0) for event in dear), Decimal(0))
    tokens = [(event.input_tokens or 0, event.output_tokens or 0) for event in dear]
    instead = sum(map(sum, tokens)) * Decimal("0.21") / 1_000_000  # what deepseek-v3.2 costs, in and out

    await _fill(pipeline, warehouse)
    with dashboard(pipeline, *warehouse.options) as address:
        async with async_playwright() as playwright:
            browser = await playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
            page = await browser.new_page(viewport={"width": 375, "height": 800})
            await page.goto(address)
            item = page.locator("#advice li:not(.empty)")
            await expect(item).to_have_count(1, timeout=PATIENCE_MS)
            for part in (
                f"search: deepseek-v3.2 instead of gpt-4.1 for {dear[0].task} (balanced)",
                f"90 calls of gpt-4.1 cost {paid:.4f} USD",
                "answered 30 of 30 such calls",
                f"are {instead:.4f} USD, and {paid:.4f} - {instead:.4f} = {paid - instead:.4f}.",
                f"{paid:.4f} USD of it carries feature=editor.",
            ):
                await expect(item).to_contain_text(part)
            assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth")
            await browser.close()


async def _fill(pipeline: Pipeline, warehouse: Warehouse) -> None:
    sink = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "streams.cli", "warehouse", *warehouse.options, "--once"),
        cwd=ROOT,
        env={**os.environ, **pipeline.environment},
        stderr=asyncio.subprocess.PIPE,
    )
    _, err = await sink.communicate()
    assert sink.returncode == 0, err.decode()


async def test_another_name_for_loopback_is_refused_and_a_broken_warehouse_is_said(
    make_pipeline: MakePipeline, tmp_path: Path
) -> None:
    pipeline = await make_pipeline()
    with dashboard(pipeline, "--duckdb", str(tmp_path / "none.duckdb")) as address:
        async with httpx.AsyncClient(base_url=address) as client:
            refused = await client.get("/state.json", headers={"host": "evil.example"})
            assert (refused.status_code, "spent" in refused.text) == (403, False)
            page = await client.get("/")
            assert "default-src 'none'" in page.headers["content-security-policy"]
            told = (await client.get("/state.json")).json()
            while told["advice_problem"] is None:
                await asyncio.sleep(0.1)
                told = (await client.get("/state.json")).json()
            assert "There is no warehouse at" in told["advice_problem"]
            assert (told["total"]["spent_usd"], told["problem"]) == ("0.000000000", None)
        taken = await asyncio.to_thread(
            subprocess.run,
            [sys.executable, "-m", "streams.cli", "dashboard", "--port", str(urlsplit(address).port)],
            cwd=ROOT,
            env={**os.environ, **pipeline.environment},
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
    assert taken.returncode == 1
    assert "choose another with --port." in taken.stderr
