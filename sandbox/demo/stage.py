"""The demo's course: everything is started, requests flow, one model fails and recovers, everything is stopped."""

import asyncio
from collections.abc import Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from time import monotonic
from uuid import uuid4

from aiokafka.errors import KafkaError

from sandbox.broker import BrokerInfo, open_broker
from sandbox.broker.choice import BrokerChoice
from sandbox.demo.commands import Worker, create_topics, open_worker
from sandbox.demo.figures import Figures, Outage, work_out
from sandbox.demo.outage import OutageDirector
from sandbox.demo.show import Show
from sandbox.demo.tally import Tally
from sandbox.demo.traffic import Traffic, delete_topics, open_traffic
from sandbox.prompts import load_prompts
from sandbox.provider.exam import Exam
from sandbox.provider.options import ProviderOptions
from sandbox.provider.process import ProviderProcess
from schemas.requests import Request

CATALOGUE = Path(__file__).with_name("catalogue.toml")
LEAST_PUBLISHING_S = 28.0
"""Long enough for the outage and the recovery."""
MOST_PER_S = 18.0
"""Requests; more would run into the models' limits per minute."""
OUTAGE_AFTER = 0.3
"""The share of the publishing that is over when the outage begins."""
PATIENCE_S = 70.0
"""A request's deadline and a margin: what is not answered by then never will be."""
SILENCE_S = 1.0
"""After the workers have ended, nothing can follow what has not come within so long."""
TICK_S = 0.1


@dataclass(frozen=True, slots=True)
class DemoOptions:
    """What can be chosen. `requests` None: each prompt once. `time_scale` multiplies the provider's durations."""

    broker: str
    requests: int | None
    seed: int
    workers: int
    time_scale: float


def play(options: DemoOptions, show: Show) -> Figures:
    """Play the demo from the first process to the last, none of which outlives the call.

    Raises DemoFailed, BrokerUnavailableError, ProviderDidNotStart.
    """
    requests = make_requests(options.requests)
    prefix = f"demo-{uuid4().hex[:8]}."
    with ExitStack() as stack:
        broker = stack.enter_context(open_broker(options.broker, on_progress=show.say))
        folder = Path(stack.enter_context(TemporaryDirectory(prefix="turnout-demo-")))
        provider = ProviderProcess(
            ProviderOptions(invoice=folder / "invoice.jsonl", seed=options.seed, time_scale=options.time_scale)
        )
        stack.callback(provider.kill)
        provider.start()
        show.say(f"The simulated provider of four models listens at {provider.base_url}.")
        settings = _settings(broker, provider, prefix)
        if options.broker not in set(BrokerChoice):
            stack.callback(_clean_up, broker, prefix)
        create_topics(settings)
        names = [f"worker-{number}" for number in range(1, options.workers + 1)]
        workers = [stack.enter_context(open_worker(name, settings)) for name in names]
        for worker in workers:
            worker.wait_until_ready()
        show.say(f"Topics are created; ready: {', '.join(names)}.")
        tally = Tally()
        stage = Stage(requests, tally, provider, workers, show)
        outage = asyncio.run(stage.run(broker, prefix))
        asked = {str(request.request_id): request.question for request in requests}
        return work_out(asked, tally, provider.invoice(), outage, Exam(options.seed))


def make_requests(count: int | None) -> list[Request]:
    """Return so many requests, `demo-1` and on; the prompts start over when they run out."""
    prompts = load_prompts()
    return [
        prompts[number % len(prompts)].request.model_copy(update={"request_id": f"demo-{number + 1}"})
        for number in range(len(prompts) if count is None else count)
    ]


def _settings(broker: BrokerInfo, provider: ProviderProcess, prefix: str) -> dict[str, str]:
    settings = {
        "TURNOUT_BROKERS": broker.bootstrap_servers,
        "TURNOUT_IDEMPOTENCE": str(broker.supports_idempotence).lower(),
        "TURNOUT_TOPIC_PREFIX": prefix,
        "TURNOUT_GROUP": f"{prefix}turnout",
        "TURNOUT_CATALOGUE": str(CATALOGUE),
        "TURNOUT_PROVIDER_BASE_URL": provider.base_url,
    }
    if not broker.durable:
        # The embedded broker lets a joining worker wait for half of this.
        settings["TURNOUT_SESSION_TIMEOUT_S"] = "6"
    return settings


def _clean_up(broker: BrokerInfo, prefix: str) -> None:
    """Leave no topics behind on a broker that lives on."""
    with suppress(KafkaError):
        asyncio.run(delete_topics(broker, prefix))


@dataclass(frozen=True, slots=True)
class Stage:
    """The part that is played while all processes run. One loop publishes, reads, directs the outage and shows."""

    requests: Sequence[Request]
    tally: Tally
    provider: ProviderProcess
    workers: Sequence[Worker]
    show: Show

    async def run(self, broker: BrokerInfo, prefix: str) -> Outage | None:
        """Return the outage, if there was one, when everything that was said on the topics is in the tally."""
        async with open_traffic(broker, prefix, self.tally) as traffic:
            publishing_s = max(LEAST_PUBLISHING_S, len(self.requests) / MOST_PER_S)
            due_at = datetime.now(UTC) + timedelta(seconds=publishing_s * OUTAGE_AFTER)
            director = OutageDirector(self.provider, self.tally, self.show.say, due_at)
            self.show.say(
                f"{len(self.requests):,} requests follow in {publishing_s:.0f} s. "
                "An open breaker pauses for 2 s here, not for 30."
            )
            await self._publish(traffic, director, publishing_s)
            await self._await_answers(traffic, director)
            self.show.say("All requests are answered; the workers stop." if self._all_answered() else "Time is up.")
            await self._wind_up(traffic)
        return director.outage

    async def _publish(self, traffic: Traffic, director: OutageDirector, publishing_s: float) -> None:
        began_s = monotonic()
        while (published := self.tally.published) < len(self.requests):
            due = min(len(self.requests), 1 + int((monotonic() - began_s) / publishing_s * len(self.requests)))
            for request in self.requests[published:due]:
                await traffic.publish(request)
            await self._tick(traffic, director)
        await traffic.flush()

    async def _await_answers(self, traffic: Traffic, director: OutageDirector) -> None:
        give_up_at = monotonic() + PATIENCE_S
        while not self._all_answered() and monotonic() < give_up_at:
            await self._tick(traffic, director)

    async def _wind_up(self, traffic: Traffic) -> None:
        await asyncio.gather(*(asyncio.to_thread(worker.stop) for worker in self.workers))
        await asyncio.to_thread(self.provider.wait_until_settled)
        stopped_at_s = monotonic()
        while monotonic() - max(stopped_at_s, traffic.heard_at_s) < SILENCE_S:
            await traffic.read(TICK_S)
            self.show.update(self.tally, len(self.requests))

    async def _tick(self, traffic: Traffic, director: OutageDirector) -> None:
        for worker in self.workers:
            worker.check()
        await traffic.read(TICK_S)
        director.look(datetime.now(UTC))
        self.show.update(self.tally, len(self.requests))

    def _all_answered(self) -> bool:
        return len(self.tally.responses) >= len(self.requests)
