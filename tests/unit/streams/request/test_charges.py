"""What calls without an answer cost, over whole workers in memory: an outage is free while the row says so."""

import asyncio
from dataclasses import replace
from decimal import Decimal

from router.charges import Charge, ChargeRow
from router.tenants import Tenant
from schemas.topics import Topic
from tests.fakes.provider import Character, Fate
from tests.fakes.scene import Json, Scene, played
from tests.stage import TWO

POOR = replace(TWO, tenants={"acme": Tenant("acme", daily_budget_usd=Decimal("0.0030"))})
OUT = {
    "alpha": Character(1, 2, chances={Fate.ERROR: 1.0}),
    "beta": Character(3, 6, median_s=0.2),
}
"""The first model answers every call with 503; the second one is well."""
PRICE_USD = Decimal("0.00035")
"""The most that one call of beta may cost here, a little rounded up; of alpha it is a third."""


@played(characters=OUT)
async def test_an_outage_ends_no_fallback(scene: Scene) -> None:
    await scene.start("w1")
    scene.publish(max_cost_usd=float(PRICE_USD))
    (response,) = await scene.answered("r-1")
    assert response["status"] == "completed"
    assert [attempt.get("cost_usd") for attempt in response["attempts"]][:-1] == [None] * (len(scene.calls()) - 1)
    await scene.until(lambda: scene.messages(Topic.COSTS))
    assert [event["request_model"] for event in scene.messages(Topic.COSTS)] == ["beta"]


@played(characters=OUT)
async def test_an_outage_that_may_be_charged_uses_the_cap_up(scene: Scene) -> None:
    scene.world.charges = ()
    await scene.start("w1")
    scene.publish(max_cost_usd=float(PRICE_USD))
    (response,) = await scene.answered("r-1")
    assert response["status"] == "failed"
    assert {attempt["certainty"] for attempt in response["attempts"]} == {"unknown"}
    assert "cost_cap_used" in {skipped["code"] for skipped in response["skipped"]}
    await scene.until(lambda: len(scene.messages(Topic.COSTS)) == len(response["attempts"]))
    assert {event["certainty"] for event in scene.messages(Topic.COSTS)} == {"unknown"}


def spent_usd(scene: Scene) -> Decimal:
    """Return what the tenant has spent today, as was told last."""
    return Decimal(scene.messages(Topic.BUDGETS)[-1]["windows"][0]["spent_usd"])


def charged_usd(scene: Scene) -> Decimal:
    return Decimal(sum(charge.nano_usd for charge in scene.world.providers.invoice)) / 10**9


async def spend(scene: Scene) -> list[Json]:
    """Have twelve requests answered, of which the first ones call the model that is out."""
    await scene.start("w1")
    names = [f"r-{number}" for number in range(12)]
    for name in names:
        scene.publish(name, tenant="acme")
        await asyncio.sleep(0.2)
    responses = await scene.answered(*names, within_s=120)
    await asyncio.sleep(3)
    return responses


@played(catalogue=POOR, characters=OUT)
async def test_an_outage_eats_no_budget(scene: Scene) -> None:
    responses = await spend(scene)
    assert [response["status"] for response in responses] == ["completed"] * len(responses)
    assert spent_usd(scene) == charged_usd(scene) > 0


@played(catalogue=POOR, characters=OUT)
async def test_an_outage_that_is_charged_is_billed_at_the_most_that_it_may_have_cost(scene: Scene) -> None:
    scene.world.charges = (ChargeRow(Charge.CHARGED, "this test", statuses=frozenset({503})),)
    responses = await spend(scene)
    failed = [attempt for response in responses for attempt in response["attempts"] if attempt["status_code"] == 503]
    assert {attempt["certainty"] for attempt in failed} == {"estimated"}
    bounds = {call["cost_usd"] for call in scene.messages(Topic.CALLS) if call["request_model"] == "alpha"}
    assert {attempt["cost_usd"] for attempt in failed} == bounds
    billed_usd = charged_usd(scene) + sum(Decimal(attempt["cost_usd"]) for attempt in failed)
    assert spent_usd(scene) == billed_usd > charged_usd(scene)
