"""The simulated provider as a real process: what its callers see on the wire, and what its invoice says about it."""

import contextlib
import socket
import ssl
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import orjson
import pytest

from sandbox.provider.faults import Fault, FaultKind, RetryAfterForm
from sandbox.provider.invoice import ChargeReason, LineItem
from sandbox.provider.models import REFERENCE_MODELS
from sandbox.provider.options import ProviderOptions
from sandbox.provider.outcome import FinishReason
from sandbox.provider.process import ProviderDidNotStart, ProviderProcess

TIME_SCALE = 0.05
SILENCE_S = 0.4
"""Longer than any latency here."""
TLS = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
"""Unused, and expensive to make anew for every request."""


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ProviderProcess]:
    invoice = tmp_path_factory.mktemp("provider") / "invoice.jsonl"
    options = ProviderOptions(invoice, time_scale=TIME_SCALE, latency_ms=400, limits=False, failures=False)
    with ProviderProcess(options) as provider:
        yield provider


@pytest.fixture
def provider(shared: ProviderProcess) -> Iterator[ProviderProcess]:
    yield shared
    shared.clear_faults()


def body(prompt: str = "Why is the sky blue?", model: str = "gpt-4.1") -> bytes:
    return orjson.dumps({"model": model, "messages": [{"role": "user", "content": prompt}]})


def ask(provider: ProviderProcess, content: bytes, key: str | None = None, bearer: str = "any") -> httpx.Response:
    headers = {"authorization": f"Bearer {bearer}"} | ({} if key is None else {"idempotency-key": key})
    return httpx.post(f"{provider.base_url}/chat/completions", content=content, headers=headers, timeout=5, verify=TLS)


def connect(provider: ProviderProcess) -> socket.socket:
    url = httpx.URL(provider.base_url)
    return socket.create_connection((url.host, url.port or 80), timeout=5)


def raw_request(content: bytes, headers: str = "") -> bytes:
    head = f"POST /v1/chat/completions HTTP/1.1\r\nhost: provider\r\n{headers}content-length: {len(content)}\r\n\r\n"
    return head.encode() + content


def read_until_silent(client: socket.socket) -> bytes:
    """Return what comes until nothing does for a while, or until FIN; an RST raises ConnectionResetError."""
    client.settimeout(SILENCE_S)
    received = b""
    try:
        while data := client.recv(65536):
            received += data
    except TimeoutError:
        pass
    return received


def read_answers(client: socket.socket, count: int) -> list[bytes]:
    """Read that many whole responses and return their status lines with their bodies."""
    reader = client.makefile("rb")
    answers = []
    for _ in range(count):
        status = reader.readline()
        length = 0
        while (line := reader.readline().strip()) != b"":
            name, _, value = line.partition(b": ")
            length = int(value) if name == b"content-length" else length
        answers.append(status + reader.read(length))
    return answers


def exchange_raw(provider: ProviderProcess) -> bytes:
    with connect(provider) as client:
        client.sendall(raw_request(body()))
        return read_until_silent(client)


def test_it_lists_the_four_reference_models(provider: ProviderProcess) -> None:
    listed = httpx.get(f"{provider.base_url}/models").json()["data"]

    assert {model["id"]: model["owned_by"] for model in listed} == {
        model.name: model.provider for model in REFERENCE_MODELS.values()
    }


def test_an_answer_has_openais_shape_and_its_usage_is_on_the_invoice(provider: ProviderProcess) -> None:
    answer = ask(provider, body(), key="shape").json()

    assert answer["object"] == "chat.completion"
    assert answer["model"] == "gpt-4.1"
    assert "Why is the sky blue?" in answer["choices"][0]["message"]["content"]
    row = provider.invoice()[-1]
    usage = answer["usage"]
    assert (row.id, row.idempotency_key, row.model) == (answer["id"], "shape", "gpt-4.1")
    assert (row.input_tokens, row.output_tokens) == (usage["prompt_tokens"], usage["completion_tokens"])
    assert usage["total_tokens"] == row.input_tokens + row.output_tokens
    assert row.cost_usd == REFERENCE_MODELS["gpt-4.1"].price_usd(row.input_tokens, row.output_tokens)
    assert row.cost_nano_usd == 4000 * usage["total_tokens"]
    assert {line.item: line.quantity for line in row.lines} == {
        LineItem.INPUT: row.input_tokens,
        LineItem.OUTPUT: row.output_tokens,
    }
    assert (row.reason, row.status) == (ChargeReason.ANSWERED, 200)


