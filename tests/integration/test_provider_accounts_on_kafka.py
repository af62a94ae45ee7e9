"""Several keys to one provider, on real Kafka and over two workers: limits hold together, the bill is the invoice."""

import asyncio
import time
from collections import Counter
from pathlib import Path

import httpx

from sandbox.provider.accounts import AccountRules
from schemas.costs import CostEvent
from schemas.health import ModelHealth
from schemas.topics import Topic
from schemas.vocabulary import AttemptOutcome, Status
from tests.harness import PATIENCE_S, MakePipeline, MakeProvider, Pipeline, assert_answered_once
from tests.metrics import free_port, value
from tests.reference import in_chain_order

MODEL = "gpt-4.1"
TOKENS = 1_200
REQUESTS = 40
TABLES = f"""
[providers.openai.accounts.metered]
tokens_per_minute = {TOKENS}
[providers.openai.accounts.counted]
requests_per_minute = {REQUESTS}
[providers.openai.accounts.mended]
"""
RULES = {
    "metered": AccountRules(key="key-of-metered", tokens_per_minute=TOKENS),
    "counted": AccountRules(key="key-of-counted", requests_per_minute=REQUESTS),
    "mended": AccountRules(key="key-that-is-good"),
}
KEYS = {"metered": "key-of-metered", "counted": "key-of-counted", "mended": "key-that-is-bad"}
FLOOD = 160


async def ask(pipeline: Pipeline, name: str, count: int, partition: int | None = None) -> list[str]:
    asked: list[dict[str, object]] = [
        {"request_id": f"{name}-{number}", "prompt": f"What is {number}?", "model": MODEL, "max_tokens": 20}
        for number in range(count)
    ]
    await pipeline.publish(asked, partition=partition)
    return [str(request["request_id"]) for request in asked]


async def until_shared_by_two(pipeline: Pipeline) -> None:
    give_up = time.monotonic() + PATIENCE_S
    while True:
        records = await pipeline.records(Topic.MODEL_HEALTH)
        known = [ModelHealth.decode(one.value) for one in records if one.key == MODEL.encode() and one.value]
        if known and len(known[-1].accounts["metered"].shares["tokens_per_minute"]) == 2:
            return
        assert time.monotonic() < give_up, [worker.log.read_text()[-2000:] for worker in pipeline.workers]
        await asyncio.sleep(0.3)


async def until_answered(pipeline: Pipeline, count: int) -> None:
    give_up = time.monotonic() + PATIENCE_S
    while len({response.request_id for response in await pipeline.responses()}) < count:
        assert time.monotonic() < give_up, [worker.log.read_text()[-2000:] for worker in pipeline.workers]
        await asyncio.sleep(0.3)


async def until_called_by(pipeline: Pipeline, account: str) -> None:
    """Ask again and again, until a call of the account has been charged."""
    give_up, numbers = time.monotonic() + PATIENCE_S, iter(range(10_000))
    while account not in {row.account for row in await asyncio.to_thread(pipeline.provider.invoice)}:
        assert time.monotonic() < give_up, [worker.log.read_text()[-2000:] for worker in pipeline.workers]
        await pipeline.wait_for_responses(await ask(pipeline, f"again-{next(numbers)}", 4))


def by_account(events: list[CostEvent]) -> Counter[str | None]:
    bill: Counter[str | None] = Counter()
    for event in {event.event_id: event for event in events}.values():
        bill[event.account] += event.cost_nano_usd or 0
    return +bill


async def test_a_refused_key_rests_limits_hold_over_workers_and_a_replaced_key_is_tried_at_once(
    make_pipeline: MakePipeline, make_provider: MakeProvider, tmp_path: Path
) -> None:
    catalogue, keys = tmp_path / "catalogue.toml", tmp_path / "keys"
    catalogue.write_text(in_chain_order() + TABLES)
    keys.mkdir()
    for name, key in KEYS.items():
        (keys / f"openai.{name}").write_text(key)
    provider, port = make_provider(accounts=RULES), free_port()
    pipeline = await make_pipeline(
        provider, TURNOUT_CATALOGUE=str(catalogue), TURNOUT_API_KEYS_DIR=str(keys), TURNOUT_DEFAULT_DEADLINE_S="120"
    )
    pipeline.start_worker(TURNOUT_WORKER_ID="one", TURNOUT_WEB_PORT=str(port))
    pipeline.start_worker(TURNOUT_WORKER_ID="other")
    await until_shared_by_two(pipeline)
    for number in range(4):  # one after the other: each worker finds the bad key out by one call
        for partition in range(4):
            first = await ask(pipeline, f"first-{number}-{partition}", 1, partition)
            await pipeline.wait_for_responses(first)
    text = (await asyncio.to_thread(httpx.get, f"http://127.0.0.1:{port}/metrics")).text
    found = [line for line in text.splitlines() if line.startswith("turnout_account_rests") and MODEL in line]
    assert value("\n".join(found), "turnout_account_rests", 'reason="refused"') == 1, found

    flood = await ask(pipeline, "flood", FLOOD)
    await until_answered(pipeline, 16 + 10)  # whichever: for a minute one worker may have all of a limit
    (keys / "openai.mended").write_text("key-that-is-good")
    await pipeline.wait_for_responses(flood)
    await until_called_by(pipeline, "mended")

    responses = await pipeline.responses()
    assert_answered_once(responses, [response.request_id for response in responses])
    assert {response.status for response in responses} == {Status.COMPLETED}
    attempts = [attempt for response in responses for attempt in response.attempts]
    outcomes = Counter(attempt.outcome for attempt in attempts)
    refused = outcomes.pop(AttemptOutcome.AUTHENTICATION)
    assert 0 < refused <= 2, "a call of each worker"
    assert set(outcomes) == {AttemptOutcome.SUCCEEDED}, "no limit was run into"
    assert (await pipeline.reconcile()).bill_equals_invoice
    invoice: Counter[str | None] = Counter()
    for row in provider.invoice():
        invoice[row.account] += row.cost_nano_usd
    assert by_account(await pipeline.costs()) == invoice
    assert set(invoice) == set(RULES)
