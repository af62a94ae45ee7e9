"""Requests that wait, from their records to their answers, over whole collectors in memory."""

import asyncio
from collections import deque

import pytest

from router.batches.batch import BatchRefusal, BatchState
from router.batches.durations import AWAY_S
from router.batches.stored import load
from schemas.caching import CacheEntry, tenant_key
from schemas.message import utc_from_ms
from schemas.topics import Topic
from streams.control.batch_collector import KEPT_S
from streams.control.batch_leftovers import TRY_AFTER_S
from streams.ports import Record
from tests.fakes.batches import Fate, Fault
from tests.fakes.lane import HOUR_S, MARGIN_S, Lane, batching, laned
from tests.fakes.link import Weather
from tests.stage import BETA

SCHEMA = {
    "type": "json_schema",
    "json_schema": {
        "name": "s",
        "strict": True,
        "schema": {"type": "object", "properties": {"said": {"type": "string"}}},
    },
}
HOUR = {"ttl_s": 3600}


def publish(lane: Lane, count: int, **fields: object) -> None:
    for number in range(count):
        lane.publish(f"r-{len(lane.deadlines) + number * 0}", partition=number % 2, **fields)  # type: ignore[arg-type]


@laned()
async def test_requests_are_answered_together_and_billed_at_the_price_of_batches(lane: Lane) -> None:
    lane.start()
    publish(lane, 5)
    await lane.over()
    lane.check()
    assert len(lane.providers.jobs) == 1
    response = lane.messages(Topic.RESPONSES)[0]
    assert (response["lane"], response["batch_id"], response["status"]) == ("batch", "batch_1", "completed")
    assert response["message"]["content"].startswith('{"said": "turnout-')
    assert response["cost_usd"] == response["attempts"][0]["cost_usd"]
    cost = lane.messages(Topic.COSTS)[0]
    assert (cost["service_tier"], cost["batch_id"], cost["certainty"]) == ("batch", "batch_1", "metered")
    assert cost["input_usd_per_mtok"] == "0.5"
    assert {one["request_partition"] for one in lane.messages(Topic.RESPONSES)} == {0, 1}


@laned(batching(max_requests=3))
async def test_a_full_batch_goes_at_once_and_the_rest_by_age(lane: Lane) -> None:
    lane.start()
    await asyncio.sleep(10)
    publish(lane, 7)
    await asyncio.sleep(2)
    assert [len(job.lines) for job in lane.providers.jobs.values()] == [3, 3]
    await lane.over()
    lane.check()
    assert [len(job.lines) for job in lane.providers.jobs.values()] == [3, 3, 1]


@laned(batching(max_enqueued_tokens=2500))
async def test_no_more_is_enqueued_than_the_provider_lets_one_account_have(lane: Lane) -> None:
    lane.start()
    publish(lane, 6)
    await asyncio.sleep(100)
    assert [len(job.lines) for job in lane.providers.jobs.values()] == [2]
    await lane.over()
    lane.check()
    assert [len(job.lines) for job in lane.providers.jobs.values()] == [2, 2, 2]


@laned()
async def test_a_second_record_of_a_request_is_ignored(lane: Lane) -> None:
    lane.start()
    lane.publish("r-1")
    lane.publish("r-1", offset=0)
    await lane.until(lambda: lane.answered_s)
    lane.publish("r-1", offset=0)
    await lane.over()
    await asyncio.sleep(200)
    lane.check()
    assert sum(len(job.lines) for job in lane.providers.jobs.values()) == 1


@laned(batching(), None, batching(BETA))
async def test_models_have_batches_of_their_own_and_a_slow_one_holds_up_no_other(lane: Lane) -> None:
    lane.start()
    lane.publish("slow", within_s=10 * HOUR_S)
    await asyncio.sleep(30)
    lane.providers.takes_s = 10.0
    lane.providers.faults["upload"] = deque([Fault.UNHEARD] * 10)
    await asyncio.sleep(0)
    lane.publish("r-1", model="beta")
    await asyncio.sleep(60)
    lane.providers.faults["upload"].clear()
    await lane.over()
    lane.check()
    assert {job.queue.model.name for job in lane.providers.jobs.values()} == {"alpha", "beta"}


