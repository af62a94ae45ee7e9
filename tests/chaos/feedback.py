"""Feedback through crashes: whoever counts is killed, and what was said counts once."""

import asyncio
from collections import defaultdict
from random import Random

import orjson
from aiokafka import AIOKafkaProducer

from schemas.quality import ModelQuality
from schemas.responses import Response
from schemas.topics import Topic
from schemas.vocabulary import Status
from streams.kafka.clients import producer
from tests.chaos.scene import Scene

SEED = 15
WORKERS = 3
KILLS = 6
PROMPTS = ("What is 7 + 1?", "Translate to French: the train is late.", "Write a poem about the sea.")
Answer = tuple[int, int, Response]
"""Partition and offset of a response, and the response."""
Cells = dict[tuple[str, str, str, str], tuple[int, float]]
"""Count and mean of each cell: model, task, difficulty, form."""


async def through_kills(scene: Scene) -> None:
    """Scores, repeats and corrections of them, while each time a worker is killed, and once all of them."""
    chance = Random(SEED)  # noqa: S311 - the same chaos each time
    await scene.open(TURNOUT_SESSION_TIMEOUT_S="3")
    scene.start(WORKERS)
    await scene.until_ready()
    for prompt in PROMPTS:
        await scene.publish(80, prompt=prompt)
    await scene.until_answered()
    answers = [
        (record.partition, record.offset, Response.decode(record.value or b""))
        for record in await scene.pipeline.records(Topic.RESPONSES)
    ]
    last: dict[tuple[str, str], float] = {}
    async with producer(scene.pipeline.settings) as client:
        for number in range(KILLS):
            for source in ("ann", "unit-tests"):
                for answer in chance.sample(answers, len(answers) // 2):
                    score = chance.randrange(0, 101) / 100
                    last[answer[2].request_id, source] = score
                    for _ in range(1 + (chance.random() < 0.3)):
                        await _give(scene, client, answer, source, score, told_where=chance.random() < 0.5)
            await asyncio.sleep(chance.uniform(0, 1.5))  # what was said is being counted
            scene.kill(*(scene.alive if number == KILLS - 1 else [chance.choice(scene.alive)]))
            scene.start(WORKERS - len(scene.alive))
            await asyncio.sleep(chance.uniform(3, 9))  # somebody else counts
    wanted = _cells(answers, last)
    found: Cells = {}
    for _ in range(240):
        found = await _told(scene)
        if _same(found, wanted):
            break
        await asyncio.sleep(0.5)
    scene.expect(_same(found, wanted), f"workers count {found}, and said was {wanted}")
    await scene.stop()
    scene.start()
    await scene.until_ready()
    await scene.until_answered(await scene.publish(20))
    scene.expect(_same(await _told(scene), wanted), "what was counted is counted again after a stop")


async def _give(
    scene: Scene, client: AIOKafkaProducer, answer: Answer, source: str, score: float, *, told_where: bool
) -> None:
    partition, offset, response = answer
    said = {"request_id": response.request_id, "source": source, "score": score}
    kind = {"kind": "check"} if source == "unit-tests" else {}
    where = {"response_offset": offset} if told_where else {}
    value = orjson.dumps({**said, **kind, **where})
    await client.send(scene.pipeline.settings.topic(Topic.FEEDBACK), value, partition=partition)


def _cells(answers: list[Answer], last: dict[tuple[str, str], float]) -> Cells:
    """Return what must come out, by each source's last score of each answer."""
    scores: defaultdict[tuple[str, str, str, str], list[float]] = defaultdict(list)
    for _, _, response in answers:
        if response.status is Status.COMPLETED:
            cell = str(response.request_model), str(response.task), str(response.difficulty), str(response.form)
            scores[cell] += [last[key] for key in last if key[0] == response.request_id]
    return {cell: (len(of), sum(of) / len(of)) for cell, of in scores.items() if of}


async def _told(scene: Scene) -> Cells:
    """Return what is told last of each cell: the scores of all kinds, those that are outvoted too."""
    told: Cells = {}
    for record in await scene.pipeline.records(Topic.MODEL_QUALITY):
        one = ModelQuality.decode(record.value or b"")
        total = sum(kind.mean * kind.count for kind in one.by_kind.values())
        if one.count:
            told[one.request_model, one.task, one.difficulty, one.form] = one.count, total / one.count
    return told


def _same(found: Cells, wanted: Cells) -> bool:
    return found.keys() == wanted.keys() and all(
        found[cell][0] == count and abs(found[cell][1] - mean) < 1e-4 for cell, (count, mean) in wanted.items()
    )
