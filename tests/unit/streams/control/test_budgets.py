"""Budgets over whole workers in memory: what the owner counts, grants and stores, and what a worker may spend."""

import asyncio
from dataclasses import replace
from decimal import Decimal

import orjson
import pytest

from router.budgets.life import IDLE_S
from router.budgets.rules import LEASE_S
from router.tenants import Tenant
from schemas.topics import Topic
from streams.control.budget_client import GATHER_S
from streams.ports import Record
from tests.fakes.link import Weather
from tests.fakes.provider import Call, Character
from tests.fakes.scene import SETTINGS, Json, Scene, played
from tests.fakes.world import WorkerProcess
from tests.stage import TWO

SESSION_S = SETTINGS.session_timeout_s
RICH = replace(TWO, tenants={"acme": Tenant("acme", daily_budget_usd=Decimal(10))})
POOR_USD = Decimal("0.0030")
POOR = replace(TWO, tenants={"acme": Tenant("acme", daily_budget_usd=POOR_USD)})
# the most that two calls cost, and a little
TWO_CALLS = replace(TWO, tenants={"acme": Tenant("acme", daily_budget_usd=Decimal("0.00022"))})
HASTY = SETTINGS.model_copy(update={"drain_s": 1.0})
MANY = replace(TWO, tenants={f"t{number}": Tenant(f"t{number}", daily_budget_usd=Decimal(20)) for number in range(8)})
FRUGAL = {"alpha": Character(1, 2, median_s=0.2), "beta": Character(3, 6, median_s=0.2)}


def spent_usd(budget: Json) -> Decimal:
    return Decimal(budget["windows"][0]["spent_usd"])


def budget(scene: Scene) -> Json:
    """Return how the tenant stands, as was told last."""
    return scene.messages(Topic.BUDGETS)[-1]


def charged_usd(scene: Scene) -> Decimal:
    return Decimal(sum(charge.nano_usd for charge in scene.world.providers.invoice)) / 10**9


def owner(scene: Scene) -> WorkerProcess:
    """Return who keeps the budgets."""
    return scene.world.keeper_of(Topic.BUDGET_CLAIMS)


def waited_s(scene: Scene, call: Call, asked_s: dict[str, float]) -> float:
    """Return how long after its request was published a call came."""
    return call.began_s - asked_s[by_event(scene)[call.key]]


def by_event(scene: Scene) -> dict[str, str]:
    """Return the requests of the calls."""
    return {message["event_id"]: message["request_id"] for message in scene.messages(Topic.CALLS)}


async def spend(scene: Scene, count: int, prefix: str = "r", settle_s: float = 3.0) -> None:
    names = [f"{prefix}-{number}" for number in range(count)]
    for name in names:
        scene.publish(name, tenant="acme")
        await asyncio.sleep(0.2)
    await scene.answered(*names)
    await asyncio.sleep(settle_s)


@played(catalogue=RICH)
async def test_what_was_charged_is_told_as_spent(scene: Scene) -> None:
    await scene.start("w1")
    await spend(scene, 5)
    assert spent_usd(budget(scene)) == charged_usd(scene) > 0


@played(catalogue=RICH)
async def test_an_event_that_is_published_twice_counts_once(scene: Scene) -> None:
    await scene.start("w1")
    await spend(scene, 3)
    topic = scene.world.broker.topics[Topic.COSTS]
    for record in [record for partition in topic.partitions for record in partition.records]:
        scene.world.broker.append(Record(Topic.COSTS, record.value, record.key, list(record.headers)))
    await asyncio.sleep(3)
    await spend(scene, 1, "s")
    assert spent_usd(budget(scene)) == charged_usd(scene)


@played(catalogue=RICH)
async def test_an_heir_goes_on_with_the_sums_and_counts_nothing_twice(scene: Scene) -> None:
    await scene.start("w1", "w2")
    await spend(scene, 5)
    for number in range(10):
        await spend(scene, 1, f"s{number}", settle_s=1.2)
        if "position" not in scene.messages(Topic.ACCOUNTS)[-1]:
            break  # the sums are stored, and how far the costs were read is not
    first = owner(scene)
    first.kill()
    await asyncio.sleep(SESSION_S + 5)
    assert owner(scene) is not first
    await spend(scene, 3, "t")
    assert spent_usd(budget(scene)) == charged_usd(scene)