@laned()
async def test_requests_of_a_late_batch_are_handed_to_the_live_path_in_time_and_billed(lane: Lane) -> None:
    lane.providers.takes_s = 2 * HOUR_S
    lane.start()
    lane.publish("soon", within_s=HOUR_S)
    lane.publish("later", within_s=3 * HOUR_S)
    await lane.over(4 * HOUR_S)
    lane.check()
    returned = lane.returned()
    assert set(returned) == {"soon"}
    assert HOUR_S - MARGIN_S - 30 < lane.returned_s["soon"] - (lane.deadlines["soon"] - HOUR_S) <= HOUR_S - MARGIN_S + 1
    assert returned["soon"]["returned"]["reason"] == "late"
    assert returned["soon"]["returned"]["attempt"]["certainty"] == "unknown"
    assert {one["request_id"] for one in lane.messages(Topic.COSTS)} == {"soon", "later"}, "what comes late is billed"


@laned()
async def test_a_batch_that_no_request_waits_for_is_cancelled_and_what_it_charged_is_told(lane: Lane) -> None:
    lane.providers.takes_s, lane.providers.part = 10 * HOUR_S, 0.5
    lane.start()
    publish(lane, 4, within_s=HOUR_S)
    await lane.over(3 * HOUR_S)
    lane.check()
    assert [job.state for job in lane.providers.jobs.values()] == [BatchState.CANCELLED]
    assert (len(lane.returned()), len(lane.messages(Topic.COSTS)), len(lane.providers.invoice)) == (4, 2, 2)


@pytest.mark.parametrize("end", [BatchState.EXPIRED, BatchState.FAILED, BatchState.CANCELLED])
def test_requests_without_a_result_of_a_batch_that_ended_go_to_the_live_path(end: BatchState) -> None:
    @laned()
    async def play(lane: Lane) -> None:
        lane.providers.ends.append(end)
        lane.providers.part = 0.5
        lane.start()
        publish(lane, 6)
        await lane.over()
        lane.check()
        reasons = {one["returned"]["reason"] for one in lane.returned().values()}
        assert reasons == {end.value}
        assert len(lane.messages(Topic.RESPONSES)) == (0 if end is BatchState.FAILED else 3)

    play()


@laned()
async def test_lines_that_fail_are_missing_or_come_twice_end_one_by_one(lane: Lane) -> None:
    lane.providers.fates = {Fate.FAILS: 0.2, Fate.CHARGED_FAILURE: 0.2, Fate.MISSING: 0.2, Fate.TWICE: 0.2}
    lane.start()
    publish(lane, 60)
    await lane.over()
    lane.check()
    assert 10 < len(lane.returned()) < 50
    assert {one["returned"]["reason"] for one in lane.returned().values()} == {"line_failed"}


@laned()
async def test_an_answer_that_does_not_fit_its_strict_schema_is_paid_and_asked_again_live(lane: Lane) -> None:
    lane.providers.fates = {Fate.MALFORMED: 0.5}
    lane.start()
    publish(lane, 10, response_format=SCHEMA)
    await lane.over()
    lane.check()
    attempts = [one["returned"]["attempt"] for one in lane.returned().values()]
    assert {one["outcome"] for one in attempts} == {"schema_violation"}
    assert 0 < len(attempts) < 10
    assert {one["schema_check"]["result"] for one in lane.messages(Topic.RESPONSES)} == {"passed"}


@pytest.mark.parametrize("method", ["upload", "create", "find", "find_upload", "status", "results", "cancel"])
@pytest.mark.parametrize("fault", [Fault.UNREACHABLE, Fault.UNHEARD, Fault.BUSY])
def test_what_passes_is_tried_again_and_nothing_is_paid_twice(method: str, fault: Fault) -> None:
    @laned()
    async def play(lane: Lane) -> None:
        lane.providers.faults[method] = deque([fault, fault])
        lane.providers.faults["create"] = lane.providers.faults["create"] or deque([Fault.UNHEARD])
        if method == "cancel":
            lane.providers.takes_s = 10 * HOUR_S
        lane.start()
        publish(lane, 3)
        await lane.over()
        lane.check()
        assert len(lane.providers.jobs) == 1
        assert bool(lane.returned()) is (method == "cancel")

    play()


@laned()
async def test_results_that_are_cut_or_short_are_read_again(lane: Lane) -> None:
    lane.providers.faults["results"] = deque([Fault.CUT, Fault.SHORT, Fault.CUT])
    lane.start()
    publish(lane, 8)
    await lane.over()
    lane.check()
    assert not lane.returned()


@laned()
async def test_results_that_stay_short_are_believed_after_a_while(lane: Lane) -> None:
    lane.providers.faults["results"] = deque([Fault.SHORT] * 4)
    lane.start()
    publish(lane, 8)
    await lane.over()
    lane.check()
    assert len(lane.returned()) == 4


