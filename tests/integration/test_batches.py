"""Batches over real sockets, in every vendor's form, against the simulated provider: the whole way, and each fault.

The bill of a line is computed as a worker's would be, from the model's prices in batches and the usage that the line
tells; together they are the invoice.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass, replace
from decimal import Decimal

import pytest
from pydantic import SecretStr

from router.batches.batch import (
    BatchCallFailed,
    BatchHandle,
    BatchInput,
    BatchQueue,
    BatchRefusal,
    BatchSearch,
    BatchState,
    BatchStatus,
)
from router.batches.line import BatchLine, LineEnd
from router.catalogue import Model
from router.charges import Charge
from router.cost import certainty_of, cost_of
from router.errors import Answer
from sandbox.provider.batches.faults import BatchFault, BatchFaultKind
from sandbox.provider.process import ProviderProcess
from schemas.requests import Request
from schemas.vocabulary import AttemptOutcome, Certainty
from streams.config.catalogue_file import parse_catalogue
from streams.providers.batches import HttpBatches
from streams.providers.endpoints import Endpoint
from streams.providers.transport import AiohttpTransport
from tests.harness import MakeProvider

KEY = "sk-the-right-one-0123456789"
LINES = 40
CATALOGUE = """
name = "batches"
version = "1"
baseline = "openai"
[chains]
fast = ["openai"]
balanced = ["openai"]
reasoning = ["openai"]
powerful = ["openai"]
[quality_floors]
fast = 1
balanced = 1
reasoning = 1
powerful = 1
"""
FORMS: Mapping[str, tuple[str, str, str, str]] = {
    "openai": ('dialect = "openai"\nbatch = true', "/v1", "gpt-4.1", ""),
    "responses": ('dialect = "openai-responses"\nbatch = true', "/v1", "gpt-4.1", ""),
    "azure": ('dialect = "azure-openai"\napi_version = "2024-10-21"\nbatch = true', "", "gpt-4.1", ""),
    "mistral": ('dialect = "openai"\nbatch = { form = "mistral" }', "/v1", "deepseek-v3.2", ""),
    "anthropic": (
        'dialect = "anthropic"\nbatch = true',
        "/v1",
        "claude-sonnet-4-5",
        "cache_write_usd_per_mtok = 3.75\n",
    ),
    "gemini": ('dialect = "gemini"\nbatch = true', "/v1beta", "gemini-2.5-flash", ""),
}
"""The provider's lines, its address, the vendor's name for the model, and more of its prices."""
PRICES = {  # the simulated provider's --list-prices
    "gpt-4.1": ("2", "8", "0.5"),
    "deepseek-v3.2": ("0.28", "0.40", "0.028"),
    "claude-sonnet-4-5": ("3", "15", "0.3"),
    "gemini-2.5-flash": ("0.3", "2.5", "0.03"),
}
VENDORS = sorted(FORMS)


def queue_of(vendor: str) -> BatchQueue:
    text = CATALOGUE
    for name in dict.fromkeys((vendor, "openai")):
        lines, _, upstream, more = FORMS[name]
        per_input, per_output, per_cached = PRICES[upstream]
        text += (
            f'[providers.{name}]\nbase_url = "https://set.below"\n{lines}\n[models.{name}]\nprovider = "{name}"\n'
            f'upstream_model = "{upstream}"\ninput_usd_per_mtok = {per_input}\noutput_usd_per_mtok = {per_output}\n'
            f"cached_input_usd_per_mtok = {per_cached}\n{more}quality = 9\ncontext_tokens = 100_000\n"
            "max_output_tokens = 1000\nrequests_per_minute = 60\ntypical_latency_ms = 500\n"
        )
    return BatchQueue(parse_catalogue(text).catalogue.models[vendor])


@dataclass(frozen=True, slots=True)
class Stage:
    """One vendor's form, and the provider that speaks it."""

    batches: HttpBatches
    queue: BatchQueue
    provider: ProviderProcess

    def input(self, count: int = LINES) -> BatchInput:
        lines = [
            self.batches.line(self.queue, f"ours-1-{number}", Request(prompt=f"Say {number} in one word."), 60)
            for number in range(count)
        ]

        async def read() -> AsyncIterator[bytes]:
            for line in lines:
                yield line

        return BatchInput(read, count, sum(map(len, lines)))

    async def begin(self, count: int = LINES) -> BatchHandle:
        batch = self.input(count)
        file_id = await self.batches.upload(self.queue, "ours-1", batch)
        return await self.batches.create(self.queue, "ours-1", file_id, batch)

    async def ended(self, handle: BatchHandle) -> BatchStatus:
        for _ in range(600):
            status = await self.batches.status(self.queue, handle)
            if status.state.has_ended:
                return status
            await asyncio.sleep(0.05)
        raise TimeoutError("the batch does not end")

    async def begun(self) -> None:
        """Wait until the first answer is there."""
        for _ in range(600):
            if self.provider.batches()[0].answered:
                return
            await asyncio.sleep(0.02)
        raise TimeoutError("the batch does not begin")

    async def read(self, handle: BatchHandle, after: int = 0) -> list[BatchLine]:
        return [line async for line in self.batches.results(self.queue, handle, after)]

    async def find(self, count: int = LINES) -> BatchHandle | None:
        return await self.batches.find(self.queue, BatchSearch("ours-1", time.time() - 60, count))

    def fault(self, kind: BatchFaultKind, **more: float) -> None:
        self.provider.add_batch_fault(BatchFault(fault=kind, count=1, **more))

    def bill(self, lines: list[BatchLine]) -> Decimal:
        """Return what the answers cost, each once, at the prices of batches."""
        model = self.queue.model.in_batches()
        assert model is not None
        return sum((self._cost(model, line) for line in {line.custom_id: line for line in lines}.values()), Decimal(0))

    @staticmethod
    def _cost(model: Model, line: BatchLine) -> Decimal:
        usage = line.outcome.usage
        if usage is None:
            assert line.end is not LineEnd.ANSWERED
            return Decimal(0)
        price = model.price_at(0)
        assert price is not None
        cost = cost_of(price, usage, "batch")
        assert certainty_of(usage, cost, "batch") is Certainty.METERED
        return cost

    def invoiced(self) -> Decimal:
        rows = self.provider.invoice()
        assert {row.batch_id is None for row in rows} <= {False}
        assert len({(row.batch_id, row.custom_id) for row in rows}) == len(rows)
        return sum((row.cost_usd for row in rows), Decimal(0))


