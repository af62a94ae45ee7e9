"""The transport against sockets that behave like the world's: what stands around a response, and what is none."""

import asyncio
import contextlib
import socket
import ssl
import subprocess
import tracemalloc
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import aiohttp
import httpx
import orjson
import pytest
from yarl import URL

from router.cost import call_started
from router.errors import Answer, Next, UpstreamFailure
from router.request.session import Call
from router.route import Candidate, Estimate, Route
from schemas.requests import Request
from schemas.vocabulary import AttemptOutcome, Task, Tier
from streams.providers.endpoints import Endpoint
from streams.providers.exchange import Outgoing
from streams.providers.http_provider import HttpProvider
from streams.providers.transport import AiohttpTransport
from tests.stage import ALPHA, NOW_S, ONE, make_job

BODY = orjson.dumps(
    {
        "id": "x1",
        "model": "alpha-2026",
        "choices": [{"index": 0, "message": {"role": "assistant", "content": "an answer"}, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 100, "completion_tokens": 10, "total_tokens": 110},
    }
)
Serve = Callable[[asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def served(serve: Serve, tls: ssl.SSLContext | None = None) -> AsyncIterator[int]:
    """Listen on loopback; `serve` writes the response to each request. Gives the port."""

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            length = 0
            while line := (await reader.readline()).strip():
                name, _, value = line.partition(b":")
                length = int(value) if name.lower() == b"content-length" else length
            await reader.readexactly(length)
            await serve(writer)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(handle, "127.0.0.1", 0, ssl=tls)
    async with server:
        yield server.sockets[0].getsockname()[1]


def response(body: bytes = BODY, head: str = "content-type: application/json", status: str = "200 OK") -> Serve:
    async def serve(writer: asyncio.StreamWriter) -> None:
        writer.write(f"HTTP/1.1 {status}\r\ncontent-length: {len(body)}\r\n{head}\r\n\r\n".encode() + body)
        await writer.drain()

    return serve


async def called(base_url: str, timeout_s: float = 5.0, max_body_bytes: int = 1_000_000) -> Answer | UpstreamFailure:
    candidate = Candidate(ALPHA, "the test's", Estimate(20, 100), Decimal("0.001"), 100)
    started = call_started(make_job(), Route(Task.MATH, Tier.FAST, "the test's"), candidate, 1, ONE, NOW_S)
    call = Call(replace(ALPHA, name="gpt-4.1", timeout_s=5.0), started, 100, timeout_s)
    async with AiohttpTransport(max_body_bytes) as transport:
        provider = HttpProvider(transport, {ALPHA.provider_name: Endpoint(base_url, None)}, lambda: NOW_S)
        return await provider.call(Request(prompt="What is 1 + 1?"), call, {})


async def outcome(serve: Serve, **options: float) -> Answer | UpstreamFailure:
    async with served(serve) as port:
        return await called(f"http://127.0.0.1:{port}/v1", **options)  # type: ignore[arg-type]


def failed(result: Answer | UpstreamFailure) -> UpstreamFailure:
    assert isinstance(result, UpstreamFailure), result
    return result


@pytest.mark.parametrize("size", [9_000, 60_000])
async def test_a_paid_answer_is_not_lost_behind_a_long_header(size: int) -> None:
    # aio-libs/aiohttp#2304, aio-libs/aiohttp#5603
    result = await outcome(response(head=f"content-security-policy: {'x' * size}"))
    assert isinstance(result, Answer), result


async def test_a_paid_answer_is_not_lost_behind_many_headers() -> None:
    result = await outcome(response(head="\r\n".join(f"set-cookie: c{number}=1" for number in range(300))))
    assert isinstance(result, Answer), result


async def test_a_header_without_end_is_no_http_and_is_not_asked_for_again_there() -> None:
    failure = failed(await outcome(response(head=f"x: {'x' * 100_000}")))
    assert (failure.category, failure.maybe_charged) == (AttemptOutcome.MALFORMED, True)
    assert failure.disposition.next is Next.LEAVE_MODEL
    assert failure.detail.startswith("the response is no HTTP: ")


async def test_what_is_no_http_says_so() -> None:
    async def serve(writer: asyncio.StreamWriter) -> None:
        writer.write(b"SSH-2.0-OpenSSH_9.6\r\n\r\n")
        await writer.drain()

    failure = failed(await outcome(serve))
    assert failure.category is AttemptOutcome.MALFORMED
    assert failure.detail.startswith("the response is no HTTP: ")


@pytest.mark.parametrize("told", [True, False])
async def test_a_body_without_end_is_read_up_to_the_bound(*, told: bool) -> None:
    async def serve(writer: asyncio.StreamWriter) -> None:
        head = "content-length: 400000000" if told else "connection: close"
        writer.write(f"HTTP/1.1 200 OK\r\n{head}\r\n\r\n".encode())
        for _ in range(400):
            writer.write(b"y" * 1_000_000)
            await writer.drain()

    tracemalloc.start()
    failure = failed(await outcome(serve))
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert (failure.category, failure.maybe_charged) == (AttemptOutcome.ANSWER_TOO_LARGE, True)
    assert failure.detail.startswith("the body is larger than the 1000000 bytes that are read; ask for less")
    assert most < 20_000_000


async def test_an_error_without_end_is_the_error_that_it_begins_as() -> None:
    failure = failed(await outcome(response(b"<html><title>Sorry</title>" + b"y" * 2_000_000, status="503 No")))
    assert (failure.category, failure.maybe_charged) == (AttemptOutcome.UNAVAILABLE, True)
    assert failure.detail == "HTTP 503: an HTML page: Sorry"


async def test_a_refused_connection_says_so() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        failure = failed(await called(f"http://127.0.0.1:{taken.getsockname()[1]}/v1"))
    assert (failure.category, failure.maybe_charged) == (AttemptOutcome.UNREACHABLE, False)
    assert failure.detail == "no connection: connection refused"


async def test_an_unknown_host_says_that_its_name_is_not_known() -> None:
    failure = failed(await called("http://no-such-host.invalid/v1"))  # RFC 6761: never resolves
    assert (failure.category, failure.maybe_charged) == (AttemptOutcome.UNREACHABLE, False)
    assert failure.detail == "no connection: the host's name is not known (DNS)"


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate that nobody vouches for, with its key."""
    path = tmp_path_factory.mktemp("tls") / "self.pem"
    subject = ("-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1")
    command = ("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1", *subject)
    subprocess.run([*command, "-keyout", path, "-out", path.with_suffix(".crt")], check=True, capture_output=True)
    path.write_bytes(path.read_bytes() + path.with_suffix(".crt").read_bytes())
    return path


async def test_a_certificate_of_an_unknown_authority_says_certificate(certificate: Path) -> None:
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(certificate)
    async with served(response(), tls) as port:
        failure = failed(await called(f"https://127.0.0.1:{port}/v1"))
    assert (failure.category, failure.maybe_charged) == (AttemptOutcome.UNREACHABLE, False)
    assert failure.detail.startswith("no connection: the provider's certificate is not trusted: self")


async def test_tls_where_there_is_none_says_tls() -> None:
    async def greet(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        writer.close()

    async with await asyncio.start_server(greet, "127.0.0.1", 0) as server:
        failure = failed(await called(f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1"))
    assert failure.category is AttemptOutcome.UNREACHABLE
    assert failure.detail.startswith("no connection: TLS fails")


async def test_a_connection_that_is_closed_without_a_response_says_so() -> None:
    async def serve(_writer: asyncio.StreamWriter) -> None:
        pass

    failure = failed(await outcome(serve))
    assert (failure.category, failure.maybe_charged) == (AttemptOutcome.DISCONNECTED, True)
    assert failure.detail == "the provider closed the connection without a response"


async def test_a_body_that_breaks_off_says_so() -> None:
    async def serve(writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n" + BODY[:50])
        await writer.drain()

    failure = failed(await outcome(serve))
    assert (failure.category, failure.maybe_charged) == (AttemptOutcome.DISCONNECTED, True)
    assert failure.detail == "the response breaks off in its body"


async def test_a_redirect_is_not_followed_and_says_where_it_leads() -> None:
    failure = failed(await outcome(response(b"", "location: https://x.example/v1", "307 Temporary Redirect")))
    assert failure.detail == "HTTP 307: it redirects to https://x.example/v1; base_url is to be mended"


async def test_a_timeout_knows_whose_time_ran_out() -> None:
    async def serve(_writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(30)

    cut = failed(await outcome(serve, timeout_s=0.06))
    assert (cut.category, cut.is_cut_short) == (AttemptOutcome.TIMEOUT, True)
    assert cut.detail == "no whole answer in 0.06 s, all that the request's deadline left"


@pytest.mark.parametrize("body", [b"{}", b"x" * 200_000], ids=["small", "large"])
@pytest.mark.parametrize(
    "headers",
    [
        (("content-type", "application/json"), ("accept", "application/json"), ("accept-encoding", "identity")),
        (("Authorization", "Bearer k\u00e9y"), ("x-twice", "1"), ("x-twice", "2")),
    ],
    ids=["a call's", "few"],
)
async def test_a_call_is_sent_byte_for_byte_as_aiohttp_sends_it(
    headers: tuple[tuple[str, str], ...], body: bytes
) -> None:
    sent: list[bytes] = []

    async def keep(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        sent.append(head + await reader.readexactly(len(body)))
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n")
        writer.close()

    async with await asyncio.start_server(keep, "127.0.0.1", 0) as server, AiohttpTransport() as transport:
        url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1/a%2Fb?c=%20d"
        for standing in range(2):  # the first of them may stand for all calls
            own = headers[standing:]
            await transport.exchange(Outgoing("POST", url, own, body, 5.0, dict(headers[:standing])))
        async with (
            aiohttp.ClientSession() as session,
            session.post(URL(url, encoded=True), headers=headers, data=body, skip_auto_headers=["content-type"]),
        ):
            pass
    *ours, theirs = sent
    assert ours == [theirs, theirs]


async def test_a_header_cannot_begin_another_one() -> None:
    async with AiohttpTransport() as transport:
        for value in ("a\r\nb: c", "a\nb", "a\0b"):
            with pytest.raises(ValueError, match="line break"):
                await transport.exchange(Outgoing("POST", "http://127.0.0.1:9/v1", (("a", value),), b"", 1.0))


async def test_what_comes_before_the_response_is_passed_over() -> None:
    async def serve(writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n")
        await response()(writer)

    assert isinstance(await outcome(serve), Answer)


async def test_connections_are_kept_and_used_again() -> None:
    opened = 0

    async def keep(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal opened
        opened += 1
        with contextlib.suppress(asyncio.IncompleteReadError):
            while True:
                await reader.readuntil(b"\r\n\r\n")
                writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}")
        writer.close()

    async with await asyncio.start_server(keep, "127.0.0.1", 0) as server, AiohttpTransport() as transport:
        url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1"
        for _ in range(3):
            assert (await transport.exchange(Outgoing("POST", url, (), b"", 5.0))).content == b"{}"
        assert opened == 1
        with pytest.raises(httpx.ReadTimeout):
            await transport.exchange(Outgoing("POST", url, (), b"x" * 10, 0.0))
