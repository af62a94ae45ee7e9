"""Workers killed fifty times while twenty thousand requests go through."""

import asyncio
from random import Random

from tests.chaos.scenario import Act
from tests.chaos.scene import Scene
from tests.harness import far_deadline

WORKERS = 3
SEED = 50
BATCH = 1000


def killing(kills: int, requests: int) -> Act:
    """Return the scenario: so many SIGKILLs, spread evenly over so many requests."""

    async def act(scene: Scene) -> None:
        chance = Random(SEED)  # noqa: S311 - the same chaos each time
        await scene.open(latency_ms=200, TURNOUT_SESSION_TIMEOUT_S="3")
        scene.start(WORKERS)
        await scene.until_ready()
        published: list[str] = []
        for number in range(kills):
            wanted = requests * (number + 1) // kills
            while len(published) < wanted:
                published += await scene.publish(min(BATCH, wanted - len(published)), deadline=far_deadline())
            await scene.until_calls_are_under_way(10)
            scene.kill(chance.choice(scene.alive))
            scene.start(WORKERS - len(scene.alive))
            await asyncio.sleep(chance.uniform(0.5, 2.0))

    return act