def test_a_tool_call_comes_back_as_openai_writes_it(provider: ProviderProcess) -> None:
    tool = {"type": "function", "function": {"name": "get_time", "parameters": {"properties": {"zone": {"const": 1}}}}}
    asked = orjson.dumps({**orjson.loads(body()), "tools": [tool]})

    choice = ask(provider, asked).json()["choices"][0]
    assert choice["finish_reason"] == "tool_calls"
    assert choice["message"]["content"] is None
    assert choice["message"]["tool_calls"][0]["function"] == {"name": "get_time", "arguments": '{"zone":1}'}


@pytest.mark.parametrize(
    ("fault", "status", "code"),
    [
        (FaultKind.STATUS_500, 500, None),
        (FaultKind.STATUS_502, 502, None),
        (FaultKind.STATUS_503, 503, "overloaded"),
        (FaultKind.STATUS_429, 429, "rate_limit_exceeded"),
        (FaultKind.OUTAGE, 503, "overloaded"),
        (FaultKind.UNAUTHORIZED, 401, "invalid_api_key"),
        (FaultKind.CONTEXT_TOO_LONG, 400, "context_length_exceeded"),
        (FaultKind.CONTENT_FILTER, 400, "content_filter"),
    ],
)
def test_a_status_fault_answers_with_openais_error(
    provider: ProviderProcess, fault: FaultKind, status: int, code: str | None
) -> None:
    provider.add_fault(Fault(model="gpt-4.1", fault=fault, duration_s=60))

    response = ask(provider, body())
    assert (response.status_code, response.json()["error"]["code"]) == (status, code)
    assert set(response.json()["error"]) == {"message", "type", "param", "code"}
    assert ask(provider, body(model="deepseek-v3.2")).status_code == 200


def test_a_scripted_429_says_when_to_come_back_in_the_form_asked_for(provider: ProviderProcess) -> None:
    form = RetryAfterForm.RETRY_AFTER_MS
    provider.add_fault(Fault(fault=FaultKind.STATUS_429, retry_after_s=8, retry_after_form=form))

    headers = ask(provider, body()).headers
    assert headers["retry-after-ms"] == "400", "8 simulated seconds at a time scale of 0.05"
    assert "retry-after" not in headers


@pytest.mark.parametrize("fault", sorted(set(FaultKind) - {FaultKind.LISTENER}))
def test_a_call_is_charged_exactly_if_its_answer_was_generated(provider: ProviderProcess, fault: FaultKind) -> None:
    before = len(provider.invoice())
    provider.add_fault(Fault(fault=fault, duration_s=60, delay_s=0, factor=2))

    with connect(provider) as client:
        client.sendall(raw_request(body(), "connection: close\r\n"))
        with contextlib.suppress(ConnectionResetError):
            read_until_silent(client)
    assert len(provider.invoice()) - before == (1 if fault.charged else 0)


@pytest.mark.parametrize("fault", [FaultKind.REFUSED, FaultKind.RESET])
def test_a_refused_or_reset_call_sees_rst_and_no_byte(provider: ProviderProcess, fault: FaultKind) -> None:
    provider.add_fault(Fault(fault=fault))

    with connect(provider) as client:
        client.sendall(raw_request(body()))
        with pytest.raises(ConnectionResetError):
            client.recv(1)


@pytest.mark.parametrize(
    "fault",
    [
        Fault(fault=FaultKind.HANG),
        Fault(fault=FaultKind.OUTAGE, hang=True, duration_s=60),
        Fault(fault=FaultKind.CHARGED_BUT_SILENT),
    ],
    ids=lambda fault: str(fault.fault),
)
def test_a_silent_call_gets_no_byte_and_stays_open(provider: ProviderProcess, fault: Fault) -> None:
    provider.add_fault(fault)

    with connect(provider) as client:
        client.sendall(raw_request(body()))
        assert read_until_silent(client) == b""
        assert provider.stats().models["gpt-4.1"].in_flight == 1


