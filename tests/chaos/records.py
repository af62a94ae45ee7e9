"""Records that are odd: duplicates, poison, gaps between offsets, wrong times, other versions."""

import asyncio
import time
from statistics import median

import orjson
from aiokafka import AIOKafkaProducer
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.structs import ConsumerRecord

from sandbox.provider.faults import FaultKind
from schemas.dead_letters import REQUEST_ID
from schemas.responses import Response
from schemas.topics import Topic
from schemas.vocabulary import ErrorCode, Status
from streams.kafka.clients import admin, producer
from tests.chaos.scene import PATIENCE_S, Scene, json_of
from tests.harness import far_deadline

YEAR_MS = 365 * 86_400_000


async def configure(scene: Scene, topic: Topic, configs: dict[str, str]) -> None:
    """Change a topic's configuration; what is not named falls back to its default."""
    name = scene.pipeline.settings.topic(topic)
    async with admin(scene.pipeline.settings) as client:
        await client.alter_configs([ConfigResource(ConfigResourceType.TOPIC, name, configs)])
    await asyncio.sleep(1)  # brokers apply it a moment later


async def published_again_when_finished(scene: Scene) -> None:
    await scene.open()
    scene.start()
    ids = await scene.publish(100)
    await scene.until_answered()
    calls = len(scene.provider.invoice())
    await scene.publish_again(ids)
    await scene.until_committed()
    scene.expect(len(scene.provider.invoice()) == calls, "a finished request was called for again")


async def published_again_while_under_way(scene: Scene) -> None:
    await scene.open(latency_ms=1500)
    scene.start()
    ids = await scene.publish(80)
    await scene.until_calls_are_under_way(80)
    for _ in range(3):
        await scene.publish_again(ids)
    await scene.until_committed()
    scene.expect(len(scene.provider.invoice()) == len(ids), "a request under way was called for again")


async def published_again_after_a_crash(scene: Scene) -> None:
    await scene.open()
    scene.start()
    ids = await scene.publish(100)
    await scene.until_answered()
    await scene.until_committed()
    scene.kill()
    calls = len(scene.provider.invoice())
    scene.start()
    await scene.publish_again(ids)
    await scene.until_committed()
    scene.expect(len(scene.provider.invoice()) == calls, "a request finished before the crash was called for again")


async def published_again_beyond_the_horizon(scene: Scene) -> None:
    """Within the horizon an id has one answer; beyond it, it is another request, whose calls are told as well."""
    await scene.open(TURNOUT_DUPLICATE_HORIZON_S="4")
    scene.start()
    ids = await scene.publish(60)
    await scene.until_answered(ids)
    await scene.publish_again(ids)
    await scene.until_committed()
    calls = len(scene.provider.invoice())
    scene.expect(calls == len(ids), f"{calls - len(ids)} finished requests were called for again within the horizon")
    for _ in range(5):  # what is over is forgotten as others finish
        await asyncio.sleep(1.6)
        for partition in range(scene.pipeline.settings.partitions):
            await scene.publish(1, partition=partition)
    scene.more_answers.update(ids)
    await scene.publish_again(ids)
    await scene.until_committed()
    await asyncio.to_thread(scene.provider.wait_until_settled)
    events = [event for event in await scene.pipeline.costs() if event.request_id in scene.more_answers]
    lives = {event.event_id for event in events}
    scene.expect(
        len(lives) == 2 * len(ids), f"{len(lives)} calls of {len(ids)} requests and their second lives are billed"
    )


async def replayed_twice(scene: Scene) -> None:
    """A worker that takes too little buries good requests; one that is mended answers their replays, each once."""
    scene.may_fail = True
    await scene.open(latency_ms=300, TURNOUT_DEAD_LETTER_SHARE="1")
    scene.start(TURNOUT_MAX_REQUEST_BYTES="1024")
    await scene.until_ready()
    buried = await scene.publish(40, prompt="word " * 400)
    scene.unreadable = len(buried)
    await scene.until_records(Topic.DEAD_LETTERS, len(buried))
    await scene.until_answered(buried)
    await scene.stop()
    scene.start()
    letters = await scene.pipeline.records(Topic.DEAD_LETTERS)
    ids = [f"{_buried_id(letter)}:replay:{letter.partition}:{letter.offset}" for letter in letters]
    said = [await scene.command("replay", "--yes") for _ in range(2)]
    put_back = len(buried)
    scene.expect(f"Replayed {put_back}." in said[0], f"the first replay said: {said[0]}")
    scene.expect("Replayed 0;" in said[1], f"the second replay said: {said[1]}")
    scene.accepted.update(ids)
    await scene.until_calls_are_under_way(10)
    scene.kill()
    scene.start()
    responses = {response.request_id: response for response in await scene.until_answered(ids)}
    failed = [request_id for request_id in ids if responses[request_id].status is not Status.COMPLETED]
    scene.expect(not failed, f"{len(failed)} replayed requests did not complete")
    said.append(await scene.command("replay", "--yes"))
    scene.expect("Replayed 0;" in said[2], f"a replay after the answers said: {said[2]}")
    for partition in range(scene.pipeline.settings.partitions):  # commits go past the markers of the transactions
        await scene.publish(5, partition=partition)


