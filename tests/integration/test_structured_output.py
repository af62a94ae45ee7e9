"""Strict schemas on real Kafka: models that break them at first, and the bill against the invoice."""

from collections import Counter

import orjson

from sandbox.provider.faults import Fault, FaultKind
from schemas.vocabulary import AttemptOutcome, ErrorCode, SchemaResult, Status
from tests.harness import MakePipeline, MakeProvider, assert_answered_once

TRAIN: dict[str, object] = {
    "type": "object",
    "properties": {"from": {"type": "string"}, "seats": {"type": "integer"}},
    "required": ["from", "seats"],
    "additionalProperties": False,
}
SHAPE = {"type": "json_schema", "json_schema": {"name": "train", "schema": TRAIN, "strict": True}}
TOOL = {"type": "function", "function": {"name": "book", "parameters": TRAIN, "strict": True}}


async def test_answers_that_break_their_schema_are_repaired_or_asked_of_the_next_model_and_all_is_billed(
    make_pipeline: MakePipeline, make_provider: MakeProvider
) -> None:
    provider = make_provider()
    pipeline = await make_pipeline(provider)
    asked: dict[str, object] = {"prompt": "Book a train from Huế.", "tier": "powerful", "response_format": SHAPE}
    called: dict[str, object] = {"prompt": "Book a train from Huế.", "tier": "powerful", "tools": [TOOL]}
    provider.add_fault(Fault(fault=FaultKind.SCHEMA_VIOLATION, model="gpt-4.1", count=1))
    worker = pipeline.start_worker()
    await pipeline.publish([{**asked, "request_id": "once"}])
    await pipeline.wait_for_responses(["once"])
    provider.add_fault(Fault(fault=FaultKind.SCHEMA_VIOLATION, model="gpt-4.1", count=2))
    await pipeline.publish([{**called, "request_id": "twice"}])
    await pipeline.wait_for_responses(["twice"])
    provider.add_fault(Fault(fault=FaultKind.SCHEMA_VIOLATION))
    await pipeline.publish([{**asked, "request_id": "always"}])
    await pipeline.wait_for_responses(["always"])
    assert worker.stop() == 0

    responses = {response.request_id: response for response in await pipeline.responses()}
    once, twice, always = (responses[name] for name in ("once", "twice", "always"))
    for response, model in ((once, "gpt-4.1"), (twice, "claude-sonnet-4.5")):
        assert (response.status, response.request_model) == (Status.COMPLETED, model)
        assert response.schema_check is not None
        assert response.schema_check.result is SchemaResult.PASSED
    assert once.message is not None
    assert set(orjson.loads(once.message.content or "")) == {"from", "seats"}
    assert twice.message is not None
    assert twice.message.tool_calls
    assert [attempt.outcome for attempt in twice.attempts] == [
        AttemptOutcome.SCHEMA_VIOLATION,
        AttemptOutcome.SCHEMA_VIOLATION,
        AttemptOutcome.SUCCEEDED,
    ]
    assert always.status is Status.FAILED
    assert always.error is not None
    assert always.error.code is ErrorCode.SCHEMA_VIOLATION
    assert always.message is not None
    assert orjson.loads(always.message.content or "")[0].keys() == {"from", "seats"}, "the last answer is kept"

    assert_answered_once(await pipeline.responses(), ["once", "twice", "always"])
    bill = await pipeline.reconcile()
    assert bill.bill_equals_invoice, bill
    outcomes = Counter(event.outcome for event in await pipeline.costs())
    assert outcomes[AttemptOutcome.SUCCEEDED] == 2
    assert outcomes[AttemptOutcome.SCHEMA_VIOLATION] == 3 + len(always.attempts)
