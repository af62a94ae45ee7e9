"""Workers that are killed, stopped, frozen or bounced, at each step of a request's path."""

import asyncio
import random
import time

from sandbox.provider.faults import FaultKind
from schemas.topics import Topic
from schemas.vocabulary import AttemptOutcome, Certainty
from tests.chaos.scene import PATIENCE_S, Scene

SESSION_S = 45
TO_OPEN_TWO = 10
"""Failed calls that open the breakers of two models at least."""
PROBES_AT_ONCE = 12
"""Three of each of four models, by the catalogue's rules."""


async def killed_before_the_call(scene: Scene) -> None:
    await scene.open(linked=True)
    assert scene.link is not None
    scene.link.hold_acknowledgements(scene.pipeline.settings.topic(Topic.CALLS))
    await scene.publish(60)
    scene.start()
    await scene.until("an acknowledgement is held", lambda: scene.link is not None and scene.link.withheld > 0)
    await asyncio.sleep(0.5)  # so that more of them pile up behind it
    scene.kill()
    scene.expect(not scene.provider.invoice(), "a call was made before its write-ahead record was acknowledged")
    await scene.heal()
    scene.start()


async def killed_during_the_calls(scene: Scene) -> None:
    await scene.open(latency_ms=1500)
    await scene.publish(200)
    scene.start()
    await scene.until_calls_are_under_way(100)
    scene.kill()
    scene.start()
    await scene.until_answered()
    cut_off = [event for event in await scene.pipeline.costs() if event.outcome is AttemptOutcome.CUT_OFF]
    scene.expect(len(cut_off) >= 100, f"only {len(cut_off)} calls are billed as cut off")
    scene.expect({event.certainty for event in cut_off} == {Certainty.UNKNOWN}, "a call cut off is not unknown")


async def killed_while_the_answers_arrive(scene: Scene) -> None:
    await scene.open()
    await scene.fault(FaultKind.SLOW_BODY, delay_s=60)
    await scene.publish(60)
    scene.start()
    await scene.until_charged(60)
    scene.kill()
    await scene.heal()
    scene.start()


async def killed_before_the_response_is_acknowledged(scene: Scene) -> None:
    await _killed_while_acknowledgements_are_held(scene, Topic.RESPONSES)


async def killed_before_the_cost_is_acknowledged(scene: Scene) -> None:
    await _killed_while_acknowledgements_are_held(scene, Topic.COSTS)


async def _killed_while_acknowledgements_are_held(scene: Scene, topic: Topic) -> None:
    await scene.open(linked=True)
    assert scene.link is not None
    scene.start()
    await scene.until_answered(await scene.publish(20))
    scene.link.hold_acknowledgements(scene.pipeline.settings.topic(topic))
    await scene.publish(60)
    await scene.until("an acknowledgement is held", lambda: scene.link is not None and scene.link.withheld > 0)
    await asyncio.sleep(0.5)  # so that more of them pile up behind it
    scene.kill()
    await scene.heal()
    scene.start()


async def killed_before_the_commit(scene: Scene) -> None:
    await scene.open(TURNOUT_COMMIT_INTERVAL_S="60")
    await scene.publish(150)
    scene.start()
    await scene.until_answered()
    calls = len(scene.provider.invoice())
    scene.kill()
    scene.start(TURNOUT_COMMIT_INTERVAL_S="0.2")
    await scene.until_answered(await scene.publish(20))
    charged = len(scene.provider.invoice()) - calls
    scene.expect(charged == 20, f"{charged - 20} finished requests were called for again")


async def killed_while_starting(scene: Scene) -> None:
    await scene.open(latency_ms=300)
    await scene.publish(100)
    for delay_s in (0.6, 1.0, 1.4, 1.8, 2.2):
        scene.start()
        await asyncio.sleep(delay_s)
        scene.kill()
    scene.start()


async def killed_while_draining(scene: Scene) -> None:
    await scene.open(latency_ms=3000)
    await scene.publish(80)
    (worker,) = scene.start()
    await scene.until_calls_are_under_way(80)
    worker.terminate()
    await asyncio.sleep(0.5)
    scene.kill()
    scene.start()


