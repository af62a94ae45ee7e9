"""The examples as a user runs them: each client's prompt is answered, and each client reads all answers and costs."""

import asyncio
import os
import sys
from asyncio.subprocess import PIPE, Process

import orjson

from tests.harness import ROOT, MakePipeline, Pipeline

PATIENCE_S = 60
EXAMPLES = ROOT / "examples"
CLIENTS = ("aiokafka", "confluent", "kcat")


async def run(pipeline: Pipeline, verb: str, client: str, *arguments: str) -> Process:
    python = client != "kcat"
    script = EXAMPLES / f"{verb}_{client}.{'py' if python else 'sh'}"
    return await asyncio.create_subprocess_exec(
        *(sys.executable if python else "sh", str(script), *arguments),
        env={**os.environ, "TURNOUT_BROKERS": pipeline.settings.brokers, "PYTHONUNBUFFERED": "1"},
        stdout=PIPE,
    )


async def produce(pipeline: Pipeline, client: str) -> str:
    argument = "example-of-kcat" if client == "kcat" else "What is a turnout?"
    process = await run(pipeline, "produce", client, argument)
    out, _ = await asyncio.wait_for(process.communicate(), PATIENCE_S)
    assert process.returncode == 0
    return out.decode().strip()


async def read_until_all_are_there(pipeline: Pipeline, client: str, wanted: set[tuple[str, str]]) -> None:
    """Each wanted pair must be in one line of what the consumer prints."""
    process = await run(pipeline, "consume", client)
    assert process.stdout is not None
    try:
        while wanted:
            line = (await asyncio.wait_for(process.stdout.readline(), PATIENCE_S)).decode()
            assert line, f"{client} ended without {wanted}"
            wanted = {pair for pair in wanted if not all(word in line for word in pair)}
    finally:
        process.terminate()
        await process.communicate()


async def test_what_one_example_publishes_every_example_sees_answered_and_priced(make_pipeline: MakePipeline) -> None:
    pipeline = await make_pipeline(TURNOUT_TOPIC_PREFIX="")
    pipeline.start_worker()
    ids = {client: await produce(pipeline, client) for client in CLIENTS}
    responses = {response.request_id: response for response in await pipeline.wait_for_responses(ids.values())}
    for client in CLIENTS:
        assert responses[ids[client]].metadata == {"example": client}
    for reader in CLIENTS:
        wanted: set[tuple[str, str]] = set()
        for client in CLIENTS:
            message = responses[ids[client]].message
            assert message is not None
            said = orjson.dumps(message.content).decode() if reader == "kcat" else str(message.content).splitlines()[0]
            wanted |= {(ids[client], said), (ids[client], f'"example\\":\\"{client}' if reader == "kcat" else client)}
        await read_until_all_are_there(pipeline, reader, wanted)