@pytest.mark.parametrize("method", ["upload", "create"])
def test_a_batch_that_is_too_large_goes_in_smaller_ones(method: str) -> None:
    @laned()
    async def play(lane: Lane) -> None:
        lane.providers.faults[method] = deque([Fault.TOO_LARGE] * 2)
        lane.start()
        publish(lane, 9)
        await lane.over()
        lane.check()
        assert not lane.returned()
        assert sorted(len(job.lines) for job in lane.providers.jobs.values()) == [1, 2, 2, 4] or all(
            len(job.lines) <= 4 for job in lane.providers.jobs.values()
        )

    play()


@laned()
async def test_one_request_that_is_too_large_goes_to_the_live_path(lane: Lane) -> None:
    lane.providers.faults["create"] = deque([Fault.TOO_LARGE])
    lane.start()
    lane.publish("r-1")
    await lane.over()
    lane.check()
    assert lane.returned()["r-1"]["returned"]["reason"] == "refused"
    assert lane.returned()["r-1"]["returned"].get("attempt") is None


@laned()
async def test_what_the_provider_refuses_goes_to_the_live_path(lane: Lane) -> None:
    lane.providers.faults["create"] = deque([Fault.INVALID])
    lane.start()
    publish(lane, 3)
    await lane.over()
    lane.check()
    assert len(lane.returned()) == 3
    assert not lane.messages(Topic.COSTS)


@pytest.mark.parametrize("refusal", [BatchRefusal.TOO_LARGE, BatchRefusal.QUEUE_FULL])
def test_a_batch_that_fails_before_it_begins_is_collected_anew(refusal: BatchRefusal) -> None:
    @laned()
    async def play(lane: Lane) -> None:
        lane.providers.ends.append(BatchState.FAILED)
        lane.providers.refused.append(refusal)
        lane.start()
        publish(lane, 4)
        await lane.over()
        lane.check()
        assert not lane.returned()
        assert len(lane.providers.jobs) == (3 if refusal is BatchRefusal.TOO_LARGE else 2)

    play()


@laned()
async def test_a_queue_that_is_full_is_waited_for(lane: Lane) -> None:
    lane.providers.faults["create"] = deque([Fault.QUEUE_FULL] * 5)
    lane.start()
    publish(lane, 3)
    await lane.over()
    lane.check()
    assert not lane.returned()


@laned()
async def test_requests_of_a_model_without_batches_go_to_the_live_path(lane: Lane) -> None:
    lane.publish("r-1")
    object.__setattr__(lane.world.catalogue.models["alpha"], "batch", None)
    lane.start()
    await lane.over()
    lane.check()
    assert lane.returned()["r-1"]["returned"]["reason"] == "refused"


@laned()
async def test_a_batch_that_the_provider_has_lost_is_billed_as_unknown(lane: Lane) -> None:
    lane.start()
    publish(lane, 3)
    await lane.until(lambda: lane.providers.jobs)
    lane.providers.faults["status"] = deque([Fault.GONE] * 3)
    await lane.over()
    lane.providers.invoice.clear()
    assert {one["certainty"] for one in lane.messages(Topic.COSTS)} == {"unknown"}
    assert {one["returned"]["reason"] for one in lane.returned().values()} == {"failed"}


@laned(batching(max_requests=2))
async def test_batches_without_names_that_are_taken_for_one_another_are_billed_as_unknown(lane: Lane) -> None:
    lane.providers.takes_files = lane.providers.keeps_names = False
    lane.providers.takes_s = 30.0
    lane.providers.ends = deque([BatchState.COMPLETED, BatchState.CANCELLED])
    lane.providers.part = 0.0
    lane.providers.faults["create"] = deque([Fault.UNHEARD, Fault.UNHEARD])
    lane.start()
    await asyncio.sleep(10)
    for number in range(4):
        lane.publish(f"r-{number}")
        await asyncio.sleep(12 if number == 1 else 0)  # so that the first one looks while the second is the newest
    await lane.over()
    lane.check()
    assert len(lane.providers.jobs) == 2
    assert len(lane.returned()) == 4
    assert len(lane.providers.invoice) == 2, "one has answered what nobody looks for there"
    assert [one["certainty"] for one in lane.messages(Topic.COSTS)] == ["unknown"] * 4


