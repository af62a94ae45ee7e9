"""Dead letters on a real broker: a worker that halts rather than bury everything, and letters that are sent again."""

import asyncio

from schemas.topics import Topic
from tests.harness import MakePipeline

POISON, MINIMUM = 500, 100


async def test_a_worker_halts_at_a_flood_of_poison_and_goes_on_where_it_stopped(make_pipeline: MakePipeline) -> None:
    pipeline = await make_pipeline(TURNOUT_DEAD_LETTER_MINIMUM=str(MINIMUM), TURNOUT_DRAIN_S="1")
    poison = [b'{"poison": %d}' % number for number in range(POISON)]
    await pipeline.publish(poison, partition=0)
    halted = pipeline.start_worker()
    assert await asyncio.to_thread(halted.process.wait, 60) == 3, halted.log.read_text()[-2000:]
    said = halted.log.read_text().splitlines()[-1]
    assert said.startswith(f"Halted: {MINIMUM} of {MINIMUM} records in 60 s would be dead letters"), said
    assert "TURNOUT_DEAD_LETTER_SHARE" in said
    letters = await pipeline.records(Topic.DEAD_LETTERS)
    assert len(letters) == MINIMUM - 1
    assert (await pipeline.committed()).get(0, 0) <= len(letters)

    good: dict[str, object] = {"request_id": "good", "prompt": "What is 1 + 1?"}
    await pipeline.publish([good], partition=0)
    pipeline.start_worker(TURNOUT_DEAD_LETTER_SHARE="1")
    await pipeline.wait_for_responses(["good"])
    buried = [letter.value for letter in await pipeline.records(Topic.DEAD_LETTERS)]
    assert sorted(set(buried)) == sorted(poison)
    assert len(buried) < POISON + MINIMUM
