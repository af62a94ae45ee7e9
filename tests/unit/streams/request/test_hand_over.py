"""Requests that wait for a batch: handed over, let go, joined by duplicates, taken back; the same after crashes."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from router.catalogue import BatchTerms, Model, Price
from router.dialects.wire import BatchForm
from router.tenants import Tenant
from schemas.batch_lanes import BatchLane
from schemas.responses import Attempt
from schemas.topics import Topic
from schemas.vocabulary import AttemptOutcome, Lane, ReturnReason, WaitingState
from schemas.waiting import Returned, Waiting
from streams.batch_requests import BatchRequest, identity_of_waiting, read_batch_request
from streams.ports import Record
from tests.fakes.link import GIVES_UP_S, Weather
from tests.fakes.provider import Character, Fate
from tests.fakes.scene import SETTINGS, Json, Scene, played
from tests.fakes.world import WorkerProcess
from tests.stage import ALPHA, BETA, make_catalogue

HOUR_S = 3600.0
NEVER_S = 1e9
WAITED = Topic.WAITING


def in_batches(model: Model, price: Price | None = None) -> Model:
    half = None if model.price is None else model.price.times(Decimal("0.5"), Decimal(0))
    return replace(model, batch=BatchTerms(BatchForm.OPENAI, price or half, 86_400.0, 50_000, 200_000_000))


CATALOGUE = replace(
    make_catalogue(in_batches(ALPHA), BETA), tenants={"acme": Tenant("acme", daily_budget_usd=Decimal(5))}
)


def deadline(scene: Scene, hours: float = 6) -> str:
    return datetime.fromtimestamp(scene.loop.time() + hours * HOUR_S, UTC).isoformat()


def publish(scene: Scene, request_id: str = "r-1", **fields: Any) -> None:  # noqa: ANN401 - as a request has them
    asked = {"lane": "batch", "deadline": deadline(scene), "tenant": "acme", "max_cost_usd": "1", **fields}
    scene.publish(request_id, **asked)


async def started(scene: Scene, *names: str) -> list[WorkerProcess]:
    """Start workers; no batch comes to its end here."""
    scene.world.batches.takes_s = NEVER_S
    return await scene.start(*names)


def batch_requests(scene: Scene) -> list[BatchRequest]:
    records = scene.world.broker.partition(scene.world.partition(Topic.BATCH_REQUESTS)).records
    return [found for record in records if (found := read_batch_request(record)) is not None]


def write(scene: Scene, waiting: Waiting) -> None:
    """Write how a request stands, as whoever collects does."""
    key = identity_of_waiting(waiting).digest.hex().encode()
    topic = scene.world.settings.topic(WAITED)
    scene.world.broker.append(Record(topic, waiting.encode(), key, [], waiting.request_partition))


def give_back(scene: Scene, *, charged: bool = True) -> None:
    """Return what was handed over last to the live path."""
    request = batch_requests(scene)[-1]
    call = request.waiting.call
    assert call is not None
    attempt = Attempt(
        attempt=call.attempt,
        provider_name=call.provider_name,
        request_model=call.request_model,
        outcome=AttemptOutcome.TIMEOUT,
        detail="the batch is late",
        started_at=call.occurred_at,
        latency_ms=None,
        certainty=call.certainty if charged else None,
        cost_usd=call.cost_usd if charged else None,
    )
    place = request.place
    back = Returned(reason=ReturnReason.LATE, partition=place.partition, offset=place.offset, attempt=attempt)
    write(scene, request.waiting.model_copy(update={"state": WaitingState.RETURNED, "returned": back}))


def states(scene: Scene) -> list[str]:
    return [message["state"] for message in scene.messages(WAITED)]


def reserved(scene: Scene) -> Decimal:
    told: list[Json] = [one for one in scene.messages(Topic.BUDGETS) if one["tenant"] == "acme"]
    return Decimal(told[-1]["windows"][0]["reserved_usd"]) if told else Decimal(0)


def calls_of(scene: Scene) -> set[str]:
    return {str(message["call"]) for message in scene.messages(WAITED) if message["state"] == "waiting"}


@played(catalogue=CATALOGUE)
async def test_a_request_that_may_wait_is_written_down_handed_over_reserved_and_let_go(scene: Scene) -> None:
    await started(scene, "w1")
    publish(scene)
    await scene.until(lambda: scene.committed() == 1)
    order = [scene.first(topic) for topic in (WAITED, Topic.BATCH_REQUESTS, Topic.BUDGET_RESERVATIONS)]
    assert order == sorted(order)
    (request,) = batch_requests(scene)
    assert request.waiting.state == WaitingState.WAITING
    assert request.waiting.call is not None
    assert request.waiting.call.service_tier == "batch"
    assert request.waiting.call.input_usd_per_mtok == Decimal("0.5")
    assert "waits for a batch: likely to cost" in request.waiting.call.route_reason
    assert request.original.origin.offset == 0
    amount = request.waiting.call.reserved_usd
    await scene.until(lambda: reserved(scene) == amount)
    assert reserved(scene) > 0
    assert not scene.calls()
    assert not scene.responses("r-1")


@played(catalogue=CATALOGUE)
async def test_what_waits_holds_neither_memory_of_the_pump_nor_offsets(scene: Scene) -> None:
    (worker,) = await started(scene, "w1")
    for number in range(50):
        publish(scene, f"r-{number}", max_cost_usd="0.01")
    await scene.until(lambda: scene.committed() == 50)
    assert worker.worker.pump.in_flight == 0
    assert worker.worker.pump.waiting == 0


@played(catalogue=CATALOGUE)
async def test_a_duplicate_joins_and_another_body_is_refused_beyond_the_horizon_and_at_an_heir(scene: Scene) -> None:
    (worker,) = await started(scene, "w1")
    publish(scene)
    await scene.until(lambda: scene.committed() == 1)
    worker.kill()
    await asyncio.sleep(2000)  # beyond the duplicate horizon
    await started(scene, "w2")
    publish(scene)
    publish(scene, prompt="Something else")
    await scene.until(lambda: scene.committed() == 3)
    assert len(batch_requests(scene)) == 1
    (refused,) = scene.responses("r-1")
    assert refused["error"]["code"] == "id_reused"
    assert states(scene) == ["waiting"]


@pytest.mark.parametrize("what", [WAITED, Topic.BATCH_REQUESTS, Topic.BUDGET_RESERVATIONS])
def test_after_a_crash_at_any_step_the_same_decision_is_written_again(what: Topic) -> None:
    @played(catalogue=CATALOGUE)
    async def play(scene: Scene) -> None:
        (worker,) = await started(scene, "w1")
        scene.when(what, worker.kill)
        publish(scene)
        await scene.until(lambda: what in {event.what for event in scene.timeline})
        await asyncio.sleep(30)
        await started(scene, "w2")
        await scene.until(lambda: scene.committed() == 1)
        assert len(calls_of(scene)) == 1, "one decision"
        assert {request.waiting for request in batch_requests(scene)} == {batch_requests(scene)[0].waiting}
        ids = {message["event_id"] for message in scene.messages(Topic.BUDGET_RESERVATIONS)}
        assert len(ids) == 1
        amount = Decimal(scene.messages(Topic.BUDGET_RESERVATIONS)[0]["amount_usd"])
        await scene.until(lambda: reserved(scene) == amount)
        await asyncio.sleep(400)
        assert reserved(scene) == amount, "it outlives the lease of the worker that is gone"
        assert not scene.responses("r-1")

    play()


@played(catalogue=CATALOGUE)
async def test_a_request_that_came_back_is_answered_by_live_calls_once(scene: Scene) -> None:
    await started(scene, "w1")
    publish(scene)
    await scene.until(lambda: scene.committed() == 1)
    for _ in range(3):
        give_back(scene)
    (response,) = await scene.answered("r-1")
    assert response["status"] == "completed"
    assert [attempt["attempt"] for attempt in response["attempts"]] == [1, 2]
    assert "waited for a batch that did not answer: late" in response["route_reason"]
    await scene.until(lambda: "answered" in states(scene))
    give_back(scene)
    publish(scene)
    await scene.until(lambda: scene.committed() == 2)
    await asyncio.sleep(30)
    assert len(scene.responses("r-1")) == 1
    assert [cost["attempt"] for cost in scene.messages(Topic.COSTS)] == [2], "the batch is billed by who collects"
    assert len(scene.calls()) == 1


@pytest.mark.parametrize("what", ["call", Topic.CALLS, Topic.RESPONSES, Topic.COSTS, "answered"])
def test_a_request_that_came_back_is_answered_once_after_a_crash_at_any_step(what: str) -> None:
    @played(catalogue=CATALOGUE)
    async def play(scene: Scene) -> None:
        (worker,) = await started(scene, "w1")
        publish(scene)
        await scene.until(lambda: scene.committed() == 1)
        if what == "answered":
            scene.when(Topic.COSTS, lambda: scene.when(WAITED, worker.kill))
        else:
            scene.when(what, worker.kill)
        give_back(scene)
        await asyncio.sleep(40)
        await started(scene, "w2")
        await scene.until(lambda: "answered" in states(scene), 200)
        await asyncio.sleep(60)
        (response,) = scene.responses("r-1")
        assert response["status"] == "completed"
        costs: dict[str, Json] = {cost["event_id"]: cost for cost in scene.messages(Topic.COSTS)}
        told = [attempt["attempt"] for attempt in response["attempts"]]
        assert sorted(cost["attempt"] for cost in costs.values()) == told[1:], "each live call has its cost event"
        assert told == list(range(1, len(told) + 1))
        assert len(costs) >= len(scene.calls())

    play()


async def answered_after_a_return(scene: Scene) -> Waiting:
    """Have a request answered live that has waited, and return by which record it waited."""
    publish(scene)
    await scene.until(lambda: scene.committed() == 1)
    give_back(scene)
    await scene.until(lambda: "answered" in states(scene))
    return batch_requests(scene)[0].waiting


@played(catalogue=CATALOGUE)
async def test_that_a_request_waits_is_written_over_where_it_came_late_from_a_worker_that_was_cut_off(
    scene: Scene,
) -> None:
    (worker,) = await started(scene, "w1")
    waiting = await answered_after_a_return(scene)
    for _ in range(2):
        write(scene, waiting)
        await asyncio.sleep(2)
    assert states(scene) == ["waiting", "returned", "answered", "waiting", "answered", "waiting", "answered"]
    assert {told["response_offset"] for told in scene.messages(WAITED) if told["state"] == "answered"} == {0}
    publish(scene, "r-next", deadline=deadline(scene, 0.2))
    await scene.until(lambda: scene.committed() == 2)
    worker.kill()
    await asyncio.sleep(4000)  # beyond the duplicate horizon: under the id may come another request by now
    await started(scene, "w2")
    publish(scene, deadline=deadline(scene, 0.2))
    await scene.until(lambda: len(scene.responses("r-1")) == 2)


@played(catalogue=CATALOGUE)
async def test_an_heir_writes_over_it_that_a_request_waits_which_was_answered(scene: Scene) -> None:
    (worker,) = await started(scene, "w1")
    waiting = await answered_after_a_return(scene)
    await asyncio.sleep(2)
    worker.kill()
    await asyncio.sleep(1)
    write(scene, waiting)
    assert states(scene)[-1] == "waiting"
    await started(scene, "w2")
    await scene.until(lambda: states(scene)[-1] == "answered")
    await asyncio.sleep(30)
    assert len(scene.responses("r-1")) == len(scene.calls()) == 1


@played(catalogue=CATALOGUE, characters={"beta": Character(1, 2, median_s=5.0, spread=0.0)})
async def test_that_a_request_waits_is_written_over_where_its_heir_was_answering_it_live(scene: Scene) -> None:
    await started(scene, "w1")
    publish(scene, "r-other")
    await scene.until(lambda: scene.committed() == 1)
    publish(scene, model="beta")
    await scene.until(scene.calls)
    late = {"request_id": "r-1", "request_offset": 1, "asked_sha256": None}
    write(scene, batch_requests(scene)[0].waiting.model_copy(update=late))
    await scene.answered("r-1")
    await scene.until(lambda: states(scene)[-1] == "answered")
    assert states(scene) == ["waiting", "waiting", "answered"]
    assert scene.messages(WAITED)[-1]["request_offset"] == 1
    await asyncio.sleep(30)
    assert len(states(scene)) == 3


@played(catalogue=CATALOGUE)
async def test_a_request_that_waits_is_not_taken_for_an_answered_one_under_the_same_id(scene: Scene) -> None:
    await started(scene, "w1")
    waiting = await answered_after_a_return(scene)
    write(scene, waiting.model_copy(update={"request_offset": 7}))
    await asyncio.sleep(30)
    assert states(scene)[-1] == "waiting"


@played(catalogue=CATALOGUE)
async def test_that_a_request_waits_is_not_tried_again_by_a_worker_that_may_have_lost_it(scene: Scene) -> None:
    (worker,) = await started(scene, "w1")
    link = worker.link

    def unheard() -> None:
        link.weather.lost_after = 1.0
        link.cut()

    scene.when(WAITED, unheard)
    publish(scene)
    await scene.until(lambda: states(scene) == ["waiting"])
    tried: list[Record] = []
    link.on_send.append(tried.append)
    await asyncio.sleep(2 * GIVES_UP_S)
    assert not [record for record in tried if record.topic == scene.world.settings.topic(WAITED)]
    link.weather = Weather()
    link.heal()
    await scene.until(lambda: scene.committed() == 1, 200)
    assert len(calls_of(scene)) == 1


@played(catalogue=CATALOGUE)
async def test_the_answer_of_a_batch_ends_the_waiting_and_later_duplicates_get_it(scene: Scene) -> None:
    await started(scene, "w1")
    publish(scene, "r-live", lane="live", deadline=deadline(scene, 0.2))
    await scene.answered("r-live")
    publish(scene)
    await scene.until(lambda: scene.committed() == 2)
    waiting = batch_requests(scene)[0].waiting
    write(scene, waiting.model_copy(update={"state": WaitingState.ANSWERED, "call": None, "response_offset": 0}))
    await asyncio.sleep(5)
    publish(scene)
    await scene.until(lambda: scene.committed() == 3)
    assert len(batch_requests(scene)) == 1
    assert not scene.responses("r-1"), "its response lies there already"


@pytest.mark.parametrize(
    ("fields", "why"),
    [
        ({"hours": 0.2}, "the deadline is 720 s away, and less than 1800 s are not waited"),
        ({"model": "beta"}, "beta has no batches"),
        ({"policy": "cascade"}, "a cascade checks its first answer"),
        ({"max_latency_ms": 900_000}, "max_latency_ms is asked for"),
        ({"parameters": {"service_tier": "default"}}, "a service tier is asked for"),
    ],
)
def test_what_cannot_wait_is_live_and_says_why(fields: dict[str, Any], why: str) -> None:
    @played(catalogue=CATALOGUE)
    async def play(scene: Scene) -> None:
        await started(scene, "w1")
        hours = float(str(fields.get("hours", 6)))
        told = {name: value for name, value in fields.items() if name != "hours"}
        publish(scene, deadline=deadline(scene, hours), **told)
        (response,) = await scene.answered("r-1")
        assert f"live: {why}" in (response["route_reason"] or str(response["error"]))
        assert not scene.messages(WAITED)

    play()


@played(catalogue=replace(make_catalogue(in_batches(ALPHA, Price(Decimal(9), Decimal(9))), BETA)))
async def test_a_batch_that_is_not_cheaper_is_not_waited_for(scene: Scene) -> None:
    await started(scene, "w1")
    publish(scene, tenant="default")
    (response,) = await scene.answered("r-1")
    assert "live: alpha is likely to cost" in response["route_reason"]


WARM = replace(ALPHA, price=Price(Decimal(1), Decimal(2), cached_input_usd_per_mtok=Decimal("0.1")), service_tiers={})
INSTRUCTIONS = "Answer in the manner of the house, and briefly. " * 200


@played(catalogue=make_catalogue(in_batches(WARM), BETA))
async def test_a_request_does_not_wait_while_its_beginning_is_warm_at_a_model_that_is_cheaper_then(
    scene: Scene,
) -> None:
    await started(scene, "w1")
    asked: Json = {"tenant": "default", "system_prompt": INSTRUCTIONS}
    publish(scene, "r-cold", **asked)
    await scene.until(lambda: scene.committed() == 1)
    assert [request.waiting.request_id for request in batch_requests(scene)] == ["r-cold"], "nothing is warm yet"
    publish(scene, "r-live", **asked, lane="live", deadline=deadline(scene, 0.5))
    await scene.answered("r-live")
    publish(scene, "r-warm", **asked)
    (warm,) = await scene.answered("r-warm")
    assert "live: alpha is likely to cost" in warm["route_reason"]
    await asyncio.sleep(600)  # providers keep it for five minutes
    publish(scene, "r-late", **asked)
    await scene.until(lambda: scene.committed() == 4)
    assert [request.waiting.request_id for request in batch_requests(scene)] == ["r-cold", "r-late"]


SLOW_DOWN = SETTINGS.model_copy(update={"max_deadline_s": 30.0})


@played(catalogue=make_catalogue(replace(ALPHA, requests_per_minute=1)), settings=SLOW_DOWN)
async def test_what_goes_live_ends_as_soon_as_live_requests_do_however_far_its_deadline(scene: Scene) -> None:
    await started(scene, "w1")
    for request_id in ("r-1", "r-2", "r-3"):  # the model takes one a minute, and the others wait for it
        publish(scene, request_id, tenant="default", deadline=deadline(scene, 40))
    published_s = scene.loop.time()
    responses = await scene.answered("r-1", "r-2", "r-3")
    late = [one for one in responses if one["status"] != "completed"]
    assert late
    assert {one["error"]["code"] for one in late} == {"deadline_exceeded"}
    ends_s = [datetime.fromisoformat(one["completed_at"]).timestamp() - published_s for one in late]
    assert max(ends_s) < 30.5


LIMITED = replace(make_catalogue(ALPHA), tenants={"acme": Tenant("acme", concurrent_requests=1)})


@played(
    catalogue=LIMITED,
    settings=SLOW_DOWN,
    characters={"alpha": Character(1, 2, median_s=1.0, chances={Fate.HANGS: 1.0})},
)
async def test_what_goes_live_waits_no_longer_to_be_admitted_than_live_requests(scene: Scene) -> None:
    await started(scene, "w1")
    publish(scene, "r-1", max_cost_usd="0.1")
    await scene.until(scene.calls)
    publish(scene, "r-2", deadline=deadline(scene, 40), max_cost_usd="0.1")
    published_s = scene.loop.time()
    (response,) = await scene.answered("r-2", within_s=HOUR_S)
    assert datetime.fromisoformat(response["completed_at"]).timestamp() - published_s < 65.0


@played(catalogue=CATALOGUE)
async def test_metrics_count_what_is_handed_over_joins_comes_back_or_goes_live(scene: Scene) -> None:
    (worker,) = await started(scene, "w1")
    registry = worker.parts.metrics.registry

    def counted(name: str, **labels: str) -> float | None:
        return registry.get_sample_value(f"turnout_lane_{name}_total", labels)

    publish(scene)
    await scene.until(lambda: scene.committed() == 1)
    publish(scene)
    publish(scene, "r-near", deadline=deadline(scene, 0.2))
    publish(scene, "r-live", lane="live", deadline=deadline(scene, 0.2))
    await scene.answered("r-near", "r-live")
    await scene.until(lambda: scene.committed() == 4)
    give_back(scene)
    await scene.answered("r-1")
    await scene.until(lambda: "answered" in states(scene))
    assert counted("handed_over", gen_ai_provider_name="one", gen_ai_request_model="alpha") == 1
    assert counted("joined") == 1
    assert counted("live", reason="deadline") == 1
    assert counted("returned", reason="late") == 1


@played(catalogue=replace(make_catalogue(ALPHA, BETA)))
async def test_without_batches_nothing_waits_and_a_far_deadline_holds_no_place_for_days(scene: Scene) -> None:
    await started(scene, "w1")
    publish(scene, tenant="default", deadline=deadline(scene, 40))
    (response,) = await scene.answered("r-1")
    assert "live: no model of the catalogue has batches" in response["route_reason"]
    publish(scene, "r-2", tenant="default", deadline=deadline(scene, 60))
    (refused,) = await scene.answered("r-2")
    assert refused["error"]["field"] == "deadline"
    assert "TURNOUT_MAX_BATCH_DEADLINE_S" in refused["error"]["message"]
    publish(scene, "r-3", tenant="default", lane="live", deadline=deadline(scene, 2))
    (refused,) = await scene.answered("r-3")
    assert "TURNOUT_MAX_DEADLINE_S" in refused["error"]["message"]


@played(catalogue=replace(CATALOGUE, lane=Lane.AUTO, batch_if_deadline_s=7200.0))
async def test_the_lane_auto_waits_where_the_deadline_is_far(scene: Scene) -> None:
    await started(scene, "w1")
    publish(scene, "r-near", lane=None, deadline=deadline(scene, 0.9))
    publish(scene, "r-far", lane=None, deadline=deadline(scene, 3))
    (near,) = await scene.answered("r-near")
    assert "live: the deadline is" in near["route_reason"]
    await scene.until(lambda: scene.committed() == 2)
    assert [request.waiting.request_id for request in batch_requests(scene)] == ["r-far"]


@played(catalogue=CATALOGUE)
async def test_a_batch_answers_what_waits_and_nothing_stays_reserved(scene: Scene) -> None:
    await scene.start("w1", "w2")
    ids = [f"r-{number}" for number in range(8)]
    for number, request_id in enumerate(ids):
        scene.publish(
            request_id, partition=number % 2, lane="batch", deadline=deadline(scene), tenant="acme", max_cost_usd="0.01"
        )
    responses = await scene.answered(*ids, within_s=6 * HOUR_S)
    assert {(response["lane"], response["status"]) for response in responses} == {("batch", "completed")}
    await asyncio.sleep(60)
    assert reserved(scene) == 0
    assert all(Decimal(cost["reserved_usd"]) > 0 for cost in scene.messages(Topic.COSTS))
    spent = sum(Decimal(cost["cost_usd"]) for cost in scene.messages(Topic.COSTS))
    told: list[Json] = [one for one in scene.messages(Topic.BUDGETS) if one["tenant"] == "acme"]
    assert Decimal(told[-1]["spent_usd"]) == spent
    for number, request_id in enumerate(ids):
        scene.publish(
            request_id, partition=number % 2, lane="batch", deadline=deadline(scene), tenant="acme", max_cost_usd="0.01"
        )
    await asyncio.sleep(60)
    assert all(len(scene.responses(request_id)) == 1 for request_id in ids)


@played(catalogue=CATALOGUE, settings=SETTINGS.model_copy(update={"batch_margin_s": 60.0}))
async def test_a_batch_that_does_not_end_gives_its_requests_back_in_time(scene: Scene) -> None:
    await started(scene, "w1")
    publish(scene, deadline=deadline(scene, 0.1))
    await asyncio.sleep(0.1 * HOUR_S)
    (response,) = scene.responses("r-1")
    assert response["status"] == "completed"
    assert "waited for a batch" in response["route_reason"]


@played(catalogue=CATALOGUE)
async def test_no_new_request_waits_where_batches_are_late(scene: Scene) -> None:
    await started(scene, "w1")
    now_s = scene.loop.time()
    lane = BatchLane(
        as_of=datetime.fromtimestamp(now_s, UTC),
        provider_name="one",
        request_model="alpha",
        waiting=0,
        late_until=datetime.fromtimestamp(now_s + 600, UTC),
    )
    topic = scene.world.settings.topic(Topic.BATCH_LANES)
    scene.world.broker.append(Record(topic, lane.encode(), b"one/alpha", [], 0))
    await asyncio.sleep(5)
    publish(scene)
    (response,) = await scene.answered("r-1")
    assert "live: batches are late" in response["route_reason"]
