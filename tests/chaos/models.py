"""Providers that fail, in every way that the simulated one knows."""

import asyncio
from base64 import b64encode
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Final

from sandbox.provider.faults import FaultKind, RetryAfterForm
from sandbox.provider.unkind import UNKIND
from schemas.costs import CostEvent
from schemas.vocabulary import AttemptOutcome, Certainty, Status
from tests.chaos.scenario import Act, Scenario
from tests.chaos.scene import MAX_IN_FLIGHT, Scene

SHORT_CALLS = {"default_timeout_s": "2"}
PATIENT = {"pause_s": "4"}
"""With the suite's quick breakers a closed port would use up a request's calls by probes, within a second."""
FIRST, SECOND = "gpt-4.1", "claude-sonnet-4.5"
CHEAP = "gemini-2.5-flash"
"""The chain of the tier `powerful`, on which these scenarios play."""
ALL = "*"
PRICED = f"""
[models."{FIRST}".service_tiers]
flex = 0.5
priority = 2
[models."{FIRST}".surcharges_usd]
web_search_options = 0.035
"""
"""What the first model's prices are beside those of words, as the unkind provider has them."""
IMAGES_PRICED = {"max_output_tokens = 32_768\nrequests_per_minute": "500\nimage_usd = 0.005"}
"""The same of its images: two keys that stand like this in its table alone."""
NEED_A_DURATION = {FaultKind.OUTAGE: 3.0, FaultKind.LISTENER: 3.0}
ANSWERED_FOR_GOOD = frozenset({FaultKind.SLOW, FaultKind.MISSING_USAGE})
"""Faults after which the first model's answer is taken."""
STRICT: Final = {
    "type": "json_schema",
    "json_schema": {
        "name": "sum",
        "strict": True,
        "schema": {"type": "object", "properties": {"sum": {"type": "integer"}}, "required": ["sum"]},
    },
}
"""Without a schema no answer can break one."""


def one_fault(kind: FaultKind) -> Act:
    """Every call to the first model of a chain fails in this way for a while."""

    async def act(scene: Scene) -> None:
        await scene.open(catalogue=SHORT_CALLS | (PATIENT if kind is FaultKind.LISTENER else {}))
        scene.start()
        await scene.until_answered(await scene.publish(10, tier="powerful"))
        model = ALL if kind is FaultKind.LISTENER else FIRST
        await scene.fault(kind, model=model, factor=20, duration_s=NEED_A_DURATION.get(kind, 60))
        schema = STRICT if kind is FaultKind.SCHEMA_VIOLATION else None
        during = await scene.publish(30, tier="powerful", response_format=schema)
        responses = await scene.until_answered(during)
        await scene.heal()
        by_first = [response for response in responses if response.request_id in during]
        fell_back = sum(response.request_model != FIRST for response in by_first)
        if kind not in ANSWERED_FOR_GOOD | NEED_A_DURATION.keys():
            scene.expect(fell_back == len(during), f"{len(during) - fell_back} were answered by the broken model")
        await scene.publish(10, tier="powerful")

    return act


def storm(models: Sequence[str]) -> Act:
    """Faults of every kind hit a third of the calls to these models at once."""

    async def act(scene: Scene) -> None:
        scene.may_fail = True
        await scene.open(catalogue=SHORT_CALLS)
        scene.start(2)
        # While the second one joins, the first may have to give up requests that are longer than the drain.
        scene.exposed += MAX_IN_FLIGHT
        for model in models:
            for kind in FaultKind:
                if kind is not FaultKind.LISTENER:
                    await scene.fault(kind, model=model, rate=0.02, duration_s=60, delay_s=0.1, factor=5)
        await scene.until_ready()  # a slow machine takes longer to start than the requests have
        await scene.until_answered(await scene.publish(250, deadline=_in(25)))
        await scene.heal()
        await scene.publish(30)

    return act


