"""Budgets on a real broker: several workers stop at the edge, and the accounts survive crashes and duplicates."""

import asyncio
import time
from decimal import Decimal
from pathlib import Path

import orjson

from router.budgets.life import IDLE_S
from schemas.budgets import Budget, BudgetState
from schemas.topics import Topic
from schemas.vocabulary import ErrorCode, Status
from streams.kafka.clients import producer
from tests.harness import PATIENCE_S, MakePipeline, MakeProvider, Pipeline, assert_answered_once
from tests.reference import in_chain_order

LIMIT = Decimal("0.02")
TENANTS = f"""
[tenants.acme]
daily_budget_usd = {LIMIT}
[tenants.rich]
monthly_budget_usd = 1000
[tenants.shadow]
daily_budget_usd = 0.000001
mode = "shadow"
"""
QUIET = {f"quiet{number}": f"[tenants.quiet{number}]\ndaily_budget_usd = 20" for number in range(8)}
PROMPT_S = 2.0


def requests(prefix: str, count: int, tenant: str) -> list[dict[str, object]]:
    return [
        {
            "request_id": f"{prefix}{number}",
            "prompt": f"What is {number} + 1?",
            "tenant": tenant,
            "model": "gemini-2.5-flash",
            "max_tokens": 100,
        }
        for number in range(count)
    ]


def ids(published: list[dict[str, object]]) -> list[str]:
    return [str(request["request_id"]) for request in published]


async def with_tenants(make_pipeline: MakePipeline, make_provider: MakeProvider, folder: Path) -> Pipeline:
    catalogue = folder / "budgets.toml"
    tenants = "\n".join([TENANTS, *QUIET.values()])
    catalogue.write_text(f"{in_chain_order()}\n{tenants}\n")
    return await make_pipeline(make_provider(latency_ms=100), TURNOUT_CATALOGUE=str(catalogue))


async def spent(pipeline: Pipeline, tenant: str) -> Decimal:
    costs = {event.event_id: event for event in await pipeline.costs() if event.tenant == tenant}
    return sum((event.cost_usd or Decimal(0) for event in costs.values()), Decimal(0))


async def budgets(pipeline: Pipeline, tenant: str) -> list[Budget]:
    records = await pipeline.records(Topic.BUDGETS)
    return [Budget.decode(record.value or b"") for record in records if record.key == tenant.encode()]


async def until_told(pipeline: Pipeline, tenant: str, amount: Decimal) -> Budget:
    """Wait until the accounts tell that so much was spent."""
    give_up = time.monotonic() + PATIENCE_S
    while not (told := await budgets(pipeline, tenant)) or told[-1].spent_usd != amount:
        assert time.monotonic() < give_up, (told[-1:], amount, pipeline.workers[-1].log.read_text()[-2000:])
        await asyncio.sleep(0.2)
    return told[-1]


async def test_two_workers_stop_before_the_limit_and_the_accounts_survive_their_owner(
    make_pipeline: MakePipeline, make_provider: MakeProvider, tmp_path: Path
) -> None:
    pipeline = await with_tenants(make_pipeline, make_provider, tmp_path)
    published = [*requests("a", 200, "acme"), *requests("r", 50, "rich"), *requests("s", 20, "shadow")]
    await pipeline.publish(published)
    workers = [pipeline.start_worker(), pipeline.start_worker()]
    responses = await pipeline.wait_for_responses(ids(published))
    assert_answered_once(responses, ids(published))
    refused = [response for response in responses if response.status is not Status.COMPLETED]
    assert {response.tenant for response in refused} == {"acme"}
    assert {response.error.code for response in refused if response.error} == {ErrorCode.BUDGET_EXHAUSTED}
    assert {(response.status, response.attempts) for response in refused} == {(Status.REJECTED, ())}
    acme = await spent(pipeline, "acme")
    assert LIMIT * Decimal("0.9") < acme <= LIMIT
    told = await until_told(pipeline, "acme", acme)
    assert (told.limit_usd, told.state) == (LIMIT, BudgetState.WARNED)
    assert (await pipeline.reconcile()).bill_equals_invoice

    again = [record for record in await pipeline.records(Topic.COSTS) if record.key == b"acme"]
    async with producer(pipeline.settings) as client:
        for record in again:
            await client.send_and_wait(
                record.topic,
                key=record.key,
                value=record.value,
                partition=record.partition,
                headers=list(record.headers),
            )
    owner = pipeline.last_to_say("keeps the accounts")
    assert owner is not None
    owner.kill()
    late = [*requests("late", 5, "acme"), *requests("late-r", 5, "rich")]
    await pipeline.publish(late)
    responses = await pipeline.wait_for_responses(ids(late))
    statuses = {response.request_id: response.status for response in responses}
    assert all(statuses[f"late-r{number}"] is Status.COMPLETED for number in range(5))
    assert await spent(pipeline, "acme") <= LIMIT
    rich = await until_told(pipeline, "rich", await spent(pipeline, "rich"))
    assert rich.state is BudgetState.WITHIN
    await until_told(pipeline, "acme", await spent(pipeline, "acme"))
    lines = [orjson.loads(line) for worker in workers for line in worker.log.read_bytes().splitlines()]
    crossed = sorted((line["tenant"], line["share"]) for line in lines if line["event"] == "budget crossed")
    assert crossed == [("acme", 0.8), ("shadow", 0.8), ("shadow", 1.0)], "each once"


async def test_quiet_tenants_are_answered_within_two_seconds_the_first_time_and_after_a_minute_of_quiet(
    make_pipeline: MakePipeline, make_provider: MakeProvider, tmp_path: Path
) -> None:
    pipeline = await with_tenants(make_pipeline, make_provider, tmp_path)
    for _ in range(2):
        pipeline.start_worker()
    await pipeline.until_settled()
    await pipeline.publish(warm := requests("warm", 40, "rich"))  # until the ledgers have their owner
    await pipeline.wait_for_responses(ids(warm))
    took_s: dict[str, float] = {}
    for quiet_s in (0, round(IDLE_S) + 2):
        await asyncio.sleep(quiet_s)
        asked = [requests(f"{tenant} after {quiet_s} ", 1, tenant)[0] for tenant in QUIET]
        asked_s = time.time()
        await pipeline.publish(asked)
        responses = await pipeline.wait_for_responses(ids(asked))
        answers = [response for response in responses if response.request_id in ids(asked)]
        assert [(one.status, one.error) for one in answers] == [(Status.COMPLETED, None)] * len(asked)
        took_s |= {one.request_id: one.completed_at.timestamp() - asked_s for one in answers}
    assert max(took_s.values()) < PROMPT_S, took_s
