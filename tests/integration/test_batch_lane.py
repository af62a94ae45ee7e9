"""The collector of batches on real Kafka, with the simulated provider's batches, and workers that get killed."""

import asyncio
import time
from collections import Counter
from collections.abc import Callable

from schemas.topics import Topic
from schemas.vocabulary import Certainty, Lane
from streams.batch_requests import batch_record
from streams.config.catalogue_file import load_catalogue
from streams.kafka.clients import producer
from tests.fakes.lane import waiting_of
from tests.harness import PATIENCE_S, MakePipeline, MakeProvider, Pipeline, Worker, assert_answered_once

MODEL = "gpt-4.1"
REQUESTS = 240
OWNER = "this worker collects batches"
WITHIN_S = 900.0


async def hand_over(pipeline: Pipeline, count: int) -> list[str]:
    """Put requests into the lane, as its entry does."""
    catalogue = load_catalogue(pipeline.settings.catalogue).catalogue
    topic = pipeline.settings.topic(Topic.BATCH_REQUESTS)
    ids = [f"q-{number}" for number in range(count)]
    async with producer(pipeline.settings) as client:
        sent = []
        for number, request_id in enumerate(ids):
            asked: dict[str, object] = {"prompt": f"What is {number}?", "max_tokens": 20}
            place = (number % 4, number)
            waiting, delivery = waiting_of(catalogue, request_id, MODEL, asked, time.time(), WITHIN_S, place)
            record = batch_record(topic, waiting, delivery)
            sent.append(await client.send(record.topic, record.value, record.key, headers=record.headers))
        await asyncio.gather(*sent)
    return ids


async def until(holds: Callable[[], bool], pipeline: Pipeline) -> None:
    give_up = time.monotonic() + PATIENCE_S
    while not await asyncio.to_thread(holds):
        assert time.monotonic() < give_up, [worker.log.read_text()[-3000:] for worker in pipeline.workers]
        await asyncio.sleep(0.1)


async def owner(pipeline: Pipeline) -> Worker:
    """Wait until one of those that live collects."""
    await until(lambda: pipeline.last_to_say(OWNER) is not None, pipeline)
    found = pipeline.last_to_say(OWNER)
    assert found is not None
    return found


async def test_a_batch_is_answered_and_paid_once_though_its_collectors_are_killed(
    make_pipeline: MakePipeline, make_provider: MakeProvider
) -> None:
    provider = make_provider(batch_s=3.0)
    pipeline = await make_pipeline(
        provider, TURNOUT_BATCH_POLL_S="0.3", TURNOUT_BATCH_MAX_AGE_S="2", TURNOUT_BATCH_MARGIN_S="60"
    )
    for name in ("one", "two"):
        pipeline.start_worker(TURNOUT_WORKER_ID=name)
    await pipeline.until_settled()
    first = await owner(pipeline)
    ids = await hand_over(pipeline, REQUESTS)
    await until(lambda: bool(provider.batches()), pipeline)
    first.kill()
    second = await owner(pipeline)
    pipeline.start_worker(TURNOUT_WORKER_ID="three")
    while not await pipeline.responses():  # noqa: ASYNC110 - a topic has no event
        await asyncio.sleep(0.02)
    second.kill()
    responses = await pipeline.wait_for_responses(ids, 2 * PATIENCE_S)

    assert_answered_once(responses, ids)
    assert {response.lane for response in responses} == {Lane.BATCH}
    batches = await asyncio.to_thread(provider.batches)
    assert sum(batch.lines for batch in batches) == REQUESTS
    assert {response.batch_id for response in responses} == {batch.id for batch in batches}

    give_up = time.monotonic() + PATIENCE_S
    while len({event.event_id for event in await pipeline.costs_by_now()}) < REQUESTS:
        assert time.monotonic() < give_up
        await asyncio.sleep(0.2)
    events = {event.event_id: event for event in await pipeline.costs_by_now()}
    assert Counter(event.certainty for event in events.values()) == {Certainty.METERED: REQUESTS}
    assert (await pipeline.reconcile()).bill_equals_invoice
