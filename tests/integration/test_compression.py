"""Records of any codec are read, by whatever reads Kafka.

Without the libraries, one such record ended every worker for ever: aio-libs/aiokafka issues 843 and 1032.
"""

import asyncio
import os
import sys
from asyncio.subprocess import PIPE

import orjson
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType

from schemas.topics import Topic
from streams.kafka.clients import admin
from tests.foreign import publish
from tests.harness import ROOT, MakePipeline, Pipeline, assert_answered_once

CODECS = ("gzip", "snappy", "lz4", "zstd")
PATIENCE_S = 60.0
WRITTEN = {
    Topic.RESPONSES: "zstd",
    Topic.CALLS: "lz4",
    Topic.COSTS: "snappy",
    Topic.DEAD_LETTERS: "lz4",
    Topic.MODEL_PANES: "snappy",
    Topic.MODEL_HEALTH: "zstd",
}
"""What a worker writes, and others or its successor read."""


async def turnout(pipeline: Pipeline, *arguments: str) -> list[dict[str, object]]:
    """Run a command, and return its lines of JSON."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "streams.cli", *arguments),
        cwd=ROOT,
        env={**os.environ, **pipeline.environment},
        stdout=PIPE,
        stderr=PIPE,
    )
    out, err = await asyncio.wait_for(process.communicate(), PATIENCE_S)
    assert process.returncode == 0, err.decode()
    return [orjson.loads(line) for line in out.splitlines() if line.startswith(b"{")]


async def recompress(pipeline: Pipeline) -> None:
    """Let the broker compress whatever is written to the topics from now on."""
    resources = [
        ConfigResource(ConfigResourceType.TOPIC, pipeline.settings.topic(topic), configs={"compression.type": codec})
        for topic, codec in WRITTEN.items()
    ]
    async with admin(pipeline.settings) as client:
        await client.alter_configs(resources)


async def test_compressed_records_are_served_and_read_by_every_command(make_pipeline: MakePipeline) -> None:
    pipeline = await make_pipeline()
    await recompress(pipeline)
    text = "".join(chr(97 + number * number % 26) for number in range(1_500)) * 2
    ids = [f"{codec}-{number}" for codec in CODECS for number in range(40)]  # several blocks of each codec in a batch
    published = {one: orjson.dumps({"request_id": one, "prompt": f"{text}: {one}?"}) for one in ids}

    async def publish_all(last: bytes) -> None:
        topic = pipeline.settings.topic(Topic.REQUESTS)
        for codec in CODECS:
            values = [value for one, value in published.items() if one.startswith(codec)]
            await asyncio.to_thread(
                publish, pipeline.settings.brokers, topic, [*values, last], partition=0, compression_type=codec
            )

    await publish_all(b"nonsense")
    worker = pipeline.start_worker()
    await pipeline.wait_for_responses(ids)
    assert worker.stop() == 0

    # the next worker reads back what the first one wrote, whatever the broker has made of it
    await publish_all(b'{"request_id": "last", "prompt": "What is 1 + 1?"}')
    worker = pipeline.start_worker()
    ids.append("last")
    await pipeline.wait_for_responses(ids)
    assert worker.stop() == 0, worker.log.read_text()[-2000:]
    assert_answered_once(await pipeline.responses(), ids)
    bill = await pipeline.reconcile()
    assert bill.bill_equals_invoice, bill
    assert bill.metered_calls == len(ids)

    read = ("--from", "beginning", "--no-follow", "--json")
    assert len(await turnout(pipeline, "tail", "requests", *read)) == 2 * len(published) + 2 * len(CODECS)
    assert len(await turnout(pipeline, "tail", "responses", *read)) == len(ids)
    assert [letter["code"] for letter in await turnout(pipeline, "replay", "--json")] == ["not_json"] * len(CODECS)
    file = str(pipeline.folder / "costs.duckdb")
    await turnout(pipeline, "warehouse", "--duckdb", file, "--once")
    assert await turnout(pipeline, "report", "--duckdb", file, "--json"), "nothing came into the warehouse"