@asynccontextmanager
async def staged(make_provider: MakeProvider, vendor: str, **options: object) -> AsyncIterator[Stage]:
    provider = make_provider(**{"api_key": KEY, "list_prices": True, "batch_s": 0.3, **options})
    queue = queue_of(vendor)
    base_url = provider.base_url.removesuffix("/v1") + FORMS[vendor][1]
    wire = queue.model.wire
    version = "2024-10-21" if vendor == "azure" else None
    endpoint = Endpoint(base_url, SecretStr(KEY), dialect=wire.dialect, api_version=version)
    async with AiohttpTransport() as transport:
        yield Stage(HttpBatches(transport, {vendor: endpoint}, time.time), queue, provider)


@pytest.mark.parametrize("vendor", VENDORS)
async def test_a_batch_goes_all_the_way_and_its_bill_is_the_invoice(make_provider: MakeProvider, vendor: str) -> None:
    async with staged(make_provider, vendor) as stage:
        assert await stage.find() is None
        handle = await stage.begin()
        found = await stage.find()
        assert found == replace(handle, is_certain=vendor != "anthropic")
        status = await stage.ended(handle)
        assert status.state is BatchState.COMPLETED
        assert status.counts is not None
        assert (status.counts.total, status.counts.answered) == (LINES, LINES)
        lines = await stage.read(handle)
        assert {line.custom_id for line in lines} == {f"ours-1-{number}" for number in range(LINES)}
        assert {line.end for line in lines} == {LineEnd.ANSWERED}
        assert all(isinstance(line.outcome, Answer) and line.outcome.message.content for line in lines)
        assert stage.bill(lines) == stage.invoiced() > 0


@pytest.mark.parametrize("vendor", VENDORS)
async def test_lines_that_fail_are_missing_or_come_twice_are_told_and_charged_once(
    make_provider: MakeProvider, vendor: str
) -> None:
    async with staged(make_provider, vendor) as stage:
        for kind in (BatchFaultKind.LINE_ERRORS, BatchFaultKind.MISSING_LINES, BatchFaultKind.DUPLICATE_LINES):
            stage.fault(kind, rate=0.2)
        stage.fault(BatchFaultKind.SHUFFLED)
        handle = await stage.begin(200)
        await stage.ended(handle)
        lines = await stage.read(handle)
        names = [line.custom_id for line in lines]
        failed = [line for line in lines if line.end is LineEnd.FAILED]
        assert names != sorted(names, key=lambda name: int((name or "").rpartition("-")[2]))
        assert 10 < len(failed) < 80
        assert {getattr(line.outcome, "category", None) for line in failed} == {AttemptOutcome.UNAVAILABLE}
        assert 10 < 200 - len(set(names)) < 80
        assert len(names) > len(set(names))
        told = set(names) - {line.custom_id for line in failed}
        rows = stage.provider.invoice()
        assert told < {row.custom_id for row in rows}
        assert stage.bill(lines) == sum((row.cost_usd for row in rows if row.custom_id in told), Decimal(0))


