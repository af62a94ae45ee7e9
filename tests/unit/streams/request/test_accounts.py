"""Several keys to one provider, over whole workers in memory: the bill is the invoice, key by key."""

import asyncio
from collections import Counter
from dataclasses import replace

from router.catalogue import Account
from schemas.topics import Topic
from schemas.vocabulary import AccountLimit
from tests.fakes.provider import Character, Fate, KeyRules
from tests.fakes.scene import Json, Scene, played
from tests.fakes.world import key_of_account
from tests.stage import ALPHA, ONE

TOKENS = 3_000
REQUESTS = 10
CATALOGUE = replace(
    ONE,
    accounts={
        ALPHA.provider_name: (
            Account("main", weight=2, limits={AccountLimit.TOKENS: TOKENS}),
            Account("second", limits={AccountLimit.REQUESTS: REQUESTS}),
            Account("third"),
        )
    },
)
QUICK = {"alpha": Character(1, 2, median_s=0.2)}


def rules(scene: Scene, **of_account: KeyRules) -> None:
    scene.world.providers.keys = {key_of_account(name): one for name, one in of_account.items()}


def billed(scene: Scene) -> Counter[str]:
    """Return what the cost events bill to each account, in nano-dollars; each event once."""
    events: dict[str, Json] = {event["event_id"]: event for event in scene.messages(Topic.COSTS)}
    bill: Counter[str] = Counter()
    for event in events.values():
        bill[event["account"]] += event["cost_nano_usd"]
    return bill


def invoiced(scene: Scene) -> Counter[str]:
    invoice: Counter[str] = Counter()
    for charge in scene.world.providers.invoice:
        assert charge.shown is not None
        invoice[charge.shown.removeprefix(key_of_account(""))] += charge.nano_usd
    return invoice


async def ask(scene: Scene, count: int, gap_s: float = 0.0) -> None:
    names = [f"r-{number}" for number in range(count)]
    for number, name in enumerate(names):
        scene.publish(name, partition=number % 2)
        await asyncio.sleep(gap_s)
    responses = await scene.answered(*names, within_s=300)
    assert {response["status"] for response in responses} == {"completed"}
    await asyncio.sleep(1)


@played(CATALOGUE, characters=QUICK)
async def test_the_bill_is_the_invoice_account_by_account_and_no_limit_is_broken(scene: Scene) -> None:
    rules(
        scene,
        main=KeyRules(tokens_per_minute=TOKENS),
        second=KeyRules(requests_per_minute=REQUESTS),
        third=KeyRules(),
    )
    await scene.start("w1", "w2")
    await ask(scene, 150, gap_s=0.2)
    fates = Counter(call.fate for call in scene.calls())
    assert fates == {Fate.ANSWER: 150}, "what is configured is what the provider holds us to"
    bill = billed(scene)
    assert bill == invoiced(scene)
    assert set(bill) == {"main", "second", "third"}


@played(CATALOGUE, characters=QUICK)
async def test_a_key_that_is_revoked_costs_no_request_and_nothing_is_billed_to_it(scene: Scene) -> None:
    rules(scene, main=KeyRules(is_good=False), second=KeyRules(), third=KeyRules())
    await scene.start("w1")
    await ask(scene, 60, gap_s=0.1)
    fates = Counter((call.shown, call.fate) for call in scene.calls())
    refused = fates[key_of_account("main"), Fate.UNAUTHORIZED]
    assert 0 < refused <= 2, "it rests at the first refusal"
    assert billed(scene) == invoiced(scene)
    assert set(billed(scene)) <= {"second", "third"}
    assert scene.messages(Topic.FAILOVERS) == [], "its model is well"
    told = scene.messages(Topic.MODEL_HEALTH)[-1]["accounts"]["main"]
    assert told["rests"]["w1"]["reason"] == "refused"


@played(CATALOGUE, characters=QUICK)
async def test_limits_that_are_not_configured_let_the_key_rest_and_the_others_go_on(scene: Scene) -> None:
    rules(scene, main=KeyRules(), second=KeyRules(), third=KeyRules(requests_per_minute=3))
    await scene.start("w1", "w2")
    await ask(scene, 60, gap_s=0.1)
    assert Counter(call.fate for call in scene.calls())[Fate.LIMITED] > 0
    assert billed(scene) == invoiced(scene)


@played(CATALOGUE, characters=QUICK)
async def test_no_record_holds_a_key(scene: Scene) -> None:
    rules(scene, main=KeyRules(is_good=False), second=KeyRules(), third=KeyRules())
    scene.world.providers.error_text = f" of {key_of_account('main')}"
    await scene.start("w1")
    await ask(scene, 5)
    assert "secret-of" not in str(scene.timeline)
