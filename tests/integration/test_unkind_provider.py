"""The simulated provider at its worst: what it charges that a caller would not expect, and what its answers tell."""

import contextlib
import socket
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from pathlib import Path

import httpx
import orjson
import pytest

from sandbox.provider.faults import Fault, FaultKind
from sandbox.provider.invoice import ChargeReason, InvoiceRow, LineItem
from sandbox.provider.options import ProviderOptions
from sandbox.provider.process import ProviderProcess
from sandbox.provider.unkind import KIND, UNKIND, Placement, Unkindness

PICTURE = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}}


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ProviderProcess]:
    invoice = tmp_path_factory.mktemp("unkind") / "invoice.jsonl"
    with ProviderProcess(ProviderOptions(invoice, latency_ms=10, limits=False, failures=False)) as provider:
        yield provider


@pytest.fixture
def provider(shared: ProviderProcess) -> Iterator[ProviderProcess]:
    yield shared
    shared.clear_faults()
    shared.set_unkind(KIND)


def body(content: object = "Why is the sky blue?", **fields: object) -> dict[str, object]:
    return {"model": "gpt-4.1", "messages": [{"role": "user", "content": content}], **fields}


def ask(provider: ProviderProcess, key: str | None = None, **fields: object) -> httpx.Response:
    headers = {} if key is None else {"idempotency-key": key}
    return httpx.post(f"{provider.base_url}/chat/completions", json=body(**fields), headers=headers, timeout=5)


def rows_of(provider: ProviderProcess, key: str) -> list[InvoiceRow]:
    return [row for row in provider.invoice() if row.idempotency_key == key]


def lines_of(row: InvoiceRow) -> dict[LineItem, tuple[int, Decimal]]:
    return {line.item: (line.quantity, line.usd) for line in row.lines}


def test_it_is_kind_unless_told_otherwise_and_can_be_made_kind_again(provider: ProviderProcess) -> None:
    control = provider.base_url.replace("/v1", "/sandbox/unkind")
    assert Unkindness.model_validate_json(httpx.get(control).content) == KIND

    provider.set_unkind(UNKIND)
    assert Unkindness.model_validate_json(httpx.get(control).content) == UNKIND
    assert httpx.put(control, json={"generous": True}).status_code == 400
    assert Unkindness.model_validate_json(httpx.delete(control).content) == KIND


def test_it_can_be_unkind_from_the_start(tmp_path: Path) -> None:
    way = Unkindness(ignores_keys=True, image_usd=Decimal("0.01"))
    options = ProviderOptions(tmp_path / "invoice.jsonl", latency_ms=0, failures=False, unkind=way)
    with ProviderProcess(options) as provider:
        ask(provider, key="start", content=[PICTURE])
        ask(provider, key="start", content=[PICTURE])

        assert [lines_of(row)[LineItem.IMAGES] for row in provider.invoice()] == [(1, Decimal("0.01"))] * 2


def test_nonsense_at_the_start_is_refused_by_name(tmp_path: Path) -> None:
    command = [
        sys.executable,
        "-m",
        "sandbox.provider",
        "--invoice",
        str(tmp_path / "i"),
        "--unkind",
        '{"generous": 1}',
    ]
    refused = subprocess.run(command, capture_output=True, text=True, check=False)

    assert refused.returncode == 2
    assert "--unkind" in refused.stderr
    assert "generous" in refused.stderr


def test_an_ignored_key_is_charged_each_time_at_once_or_later(provider: ProviderProcess) -> None:
    provider.set_unkind(Unkindness(ignores_keys=True))
    with ThreadPoolExecutor(3) as pool:
        answers = list(pool.map(lambda _: ask(provider, key="ignored").json(), range(3)))
    answers.append(ask(provider, key="ignored").json())

    rows = rows_of(provider, "ignored")
    assert {row.id for row in rows} == {answer["id"] for answer in answers}
    assert sorted(row.reason for row in rows) == [ChargeReason.ANSWERED, *[ChargeReason.KEY_IGNORED] * 3]
    provider.set_unkind(KIND)
    assert ask(provider, key="ignored").json()["id"] in {row.id for row in rows}
    assert len(rows_of(provider, "ignored")) == 4


@pytest.mark.parametrize(
    ("fault", "status"),
    [
        (Fault(fault=FaultKind.STATUS_500), 500),
        (Fault(fault=FaultKind.STATUS_503, status=529, delay_s=0.1), 529),
        (Fault(fault=FaultKind.STATUS_429), 429),
        (Fault(fault=FaultKind.CONTEXT_TOO_LONG), 400),
        (Fault(fault=FaultKind.CONTENT_FILTER), 400),
        (Fault(fault=FaultKind.UNAUTHORIZED), 401),
    ],
    ids=lambda item: str(item.fault) if isinstance(item, Fault) else "",
)
def test_an_error_is_charged_as_its_answer_would_be_if_its_status_is(
    provider: ProviderProcess, fault: Fault, status: int
) -> None:
    key = f"{fault.fault}-{status}"
    for charged in ((), (f"{status // 100}xx",), (str(status),)):
        provider.set_unkind(Unkindness(charges_statuses=charged))
        provider.add_fault(fault.model_copy(update={"count": 1}))
        assert ask(provider, key=key).status_code == status
    assert ask(provider, key=key).status_code == 200

    *errors, answer = rows_of(provider, key)
    assert [(row.reason, row.status) for row in errors] == [(ChargeReason.ERROR, status)] * 2
    assert {row.cost_nano_usd for row in errors} == {answer.cost_nano_usd}
    assert answer.reason is ChargeReason.ANSWERED


