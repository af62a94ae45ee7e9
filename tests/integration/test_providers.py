"""The provider adapter against the simulated provider: what each fault on the wire becomes, and a thousand calls."""

import asyncio
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from decimal import Decimal

import httpx
import pytest

from router.cost import call_started
from router.errors import Answer, UpstreamFailure
from router.request.session import Call
from router.route import Candidate, Estimate, Route
from sandbox.provider.faults import Fault, FaultKind
from sandbox.provider.process import ProviderProcess
from schemas.requests import Request
from schemas.vocabulary import AttemptOutcome, Task, Tier
from streams.providers.chat_completions import ChatCompletions, Endpoint
from streams.providers.transport import AiohttpTransport
from tests.harness import PATIENCE_S, MakeProvider
from tests.stage import ALPHA, NOW_S, ONE, make_job

MODEL = "gpt-4.1"
REQUEST = Request(prompt="What is 1 + 1?")
TRACE = {"traceparent": "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"}

CATEGORIES: dict[FaultKind, tuple[AttemptOutcome | None, bool]] = {
    FaultKind.STATUS_500: (AttemptOutcome.UNAVAILABLE, False),
    FaultKind.STATUS_502: (AttemptOutcome.UNAVAILABLE, False),
    FaultKind.STATUS_503: (AttemptOutcome.UNAVAILABLE, False),
    FaultKind.STATUS_429: (AttemptOutcome.RATE_LIMITED, False),
    FaultKind.OUTAGE: (AttemptOutcome.UNAVAILABLE, False),
    FaultKind.UNAUTHORIZED: (AttemptOutcome.AUTHENTICATION, False),
    FaultKind.CONTEXT_TOO_LONG: (AttemptOutcome.CONTEXT_TOO_LONG, False),
    FaultKind.CONTENT_FILTER: (AttemptOutcome.CONTENT_FILTERED, False),
    FaultKind.REFUSED: (AttemptOutcome.DISCONNECTED, True),
    FaultKind.RESET: (AttemptOutcome.DISCONNECTED, True),
    FaultKind.HANG: (AttemptOutcome.TIMEOUT, True),
    FaultKind.LISTENER: (AttemptOutcome.UNREACHABLE, False),
    FaultKind.SLOW: (None, True),
    FaultKind.CONTENT_FILTER_FINISH: (None, True),
    FaultKind.HANG_AFTER_HEADERS: (AttemptOutcome.TIMEOUT, True),
    FaultKind.SLOW_BODY: (AttemptOutcome.TIMEOUT, True),
    FaultKind.TRUNCATED_BODY: (AttemptOutcome.DISCONNECTED, True),
    FaultKind.WRONG_CONTENT_LENGTH: (AttemptOutcome.DISCONNECTED, True),
    FaultKind.INVALID_JSON: (AttemptOutcome.MALFORMED, True),
    FaultKind.MISSING_USAGE: (None, True),
    FaultKind.EMPTY_CHOICES: (AttemptOutcome.MALFORMED, True),
    FaultKind.CHARGED_BUT_SILENT: (AttemptOutcome.TIMEOUT, True),
}
"""What each fault is taken for (None: an answer), and whether the call may have been charged."""


@dataclass(frozen=True, slots=True)
class Wire:
    """The adapter, the provider behind it, and calls that are numbered."""

    provider: ProviderProcess
    adapter: ChatCompletions

    async def call(self, number: int = 1, timeout_s: float = 10.0) -> Answer | UpstreamFailure:
        bound = Estimate(20, 100)
        candidate = Candidate(ALPHA, "the test's", bound, Decimal("0.001"), 100)
        route = Route(Task.MATH, Tier.FAST, "the test's")
        started = call_started(make_job(), route, candidate, number, ONE, NOW_S)
        return await self.adapter.call(REQUEST, Call(replace(ALPHA, name=MODEL), started, 100, timeout_s), TRACE)

    async def settled(self) -> None:
        """Wait until the provider listens and generates nothing more."""
        give_up = time.monotonic() + PATIENCE_S
        while True:
            try:
                await asyncio.to_thread(self.provider.wait_until_settled)
            except httpx.TransportError:
                assert time.monotonic() < give_up
                await asyncio.sleep(0.1)
            else:
                return


@pytest.fixture
async def wire(make_provider: MakeProvider) -> AsyncIterator[Wire]:
    provider = make_provider(latency_ms=20)
    async with AiohttpTransport() as transport:
        yield Wire(provider, ChatCompletions(transport, {"one": Endpoint(provider.base_url, None)}, time.time))


@pytest.mark.parametrize("kind", FaultKind)
async def test_each_fault_is_taken_for_what_it_is(wire: Wire, kind: FaultKind) -> None:
    wire.provider.add_fault(Fault(fault=kind, duration_s=2 if kind is FaultKind.LISTENER else 30))
    result = await wire.call(timeout_s=1.0)
    category, maybe_charged = CATEGORIES[kind]
    if category is None:
        assert isinstance(result, Answer), result
    else:
        assert isinstance(result, UpstreamFailure)
        assert (result.category, result.maybe_charged) == (category, maybe_charged), result
        assert wire.provider.base_url.split("/")[2] not in result.detail
    await wire.settled()
    charged = bool(wire.provider.invoice())
    assert charged == kind.charged
    assert maybe_charged or not charged, "a charge that the bill would not know of"


async def test_an_answer_comes_back_whole_and_the_next_call_works(wire: Wire) -> None:
    for number in (1, 2):
        answer = await wire.call(number)
        assert isinstance(answer, Answer)
        assert answer.message.content
        assert answer.usage is not None
        assert answer.response_model is not None
    keys = [row.idempotency_key for row in wire.provider.invoice()]
    assert len(set(keys)) == 2


async def test_a_thousand_calls_are_in_flight_at_once(make_provider: MakeProvider) -> None:
    provider = make_provider(latency_ms=3000)
    async with AiohttpTransport() as transport:
        wire = Wire(provider, ChatCompletions(transport, {"one": Endpoint(provider.base_url, None)}, time.time))
        calls = [asyncio.ensure_future(wire.call(number, timeout_s=60)) for number in range(1, 1001)]
        most = 0
        while not all(call.done() for call in calls):
            most = max(most, (await asyncio.to_thread(provider.stats)).generating)
            await asyncio.sleep(0.05)
        assert all(isinstance(call.result(), Answer) for call in calls)
        assert most >= 900, f"only {most} of 1000 calls were under way together"
