"""Brokers that are killed, stopped and lost, each scenario with brokers of its own."""

import asyncio

from sandbox.broker import KafkaCluster, KafkaProcess
from schemas.topics import Topic
from streams.kafka import admin
from tests.chaos.scene import Scene

AWAY_S = 4.0


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
    node = cluster.nodes[await _leader(scene)]
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


async def _leader(scene: Scene) -> int:
    async with admin(scene.pipeline.settings) as client:
        (topic,) = await client.describe_topics([scene.pipeline.settings.topic(Topic.REQUESTS)])
        leader: int = topic["partitions"][0]["leader"]
        return leader
