"""The batch lane: its collector killed, frozen and cut off in each step, and providers that lose, repeat and refuse.

Requests are handed over as the lane's entry does it.
"""

import asyncio
import time
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from random import Random
from typing import Any

from sandbox.provider.batches.faults import BatchFault, BatchFaultKind
from schemas.budgets import Budget
from schemas.message import NANO_USD
from schemas.topics import Topic
from schemas.vocabulary import ErrorCode, Lane
from streams.batch_requests import batch_record
from streams.config.catalogue_file import load_catalogue
from streams.kafka.clients import producer
from tests.chaos.scene import PATIENCE_S, Scene
from tests.fakes.lane import waiting_of
from tests.harness import Worker

MODEL = "gpt-4.1"
REQUESTS = 120
WITHIN_S = 900.0
BATCH_S = 4.0
ENDED = frozenset({"completed", "failed", "expired", "cancelled"})
COLLECTS = "this worker collects batches"
LIMIT_USD = Decimal("0.06")
BUDGET = f"[tenants.edge]\ndaily_budget_usd = {LIMIT_USD}"


async def killed_when_it_was_formed(scene: Scene) -> None:
    await _begun(scene)
    await scene.until_records(Topic.BATCH_STATE, 2)
    _replace_the_collector(scene)


async def killed_when_it_was_created(scene: Scene) -> None:
    await _begun(scene)
    await scene.until("a batch is created", lambda: bool(scene.provider.batches()))
    _replace_the_collector(scene)


async def killed_in_a_poll(scene: Scene) -> None:
    await _begun(scene)
    await scene.until("a batch is created", lambda: bool(scene.provider.batches()))
    await asyncio.sleep(1.5)
    _replace_the_collector(scene)


async def killed_while_it_publishes(scene: Scene) -> None:
    await _begun(scene)
    await scene.until_records(Topic.RESPONSES, 1)
    _replace_the_collector(scene)


async def killed_before_answers_are_stored(scene: Scene) -> None:
    await _begun(scene)
    await scene.until_records(Topic.RESPONSES, REQUESTS)
    _replace_the_collector(scene)


async def killed_again_and_again(scene: Scene) -> None:
    chance = Random(16)  # noqa: S311 - the same chaos each time
    await _begun(scene)
    for _ in range(4):
        await asyncio.sleep(chance.uniform(0.5, 4.0))
        _replace_the_collector(scene)
        await _until_collected(scene)


async def created_and_not_heard_of(scene: Scene) -> None:
    await _begun(scene, BatchFaultKind.CREATE_500_AFTER)
    await scene.until("a batch is created", lambda: bool(scene.provider.batches()))
    _replace_the_collector(scene)
    await _all_answered_by(scene, batches=1)


async def uploads_and_creations_fail(scene: Scene) -> None:
    kinds = (
        BatchFaultKind.UPLOAD_429,
        BatchFaultKind.UPLOAD_500_AFTER,
        BatchFaultKind.CREATE_429,
        BatchFaultKind.CREATE_RESET_AFTER,
        BatchFaultKind.STATUS_503,
    )
    await _begun(scene, *kinds)
    await _all_answered_by(scene, batches=1)


async def too_large_for_the_provider(scene: Scene) -> None:
    await _begun(scene, BatchFaultKind.CREATE_413)
    await _all_answered_by(scene, batches=2)


async def results_cut_shuffled_and_told_twice(scene: Scene) -> None:
    await _begun(scene, BatchFaultKind.SHUFFLED, BatchFaultKind.DUPLICATE_LINES, BatchFaultKind.TRUNCATED_DOWNLOAD)
    await scene.until_records(Topic.RESPONSES, 1)
    _replace_the_collector(scene)
    await _all_answered_by(scene, batches=1)


async def broker_away_in_a_poll(scene: Scene) -> None:
    await _begun(scene, linked=True)
    await scene.until("a batch is created", lambda: bool(scene.provider.batches()))
    assert scene.link is not None
    await scene.link.cut()
    await asyncio.sleep(12)
    await scene.heal()
    await _all_answered_by(scene, batches=1)


