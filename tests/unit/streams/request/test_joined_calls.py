"""Small calls for embeddings made as one, over whole workers in memory: who pays what, and who fails with whom."""

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal

from router.catalogue import Account, Price
from router.request.joining import WRITE_S
from router.tenants import Tenant
from sandbox.provider.invoice import InvoiceRow
from sandbox.provider.outcome import FinishReason
from sandbox.reconcile import Reconciliation, judge, reconcile
from schemas.costs import CostEvent
from schemas.message import NANO_USD, utc_from_ms
from schemas.topics import Topic
from schemas.vocabulary import AccountLimit
from tests.fakes.provider import Character, Fate, KeyRules, vector_of
from tests.fakes.scene import Json, Scene, played
from tests.fakes.world import WorkerProcess, key_of_account
from tests.stage import ALPHA, make_catalogue

PRICE_USD = Decimal("0.0125")
"""Twelve and a half nano-dollars a token."""
SMALL = replace(
    ALPHA, name="small", price=Price(PRICE_USD, Decimal(0)), context_tokens=8192, embeds=True, join_inputs=10
)
CATALOGUE = make_catalogue(ALPHA, others=(SMALL,))
POOR = replace(CATALOGUE, tenants={"acme": Tenant("acme", daily_budget_usd=Decimal("0.000001"))})
FEW = {AccountLimit.REQUESTS: 20}
QUICK = {"small": Character(PRICE_USD, 0, median_s=0.2, spread=0.0)}
SLOW = {"small": Character(PRICE_USD, 0, median_s=5.0, spread=0.0)}
TEXTS = {"r-1": "one", "r-2": "two or three", "r-3": "the last one of them all"}


def ask(scene: Scene, texts: Mapping[str, str] = TEXTS, **fields: object) -> None:
    for number, (name, text) in enumerate(texts.items()):
        fields.setdefault("partition", None)
        partition = number % 2 if fields["partition"] is None else fields["partition"]
        assert isinstance(partition, int)
        rest = {key: value for key, value in fields.items() if key != "partition"}
        asked = {"prompt": None, "max_tokens": None, "model": "small", "input": text, **rest}
        scene.publish(name, partition=partition, **asked)  # type: ignore[arg-type]  # `key` is not among them


def invoice(scene: Scene) -> list[InvoiceRow]:
    at = utc_from_ms(0)
    return [
        InvoiceRow(
            f"a-{place}", row.key, "small", 1, 0, 0, FinishReason.STOP, row.nano_usd * NANO_USD, row.nano_usd, at
        )
        for place, row in enumerate(scene.world.providers.invoice)
    ]


def costs(scene: Scene) -> list[CostEvent]:
    return [CostEvent.model_validate(message) for message in scene.messages(Topic.COSTS)]


async def bill(scene: Scene) -> Reconciliation:
    await asyncio.sleep(10)
    return reconcile(costs(scene), invoice(scene))


def vectors(response: Json) -> object:
    return response["message"]["embeddings"]


@played(catalogue=CATALOGUE, characters=QUICK)
async def test_small_requests_are_one_call_whose_cost_is_shared_to_the_nano_dollar(scene: Scene) -> None:
    await scene.start("w1")
    ask(scene)
    for name, response in zip(TEXTS, await scene.answered(*TEXTS), strict=True):
        assert vectors(response) == [vector_of(TEXTS[name])]
    (call,) = scene.calls()
    ahead = scene.messages(Topic.CALLS)
    assert sorted(call.asked["input"]) == sorted(TEXTS.values())
    assert {message["upstream_call_id"] for message in ahead} == {call.key}
    assert len({message["event_id"] for message in ahead} | {call.key}) == 4
    written = [place for place, event in enumerate(scene.timeline) if event.what == Topic.CALLS]
    assert max(written) < scene.first("call"), "each share is written ahead"
    told = await bill(scene)
    assert told.bill_equals_invoice, told
    assert (told.metered_calls, told.metered_nano_usd) == (1, scene.world.providers.invoice[0].nano_usd)
    assert {event.event_id for event in costs(scene)} == {message["event_id"] for message in ahead}


@played(catalogue=CATALOGUE, characters=QUICK)
async def test_a_request_that_finds_no_other_is_called_for_as_any_request(scene: Scene) -> None:
    await scene.start("w1")
    ask(scene, {"r-1": "one"})
    await scene.answered("r-1")
    await asyncio.sleep(1)
    (ahead,), (call,), (cost,) = scene.messages(Topic.CALLS), scene.calls(), costs(scene)
    assert ahead["event_id"] == call.key == cost.event_id
    assert cost.upstream_call_id is None
    (written_s, called_s) = (
        next(e.at_s for e in scene.timeline if e.what == what) for what in (Topic.REQUESTS, "call")
    )
    assert called_s - written_s < 0.2