@pytest.mark.parametrize("vendor", VENDORS)
async def test_what_has_expired_is_free_and_what_was_answered_is_not(make_provider: MakeProvider, vendor: str) -> None:
    async with staged(make_provider, vendor) as stage:
        stage.fault(BatchFaultKind.EXPIRE, rate=0.25)
        handle = await stage.begin()
        assert (await stage.ended(handle)).state is BatchState.EXPIRED
        lines = await stage.read(handle)
        if vendor == "gemini":  # it keeps no results of such a batch
            assert lines == []
            return
        expired = [line for line in lines if line.end is LineEnd.EXPIRED]
        assert len(expired) == LINES * 3 // 4
        assert {getattr(line.outcome, "charge", None) for line in expired} == {Charge.FREE}
        assert stage.bill(lines) == stage.invoiced() > 0


@pytest.mark.parametrize("vendor", VENDORS)
async def test_what_a_provider_holds_of_a_batch_is_deleted_and_twice_is_once(
    make_provider: MakeProvider, vendor: str
) -> None:
    async with staged(make_provider, vendor) as stage:
        batch = stage.input()
        file_id = await stage.batches.upload(stage.queue, "ours-1", batch)
        handle = await stage.batches.create(stage.queue, "ours-1", file_id, batch)
        status = await stage.ended(handle)
        assert status.holds
        for name in (*(() if file_id is None else (file_id,)), *status.holds) * 2:
            await stage.batches.delete(stage.queue, name)
        assert await stage.batches.find_upload(stage.queue, BatchSearch("ours-1", 0, LINES)) is None
        with pytest.raises(BatchCallFailed) as error:
            await stage.read(handle)
        assert error.value.failure.status_code == 404


@pytest.mark.parametrize("vendor", VENDORS)
async def test_a_cancelled_batch_charges_what_it_had_answered(make_provider: MakeProvider, vendor: str) -> None:
    async with staged(make_provider, vendor, batch_s=3.0) as stage:
        handle = await stage.begin()
        await stage.begun()
        await stage.batches.cancel(stage.queue, handle)
        assert (await stage.ended(handle)).state is BatchState.CANCELLED
        await stage.batches.cancel(stage.queue, handle)  # once more, which is too late
        lines = await stage.read(handle)
        if vendor != "gemini":
            assert {line.end for line in lines} == {LineEnd.ANSWERED, LineEnd.CANCELLED}
            assert stage.bill(lines) == stage.invoiced() > 0


@pytest.mark.parametrize("vendor", VENDORS)
@pytest.mark.parametrize("kind", [BatchFaultKind.CREATE_500_AFTER, BatchFaultKind.CREATE_RESET_AFTER])
async def test_a_batch_of_unknown_outcome_is_found_and_not_paid_twice(
    make_provider: MakeProvider, vendor: str, kind: BatchFaultKind
) -> None:
    async with staged(make_provider, vendor) as stage:
        stage.fault(kind)
        with pytest.raises(BatchCallFailed) as error:
            await stage.begin()
        assert error.value.may_have_happened
        handle = await stage.find()
        assert handle is not None
        await stage.ended(handle)
        lines = await stage.read(handle)
        assert len(lines) == len(stage.provider.invoice()) == LINES
        assert await stage.find(LINES + 1) == (None if vendor == "anthropic" else handle)


@pytest.mark.parametrize("vendor", [vendor for vendor in VENDORS if vendor != "anthropic"])
async def test_an_upload_of_unknown_outcome_is_found(make_provider: MakeProvider, vendor: str) -> None:
    async with staged(make_provider, vendor) as stage:
        search = BatchSearch("ours-1", time.time() - 60, LINES)
        assert await stage.batches.find_upload(stage.queue, search) is None
        stage.fault(BatchFaultKind.UPLOAD_500_AFTER)
        with pytest.raises(BatchCallFailed) as error:
            await stage.batches.upload(stage.queue, "ours-1", stage.input())
        assert error.value.may_have_happened
        file_id = await stage.batches.find_upload(stage.queue, search)
        assert file_id is not None
        handle = await stage.batches.create(stage.queue, "ours-1", file_id, stage.input())
        assert (await stage.ended(handle)).state is BatchState.COMPLETED