async def frozen_past_its_session(scene: Scene) -> None:
    await _begun(scene)
    await scene.until("a batch is created", lambda: bool(scene.provider.batches()))
    frozen = _collector(scene)
    scene.freeze(frozen)
    scene.start()
    await scene.until_answered()
    scene.thaw(frozen)
    await asyncio.sleep(3)
    await _all_answered_by(scene, batches=1)


async def too_late(scene: Scene) -> None:
    await _asked(scene, BatchFaultKind.SLOW, factor=100.0)


async def never_created(scene: Scene) -> None:
    await _asked(scene, BatchFaultKind.CREATE_429, count=None)


async def lines_fail_and_are_missing(scene: Scene) -> None:
    scene.exposed += REQUESTS  # what is missing is charged, and billed as unknown
    await _asked(scene, BatchFaultKind.LINE_ERRORS, BatchFaultKind.MISSING_LINES, rate=0.3)


async def expired_in_part(scene: Scene) -> None:
    await _asked(scene, BatchFaultKind.EXPIRE)


async def failed_as_a_whole(scene: Scene) -> None:
    await _asked(scene, BatchFaultKind.FAIL)


async def budget_ended_in_between(scene: Scene) -> None:
    """Live requests spend what a budget has left while others of its tenant wait, and half of their batch expires."""
    scene.may_fail = True
    await _opened(scene, 25.0, BUDGET)
    await _in_force(scene, BatchFaultKind.EXPIRE)
    deadline = datetime.now(UTC) + timedelta(seconds=100)
    asked: dict[str, Any] = {"tenant": "edge", "model": MODEL, "max_tokens": 20}
    waiting = await scene.publish(REQUESTS, **asked, lane="batch", deadline=deadline.isoformat())
    await scene.until_records(Topic.BUDGET_RESERVATIONS, REQUESTS)
    live = await scene.publish(150, **{**asked, "max_tokens": 400})
    responses = [one for one in await scene.until_answered(live) if one.request_id in set(live)]
    refused = {one.error.code for one in responses if one.error is not None}
    scene.expect(refused == {ErrorCode.BUDGET_EXHAUSTED}, f"live requests ended with {refused}: it was to be spent")
    running = [one.state for one in await asyncio.to_thread(scene.provider.batches) if one.state not in ENDED]
    scene.expect(bool(running), "the batch had ended before the budget was spent")
    responses = [one for one in await scene.until_answered(waiting) if one.request_id in set(waiting)]
    by_batch = [one for one in responses if one.lane is Lane.BATCH]
    scene.expect(len(by_batch) == REQUESTS // 2, f"{len(by_batch)} were answered by the batch: their money was held")
    refused = {one.error.code for one in responses if one.error is not None}
    scene.expect(refused <= {ErrorCode.BUDGET_EXHAUSTED}, f"requests that came back ended with {refused}")
    late = [one for one in responses if one.completed_at > deadline]
    scene.expect(not late, f"{len(late)} answers came after their deadline")
    await _until_nothing_is_held(scene)
    events = {event.event_id: event.cost_usd or Decimal(0) for event in await scene.pipeline.costs()}
    billed_usd = sum(events.values(), Decimal(0))
    charged_usd = sum(row.cost_nano_usd for row in scene.provider.invoice()) * NANO_USD
    scene.expect(billed_usd <= LIMIT_USD, f"{billed_usd} USD are on the bill, of {LIMIT_USD} that may be spent")
    scene.expect(charged_usd <= billed_usd, f"{charged_usd} USD were charged, {billed_usd} are on the bill")
    scene.expect(
        billed_usd > LIMIT_USD * 9 / 10, f"{billed_usd} USD are on the bill: what was held too much is not free"
    )


async def _until_nothing_is_held(scene: Scene) -> None:
    """Wait until the budget is told to hold nothing for requests that wait."""
    give_up_s = time.monotonic() + PATIENCE_S
    while True:
        told = [Budget.decode(one.value) for one in await scene.pipeline.records(Topic.BUDGETS) if one.value]
        held = {window.reserved_usd for window in told[-1].windows} if told else set()
        if held == {Decimal(0)}:
            return
        scene.expect(time.monotonic() < give_up_s, f"{held} USD are still held")
        await asyncio.sleep(0.5)


async def _asked(scene: Scene, *faults: BatchFaultKind, **fields: float | None) -> None:
    """Ask for answers that may wait, and see that those without one of a batch are answered live, in time."""
    await _opened(scene, BATCH_S)
    await _in_force(scene, *faults, **fields)
    deadline = datetime.now(UTC) + timedelta(seconds=60)
    await scene.publish(REQUESTS, model=MODEL, max_tokens=20, lane="batch", deadline=deadline.isoformat())
    responses = await scene.until_answered()
    late = [response for response in responses if response.completed_at > deadline]
    scene.expect(not late, f"{len(late)} answers came after their deadline")
    scene.expect(any(response.lane is not Lane.BATCH for response in responses), "no request was answered live")
    await scene.until("all batches have ended", lambda: all(one.state in ENDED for one in scene.provider.batches()))


async def _opened(scene: Scene, batch_s: float, tenants: str = "") -> None:
    """Start two workers, one of which collects; requests are handed back 20 s before their deadlines."""
    await scene.open(
        batch_s=batch_s,
        tenants=tenants,
        TURNOUT_BATCH_POLL_S="0.5",
        TURNOUT_BATCH_MAX_AGE_S="1",
        TURNOUT_BATCH_MARGIN_S="20",
    )
    scene.start(2)
    await scene.until_ready()
    await _until_collected(scene)


async def _in_force(scene: Scene, *faults: BatchFaultKind, **fields: float | None) -> None:
    """Put faults of batches in force, once each if nothing else is said."""
    for kind in faults:
        fault = BatchFault.model_validate({"fault": kind, "count": 1, **fields})
        await asyncio.to_thread(scene.provider.add_batch_fault, fault)


async def _begun(scene: Scene, *faults: BatchFaultKind, linked: bool = False) -> None:
    """Start two workers, put the faults in force, once each, and hand requests over."""
    await scene.open(
        batch_s=BATCH_S,
        linked=linked,
        TURNOUT_BATCH_POLL_S="0.5",
        TURNOUT_BATCH_MAX_AGE_S="1",
        TURNOUT_BATCH_MARGIN_S="60",
    )
    scene.start(2)
    await scene.until_ready()
    await _until_collected(scene)
    for fault in faults:
        await asyncio.to_thread(scene.provider.add_batch_fault, BatchFault(fault=fault, count=1))
    await _hand_over(scene)


async def _hand_over(scene: Scene) -> None:
    settings = scene.pipeline.settings
    catalogue = load_catalogue(scene.catalogue).catalogue
    async with producer(settings) as client:
        sent = []
        for number in range(REQUESTS):
            request_id = f"waits-{number}"
            asked: dict[str, object] = {"prompt": f"What is {number} + 1?", "max_tokens": 20}
            place = (number % settings.partitions, number)
            waiting, delivery = waiting_of(catalogue, request_id, MODEL, asked, time.time(), WITHIN_S, place)
            record = batch_record(settings.topic(Topic.BATCH_REQUESTS), waiting, delivery)
            sent.append(await client.send(record.topic, record.value, record.key, headers=record.headers))
            scene.accepted[request_id] += 1
        await asyncio.gather(*sent)


def _collector(scene: Scene) -> Worker:
    """Return the worker that has the batches."""
    told = [(worker.log.stat().st_mtime, worker) for worker in scene.alive if COLLECTS in worker.log.read_text()]
    return max(told, key=lambda one: one[0])[1] if told else scene.alive[0]


def _replace_the_collector(scene: Scene) -> None:
    scene.kill(_collector(scene))
    scene.start()


async def _until_collected(scene: Scene) -> None:
    await scene.until("a worker collects", lambda: any(COLLECTS in one.log.read_text() for one in scene.alive))


async def _all_answered_by(scene: Scene, *, batches: int) -> None:
    """See that so many batches were paid for."""
    await scene.until_answered()
    found = await asyncio.to_thread(scene.provider.batches)
    scene.expect(len(found) == batches, f"{len(found)} batches were created, {batches} expected: {found}")
