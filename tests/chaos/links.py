"""Brokers that are away, and links to them that are cut, slow or lossy."""

import asyncio
import time
from collections.abc import Mapping

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.structs import OffsetAndMetadata

from schemas.topics import Topic
from streams.ops.shutdown import GOODBYE_S
from tests.chaos.scene import PATIENCE_S, Scene
from tests.harness import far_deadline


async def cut_off_then_reachable(scene: Scene) -> None:
    await _with_link(scene)
    assert scene.link is not None
    await scene.link.cut()
    await asyncio.sleep(2)  # the session is six seconds here, and clients take their time to come back
    await scene.heal()
    await scene.publish(50)


async def cut_off_past_the_session_timeout(scene: Scene) -> None:
    await _with_link(scene)
    assert scene.link is not None
    scene.exposed += 200
    await scene.link.cut()
    await asyncio.sleep(12)
    await scene.heal()
    await scene.publish(50)


async def one_cut_off_past_the_session_timeout(scene: Scene) -> None:
    await scene.open(latency_ms=2500, linked=True)
    assert scene.link is not None
    scene.start()
    scene.start(TURNOUT_BROKERS=scene.pipeline.settings.brokers)
    await scene.until_ready()
    await scene.publish(150)
    await scene.until_calls_are_under_way(150)
    scene.exposed += 200
    await scene.link.cut()
    await asyncio.sleep(14)
    await scene.heal()
    await scene.publish(50)


async def black_hole(scene: Scene) -> None:
    await _with_link(scene)
    assert scene.link is not None
    scene.link.freeze()
    await asyncio.sleep(4)
    await scene.heal()
    await scene.publish(50)


async def connections_half_open(scene: Scene) -> None:
    await _with_link(scene)
    assert scene.link is not None
    scene.exposed += 200  # the silence lasts longer than the session, so calls under way are given up
    scene.link.forsake()
    await scene.publish(50, deadline=far_deadline())


async def stopped_in_a_black_hole(scene: Scene) -> None:
    await scene.open(linked=True, TURNOUT_DRAIN_S="1")
    (worker,) = scene.start()
    await scene.until_answered(await scene.publish(50))
    assert scene.link is not None
    scene.link.freeze()
    began_s = time.monotonic()
    code = await asyncio.to_thread(worker.stop, PATIENCE_S)
    took_s = time.monotonic() - began_s
    scene.expect(code == 0, f"the worker ended with {code}")
    scene.expect(took_s < 1 + GOODBYE_S + 5, f"it took {took_s:.0f} s to end")
    await scene.heal()
    scene.start()
    await scene.publish(50)


async def slow_broker(scene: Scene) -> None:
    await _with_link(scene)
    assert scene.link is not None
    scene.link.slow(0.4)
    await scene.publish(60)
    await scene.until_answered()
    await scene.heal()
    await scene.publish(50)


async def connections_reset_again_and_again(scene: Scene) -> None:
    await _with_link(scene)
    assert scene.link is not None
    for _ in range(8):
        scene.link.hang_up()
        await scene.publish(10)
        await asyncio.sleep(0.5)
    await scene.heal()


async def lost_acknowledgement_of_calls(scene: Scene) -> None:
    await _lose_acknowledgements(scene, Topic.CALLS)


async def lost_acknowledgement_of_responses(scene: Scene) -> None:
    await _lose_acknowledgements(scene, Topic.RESPONSES)


async def lost_acknowledgement_of_costs(scene: Scene) -> None:
    await _lose_acknowledgements(scene, Topic.COSTS)


async def _lose_acknowledgements(scene: Scene, topic: Topic) -> None:
    await _with_link(scene)
    assert scene.link is not None
    scene.link.lose_acknowledgements(scene.pipeline.settings.topic(topic), 5)
    for _ in range(6):
        await scene.publish(20)
        await asyncio.sleep(0.5)
    await scene.until_answered()
    scene.expect(scene.link.withheld > 0, "no acknowledgement was lost")
    await scene.heal()


async def unreachable_at_the_start(scene: Scene) -> None:
    await scene.open(linked=True)
    assert scene.link is not None
    await scene.publish(40)
    await scene.link.cut()
    (early,) = scene.start()
    code = await scene.until_ended(early)
    scene.expect(code == 1, f"a worker without a broker ended with {code}")
    scene.expect("No Kafka broker answers" in early.log.read_text(), "it did not say why")
    await scene.heal()
    scene.start()


async def offsets_rewound(scene: Scene) -> None:
    await scene.open()
    scene.start()
    await scene.publish(120)
    await scene.until_answered()
    await scene.stop()
    calls = len(scene.provider.invoice())
    await _set_offsets(scene, dict.fromkeys(range(scene.pipeline.settings.partitions), 0))
    scene.start()
    await scene.until_answered(await scene.publish(20))
    charged = len(scene.provider.invoice()) - calls
    scene.expect(charged == 20, f"{charged - 20} finished requests were called for again")


async def shorter_than_its_commits(scene: Scene) -> None:
    """A partition's log ends far before what is committed, as after an unclean election of its leader."""
    await scene.open()
    await scene.publish(10, partition=0)
    await _set_offsets(scene, {0: 1000})
    committed = await scene.pipeline.committed()
    scene.expect(committed == {0: 1000}, f"committed are {committed}")
    scene.start(2)
    await scene.until_ready()
    for partition in range(scene.pipeline.settings.partitions):
        await scene.publish(10, partition=partition)


async def _set_offsets(scene: Scene, offsets: Mapping[int, int]) -> None:
    """Commit in the group's place, without metadata, as an operator's tool does while no worker runs."""
    scene.expect(not scene.alive, "a group's offsets were to be set while it has members")
    settings = scene.pipeline.settings
    topic = settings.topic(Topic.REQUESTS)
    began_s = time.time()
    consumer = AIOKafkaConsumer(bootstrap_servers=settings.brokers, group_id=settings.group, enable_auto_commit=False)
    await consumer.start()
    try:
        by_partition = {TopicPartition(topic, number): OffsetAndMetadata(at, "") for number, at in offsets.items()}
        consumer.assign(list(by_partition))
        await consumer.commit(by_partition)
    finally:
        await consumer.stop()
    scene.set_by_hand.append((int(began_s * 1000), int(time.time() * 1000)))
    scene.healed()


async def _with_link(scene: Scene) -> None:
    await scene.open(latency_ms=400, linked=True)
    scene.start()
    await scene.publish(100)
    await scene.until_calls_are_under_way(20)
