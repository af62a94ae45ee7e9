"""Requests of producers that write transactions: what was aborted is no request, what is open is waited for.

An aborted record that is served is paid for nothing: dpkp/kafka-python issue 1707, IBMStreams/streamsx.kafka issue 192.
"""

import asyncio
import os
import sys
from asyncio.subprocess import PIPE

import httpx
import orjson

from schemas.topics import Topic
from tests.foreign import Transaction, publish
from tests.harness import PATIENCE_S, ROOT, MakePipeline, Pipeline, assert_answered_once
from tests.metrics import free_port, value

STUCK_AFTER_S = 5
LONG_S = 1.5 * STUCK_AFTER_S
"""A worker that takes markers, or records of an open transaction, for unread records has ended itself by then."""


def requests(*ids: str) -> list[bytes]:
    return [orjson.dumps({"request_id": one, "prompt": "What is 1 + 1?"}) for one in ids]


async def tail(pipeline: Pipeline, start: str) -> list[str]:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "streams.cli", "tail", "requests", "--from", start, "--no-follow", "--json"),
        cwd=ROOT,
        env={**os.environ, **pipeline.environment},
        stdout=PIPE,
    )
    out, _ = await asyncio.wait_for(process.communicate(), PATIENCE_S)
    return [orjson.loads(line)["request_id"] for line in out.splitlines()]


async def test_what_a_transaction_has_aborted_is_neither_served_nor_shown_nor_left_as_lag(
    make_pipeline: MakePipeline,
) -> None:
    pipeline = await make_pipeline()
    topic, brokers, port = pipeline.settings.topic(Topic.REQUESTS), pipeline.settings.brokers, free_port()
    worker = pipeline.start_worker(TURNOUT_WEB_PORT=str(port), TURNOUT_STUCK_AFTER_S=str(STUCK_AFTER_S))
    publish(brokers, topic, requests("plain"), partition=0)
    await pipeline.wait_for_responses(["plain"])

    aborted = await asyncio.to_thread(Transaction, brokers, topic)
    await asyncio.to_thread(aborted.publish, requests("aborted-1", "aborted-2"), partition=0)
    await asyncio.sleep(3)  # it lies there, and whoever reads all that is written has served it by now
    await asyncio.to_thread(aborted.abort)
    committed = await asyncio.to_thread(Transaction, brokers, topic)
    await asyncio.to_thread(committed.publish, requests("committed"), partition=0)
    await asyncio.to_thread(committed.publish, requests("elsewhere"), partition=1)
    await asyncio.to_thread(committed.commit)
    last = await asyncio.to_thread(Transaction, brokers, topic)
    await asyncio.to_thread(last.publish, requests("aborted-3"), partition=0)
    await asyncio.to_thread(last.abort)

    served = ["plain", "committed", "elsewhere"]
    await pipeline.wait_for_responses(served)
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as client:
        async with asyncio.timeout(PATIENCE_S):
            # plain, aborted-1 and -2, their marker, committed, its marker, aborted-3, its marker
            while (await pipeline.committed()).get(0) != 8:  # noqa: ASYNC110 - polled
                await asyncio.sleep(0.2)
        await asyncio.sleep(LONG_S)
        text = (await client.get("/metrics")).text
    assert value(text, "turnout_consumer_lag_messages") == 0
    assert value(text, "turnout_open_transaction_messages") == 0
    assert worker.stop() == 0, worker.log.read_text()[-2000:]
    assert_answered_once(await pipeline.responses(), served)
    bill = await pipeline.reconcile()
    assert bill.bill_equals_invoice, bill
    assert bill.metered_calls == len(served)
    assert sorted(await tail(pipeline, "beginning")) == sorted(served)
    assert await tail(pipeline, "-1") in (["committed"], ["elsewhere"])


async def test_an_open_transaction_holds_its_partition_alone_and_shows_in_the_lag_until_it_ends(
    make_pipeline: MakePipeline,
) -> None:
    pipeline = await make_pipeline()
    topic, brokers, port = pipeline.settings.topic(Topic.REQUESTS), pipeline.settings.brokers, free_port()
    hanging = await asyncio.to_thread(Transaction, brokers, topic)
    await asyncio.to_thread(hanging.publish, requests("hanging"), partition=0)
    publish(brokers, topic, requests("behind-1", "behind-2"), partition=0)
    worker = pipeline.start_worker(TURNOUT_WEB_PORT=str(port), TURNOUT_STUCK_AFTER_S=str(STUCK_AFTER_S))
    publish(brokers, topic, requests("beside"), partition=1)
    await pipeline.wait_for_responses(["beside"])
    await asyncio.sleep(LONG_S)
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as client:
        text = (await client.get("/metrics")).text
        assert value(text, "turnout_open_transaction_messages", 'partition="0"') == 3
        assert value(text, "turnout_consumer_lag_messages", 'partition="0"') == 3
        assert value(text, "turnout_open_transaction_messages", 'partition="1"') == 0
        assert [response.request_id for response in await pipeline.responses()] == ["beside"]
        await asyncio.to_thread(hanging.abort)
        await pipeline.wait_for_responses(["behind-1", "behind-2"])
        async with asyncio.timeout(PATIENCE_S):
            while value((await client.get("/metrics")).text, "turnout_consumer_lag_messages"):  # noqa: ASYNC110 - polled
                await asyncio.sleep(0.1)
    assert worker.stop() == 0, worker.log.read_text()[-2000:]
    assert_answered_once(await pipeline.responses(), ["beside", "behind-1", "behind-2"])
    bill = await pipeline.reconcile()
    assert bill.bill_equals_invoice, bill
    assert bill.metered_calls == 3
