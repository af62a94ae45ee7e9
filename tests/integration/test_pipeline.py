"""The main job on a real broker: a prompt goes in, its answer and its exact cost come out."""

import asyncio
import time
from collections import Counter

import orjson
import pytest
from aiokafka.admin import NewTopic

from sandbox.prompts import load_prompts
from sandbox.provider.faults import Fault, FaultKind
from schemas import dead_letters
from schemas.topics import Topic
from schemas.vocabulary import AttemptOutcome, Certainty, ErrorCode, Status
from streams.kafka.clients import admin, producer, reader
from tests.harness import MakePipeline, MakeProvider, assert_answered_once
from tests.reference import in_chain_order


def requests(count: int, **fields: object) -> list[dict[str, object]]:
    return [{"request_id": f"r{number}", "prompt": f"What is {number} + 1?", **fields} for number in range(count)]


def ids(published: list[dict[str, object]]) -> list[str]:
    return [str(request["request_id"]) for request in published]


async def test_our_own_prompts_are_answered_once_and_the_bill_equals_the_invoice(make_pipeline: MakePipeline) -> None:
    pipeline = await make_pipeline()
    published: list[dict[str, object]] = [
        {"request_id": f"p{number}", "prompt": prompt.request.question, "tenant": prompt.request.tenant}
        for number, prompt in enumerate(load_prompts())
    ]
    await pipeline.publish(published)
    pipeline.start_worker()
    responses = await pipeline.wait_for_responses(ids(published))
    assert_answered_once(responses, ids(published))
    assert {response.status for response in responses} == {Status.COMPLETED}
    bill = await pipeline.reconcile()
    assert bill.bill_equals_invoice, bill
    assert bill.metered_calls == len(published)
    assert sum(response.cost_usd or 0 for response in responses) == bill.metered_usd


async def test_a_killed_worker_loses_nothing_and_bills_what_it_cut_off_as_unknown(
    make_pipeline: MakePipeline, make_provider: MakeProvider
) -> None:
    pipeline = await make_pipeline(make_provider(latency_ms=4000))
    published = requests(600)
    await pipeline.publish(published)
    first = pipeline.start_worker()
    await pipeline.until_calls_are_under_way(300)
    first.kill()
    pipeline.start_worker()
    responses = await pipeline.wait_for_responses(ids(published))
    assert_answered_once(responses, ids(published))
    bill = await pipeline.reconcile()
    assert bill.bill_equals_invoice, bill
    costs = {event.event_id: event for event in await pipeline.costs()}
    cut_off = [event for event in costs.values() if event.outcome is AttemptOutcome.CUT_OFF]
    assert len(cut_off) >= 300
    assert {event.certainty for event in cut_off} == {Certainty.UNKNOWN}
    assert all(event.cost_usd and event.cost_usd > 0 for event in cut_off)
    metered = [event for event in costs.values() if event.certainty is Certainty.METERED]
    assert len(metered) == len(published)


async def test_the_offset_waits_for_the_first_request_while_a_thousand_behind_it_finish(
    make_pipeline: MakePipeline, make_provider: MakeProvider
) -> None:
    provider = make_provider(latency_ms=20)
    provider.add_fault(Fault(fault=FaultKind.SLOW, model="claude-sonnet-4.5", factor=750))
    pipeline = await make_pipeline(provider)
    slow: dict[str, object] = {"request_id": "slow", "prompt": "Wait for me", "model": "claude-sonnet-4.5"}
    quick = requests(1000, model="gemini-2.5-flash")
    await pipeline.publish([slow, *quick], partition=0)
    worker = pipeline.start_worker()
    await pipeline.wait_for_responses(ids(quick))
    await asyncio.sleep(1.0)  # several commit intervals
    assert (await pipeline.committed()).get(0, 0) == 0
    began = time.monotonic()
    assert await asyncio.to_thread(worker.stop) == 0
    assert time.monotonic() - began > 1.0, "it did not wait for the slow request"
    assert_answered_once(await pipeline.responses(), ["slow", *ids(quick)])
    assert (await pipeline.committed())[0] == 1001


BAD: list[tuple[bytes | None, str, str | None]] = [
    (b"\xff\xfe\x00", "not_utf8", None),
    (b"{not json", "not_json", None),
    (b'"' + b"x" * 5_000_000 + b'"', "too_large", None),
    (b'{"request_id": "huge", "prompt": "' + b"x" * 5_000_000 + b'"}', "too_large", "huge"),
    (None, "empty", None),
    (b"[1, 2]", "invalid_request", None),
    (b"{}", "invalid_request", None),
    (b'{"request_id": "no-prompt"}', "invalid_request", "no-prompt"),
    (b'{"request_id": "wrong-type", "prompt": 7}', "invalid_request", "wrong-type"),
    (b'{"request_id": "odd-tenant", "prompt": "x", "tenant": {"name": "a"}}', "invalid_request", "odd-tenant"),
    (b'{"request_id": "unknown-field", "prompt": "x", "tenat": "a"}', "invalid_request", "unknown-field"),
    (b'{"request_id": "absurd", "prompt": "x", "max_tokens": -5}', "invalid_request", "absurd"),
    (b'{"request_id": "absurd2", "prompt": "x", "max_cost_usd": 1e30}', "invalid_request", "absurd2"),
    (b'{"request_id": "1e400", "prompt": "x", "temperature": 1e400}', "not_json", "1e400"),
]