async def one_of_three_killed(scene: Scene) -> None:
    await scene.open(latency_ms=400)
    await scene.set_to_work(3, requests=300, calls=50)
    scene.kill(scene.alive[0])
    await scene.publish(100)


async def all_of_three_killed(scene: Scene) -> None:
    await scene.open(latency_ms=400)
    await scene.set_to_work(3, requests=400, calls=50)
    scene.kill()
    scene.start(3)


async def killed_again_and_again(scene: Scene) -> None:
    await scene.open(latency_ms=250)
    await scene.publish(600)
    for _ in range(5):
        scene.start()
        await scene.until_calls_are_under_way(20)
        scene.kill()
    scene.start()


async def killed_while_a_partition_is_taken_over(scene: Scene) -> None:
    await scene.open(latency_ms=800)
    await scene.set_to_work(2, requests=300, calls=50)
    scene.kill(scene.alive[0])
    (heir,) = scene.start()
    await scene.until_ready(heir)
    await asyncio.sleep(0.5)
    scene.kill(heir)
    scene.start()


async def stopped_with_slow_calls(scene: Scene) -> None:
    await scene.open(latency_ms=3000)
    await scene.publish(100)
    scene.start()
    await scene.until_calls_are_under_way(100)
    await scene.stop()
    scene.healed()
    answered = len(await scene.pipeline.responses())
    scene.expect(answered >= 100, f"{100 - answered} calls under way were not waited for")
    scene.start()


async def stopped_while_another_joins(scene: Scene) -> None:
    await scene.open(latency_ms=6000)
    (leaver,) = await scene.set_to_work(1, requests=100, calls=100)
    scene.start()
    await asyncio.sleep(0.5)
    await scene.stop(leaver)
    scene.healed()


async def stopped_with_calls_longer_than_the_drain(scene: Scene) -> None:
    await scene.open(latency_ms=6000, TURNOUT_DRAIN_S="1")
    await scene.publish(50)
    scene.start()
    await scene.until_calls_are_under_way(50)
    scene.exposed += 50  # what the drain gives up is cut off, just as by a kill
    await scene.stop()
    scene.healed()
    scene.start()


async def stopped_while_requests_wait(scene: Scene) -> None:
    await scene.open(catalogue={"pause_s": "4"}, TURNOUT_DRAIN_S="1")  # quicker probes use up a request's six calls
    (worker,) = scene.start()
    await scene.until_answered(await scene.publish(5))
    await scene.fault(FaultKind.OUTAGE, duration_s=60)
    # six calls that may each have been charged, as an unkind provider does, are more than the default cap
    waiting = set(await scene.publish(60, tier="powerful", max_cost_usd=1))
    await scene.until("both breakers open", lambda: worker.log.read_text().count('"to_state":"open"') >= 2)
    scene.exposed += PROBES_AT_ONCE  # nothing else can be under way when the drain ends
    await scene.stop()
    await scene.heal()
    scene.start()
    attempts = [
        attempt
        for response in await scene.until_answered()
        if response.request_id in waiting
        for attempt in response.attempts
    ]
    failed = sum(attempt.outcome is AttemptOutcome.UNAVAILABLE for attempt in attempts)
    cut_off = sum(attempt.outcome is AttemptOutcome.CUT_OFF for attempt in attempts)
    scene.expect(failed >= TO_OPEN_TWO, f"only {failed} failed calls were handed on")
    scene.expect(cut_off <= PROBES_AT_ONCE, f"{cut_off} calls are billed as cut off, and most of them had ended")


async def stopped_twice(scene: Scene) -> None:
    await scene.open(latency_ms=4000)
    await scene.publish(50)
    (worker,) = scene.start()
    await scene.until_calls_are_under_way(50)
    scene.exposed += 50
    worker.terminate()
    await asyncio.sleep(0.5)
    code = await asyncio.to_thread(worker.stop, PATIENCE_S)
    scene.expect(code == 1, f"the second signal ended the worker with {code}")
    scene.healed()
    scene.start()


