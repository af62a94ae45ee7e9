"""Shadow calls through crashes: some are lost with their worker, and neither their money nor a verdict counts twice."""

import asyncio
from collections import Counter
from decimal import Decimal
from random import Random

from schemas.costs import SHADOW_TENANT
from schemas.quality import ModelQuality
from schemas.shadow_answers import ShadowAnswer
from schemas.topics import Topic
from schemas.vocabulary import FeedbackKind
from tests.chaos.scene import Scene

SEED = 12
WORKERS = 3
KILLS = 5
A_ROUND = 30
LIMIT_USD = Decimal("0.6")
SHADOWS = f"""
[shadow_calls]
share = 1
budget_usd_per_day = {LIMIT_USD}
models = ["deepseek-v3.2", "gpt-4.1"]
judge = "claude-sonnet-4.5"
"""
QUIET_S = 4.0


async def through_kills(scene: Scene) -> None:
    """Rounds of requests with a shadow each, and in each a worker is killed while shadows and judges are called."""
    chance = Random(SEED)  # noqa: S311 - the same chaos each time
    await scene.open(latency_ms=400, tenants=SHADOWS, TURNOUT_SESSION_TIMEOUT_S="3")
    scene.start(WORKERS)
    await scene.until_ready()
    for _ in range(KILLS):
        for _ in range(3):
            await scene.until_answered(await scene.publish(A_ROUND // 3, max_tokens=200))
        await asyncio.sleep(chance.uniform(0.1, 0.8))
        scene.kill(chance.choice(scene.alive))
        scene.start()
        await scene.until_ready()
    await scene.until_committed()
    await _until_quiet(scene)
    await _check(scene)


async def _until_quiet(scene: Scene) -> None:
    """Wait until no shadow is under way, and what was cut off is billed."""
    before, quiet_s = -1, 0.0
    while quiet_s < QUIET_S:
        await asyncio.to_thread(scene.provider.wait_until_settled)
        now = len(await scene.pipeline.costs_by_now())
        quiet_s = quiet_s + 1.0 if now == before else 0.0
        before = now
        await asyncio.sleep(1.0)


async def _check(scene: Scene) -> None:
    records = await scene.pipeline.records(Topic.SHADOW_ANSWERS)
    answers = [ShadowAnswer.decode(record.value or b"") for record in records]
    twice = [name for name, count in Counter(answer.request_id for answer in answers).items() if count > 1]
    scene.expect(not twice, f"{len(twice)} requests have two shadows, e.g. {min(twice, default='')}")
    judged = [answer.verdict for answer in answers if answer.verdict is not None]
    scene.expect(len(judged) >= A_ROUND, f"only {len(judged)} of {len(answers)} shadows were judged")
    events = [event for event in await scene.pipeline.costs_by_now() if event.tenant == SHADOW_TENANT]
    amounts: dict[str, set[Decimal | None]] = {}
    for event in events:
        amounts.setdefault(event.event_id, set()).add(event.cost_usd)
    scene.expect(all(len(of) == 1 for of in amounts.values()), "one shadow call has two prices")
    spent_usd = sum((amount or Decimal(0) for of in amounts.values() for amount in of), Decimal(0))
    scene.expect(spent_usd <= LIMIT_USD, f"{spent_usd} USD were spent on shadows, of {LIMIT_USD}")
    wanted, found = 2 * len(judged), 0
    for _ in range(120):
        if (found := await _scores(scene)) == wanted:
            return
        await asyncio.sleep(0.5)
    scene.expect(found == wanted, f"{found} scores of judges are counted, and {wanted} were given")


async def _scores(scene: Scene) -> int:
    latest = {record.key: record.value or b"" for record in await scene.pipeline.records(Topic.MODEL_QUALITY)}
    kinds = (ModelQuality.decode(value).by_kind.get(FeedbackKind.JUDGE) for value in latest.values())
    return sum(kind.count for kind in kinds if kind is not None)
