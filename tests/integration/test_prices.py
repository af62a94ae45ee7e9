"""Price lists in full: the bill against the invoice of a provider that caches, reasons and has a long-context tier."""

from collections import Counter
from decimal import Decimal

from sandbox.provider.models import LIST_PRICES
from schemas.vocabulary import Status
from tests.harness import ROOT, MakePipeline, MakeProvider

LIST_CATALOGUE = ROOT / "examples" / "list-prices.toml"
CLAUDE = "claude-sonnet-4.5"
LONG = "one two three four " * 52_000
"""Some 208,000 tokens: the whole request costs the prices of the long-context tier."""


async def test_the_bill_equals_the_invoice_with_cached_and_reasoning_tokens_and_a_context_tier(
    make_pipeline: MakePipeline, make_provider: MakeProvider
) -> None:
    pipeline = await make_pipeline(
        make_provider(list_prices=True),
        TURNOUT_CATALOGUE=str(LIST_CATALOGUE),
        TURNOUT_MAX_REQUEST_BYTES="2000000",
    )
    short: list[dict[str, object]] = [
        {"request_id": f"{model}-{number}", "prompt": f"Explain the number {number}.", "model": model}
        for model in LIST_PRICES
        for number in range(50)
    ]
    long: dict[str, object] = {"request_id": "long", "prompt": LONG, "model": CLAUDE, "max_cost_usd": 20}
    await pipeline.publish([*short, long])
    pipeline.start_worker()
    responses = await pipeline.wait_for_responses([str(request["request_id"]) for request in [*short, long]])
    assert {response.status for response in responses} == {Status.COMPLETED}
    bill = await pipeline.reconcile()
    assert bill.bill_equals_invoice, bill
    assert bill.metered_calls == 201

    costs = {event.request_id: event for event in await pipeline.costs()}
    told = Counter[str]()
    for event in costs.values():
        assert event.input_tokens is not None
        told["cached"] += event.cached_input_tokens or 0
        told["written"] += event.cache_write_tokens or 0
        told["reasoning"] += event.reasoning_tokens or 0
        assert (event.cached_input_tokens or 0) + (event.cache_write_tokens or 0) <= event.input_tokens
    assert min(told.values()) > 0, "each kind of token was met"
    assert (costs["long"].input_usd_per_mtok, costs["long"].output_usd_per_mtok) == (Decimal(6), Decimal("22.5"))
    assert costs[f"{CLAUDE}-0"].input_usd_per_mtok == 3