async def frozen_past_the_session_timeout(scene: Scene) -> None:
    await scene.open(latency_ms=1000)
    zombie, _other = await scene.set_to_work(2, requests=200, calls=100)
    scene.exposed += 200
    scene.freeze(zombie)
    await scene.until_answered()
    scene.thaw(zombie)
    await scene.publish(50)
    await asyncio.sleep(3)


async def frozen_for_a_moment(scene: Scene) -> None:
    await scene.open(latency_ms=300)
    (worker,) = scene.start()
    await scene.publish(150)
    for _ in range(4):
        await scene.until_calls_are_under_way(1)
        scene.freeze(worker)
        await asyncio.sleep(1)
        scene.thaw(worker)
        await scene.publish(20)


async def rebalance_storm(scene: Scene) -> None:
    await scene.open(latency_ms=200)
    scene.start()
    await scene.until_ready()
    for _ in range(6):
        (guest,) = scene.start()
        await scene.publish(40)
        await scene.until_ready(guest)
        await asyncio.sleep(1)
        await scene.stop(guest)
        await asyncio.sleep(1)


async def workers_come_and_go_at_random(scene: Scene) -> None:
    chance = random.Random(11)  # noqa: S311 - repeatable on purpose
    await scene.open(latency_ms=300)
    scene.start(2)
    await scene.until_ready()
    for _ in range(6):
        await scene.publish(50)
        leaver = chance.choice(scene.alive)
        if chance.random() < 0.5:
            scene.kill(leaver)
        else:
            await scene.stop(leaver)
        scene.start()
        await asyncio.sleep(chance.uniform(0.5, 3))


async def bounced_under_one_name(scene: Scene) -> None:
    await scene.open(latency_ms=500, TURNOUT_WORKER_ID="always-the-same")
    for _ in range(3):
        await scene.publish(100)
        scene.start()
        await scene.until_calls_are_under_way(20)
        await scene.stop()
    scene.start()


async def bounced_as_a_static_member(scene: Scene) -> None:
    """A killed worker that is back under its name within the session timeout costs the group no rebalance."""
    await scene.open(latency_ms=800, TURNOUT_STATIC_MEMBERSHIP="true", TURNOUT_SESSION_TIMEOUT_S=str(SESSION_S))
    for name in ("one", "two", "bounced"):
        scene.start(TURNOUT_WORKER_ID=name)
    await scene.until_ready()
    await scene.until_answered(await scene.publish(60))
    before = await scene.until_balanced()
    for _ in range(2):
        await scene.publish(100)
        await scene.until_calls_are_under_way(40)
        scene.kill(scene.alive[-1])
        killed_s = time.monotonic()
        (bounced,) = scene.start(TURNOUT_WORKER_ID="bounced")
        await scene.until_ready(bounced)
        away_s = time.monotonic() - killed_s
        scene.expect(away_s < SESSION_S / 2, f"it was back after {away_s:.0f} s: it waited for what it had been")
        await scene.until_answered()
    after = await scene.until_balanced()
    scene.expect(after == before, f"the group rebalanced {after - before} times")


async def rolling_restart(scene: Scene) -> None:
    await scene.open(latency_ms=300)
    scene.start(3)
    await scene.until_ready()
    for worker in scene.alive:
        await scene.publish(80)
        (successor,) = scene.start()
        await scene.until_ready(successor)
        await scene.stop(worker)


async def killed_before_ids_are_told(scene: Scene) -> None:
    """Where responses lie is told a second later: some are not told of, and others in portions that a crash cuts."""
    await scene.open(TURNOUT_COMMIT_INTERVAL_S="0.1")
    known: list[str] = []
    for _ in range(4):
        scene.start()
        ids = await scene.publish(40)
        await scene.until_answered(ids)
        await scene.until_committed()  # so that nothing but the ids tells of them
        scene.kill()
        known += ids
        calls = len(scene.provider.invoice())
        scene.start()
        await scene.publish_again(known)
        await scene.until_committed()
        called = len(scene.provider.invoice()) - calls
        scene.expect(called == 0, f"{called} finished requests were called for again")
        scene.kill()
    scene.start()
