"""Partitions are added to topics while workers run (robinhood/faust issue 473, dpkp/kafka-python issue 1537)."""

import asyncio
import os
import sys
from asyncio.subprocess import PIPE
from decimal import Decimal
from pathlib import Path
from time import monotonic

import httpx
import orjson

from schemas.budgets import Budget
from schemas.costs import CostEvent
from schemas.topics import TOPICS, Topic
from streams.kafka.clients import METADATA_MAX_AGE_MS
from tests.harness import PATIENCE_S, ROOT, MakePipeline, Pipeline, Worker, assert_answered_once
from tests.metrics import free_port, value
from tests.reference import in_chain_order

OLD, NEW = 2, 4


async def publish(
    pipeline: Pipeline, prefix: str, partition: int, count: int = 20, tenant: str = "default"
) -> list[str]:
    ids = [f"{prefix}-{partition}-{number}" for number in range(count)]
    requests: list[dict[str, object]] = [
        {"request_id": one, "prompt": "What is 1 + 1?", "tenant": tenant} for one in ids
    ]
    await pipeline.publish(requests, partition=partition)
    return ids


async def until_said(worker: Worker, *words: str) -> None:
    give_up = monotonic() + PATIENCE_S
    while not any(all(word in line for word in words) for line in worker.log.read_text().splitlines()):
        assert monotonic() < give_up, worker.log.read_text()[-2000:]
        await asyncio.sleep(0.2)


async def test_requests_of_new_partitions_wait_for_the_other_topics_and_those_of_the_old_ones_do_not(
    make_pipeline: MakePipeline,
) -> None:
    pipeline = await make_pipeline(TURNOUT_PARTITIONS=str(OLD))
    port = free_port()
    worker = pipeline.start_worker(TURNOUT_WEB_PORT=str(port), TURNOUT_STUCK_AFTER_S="5")
    served = [*await publish(pipeline, "before", 0), *await publish(pipeline, "before", 1)]
    await pipeline.wait_for_responses(served)

    await pipeline.grow(NEW, Topic.REQUESTS)
    waiting = [*await publish(pipeline, "new", 2, 1200), *await publish(pipeline, "new", 3)]
    responses, calls = pipeline.settings.topic(Topic.RESPONSES), pipeline.settings.topic(Topic.CALLS)
    await until_said(worker, "add partitions to a topic", responses, f"--partitions {NEW}")
    await until_said(worker, "add partitions to a topic", calls, f"--partitions {NEW}")
    served += [*await publish(pipeline, "meanwhile", 0), *await publish(pipeline, "meanwhile", 1)]
    await pipeline.wait_for_responses(served)
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as client:
        text = (await client.get("/metrics")).text
        assert value(text, "turnout_topic_partitions_missing", responses) == NEW - OLD
        assert value(text, "turnout_topic_partitions_missing", calls) == NEW - OLD
        assert value(text, "turnout_consumer_lag_messages", 'partition="2"') == 1200
        assert (await client.get("/readyz")).status_code == 200

        await pipeline.grow(NEW, Topic.RESPONSES)
        second = pipeline.start_worker()  # one that starts in between serves what it can, too
        await asyncio.sleep(8)  # more than the watchdog waits
        served += await publish(pipeline, "later", 0)
        await pipeline.wait_for_responses(served)
        assert not {one.request_id for one in await pipeline.responses()} & set(waiting)

        await pipeline.grow(NEW, Topic.CALLS, Topic.FINISHED_IDS, Topic.WAITING)
        await pipeline.wait_for_responses(waiting)
        async with asyncio.timeout(PATIENCE_S):
            text = (await client.get("/metrics")).text
            while value(text, "turnout_topic_partitions_missing") or value(text, "turnout_consumer_lag_messages"):
                await asyncio.sleep(0.5)
                text = (await client.get("/metrics")).text
    assert worker.stop() == 0, worker.log.read_text()[-2000:]
    assert second.stop() == 0, second.log.read_text()[-2000:]
    assert_answered_once(await pipeline.responses(), [*served, *waiting])
    bill = await pipeline.reconcile()
    assert bill.bill_equals_invoice, bill
    assert bill.metered_calls == len(served) + len(waiting)
    assert "Traceback" not in worker.log.read_text() + second.log.read_text()


