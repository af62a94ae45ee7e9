"""Workers speak every dialect to the simulated provider, as strict as the vendors: golden requests, faults, bills."""

import time
from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest
from pydantic import SecretStr

from router.cost import call_started
from router.dialects.wire import DialectName, Wire
from router.errors import Answer
from router.request.session import Call
from router.route import Candidate, Estimate, Route
from sandbox.provider.faults import Fault, FaultKind
from sandbox.provider.options import ProviderOptions
from sandbox.provider.process import ProviderProcess
from sandbox.provider.unkind import UNKIND
from sandbox.reconcile import judge
from schemas.requests import Request
from schemas.vocabulary import Certainty, Status, Task, Tier
from streams.providers.endpoints import Endpoint
from streams.providers.http_provider import HttpProvider
from streams.providers.transport import AiohttpTransport
from tests.harness import MakePipeline, MakeProvider, assert_answered_once
from tests.stage import ALPHA, NOW_S, ONE, make_job
from tests.unit.router.dialects.test_golden import GOLDEN, NAMES, GoldenRequest, dialect_of

SECRET = "right"  # noqa: S105 - not one of the world
ADDRESSES = {
    DialectName.CHAT: "/v1",
    DialectName.RESPONSES: "/v1",
    DialectName.AZURE: "",
    DialectName.ANTHROPIC: "/v1",
    DialectName.GEMINI: "/v1beta",
    DialectName.BEDROCK: "",
}
"""Below the simulated provider's own."""
OWN_KEYS = {
    DialectName.AZURE: 'api_version = "2024-10-21"',
    DialectName.BEDROCK: 'region = "us-east-1"',
    DialectName.CHAT: 'max_tokens_field = "max_completion_tokens"',
}
UPSTREAM = {DialectName.BEDROCK: "us.anthropic.claude-sonnet-4-5-20250929-v1:0"}
CATALOGUE = """
name = "dialects"
version = "1"
baseline = "first"
default_max_tokens = 64
[chains]
fast = ["first", "second"]
balanced = ["first", "second"]
reasoning = ["first", "second"]
powerful = ["first", "second"]
[quality_floors]
fast = 5
balanced = 5
reasoning = 5
powerful = 5
[providers.vendor]
base_url = "{base_url}"
dialect = "{dialect}"
{own}
[breaker]
consecutive_failures = 1000
[health]
min_requests = 1000000
[models.first]
provider = "vendor"
upstream_model = "{upstream}"
input_usd_per_mtok = 7.50
output_usd_per_mtok = 7.50
quality = 9
context_tokens = 200_000
max_output_tokens = 64_000
requests_per_minute = 100_000
typical_latency_ms = 1200
image_tokens = 1_600
timeout_s = 2
[models.second]
provider = "vendor"
upstream_model = "gpt-4.1"
input_usd_per_mtok = 4.00
output_usd_per_mtok = 4.00
quality = 9
context_tokens = 200_000
max_output_tokens = 64_000
requests_per_minute = 100_000
typical_latency_ms = 850
image_tokens = 1_445
timeout_s = 2
"""
TOOL = {"type": "function", "function": {"name": "look", "parameters": {"type": "object", "properties": {}}}}
PICTURE = {"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBORw0KGgo="}}
KINDS: tuple[dict[str, object], ...] = (
    {"prompt": "Why is the sky blue?", "system_prompt": "Be brief.", "temperature": 0.5},
    {"prompt": "Look.", "tools": [TOOL], "tool_choice": "required"},
    {
        "messages": [
            {"role": "user", "content": "Look."},
            {
                "role": "assistant",
                "tool_calls": [{"id": "c", "type": "function", "function": {"name": "look", "arguments": "{}"}}],
            },
            {"role": "tool", "tool_call_id": "c", "content": "A cat."},
        ],
        "tools": [TOOL],
    },
    {"messages": [{"role": "user", "content": [PICTURE, {"type": "text", "text": "What is it?"}]}]},
    {"prompt": "Why is the sea salt?", "max_cost_usd": "0.05"},
)
UNKIND_CHARGES = """
[providers.vendor.charges]
rate_limited = "unknown"
authentication = "unknown"
400 = "unknown"
404 = "unknown"
429 = "unknown"
"""
"""What an unkind provider charges for, of which the table says that it is free."""
FAULTS = (
    FaultKind.STATUS_500,
    FaultKind.STATUS_503,
    FaultKind.STATUS_429,
    FaultKind.CONTENT_FILTER,
    FaultKind.CONTEXT_TOO_LONG,
    FaultKind.CONTENT_FILTER_FINISH,
    FaultKind.RESET,
    FaultKind.MISSING_USAGE,
    FaultKind.EMPTY_CHOICES,
    FaultKind.INVALID_JSON,
    FaultKind.TRUNCATED_BODY,
    FaultKind.CHARGED_BUT_SILENT,
)