@played(catalogue=RICH)
async def test_what_is_told_was_stored_before(scene: Scene) -> None:
    await scene.start("w1")
    await spend(scene, 3)
    stored: set[int] = set()
    for event in scene.timeline:
        if event.what == Topic.ACCOUNTS and "version" in event.message:
            stored.add(event.message["version"])
        if event.what == Topic.BUDGETS:
            assert event.message["version"] in stored


@pytest.mark.parametrize("phase_s", [0.0, 0.05, 0.1, 0.15, 0.2, 0.3, 0.5, 0.8])
def test_an_owner_that_was_frozen_past_its_session_stores_and_tells_nothing_more(phase_s: float) -> None:
    """Frozen at any moment between two of its turns: what it does first when it thaws must not depend on it."""

    @played(catalogue=RICH)
    async def play(scene: Scene) -> None:
        await scene.start("w1", "w2", "w3")
        await spend(scene, 3)
        await asyncio.sleep(phase_s)
        first = owner(scene)
        first.process.freeze()
        await asyncio.sleep(SESSION_S + 5)
        heir = owner(scene)
        assert heir is not first
        await spend(scene, 3, "s")
        written: list[tuple[str, str]] = []
        for worker in scene.world.workers.values():
            worker.link.on_send.append(
                lambda record, worker=worker: written.append((worker.process.name, record.topic))  # type: ignore[misc]
            )
        first.process.thaw()
        await spend(scene, 3, "t")
        owners_topics = {Topic.ACCOUNTS, Topic.BUDGETS}
        assert {name for name, topic in written if topic in owners_topics} == {heir.process.name}
        assert spent_usd(budget(scene)) == charged_usd(scene)

    play()


@played(catalogue=POOR, characters=FRUGAL)
async def test_workers_together_spend_no_more_than_the_budget_and_then_say_so(scene: Scene) -> None:
    await scene.start("w1", "w2")
    names = [f"r-{number}" for number in range(60)]
    for number, name in enumerate(names):
        scene.publish(name, partition=number % 2, tenant="acme")
    responses = await scene.answered(*names)
    assert charged_usd(scene) <= Decimal("0.0030")
    rejected = [response for response in responses if response["status"] == "rejected"]
    assert {response["error"]["code"] for response in rejected} == {"budget_exhausted"}
    assert 0 < len(rejected) < len(names)


@played(catalogue=RICH)
async def test_a_cost_event_draws_on_the_grant_of_who_reserved_for_it(scene: Scene) -> None:
    await scene.start("w1")
    await spend(scene, 5)
    account = [
        event.message for event in scene.timeline if event.what == Topic.ACCOUNTS and "holdings" in event.message
    ][-1]
    (holding,) = account["holdings"]
    _, holder, granted, drawn, *_ = holding
    assert holder.startswith("w1@")
    assert Decimal(drawn) == charged_usd(scene) <= Decimal(granted)


@played(catalogue=RICH)
async def test_an_unreadable_claim_or_cost_event_stops_nothing(scene: Scene) -> None:
    await scene.start("w1")
    for topic in (Topic.BUDGET_CLAIMS, Topic.COSTS, Topic.BUDGETS):
        scene.world.broker.append(Record(topic, b"not JSON", b"acme", []))
        scene.world.broker.append(Record(topic, orjson.dumps({"tenant": 7}), b"acme", []))
    await spend(scene, 3)
    assert spent_usd(budget(scene)) == charged_usd(scene)


@played(catalogue=MANY)
async def test_quiet_tenants_are_called_for_within_a_second_however_long_nothing_was_asked(scene: Scene) -> None:
    await scene.start("w1", "w2")
    asked_s: dict[str, float] = {}
    for quiet_s in (0, IDLE_S + 2, LEASE_S):
        await asyncio.sleep(quiet_s)
        for number, tenant in enumerate(MANY.tenants):
            await asyncio.sleep(0.013)
            name = f"{tenant} after {quiet_s}"
            asked_s[name] = scene.loop.time()
            scene.publish(name, partition=number % 2, tenant=tenant)
        await asyncio.sleep(5)
    responses = await scene.answered(*asked_s)
    assert {response["status"] for response in responses} == {"completed"}
    assert max(waited_s(scene, call, asked_s) for call in scene.calls()) <= 1.0