@pytest.mark.parametrize("created", ["one", "other"])
def test_of_two_batches_without_names_that_were_cut_off_the_one_that_was_made_is_billed(created: str) -> None:
    @laned(batching(max_requests=2))
    async def play(lane: Lane) -> None:
        lane.providers.takes_files = lane.providers.keeps_names = False
        busy = [Fault.BUSY] * 20
        lane.providers.faults["create"] = deque([*busy[: created == "other"], Fault.UNHEARD, *busy])
        worker = lane.start()
        await asyncio.sleep(10)
        publish(lane, 4)
        await lane.until(lambda: lane.providers.jobs)
        worker.process.kill()
        lane.providers.faults.clear()
        lane.start()
        await lane.over()
        lane.check()
        made = next(iter(lane.providers.jobs.values()))
        state = lane.world.broker.partition(lane.world.partition(Topic.BATCH_STATE)).records
        rows = [load(row.value or b"") for row in state if (row.key or b"").startswith(b"batch|")]
        first = next(row for row in rows if row.handle is not None and not row.handle.is_certain)
        told = {one["upstream_call_id"]: one["certainty"] for one in lane.messages(Topic.COSTS)}
        assert {told[line["custom_id"]] for line in made.lines} == {"metered"}
        if first.our_id == made.our_id:  # it was found by the right one, and the other one was not there
            assert (len(lane.providers.jobs), len(lane.returned())) == (2, 0)
        else:
            assert (len(lane.providers.jobs), len(lane.returned())) == (1, 2)

    play()


@laned()
async def test_a_late_record_of_a_former_owner_makes_no_batch_twice(lane: Lane) -> None:
    worker = lane.start()
    publish(lane, 2)
    await lane.until(lambda: lane.providers.jobs)
    await asyncio.sleep(1)
    state = lane.world.partition(Topic.BATCH_STATE)
    records = lane.world.broker.partition(state).records
    early = next(record for record in records if (record.key or b"").startswith(b"batch|"))
    worker.process.kill()
    lane.world.broker.append(Record(state.topic, early.value, early.key, [], 0))  # it was on its way
    lane.start("w2")
    await lane.over()
    lane.check()
    assert len(lane.providers.jobs) == 1
    assert not lane.returned()


@laned()
async def test_a_provider_that_is_down_for_longer_than_there_is_time_holds_no_deadline(lane: Lane) -> None:
    lane.providers.is_down = True
    lane.start()
    publish(lane, 5, within_s=HOUR_S)
    await lane.over()
    lane.check()
    assert len(lane.returned()) == 5
    assert not lane.messages(Topic.COSTS)


@laned()
async def test_copies_go_where_requests_ask_for_them(lane: Lane) -> None:
    lane.world.broker.create("copies")
    lane.start()
    lane.publish("r-1", reply_to="copies")
    lane.publish("r-2", reply_to="elsewhere")
    await lane.over()
    assert [one["request_id"] for one in lane.messages("copies")] == ["r-1"]


@laned()
async def test_how_a_lane_stands_is_told(lane: Lane) -> None:
    lane.start()
    publish(lane, 3)
    await lane.until(lambda: any(one["waiting"] == 3 for one in lane.messages(Topic.BATCH_LANES)))
    await lane.over()
    await asyncio.sleep(5)
    told = lane.messages(Topic.BATCH_LANES)[-1]
    (batch,) = told["batches"]
    assert (told["provider_name"], told["request_model"], told["waiting"]) == ("one", "alpha", 0)
    assert (batch["state"], batch["requests"], batch["answered"], batch["batch_id"]) == ("settled", 3, 3, "batch_1")
    assert float(batch["saved_usd"]) == pytest.approx(float(batch["cost_usd"])), "half of the live price"
    assert 100 < told["p50_s"] < 200
    states = [one["batches"][0]["state"] for one in lane.messages(Topic.BATCH_LANES) if one["batches"]]
    assert list(dict.fromkeys(states))[-1] == "settled"


@laned()
async def test_a_model_whose_batches_are_late_is_told_as_late(lane: Lane) -> None:
    lane.providers.takes_s = 2 * HOUR_S
    lane.start()
    for number in range(2):
        lane.publish(f"r-{number}", within_s=HOUR_S)
        await lane.over()
    await asyncio.sleep(5)
    assert lane.messages(Topic.BATCH_LANES)[-1]["late_until"] is not None
    await asyncio.sleep(AWAY_S + 120)
    assert lane.messages(Topic.BATCH_LANES)[-1]["late_until"] is None