def key_for(dialect: DialectName) -> str:
    return f"AKIDEXAMPLE:{SECRET}" if dialect is DialectName.BEDROCK else "sk-any"


def environment_of(dialect: DialectName, provider: ProviderProcess, folder: Path, more: str = "") -> dict[str, str]:
    """Write the catalogue of a dialect, with more tables at its end, and return the settings of its workers."""
    catalogue = folder / "catalogue.toml"
    base_url = provider.base_url.removesuffix("/v1") + ADDRESSES[dialect]
    catalogue.write_text(
        CATALOGUE.format(
            base_url=base_url,
            dialect=dialect,
            own=OWN_KEYS.get(dialect, ""),
            upstream=UPSTREAM.get(dialect, "claude-sonnet-4-5-20250929"),
        )
        + more
    )
    return {"TURNOUT_CATALOGUE": str(catalogue), "TURNOUT_API_KEYS": f'{{"vendor": "{key_for(dialect)}"}}'}


@pytest.mark.parametrize("dialect", DialectName)
async def test_the_bill_is_the_invoice_in_every_dialect_with_faults_on(
    make_provider: MakeProvider, make_pipeline: MakePipeline, tmp_path: Path, dialect: DialectName
) -> None:
    provider = make_provider(latency_ms=20, aws_secret=SECRET)
    pipeline = await make_pipeline(provider, **environment_of(dialect, provider, tmp_path))
    for number, kind in enumerate(FAULTS):
        provider.add_fault(Fault(fault=kind, model="claude-sonnet-4.5" if number % 2 else "gpt-4.1", count=2))
    asked: list[bytes | dict[str, object] | None] = [
        {"request_id": f"r{number}", **KINDS[number % len(KINDS)]} for number in range(60)
    ]
    ids = [f"r{number}" for number in range(60)]
    await pipeline.publish(asked)
    pipeline.start_worker()

    responses = await pipeline.wait_for_responses(ids)
    assert_answered_once(responses, ids)
    by_status = {response.request_id: response.status for response in responses}
    assert sum(status is Status.COMPLETED for status in by_status.values()) >= 50, by_status
    tools = [response for response in responses if response.finish_reason == "tool_calls"]
    assert tools
    assert all(response.message is not None and response.message.tool_calls for response in tools)
    assert {attempt.request_model for response in responses for attempt in response.attempts} == {"first", "second"}
    reconciliation = await pipeline.reconcile()
    assert reconciliation.bill_equals_invoice, reconciliation.sentence()
    costs = await pipeline.costs()
    metered = [cost for cost in costs if cost.certainty is Certainty.METERED]
    assert len(metered) >= 50
    for cost in metered:
        assert cost.cost_usd is not None
        assert cost.provider_name == "vendor"


UNKIND_FAULTS = (
    FaultKind.STATUS_500,
    FaultKind.STATUS_503,
    FaultKind.CONTEXT_TOO_LONG,
    FaultKind.RESET,
    FaultKind.MISSING_USAGE,
    FaultKind.INVALID_JSON,
    FaultKind.TRUNCATED_BODY,
)


