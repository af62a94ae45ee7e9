"""What workers keep and read: clocks, disks, catalogues, topics, and what others write into them."""

import asyncio
import resource
from collections import Counter
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from uuid import uuid5

import orjson
from aiokafka import TopicPartition
from aiokafka.admin import RecordsToDelete

from schemas.costs import EVENT_NAMESPACE
from schemas.health import ModelHealth
from schemas.topics import Topic
from streams.kafka.clients import admin, producer, reader
from streams.topics import create_topics
from tests.chaos.records import configure
from tests.chaos.scene import Scene
from warehouse.duckdb_store import DuckDbStore
from warehouse.store import Cell

STEPPED_CLOCK = Path(__file__).with_name("stepped_clock")
EARLIER_VERSION = Path(__file__).with_name("earlier_version")
NEXT_VERSION = Path(__file__).with_name("next_version")
STEP_S = 1800.0
"""By default brokers refuse records from more than an hour ahead."""


async def clock_steps_forward(scene: Scene) -> None:
    await _clock_steps(scene, STEP_S)


async def clock_steps_back(scene: Scene) -> None:
    await _clock_steps(scene, -STEP_S)


async def _clock_steps(scene: Scene, step_s: float) -> None:
    await scene.open(latency_ms=1000)
    scene.clock_error_s = abs(step_s)
    step = scene.folder / "step"
    scene.start(PYTHONPATH=str(STEPPED_CLOCK), CHAOS_CLOCK_STEP=str(step))
    await scene.until_ready()
    await scene.publish(50)
    await scene.until_calls_are_under_way(50)
    await asyncio.to_thread(step.write_text, str(step_s))
    await scene.publish(50)
    await scene.until_answered()
    await scene.until_committed()
    await scene.stop()
    scene.start()
    await scene.publish(50)