def rate_limited(form: RetryAfterForm) -> Act:
    """The first model says 429 and when to come back, in this form."""

    async def act(scene: Scene) -> None:
        await scene.open()
        scene.start()
        await scene.fault(FaultKind.STATUS_429, model=FIRST, count=3, retry_after_s=2, retry_after_form=form)
        responses = await scene.until_answered(await scene.publish(20, model=FIRST))
        limited = sum(
            attempt.outcome is AttemptOutcome.RATE_LIMITED for response in responses for attempt in response.attempts
        )
        scene.expect(limited == 3, f"{limited} calls were told to wait, not 3")
        calls = sum(len(response.attempts) for response in responses)
        scene.expect(calls == 23, f"{calls} calls for 20 requests: somebody did not wait")

    return act


async def one_model_out(scene: Scene) -> None:
    await _out(scene, FIRST)


async def two_models_out(scene: Scene) -> None:
    await _out(scene, FIRST, SECOND)


async def _out(scene: Scene, *models: str) -> None:
    await scene.open()
    scene.start(2)
    await scene.until_ready()
    for model in models:
        await scene.fault(FaultKind.OUTAGE, model=model, duration_s=60)
    await scene.until_answered(await scene.publish(150, tier="powerful"))
    await scene.heal()
    await scene.publish(50, tier="powerful")


async def all_models_out(scene: Scene) -> None:
    scene.may_fail = True
    await scene.open()
    scene.start()
    await scene.until_answered(await scene.publish(5))  # it reads: no deadline passes before a call is made
    await scene.fault(FaultKind.OUTAGE, duration_s=60)
    dead = await scene.publish(40, deadline=_in(5))
    responses = [response for response in await scene.until_answered(dead) if response.request_id in set(dead)]
    scene.expect({response.status for response in responses} == {Status.FAILED}, "an answer came out of an outage")
    await scene.heal()
    alive = await scene.publish(40)
    responses = await scene.until_answered(alive)
    completed = sum(response.status is Status.COMPLETED for response in responses if response.request_id in set(alive))
    scene.expect(completed == len(alive), f"{len(alive) - completed} failed after the outage")


async def a_long_outage(scene: Scene) -> None:
    """Four hours at a thousandth of their length: each pause, time-out and deadline is scaled with them."""
    scene.may_fail = True
    await scene.open()
    scene.start()
    await scene.until_answered(await scene.publish(20))
    await scene.fault(FaultKind.OUTAGE, duration_s=60)
    during = []
    for _ in range(7):
        during += await scene.publish(15)
        await asyncio.sleep(2)
    await scene.heal()
    after = await scene.publish(30)
    status = {response.request_id: response.status for response in await scene.until_answered()}
    scene.expect({status[request_id] for request_id in after} == {Status.COMPLETED}, "not all after it completed")
    waited = sum(status[request_id] is Status.COMPLETED for request_id in during)
    scene.expect(waited >= len(during) * 0.7, f"only {waited} of {len(during)} outlasted it; probes may use up theirs")


async def flapping(scene: Scene) -> None:
    await scene.open()
    scene.start(2)
    await scene.until_balanced()  # while one joins, the other must give up what waits for its retry budget
    for _ in range(8):
        await scene.fault(FaultKind.STATUS_503, model=FIRST, duration_s=60)
        await scene.publish(20, tier="powerful")
        await asyncio.sleep(0.7)
        await scene.heal()
        await scene.publish(20, tier="powerful")
        await asyncio.sleep(0.7)


async def brown_out(scene: Scene) -> None:
    await scene.open()
    scene.start(2)
    await scene.until_balanced()
    await scene.fault(FaultKind.SLOW, model=FIRST, factor=60)
    await scene.until_answered(await scene.publish(150, tier="powerful"))
    await scene.heal()
    await scene.publish(50, tier="powerful")


async def charged_and_never_answered(scene: Scene) -> None:
    await scene.open(catalogue=SHORT_CALLS)
    scene.start()
    await scene.fault(FaultKind.CHARGED_BUT_SILENT, model=FIRST)
    await scene.until_answered(await scene.publish(40, tier="powerful"))
    bill = await scene.pipeline.reconcile()
    scene.expect(bill.unknown.charged_calls > 0, "no silent charge is flagged as unknown")
    await scene.heal()