async def test_topics_that_grow_in_the_better_order_keep_no_request_waiting(make_pipeline: MakePipeline) -> None:
    pipeline = await make_pipeline(TURNOUT_PARTITIONS=str(OLD))
    worker = pipeline.start_worker()
    served = await publish(pipeline, "before", 0)
    await pipeline.wait_for_responses(served)
    await pipeline.grow(NEW, Topic.RESPONSES, Topic.CALLS, Topic.FINISHED_IDS, Topic.WAITING)
    await pipeline.grow(NEW, Topic.REQUESTS)
    for partition in range(NEW):
        served += await publish(pipeline, "after", partition)
    responses = await pipeline.wait_for_responses(served)
    assert worker.stop() == 0, worker.log.read_text()[-2000:]
    assert_answered_once(responses, served)
    assert {response.status for response in responses} == {"completed"}
    assert "add partitions" not in worker.log.read_text()


async def spent(pipeline: Pipeline) -> tuple[Decimal | None, Decimal]:
    """Return what the tenant is told to have spent, and what its cost events say."""
    told = [Budget.decode(record.value or b"") for record in await pipeline.records(Topic.BUDGETS)]
    costs = {event.event_id: event.cost_usd or Decimal(0) for event in await pipeline.costs()}
    return (told[-1].spent_usd if told else None), sum(costs.values(), Decimal(0))


async def until_all_spend_is_told(pipeline: Pipeline) -> None:
    give_up = monotonic() + PATIENCE_S
    while (sums := await spent(pipeline))[0] != sums[1]:
        assert monotonic() < give_up, sums
        await asyncio.sleep(0.5)


async def test_topics_of_one_partition_may_have_more_and_what_they_hold_still_has_one_owner(
    make_pipeline: MakePipeline, tmp_path: Path
) -> None:
    catalogue = tmp_path / "tenants.toml"
    tenant = "[tenants.acme]\ndaily_budget_usd = 5\nrequests_per_minute = 10_000\n"
    catalogue.write_text(f"{in_chain_order()}\n{tenant}")
    pipeline = await make_pipeline(TURNOUT_CATALOGUE=str(catalogue))
    first = pipeline.start_worker()
    tail = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "streams.cli", "tail", "costs", "--from", "beginning", "--json"),
        cwd=ROOT,
        env={**os.environ, **pipeline.environment, "PYTHONUNBUFFERED": "1"},
        stdout=PIPE,
    )
    served = await publish(pipeline, "before", 0, tenant="acme")
    await pipeline.wait_for_responses(served)
    await until_all_spend_is_told(pipeline)

    for more, topic in enumerate((spec.topic for spec in TOPICS if not spec.busy), start=2):
        await pipeline.grow(more, topic)
    await pipeline.grow(7, Topic.COSTS)  # the key acme goes from 0 to 4
    second = pipeline.start_worker()
    await asyncio.sleep(METADATA_MAX_AGE_MS / 1000 + 2)  # both know of the partitions
    served += await publish(pipeline, "grown", 1, tenant="acme")
    await pipeline.wait_for_responses(served)
    await until_all_spend_is_told(pipeline)
    first.kill()
    served += await publish(pipeline, "taken-over", 2, tenant="acme")
    await pipeline.wait_for_responses(served)
    await until_said(second, "this worker keeps the accounts")
    await until_all_spend_is_told(pipeline)
    assert second.stop() == 0, second.log.read_text()[-2000:]
    events = await pipeline.records(Topic.COSTS)
    assert {record.partition for record in events} == {0, 4}
    assert tail.stdout is not None
    async with asyncio.timeout(PATIENCE_S):
        shown = [orjson.loads(await tail.stdout.readline())["event_id"] for _ in events]
    tail.terminate()
    await tail.communicate()
    assert sorted(shown) == sorted(CostEvent.decode(record.value or b"").event_id for record in events)
    for topic in (Topic.BUDGETS, Topic.BUDGET_CLAIMS, Topic.MODEL_STATS, Topic.MODEL_HEALTH, Topic.TENANT_SHARES):
        assert {record.partition for record in await pipeline.records(topic)} == {0}, topic
    assert_answered_once(await pipeline.responses(), served)
    bill = await pipeline.reconcile()
    assert bill.bill_equals_invoice, bill