@laned()
async def test_settled_batches_are_forgotten_in_the_end(lane: Lane) -> None:
    lane.start()
    publish(lane, 3)
    await lane.over()
    await asyncio.sleep(KEPT_S + 20)
    assert not lane.batches()
    broker = lane.world.broker
    lane.world.broker.clean(0.0)
    kept = broker.partition(lane.world.partition(Topic.BATCH_STATE)).records
    assert {(record.key or b"").split(b"|")[0] for record in kept} == {b"durations", b"read"}


@laned()
async def test_a_broker_outage_in_a_poll_costs_nothing_but_time(lane: Lane) -> None:
    worker = lane.start()
    publish(lane, 3)
    await lane.until(lambda: lane.providers.jobs)
    worker.link.cut()
    await asyncio.sleep(150)
    worker.link.heal()
    await lane.over()
    lane.check()


@laned(weather=Weather(lost_before=0.05, lost_after=0.05))
async def test_records_that_get_lost_are_written_again(lane: Lane) -> None:
    lane.start()
    publish(lane, 20)
    await lane.over()
    lane.check()


def kills() -> list[tuple[int, int]]:
    return [(event, number) for event in range(60) for number in (0, 1)]


@pytest.mark.parametrize("shares", [False, True])
@pytest.mark.parametrize("takes_files", [True, False])
def test_a_worker_may_die_at_any_moment(*, takes_files: bool, shares: bool) -> None:
    """Kill at each event in turn: each record that is written, each call that arrives or is done."""
    events = 0

    async def play(lane: Lane, kill_at: int | None) -> None:
        nonlocal events
        lane.providers.takes_s = 20.0
        lane.providers.takes_files = takes_files
        lane.providers.fates = {} if shares else {Fate.FAILS: 0.2, Fate.MISSING: 0.1}
        worker = lane.start()
        seen = 0

        def happened(*_: object) -> None:
            nonlocal seen
            seen += 1
            if kill_at is not None and seen == kill_at:
                worker.process.kill()

        publish(lane, 4, **({"prompt": "Same", "cache": HOUR} if shares else {}))
        lane.publish("soon", within_s=MARGIN_S + 15)
        lane.world.broker.on_append.append(happened)
        lane.providers.on_call.append(happened)
        if kill_at is not None:
            await lane.until(lambda: worker.process.is_dead, 400)
            lane.start("w2")
        await lane.over()
        lane.check()
        events = max(events, seen if kill_at is None else 0)

    def run(kill_at: int | None) -> None:
        @laned()
        async def once(lane: Lane) -> None:
            await play(lane, kill_at)

        once()

    run(None)
    assert events > 30
    for kill_at in range(1, events + 1):
        run(kill_at)


def hits(lane: Lane) -> dict[str, str]:
    """Return the requests that were answered with another's answer, and whose."""
    found = [one for one in lane.messages(Topic.RESPONSES) if one.get("cached")]
    return {one["request_id"]: one["origin_request_id"] for one in found}


@laned()
async def test_requests_that_ask_the_same_share_a_line_and_each_is_answered(lane: Lane) -> None:
    lane.start()
    for number in range(6):
        lane.publish(f"r-{number}", partition=number % 2, prompt=f"Same {number // 3}", cache=HOUR)
    lane.publish("plain", prompt="Same 0")
    await lane.over()
    lane.check()
    assert [len(job.lines) for job in lane.providers.jobs.values()] == [3]
    assert hits(lane) == {"r-1": "r-0", "r-2": "r-0", "r-4": "r-3", "r-5": "r-3"}
    again = next(one for one in lane.messages(Topic.RESPONSES) if one["request_id"] == "r-1")
    first = next(one for one in lane.messages(Topic.RESPONSES) if one["request_id"] == "r-0")
    assert (again["lane"], again["batch_id"], again["message"]) == ("batch", "batch_1", first["message"])
    assert (again["cost_usd"], again["saved_usd"]) == ("0.000000000", first["cost_usd"])
    assert {one["request_id"] for one in lane.messages(Topic.COSTS)} == {"r-0", "r-3", "plain"}