async def disk_full(scene: Scene) -> None:
    await scene.open()
    data = scene.pipeline.settings.data_dir
    await asyncio.to_thread(data.mkdir, parents=True, exist_ok=True)
    (worker,) = scene.start()
    await scene.until_ready()
    # The log is a file too, and may grow no further from here on.
    used = await asyncio.to_thread(lambda: worker.log.stat().st_size)
    resource.prlimit(worker.process.pid, resource.RLIMIT_FSIZE, (used, resource.RLIM_INFINITY))
    await scene.publish(100)
    await scene.until_answered()
    resource.prlimit(worker.process.pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    await scene.publish(20)


async def warehouse_disk_full(scene: Scene) -> None:
    """The warehouse's file can grow no more while events come; when there is room again, it has them all, once each."""
    await scene.open()
    scene.start()
    file = scene.folder / "costs.duckdb"
    fill = ("warehouse", "--duckdb", str(file), "--once")
    await scene.until_answered(await scene.publish(20))
    await scene.until_committed()
    await scene.command(*fill)
    await scene.until_answered(await scene.publish(1000))
    await scene.until_committed()
    code, said = await scene.try_command(*fill, most_file_kb=64)
    scene.expect(code == 1, f"a warehouse without room ended with {code}: {said}")
    scene.expect("Traceback" not in said, f"a warehouse without room said: {said}")
    scene.healed()
    await scene.command(*fill)
    rows = await asyncio.to_thread(_cost_sums, file)
    invoice = scene.provider.invoice()
    charged = len(invoice), sum(row.cost_nano_usd for row in invoice)
    scene.expect(rows == charged, f"the warehouse has (calls, nano-dollars) {rows}, and charged were {charged}")


def _cost_sums(file: Path) -> tuple[Cell, ...]:
    with closing(DuckDbStore.open(file, read_only=True)) as store:
        return store.query("SELECT count(*), sum(cost_nano_usd) FROM costs")[0]


async def catalogue_changes(scene: Scene) -> None:
    await scene.open(latency_ms=200)
    scene.start()
    await scene.until_ready()
    await scene.publish(60)
    scene.write_catalogue({"version": '"2"', "typical_latency_ms": "100"})
    await scene.publish(60)
    (successor,) = scene.start()
    await scene.until_ready(successor)
    await scene.publish(60)
    await scene.until_answered()
    versions = {event.price_catalogue_version for event in await scene.pipeline.costs()}
    scene.expect(versions <= {"1", "2"} and "1" in versions, f"cost events name the catalogues {versions}")


async def catalogue_broken(scene: Scene) -> None:
    await scene.open()
    scene.start()
    await scene.until_ready()
    whole = await asyncio.to_thread(scene.catalogue.read_text)
    await asyncio.to_thread(scene.catalogue.write_text, "[models\n")
    await scene.until_answered(await scene.publish(60))
    (late,) = scene.start()
    code = await scene.until_ended(late)
    scene.expect(code not in {0, 1}, f"a worker with a broken catalogue ended with {code}")
    await asyncio.to_thread(scene.catalogue.write_text, whole)
    await scene.publish(20)


async def recovery_topics_truncated(scene: Scene) -> None:
    """What was finished and committed is gone from the topics; what comes after it must not care."""
    await scene.open(latency_ms=1500)
    scene.start()
    first = await scene.publish(100)
    await scene.until_answered(first)
    await scene.until_committed()
    responses, costs = await scene.pipeline.records(Topic.RESPONSES), await scene.pipeline.records(Topic.CALLS)
    scene.expect(len(responses) == len(first) == len(costs), "there is more than one record a request")
    scene.forgotten = responses
    await truncate(scene, Topic.RESPONSES)
    await truncate(scene, Topic.CALLS)
    await scene.publish(100)
    await scene.until_calls_are_under_way(50)
    scene.kill()
    scene.start()


async def truncate(scene: Scene, topic: Topic) -> None:
    """Delete all records that the topic has."""
    settings = scene.pipeline.settings
    tps = [TopicPartition(settings.topic(topic), number) for number in range(scene.pipeline.partitions(topic))]
    async with reader(settings) as consumer:
        ends = await consumer.end_offsets(tps)
    async with admin(settings) as client:
        await client.delete_records({tp: RecordsToDelete(before_offset=end) for tp, end in ends.items()})


async def health(scene: Scene) -> list[ModelHealth]:
    """Return all that was ever told of the models' health."""
    return [ModelHealth.decode(record.value or b"") for record in await scene.pipeline.records(Topic.MODEL_HEALTH)]


async def dead_letters_refused(scene: Scene) -> None:
    """A refusal is final: the worker ends, whatever becomes of what lies behind."""
    await scene.open()
    await configure(scene, Topic.DEAD_LETTERS, {"max.message.bytes": "300"})
    (worker,) = scene.start()
    behind = await _bury_in_vain(scene)
    code = await scene.until_ended(worker)
    scene.expect(code != 0, "a worker that could not keep a dead letter ended with 0")
    await _expect_uncommitted(scene, behind)
    await configure(scene, Topic.DEAD_LETTERS, {"max.message.bytes": "1000000"})
    scene.healed()
    scene.start()


async def dead_letters_missing(scene: Scene) -> None:
    """A topic that may come back is waited for, and what lies behind is answered meanwhile."""
    await scene.open()
    scene.start()
    await scene.until_ready()
    async with admin(scene.pipeline.settings) as client:
        await client.delete_topics([scene.pipeline.settings.topic(Topic.DEAD_LETTERS)])
        behind = await _bury_in_vain(scene)
        await scene.until_answered(behind)
        await asyncio.sleep(2)  # ten commits
        await _expect_uncommitted(scene, behind)
        await create_topics(client, scene.pipeline.settings)
    scene.healed()
    if not scene.alive:
        scene.start()


async def _bury_in_vain(scene: Scene) -> Sequence[str]:
    """Publish an unreadable record and ten requests behind it, and return the ids of these."""
    await scene.until_answered(await scene.publish(20))
    await scene.publish(5, partition=0)
    await scene.until_committed()
    scene.unreadable = 1
    await scene.publish_records([b"\xff" * 3000], partition=0)
    return await scene.publish(10, partition=0)


async def _expect_uncommitted(scene: Scene, behind: Sequence[str]) -> None:
    committed = (await scene.pipeline.committed())[0]
    async with reader(scene.pipeline.settings) as consumer:
        tp = TopicPartition(scene.pipeline.settings.topic(Topic.REQUESTS), 0)
        end = (await consumer.end_offsets([tp]))[tp]
    at = end - len(behind) - 1
    scene.expect(committed == at, f"{committed} is committed, and the record at {at} is kept nowhere")


async def a_topic_is_missing(scene: Scene) -> None:
    await scene.open()
    name = scene.pipeline.settings.topic(Topic.COSTS)
    async with admin(scene.pipeline.settings) as client:
        await client.delete_topics([name])
    (early,) = scene.start()
    code = await scene.until_ended(early)
    scene.expect(code != 0, "a worker without a costs topic ended with 0")
    scene.expect("turnout topics create" in early.log.read_text(), "it did not say what to do")
    async with admin(scene.pipeline.settings) as client:
        await create_topics(client, scene.pipeline.settings)
    scene.healed()
    scene.start()
    await scene.publish(40)


async def reply_topic_unknown(scene: Scene) -> None:
    topic = "there.is.no.such.topic"
    await scene.open(TURNOUT_REPLY_TO_ALLOWED=topic)
    scene.start()
    await scene.publish(5, reply_to=topic)
    await scene.publish(40)


async def model_stats_duplicated_and_reordered(scene: Scene) -> None:
    await scene.open()
    scene.start(2)
    await scene.until_ready()
    await scene.publish(200)
    await scene.until_answered()
    await asyncio.sleep(3)
    stats = await scene.pipeline.records(Topic.MODEL_STATS)
    async with producer(scene.pipeline.settings) as client:
        for record in [*reversed(stats), *stats, *stats[::2]]:
            await client.send(record.topic, record.value, key=record.key)
        for rubbish in (b"", b"\xff", b"{}", orjson.dumps({"schema_version": 9, "worker": None})):
            await client.send(scene.pipeline.settings.topic(Topic.MODEL_STATS), rubbish, key=b"gpt-4.1")
    await scene.until_answered(await scene.publish(100))
    await asyncio.sleep(3)  # the health of the last second is out
    counted = Counter({one.request_model: one.requests for one in await health(scene)}).total()
    calls = len(scene.provider.invoice())
    scene.expect(200 < counted <= calls, f"the shared health counts {counted} calls, and {calls} were made")


async def rolling_restart_of_two_versions(scene: Scene) -> None:
    """Up to the next version and back again; each has to read what the other wrote, after crashes too."""
    await scene.open(latency_ms=400)
    scene.start(2)
    await scene.until_ready()
    ids = await scene.publish(60)
    tomorrow, today = str(NEXT_VERSION), ""
    for version in (tomorrow, today):
        for worker in scene.alive:
            (successor,) = scene.start(PYTHONPATH=version)
            await scene.until_ready(successor)
            await scene.stop(worker)
            ids += await scene.publish(60)
        await scene.publish_again(ids[-90:])
        await scene.until_calls_are_under_way(20)
        scene.kill(scene.alive[0])
        scene.start(PYTHONPATH=version)
    await scene.until_answered()
    versions = {
        orjson.loads(record.value or b"")["schema_version"] for record in await scene.pipeline.records(Topic.CALLS)
    }
    scene.expect(len(versions) == 2, f"the write-ahead records are of the versions {versions}")


async def upgrade_of_identity(scene: Scene) -> None:
    """From workers whose identity was the id alone to ones of today and back, each killed with calls under way."""
    await scene.open(latency_ms=400)
    earlier, today = str(EARLIER_VERSION), ""
    scene.start(2, PYTHONPATH=earlier)
    await scene.until_ready()
    ids = await scene.publish(60)
    for version in (today, earlier, today):
        for _ in range(2):
            ids += await scene.publish(40)
            await scene.until_calls_are_under_way(20)
            scene.kill(scene.alive[0])
            (successor,) = scene.start(PYTHONPATH=version)
            await scene.until_ready(successor)
        await scene.publish_again(ids[-80:])
    await scene.until_answered()
    await scene.until_committed()
    events = {event.event_id: event for event in await scene.pipeline.costs()}.values()
    calls = Counter((event.request_id, event.attempt) for event in events)
    twice = [call for call, count in calls.items() if count > 1]
    scene.expect(not twice, f"{len(twice)} calls are on the bill under two ids, e.g. {twice[:1]}")
    forms = Counter(
        event.event_id == str(uuid5(EVENT_NAMESPACE, f"{event.request_id}:{event.attempt}")) for event in events
    )
    scene.expect(len(forms) == 2, f"ids of version 1 and later: {forms}")