def test_a_hang_after_headers_sends_the_head_and_no_body(provider: ProviderProcess) -> None:
    provider.add_fault(Fault(fault=FaultKind.HANG_AFTER_HEADERS))

    head, _, sent = exchange_raw(provider).partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200 OK")
    assert sent == b""


def test_a_slow_body_is_whole_and_takes_its_time(provider: ProviderProcess) -> None:
    provider.add_fault(Fault(fault=FaultKind.SLOW_BODY, delay_s=10))

    started = time.monotonic()
    assert ask(provider, body()).json()["usage"]
    assert time.monotonic() - started > 0.95 * 10 * TIME_SCALE


def test_a_truncated_body_ends_before_its_declared_length(provider: ProviderProcess) -> None:
    provider.add_fault(Fault(fault=FaultKind.TRUNCATED_BODY))

    with pytest.raises(httpx.RemoteProtocolError):
        ask(provider, body())


def test_a_wrong_content_length_declares_less_than_is_sent(provider: ProviderProcess) -> None:
    provider.add_fault(Fault(fault=FaultKind.WRONG_CONTENT_LENGTH))

    head, _, sent = exchange_raw(provider).partition(b"\r\n\r\n")
    assert f"content-length: {len(sent) // 2}".encode() in head
    assert orjson.loads(sent)["usage"]


def test_spoiled_bodies_are_spoiled_in_the_way_asked_for(provider: ProviderProcess) -> None:
    for fault in (
        FaultKind.INVALID_JSON,
        FaultKind.MISSING_USAGE,
        FaultKind.EMPTY_CHOICES,
        FaultKind.CONTENT_FILTER_FINISH,
    ):
        provider.add_fault(Fault(fault=fault, count=1))

    invalid, no_usage, no_choices, filtered = (ask(provider, body()) for _ in range(4))
    with pytest.raises(orjson.JSONDecodeError):
        orjson.loads(invalid.content)
    assert "usage" not in no_usage.json()
    assert no_choices.json()["choices"] == []
    assert filtered.json()["choices"][0]["finish_reason"] == "content_filter"
    assert filtered.json()["choices"][0]["message"]["content"] == ""


def test_a_brown_out_multiplies_the_latency(provider: ProviderProcess) -> None:
    provider.add_fault(Fault(fault=FaultKind.SLOW, factor=20))

    started = time.monotonic()
    ask(provider, body())
    assert time.monotonic() - started > 0.95 * 20 * 0.4 * TIME_SCALE


def test_a_caller_who_leaves_before_the_answer_is_charged_all_the_same(provider: ProviderProcess) -> None:
    before = len(provider.invoice())
    provider.add_fault(Fault(fault=FaultKind.SLOW, factor=10))

    with connect(provider) as client:
        client.sendall(raw_request(body()))
        while provider.stats().generating == 0:
            pass
    assert len(provider.invoice()) == before
    provider.wait_until_settled()
    assert len(provider.invoice()) == before + 1
    assert provider.invoice()[-1].reason is ChargeReason.CALLER_LEFT


def test_the_control_api_shows_and_counts_faults_and_refuses_nonsense(provider: ProviderProcess) -> None:
    control = provider.base_url.replace("/v1", "/sandbox")
    provider.add_fault(Fault(model="gpt-4.1", fault=FaultKind.STATUS_503))
    provider.add_fault(Fault(fault=FaultKind.SLOW, factor=1))
    before = provider.stats().models["gpt-4.1"]

    ask(provider, body())
    after = provider.stats().models["gpt-4.1"]
    assert after.calls - before.calls == 1
    assert after.statuses[503] - before.statuses.get(503, 0) == 1
    assert after.faults["status_503"] - before.faults.get("status_503", 0) == 1
    provider.clear_faults("gpt-4.1")
    assert [fault["fault"] for fault in httpx.get(f"{control}/faults").json()["faults"]] == ["slow"]
    assert httpx.post(f"{control}/faults", json={"fault": "meteor"}).status_code == 400
    assert httpx.post(f"{control}/faults", json={"fault": "hang", "model": "gpt-9"}).status_code == 400


