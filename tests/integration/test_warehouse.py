"""`turnout warehouse` as a process: killed again and again, it holds exactly what the provider charged."""

import asyncio
import os
import random
import signal
import sys
from asyncio.subprocess import PIPE, Process
from contextlib import suppress
from pathlib import Path

import pytest
from aiokafka.structs import ConsumerRecord

from sandbox.postgres import PASSWORD, PostgresInfo
from schemas.topics import Topic
from streams.kafka.clients import producer
from tests.harness import ROOT, MakePipeline, MakeProvider, Pipeline
from tests.warehouses import Warehouse, batch_of
from warehouse.store import Cell

KILLS = 20
"""Of each engine's sink."""
REQUESTS_A_ROUND = 30
PATIENCE_S = 60.0

SUMS = "SELECT count(*), sum(cost_nano_usd), sum(cost_usd) FROM costs"


async def start(pipeline: Pipeline, *arguments: str) -> Process:
    return await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "streams.cli", "warehouse", *arguments),
        cwd=ROOT,
        env={**os.environ, **pipeline.environment},
        stdout=PIPE,
        stderr=PIPE,
    )


async def drain(pipeline: Pipeline, warehouse: Warehouse) -> str:
    sink = await start(pipeline, *warehouse.options, "--once")
    _, err = await asyncio.wait_for(sink.communicate(), PATIENCE_S)
    assert sink.returncode == 0, err.decode()
    assert PASSWORD not in err.decode()
    return err.decode()


async def republish(
    pipeline: Pipeline, topic: Topic, records: list[ConsumerRecord[bytes | None, bytes | None]]
) -> None:
    async with producer(pipeline.settings) as client:
        name = pipeline.settings.topic(topic)
        sent = [await client.send(name, value=record.value, key=record.key) for record in records]
        await asyncio.gather(*sent)


async def kill_while_it_writes(pipeline: Pipeline, warehouse: Warehouse, chance: random.Random) -> None:
    """Kill a sink somewhere between its first transaction and some later one."""
    sink = await start(pipeline, *warehouse.options)
    assert sink.stderr is not None
    said = await asyncio.wait_for(sink.stderr.readline(), PATIENCE_S)
    assert b"records" in said, said + await sink.stderr.read()
    with suppress(TimeoutError):
        await asyncio.wait_for(sink.wait(), chance.uniform(0, 0.3))
    sink.send_signal(signal.SIGKILL)
    assert await sink.wait() == -signal.SIGKILL


@pytest.mark.timeout(600)  # forty processes start and die
async def test_the_sum_is_the_invoice_after_twenty_kills_of_each_sink(
    make_provider: MakeProvider, make_pipeline: MakePipeline, postgres: PostgresInfo, tmp_path: Path
) -> None:
    provider = make_provider(latency_ms=5)
    pipeline = await make_pipeline(provider)
    pipeline.start_worker()
    warehouses = [Warehouse.in_file(tmp_path), Warehouse.in_postgres(postgres)]
    chance = random.Random(20)  # noqa: S311 - when to kill
    ids: list[str] = []
    for number in range(KILLS):
        new = [f"{number}-{request}" for request in range(REQUESTS_A_ROUND)]
        ids += new
        await pipeline.publish({"request_id": request, "prompt": "2 + 2?", "tenant": "t"} for request in new)
        await asyncio.gather(*(kill_while_it_writes(pipeline, warehouse, chance) for warehouse in warehouses))
    await pipeline.wait_for_responses(ids)
    assert pipeline.workers[0].stop() == 0
    invoice = provider.invoice()
    charged = sum(row.cost_nano_usd for row in invoice)

    said = await asyncio.gather(*(drain(pipeline, warehouse) for warehouse in warehouses))
    sums: list[tuple[Cell, ...]] = []
    for warehouse in warehouses:
        sums += warehouse.query(SUMS)
        assert warehouse.query("SELECT count(*) FROM responses") == [(len(ids),)]
        assert warehouse.query("SELECT count(*) FROM unreadable_records") == [(0,)]
        assert warehouse.query("SELECT count(*) FROM costs WHERE certainty <> 'metered'") == [(0,)]
    assert [(calls, nano) for calls, nano, _ in sums] == [(len(invoice), charged)] * 2, said

    await republish(pipeline, Topic.COSTS, await pipeline.records(Topic.COSTS))
    await asyncio.gather(*(drain(pipeline, warehouse) for warehouse in warehouses))
    assert [warehouse.query(SUMS)[0] for warehouse in warehouses] == sums


async def test_it_follows_until_it_is_told_to_stop(
    make_pipeline: MakePipeline, make_provider: MakeProvider, tmp_path: Path
) -> None:
    provider = make_provider(latency_ms=5)
    pipeline = await make_pipeline(provider)
    pipeline.start_worker()
    warehouse = Warehouse.in_file(tmp_path)
    await pipeline.publish([{"request_id": "1", "prompt": "hi"}])
    sink = await start(pipeline, *warehouse.options)
    assert sink.stderr is not None
    assert b"1 cost events" in await asyncio.wait_for(sink.stderr.readline(), PATIENCE_S) + await asyncio.wait_for(
        _later(sink), PATIENCE_S
    )
    assert sink.returncode == 0
    assert warehouse.query("SELECT status FROM responses") in ([("completed",)], [])


async def _later(sink: Process) -> bytes:
    sink.terminate()
    _, err = await sink.communicate()
    return err


async def test_garbage_is_kept_and_a_topic_that_was_made_anew_is_read_again(
    make_pipeline: MakePipeline, tmp_path: Path
) -> None:
    pipeline = await make_pipeline()
    warehouse = Warehouse.in_file(tmp_path)
    async with producer(pipeline.settings) as client:
        for value in (b"{", b"\x00\xff", b'{"event_id": 1}'):
            await client.send_and_wait(pipeline.settings.topic(Topic.COSTS), value=value, partition=0)
    said = await drain(pipeline, warehouse)
    assert "3 unreadable" in said
    kept = "SELECT value FROM unreadable_records ORDER BY topic_offset"
    assert warehouse.query(kept) == [(b"{",), (b"\x00\xff",), (b'{"event_id": 1}',)]
    assert "0 records" in await drain(pipeline, warehouse)

    store = warehouse.open()
    lost = batch_of([], [])
    lost.offsets[pipeline.settings.topic(Topic.COSTS), 0] = 1000
    store.write(lost)
    store.close()
    said = await drain(pipeline, warehouse)
    assert "made anew" in said
    assert "3 unreadable" in said
    assert len(warehouse.query(kept)) == 3


async def test_mistakes_end_with_one_sentence(make_pipeline: MakePipeline, tmp_path: Path) -> None:
    pipeline = await make_pipeline()
    broken = tmp_path / "broken.duckdb"
    broken.write_text("not a database")
    for arguments, word in (
        ((), "Name one warehouse"),
        (("--duckdb", "a", "--postgres", "b"), "Name one warehouse"),
        (("--duckdb", str(broken)), "cannot be opened"),
        (("--postgres", f"postgresql://u:{PASSWORD}@127.0.0.1:1/x"), "refuses"),
    ):
        sink = await start(pipeline, *arguments)
        _, err = await asyncio.wait_for(sink.communicate(), PATIENCE_S)
        assert word in err.decode()
        assert sink.returncode in {1, 2}
        assert err.count(b"\n") == 1
        assert PASSWORD not in err.decode()


@pytest.fixture(autouse=True)
def _no_password_of_the_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PGPASSWORD", raising=False)