def _buried_id(letter: ConsumerRecord[bytes | None, bytes | None]) -> str:
    return (dict(letter.headers)[REQUEST_ID] or b"").decode()


async def poison_burst(scene: Scene) -> None:
    await scene.open(TURNOUT_DEAD_LETTER_SHARE="1")
    scene.start()
    await scene.publish(50)
    scene.unreadable = 1000
    await scene.publish_records([b'{"poison": %d' % number for number in range(1000)])
    await scene.publish(50)


async def poison_flood(scene: Scene) -> None:
    await scene.open(TURNOUT_DEAD_LETTER_MINIMUM="100")
    (worker,) = scene.start()
    scene.unreadable = 1000
    await scene.publish_records([b'{"poison": %d' % number for number in range(1000)])
    code = await scene.until_ended(worker)
    scene.expect(code != 0, "a worker that halted ended with 0")
    buried = len(await scene.pipeline.records(Topic.DEAD_LETTERS))
    scene.expect(buried < 1000, "it buried everything before it halted")
    scene.healed()
    scene.start(TURNOUT_DEAD_LETTER_SHARE="1")
    await scene.publish(50)


async def poison_then_a_crash(scene: Scene) -> None:
    await scene.open(TURNOUT_COMMIT_INTERVAL_S="60", TURNOUT_DEAD_LETTER_SHARE="1")
    scene.start()
    scene.unreadable = 200
    await scene.publish_records([b"\xff%d" % number for number in range(200)])
    await scene.publish(20)
    await scene.until_records(Topic.DEAD_LETTERS, 200)
    scene.kill()
    scene.start(TURNOUT_COMMIT_INTERVAL_S="0.2")


async def one_slow_before_a_thousand(scene: Scene) -> None:
    await scene.open(latency_ms=20)
    await scene.fault(FaultKind.SLOW, model="claude-sonnet-4.5", factor=300)
    await scene.publish(1, partition=0, model="claude-sonnet-4.5")
    quick = await scene.publish(1000, partition=0, model="gemini-2.5-flash")
    scene.start(TURNOUT_MAX_IN_FLIGHT="200")
    await scene.until_answered(quick)
    await asyncio.sleep(1)


async def transaction_markers(scene: Scene) -> None:
    await scene.open()
    scene.start()
    settings = scene.pipeline.settings
    client = AIOKafkaProducer(bootstrap_servers=settings.brokers, transactional_id=f"{settings.group}-odd")
    await client.start()
    try:
        for number in range(20):
            ids = [f"t{number}-{part}" for part in range(4)]
            await client.begin_transaction()
            for partition, request_id in enumerate(ids):
                value = json_of(request_id=request_id, prompt="Hello")
                await client.send_and_wait(settings.topic(Topic.REQUESTS), value, partition=partition)
            await client.commit_transaction()
            scene.accepted.update(ids)
    finally:
        await client.stop()
    for partition in range(settings.partitions):
        await scene.publish(5, partition=partition)


async def gaps_from_compaction(scene: Scene) -> None:
    await scene.open()
    compacting = {"cleanup.policy": "compact", "segment.ms": "100", "min.cleanable.dirty.ratio": "0.001"}
    await configure(scene, Topic.REQUESTS, {**compacting, "max.compaction.lag.ms": "100"})
    topic = scene.pipeline.settings.topic(Topic.REQUESTS)
    async with producer(scene.pipeline.settings) as client:
        for number in range(200):
            value = json_of(request_id=f"c{number}", prompt="Hello", deadline=far_deadline())
            await client.send_and_wait(topic, value, key=b"%d" % (number % 7), partition=number % 4)
            await asyncio.sleep(0.02)
    give_up_s = time.monotonic() + PATIENCE_S
    while len(left := await scene.pipeline.records(Topic.REQUESTS)) > 150:
        scene.expect(time.monotonic() < give_up_s, "the broker compacts nothing")
        await asyncio.sleep(1)
    # What is left now stays.
    await configure(scene, Topic.REQUESTS, {"cleanup.policy": "delete"})
    await asyncio.sleep(2)
    left = await scene.pipeline.records(Topic.REQUESTS)
    scene.accepted.update(orjson.loads(record.value or b"")["request_id"] for record in left)
    scene.start()
    for partition in range(scene.pipeline.settings.partitions):
        await scene.publish(5, partition=partition)


