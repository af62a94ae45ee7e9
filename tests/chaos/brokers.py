"""Brokers that are killed, stopped and lost, each scenario with brokers of its own."""

import asyncio
import time
from contextlib import suppress

from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import KafkaError

from sandbox.broker import KafkaCluster, KafkaProcess
from schemas.topics import Topic
from streams.kafka.clients import admin
from tests.chaos.scene import PATIENCE_S, POLL_S, Scene

AWAY_S = 4.0
NOBODY = -1
"""The leader of a partition that has none."""
PREFIX = "lone."
PARTITIONS = 4
LONE = 0
"""The partition whose only replica is lost."""
QUIET_S = 12.0
"""Time for a worker without work to look several times whether it should read."""
SOON_S = 20.0


async def killed_and_restarted(scene: Scene) -> None:
    kafka = await _traffic_on_one_broker(scene)
    await asyncio.to_thread(kafka.kill)
    await asyncio.sleep(AWAY_S)
    await _start_again(scene, kafka)


async def stopped_and_restarted(scene: Scene) -> None:
    kafka = await _traffic_on_one_broker(scene)
    await asyncio.to_thread(kafka.stop)
    await asyncio.sleep(AWAY_S)
    await _start_again(scene, kafka)


async def away_past_the_session_timeout(scene: Scene) -> None:
    kafka = await _traffic_on_one_broker(scene)
    await asyncio.to_thread(kafka.kill)
    await asyncio.sleep(15)
    await _start_again(scene, kafka)


async def killed_three_times(scene: Scene) -> None:
    kafka = await _traffic_on_one_broker(scene)
    for _ in range(3):
        await asyncio.to_thread(kafka.kill)
        await _start_again(scene, kafka)
        await asyncio.sleep(3)


async def killed_with_its_workers(scene: Scene) -> None:
    kafka = await _traffic_on_one_broker(scene)
    scene.kill()
    await asyncio.to_thread(kafka.kill)
    await _start_again(scene, kafka)
    scene.start(2)


async def leader_lost(scene: Scene) -> None:
    cluster = await _traffic_on_three_brokers(scene)
    node = cluster.nodes[(await _leaders(scene))[0]]
    await asyncio.to_thread(node.kill)
    scene.healed()
    await scene.until_answered(await scene.publish(100))
    await asyncio.to_thread(node.start)
    await scene.publish(50)


async def each_broker_restarted_in_turn(scene: Scene) -> None:
    cluster = await _traffic_on_three_brokers(scene)
    for node in cluster.nodes.values():
        await asyncio.to_thread(node.stop)
        await scene.publish(30)
        await asyncio.sleep(2)
        await asyncio.to_thread(node.start)
        await asyncio.sleep(2)
    scene.healed()


async def one_partition_without_a_leader(scene: Scene) -> None:
    """One partition lived on the lost broker alone: the others are read and committed, whoever comes and goes."""
    assert scene.cluster is not None
    lost, *kept = scene.cluster.nodes
    await _create_requests(
        scene.brokers, [lost if number == LONE else kept[number % 2] for number in range(PARTITIONS)]
    )
    await scene.open(
        latency_ms=300,
        TURNOUT_REPLICATION="3",
        TURNOUT_PARTITIONS=str(PARTITIONS),
        TURNOUT_TOPIC_PREFIX=PREFIX,
        TURNOUT_STUCK_AFTER_S="30",  # it looks every 2.5 s
    )
    leaver, _stayer = scene.start(2)
    await scene.until_ready()
    await scene.until_answered(await scene.publish(60))
    await scene.publish(20, partition=LONE)
    await asyncio.to_thread(scene.cluster.nodes[lost].kill)
    await _until_only_one_has_no_leader(scene)
    await asyncio.sleep(QUIET_S)
    await _expect_the_others_soon(scene)
    scene.start()
    await scene.until_ready()
    await scene.stop(leaver)
    await asyncio.sleep(QUIET_S)
    await _expect_the_others_soon(scene)
    leaders = await _leaders(scene)
    scene.expect(leaders[LONE] == NOBODY, f"node {leaders[LONE]} has led partition {LONE} meanwhile")
    await asyncio.to_thread(scene.cluster.nodes[lost].start)
    scene.healed()
    await scene.publish(50, partition=LONE)
    await scene.publish(50)


async def _create_requests(brokers: str, nodes: list[int]) -> None:
    """Create the requests topic with each partition on one node alone."""
    replicas = {number: [node] for number, node in enumerate(nodes)}
    topic = NewTopic(f"{PREFIX}{Topic.REQUESTS}", -1, -1, replicas, {"min.insync.replicas": "1"})
    client = AIOKafkaAdminClient(bootstrap_servers=brokers)
    await client.start()
    try:
        answer = await client.create_topics([topic])
    finally:
        await client.close()
    assert not any(code for _, code, *_ in answer.topic_errors), answer


async def _until_only_one_has_no_leader(scene: Scene) -> None:
    give_up_s, leaderless = time.monotonic() + PATIENCE_S, None
    while leaderless != [LONE]:
        scene.expect(time.monotonic() < give_up_s, f"the partitions without a leader are {leaderless}")
        await asyncio.sleep(POLL_S)
        with suppress(KafkaError):  # the lost node may be the one that is asked
            leaderless = [number for number, leader in (await _leaders(scene)).items() if leader == NOBODY]


async def _expect_the_others_soon(scene: Scene) -> None:
    """See that requests of the partitions that have a leader are answered and committed soon."""
    began_s = time.monotonic()
    others = [number for number in range(PARTITIONS) if number != LONE]
    ids = [request_id for number in others for request_id in await scene.publish(20, partition=number)]
    await scene.until_answered(ids)
    answered_s = time.monotonic() - began_s
    await scene.until_committed(others)
    committed_s = time.monotonic() - began_s
    scene.expect(
        committed_s < SOON_S,
        f"the other partitions' requests took {answered_s:.0f} s to answer and {committed_s:.0f} s to commit",
    )


async def _traffic_on_one_broker(scene: Scene) -> KafkaProcess:
    await scene.open(latency_ms=300)
    assert scene.kafka is not None
    await _traffic(scene)
    return scene.kafka


async def _traffic_on_three_brokers(scene: Scene) -> KafkaCluster:
    await scene.open(latency_ms=300, TURNOUT_REPLICATION="3")
    assert scene.cluster is not None
    await _traffic(scene)
    return scene.cluster


async def _traffic(scene: Scene) -> None:
    await scene.set_to_work(2, requests=150, calls=30)


async def _start_again(scene: Scene, kafka: KafkaProcess) -> None:
    await asyncio.to_thread(kafka.start)
    scene.healed()
    await scene.publish(50)


async def _leaders(scene: Scene) -> dict[int, int]:
    """Return the leader of each partition of the requests topic."""
    async with admin(scene.pipeline.settings) as client:
        (topic,) = await client.describe_topics([scene.pipeline.settings.topic(Topic.REQUESTS)])
        return {partition["partition"]: partition["leader"] for partition in topic["partitions"]}
