"""Shadows and their judge, over whole workers in memory: after the answer, billed, bounded, and gone with a crash."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal

import orjson
import pytest

from router.catalogue import Catalogue
from router.experiments import Experiment
from router.shadow_rules import ShadowRules
from router.tenants import Tenant
from schemas.costs import SHADOW_TENANT
from schemas.topics import Topic
from schemas.vocabulary import Policy
from streams.codec import Delivery
from streams.ports import Record, TopicPartition
from tests.fakes.provider import Character, Fate
from tests.fakes.scene import Json, Scene, played
from tests.stage import ALPHA, BETA, GAMMA, make_catalogue

RULES = ShadowRules(1.0, Decimal(5), ("beta",), "gamma")
PLAIN = make_catalogue(ALPHA, others=(BETA, GAMMA))


def shadowed(rules: ShadowRules = RULES, **changes: object) -> Catalogue:
    return replace(PLAIN, shadow_calls=rules, **changes)  # type: ignore[arg-type]


def models(verdict: str = "SCORES first=9 second=2", count: int = 1000) -> dict[str, Character]:
    return {
        "alpha": Character(1, 2, median_s=0.2),
        "beta": Character(3, 6, median_s=0.5),
        "gamma": Character(5, 10, median_s=0.5, texts=[verdict] * count),
    }


def answers(scene: Scene) -> list[Json]:
    return scene.messages(Topic.SHADOW_ANSWERS)


def costs(scene: Scene) -> dict[str, Json]:
    """Return the last cost event of each id, and see that no id has two prices."""
    found: dict[str, Json] = {}
    for event in scene.messages(Topic.COSTS):
        before = found.setdefault(event["event_id"], event)
        assert before["cost_nano_usd"] == event["cost_nano_usd"]
    return found


def assert_the_bill_is_the_invoice(scene: Scene) -> None:
    charged = {one.key: one.nano_usd for one in scene.world.providers.invoice}
    billed = {event_id: event["cost_nano_usd"] for event_id, event in costs(scene).items()}
    assert billed == charged


@played(shadowed(), characters=models())
async def test_after_the_answer_another_model_is_asked_and_a_judge_compares(scene: Scene) -> None:
    await scene.start("w1")
    scene.publish("r-1")
    (response,) = await scene.answered("r-1")
    await scene.until(lambda: answers(scene))
    (answer,) = answers(scene)
    assert [call.model for call in scene.calls()] == ["alpha", "beta", "gamma"]
    places = [scene.first(Topic.RESPONSES), scene.first(Topic.SHADOW_ANSWERS)]
    shadow_call = next(place for place, one in enumerate(scene.timeline) if one.what == "call" and place > places[0])
    assert places[0] < shadow_call < places[1]
    assert (answer["request_id"], answer["tenant"], answer["status"]) == ("r-1", "default", "completed")
    assert (answer["answered_by"], answer["request_model"]) == ("alpha", "beta")
    assert answer["message"]["content"] == "Certainly."
    verdict = answer["verdict"]
    first, second = (0.9, 0.2)
    expected = (first, second) if verdict["shadow_was_first"] else (second, first)
    assert (verdict["shadow_score"], verdict["answered_score"]) == expected
    assert [attempt["attempt"] for attempt in answer["attempts"]] == [1, 2]
    assert response["request_model"] == "alpha"


@played(shadowed(), characters=models())
async def test_its_calls_are_billed_to_who_pays_for_shadows_and_the_bill_is_the_invoice(scene: Scene) -> None:
    await scene.start("w1")
    for number in range(5):
        scene.publish(f"r-{number}")
        await scene.answered(f"r-{number}")
        await asyncio.sleep(3)
    await scene.until(lambda: len(answers(scene)) == 5)
    await asyncio.sleep(1)
    assert_the_bill_is_the_invoice(scene)
    by_purpose: dict[str | None, list[Json]] = {}
    for event in costs(scene).values():
        by_purpose.setdefault(event["purpose"], []).append(event)
    assert {purpose: len(events) for purpose, events in by_purpose.items()} == {None: 5, "shadow": 5, "judge": 5}
    assert {event["tenant"] for event in by_purpose[None]} == {"default"}
    apart = [*by_purpose["shadow"], *by_purpose["judge"]]
    assert {event["tenant"] for event in apart} == {SHADOW_TENANT}
    assert {event["request_id"] for event in apart} == {f"r-{number}" for number in range(5)}
    assert not any(event["is_fallback"] for event in apart)
    assert {(event["baseline_model"], event["baseline_cost_usd"]) for event in apart} == {(None, None)}
    told = sum(Decimal(answer["cost_usd"]) + Decimal(answer["judge_cost_usd"]) for answer in answers(scene))
    assert told == sum(Decimal(event["cost_usd"]) for event in apart)


@played(shadowed(), characters=models())
async def test_a_verdict_counts_once_for_each_of_both_models(scene: Scene) -> None:
    await scene.start("w1")
    scene.publish("r-1")
    await scene.until(lambda: answers(scene))
    topic = TopicPartition(Topic.SHADOW_ANSWERS, 0)
    partitions = (scene.world.broker.partition(topic._replace(partition=number)) for number in range(2))
    (record,) = [one for partition in partitions for one in partition.records]
    await asyncio.sleep(3)
    scene.world.broker.append(_again(record))  # as a producer that was not told that it was written
    await asyncio.sleep(3)
    told = {one["request_model"]: one for one in scene.messages(Topic.MODEL_QUALITY) if one["count"]}
    verdict = answers(scene)[0]["verdict"]
    assert {name: one["by_kind"] for name, one in told.items()} == {
        "alpha": {"judge": {"count": 1, "mean": verdict["answered_score"]}},
        "beta": {"judge": {"count": 1, "mean": verdict["shadow_score"]}},
    }
    assert told["alpha"]["sources"][0]["source"] == "*/*"  # of a source with so little, as all such are told


@played(shadowed(), characters=models())
async def test_verdicts_are_counted_once_though_their_counter_is_killed(scene: Scene) -> None:
    await scene.start("w1", "w2")
    for number in range(12):
        scene.publish(f"r-{number}", partition=number % 2)
        await asyncio.sleep(1.5)
        if number % 4 == 3:
            scene.world.workers["w1"].kill()
            await asyncio.sleep(0.7)
            scene.world.start("w1")
            await asyncio.sleep(20)
    await scene.until(lambda: len(scene.messages(Topic.RESPONSES)) >= 12)
    await asyncio.sleep(40)
    judged = {one["request_id"]: one["verdict"] for one in answers(scene) if one["verdict"]}
    assert len(judged) >= 6
    told = {one["request_model"]: one for one in scene.messages(Topic.MODEL_QUALITY) if one["count"]}
    for model, score in (("alpha", "answered_score"), ("beta", "shadow_score")):
        found = told[model]["by_kind"]["judge"]
        assert found["count"] == len(judged)
        assert found["mean"] == pytest.approx(sum(one[score] for one in judged.values()) / len(judged), abs=1e-3)


@played(shadowed(), characters={**models(), "beta": Character(3, 6, chances={Fate.HANGS: 1.0})})
async def test_a_shadow_that_hangs_holds_up_neither_offsets_nor_a_stop(scene: Scene) -> None:
    (worker,) = await scene.start("w1")
    scene.publish("r-1")
    scene.publish("r-2")
    await scene.answered("r-1", "r-2")
    await scene.until(lambda: len(scene.calls()) == 4)
    await scene.until(lambda: scene.committed() == 2, within_s=10)
    before_s = scene.loop.time()
    await worker.stop()
    assert scene.loop.time() - before_s < 3
    assert answers(scene) == []
    await scene.start("w2")
    unknown = [event for event in costs(scene).values() if event["certainty"] == "unknown"]
    assert [(event["purpose"], event["tenant"], event["outcome"]) for event in unknown] == [
        ("shadow", SHADOW_TENANT, "cut_off")
    ] * 2
    assert len(scene.calls()) == 4  # none is made again


@played(shadowed(replace(RULES, budget_usd_per_day=Decimal("0.003"))), characters=models())
async def test_the_budget_ends_them_and_is_not_exceeded(scene: Scene) -> None:
    await scene.start("w1", "w2")
    for number in range(40):
        scene.publish(f"r-{number}", partition=number % 2)
        await asyncio.sleep(1.5)
    await scene.until(lambda: len(scene.messages(Topic.RESPONSES)) == 40)
    await asyncio.sleep(15)
    spent = [event for event in costs(scene).values() if event["tenant"] == SHADOW_TENANT]
    assert 0 < sum(Decimal(event["cost_usd"]) for event in spent) <= Decimal("0.003")
    assert 2 < len(answers(scene)) < 40
    assert_the_bill_is_the_invoice(scene)
    assert all(one["status"] == "completed" for one in scene.messages(Topic.RESPONSES))


def _kill_at(scene: Scene, what: Callable[[Json, str], bool], name: str = "w1") -> list[bool]:
    """Kill the worker at the moment at which such a record is on its topic, once."""
    done: list[bool] = []

    def wrote(tp: TopicPartition, record: Delivery, _writer: str) -> None:
        if not done and what(orjson.loads(record.value or b"{}"), tp.topic):
            done.append(True)
            scene.world.workers[name].kill()

    scene.world.broker.on_append.append(wrote)
    return done


@pytest.mark.parametrize("purpose", ["shadow", "judge"])
@pytest.mark.parametrize("has_ended", [False, True])
def test_a_worker_killed_at_a_shadow_leaves_a_bill_that_is_the_invoice(purpose: str, *, has_ended: bool) -> None:
    @played(shadowed(), characters=models())
    async def play(scene: Scene) -> None:
        await scene.start("w1")
        killed = _kill_at(
            scene,
            lambda one, topic: (
                topic == Topic.CALLS and one["purpose"] == purpose and (one["attempt_json"] is not None) is has_ended
            ),
        )
        scene.publish("r-1")
        await scene.answered("r-1")
        await asyncio.sleep(30)
        assert killed
        made = len(scene.calls())
        await scene.start("w2")
        await asyncio.sleep(5)
        assert len(scene.calls()) == made
        charged = {one.key: one.nano_usd for one in scene.world.providers.invoice}
        billed = costs(scene)
        assert charged.keys() <= billed.keys()
        cut = {key for key, event in billed.items() if event["certainty"] == "unknown"}
        assert cut == (
            {key for key, event in billed.items() if event["purpose"] == purpose} if not has_ended else set()
        )
        assert all(billed[key]["cost_nano_usd"] == charged[key] for key in charged.keys() - cut)
        assert len(scene.responses("r-1")) == 1

    play()


@played(shadowed(), characters=models())
async def test_what_was_billed_is_not_read_back_for_ever(scene: Scene) -> None:
    (worker,) = await scene.start("w1")
    scene.publish("r-1")
    await scene.until(lambda: answers(scene))
    scene.publish("r-2", model="alpha")
    await scene.answered("r-2")
    await asyncio.sleep(5)
    await worker.stop()
    before = len(scene.messages(Topic.COSTS))
    await scene.start("w2")
    assert len(scene.messages(Topic.COSTS)) == before


@played(
    shadowed(
        tenants={
            "own": Tenant("own", shadow_calls=False),
            "narrow": Tenant("narrow", models=frozenset({"alpha", "gamma"})),
            "some": Tenant("some", models=frozenset({"alpha", "beta"})),
        }
    ),
    characters=models(),
)
async def test_no_model_is_asked_that_the_tenant_has_not_allowed(scene: Scene) -> None:
    await scene.start("w1")
    for tenant in ("own", "narrow", "some"):
        scene.publish(tenant, tenant=tenant)
        await scene.answered(tenant)
    scene.publish("pinned", model="alpha")
    await scene.answered("pinned")
    await asyncio.sleep(10)
    assert [(one["tenant"], one["request_model"], one["verdict"]) for one in answers(scene)] == [("some", "beta", None)]
    assert sorted(call.model for call in scene.calls()) == ["alpha"] * 4 + ["beta"]


@played(shadowed(), characters=models("I like the first one. SCORES first=10 second=0"))
async def test_a_reply_that_is_no_verdict_counts_for_nothing_and_is_paid(scene: Scene) -> None:
    await scene.start("w1")
    scene.publish("r-1")
    await scene.until(lambda: answers(scene))
    await asyncio.sleep(3)
    (answer,) = answers(scene)
    assert (answer["verdict"], answer["not_judged"]) == (None, "the judge's reply is no verdict")
    assert not any(one["count"] for one in scene.messages(Topic.MODEL_QUALITY))
    assert_the_bill_is_the_invoice(scene)


@played(shadowed(), characters={**models(), "beta": Character(3, 6, chances={Fate.ERROR: 1.0})})
async def test_a_shadow_that_fails_counts_into_the_health_of_its_model_and_is_told(scene: Scene) -> None:
    (worker,) = await scene.start("w1")
    scene.publish("r-1")
    await scene.until(lambda: answers(scene))
    (answer,) = answers(scene)
    assert (answer["status"], answer["message"], answer["verdict"]) == ("failed", None, None)
    assert [attempt["outcome"] for attempt in answer["attempts"]] == ["unavailable"]
    assert answer["error"]["code"] == "fallback_exhausted"
    assert "unavailable of beta" in answer["error"]["message"]
    await asyncio.sleep(2)
    assert worker.parts.pool.reading(BETA, scene.loop.time()).error_rate == 1.0


@played(shadowed(replace(RULES, at_once=2)), characters={**models(), "beta": Character(3, 6, median_s=30)})
async def test_a_worker_has_a_few_at_a_time_and_makes_none_while_it_drains(scene: Scene) -> None:
    (worker,) = await scene.start("w1")
    for number in range(6):
        scene.publish(f"r-{number}")
    await scene.answered(*(f"r-{number}" for number in range(6)))
    await asyncio.sleep(2)
    assert sum(call.model == "beta" for call in scene.calls()) == 2
    await worker.stop()
    (second,) = await scene.start("w2")
    scene.world.providers.models["alpha"].median_s = 2.0
    scene.publish("late")
    await scene.until(lambda: scene.calls()[-1].model == "alpha" and len(scene.calls()) == 9)
    await second.stop()
    assert scene.responses("late")
    assert sum(call.model == "beta" for call in scene.calls()) == 2


BY_COST = ShadowRules(0.0, Decimal(5), (), "gamma", experiments=(Experiment("dear", 1.0, Policy.LATENCY, shadow=True),))
"""The fastest is asked in the shadow, and that is beta."""


@played(
    replace(
        shadowed(BY_COST),
        models={
            name: replace(one, typical_latency_ms=100 if name == "beta" else 900) for name, one in PLAIN.models.items()
        },
    ),
    characters=models(),
)
async def test_an_experiments_policy_chooses_the_shadow_and_answers_nothing(scene: Scene) -> None:
    await scene.start("w1")
    scene.publish("r-1")
    (response,) = await scene.answered("r-1")
    await scene.until(lambda: answers(scene))
    (answer,) = answers(scene)
    assert (response["request_model"], response.get("arm")) == ("alpha", None)
    assert (answer["experiment"], answer["request_model"]) == ("dear", "beta")
    assert answer["verdict"]["judge"] == "gamma"
    await asyncio.sleep(1)
    arms = {event["purpose"]: event["arm"] for event in costs(scene).values()}
    assert arms == {None: None, "shadow": "dear", "judge": "dear"}
    assert_the_bill_is_the_invoice(scene)


@played(
    shadowed(replace(BY_COST, experiments=(Experiment("same", 1.0, Policy.CHAIN, shadow=True),))), characters=models()
)
async def test_a_policy_that_chooses_the_model_that_answered_calls_none_and_holds_no_money(scene: Scene) -> None:
    (worker,) = await scene.start("w1")
    scene.publish("r-1")
    await scene.answered("r-1")
    await asyncio.sleep(10)
    assert [call.model for call in scene.calls()] == ["alpha"]
    assert answers(scene) == []
    lease = worker.parts.budget_client.of(RULES.payer)
    assert lease is not None
    assert lease.reserved_usd == 0
    assert worker.parts.pool.in_flight(ALPHA) == 0
    assert_the_bill_is_the_invoice(scene)


def _again(record: Delivery) -> Record:
    return Record(record.origin.topic, record.value, record.key, list(record.headers), record.origin.partition)