@played(catalogue=CATALOGUE, characters=QUICK)
async def test_no_tenant_is_in_another_ones_call(scene: Scene) -> None:
    await scene.start("w1")
    ask(scene, {"r-1": "one", "r-2": "two"}, tenant="acme")
    ask(scene, {"r-3": "three", "r-4": "four"}, tenant="rival")
    await scene.answered("r-1", "r-2", "r-3", "r-4")
    assert sorted(sorted(call.asked["input"]) for call in scene.calls()) == [["four", "three"], ["one", "two"]]


@played(catalogue=CATALOGUE, characters=QUICK)
async def test_one_that_is_refused_fails_alone_and_the_others_are_asked_again(scene: Scene) -> None:
    scene.world.providers.refused_text = "bad"
    await scene.start("w1")
    ask(scene, {**TEXTS, "r-4": "bad"})
    responses = dict(zip([*TEXTS, "r-4"], await scene.answered(*TEXTS, "r-4"), strict=True))
    assert {name: response["status"] for name, response in responses.items()} == {
        **dict.fromkeys(TEXTS, "completed"),
        "r-4": "rejected",
    }
    assert len(scene.calls()) == 5, "one together, then each alone"
    assert [attempt["outcome"] for attempt in responses["r-1"]["attempts"]] == ["invalid_request", "succeeded"]
    told = await bill(scene)
    assert told.bill_equals_invoice, told
    assert told.metered_calls == 3
    keys = [call.key for call in scene.calls()]
    assert len(set(keys)) == len(keys), "no key is used for two different calls"


@played(catalogue=CATALOGUE, characters=SLOW)
async def test_a_crash_during_the_call_bills_each_share_as_unknown(scene: Scene) -> None:
    (worker,) = await scene.start("w1")
    scene.when("call", worker.kill)
    ask(scene)
    await scene.until(scene.calls)
    await scene.start("w2")
    await scene.answered(*TEXTS, within_s=200)
    told = await bill(scene)
    unknown = [event for event in costs(scene) if event.certainty == "unknown"]
    assert sorted(event.request_id for event in unknown) == sorted(TEXTS)
    assert {event.upstream_call_id for event in unknown} == {scene.calls()[0].key}
    assert told.bill_equals_invoice, told
    assert judge(costs(scene), invoice(scene)).holds
    assert told.unknown.calls == 1


def hold_back_writing_ahead(scene: Scene, worker: WorkerProcess, partition: int) -> None:
    worker.link.slow_s[scene.world.partition(Topic.CALLS, partition)] = 4 * WRITE_S


@played(catalogue=CATALOGUE, characters=QUICK)
async def test_a_member_that_is_not_written_ahead_in_time_is_left_behind_and_asked_for_alone(scene: Scene) -> None:
    (worker,) = await scene.start("w1")
    hold_back_writing_ahead(scene, worker, partition=1)
    ask(scene)
    responses = dict(zip(TEXTS, await scene.answered(*TEXTS), strict=True))
    together, alone = scene.calls()
    assert sorted(together.asked["input"]) == sorted([TEXTS["r-1"], TEXTS["r-3"]])
    assert alone.asked["input"] == TEXTS["r-2"]
    assert vectors(responses["r-2"]) == [vector_of(TEXTS["r-2"])]
    outcomes = {name: [one["outcome"] for one in response["attempts"]] for name, response in responses.items()}
    assert outcomes == {"r-1": ["succeeded"], "r-2": ["unreachable", "succeeded"], "r-3": ["succeeded"]}
    assert responses["r-2"]["attempts"][0]["cost_usd"] is None, "it was not called for"
    asked_s = min(event.at_s for event in scene.timeline if event.what == Topic.REQUESTS)
    assert together.began_s - asked_s < 2 * WRITE_S, "the others wait no longer"
    told = await bill(scene)
    assert told.bill_equals_invoice, told
    assert told.metered_calls == 2
    assert {event.upstream_call_id for event in costs(scene)} == {together.key, None}
    assert scene.messages(Topic.FAILOVERS) == [], "the model has nothing to do with it"


@played(catalogue=CATALOGUE, characters=SLOW)
async def test_a_crash_before_one_that_was_left_behind_knows_it_bills_it_as_unknown_too(scene: Scene) -> None:
    (worker,) = await scene.start("w1")
    hold_back_writing_ahead(scene, worker, partition=1)
    scene.when("call", worker.kill)
    ask(scene)
    await scene.until(scene.calls)
    assert sorted(scene.calls()[0].asked["input"]) == sorted([TEXTS["r-1"], TEXTS["r-3"]])
    await scene.start("w2")
    await scene.answered(*TEXTS, within_s=200)
    told = await bill(scene)
    unknown = [event for event in costs(scene) if event.certainty == "unknown"]
    assert sorted(event.request_id for event in unknown) == sorted(TEXTS), "its record names the call"
    assert {event.upstream_call_id for event in unknown} == {scene.calls()[0].key}
    assert told.bill_equals_invoice, told
    assert judge(costs(scene), invoice(scene)).holds
    assert (told.unknown.calls, told.unknown.charged_calls) == (1, 1)


