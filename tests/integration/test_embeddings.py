"""Embeddings on real Kafka: vectors of a simulated provider with faults, and the bill against its invoice."""

import base64
from array import array
from pathlib import Path

import pytest

from sandbox.provider.faults import Fault, FaultKind
from sandbox.provider.process import ProviderProcess
from schemas.costs import CostEvent
from schemas.responses import Response
from schemas.vocabulary import AttemptOutcome, Certainty, ErrorCode, Status
from tests.harness import MakePipeline, MakeProvider, assert_answered_once
from tests.reference import in_chain_order

SMALL = "text-embedding-3-small"
TABLE = f"""
[embedding_models."{SMALL}"]
provider = "openai"
input_usd_per_mtok = 0.02       # OpenAI's public price, as the simulated provider charges it
context_tokens = 8192
requests_per_minute = 3000
typical_latency_ms = 120
"""


def vectors_of(response: Response) -> list[list[float]]:
    assert response.message is not None
    return [
        list(array("f", base64.b64decode(vector))) if isinstance(vector, str) else vector
        for vector in response.message.embeddings or ()
    ]


def catalogue_in(folder: Path) -> Path:
    catalogue = folder / "catalogue.toml"
    catalogue.write_text(in_chain_order() + TABLE)
    return catalogue


def failing_at_first(make_provider: MakeProvider) -> ProviderProcess:
    """Start a provider that refuses two calls, and leaves the usage out of an answer."""
    provider = make_provider()
    provider.add_fault(Fault(fault=FaultKind.STATUS_503, model=SMALL, count=2))
    provider.add_fault(Fault(fault=FaultKind.MISSING_USAGE, model=SMALL, count=1))
    return provider


async def test_embeddings_are_answered_in_the_order_of_their_inputs_and_billed_as_the_provider_charges_them(
    make_pipeline: MakePipeline, make_provider: MakeProvider, tmp_path: Path
) -> None:
    provider = failing_at_first(make_provider)
    pipeline = await make_pipeline(provider, TURNOUT_CATALOGUE=str(catalogue_in(tmp_path)))
    asked: dict[str, dict[str, object]] = {
        "one": {"input": "xin chào", "dimensions": 8},
        "many": {"input": [f"text {number}" for number in range(50)], "dimensions": 8},
        "base64": {"input": ["text 7", "xin chào"], "dimensions": 8, "encoding_format": "base64"},
        "ids": {"input": [[1, 2, 3], [4]], "dimensions": 8},
        "too-long": {"input": "word " * 7_000, "max_cost_usd": "1"},
        **{f"n-{number}": {"input": f"number {number}", "dimensions": 8} for number in range(40)},
    }
    await pipeline.publish([{"request_id": name, "model": SMALL, **fields} for name, fields in asked.items()])
    line: dict[str, object] = {
        "custom_id": "line",
        "method": "POST",
        "url": "/v1/embeddings",
        "body": {"model": SMALL, "input": "a"},
    }
    await pipeline.publish([line, {"request_id": "chat", "prompt": "Hello", "model": SMALL}])
    pipeline.start_worker()
    names = [*asked, "line", "chat"]
    found = {response.request_id: response for response in await pipeline.wait_for_responses(names)}

    assert_answered_once(found.values(), names)
    assert found["chat"].error is not None
    assert found["chat"].error.code is ErrorCode.NO_ELIGIBLE_MODEL
    completed = {name for name, response in found.items() if response.status is Status.COMPLETED}
    assert completed >= set(names) - {"chat", "too-long"}
    one, many, packed = (vectors_of(found[name]) for name in ("one", "many", "base64"))
    assert (len(one), len(many), len(packed)) == (1, 50, 2)
    assert all(len(vector) == 8 for vector in (*one, *many, *packed))
    for got, wanted in ((packed[0], many[7]), (packed[1], one[0])):
        assert got == pytest.approx(wanted, rel=0, abs=1e-5), "by its place, not another's"

    bill = await pipeline.reconcile()
    assert bill.bill_equals_invoice, bill
    costs = await pipeline.costs()
    assert all(event.output_tokens == 0 for event in costs)
    estimated = [event for event in costs if event.certainty is not Certainty.METERED]
    assert {event.outcome for event in estimated} == {AttemptOutcome.SUCCEEDED}
    one_call = {event.upstream_call_id or event.event_id for event in estimated}
    assert len(one_call) == 1, "the one without usage, alone or joined of several requests"


