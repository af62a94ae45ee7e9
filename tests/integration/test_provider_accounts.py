"""Several keys to one provider over real sockets: each with limits of its own, the bill is the invoice by account."""

import asyncio
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from random import Random

import pytest
from pydantic import SecretStr

from router.catalogue import Account, Catalogue, Price
from router.errors import Answer
from router.identity import Identity
from router.job import Job
from router.models.pool import ModelPool
from router.request.session import Answered, Call, Event, Failed, Finish, Session, Started, Woke
from sandbox.provider.accounts import AccountRules
from sandbox.provider.options import ProviderOptions
from sandbox.provider.process import ProviderProcess
from schemas.requests import Request
from schemas.responses import Attempt
from schemas.vocabulary import AccountLimit, AttemptOutcome, Status
from streams.providers.endpoints import Endpoint
from streams.providers.http_provider import HttpProvider
from streams.providers.transport import AiohttpTransport
from tests.stage import ALPHA, ORIGIN, make_catalogue

REQUESTS, TOKENS = 12, 600
CALLS = 60
MODEL = replace(ALPHA, upstream_model="gpt-4.1", provider_name="openai", price=Price(Decimal(4), Decimal(4)))
ACCOUNTS = (
    Account("main", weight=3, limits={AccountLimit.REQUESTS: REQUESTS}),
    Account("second", weight=2, limits={AccountLimit.TOKENS: TOKENS}),
    Account("third"),
    Account("revoked"),
)
RULES = {
    "main": AccountRules(key="key-of-main", requests_per_minute=REQUESTS),
    "second": AccountRules(key="key-of-second", tokens_per_minute=TOKENS),
    "third": AccountRules(key="key-of-third"),
}
"""`revoked` is not among them: its key is no longer good."""


@pytest.fixture
def provider(tmp_path: Path) -> Iterator[ProviderProcess]:
    options = ProviderOptions(tmp_path / "invoice.jsonl", latency_ms=5, limits=False, failures=False, accounts=RULES)
    with ProviderProcess(options) as provider:
        yield provider


def catalogue() -> Catalogue:
    return replace(make_catalogue(MODEL), accounts={"openai": ACCOUNTS})


async def served(number: int, pool: ModelPool, adapter: HttpProvider) -> Finish:
    request = Request(prompt=f"Say hello for the {number}th time.", max_tokens=20)
    now_s = time.time()
    job = Job(request, Identity(request.tenant, f"r-{number}", None), ORIGIN, now_s, now_s + 60)
    session = Session(job, pool, Random(number).random)  # noqa: S311 - a test's dice
    event: Event = Started(now_s)
    while not isinstance(action := session.receive(event), Finish):
        if isinstance(action, Call):
            began_s = time.time()
            result = await adapter.call(action.repair or request, action, {})
            took_s = time.time() - began_s
            event = (
                Answered(time.time(), result, took_s)
                if isinstance(result, Answer)
                else Failed(time.time(), result, took_s)
            )
        else:
            await asyncio.sleep(max(0.0, action.until_s - time.time()))
            event = Woke(time.time())
    return action


def refused(finish: Finish) -> list[Attempt]:
    return [one for one in finish.response.attempts if one.outcome is not AttemptOutcome.SUCCEEDED]


async def test_the_bill_is_the_invoice_account_by_account(provider: ProviderProcess) -> None:
    keys = {name: SecretStr(f"key-of-{name}") for name in ("main", "second", "third", "revoked")}
    endpoint = Endpoint(provider.base_url, None, account_keys=keys)
    pool = ModelPool(catalogue())
    async with AiohttpTransport() as transport:
        adapter = HttpProvider(transport, {"openai": endpoint}, time.time)
        finishes = [await served(number, pool, adapter) for number in range(CALLS)]
    assert {finish.response.status for finish in finishes} == {Status.COMPLETED}
    failed = [one for finish in finishes for one in refused(finish)]
    assert [one.outcome for one in failed] == [AttemptOutcome.AUTHENTICATION], "no limit was run into"
    billed, invoiced = Counter[str | None](), Counter[str | None]()
    events = [cost for finish in finishes for cost in finish.costs]
    for cost in events:
        billed[cost.account] += cost.cost_nano_usd or 0
    for row in provider.invoice():
        invoiced[row.account] += row.cost_nano_usd
    assert billed == invoiced
    assert {row.idempotency_key: row.account for row in provider.invoice()} == {
        cost.event_id: cost.account for cost in events
    }
    calls = Counter(cost.account for cost in events)
    assert calls["main"] == REQUESTS
    second = sum(row.input_tokens + row.output_tokens for row in provider.invoice() if row.account == "second")
    assert 0.8 * TOKENS < second <= TOKENS
    assert calls["third"] == CALLS - calls["main"] - calls["second"]
