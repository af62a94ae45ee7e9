"""What a worker tells of itself while it lives."""

import asyncio

import httpx

from sandbox.provider.faults import Fault, FaultKind
from schemas.topics import Topic
from streams.ops.watchdog import STUCK
from tests.chaos.link import Link
from tests.harness import PATIENCE_S, MakePipeline, MakeProvider
from tests.metrics import free_port, value


async def test_lag_calls_and_duplicates_are_told(make_pipeline: MakePipeline, make_provider: MakeProvider) -> None:
    provider = make_provider(latency_ms=20)
    provider.add_fault(Fault(fault=FaultKind.SLOW, model="claude-sonnet-4.5", factor=200))
    pipeline = await make_pipeline(provider)
    port = free_port()
    slow: list[dict[str, object]] = [{"request_id": "slow", "prompt": "Wait", "model": "claude-sonnet-4.5"}]
    quick: list[dict[str, object]] = [
        {"request_id": f"r{number}", "prompt": "What is 1 + 1?", "model": "gemini-2.5-flash"} for number in range(50)
    ]
    await pipeline.publish([*slow, *quick, *quick], partition=0)
    pipeline.start_worker(TURNOUT_WEB_PORT=str(port))
    ids = [str(request["request_id"]) for request in quick]
    await pipeline.wait_for_responses(ids)
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as client:
        assert (await client.get("/healthz")).status_code == 200
        assert (await client.get("/readyz")).text == "ready\n"
        give_up = asyncio.get_running_loop().time() + PATIENCE_S
        while True:
            text = (await client.get("/metrics")).text
            if value(text, "turnout_duplicates_avoided_total") == 50 or asyncio.get_running_loop().time() > give_up:
                break
            await asyncio.sleep(0.1)
        assert value(text, "turnout_duplicates_avoided_total") == 50
        assert value(text, "turnout_requests_total", 'status="completed"') == 50
        assert value(text, "turnout_consumer_lag_messages", 'partition="0"') == 101, "the first one holds the offset"
        assert value(text, "turnout_watermark_age_seconds") > 0
        assert value(text, "turnout_in_flight") == 1
        assert value(text, "turnout_calls_in_flight", "claude-sonnet-4.5") == 1
        assert value(text, "gen_ai_client_operation_duration_seconds_count", "gemini-2.5-flash") == 50
        assert value(text, "turnout_breaker_open") == 0
        await pipeline.wait_for_responses(["slow"])
        while value((await client.get("/metrics")).text, "turnout_consumer_lag_messages"):  # noqa: ASYNC110 - polled
            await asyncio.sleep(0.1)


async def test_a_worker_that_cannot_come_to_an_end_with_a_request_ends_itself(make_pipeline: MakePipeline) -> None:
    pipeline = await make_pipeline(TURNOUT_DEFAULT_DEADLINE_S="1")
    link = Link(pipeline.environment["TURNOUT_BROKERS"])
    await link.open()
    link.hold_acknowledgements(pipeline.settings.topic(Topic.RESPONSES))
    worker = pipeline.start_worker(TURNOUT_BROKERS=link.address, TURNOUT_STUCK_AFTER_S="5")
    await pipeline.publish([{"request_id": "r1", "prompt": "What is 1 + 1?"}])
    assert await asyncio.to_thread(worker.process.wait, PATIENCE_S) == STUCK
    assert "a request has been under way past its deadline for 5 s" in worker.log.read_text()
    await link.close()
    pipeline.start_worker()
    await pipeline.wait_for_responses(["r1"])