async def from_the_future(scene: Scene) -> None:
    await _at(scene, int(time.time() * 1000) + YEAR_MS, {Status.COMPLETED})


async def from_long_ago(scene: Scene) -> None:
    scene.may_fail = True
    responses = await _at(scene, int(time.time() * 1000) - YEAR_MS, {Status.REJECTED})
    codes = {response.error.code for response in responses if response.error is not None}
    scene.expect(codes == {ErrorCode.DEADLINE_EXCEEDED}, f"old requests ended with {codes}")
    scene.expect(not scene.provider.invoice(), "an expired request was called for")


async def _at(scene: Scene, timestamp_ms: int, statuses: set[Status]) -> list[Response]:
    await scene.open()
    await configure(scene, Topic.REQUESTS, {"message.timestamp.after.max.ms": str(2 * YEAR_MS)})
    scene.start()
    ids = [f"at{number}" for number in range(40)]
    scene.accepted.update(ids)
    values = [json_of(request_id=request_id, prompt="Hello") for request_id in ids]
    await scene.publish_records(values, timestamp_ms=timestamp_ms)
    responses = await scene.until_answered()
    found = {response.status for response in responses}
    scene.expect(found == statuses, f"they ended as {found}")
    return responses


async def deadlines_in_the_past(scene: Scene) -> None:
    scene.may_fail = True
    await scene.open()
    scene.start()
    late = await scene.publish(50, deadline="2020-01-01T00:00:00Z")
    await scene.publish(50, deadline=far_deadline())
    responses = await scene.until_answered()
    rejected = {response.request_id for response in responses if response.status is Status.REJECTED}
    scene.expect(rejected == set(late), f"{len(rejected)} were rejected, not {len(late)}")


async def requests_too_large(scene: Scene) -> None:
    scene.may_fail = True
    await scene.open()
    scene.start()
    ids = [f"big{number}" for number in range(3)]
    scene.accepted.update(ids)
    scene.unreadable = len(ids)
    await scene.publish_records([json_of(request_id=request_id, prompt="x" * 2_000_000) for request_id in ids])
    await scene.publish(30)


async def answers_too_large(scene: Scene) -> None:
    scene.may_fail = True
    await scene.open()
    scene.start()
    await scene.until_answered(await scene.publish(20))
    sizes = [_size(record) for record in await scene.pipeline.records(Topic.RESPONSES)]
    await configure(scene, Topic.RESPONSES, {"max.message.bytes": str(int(median(sizes)))})
    for _ in range(12):  # one by one: the topic's limit is that of a batch
        await scene.until_answered(await scene.publish(1))
    responses = await scene.until_answered()
    cut = [response for response in responses if response.status is Status.FAILED]
    scene.expect(0 < len(cut) < 12, f"{len(cut)} of 12 answers were too large")
    scene.expect(all(response.cost_usd for response in cut), "an answer that was too large costs nothing")


def _size(record: ConsumerRecord[bytes | None, bytes | None]) -> int:
    """Return about how many bytes a batch of this one record has."""
    return 90 + len(record.key or b"") + len(record.value or b"") + sum(len(n) + len(v) + 2 for n, v in record.headers)


async def requests_of_a_newer_version(scene: Scene) -> None:
    await scene.open()
    scene.start()
    await scene.publish(40)
    await scene.publish(40, schema_version=2, a_field_of_tomorrow={"any": ["thing"]})
    await scene.publish(40, schema_version=1)


async def answers_of_a_newer_version_are_read_back(scene: Scene) -> None:
    await scene.open(TURNOUT_COMMIT_INTERVAL_S="60")
    ids = await scene.publish(40, partition=0)
    scene.start()
    await scene.until_answered()
    scene.kill()
    calls = len(scene.provider.invoice())
    # What is on the topic is copied as the next version would have written it, for requests that come again.
    newer = [
        {
            **orjson.loads(record.value or b""),
            "schema_version": 3,
            "a_field_of_tomorrow": 1,
            "asked_sha256": None,  # it was another request's
            "request_id": f"{number}-n",
        }
        for number, record in enumerate(await scene.pipeline.records(Topic.RESPONSES))
    ]
    async with producer(scene.pipeline.settings) as client:
        for response in newer:
            topic = scene.pipeline.settings.topic(Topic.RESPONSES)
            await client.send_and_wait(topic, orjson.dumps(response), key=b"n", partition=0)
    scene.start(TURNOUT_COMMIT_INTERVAL_S="0.2")
    await scene.publish_again([str(response["request_id"]) for response in newer], partition=0)
    await scene.publish_again(ids, partition=0)
    await scene.until_committed()
    scene.expect(len(scene.provider.invoice()) == calls, "an answer of a newer version was not recognised")
