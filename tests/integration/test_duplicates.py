"""The same request again: twice at once, after it was answered, after a restart, and with a copy asked for."""

import asyncio

from aiokafka.admin import NewTopic

from schemas.responses import Response
from schemas.topics import Topic
from streams.kafka.clients import admin, reader
from tests.harness import MakePipeline, MakeProvider, Pipeline, assert_answered_once

COUNT = 40


def requests(**fields: object) -> list[dict[str, object]]:
    return [{"request_id": f"r{number}", "prompt": f"What is {number} + 1?", **fields} for number in range(COUNT)]


IDS = [f"r{number}" for number in range(COUNT)]


async def until_all_is_committed(pipeline: Pipeline, records: int) -> None:
    """Wait until nothing is under way: what is still to come was not there."""
    give_up = asyncio.get_running_loop().time() + 60
    while sum((await pipeline.committed()).values()) < records:
        assert asyncio.get_running_loop().time() < give_up, await pipeline.committed()
        await asyncio.sleep(0.1)


async def assert_paid_once(pipeline: Pipeline) -> None:
    assert_answered_once(await pipeline.responses(), IDS)
    bill = await pipeline.reconcile()
    assert bill.bill_equals_invoice, bill
    assert bill.metered_calls == COUNT
    assert bill.unknown.calls == 0
    assert len(pipeline.provider.invoice()) == COUNT


async def test_a_request_that_is_published_again_is_called_for_once(
    make_pipeline: MakePipeline, make_provider: MakeProvider
) -> None:
    pipeline = await make_pipeline(make_provider(latency_ms=400))
    await pipeline.publish([*requests(), *requests()])  # the second ones find the first ones under way
    pipeline.start_worker()
    await pipeline.wait_for_responses(IDS)
    await pipeline.publish(requests())  # and these find them answered
    await until_all_is_committed(pipeline, 3 * COUNT)
    await assert_paid_once(pipeline)


async def test_a_new_worker_knows_what_an_old_one_has_answered(make_pipeline: MakePipeline) -> None:
    pipeline = await make_pipeline()
    await pipeline.publish(requests())
    worker = pipeline.start_worker()
    await pipeline.wait_for_responses(IDS)
    await until_all_is_committed(pipeline, COUNT)  # so that the commit's metadata says: nothing to read back
    assert await asyncio.to_thread(worker.stop) == 0
    await pipeline.publish(requests())
    pipeline.start_worker()
    await until_all_is_committed(pipeline, 2 * COUNT)
    await assert_paid_once(pipeline)


async def test_outside_the_horizon_an_id_is_new(make_pipeline: MakePipeline) -> None:
    pipeline = await make_pipeline(TURNOUT_DUPLICATE_HORIZON_S="0")
    await pipeline.publish(requests())
    worker = pipeline.start_worker()
    await pipeline.wait_for_responses(IDS)
    await until_all_is_committed(pipeline, COUNT)
    assert await asyncio.to_thread(worker.stop) == 0
    await asyncio.sleep(0.1)
    await pipeline.publish(requests())
    pipeline.start_worker()
    await until_all_is_committed(pipeline, 2 * COUNT)
    assert len(await pipeline.responses()) == 2 * COUNT


async def test_a_duplicate_that_asks_for_a_copy_gets_the_stored_answer(make_pipeline: MakePipeline) -> None:
    pipeline = await make_pipeline()
    copies = pipeline.settings.topic(Topic.RESPONSES) + ".mine"
    async with admin(pipeline.settings) as client:
        await client.create_topics([NewTopic(copies, 1, 1)])
    pipeline.start_worker(TURNOUT_REPLY_TO_ALLOWED=copies)
    await pipeline.publish(requests())
    await pipeline.wait_for_responses(IDS)
    await pipeline.publish(requests(reply_to=copies))
    stored = {response.request_id: response for response in await pipeline.responses()}
    async with reader(pipeline.settings) as consumer:
        consumer.subscribe([copies])
        for _ in range(COUNT):
            record = await asyncio.wait_for(consumer.getone(), 30)
            copy = Response.decode(record.value)
            assert copy == stored.pop(copy.request_id)
    assert not stored
    await assert_paid_once(pipeline)
