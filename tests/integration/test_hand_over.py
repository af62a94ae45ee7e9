"""Requests on real Kafka that may wait: handed over by workers that get killed, answered by batches, or taken back."""

import asyncio
import time
from datetime import UTC, datetime, timedelta

import orjson

from schemas.topics import Topic
from schemas.vocabulary import Lane
from streams.kafka.clients import producer
from tests.harness import PATIENCE_S, MakePipeline, MakeProvider, Pipeline, assert_answered_once

REQUESTS = 120
MODEL = "gpt-4.1"


async def ask(pipeline: Pipeline, ids: list[str], within_s: float) -> None:
    deadline = (datetime.now(UTC) + timedelta(seconds=within_s)).isoformat()
    async with producer(pipeline.settings) as client:
        sent = []
        for number, request_id in enumerate(ids):
            asked = {"request_id": request_id, "prompt": f"What is {number}?", "model": MODEL, "max_tokens": 20}
            value = orjson.dumps(asked | {"lane": "batch", "deadline": deadline})
            topic = pipeline.settings.topic(Topic.REQUESTS)
            sent.append(await client.send(topic, value, request_id.encode(), headers=[]))
        await asyncio.gather(*sent)


async def until_waiting(pipeline: Pipeline, count: int) -> None:
    give_up = time.monotonic() + PATIENCE_S
    while len({record.key for record in await pipeline.records(Topic.WAITING)}) < count:
        assert time.monotonic() < give_up, [worker.log.read_text()[-3000:] for worker in pipeline.workers]
        await asyncio.sleep(0.05)


async def test_what_killed_workers_hand_over_is_answered_once_by_batches(
    make_pipeline: MakePipeline, make_provider: MakeProvider
) -> None:
    pipeline = await make_pipeline(
        make_provider(batch_s=3.0), TURNOUT_BATCH_POLL_S="0.3", TURNOUT_BATCH_MAX_AGE_S="5", TURNOUT_BATCH_MARGIN_S="60"
    )
    first = pipeline.start_worker(TURNOUT_WORKER_ID="one")
    ids = [f"q-{number}" for number in range(REQUESTS)]
    await ask(pipeline, ids, 900)
    await until_waiting(pipeline, REQUESTS // 4)
    first.kill()
    pipeline.start_worker(TURNOUT_WORKER_ID="two")
    responses = await pipeline.wait_for_responses(ids, 2 * PATIENCE_S)
    await ask(pipeline, ids[:10], 900)
    await asyncio.sleep(5)

    responses = await pipeline.responses()
    assert_answered_once(responses, ids)
    assert {response.lane for response in responses} == {Lane.BATCH}
    states = [orjson.loads(record.value or b"{}") for record in await pipeline.records(Topic.WAITING)]
    calls = {(state["request_id"], state["call"]["event_id"]) for state in states if state["state"] == "waiting"}
    assert len(calls) == REQUESTS, "one decision each"


async def test_what_no_batch_answers_comes_back_before_its_deadline(
    make_pipeline: MakePipeline, make_provider: MakeProvider
) -> None:
    pipeline = await make_pipeline(
        make_provider(batch_s=3600.0),
        TURNOUT_BATCH_POLL_S="0.3",
        TURNOUT_BATCH_MAX_AGE_S="1",
        TURNOUT_BATCH_MARGIN_S="15",
    )
    pipeline.start_worker()
    ids = [f"q-{number}" for number in range(20)]
    until = datetime.now(UTC) + timedelta(seconds=45)
    await ask(pipeline, ids, 45)
    responses = await pipeline.wait_for_responses(ids, PATIENCE_S)
    assert_answered_once(responses, ids)
    assert {response.status for response in responses} == {"completed"}
    assert all("waited for a batch" in (response.route_reason or "") for response in responses)
    assert max(response.completed_at for response in responses) < until