@pytest.mark.parametrize("charged", [True, False])
@pytest.mark.parametrize(
    "fault",
    [
        Fault(fault=FaultKind.HANG, count=1),
        Fault(fault=FaultKind.REFUSED, count=1),
        Fault(fault=FaultKind.RESET, count=1),
        Fault(fault=FaultKind.OUTAGE, hang=True, duration_s=60),
    ],
    ids=lambda fault: str(fault.fault),
)
def test_a_call_without_an_answer_may_be_charged(provider: ProviderProcess, fault: Fault, *, charged: bool) -> None:
    key = f"{fault.fault}-{charged}"
    provider.set_unkind(Unkindness(charges_unanswered=charged))
    provider.add_fault(fault)

    url = httpx.URL(provider.base_url)
    content = orjson.dumps(body())
    head = f"POST /v1/chat/completions HTTP/1.1\r\nidempotency-key: {key}\r\ncontent-length: {len(content)}\r\n\r\n"
    with socket.create_connection((url.host, url.port or 80), timeout=0.3) as client:
        client.sendall(head.encode() + content)
        with contextlib.suppress(TimeoutError, ConnectionResetError):
            assert client.recv(1) == b""
    provider.wait_until_settled()
    assert [(row.reason, row.status) for row in rows_of(provider, key)] == [(ChargeReason.UNANSWERED, None)] * charged


def test_images_audio_tiers_and_searches_are_charged_beside_the_text(provider: ProviderProcess) -> None:
    provider.set_unkind(UNKIND.model_copy(update={"reasoning": None, "cached": None}))
    sound = {"type": "input_audio", "input_audio": {"data": "A" * 16_000, "format": "mp3"}}
    answer = ask(
        provider,
        key="extras",
        content=[{"type": "text", "text": "Both?"}, PICTURE, PICTURE, sound],
        service_tier="priority",
        web_search_options={},
        prediction={"type": "content", "content": "Neither."},
    ).json()

    (row,) = rows_of(provider, "extras")
    usage, lines = answer["usage"], lines_of(row)
    heard, rejected = 8, usage["completion_tokens_details"]["rejected_prediction_tokens"]
    per_token = Decimal("0.000004")
    assert usage["prompt_tokens_details"]["audio_tokens"] == heard
    assert lines[LineItem.INPUT] == (usage["prompt_tokens"] - heard, (usage["prompt_tokens"] - heard) * per_token)
    assert lines[LineItem.AUDIO_INPUT] == (heard, heard * Decimal("0.00004"))
    assert lines[LineItem.REJECTED_PREDICTION] == (rejected, rejected * per_token)
    assert lines[LineItem.IMAGES] == (2, Decimal("0.01"))
    assert lines[LineItem.WEB_SEARCH] == (1, Decimal("0.035"))
    tokens = [usd for item, (_, usd) in lines.items() if item not in {LineItem.IMAGES, LineItem.WEB_SEARCH}]
    assert lines[LineItem.SERVICE_TIER] == (1, sum(tokens) / 2), "twice the price: half of the sum is the surcharge"
    assert row.cost_usd == sum(usd for _, usd in lines.values())
    assert answer["service_tier"] == "priority"
    assert usage["cost"] == float(row.cost_usd)


def test_several_choices_are_all_charged(provider: ProviderProcess) -> None:
    one, three = ask(provider, key="one").json(), ask(provider, key="three", n=3).json()

    assert [choice["index"] for choice in three["choices"]] == [0, 1, 2]
    assert len({choice["message"]["content"] for choice in three["choices"]}) == 3
    assert three["usage"]["prompt_tokens"] == one["usage"]["prompt_tokens"]
    assert rows_of(provider, "three")[0].output_tokens == three["usage"]["completion_tokens"]
    assert three["usage"]["completion_tokens"] > 2 * one["usage"]["completion_tokens"] / 3


def test_a_spoken_answer_is_charged_as_audio(provider: ProviderProcess) -> None:
    provider.set_unkind(Unkindness(audio_usd_per_mtok=Decimal(80)))
    answer = ask(provider, key="spoken", modalities=["text", "audio"], audio={"voice": "alloy", "format": "wav"}).json()

    message, details = answer["choices"][0]["message"], answer["usage"]["completion_tokens_details"]
    assert message["content"] is None
    assert message["audio"]["transcript"]
    spoken = details["audio_tokens"]
    assert lines_of(rows_of(provider, "spoken")[0])[LineItem.AUDIO_OUTPUT] == (spoken, spoken * Decimal("0.00008"))


@pytest.mark.parametrize("reasoning", Placement)
@pytest.mark.parametrize("cached", Placement)
def test_usage_tells_reasoning_and_cached_tokens_where_it_was_told_to(
    provider: ProviderProcess, reasoning: Placement, cached: Placement
) -> None:
    key = f"{reasoning}-{cached}"
    provider.set_unkind(Unkindness(reasoning=reasoning, cached=cached))
    answer = ask(provider, key=key, content="Why is the sky blue, and not green?").json()

    (row,) = rows_of(provider, key)
    usage = answer["usage"]
    assert 0 < row.cached_input_tokens == usage["prompt_tokens_details"]["cached_tokens"]
    assert 0 < row.reasoning_tokens == usage["completion_tokens_details"]["reasoning_tokens"]
    beside = (cached is Placement.BESIDE, reasoning is Placement.BESIDE)
    assert usage["prompt_tokens"] == row.input_tokens - beside[0] * row.cached_input_tokens
    assert usage["completion_tokens"] == row.output_tokens - beside[1] * row.reasoning_tokens
    assert usage["total_tokens"] == row.input_tokens + row.output_tokens
    assert row.cost_nano_usd == 4000 * usage["total_tokens"], "where tokens are told changes nothing about their price"
    assert answer["choices"][0]["message"]["reasoning_content"]
