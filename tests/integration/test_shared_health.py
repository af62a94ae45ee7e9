"""Health and limits between real worker processes on a real broker."""

import asyncio
import os
import sys
import time
from collections.abc import Callable
from itertools import count
from pathlib import Path

import orjson
import pytest

from router.models.health import PANE_S
from router.models.panes import Pane
from sandbox.provider.faults import Fault, FaultKind
from schemas.failovers import Failover, FailoverKind
from schemas.health import HealthStatus, ModelHealth, ModelStats
from schemas.topics import Topic
from schemas.vocabulary import AttemptOutcome
from streams.config.catalogue_file import load_catalogue
from streams.kafka.clients import producer
from tests.harness import PATIENCE_S, ROOT, MakePipeline, MakeProvider, Pipeline, Worker
from tests.reference import in_chain_order

MODEL = "gpt-4.1"
OWNER = "keeps the shared health"
NUMBERS = count()


def questions(many: int, **fields: object) -> list[dict[str, object]]:
    return [{"request_id": f"q{next(NUMBERS)}", "prompt": "Which track is free?", **fields} for _ in range(many)]


async def ask(pipeline: Pipeline, many: int, partition: int = 0, **fields: object) -> None:
    published = questions(many, **fields)
    await pipeline.publish(published, partition=partition)
    await pipeline.wait_for_responses([str(request["request_id"]) for request in published])


async def health(pipeline: Pipeline) -> ModelHealth | None:
    """Return the last health of the model."""
    records = await pipeline.records(Topic.MODEL_HEALTH)
    found = [ModelHealth.decode(record.value) for record in records if record.key == MODEL.encode() and record.value]
    return found[-1] if found else None


async def until_health(pipeline: Pipeline, holds: Callable[[ModelHealth], bool]) -> ModelHealth:
    give_up = time.monotonic() + PATIENCE_S
    while True:
        found = await health(pipeline)
        if found is not None and holds(found):
            return found
        assert time.monotonic() < give_up, (found, [worker.log.read_text()[-2000:] for worker in pipeline.workers])
        await asyncio.sleep(0.2)


async def until_logged(worker: Worker, words: str) -> None:
    give_up = time.monotonic() + PATIENCE_S
    while words not in worker.log.read_text():
        assert time.monotonic() < give_up, worker.log.read_text()[-2000:]
        await asyncio.sleep(0.1)