@pytest.mark.parametrize("dialect", DialectName)
async def test_an_unkind_provider_is_billed_exactly_or_as_unknown_at_least_in_every_dialect(
    make_provider: MakeProvider, make_pipeline: MakePipeline, tmp_path: Path, dialect: DialectName
) -> None:
    provider = make_provider(latency_ms=20, aws_secret=SECRET, unkind=UNKIND)
    pipeline = await make_pipeline(provider, **environment_of(dialect, provider, tmp_path, UNKIND_CHARGES))
    for number, kind in enumerate(UNKIND_FAULTS):
        provider.add_fault(Fault(fault=kind, model="claude-sonnet-4.5" if number % 2 else "gpt-4.1", count=2))
    kinds = [kind for kind in KINDS if PICTURE not in _parts(kind)]  # whose price the catalogue does not have
    asked: list[bytes | dict[str, object] | None] = [
        {"request_id": f"r{number}", **kinds[number % len(kinds)]} for number in range(40)
    ]
    ids = [f"r{number}" for number in range(40)]
    await pipeline.publish(asked)
    pipeline.start_worker()

    responses = await pipeline.wait_for_responses(ids)
    assert_answered_once(responses, ids)
    await pipeline.reconcile()  # waits until nothing more is charged
    verdict = judge(await pipeline.costs(), provider.invoice())
    assert verdict.holds, verdict.sentence()
    assert verdict.metered_calls >= 25, verdict.sentence()
    assert verdict.unknown.charged_calls > 0, "errors were charged"


def _parts(kind: dict[str, object]) -> list[object]:
    messages = kind.get("messages")
    contents = (
        [message["content"] for message in messages if "content" in message] if isinstance(messages, list) else []
    )
    return [part for content in contents if isinstance(content, list) for part in content]


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ProviderProcess]:
    invoice = tmp_path_factory.mktemp("dialect-calls") / "invoice.jsonl"
    options = ProviderOptions(invoice, latency_ms=5, limits=False, failures=False, aws_secret=SECRET)
    with ProviderProcess(options) as provider:
        yield provider


DOUBTS = {"gemini-audio": "usage: tokens of audio are told, whose price is not known"}
"""Of golden requests that ask for what no catalogue has a price of."""


@pytest.mark.parametrize("name", NAMES)
async def test_a_golden_request_is_taken_by_who_is_as_strict_as_the_vendor(shared: ProviderProcess, name: str) -> None:
    golden = GoldenRequest.model_validate_json((GOLDEN / f"{name}.json").read_bytes())
    dialect = dialect_of(name)
    endpoint = Endpoint(
        shared.base_url.removesuffix("/v1") + ADDRESSES[dialect],
        SecretStr(key_for(dialect)),
        (),
        dialect,
        "2024-10-21" if dialect is DialectName.AZURE else None,
        "us-east-1" if dialect is DialectName.BEDROCK else None,
    )
    model = replace(ALPHA, upstream_model=golden.model, wire=Wire(dialect))
    candidate = Candidate(model, "the test's", Estimate(20, 100), Decimal("0.001"), golden.max_tokens)
    route = Route(Task.MATH, Tier.FAST, "the test's")
    started = call_started(make_job(), route, candidate, NAMES.index(name) + 1, ONE, NOW_S)
    call = Call(model, started, golden.max_tokens, 10.0)
    async with AiohttpTransport() as transport:
        adapter = HttpProvider(transport, {model.provider_name: endpoint}, time.time)
        outcome = await adapter.call(Request.model_validate(golden.request), call, {})

    assert isinstance(outcome, Answer), outcome
    assert outcome.usage is not None
    assert outcome.usage.doubt == DOUBTS.get(name)
    (row,) = (row for row in shared.invoice() if row.idempotency_key == started.event_id)
    assert (outcome.usage.input_tokens, outcome.usage.output_tokens) == (row.input_tokens, row.output_tokens)