def test_the_invoice_is_also_served(provider: ProviderProcess) -> None:
    ask(provider, body())

    served = httpx.get(provider.base_url.replace("/v1", "/sandbox/invoice")).json()
    assert [row["id"] for row in served["rows"]] == [row.id for row in provider.invoice()]
    assert sum(total["cost_nano_usd"] for total in served["totals"].values()) == sum(
        row.cost_nano_usd for row in provider.invoice()
    )


def test_requests_it_cannot_answer_get_a_4xx_and_no_charge(provider: ProviderProcess) -> None:
    before = len(provider.invoice())

    assert ask(provider, body(model="gpt-9")).json()["error"]["code"] == "model_not_found"
    assert ask(provider, b"{}").json()["error"]["param"] == "model"
    assert ask(provider, body(), key="k" * 256).status_code == 400
    assert httpx.get(f"{provider.base_url}/chat/completions").status_code == 404
    with connect(provider) as client:
        client.sendall(b"nonsense\r\n\r\n")
        assert read_until_silent(client).startswith(b"HTTP/1.1 400 ")
    assert len(provider.invoice()) == before


def test_pipelined_requests_are_answered_in_order_though_the_first_is_the_slowest(provider: ProviderProcess) -> None:
    provider.add_fault(Fault(fault=FaultKind.SLOW, count=1))
    with connect(provider) as client:
        client.sendall(raw_request(body("Question 0.")))
        while provider.stats().generating == 0:
            pass
        client.sendall(b"".join(raw_request(body(f"Question {number}.")) for number in range(1, 5)))
        answers = read_answers(client, 5)

    assert all(f"Question {number}.".encode() in answer for number, answer in enumerate(answers))


def test_a_key_used_again_gets_the_same_answer_and_is_charged_once(provider: ProviderProcess) -> None:
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(lambda _: ask(provider, body(), key="once").content, range(4)))
    later = ask(provider, body(), key="once").content

    assert {later, *together} == {later}
    assert [row.idempotency_key for row in provider.invoice()].count("once") == 1


def test_a_key_is_charged_once_though_its_answer_was_lost_on_the_way(provider: ProviderProcess) -> None:
    provider.add_fault(Fault(fault=FaultKind.TRUNCATED_BODY, count=1))
    with pytest.raises(httpx.RemoteProtocolError):
        ask(provider, body(), key="lost")

    answer = ask(provider, body(), key="lost").json()
    assert [row.id for row in provider.invoice() if row.idempotency_key == "lost"] == [answer["id"]]


def test_a_filtered_answer_stays_filtered_under_its_key(provider: ProviderProcess) -> None:
    provider.add_fault(Fault(fault=FaultKind.CONTENT_FILTER_FINISH, count=1))

    first = ask(provider, body(), key="filtered")
    assert first.json()["choices"][0]["finish_reason"] == "content_filter"
    assert ask(provider, body(), key="filtered").content == first.content
    assert provider.invoice()[-1].finish_reason is FinishReason.CONTENT_FILTER


def test_a_key_used_for_another_request_is_refused(provider: ProviderProcess) -> None:
    ask(provider, body(), key="taken")

    assert ask(provider, body("Something else?"), key="taken").status_code == 422


def test_after_sigkill_every_answer_given_is_on_the_invoice_and_keys_still_hold(tmp_path: Path) -> None:
    options = ProviderOptions(tmp_path / "invoice.jsonl", latency_ms=5, limits=False, failures=False)
    with ProviderProcess(options) as provider:
        with connect(provider) as client:
            client.sendall(b"".join(raw_request(body(), f"idempotency-key: k{number}\r\n") for number in range(1000)))
            given = [orjson.loads(answer.partition(b"\r\n")[2]) for answer in read_answers(client, 50)]
            provider.kill()
        rows = {row.id: row for row in provider.invoice()}
        assert 50 <= len(rows) < 1000
        assert {answer["id"] for answer in given} <= set(rows)

        port = provider.options.port
        provider.start()
        assert provider.options.port == port
        again = ask(provider, body(), key="k0").json()
        assert again == given[0]
        assert len(provider.invoice()) == len(rows)


