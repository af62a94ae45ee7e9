"""The walks of `docs/architecture.md` are the ways that things go: a worker in memory is watched while it serves.

Step by step, the functions that are named are called, and in this order. What is not called in memory is listed.
"""

import asyncio
import dataclasses
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from types import FrameType, MappingProxyType

from router.tenants import Tenant
from tests.contract.test_architecture import steps
from tests.fakes.provider import Character, Fate
from tests.fakes.scene import Scene, played
from tests.stage import TWO

ROOT = Path(__file__).parents[2]
FUNCTION = re.compile(r"`([\w/]+\.py):((?:\w+\.)?[a-z_]\w*)`")
ACME = Tenant("acme", daily_budget_usd=Decimal(20))
CATALOGUE = dataclasses.replace(TWO, tenants=MappingProxyType({"acme": ACME}))
DOWN = {"alpha": Character(3, 3, chances={Fate.ERROR: 1.0})}
NOT_IN_MEMORY = ("streams/kafka/", "streams/ports.py", "warehouse/")
"""Kafka and databases; and protocols, which are only names."""
OTHER_WAYS = {"streams/request/outcomes.py:Outcomes.again", "router/answer_schema/check.py:AnswerSchema.check"}
"""What becomes of a request that comes again, and of an answer that has to fit a schema."""

Called = list[str]


@contextmanager
def watched() -> Iterator[Called]:
    """Write down each function of ours when it is called or goes on, as the page names it."""
    called: Called = []

    def note(frame: FrameType, event: str, _: object) -> None:
        code = frame.f_code
        if event == "call" and code.co_filename.startswith(str(ROOT)):
            called.append(f"{Path(code.co_filename).relative_to(ROOT)}:{code.co_qualname}")

    sys.setprofile(note)
    try:
        yield called
    finally:
        sys.setprofile(None)


def walk(title: str, called: Called) -> None:
    """Follow a walk through what was called: no step begins before the one before it."""
    at, never = 0, set()
    for number, text in enumerate(steps(title), start=1):
        places = [at]
        for function in (":".join(found) for found in FUNCTION.findall(text)):
            if function not in called:
                never.add(function)
                continue
            assert function in called[at:], f"{title}: {function} is called before step {number}"
            places.append(called.index(function, at))
        at = max(places)
    assert {function for function in never if not function.startswith(NOT_IN_MEMORY)} <= OTHER_WAYS


@played(catalogue=CATALOGUE, characters=DOWN)
async def test_a_request_and_its_cost_event_go_their_ways(scene: Scene) -> None:
    await scene.start("a")
    with watched() as called:
        scene.publish(tenant="acme", cache={"ttl_s": 60})
        await scene.answered("r-1")
        await scene.until(scene.committed)
        await asyncio.sleep(2)  # the budget is told once a second
    walk("One request", called)
    walk("One cost event", called)


@played(characters=DOWN)
async def test_an_outcome_goes_its_way_into_shared_health(scene: Scene) -> None:
    await scene.start("a")
    with watched() as called:
        for number in range(3):  # each calls the model that is down twice, until its breaker opens
            scene.publish(f"r-{number}")
            await scene.answered(f"r-{number}")
        await asyncio.sleep(3)
        scene.publish("r-3")
        await scene.answered("r-3")
    walk("One outcome into shared health", called)