async def turnout(pipeline: Pipeline, *arguments: str) -> list[dict[str, object]]:
    """Run a command that prints JSON lines."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "streams.cli",
        *arguments,
        cwd=ROOT,
        env={**os.environ, **pipeline.environment},
        stdout=asyncio.subprocess.PIPE,
    )
    out, _ = await asyncio.wait_for(process.communicate(), PATIENCE_S)
    assert process.returncode == 0
    return [orjson.loads(line) for line in out.splitlines()]


async def failovers(pipeline: Pipeline) -> list[Failover]:
    return [Failover.decode(record.value or b"") for record in await pipeline.records(Topic.FAILOVERS)]


async def test_a_worker_without_traffic_leaves_alone_at_once_what_another_has_found_dead(
    make_pipeline: MakePipeline, make_provider: MakeProvider
) -> None:
    provider = make_provider()
    pipeline = await make_pipeline(provider)
    workers = [pipeline.start_worker(TURNOUT_WORKER_ID=name) for name in ("one", "other")]
    for worker in workers:
        await until_logged(worker, "worker is ready")
    await until_health(pipeline, lambda found: len(found.shares) == 2)
    provider.add_fault(Fault(fault=FaultKind.STATUS_503, model=MODEL))
    await ask(pipeline, 30, tier="powerful")  # one partition, so one worker
    found = await until_health(pipeline, lambda found: len(found.breakers) == 2)
    assert found.status is HealthStatus.UNHEALTHY
    opened = [failover for failover in await failovers(pipeline) if failover.to_state == "open"]
    by_itself, from_peers = opened[0], opened[1]
    assert {by_itself.worker, from_peers.worker} == {"one", "other"}
    assert from_peers.reason.startswith(f"shared health: {by_itself.worker} left it alone")
    assert from_peers.alternatives == ("gemini-2.5-flash", "deepseek-v3.2", "claude-sonnet-4.5")
    assert (from_peers.occurred_at - by_itself.occurred_at).total_seconds() < 4  # 2 on a machine that is not loaded
    told = [failover for failover in await failovers(pipeline) if failover.kind is FailoverKind.HEALTH]
    assert [(failover.request_model, failover.to_state) for failover in told] == [(MODEL, HealthStatus.UNHEALTHY)]
    shown = {line["request_model"]: line for line in await turnout(pipeline, "health", "--once", "--json")}
    assert len(shown) == 4
    assert (shown[MODEL]["status"], shown[MODEL]["workers"]) == ("unhealthy", 2)
    attempt_log = await turnout(pipeline, "failovers", "--from", "beginning", "--json")
    assert {(line["kind"], line["to_state"]) for line in attempt_log} >= {("breaker", "open"), ("health", "unhealthy")}


async def test_when_the_owner_of_the_health_is_killed_another_goes_on_with_its_window_and_its_verdict(
    make_pipeline: MakePipeline, make_provider: MakeProvider
) -> None:
    pipeline = await make_pipeline(make_provider(latency_ms=1700))
    first = pipeline.start_worker(TURNOUT_WORKER_ID="first")
    await until_logged(first, OWNER)
    await ask(pipeline, 120, model=MODEL)
    before = await until_health(pipeline, lambda found: found.requests >= 120 and not found.in_flight)
    assert (before.status, before.workers) == (HealthStatus.DEGRADED, 1)
    second = pipeline.start_worker(TURNOUT_WORKER_ID="second")
    await until_health(pipeline, lambda found: len(found.shares) == 2)
    owner = pipeline.last_to_say(OWNER)
    assert owner is not None
    left = second if owner is first else first
    owner.kill()
    after = await until_health(pipeline, lambda found: found.workers == 1 and len(found.shares) == 1)
    await until_logged(left, OWNER)
    assert (after.status, after.requests, after.p99_ms) == (HealthStatus.DEGRADED, before.requests, before.p99_ms)
    assert set(after.shares) == {"second" if left is second else "first"}
    moves = [failover for failover in await failovers(pipeline) if failover.request_model == MODEL]
    assert [(move.kind, move.to_state) for move in moves] == [(FailoverKind.HEALTH, HealthStatus.DEGRADED)]


async def test_restored_panes_count_while_they_are_young_and_are_deleted_when_they_are_old(
    make_pipeline: MakePipeline,
) -> None:
    pipeline = await make_pipeline()
    now_s, keys = time.time(), dict[str, bytes]()
    async with producer(pipeline.settings) as client:
        for minutes, worker in ((2, "young"), (59, "aging"), (61, "old"), (600, "ancient")):
            pane = Pane(int((now_s - 60 * minutes) // PANE_S))
            pane.merge(
                ModelStats(
                    worker=worker,
                    epoch=1,
                    sequence=0,
                    request_model=MODEL,
                    second=int(pane.number * PANE_S),
                    outcomes={AttemptOutcome.SUCCEEDED: 70},
                    latency_buckets={500: 70},
                    latency_scale=6,
                )
            )
            keys[worker] = f"{MODEL}|{pane.number}".encode()
            topic = pipeline.settings.topic(Topic.MODEL_PANES)
            await client.send_and_wait(topic, pane.stored(), key=keys[worker])
    pipeline.start_worker()
    found = await until_health(pipeline, lambda found: found.requests > 0)
    assert found.requests == 70
    give_up = time.monotonic() + PATIENCE_S
    while True:
        panes = {record.key: record.value for record in await pipeline.records(Topic.MODEL_PANES)}
        mine = {key: value for key, value in panes.items() if key and key.startswith(MODEL.encode())}
        if len([key for key, value in mine.items() if value is None]) == 2:
            break
        assert time.monotonic() < give_up, panes
        await asyncio.sleep(0.3)
    assert mine[keys["young"]] is not None
    assert mine[keys["aging"]] is not None
    assert mine[keys["ancient"]] is None


async def test_a_limit_holds_over_workers_of_which_one_is_killed_and_one_joins(
    make_pipeline: MakePipeline, make_provider: MakeProvider, tmp_path_factory: pytest.TempPathFactory
) -> None:
    limit = 100
    provider = make_provider()
    pipeline = await make_pipeline(provider, TURNOUT_CATALOGUE=str(limited(tmp_path_factory.mktemp("limited"), limit)))
    one, other = (pipeline.start_worker(TURNOUT_WORKER_ID=name) for name in ("one", "other"))
    await until_health(pipeline, lambda found: len(found.shares) == 2)
    for partition in range(4):
        await pipeline.publish(questions(100, model=MODEL), partition=partition)
    began = time.monotonic()
    await until_health(pipeline, lambda found: found.requests >= 0.5 * limit)
    one.kill()
    third = pipeline.start_worker(TURNOUT_WORKER_ID="third")
    await until_logged(third, "worker is ready")
    await until_health(pipeline, lambda found: set(found.shares) == {"other", "third"})
    other.terminate()
    await asyncio.sleep(began + 25 - time.monotonic())  # the claim is that nothing more happens
    calls = len(provider.invoice())
    assert time.monotonic() - began < 60
    assert 0.9 * limit <= calls <= 1.05 * limit


def limited(folder: Path, limit: int) -> Path:
    """Return a catalogue whose model takes so many calls a minute."""
    text = in_chain_order()
    assert text.count("requests_per_minute = 500") == 1
    catalogue = folder / "catalogue.toml"
    catalogue.write_text(text.replace("requests_per_minute = 500", f"requests_per_minute = {limit}"))
    return catalogue


async def test_an_idle_model_is_probed_and_the_probes_are_billed(make_pipeline: MakePipeline) -> None:
    pipeline = await make_pipeline(TURNOUT_PROBE_IDLE_S="1")
    pipeline.start_worker()
    health = await until_health(pipeline, lambda found: found.requests >= 2)
    assert health.error_rate == 0
    assert await asyncio.to_thread(pipeline.workers[0].stop) == 0
    costs = await pipeline.costs()
    assert {event.tenant for event in costs} == {"turnout-probe"}
    assert {event.request_model for event in costs} == set(load_catalogue(pipeline.settings.catalogue).catalogue.models)
    assert (await pipeline.reconcile()).bill_equals_invoice