def test_a_closed_listener_refuses_connections_and_comes_back(tmp_path: Path) -> None:
    options = ProviderOptions(tmp_path / "invoice.jsonl", latency_ms=0, limits=False, failures=False)
    with ProviderProcess(options) as provider, connect(provider) as bystander:
        ask(provider, body())
        provider.add_fault(Fault(fault=FaultKind.LISTENER, duration_s=0.5))

        with pytest.raises(ConnectionRefusedError):
            connect(provider)
        with pytest.raises(ConnectionResetError):
            bystander.recv(1)
        time.sleep(0.7)
        assert ask(provider, body()).status_code == 200


def test_the_rate_limit_answers_429_until_its_window_has_moved_on(tmp_path: Path) -> None:
    options = ProviderOptions(tmp_path / "invoice.jsonl", time_scale=TIME_SCALE, latency_ms=0, failures=False)
    limit = REFERENCE_MODELS["claude-sonnet-4.5"].requests_per_minute
    asked = raw_request(body(model="claude-sonnet-4.5"))
    with ProviderProcess(options) as provider:
        with connect(provider) as client:
            client.sendall(asked * (limit + 20))
            answers = read_answers(client, limit + 20)
        limited = ask(provider, body(model="claude-sonnet-4.5"))

        assert [answer[9:12] for answer in answers] == [b"200"] * limit + [b"429"] * 20
        assert limited.status_code == 429
        assert limited.headers["retry-after"] in {"1", "2", "3"}
        wait_s = int(limited.headers["retry-after-ms"]) / 1000
        assert 0 < wait_s <= 60 * TIME_SCALE
        time.sleep(wait_s)
        assert ask(provider, body(model="claude-sonnet-4.5")).status_code == 200


def test_failures_come_at_the_rate_of_the_models_uptime(tmp_path: Path) -> None:
    options = ProviderOptions(tmp_path / "invoice.jsonl", latency_ms=0, limits=False)
    with ProviderProcess(options) as provider:
        with connect(provider) as client:
            client.sendall(raw_request(body(model="claude-sonnet-4.5")) * 3000)
            answers = read_answers(client, 3000)

        failed = sum(answer[9:10] == b"5" for answer in answers)
        assert 10 <= failed <= 40, "0.8 % of 3,000 are 24"
        assert len(provider.invoice()) == 3000 - failed


def test_the_same_seed_gives_the_same_answers_in_another_process(shared: ProviderProcess, tmp_path: Path) -> None:
    with ProviderProcess(ProviderOptions(tmp_path / "invoice.jsonl", latency_ms=0, failures=False)) as other:
        first, second = (ask(provider, body("Twice?"), key="seed").json() for provider in (shared, other))

    assert first["id"] == second["id"]
    assert first["choices"] == second["choices"]


def test_an_api_key_is_checked_once_one_is_set_and_sigterm_ends_in_exit_code_0(tmp_path: Path) -> None:
    options = ProviderOptions(tmp_path / "invoice.jsonl", latency_ms=0, failures=False, api_key="sesame")
    with ProviderProcess(options) as provider:
        assert ask(provider, body(), bearer="sesame").status_code == 200
        wrong = ask(provider, body(), bearer="thyme")
        assert (wrong.status_code, wrong.json()["error"]["code"]) == (401, "invalid_api_key")
        process = provider._process
        provider.stop()

    assert process is not None
    assert process.returncode == 0


def test_a_second_provider_on_the_same_invoice_does_not_start_and_says_why(shared: ProviderProcess) -> None:
    with pytest.raises(ProviderDidNotStart, match="in use by another provider"):
        ProviderProcess(ProviderOptions(shared.options.invoice)).start()
