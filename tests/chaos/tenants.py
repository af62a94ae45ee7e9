"""Tenants that share workers and may spend only so much."""

from decimal import Decimal
from statistics import median

from sandbox.provider.faults import FaultKind
from schemas.message import NANO_USD
from schemas.responses import Response
from schemas.topics import Topic
from schemas.vocabulary import ErrorCode, Status
from tests.chaos.scene import Scene

CHEAP, DEAR = "gemini-2.5-flash", "claude-sonnet-4.5"
SLOTS = 20
MOST_WAIT_S = 3.0
"""Behind the whole burst it would be 10 s and more."""
LIMIT_USD = Decimal("0.10")
BUDGET = f"[tenants.edge]\ndaily_budget_usd = {LIMIT_USD}"


async def a_slow_burst(scene: Scene) -> None:
    """As many slow calls as fill the worker for a quarter of a minute, and then somebody else's quick ones."""
    await scene.open(TURNOUT_MAX_IN_FLIGHT=str(SLOTS))
    await scene.fault(FaultKind.SLOW, model=DEAR, factor=20)
    scene.start()
    await scene.until_ready()
    burst = await scene.publish(240, tenant="burst", model=DEAR)
    await scene.until_calls_are_under_way(SLOTS)
    quick = await scene.publish(60, tenant="quick", model=CHEAP)
    await scene.until_answered(quick)
    answered = len({response.request_id for response in await scene.pipeline.responses()} & set(burst))
    scene.expect(answered < len(burst) * 2 / 3, f"they were answered after {answered} of a burst of {len(burst)}")
    waited_s = await _waits_s(scene, quick)
    scene.expect(median(waited_s) < MOST_WAIT_S, f"half of them waited longer than {median(waited_s):.1f} s")


async def _waits_s(scene: Scene, ids: list[str]) -> list[float]:
    """Return how long after its record each of these requests was answered, as the broker's records tell."""
    written_ms = {
        (record.partition, record.offset): record.timestamp for record in await scene.pipeline.records(Topic.REQUESTS)
    }
    waits_s, wanted = [], set(ids)
    for record in await scene.pipeline.records(Topic.RESPONSES):
        response = Response.decode(record.value or b"")
        if response.request_id in wanted:
            place = response.request_partition, response.request_offset
            waits_s.append((record.timestamp - written_ms[place]) / 1000)
    return waits_s


async def budget_at_its_edge(scene: Scene) -> None:
    """Three workers draw on one budget, and one is killed with calls under way: what it held is not lent twice."""
    scene.may_fail = True
    await scene.open(latency_ms=800, tenants=BUDGET)
    scene.start(3)
    await scene.until_ready()
    await scene.publish(150, tenant="edge", model=CHEAP, max_tokens=100)
    await scene.until_calls_are_under_way(40)
    scene.kill(scene.alive[0])
    scene.start()
    responses = await scene.until_answered(await scene.publish(300, tenant="edge", model=CHEAP, max_tokens=100))
    refused = {response.error.code for response in responses if response.error is not None}
    scene.expect(refused == {ErrorCode.BUDGET_EXHAUSTED}, f"requests ended with {refused}: the edge was to be reached")
    called = [response for response in responses if response.status is Status.REJECTED and response.attempts]
    scene.expect(not called, f"{len(called)} requests were called for and say that they were rejected")
    await scene.until_committed()
    events = {event.event_id: event.cost_usd or Decimal(0) for event in await scene.pipeline.costs()}
    billed_usd = sum(events.values(), Decimal(0))
    charged_usd = sum(row.cost_nano_usd for row in scene.provider.invoice()) * NANO_USD
    scene.expect(billed_usd <= LIMIT_USD, f"{billed_usd} USD are on the bill, of {LIMIT_USD} that may be spent")
    scene.expect(charged_usd <= billed_usd, f"{charged_usd} USD were charged, {billed_usd} are on the bill")
    scene.expect(billed_usd > LIMIT_USD / 3, f"only {billed_usd} USD of {LIMIT_USD} were spent at the edge")
