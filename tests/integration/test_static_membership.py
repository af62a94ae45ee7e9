"""A worker that comes back under its name has its partitions back, and the others notice nothing."""

import asyncio

from tests.harness import MakePipeline, Pipeline, Worker, assert_answered_once

STAYING = {"TURNOUT_WORKER_ID": "stays"}
BOUNCING = {"TURNOUT_WORKER_ID": "bounces"}


def requests(name: str) -> list[dict[str, object]]:
    return [{"request_id": f"{name}{number}", "prompt": "What is 1 + 1?"} for number in range(60)]


def assignments(worker: Worker) -> int:
    """How many partitions it has been given so far: it reads each one back once when its first record comes."""
    return worker.log.read_text().count('"partition recovered"')


async def answered(pipeline: Pipeline, name: str) -> None:
    published = requests(name)
    await pipeline.publish(published)
    await pipeline.wait_for_responses([str(request["request_id"]) for request in published])


async def test_a_bounce_disturbs_nobody(make_pipeline: MakePipeline) -> None:
    pipeline = await make_pipeline(
        TURNOUT_STATIC_MEMBERSHIP="true", TURNOUT_SESSION_TIMEOUT_S="45", TURNOUT_LOG_LEVEL="debug"
    )
    staying, bouncing = pipeline.start_worker(**STAYING), pipeline.start_worker(**BOUNCING)
    await answered(pipeline, "before")
    give_up = asyncio.get_running_loop().time() + 60
    wave, settled = 0, (0, 0)
    while not all(settled) or settled != (assignments(staying), assignments(bouncing)):  # the last rebalance is over
        assert asyncio.get_running_loop().time() < give_up
        settled = assignments(staying), assignments(bouncing)
        await answered(pipeline, f"settling{wave}-")
        await asyncio.sleep(2)
        wave += 1
    before = assignments(staying)
    assert await asyncio.to_thread(bouncing.stop) == 0
    again = pipeline.start_worker(**BOUNCING)
    await answered(pipeline, "after")
    assert assignments(again), "it has its partitions back"
    assert assignments(staying) == before, "the other one was not rebalanced"
    responses = await pipeline.responses()
    assert_answered_once(responses, [response.request_id for response in responses])
