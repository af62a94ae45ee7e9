"""A second signal is for somebody who will not wait."""

import asyncio
import time

from tests.harness import MakePipeline, MakeProvider


async def test_a_second_signal_ends_a_worker_at_once_and_settles_nothing(
    make_pipeline: MakePipeline, make_provider: MakeProvider
) -> None:
    pipeline = await make_pipeline(make_provider(latency_ms=15_000))
    worker = pipeline.start_worker()
    await pipeline.publish([{"request_id": f"r{number}", "prompt": "hi"} for number in range(20)])
    await pipeline.until_calls_are_under_way(20)
    worker.terminate()
    await asyncio.sleep(1.0)
    began = time.monotonic()
    assert await asyncio.to_thread(worker.stop, 10) == 1
    assert time.monotonic() - began < 5
    assert await pipeline.responses() == []
    assert set((await pipeline.committed()).values()) <= {0}