@pytest.mark.parametrize("vendor", VENDORS)
async def test_a_refusal_says_whether_the_batch_may_go_later_or_smaller(
    make_provider: MakeProvider, vendor: str
) -> None:
    async with staged(make_provider, vendor) as stage:
        for kind, refusal in (
            (BatchFaultKind.CREATE_429, BatchRefusal.QUEUE_FULL),
            (BatchFaultKind.CREATE_413, BatchRefusal.TOO_LARGE),
        ):
            stage.fault(kind)
            with pytest.raises(BatchCallFailed) as error:
                await stage.begin()
            assert (error.value.refusal, error.value.may_have_happened) == (refusal, False)
        if vendor != "anthropic":
            stage.fault(BatchFaultKind.UPLOAD_429, retry_after_s=7)
            with pytest.raises(BatchCallFailed) as error:
                await stage.begin()
            assert error.value.failure.retry_after_s == 7


@pytest.mark.parametrize("vendor", VENDORS)
async def test_more_enqueued_tokens_than_the_account_may_have_are_refused(
    make_provider: MakeProvider, vendor: str
) -> None:
    async with staged(make_provider, vendor, batch_enqueued_tokens=1000, batch_s=2.0) as stage:
        first = await stage.begin()
        if vendor in ("anthropic", "gemini"):
            with pytest.raises(BatchCallFailed) as error:
                await stage.begin()
            assert error.value.refusal is BatchRefusal.QUEUE_FULL
        else:
            second = await stage.begin()
            status = await stage.ended(second)
            assert (status.state, status.refusal is BatchRefusal.QUEUE_FULL) == (BatchState.FAILED, vendor != "mistral")
            assert "token" in status.detail
        await stage.ended(first)
        assert (await stage.ended(await stage.begin())).state is BatchState.COMPLETED


@pytest.mark.parametrize("vendor", VENDORS)
async def test_a_download_that_breaks_off_is_gone_on_with(make_provider: MakeProvider, vendor: str) -> None:
    async with staged(make_provider, vendor) as stage:
        handle = await stage.begin()
        await stage.ended(handle)
        stage.fault(BatchFaultKind.TRUNCATED_DOWNLOAD)
        lines: list[BatchLine] = []

        async def go_on() -> None:
            async for line in stage.batches.results(stage.queue, handle):
                lines.append(line)  # noqa: PERF401 - those before the error are wanted

        with pytest.raises(BatchCallFailed) as error:
            await go_on()
        assert error.value.failure.category is AttemptOutcome.DISCONNECTED
        assert 0 < len(lines) < LINES
        rest = await stage.read(handle, after=lines[-1].number)
        assert {line.custom_id for line in lines + rest} == {f"ours-1-{number}" for number in range(LINES)}
        assert len(rest) == (LINES if vendor == "anthropic" else LINES - len(lines))
        assert stage.bill(lines + rest) == stage.invoiced()


@pytest.mark.parametrize("vendor", VENDORS)
async def test_a_batch_that_fails_or_cannot_be_asked_for_says_so(make_provider: MakeProvider, vendor: str) -> None:
    async with staged(make_provider, vendor) as stage:
        stage.fault(BatchFaultKind.FAIL)
        handle = await stage.begin()
        stage.fault(BatchFaultKind.STATUS_503)
        with pytest.raises(BatchCallFailed) as error:
            await stage.batches.status(stage.queue, handle)
        assert error.value.failure.category is AttemptOutcome.UNAVAILABLE
        if vendor == "anthropic":  # it has no batches that fail
            return
        status = await stage.ended(handle)
        assert (status.state, status.refusal) == (BatchState.FAILED, BatchRefusal.OTHER)
        assert await stage.read(handle) == []
        assert stage.provider.invoice() == []


async def test_a_wrong_key_is_told(make_provider: MakeProvider) -> None:
    async with staged(make_provider, "openai", api_key="another") as stage:
        with pytest.raises(BatchCallFailed) as error:
            await stage.begin()
        assert error.value.failure.category is AttemptOutcome.AUTHENTICATION


async def test_a_batch_that_is_not_there_is_told(make_provider: MakeProvider) -> None:
    async with staged(make_provider, "openai") as stage:
        with pytest.raises(BatchCallFailed) as error:
            await stage.batches.status(stage.queue, BatchHandle("batch_none"))
        assert error.value.failure.status_code == 404


async def test_a_provider_that_is_gone_was_certainly_not_asked(make_provider: MakeProvider) -> None:
    async with staged(make_provider, "openai") as stage:
        stage.provider.stop()
        with pytest.raises(BatchCallFailed) as error:
            await stage.begin()
        assert not error.value.may_have_happened


async def test_whoever_stops_reading_does_not_hold_the_connection(make_provider: MakeProvider) -> None:
    async with staged(make_provider, "openai") as stage:
        handle = await stage.begin()
        await stage.ended(handle)
        async with aclosing(stage.batches.results(stage.queue, handle)) as lines:
            assert (await anext(lines)).end is LineEnd.ANSWERED
        assert len(await stage.read(handle)) == LINES