async def test_bad_input_lands_in_the_dead_letters_with_its_bytes_and_delays_nothing(
    make_pipeline: MakePipeline,
) -> None:
    pipeline = await make_pipeline(TURNOUT_DEAD_LETTER_SHARE="1")
    good = requests(200)
    poison: list[bytes | dict[str, object] | None] = [b'{"poison": %d' % number for number in range(200)]
    mixed = [value for pair in zip(good, poison, strict=True) for value in pair]
    await pipeline.publish([*(value for value, _, _ in BAD), *mixed])
    pipeline.start_worker()
    rejected_ids = [request_id for _, _, request_id in BAD if request_id is not None]
    responses = await pipeline.wait_for_responses([*ids(good), *rejected_ids])
    assert_answered_once(responses, [*ids(good), *rejected_ids])
    by_id = {response.request_id: response for response in responses}
    for request_id in rejected_ids:
        error = by_id[request_id].error
        assert by_id[request_id].status is Status.REJECTED
        assert error is not None
        assert error.code is ErrorCode.INVALID_REQUEST
    letters = await pipeline.records(Topic.DEAD_LETTERS)
    assert Counter(letter.value for letter in letters) == Counter([*(value for value, _, _ in BAD), *poison])
    headers = {letter.value: dict(letter.headers) for letter in letters}
    for value, code, readable_id in BAD:
        assert headers[value][dead_letters.CODE].decode() == code
        assert headers[value][dead_letters.REASON]
        assert headers[value].get(dead_letters.REQUEST_ID, b"").decode() == (readable_id or "")
    assert (await pipeline.reconcile()).bill_equals_invoice


async def test_an_outage_is_answered_by_the_next_model_and_the_breaker_comes_back(
    make_pipeline: MakePipeline, make_provider: MakeProvider, tmp_path_factory: pytest.TempPathFactory
) -> None:
    provider = make_provider()
    catalogue = tmp_path_factory.mktemp("catalogue") / "catalogue.toml"
    original = in_chain_order()
    for slow, quick in (("\npause_s = 30", "\npause_s = 1"), ("\nramp_up_s = 10", "\nramp_up_s = 1")):
        assert slow in original
        original = original.replace(slow, quick)
    catalogue.write_text(original)
    pipeline = await make_pipeline(provider, TURNOUT_CATALOGUE=str(catalogue))
    provider.add_fault(Fault(fault=FaultKind.STATUS_503, model="gpt-4.1"))
    pipeline.start_worker()
    during = requests(50, tier="powerful")
    await pipeline.publish(during)
    responses = await pipeline.wait_for_responses(ids(during))
    assert {response.request_model for response in responses} == {"claude-sonnet-4.5"}
    provider.clear_faults()
    await asyncio.sleep(1.2)
    after: list[dict[str, object]] = [
        {"request_id": f"after{number}", "prompt": "And now?", "tier": "powerful"} for number in range(60)
    ]
    for request in after:
        await pipeline.publish([request])
        await asyncio.sleep(0.03)  # over the second in which the model's share grows back
    responses = await pipeline.wait_for_responses(ids(after))
    models = Counter(response.request_model for response in responses if response.request_id.startswith("after"))
    assert models["gpt-4.1"] > 30, models
    moves = [
        (failover["from_state"], failover["to_state"])
        for failover in (orjson.loads(record.value or b"") for record in await pipeline.records(Topic.FAILOVERS))
        if failover["kind"] == "breaker"
    ]
    assert moves[0] == ("closed", "open")
    assert moves[-1] == ("half-open", "closed")
    assert (await pipeline.reconcile()).bill_equals_invoice


async def test_trace_context_passes_through_and_reply_to_gets_a_copy(make_pipeline: MakePipeline) -> None:
    pipeline = await make_pipeline()
    copy = pipeline.settings.topic(Topic.RESPONSES) + ".mine"
    pipeline.environment["TURNOUT_REPLY_TO_ALLOWED"] = copy
    async with admin(pipeline.settings) as client:
        await client.create_topics([NewTopic(copy, 1, 1)])
    pipeline.start_worker()
    trace = b"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
    async with producer(pipeline.settings) as client:
        for request_id, topic in (("copied", copy), ("refused", "not.allowed")):
            value = orjson.dumps({"request_id": request_id, "prompt": "Who are you?", "reply_to": topic})
            headers = [("traceparent", trace), ("tracestate", b"a=b")]
            await client.send_and_wait(pipeline.settings.topic(Topic.REQUESTS), value, key=b"k", headers=headers)
    responses = {response.request_id: response for response in await pipeline.wait_for_responses(["copied", "refused"])}
    refused = responses["refused"].error
    assert refused is not None
    assert refused.code is ErrorCode.REPLY_TO_NOT_ALLOWED
    for topic in (Topic.RESPONSES, Topic.COSTS, Topic.CALLS):
        for record in await pipeline.records(topic):
            assert dict(record.headers)["traceparent"] == trace
            assert dict(record.headers)["tracestate"] == b"a=b"
            assert dict(record.headers)["ce_specversion"] == b"1.0"
    async with reader(pipeline.settings) as consumer:
        consumer.subscribe([copy])
        record = await asyncio.wait_for(consumer.getone(), 20)
    assert orjson.loads(record.value)["request_id"] == "copied"
    assert {event.trace_id for event in await pipeline.costs()} == {"4bf92f3577b34da6a3ce929d0e0e4736"}