@played(catalogue=RICH)
async def test_a_request_that_waits_for_money_has_it_claimed_at_once(scene: Scene) -> None:
    await scene.start("w1")
    asked_s = scene.loop.time()
    scene.publish(tenant="acme")
    await scene.until(lambda: scene.messages(Topic.BUDGET_CLAIMS))
    assert scene.loop.time() - asked_s <= GATHER_S + 0.03


@played(catalogue=TWO_CALLS, characters=FRUGAL, settings=HASTY)
async def test_what_was_reserved_for_a_call_that_was_not_made_is_free_for_the_next_owner_of_its_request(
    scene: Scene,
) -> None:
    """Both are given up while nobody acknowledges their write-ahead records, and one goes elsewhere."""
    (first,) = await scene.start("w1")

    def acknowledge_nothing(record: Record) -> None:
        if record.topic == Topic.CALLS and scene.world.workers.keys() == {"w1"}:
            first.link.weather = Weather(lost_after=1.0)

    first.link.on_send.append(acknowledge_nothing)
    for partition in range(2):
        scene.publish(f"r-{partition}", partition=partition, tenant="acme")
    await asyncio.sleep(1)
    assert len(scene.messages(Topic.CALLS)) == 2
    scene.world.start("w2")
    await asyncio.sleep(2)  # what is given up is written down for its heir within `HAND_ON_S`, at pauses of chance
    assert not scene.calls()
    first.link.weather = Weather()
    responses = await scene.answered("r-0", "r-1", within_s=15)
    assert {response["status"] for response in responses} == {"completed"}
    assert len({call.caller for call in scene.calls()}) == 2
    await scene.until(lambda: len(scene.messages(Topic.COSTS)) == 2)
    assert [cost["certainty"] for cost in scene.messages(Topic.COSTS)] == ["metered", "metered"]


@played(catalogue=POOR, characters=FRUGAL, settings=HASTY)
async def test_requests_that_are_given_up_before_their_calls_take_nothing_of_the_budget_with_them(scene: Scene) -> None:
    """In each rebalance they wait for the acknowledgement of their write-ahead records."""
    first, _ = await scene.start("w1", "w2")
    await spend(scene, 2)
    for number in range(5):
        first.link.weather = Weather(lost_before=1.0)
        scene.publish(f"given up {number}", partition=0, tenant="acme")
        scene.publish(f"given up {number} too", partition=1, tenant="acme")
        await asyncio.sleep(1)
        third = scene.world.start(f"x{number}")
        await asyncio.sleep(15)
        first.link.weather = Weather()
        await scene.answered(f"given up {number}", f"given up {number} too")
        await third.stop()
        await asyncio.sleep(5)
    names = [f"r-{number}" for number in range(60)]
    for number, name in enumerate(names):
        scene.publish(name, partition=number % 2, tenant="acme")
    await scene.answered(*names)
    one_call_usd = max(Decimal(message["cost_usd"]) for message in scene.messages(Topic.CALLS))
    assert POOR_USD - one_call_usd < charged_usd(scene) <= POOR_USD


@played(catalogue=RICH)
async def test_a_claim_that_is_lost_is_made_again(scene: Scene) -> None:
    (worker,) = await scene.start("w1")
    worker.link.weather = Weather(lost_before=1.0)
    scene.publish(tenant="acme")
    await asyncio.sleep(15)
    assert not scene.messages(Topic.BUDGET_CLAIMS)
    worker.link.weather = Weather()
    (response,) = await scene.answered("r-1")
    assert response["status"] == "completed"


@played(catalogue=RICH)
async def test_a_claim_that_a_dying_owner_has_not_answered_is_answered_by_its_heir(scene: Scene) -> None:
    await scene.start("w1", "w2")
    first = owner(scene)
    other = next(worker for worker in scene.world.workers.values() if worker is not first)
    partition = int(scene.world.requests.assignments[_member_of(scene, other)][0].partition)
    first.process.freeze()
    scene.publish(partition=partition, tenant="acme", deadline="2027-01-15T08:05:00Z")
    await scene.until(lambda: scene.messages(Topic.BUDGET_CLAIMS))
    first.kill()
    (response,) = await scene.answered("r-1")
    assert response["status"] == "completed"


def _member_of(scene: Scene, worker: WorkerProcess) -> str:
    name = worker.process.name.partition("@")[0]
    return next(member for member in scene.world.requests.assignments if member.startswith(f"{name}#"))