@laned()
async def test_what_is_answered_by_then_goes_back_to_be_answered_from_the_cache(lane: Lane) -> None:
    lane.start()
    lane.publish("r-1", prompt="Same", cache=HOUR)
    await lane.over()
    lane.publish("r-2", prompt="Same", cache=HOUR)
    lane.publish("r-3", prompt="Same")
    lane.publish("old", prompt="Same", cache={"ttl_s": 1})
    await lane.over()
    lane.check()
    assert {one: told["returned"]["reason"] for one, told in lane.returned().items()} == {"r-2": "cached"}
    assert "attempt" not in {name for name, told in lane.returned()["r-2"]["returned"].items() if told is not None}
    assert [len(job.lines) for job in lane.providers.jobs.values()] == [1, 2]
    assert sum(one["is_released"] for one in lane.messages(Topic.BUDGET_RESERVATIONS)) == 1


@laned()
async def test_a_line_that_gives_no_answer_to_keep_leaves_those_who_share_it_to_the_live_path(lane: Lane) -> None:
    lane.providers.fates = {Fate.FAILS: 1.0}
    lane.start()
    publish(lane, 3, prompt="Same", cache=HOUR)
    await lane.over()
    lane.check()
    reasons = {one: told["returned"]["reason"] for one, told in lane.returned().items()}
    assert reasons == {"r-0": "line_failed", "r-1": "not_shared", "r-2": "not_shared"}
    assert {one for one, told in lane.returned().items() if told["returned"].get("attempt")} == {"r-0"}


@laned()
async def test_an_answer_of_a_batch_that_was_to_be_forgotten_while_it_waited_is_not_used(lane: Lane) -> None:
    lane.start()
    publish(lane, 2, prompt="Same", cache=HOUR)
    await asyncio.sleep(30)
    index = lane.world.partition(Topic.CACHE_INDEX)
    told = CacheEntry(tenant="default", as_of=utc_from_ms(int(lane.loop.time() * 1000)))
    lane.world.broker.append(Record(index.topic, told.encode(), tenant_key("default"), [], 0))
    await lane.over()
    lane.check()
    assert not lane.messages(Topic.CACHE_INDEX)[1:]
    assert {one: told["returned"]["reason"] for one, told in lane.returned().items()} == {"r-1": "not_shared"}


@pytest.mark.parametrize("takes_files", [True, False])
def test_what_a_provider_holds_is_deleted_when_all_answers_are_published(*, takes_files: bool) -> None:
    @laned(batching(max_requests=3))
    async def play(lane: Lane) -> None:
        lane.providers.takes_files = takes_files
        lane.start()
        publish(lane, 6)
        await lane.over()
        await asyncio.sleep(30)
        lane.check()
        assert not lane.providers.files
        name = "results-batch" if takes_files else "batch"
        assert sorted(lane.providers.deleted) == [f"{name}_1", f"{name}_2"]
        assert not any(one.get("left") for one in lane.batches().values())

    play()


@laned()
async def test_files_that_cannot_be_deleted_are_tried_again_some_times_and_end_no_batch(lane: Lane) -> None:
    lane.providers.faults["delete"] = deque([Fault.BUSY, Fault.BUSY, Fault.UNHEARD, Fault.GONE])
    lane.start()
    publish(lane, 2)
    await lane.over()
    await asyncio.sleep(700)
    (batch,) = lane.batches().values()
    assert ("left" in batch, batch["deletions"]) == (False, 3)

    lane.providers.faults["delete"] = deque([Fault.BUSY] * 100)
    lane.publish("r-9")
    await lane.over()
    await asyncio.sleep(KEPT_S + 100)
    lane.check()
    assert len(lane.providers.faults["delete"]) == 100 - 2 * len(TRY_AFTER_S)
    assert not lane.batches(), "it is forgotten all the same"
    assert list(lane.providers.files) == ["file-2"]


@laned()
async def test_another_collector_deletes_what_one_that_died_has_left(lane: Lane) -> None:
    lane.providers.faults["delete"] = deque([Fault.UNREACHABLE] * 2)
    first = lane.start()
    publish(lane, 2)
    await lane.over()
    await asyncio.sleep(10)
    first.process.kill()
    lane.start("w2")
    await asyncio.sleep(120)
    lane.check()
    assert (lane.providers.files, lane.providers.deleted) == ({}, ["results-batch_1"])


@laned()
async def test_a_batch_waits_for_room_on_the_disk_and_its_requests_still_end_in_time(lane: Lane) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("streams.control.batch_spool.SPARE_BYTES", 2**62)
        lane.start()
        lane.publish("soon", within_s=MARGIN_S + 100)
        lane.publish("later", within_s=10 * HOUR_S)
        await lane.until(lambda: lane.returned_s, 300)
    await lane.over()
    lane.check()
    assert set(lane.returned()) == {"soon"}
