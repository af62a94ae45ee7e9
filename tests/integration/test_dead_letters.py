"""Dead letters on a real broker: a worker that halts rather than bury everything, and letters that are sent again."""

import asyncio
import os
import sys
from asyncio.subprocess import PIPE
from pathlib import Path

import orjson
from aiokafka.structs import ConsumerRecord

from schemas import dead_letters
from schemas.topics import Topic
from schemas.vocabulary import ErrorCode, Status
from streams.kafka.clients import admin, producer, transactional_producer
from streams.request.api_keys import key_digest, make_key
from streams.topics import create_topics
from tests.harness import ROOT, MakePipeline, Pipeline, assert_answered_once
from tests.reference import in_chain_order

POISON, MINIMUM = 500, 100
PATIENCE_S = 60
PROMPT = "word " * 400
BIG = orjson.dumps({"request_id": "big", "prompt": PROMPT})
BIG_WITHOUT_ID = orjson.dumps({"prompt": PROMPT})
NONSENSE = b"\xffnonsense"
HEADERS = [("mine", b"\xfe"), (dead_letters.REPLAYED, b"0:0"), ("mine", b"2")]
"""What a producer may have sent; a name of ours is not believed."""


async def replay(pipeline: Pipeline, *arguments: str, code: int = 0, **env: str) -> tuple[list[dict[str, object]], str]:
    """Run the command, which ends with the code; returns its JSON lines and what it said."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "streams.cli", "replay", "--json", *arguments),
        cwd=ROOT,
        env={**os.environ, **pipeline.environment, **env},
        stdout=PIPE,
        stderr=PIPE,
    )
    out, err = await asyncio.wait_for(process.communicate(), PATIENCE_S)
    assert process.returncode == code, err.decode()
    return [orjson.loads(line) for line in out.splitlines()], err.decode()


async def bury(pipeline: Pipeline, *records: tuple[bytes, bytes | None]) -> None:
    """Publish (value, key) for a worker that refuses them, and see them buried in this order."""
    topic = pipeline.settings.topic(Topic.REQUESTS)
    worker = pipeline.start_worker(TURNOUT_MAX_REQUEST_BYTES="1024")
    async with producer(pipeline.settings) as client:
        for count, (value, key) in enumerate(records, start=1):
            await client.send_and_wait(topic, value=value, key=key, partition=2, headers=HEADERS)
            async with asyncio.timeout(PATIENCE_S):
                while len(await pipeline.records(Topic.DEAD_LETTERS)) < count:  # noqa: ASYNC110 - on a topic
                    await asyncio.sleep(0.1)
    assert worker.stop() == 0


async def copies(pipeline: Pipeline) -> list[ConsumerRecord[bytes | None, bytes | None]]:
    """Return the requests that are copies of dead letters."""
    requests = await pipeline.records(Topic.REQUESTS)
    return [record for record in requests if dead_letters.REPLAY_OF in dict(record.headers)]


async def test_a_worker_halts_at_a_flood_of_poison_and_goes_on_where_it_stopped(make_pipeline: MakePipeline) -> None:
    pipeline = await make_pipeline(
        TURNOUT_DEAD_LETTER_SHARE="0.8", TURNOUT_DEAD_LETTER_MINIMUM=str(MINIMUM), TURNOUT_DRAIN_S="1"
    )
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


async def test_what_was_too_large_is_answered_once_when_it_is_replayed_after_the_limit_was_raised(
    make_pipeline: MakePipeline,
) -> None:
    pipeline = await make_pipeline()
    await bury(pipeline, (BIG, b"key"), (NONSENSE, b"key"), (BIG_WITHOUT_ID, None))
    shown, said = await replay(pipeline)
    assert [line["code"] for line in shown] == ["too_large", "not_utf8", "too_large"]
    assert said == "3 to replay. Add --yes to do it.\n"
    assert await copies(pipeline) == []

    done, said = await replay(pipeline, "--code", "too_large", "--until", "2100-01-01", "--yes")
    assert [line["offset"] for line in done] == [0, 2]
    assert said == "Replayed 2.\n"
    sent = {record.value: record for record in await copies(pipeline)}
    assert {value: record.key for value, record in sent.items()} == {BIG: b"key", BIG_WITHOUT_ID: None}
    assert {record.partition for record in sent.values()} == {2}
    assert list(sent[BIG].headers) == [("mine", b"\xfe"), ("mine", b"2"), (dead_letters.REPLAY_OF, b"0:0")]

    worker = pipeline.start_worker()
    ids = ["big:replay:0:0", "dead-letter:replay:0:2"]
    await pipeline.wait_for_responses(ids)
    again, said = await replay(pipeline, "--code", "too_large", "--yes")
    assert (again, said) == ([], "Replayed 0; 2 of those meant had been replayed before.\n")
    left, _ = await replay(pipeline, "--since", "2026-01-01", "--limit", "5")
    assert [line["code"] for line in left] == ["not_utf8"]
    assert (await replay(pipeline, "--request-id", "big"))[0] == []
    assert len(await copies(pipeline)) == len(ids)

    # what is no better than before is buried once more, as another dead letter
    assert (await replay(pipeline, "--at", "0:1", "--yes"))[1] == "Replayed 1.\n"
    async with asyncio.timeout(PATIENCE_S):
        while not (buried := (await replay(pipeline))[0]):  # noqa: ASYNC110 - on a topic
            await asyncio.sleep(0.2)
    assert [line["code"] for line in buried] == ["not_utf8"]
    assert worker.stop() == 0
    responses = await pipeline.responses()
    assert_answered_once(responses, ["big", *ids])
    assert {response.status for response in responses if response.request_id in ids} == {Status.COMPLETED}
    bill = await pipeline.reconcile()
    assert bill.bill_equals_invoice, bill
    assert bill.metered_calls == len(ids)


async def test_a_replay_that_dies_before_its_commit_is_done_again_and_still_answered_once(
    make_pipeline: MakePipeline,
) -> None:
    pipeline = await make_pipeline()
    await bury(pipeline, (BIG, b"key"))
    name = pipeline.settings.topic(Topic.DEAD_LETTERS) + ".replay"
    async with transactional_producer(pipeline.settings, name) as dying:
        await dying.begin_transaction()
        headers = [(dead_letters.REPLAY_OF, b"0:0")]
        topic = pipeline.settings.topic(Topic.REQUESTS)
        await dying.send_and_wait(topic, value=BIG, key=b"key", partition=2, headers=headers)
        done, said = await replay(pipeline, "--yes")  # takes the place of the one that is dying
    assert ([line["offset"] for line in done], said) == ([0], "Replayed 1.\n")
    assert len(await copies(pipeline)) == 2
    worker = pipeline.start_worker()
    await pipeline.wait_for_responses(["big:replay:0:0"])
    assert worker.stop() == 0
    assert_answered_once(await pipeline.responses(), ["big", "big:replay:0:0"])
    assert (await pipeline.reconcile()).metered_calls == 1


async def test_without_the_dead_letter_topic_the_offset_waits_until_it_is_back(make_pipeline: MakePipeline) -> None:
    pipeline = await make_pipeline()
    good: list[dict[str, object]] = [{"request_id": f"g{number}", "prompt": "What is 1 + 1?"} for number in range(3)]
    pipeline.start_worker()
    await pipeline.publish([good[0]], partition=2)
    await pipeline.wait_for_responses(["g0"])
    async with admin(pipeline.settings) as client:
        await client.delete_topics([pipeline.settings.topic(Topic.DEAD_LETTERS)])
    await pipeline.publish([NONSENSE, good[1]], partition=0)
    await pipeline.publish([good[2]], partition=1)
    await pipeline.wait_for_responses(["g1", "g2"])
    await until_committed(pipeline, partition=1, offset=1)
    assert (await pipeline.committed()).get(0, 0) == 0

    async with admin(pipeline.settings) as client:
        assert await create_topics(client, pipeline.settings) == [pipeline.settings.topic(Topic.DEAD_LETTERS)]
    await until_committed(pipeline, partition=0, offset=2)
    assert [letter.value for letter in await pipeline.records(Topic.DEAD_LETTERS)] == [NONSENSE]


async def test_the_largest_record_that_the_requests_topic_takes_fits_among_the_dead_letters(
    make_pipeline: MakePipeline,
) -> None:
    limit = 65_536
    pipeline = await make_pipeline(TURNOUT_MAX_MESSAGE_BYTES=str(limit))
    largest = b"x" * (limit - 80)  # less what frames a batch of one record
    await pipeline.publish([largest])
    worker = pipeline.start_worker()
    async with asyncio.timeout(PATIENCE_S):
        while not (letters := await pipeline.records(Topic.DEAD_LETTERS)):  # noqa: ASYNC110 - on a topic
            await asyncio.sleep(0.1)
    assert [letter.value for letter in letters] == [largest]
    assert worker.stop() == 0


async def until_committed(pipeline: Pipeline, partition: int, offset: int) -> None:
    """Wait until the group has committed this offset."""
    async with asyncio.timeout(PATIENCE_S):
        while (await pipeline.committed()).get(partition) != offset:  # noqa: ASYNC110 - in the broker
            await asyncio.sleep(0.1)


async def test_a_dead_letter_of_a_tenant_with_a_key_is_replayed_by_whoever_may_and_by_nobody_else(
    make_pipeline: MakePipeline, tmp_path: Path
) -> None:
    key, secret = make_key(), "s3cret-" * 5
    catalogue = tmp_path / "keyed.toml"
    tenants = f'[tenants.acme]\nkeys = ["sha256:{key_digest(key.encode())}"]\ntags = {{ team = "search" }}\n'
    catalogue.write_text(f"{in_chain_order()}\n{tenants}")
    pipeline = await make_pipeline(TURNOUT_CATALOGUE=str(catalogue), TURNOUT_REPLAY_KEY=secret)
    worker = pipeline.start_worker(TURNOUT_MAX_REQUEST_BYTES="1024")
    claimed = (dead_letters.TENANT, b"acme")
    await pipeline.publish([BIG, BIG], partition=2, headers=[[bearer(key)], [bearer("no key"), claimed]])
    async with asyncio.timeout(PATIENCE_S):
        while len(await pipeline.records(Topic.DEAD_LETTERS)) < 2:  # noqa: ASYNC110 - on a topic
            await asyncio.sleep(0.1)
    assert await asyncio.to_thread(worker.stop) == 0

    _, said = await replay(pipeline, "--yes", code=1, TURNOUT_REPLAY_KEY="")
    assert "set TURNOUT_REPLAY_KEY" in said
    assert await copies(pipeline) == [], "nothing is marked that would only be refused"
    _, said = await replay(pipeline, "--yes")
    assert said == "Replayed 2.\n"
    assert secret not in said
    (good,) = (copy for copy in await copies(pipeline) if dead_letters.REPLAY_SIGNATURE in dict(copy.headers))
    named = dict(good.headers)
    forged = [
        (BIG, [(dead_letters.REPLAY_OF, b"0:77"), *((name, named[name]) for name in SIGNATURE)]),
        (BIG.replace(b"word", b"more"), list(good.headers)),
    ]
    letter = await letter_of(pipeline, "acme")
    again = (letter.value, list(good.headers))
    async with producer(pipeline.settings) as client:
        topic = pipeline.settings.topic(Topic.REQUESTS)
        for value, headers in [again, *forged]:
            await client.send_and_wait(topic, value=value, key=b"bad", partition=2, headers=headers)
        await client.send_and_wait(topic, value=BIG, key=b"bad", partition=1, headers=list(good.headers))
    worker = pipeline.start_worker()
    own, place = f"big:replay:0:{letter.offset}", f"{letter.offset}"
    other = "big:replay:0:1" if place == "0" else "big:replay:0:0"
    await pipeline.wait_for_responses([own, other, "big:replay:0:77"])
    await until_all_is_finished(pipeline)
    responses = [response for response in await pipeline.responses() if ":replay:" in response.request_id]
    completed = [response for response in responses if response.status is Status.COMPLETED]
    assert [(response.request_id, response.tenant) for response in completed] == [(own, "acme")]
    assert completed[0].metadata == {"team": "search"}
    assert {response.error.code for response in responses if response.error} == {ErrorCode.UNAUTHENTICATED}
    assert (await pipeline.reconcile()).metered_calls == 1
    assert await asyncio.to_thread(worker.stop) == 0
    assert all(secret.encode() not in worker.log.read_bytes() for worker in pipeline.workers)


SIGNATURE = (dead_letters.REPLAY_TENANT, dead_letters.REPLAY_SIGNATURE)


def bearer(key: str) -> tuple[str, bytes]:
    return ("authorization", f"Bearer {key}".encode())


async def letter_of(pipeline: Pipeline, tenant: str) -> ConsumerRecord[bytes | None, bytes | None]:
    """Return the only dead letter whose own header, the last one of the name, has the tenant."""
    records = [record for record in await pipeline.records(Topic.DEAD_LETTERS) if record.value is not None]
    (found,) = (record for record in records if (record.headers[-1]) == (dead_letters.TENANT, tenant.encode()))
    return found


async def until_all_is_finished(pipeline: Pipeline) -> None:
    """Wait until the group has committed everything on the requests topic."""
    last = {record.partition: record.offset for record in await pipeline.records(Topic.REQUESTS)}
    for partition, offset in last.items():
        await until_committed(pipeline, partition, offset + 1)
