"""The answer cache: who asks for all is killed, answers are forgotten while they come, and its index is compacted."""

import asyncio
import time
from datetime import UTC, datetime

from schemas.caching import CacheEntry, tenant_key
from schemas.responses import Response
from schemas.topics import Topic
from streams.kafka.clients import producer
from tests.chaos.records import configure
from tests.chaos.scene import PATIENCE_S, Scene

HOUR = {"ttl_s": 3600}
SAME = 60
QUESTIONS = 30
HEEDED_S = 3.0
"""Workers heed what is to be forgotten within a second or two."""


async def killed_while_others_wait_for_its_call(scene: Scene) -> None:
    """Two workers ask one question each, for thirty requests each; one of them dies."""
    await scene.open(latency_ms=4000)
    scene.start(2)
    await scene.until_ready()
    await scene.until_balanced()
    await scene.publish(SAME, prompt="What is the time in Turin?", cache=HOUR)
    await scene.until_calls_are_under_way(2)
    scene.kill(scene.alive[0])
    scene.start()
    answers = await scene.until_answered()
    calls = len(scene.provider.invoice())
    # the two, the one that was cut off again, and one of a worker that has not heard yet that there is an answer
    scene.expect(calls <= 4, f"{calls} calls were made for one question")
    _expect_hits(scene, answers, SAME - calls)
    await scene.until_answered(await scene.publish(20, prompt="What is the time in Turin?", cache=HOUR))
    scene.expect(len(scene.provider.invoice()) == calls, "a question that was answered was asked again")


async def forgotten_while_calls_are_under_way(scene: Scene) -> None:
    await scene.open(latency_ms=8000)
    scene.start(2)
    await scene.until_ready()
    early = await _ask(scene)
    await scene.until_calls_are_under_way(QUESTIONS)
    settings = scene.pipeline.settings
    told = CacheEntry(tenant="default", as_of=datetime.now(UTC))
    async with producer(settings) as client:  # a command would take as long as the calls
        await client.send_and_wait(settings.topic(Topic.CACHE_INDEX), told.encode(), tenant_key("default"), partition=0)
    await asyncio.sleep(HEEDED_S)
    scene.expect(len(scene.provider.invoice()) < QUESTIONS, "the calls ended before the cache was told to forget")
    scene.kill(scene.alive[0])
    scene.start()
    again = await _ask(scene)
    await scene.until_answered([*early, *again])
    await asyncio.sleep(HEEDED_S)
    scene.kill()
    scene.start()
    last = await _ask(scene)
    answers = await scene.until_answered()
    _expect_none_of(scene, answers, early)
    hits = {answer.request_id for answer in answers if answer.cached}
    scene.expect(set(last) <= hits, f"{len(set(last) - hits)} of {len(last)} were asked again after a restart")


async def compacted_index(scene: Scene) -> None:
    """What was to be forgotten stays so when the index keeps the last record of each key alone."""
    await scene.open()
    scene.start(2)
    await scene.until_ready()
    early = await _ask(scene)
    await scene.until_answered()
    await asyncio.sleep(HEEDED_S)
    for number in range(5):
        await scene.command("cache", "forget", "--origin", early[number])
    await asyncio.sleep(HEEDED_S)
    again = await _ask(scene)
    await scene.until_answered()
    await scene.command("cache", "forget", "--origin", again[0])
    before = len(await scene.pipeline.records(Topic.CACHE_INDEX))
    compacting = {"cleanup.policy": "compact", "segment.ms": "100", "min.cleanable.dirty.ratio": "0.001"}
    await configure(scene, Topic.CACHE_INDEX, {**compacting, "max.compaction.lag.ms": "100"})
    give_up_s = time.monotonic() + PATIENCE_S
    while len(await scene.pipeline.records(Topic.CACHE_INDEX)) >= before:
        scene.expect(time.monotonic() < give_up_s, "the broker compacts nothing")
        # a segment is closed when something is written after its time
        await scene.command("cache", "forget", "--tenant", "another")
        await asyncio.sleep(1)
    scene.kill()
    scene.start(2)
    await scene.until_ready()
    await asyncio.sleep(HEEDED_S)
    last = await _ask(scene)
    answers = {answer.request_id: answer for answer in await scene.until_answered()}
    asked_again = [number for number, name in enumerate(last) if not answers[name].cached]
    scene.expect(asked_again == [0], f"of {len(last)} questions {asked_again} were asked again, and 0 was forgotten")
    for number, name in enumerate(last[1:], 1):
        wanted = (again if number < 5 else early)[number]
        found = answers[name].origin_request_id
        scene.expect(found == wanted, f"question {number} was answered by {found}, its last answer is {wanted}'s")


async def _ask(scene: Scene) -> list[str]:
    """Ask all questions under new ids."""
    return [(await scene.publish(1, prompt=f"What is {n} + 1?", cache=HOUR))[0] for n in range(QUESTIONS)]


def _expect_hits(scene: Scene, answers: list[Response], least: int) -> None:
    hits = sum(answer.cached for answer in answers)
    scene.expect(hits >= least, f"{hits} were answered from the cache, at least {least} expected")


def _expect_none_of(scene: Scene, answers: list[Response], forgotten: list[str]) -> None:
    used = [answer.request_id for answer in answers if answer.origin_request_id in set(forgotten)]
    scene.expect(not used, f"{len(used)} were answered with what was to be forgotten, e.g. {min(used, default='')}")
