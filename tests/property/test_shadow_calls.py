"""Shadows' money, whatever is killed and when: no charge without a bill, no budget beyond its end, no second answer."""

import asyncio
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal

from hypothesis import given, settings
from hypothesis import strategies as st

from router.shadow_rules import ShadowRules
from schemas.costs import SHADOW_TENANT
from schemas.topics import Topic
from tests.examples import examples
from tests.fakes.provider import Character, Fate
from tests.fakes.scene import Json, Scene, played
from tests.stage import ALPHA, BETA, GAMMA, make_catalogue

PLAIN = make_catalogue(ALPHA, others=(BETA, GAMMA))
VERDICT = "SCORES first=8 second=6"
QUIET_S = 100.0
"""Longer than a shadow, a judge and a takeover last together."""
Step = tuple[float, bool]
"""How long before it, seconds; and whether a worker is killed, or else a request published."""


@settings(max_examples=examples(40), deadline=None)
@given(
    steps=st.lists(st.tuples(st.floats(0.05, 3.0), st.booleans()), min_size=4, max_size=16),
    budget=st.sampled_from([Decimal("0.0005"), Decimal("0.004"), Decimal(5)]),
    failing=st.sampled_from([0.0, 0.3]),
)
def test_what_is_charged_is_billed_once_and_never_beyond_the_budget(
    steps: Sequence[Step], budget: Decimal, failing: float
) -> None:
    rules = ShadowRules(1.0, budget, ("beta",), "gamma")
    models = {
        "alpha": Character(1, 2, median_s=0.2),
        "beta": Character(3, 6, median_s=0.6, chances={Fate.ERROR: failing, Fate.HANGS: failing / 3}),
        "gamma": Character(5, 10, median_s=0.6, texts=[VERDICT] * 100),
    }

    @played(replace(PLAIN, shadow_calls=rules), characters=models)
    async def play(scene: Scene) -> None:
        await scene.start("w0", "w1")
        published = 0
        for number, (pause_s, kills) in enumerate(steps):
            await asyncio.sleep(pause_s)
            if kills:
                name = f"w{number % 2}"
                scene.world.workers[name].kill()
                scene.world.start(name)
            else:
                scene.publish(f"r-{published}", partition=published % 2)
                published += 1
        await scene.answered(*(f"r-{number}" for number in range(published)), within_s=400)
        await asyncio.sleep(QUIET_S)
        _check(scene, budget)

    play()


def _check(scene: Scene, budget: Decimal) -> None:
    billed: dict[str, Json] = {}
    for event in scene.messages(Topic.COSTS):
        before = billed.setdefault(event["event_id"], event)
        assert before["cost_nano_usd"] == event["cost_nano_usd"], "one call has two prices"
    charged = {one.key: one.nano_usd for one in scene.world.providers.invoice}
    assert charged.keys() <= billed.keys()
    for event_id, event in billed.items():
        if event["certainty"] == "unknown":
            assert event["cost_nano_usd"] >= charged.get(event_id, 0)
        else:
            assert event["cost_nano_usd"] == charged[event_id]
    spent = sum(Decimal(event["cost_usd"]) for event in billed.values() if event["tenant"] == SHADOW_TENANT)
    assert spent <= budget
    shadows = Counter(one["request_id"] for one in scene.messages(Topic.SHADOW_ANSWERS))
    assert not shadows or max(shadows.values()) == 1
    answers = Counter(one["request_id"] for one in scene.messages(Topic.RESPONSES))
    assert not answers or max(answers.values()) == 1