async def test_joined_calls_are_billed_as_they_are_charged_and_shared_between_their_requests(
    make_pipeline: MakePipeline, make_provider: MakeProvider, tmp_path: Path
) -> None:
    provider = failing_at_first(make_provider)
    pipeline = await make_pipeline(provider, TURNOUT_CATALOGUE=str(catalogue_in(tmp_path)))
    texts = {f"r-{number}": f"number {number} " * (1 + number % 7) for number in range(300)}
    await pipeline.publish(
        [
            {"request_id": name, "tenant": f"t-{place % 2}", "model": SMALL, "input": text, "dimensions": 8}
            for place, (name, text) in enumerate(texts.items())
        ]
        + [{"request_id": "too-long", "tenant": "t-0", "model": SMALL, "input": "word " * 7_000, "max_cost_usd": "1"}]
    )
    pipeline.start_worker()
    pipeline.start_worker()
    found = {one.request_id: one for one in await pipeline.wait_for_responses([*texts, "too-long"])}

    assert_answered_once(found.values(), [*texts, "too-long"])
    assert all(found[name].status is Status.COMPLETED for name in texts)
    bill = await pipeline.reconcile()
    assert bill.bill_equals_invoice, bill
    costs = {event.event_id: event for event in await pipeline.costs()}.values()
    of_calls: dict[str, set[str]] = {}
    for event in costs:
        if event.upstream_call_id is not None:
            of_calls.setdefault(event.upstream_call_id, set()).add(event.tenant)
    assert all(len(tenants) == 1 for tenants in of_calls.values()), "no tenant is in another one's call"
    assert 0 < len(of_calls) < len(texts) / 2
    keys = {row.idempotency_key for row in provider.invoice()}
    assert of_calls.keys() <= keys
    assert len(keys) < len(texts) / 2, "most requests have no call of their own"


async def test_after_a_kill_the_shares_of_every_call_that_was_answered_add_up_to_its_charge(
    make_pipeline: MakePipeline, make_provider: MakeProvider, tmp_path: Path
) -> None:
    provider = make_provider(latency_ms=300)
    pipeline = await make_pipeline(provider, TURNOUT_CATALOGUE=str(catalogue_in(tmp_path)))
    texts = {f"r-{number}": f"number {number} " * (1 + number % 7) for number in range(400)}
    asked: list[dict[str, object]] = [
        {"request_id": name, "model": SMALL, "input": text, "dimensions": 8} for name, text in texts.items()
    ]
    doomed = pipeline.start_worker()
    await pipeline.publish(asked[:200])
    await pipeline.wait_for_responses(["r-0"])
    await pipeline.publish(asked[200:])
    await pipeline.until_calls_are_under_way(1)
    doomed.kill()
    pipeline.start_worker()
    found = await pipeline.wait_for_responses(texts)

    assert_answered_once(found, texts)
    assert {one.status for one in found} == {Status.COMPLETED}
    bill = await pipeline.reconcile()
    assert bill.bill_equals_invoice, bill
    events = {event.event_id: event for event in await pipeline.costs()}.values()
    charges = {row.idempotency_key: row.cost_nano_usd for row in provider.invoice()}
    of_calls: dict[str, list[CostEvent]] = {}
    for event in events:
        of_calls.setdefault(event.upstream_call_id or event.event_id, []).append(event)
    answered = {key: own for key, own in of_calls.items() if all(one.certainty is Certainty.METERED for one in own)}
    cut_off = of_calls.keys() - answered.keys()
    assert any(len(own) > 1 for own in answered.values())
    assert any(of_calls[key][0].upstream_call_id for key in cut_off), "a joined call was under way"
    for key, own in answered.items():
        assert sum(event.cost_nano_usd or 0 for event in own) == charges[key]
    for key in cut_off:
        assert sum(event.cost_nano_usd or 0 for event in of_calls[key]) >= charges.get(key, 0)
