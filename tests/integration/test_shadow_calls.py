"""Shadow calls on a real broker: the bill, the budget's end, a worker killed in the middle, and what is learnt."""

import asyncio
import time
from decimal import Decimal
from pathlib import Path

import pytest

from sandbox.prompts import load_prompts
from sandbox.reconcile import Reconciliation
from schemas.costs import SHADOW_TENANT
from schemas.quality import ModelQuality
from schemas.shadow_answers import ShadowAnswer
from schemas.topics import Topic
from schemas.vocabulary import Certainty, Status
from tests.harness import PATIENCE_S, MakePipeline, MakeProvider, Pipeline, assert_answered_once
from tests.reference import in_chain_order

LIMIT = Decimal("0.15")
SHADOWS = f"""
[shadow_calls]
share = 1
budget_usd_per_day = {LIMIT}
models = ["deepseek-v3.2", "gpt-4.1"]
judge = "claude-sonnet-4.5"
"""
ROUNDS, A_ROUND = 12, 12
KILLED_IN = 2


def requests(number: int) -> list[dict[str, object]]:
    prompts = load_prompts()[number * A_ROUND :]
    return [
        {"request_id": f"r{number}-{place}", "prompt": prompt.request.question, "max_tokens": 400}
        for place, prompt in enumerate(prompts[:A_ROUND])
    ]


async def shadows(pipeline: Pipeline) -> list[ShadowAnswer]:
    return [ShadowAnswer.decode(record.value or b"") for record in await pipeline.records(Topic.SHADOW_ANSWERS)]


async def until_settled(pipeline: Pipeline) -> Reconciliation:
    """Wait until the last shadow is billed."""
    give_up = time.monotonic() + PATIENCE_S
    while True:
        await asyncio.sleep(1)
        bill = await pipeline.reconcile()
        if bill.bill_equals_invoice and bill.unknown.billed_nano_usd >= bill.unknown.charged_nano_usd:
            return bill
        assert time.monotonic() < give_up, (bill.sentence(), pipeline.workers[-1].log.read_text()[-3000:])


async def until_learnt(pipeline: Pipeline, judged: int) -> list[ModelQuality]:
    """Wait until so many answers were judged by what is told of the quality, and return the last word on each cell."""
    give_up = time.monotonic() + PATIENCE_S
    while True:
        latest = {record.key: record.value or b"" for record in await pipeline.records(Topic.MODEL_QUALITY)}
        told = [one for one in map(ModelQuality.decode, latest.values()) if one.count]
        if sum(one.count for one in told) == 2 * judged:
            return told
        assert time.monotonic() < give_up, (sum(one.count for one in told), judged)
        await asyncio.sleep(0.5)


async def test_shadows_stop_at_their_budget_and_a_killed_worker_loses_some_and_no_money(
    make_pipeline: MakePipeline, make_provider: MakeProvider, tmp_path: Path
) -> None:
    catalogue = tmp_path / "shadows.toml"
    catalogue.write_text(f"{in_chain_order()}\n{SHADOWS}\n")
    pipeline = await make_pipeline(make_provider(latency_ms=200), TURNOUT_CATALOGUE=str(catalogue))
    first, _ = pipeline.start_worker(), pipeline.start_worker()
    await pipeline.until_settled()
    published: list[str] = []
    for number in range(ROUNDS):
        await pipeline.publish(asked := requests(number))
        ids = [str(request["request_id"]) for request in asked]
        published += ids
        await pipeline.wait_for_responses(ids)
        if number == KILLED_IN:
            first.kill()
            pipeline.start_worker()
        await asyncio.sleep(0.5)
    bill = await until_settled(pipeline)

    responses = await pipeline.responses()
    assert_answered_once(responses, published)
    assert {response.status for response in responses} == {Status.COMPLETED}
    answers = await shadows(pipeline)
    assert len({answer.request_id for answer in answers}) == len(answers) < len(published)
    events = {event.event_id: event for event in await pipeline.costs_by_now() if event.tenant == SHADOW_TENANT}
    spent = sum((event.cost_usd or Decimal(0) for event in events.values()), Decimal(0))
    assert LIMIT / 2 < spent <= LIMIT
    assert {event.purpose for event in events.values()} == {"shadow", "judge"}
    cut = [event for event in events.values() if event.certainty is Certainty.UNKNOWN]
    assert bill.unknown.calls >= len(cut)
    models = {response.request_id: response.request_model for response in responses}
    for answer in answers:
        assert answer.answered_by == models[answer.request_id] != answer.request_model
        assert answer.verdict is None or answer.verdict.judge not in {answer.answered_by, answer.request_model}

    judged = [answer for answer in answers if answer.verdict is not None]
    assert len(judged) > A_ROUND
    for one in await until_learnt(pipeline, len(judged)):
        of_cell = [
            score
            for answer in judged
            if (answer.task, answer.difficulty, answer.form) == (one.task, one.difficulty, one.form)
            and answer.verdict is not None
            for model, score in (
                (answer.answered_by, answer.verdict.answered_score),
                (answer.request_model, answer.verdict.shadow_score),
            )
            if model == one.request_model
        ]
        assert one.by_kind["judge"].count == len(of_cell)  # type: ignore[index]
        assert one.by_kind["judge"].mean == pytest.approx(sum(of_cell) / len(of_cell), abs=1e-3)  # type: ignore[index]
