"""Faults mixed at random: the same seed makes the same choices. Then the same invariants are checked."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from random import Random

from sandbox.provider.faults import FaultKind
from sandbox.provider.models import REFERENCE_MODELS
from tests.chaos.scenario import Act
from tests.chaos.scene import MAX_IN_FLIGHT, Scene
from tests.harness import Worker

PAUSE_S = (0.5, 3.0)
BURST = (5, 60)
WORKERS = 3
QUIETING_S = 5.0
Step = Callable[["Mix"], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Mix:
    """The scene and its chance."""

    scene: Scene
    chance: Random

    def any_worker(self) -> Worker:
        """Return a worker that runs, a new one if there is none."""
        return self.chance.choice(self.scene.alive or self.scene.start())


def mixed(seed: int, minutes: float) -> Act:
    """Return the scenario that does what the seed says for so long."""

    async def act(scene: Scene) -> None:
        scene.may_fail = True
        await scene.open(latency_ms=200, linked=True, catalogue={"default_timeout_s": "3"})
        scene.start(WORKERS)
        mix = Mix(scene, Random(seed))  # noqa: S311 - the same seed is the same chaos
        end_s = time.monotonic() + minutes * 60
        published: list[str] = []
        while time.monotonic() < end_s:
            published += await scene.publish(mix.chance.randint(*BURST))
            again = mix.chance.sample(published, min(5, len(published)))
            if mix.chance.random() < 0.3:
                await scene.publish_again(again)
            await mix.chance.choice(STEPS)(mix)
            await asyncio.sleep(mix.chance.uniform(*PAUSE_S))
            scene.start(WORKERS - len(scene.alive))  # a supervisor would
        await scene.heal()
        await scene.publish(50)
        await asyncio.sleep(QUIETING_S)
        if not scene.alive:
            scene.start(WORKERS)

    return act


async def _kill(mix: Mix) -> None:
    mix.scene.kill(mix.any_worker())


async def _kill_all(mix: Mix) -> None:
    mix.scene.kill()


async def _stop(mix: Mix) -> None:
    mix.any_worker().terminate()


async def _join(mix: Mix) -> None:
    mix.scene.start()


async def _pause(mix: Mix) -> None:
    worker = mix.any_worker()
    mix.scene.freeze(worker)
    await asyncio.sleep(mix.chance.uniform(0.2, 2.0))
    mix.scene.thaw(worker)


async def _hang_up(mix: Mix) -> None:
    if mix.scene.link is not None:
        mix.scene.link.hang_up()


async def _cut(mix: Mix) -> None:
    if mix.scene.link is not None:
        # Workers that lose their partitions give their calls up.
        mix.scene.exposed += MAX_IN_FLIGHT * len(mix.scene.alive)
        await mix.scene.link.cut()
        await asyncio.sleep(mix.chance.uniform(0.5, 4.0))
        await mix.scene.link.open()


async def _fault(mix: Mix) -> None:
    kind = mix.chance.choice([kind for kind in FaultKind if kind is not FaultKind.LISTENER])
    model = mix.chance.choice(["*", *REFERENCE_MODELS])
    rate, duration_s = mix.chance.uniform(0.1, 1.0), mix.chance.uniform(1.0, 6.0)
    await mix.scene.fault(kind, model=model, rate=rate, duration_s=duration_s, delay_s=0.2, factor=8)


async def _outage(mix: Mix) -> None:
    await mix.scene.fault(FaultKind.OUTAGE, duration_s=mix.chance.uniform(1.0, 8.0))


async def _poison(mix: Mix) -> None:
    number = mix.chance.randint(1, 20)
    mix.scene.unreadable += number
    await mix.scene.publish_records([b"\xff poison"] * number)


STEPS: tuple[Step, ...] = (
    _kill,
    _kill,
    _kill_all,
    _stop,
    _join,
    _pause,
    _hang_up,
    _cut,
    _fault,
    _fault,
    _fault,
    _outage,
    _poison,
)