@played(catalogue=CATALOGUE, characters=SLOW)
async def test_a_member_that_is_given_up_does_not_end_the_call_of_the_others(scene: Scene) -> None:
    (first,) = await scene.start("w1")
    ask(scene, partition=0)
    await scene.until(scene.calls)
    pump = first.worker.pump
    tasks = [task for tasks in pump._tasks.values() for task in tasks]
    tasks[0].cancel()
    await asyncio.sleep(6)
    answered = {name for name in TEXTS if scene.responses(name)}
    assert len(answered) == 2
    assert len(scene.calls()) == 1
    await first.stop()
    await scene.start("w2")
    await scene.answered(*TEXTS, within_s=200)
    told = await bill(scene)
    assert told.bill_equals_invoice, told
    assert judge(costs(scene), invoice(scene)).holds
    assert (told.metered_calls, told.unknown.calls, told.unknown.charged_calls) == (1, 1, 1)
    parts = [event.certainty for event in costs(scene) if event.upstream_call_id == scene.calls()[0].key]
    assert sorted(set(parts)) == ["metered", "unknown"]


@played(catalogue=CATALOGUE, characters={"small": replace(SLOW["small"], chances={Fate.HANGS: 1.0})})
async def test_a_call_that_never_ends_is_ended_when_its_last_member_is_given_up(scene: Scene) -> None:
    (worker,) = await scene.start("w1")
    ask(scene)
    await scene.until(scene.calls)
    await worker.stop()
    assert not scene.responses("r-1")
    assert len(scene.calls()) == 1


@played(catalogue=POOR, characters=QUICK)
async def test_each_member_is_held_to_its_tenants_budget(scene: Scene) -> None:
    await scene.start("w1")
    texts = {f"r-{number}": "word " * 8 for number in range(8)}
    ask(scene, texts, tenant="acme")
    responses = await scene.answered(*texts, within_s=120)
    completed = [response for response in responses if response["status"] == "completed"]
    assert 0 < len(completed) < len(texts)
    assert {response["error"]["code"] for response in responses if response["error"]} == {"budget_exhausted"}
    told = await bill(scene)
    assert told.bill_equals_invoice, told
    assert told.metered_nano_usd <= 1_000


@played(catalogue=CATALOGUE, characters=QUICK)
async def test_a_request_that_comes_twice_is_in_one_call_once(scene: Scene) -> None:
    await scene.start("w1")
    ask(scene, partition=0)
    ask(scene, partition=0)
    await scene.answered(*TEXTS)
    assert sorted(text for call in scene.calls() for text in call.asked["input"]) == sorted(TEXTS.values())
    assert (await bill(scene)).bill_equals_invoice


@played(
    catalogue=CATALOGUE, characters={"small": replace(QUICK["small"], chances={Fate.ERROR: 0.3, Fate.MALFORMED: 0.1})}
)
async def test_with_faults_the_bill_is_the_invoice(scene: Scene) -> None:
    await scene.start("w1")
    texts = {f"r-{number}": f"text {number}" for number in range(60)}
    ask(scene, texts)
    await scene.answered(*texts, within_s=300)
    told = await bill(scene)
    assert judge(costs(scene), invoice(scene)).no_charge_without_event
    assert not told.mismatched
    assert not told.never_billed
    assert len(scene.calls()) < len(texts), "those that are asked again at different moments included"


@played(
    catalogue=replace(CATALOGUE, accounts={SMALL.provider_name: (Account("a", limits=FEW), Account("b", limits=FEW))}),
    characters=QUICK,
)
async def test_calls_of_one_account_join_and_each_accounts_invoice_is_its_bill(scene: Scene) -> None:
    scene.world.providers.keys = {key_of_account(name): KeyRules() for name in "ab"}
    await scene.start("w1")
    texts = {f"r-{number}": f"text {number}" for number in range(40)}
    ask(scene, texts)
    await scene.answered(*texts)
    assert len(scene.calls()) <= 10, "of ten inputs each, but for the last of each account"
    told = await bill(scene)
    assert told.bill_equals_invoice, told
    account_of = {
        charge.key: (charge.shown or "").removeprefix(key_of_account("")) for charge in scene.world.providers.invoice
    }
    assert {event.upstream_call_id: event.account for event in costs(scene)} == account_of
    assert set(account_of.values()) == {"a", "b"}
