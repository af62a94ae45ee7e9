"""The provider adapter against the simulated provider: what each fault on the wire becomes, and a thousand calls."""

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from decimal import Decimal
from itertools import count

import httpx
import pytest

from router.cost import call_started
from router.errors import Answer, UpstreamFailure
from router.request.session import Call
from router.route import Candidate, Estimate, Route
from sandbox.provider.faults import Fault, FaultKind
from sandbox.provider.invoice import InvoiceRow
from sandbox.provider.options import ProviderOptions
from sandbox.provider.process import ProviderProcess
from schemas.requests import Request
from schemas.vocabulary import AttemptOutcome, Task, Tier
from streams.providers.endpoints import Endpoint
from streams.providers.http_provider import HttpProvider
from streams.providers.transport import AiohttpTransport
from tests.harness import PATIENCE_S, MakeProvider
from tests.stage import ALPHA, NOW_S, ONE, make_job

MODEL = "gpt-4.1"
REQUEST = Request(prompt="What is 1 + 1?")
TRACE = {"traceparent": "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"}

NUMBERS = count(1)
"""A number that comes again is a call that comes again: the provider answers it from memory."""

CATEGORIES: dict[FaultKind, tuple[AttemptOutcome | None, bool]] = {
    FaultKind.STATUS_500: (AttemptOutcome.UNAVAILABLE, False),
    FaultKind.STATUS_502: (AttemptOutcome.UNAVAILABLE, True),
    FaultKind.STATUS_503: (AttemptOutcome.UNAVAILABLE, False),
    FaultKind.STATUS_429: (AttemptOutcome.RATE_LIMITED, False),
    FaultKind.OUTAGE: (AttemptOutcome.UNAVAILABLE, False),
    FaultKind.UNAUTHORIZED: (AttemptOutcome.AUTHENTICATION, False),
    FaultKind.CONTEXT_TOO_LONG: (AttemptOutcome.CONTEXT_TOO_LONG, False),
    FaultKind.CONTENT_FILTER: (AttemptOutcome.CONTENT_FILTERED, True),
    FaultKind.REFUSED: (AttemptOutcome.DISCONNECTED, True),
    FaultKind.RESET: (AttemptOutcome.DISCONNECTED, True),
    FaultKind.HANG: (AttemptOutcome.TIMEOUT, True),
    FaultKind.LISTENER: (AttemptOutcome.UNREACHABLE, False),
    FaultKind.SLOW: (None, True),
    FaultKind.CONTENT_FILTER_FINISH: (AttemptOutcome.CONTENT_FILTERED, True),
    FaultKind.HANG_AFTER_HEADERS: (AttemptOutcome.TIMEOUT, True),
    FaultKind.SLOW_BODY: (AttemptOutcome.TIMEOUT, True),
    FaultKind.TRUNCATED_BODY: (AttemptOutcome.DISCONNECTED, True),
    FaultKind.WRONG_CONTENT_LENGTH: (AttemptOutcome.MALFORMED, True),
    FaultKind.INVALID_JSON: (AttemptOutcome.MALFORMED, True),
    FaultKind.MISSING_USAGE: (None, True),
    FaultKind.EMPTY_CHOICES: (AttemptOutcome.MALFORMED, True),
    FaultKind.SCHEMA_VIOLATION: (None, True),
    FaultKind.CHARGED_BUT_SILENT: (AttemptOutcome.TIMEOUT, True),
}
"""What each fault is taken for (None: an answer), and whether the call may have been charged."""


@dataclass(frozen=True, slots=True)
class Wire:
    """The adapter, the provider behind it, and calls of which no two are one."""

    provider: ProviderProcess
    adapter: HttpProvider
    invoiced: int
    """How many charges there were before the test."""

    def charges(self) -> list[InvoiceRow]:
        return self.provider.invoice()[self.invoiced :]

    async def call(self, timeout_s: float = 10.0) -> Answer | UpstreamFailure:
        bound = Estimate(20, 100)
        candidate = Candidate(ALPHA, "the test's", bound, Decimal("0.001"), 100)
        route = Route(Task.MATH, Tier.FAST, "the test's")
        started = call_started(make_job(), route, candidate, next(NUMBERS), ONE, NOW_S)
        return await self.adapter.call(
            REQUEST,
            Call(replace(ALPHA, upstream_model=MODEL, provider_name="openai"), started, 100, timeout_s),
            TRACE,
        )

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


@pytest.fixture(scope="module")
def provider(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ProviderProcess]:
    invoice = tmp_path_factory.mktemp("provider") / "invoice.jsonl"
    with ProviderProcess(ProviderOptions(invoice, latency_ms=20, limits=False, failures=False)) as provider:
        yield provider


@pytest.fixture
async def wire(provider: ProviderProcess) -> AsyncIterator[Wire]:
    async with connected(provider) as wire:
        yield wire
    provider.clear_faults()


@asynccontextmanager
async def connected(provider: ProviderProcess) -> AsyncIterator[Wire]:
    async with AiohttpTransport() as transport:
        adapter = HttpProvider(transport, {"openai": Endpoint(provider.base_url, None)}, time.time)
        yield Wire(provider, adapter, len(provider.invoice()))


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
    charged = bool(wire.charges())
    assert charged == kind.charged
    assert maybe_charged or not charged, "a charge that the bill would not know of"


async def test_an_answer_comes_back_whole_and_the_next_call_works(wire: Wire) -> None:
    for _ in range(2):
        answer = await wire.call()
        assert isinstance(answer, Answer)
        assert answer.message.content
        assert answer.usage is not None
        assert answer.response_model is not None
    keys = [row.idempotency_key for row in wire.charges()]
    assert len(set(keys)) == 2


async def test_a_thousand_calls_are_in_flight_at_once(make_provider: MakeProvider) -> None:
    provider = make_provider(latency_ms=3000)
    async with connected(provider) as wire:
        calls = [asyncio.ensure_future(wire.call(timeout_s=60)) for _ in range(1000)]
        most = 0
        while not all(call.done() for call in calls):
            most = max(most, (await asyncio.to_thread(provider.stats)).generating)
            await asyncio.sleep(0.05)
        assert all(isinstance(call.result(), Answer) for call in calls)
        assert most >= 900, f"only {most} of 1000 calls were under way together"
