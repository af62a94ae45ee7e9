"""`turnout control` and workers that keep nothing, as processes on a real broker."""

import asyncio
import time

from schemas.health import ModelHealth
from schemas.topics import Topic
from schemas.vocabulary import Status
from tests.harness import PATIENCE_S, MakePipeline, MakeProvider, Pipeline, Worker

KEEPS = "keeps the shared health"
MODEL = "gpt-4.1"


async def until_one_keeps(*processes: Worker) -> Worker:
    """Wait until one of them keeps the shared health, and return it."""
    give_up = time.monotonic() + PATIENCE_S
    while True:
        for process in processes:
            if KEEPS in process.log.read_text():
                return process
        assert time.monotonic() < give_up, [process.log.read_text()[-2000:] for process in processes]
        await asyncio.sleep(0.2)


async def last_health(pipeline: Pipeline) -> ModelHealth:
    records = await pipeline.records(Topic.MODEL_HEALTH)
    return [ModelHealth.decode(one.value) for one in records if one.key == MODEL.encode() and one.value][-1]


async def ask(pipeline: Pipeline, *names: str) -> list[Status]:
    for partition in range(4):
        mine = names[partition::4]
        await pipeline.publish(
            [{"request_id": name, "prompt": "Which track is free?", "model": MODEL} for name in mine],
            partition=partition,
        )
    responses = await pipeline.wait_for_responses(list(names))
    return [response.status for response in responses if response.request_id in names]


async def test_a_control_process_that_is_killed_is_followed_by_another_and_workers_keep_nothing(
    make_pipeline: MakePipeline, make_provider: MakeProvider
) -> None:
    provider = make_provider()
    pipeline = await make_pipeline(provider)
    first = pipeline.start_control(TURNOUT_WORKER_ID="keeper-1")
    await until_one_keeps(first)
    workers = [pipeline.start_worker(TURNOUT_WORKER_ID=f"w{n}", TURNOUT_CONTROL="false") for n in (1, 2)]
    assert set(await ask(pipeline, *(f"a{n}" for n in range(40)))) == {Status.COMPLETED}
    second = pipeline.start_control(TURNOUT_WORKER_ID="keeper-2")
    while "control is ready" not in second.log.read_text():  # noqa: ASYNC110  # another process writes it
        await asyncio.sleep(0.2)
    first.kill()
    assert set(await ask(pipeline, *(f"b{n}" for n in range(40)))) == {Status.COMPLETED}
    await until_one_keeps(second)
    assert set(await ask(pipeline, *(f"c{n}" for n in range(40)))) == {Status.COMPLETED}
    await asyncio.sleep(4)
    health = await last_health(pipeline)
    assert (health.workers, health.requests, set(health.shares)) == (2, 120, {"w1", "w2"})
    assert not any(KEEPS in worker.log.read_text() for worker in workers)
    assert len(provider.invoice()) == 120
    assert (await pipeline.reconcile()).bill_equals_invoice
    assert await asyncio.to_thread(second.stop) == 0