async def prices_beside_the_words(scene: Scene) -> None:
    """Calls that cost more than their words, at a provider that prices all of it."""
    scene.unkind = UNKIND
    await scene.open(tenants=PRICED, catalogue=IMAGES_PRICED)
    scene.start()
    image = {"type": "image_url", "image_url": {"url": "https://example.com/a.png"}}
    audio = {"type": "input_audio", "input_audio": {"data": b64encode(bytes(64_000)).decode(), "format": "mp3"}}
    words = {"type": "text", "text": "What is this?"}
    priced: list[dict[str, object]] = [
        {"prompt": "What is 7 + 1?"},
        {"prompt": "What is 7 + 1?", "parameters": {"service_tier": "flex"}},
        {"prompt": "What is 7 + 1?", "parameters": {"service_tier": "priority"}},
        {"prompt": "What is 7 + 1?", "parameters": {"web_search_options": {}}},
        {"prompt": "What is 7 + 1?", "parameters": {"prediction": {"type": "content", "content": "It is 8. " * 40}}},
        {"messages": [{"role": "user", "content": [words, image, image]}]},
    ]
    others: list[dict[str, object]] = [
        {"messages": [{"role": "user", "content": [words, image]}], "model": CHEAP},
        {"messages": [{"role": "user", "content": [words, audio]}], "model": CHEAP},
        {"prompt": "What is 7 + 1?", "parameters": {"service_tier": "priority"}, "model": CHEAP},
        {"prompt": "What is 7 + 1?", "parameters": {"web_search_options": {}}, "model": CHEAP},
    ]
    for fields in priced:
        await _ask(scene, 5, {"model": FIRST, **fields})
    metered = {event.event_id for event in await _costs(scene) if event.certainty is Certainty.METERED}
    scene.expect(len(metered) == 5 * len(priced), f"{len(metered)} calls are metered of {5 * len(priced)} that can be")
    for fields in others:
        await _ask(scene, 5, fields)


async def _ask(scene: Scene, number: int, fields: dict[str, object]) -> None:
    requests = [{"request_id": f"p{len(scene.accepted) + place}", **fields} for place in range(number)]
    ids = [str(request["request_id"]) for request in requests]
    scene.accepted.update(ids)
    await scene.pipeline.publish(requests)
    await scene.until_answered(ids)


async def _costs(scene: Scene) -> list[CostEvent]:
    await scene.until_committed()
    return await scene.pipeline.costs()


async def provider_killed(scene: Scene) -> None:
    await scene.open(latency_ms=600, catalogue=PATIENT)
    scene.start()
    await scene.publish(100)
    await scene.until_calls_are_under_way(30)
    await asyncio.to_thread(scene.provider.kill)
    await asyncio.sleep(3)
    await asyncio.to_thread(scene.provider.start)
    scene.healed()
    await scene.publish(50)


async def worker_killed_in_a_storm(scene: Scene) -> None:
    scene.may_fail = True
    await scene.open(latency_ms=300, catalogue=SHORT_CALLS)
    scene.start(2)
    for kind in (FaultKind.STATUS_500, FaultKind.RESET, FaultKind.TRUNCATED_BODY, FaultKind.CHARGED_BUT_SILENT):
        await scene.fault(kind, rate=0.1)
    for _ in range(3):
        await scene.publish(100)
        await scene.until_calls_are_under_way(1)  # the breakers let few through
        scene.kill(scene.alive[0])
        scene.start()
        await asyncio.sleep(2)
    await scene.heal()


def _in(seconds: float) -> str:
    return (datetime.now(UTC) + timedelta(seconds=seconds)).isoformat()


ONE_BY_ONE: tuple[Scenario, ...] = tuple(
    Scenario(
        f"fault-{kind.value.replace('_', '-')}",
        "the port is closed for 3 s" if kind is FaultKind.LISTENER else f"each call to the first model: {kind.value}",
        "all requests complete" if kind in ANSWERED_FOR_GOOD | NEED_A_DURATION.keys() else "the next model answers",
        one_fault(kind),
    )
    for kind in FaultKind
)
RETRY_AFTER: tuple[Scenario, ...] = tuple(
    Scenario(
        f"rate-limited-{form.value}",
        f"429 three times, with {form.value}",
        "the only model is left alone for so long, and nobody gives up",
        rate_limited(form),
    )
    for form in RetryAfterForm
)
