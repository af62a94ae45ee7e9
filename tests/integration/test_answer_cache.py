"""The answer cache on a real Kafka: a hit at another worker, after a restart, the bill, and what is forgotten."""

import asyncio
import os
import sys
from subprocess import run

import orjson

from schemas.responses import Response
from tests.harness import MakePipeline, MakeProvider, Pipeline, assert_answered_once

HOUR = {"ttl_s": 3600}
QUESTIONS = 8


def requests(name: str, **fields: object) -> list[dict[str, object]]:
    return [
        {"request_id": f"{name}-{number}", "prompt": f"What is {number} + 1?", "cache": HOUR, **fields}
        for number in range(QUESTIONS)
    ]


async def asked(pipeline: Pipeline, name: str, **fields: object) -> list[Response]:
    """Ask all questions under new ids, and return their responses."""
    await pipeline.publish(requests(name, **fields))
    ids = [f"{name}-{number}" for number in range(QUESTIONS)]
    found = {response.request_id: response for response in await pipeline.wait_for_responses(ids)}
    await asyncio.sleep(1.5)  # the index is followed within about a second
    return [found[request_id] for request_id in ids]


async def turnout(pipeline: Pipeline, *arguments: str) -> list[dict[str, object]]:
    """Run a command against the pipeline, and return the lines that it prints."""
    settings = pipeline.settings
    environment = {"TURNOUT_BROKERS": settings.brokers, "TURNOUT_TOPIC_PREFIX": settings.topic_prefix}
    command = [sys.executable, "-m", "streams.cli", *arguments, "--json"]
    done = await asyncio.to_thread(
        run, command, env={**os.environ, **environment}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return [orjson.loads(line) for line in done.stdout.splitlines()]


async def test_what_one_worker_has_paid_for_every_worker_answers_until_it_is_forgotten(
    make_pipeline: MakePipeline, make_provider: MakeProvider
) -> None:
    pipeline = await make_pipeline(make_provider(latency_ms=50))
    first, second = pipeline.start_worker(), pipeline.start_worker()
    paid = await asked(pipeline, "a")
    assert not any(response.cached for response in paid)
    hits = await asked(pipeline, "b")
    for before, hit in zip(paid, hits, strict=True):
        assert (hit.cached, hit.origin_request_id, hit.message) == (True, before.request_id, before.message)
        assert hit.saved_usd == before.cost_usd
    assert len(pipeline.provider.invoice()) == QUESTIONS

    assert await asyncio.to_thread(first.stop) == await asyncio.to_thread(second.stop) == 0
    pipeline.start_worker()
    assert all(response.cached for response in await asked(pipeline, "c"))  # read back from the topic
    (row,) = await turnout(pipeline, "cache")
    assert (row["tenant"], row["questions"], row["hits"]) == ("default", QUESTIONS, 2 * QUESTIONS)

    assert [row["hits"] for row in await turnout(pipeline, "cache", "--within", "1e11")] == [2 * QUESTIONS]

    (forgotten,) = await turnout(pipeline, "cache", "forget", "--origin", "a-0")
    assert forgotten["answers"] == 1
    await asyncio.sleep(2)
    assert [response.cached for response in await asked(pipeline, "d")] == [False] + [True] * (QUESTIONS - 1)
    (forgotten,) = await turnout(pipeline, "cache", "forget", "--tenant", "default")
    assert forgotten == {"forgotten": ["tenant/default"], "answers": QUESTIONS}
    await asyncio.sleep(2)
    assert not any(response.cached for response in await asked(pipeline, "e"))
    assert all(response.cached for response in await asked(pipeline, "f"))

    assert_answered_once(await pipeline.responses(), [f"{n}-{i}" for n in "abcdef" for i in range(QUESTIONS)])
    bill = await pipeline.reconcile()
    assert bill.bill_equals_invoice, bill
    assert bill.metered_calls == len(pipeline.provider.invoice()) == 2 * QUESTIONS + 1
