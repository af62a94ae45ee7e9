"""Shared health and shared limits over whole workers in memory."""

import asyncio
from dataclasses import replace

from router.tenants import Tenant
from schemas.topics import Topic
from streams.ports import Record
from tests.fakes.provider import Character, Fate
from tests.fakes.scene import SETTINGS, Json, Scene, played
from tests.fakes.world import WorkerProcess
from tests.stage import TWO

SESSION_S = SETTINGS.session_timeout_s
FAILING = {"alpha": Character(1, 2, chances={Fate.ERROR: 1.0}), "beta": Character(3, 6, median_s=0.1)}
QUICK = {"alpha": Character(1, 2, median_s=0.1)}
LIMITED = replace(TWO, tenants={"acme": Tenant("acme", requests_per_minute=30)})
NARROW = replace(TWO, tenants={"acme": Tenant("acme", concurrent_requests=2)})
LONG = {"alpha": Character(1, 2, median_s=2.0, spread=0.0)}


def health(scene: Scene, model: str = "alpha") -> Json:
    return [found for found in scene.messages(Topic.MODEL_HEALTH) if found.get("request_model") == model][-1]


def owner(scene: Scene) -> WorkerProcess:
    return scene.world.keeper_of(Topic.MODEL_STATS)


async def ask(
    scene: Scene, count: int, prefix: str = "r", partition: int | None = None, tenant: str = "default"
) -> list[Json]:
    names = [f"{prefix}-{number}" for number in range(count)]
    for number, name in enumerate(names):
        scene.publish(name, partition=number % 2 if partition is None else partition, tenant=tenant)
        await asyncio.sleep(0.1)
    return await scene.answered(*names)


@played(characters=QUICK)
async def test_what_all_workers_have_seen_is_merged_and_counts_once(scene: Scene) -> None:
    await scene.start("w1", "w2")
    await ask(scene, 60)
    await asyncio.sleep(3)
    assert health(scene)["requests"] == len(scene.calls()) == 60


@played(characters=QUICK)
async def test_a_delta_that_is_delivered_twice_counts_once(scene: Scene) -> None:
    await scene.start("w1")
    await ask(scene, 20)
    await asyncio.sleep(2)
    records = list(scene.world.broker.partition(scene.world.partition(Topic.MODEL_STATS)).records)
    for record in records:
        scene.world.broker.append(Record(Topic.MODEL_STATS, record.value, record.key, list(record.headers)))
    await ask(scene, 10, "s")
    await asyncio.sleep(3)
    assert health(scene)["requests"] == len(scene.calls()) == 30


@played(characters=QUICK)
async def test_an_heir_knows_the_window_and_counts_nothing_twice(scene: Scene) -> None:
    await scene.start("w1", "w2")
    await ask(scene, 40)
    await asyncio.sleep(2)
    first = owner(scene)
    first.kill()
    await asyncio.sleep(SESSION_S + 5)
    assert owner(scene) is not first
    await ask(scene, 10, "s")
    await asyncio.sleep(3)
    assert health(scene)["requests"] == len(scene.calls()) == 50


@played(characters=FAILING)
async def test_a_model_that_fails_at_one_worker_is_left_alone_by_another_within_two_seconds(scene: Scene) -> None:
    started = await scene.start("w1", "w2")
    await ask(scene, 60, partition=0)
    await scene.until(lambda: health(scene)["status"] == "unhealthy")
    await asyncio.sleep(2)
    seen = len(scene.calls())
    (response,) = await ask(scene, 1, "other", partition=1)
    assert len({worker.process.name for worker in started} & {call.caller for call in scene.calls()}) == 2
    assert response["request_model"] == "beta"
    assert [call.model for call in scene.calls()[seen:]] == ["beta"]


@played(characters=QUICK)
async def test_a_delta_passes_only_when_its_pane_is_in_the_changelog(scene: Scene) -> None:
    await scene.start("w1")
    await ask(scene, 30)
    await asyncio.sleep(3)
    panes = [event.at_s for event in scene.timeline if event.what == Topic.MODEL_PANES]
    committed = [commit for commit in scene.world.control.history if commit.partition.topic == Topic.MODEL_STATS]
    stats = scene.world.broker.partition(scene.world.partition(Topic.MODEL_STATS)).records
    measured = [record for record in stats if b'"outcomes":{}' not in (record.value or b"")]
    assert committed
    assert panes
    for commit in committed:
        passed = [record for record in measured if record.origin.offset < commit.offset]
        assert not passed or any(at_s >= passed[-1].timestamp_ms / 1000 for at_s in panes if at_s <= commit.at_s)


@played(characters=QUICK)
async def test_an_owner_that_was_frozen_past_its_session_tells_no_health(scene: Scene) -> None:
    await scene.start("w1", "w2", "w3")
    await ask(scene, 10)
    first = owner(scene)
    first.process.freeze()
    await asyncio.sleep(SESSION_S + 5)
    heir, written = owner(scene), []
    for worker in scene.world.workers.values():
        worker.link.on_send.append(
            lambda record, worker=worker: written.append((worker.process.name, record.topic))  # type: ignore[misc]
        )
    first.process.thaw()
    await asyncio.sleep(15)
    told = {Topic.MODEL_HEALTH, Topic.MODEL_PANES, Topic.TENANT_SHARES}
    assert {name for name, topic in written if topic in told} == {heir.process.name}


@played(characters=QUICK)
async def test_an_unreadable_delta_or_health_stops_nothing(scene: Scene) -> None:
    await scene.start("w1")
    for topic in (Topic.MODEL_STATS, Topic.MODEL_HEALTH):
        for value in (b"not JSON", b"{}", b'{"request_model": 7}'):
            scene.world.broker.append(Record(topic, value, b"alpha", []))
    await ask(scene, 20)
    await asyncio.sleep(3)
    assert health(scene)["requests"] == 20


@played(catalogue=LIMITED, characters=QUICK)
async def test_a_tenants_requests_a_minute_hold_over_all_workers(scene: Scene) -> None:
    await scene.start("w1", "w2")
    await asyncio.sleep(30)
    responses = await ask(scene, 120, tenant="acme")
    completed = [response for response in responses if response["status"] == "completed"]
    assert 20 <= len(completed) <= 31
    refused = {response["error"]["code"] for response in responses if response["status"] == "rejected"}
    assert refused == {"rate_exceeded"}


@played(catalogue=NARROW, characters=LONG)
async def test_a_tenants_requests_at_a_time_hold_over_all_workers_and_the_others_wait(scene: Scene) -> None:
    await scene.start("w1", "w2")
    await asyncio.sleep(10)
    responses = await ask(scene, 8, tenant="acme")
    assert {response["status"] for response in responses} == {"completed"}
    calls = scene.calls()
    assert max(sum(one.began_s <= call.began_s < one.ended_s for one in calls) for call in calls) == 2


@played(characters=QUICK)
async def test_a_worker_that_stops_says_goodbye_and_its_share_is_free_at_once(scene: Scene) -> None:
    first, _ = await scene.start("w1", "w2")
    await asyncio.sleep(10)
    assert len(health(scene)["shares"]) == 2
    await first.stop()
    await asyncio.sleep(5)
    assert len(health(scene)["shares"]) == 1
