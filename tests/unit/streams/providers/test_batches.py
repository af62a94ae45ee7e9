"""What is asked of batch APIs, and how their replies are taken, against a transport that answers from a script."""

from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal

import httpx
import orjson
import pytest
from pydantic import SecretStr

from router.batches.batch import (
    BatchCallFailed,
    BatchHandle,
    BatchInput,
    BatchQueue,
    BatchRefusal,
    BatchSearch,
    BatchState,
)
from router.batches.line import BatchLine, LineEnd
from router.catalogue import BatchTerms, Price
from router.dialects.wire import BatchForm, DialectName, Wire
from schemas.requests import Request
from schemas.vocabulary import AttemptOutcome
from streams.batch_port import BatchProvider
from streams.providers.batches import HttpBatches
from streams.providers.endpoints import Endpoint
from tests.stage import ALPHA

KEY = "sk-turnout-secret-0123456789"
NOW_S = 1_800_000_000.0


@dataclass
class Asked:
    method: str
    url: httpx.URL
    headers: httpx.Headers
    body: bytes


@dataclass
class Script(httpx.AsyncBaseTransport):
    """Answers what was scripted, in that order; a body in pieces, and an error in their place is raised there."""

    replies: list[httpx.Response | httpx.RequestError]
    asked: list[Asked] = field(default_factory=list)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        assert isinstance(request.stream, httpx.AsyncByteStream)
        body = b"".join([piece async for piece in request.stream])
        self.asked.append(Asked(request.method, request.url, request.headers, body))
        reply = self.replies.pop(0)
        if isinstance(reply, httpx.RequestError):
            raise reply
        return reply


class Pieces(httpx.AsyncByteStream):
    def __init__(self, *pieces: bytes | Exception) -> None:
        self._pieces = pieces
        self.is_closed = False

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for piece in self._pieces:
            if isinstance(piece, Exception):
                raise piece
            yield piece

    async def aclose(self) -> None:
        self.is_closed = True


def json(value: object, status: int = 200, headers: Mapping[str, str] | None = None) -> httpx.Response:
    return httpx.Response(status, headers=headers, stream=Pieces(orjson.dumps(value)))


def queue(form: BatchForm, dialect: DialectName, account: str | None = None) -> BatchQueue:
    price = Price(Decimal(1), Decimal(2))
    terms = BatchTerms(form, price, 86_400, 10, 1_000_000)
    return BatchQueue(replace(ALPHA, batch=terms, wire=Wire(dialect), upstream_model="up"), account)


OPENAI = queue(BatchForm.OPENAI, DialectName.CHAT)
AZURE = queue(BatchForm.AZURE, DialectName.AZURE)
CLAUDE = queue(BatchForm.ANTHROPIC, DialectName.ANTHROPIC)
GEMINI = queue(BatchForm.GEMINI, DialectName.GEMINI)
BASES = {
    DialectName.CHAT: "https://host/v1",
    DialectName.AZURE: "https://host",
    DialectName.ANTHROPIC: "https://host/v1",
    DialectName.GEMINI: "https://host/v1beta",
}


def provider(of: BatchQueue, *replies: httpx.Response | httpx.RequestError) -> tuple[HttpBatches, Script]:
    script = Script(list(replies))
    version = "2024-10-21" if of is AZURE else None
    endpoint = Endpoint(
        BASES[of.model.wire.dialect],
        SecretStr(KEY),
        dialect=of.model.wire.dialect,
        api_version=version,
        account_keys={"a": SecretStr("sk-of-account-a-0123456789")},
    )
    batches = HttpBatches(script, {of.model.provider_name: endpoint}, lambda: NOW_S, longest_line=2000)
    _port: BatchProvider = batches  # it is one
    return batches, script


def batch(of: BatchQueue, count: int = 3) -> BatchInput:
    made = [provider(of)[0].line(of, f"r{number}", Request(prompt="Hi?"), 9) for number in range(count)]

    async def lines() -> AsyncIterator[bytes]:
        for line in made:
            yield line

    return BatchInput(lines, count, sum(map(len, made)))


def search(
    since_s: float = NOW_S - 60, known: frozenset[str] = frozenset(), claimed: frozenset[str] = frozenset()
) -> BatchSearch:
    return BatchSearch("ours-1", since_s, 3, known, claimed)


async def test_openais_file_is_uploaded_as_a_form_of_the_size_that_it_says() -> None:
    batches, script = provider(OPENAI, json({"id": "file-1", "object": "file"}))
    assert await batches.upload(OPENAI, "ours-1", batch(OPENAI)) == "file-1"
    (asked,) = script.asked
    assert (asked.method, str(asked.url)) == ("POST", "https://host/v1/files")
    assert asked.headers["authorization"] == f"Bearer {KEY}"
    assert asked.headers["content-type"].startswith("multipart/form-data; boundary=")
    assert asked.headers["content-length"] == str(len(asked.body))
    assert b'filename="ours-1.jsonl"' in asked.body
    assert asked.body.count(b'"custom_id":"r') == 3


async def test_the_keys_of_accounts_are_used() -> None:
    of = replace(OPENAI, account="a")
    batches, script = provider(OPENAI, json({"id": "file-1"}))
    await batches.upload(of, "ours-1", batch(of))
    assert script.asked[0].headers["authorization"] == "Bearer sk-of-account-a-0123456789"


async def test_azures_paths_have_the_version() -> None:
    batches, script = provider(AZURE, json({"id": "file-1"}), json({"id": "b-1"}))
    file_id = await batches.upload(AZURE, "ours-1", batch(AZURE))
    assert await batches.create(AZURE, "ours-1", file_id, batch(AZURE)) == BatchHandle("b-1")
    assert [str(asked.url) for asked in script.asked] == [
        "https://host/openai/files?api-version=2024-10-21",
        "https://host/openai/batches?api-version=2024-10-21",
    ]
    assert script.asked[0].headers["api-key"] == KEY
    assert orjson.loads(script.asked[1].body)["endpoint"] == "/chat/completions"


async def test_claudes_lines_go_with_the_creation() -> None:
    batches, script = provider(CLAUDE, json({"id": "msgbatch_1"}))
    assert await batches.upload(CLAUDE, "ours-1", batch(CLAUDE)) is None
    assert await batches.find_upload(CLAUDE, search()) is None
    assert await batches.create(CLAUDE, "ours-1", None, batch(CLAUDE)) == BatchHandle("msgbatch_1")
    (asked,) = script.asked
    assert str(asked.url) == "https://host/v1/messages/batches"
    assert (asked.headers["x-api-key"], asked.headers["anthropic-version"]) == (KEY, "2023-06-01")
    assert asked.headers["content-length"] == str(len(asked.body))
    assert [one["custom_id"] for one in orjson.loads(asked.body)["requests"]] == ["r0", "r1", "r2"]


async def test_googles_file_goes_where_it_says_and_the_key_does_not() -> None:
    address = {"x-goog-upload-url": "https://elsewhere/upload?upload_id=7"}
    batches, script = provider(GEMINI, json({}, headers=address), json({"file": {"name": "files/1"}}))
    assert await batches.upload(GEMINI, "ours-1", batch(GEMINI)) == "files/1"
    start, whole = script.asked
    assert str(start.url) == "https://host/upload/v1beta/files"
    assert start.headers["x-goog-api-key"] == KEY
    assert start.headers["x-goog-upload-header-content-length"] == str(len(whole.body))
    assert orjson.loads(start.body) == {"file": {"displayName": "ours-1"}}
    assert str(whole.url) == "https://elsewhere/upload?upload_id=7"
    assert whole.headers["x-goog-upload-command"] == "upload, finalize"
    assert KEY not in str(whole.headers)


@pytest.mark.parametrize("address", [{}, {"x-goog-upload-url": "http://elsewhere/upload"}])
async def test_a_file_is_not_sent_nowhere_or_in_the_clear(address: dict[str, str]) -> None:
    batches, script = provider(GEMINI, json({}, headers=address))
    with pytest.raises(BatchCallFailed, match="no address to upload to"):
        await batches.upload(GEMINI, "ours-1", batch(GEMINI))
    assert len(script.asked) == 1


async def test_what_cannot_be_read_of_the_lines_is_the_callers_error() -> None:
    async def broken() -> AsyncIterator[bytes]:
        yield b"{}\n"
        raise OSError("the log is away")

    class Wrapping(Script):
        async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
            try:
                return await super().handle_async_request(request)
            except OSError:
                raise httpx.ReadError("broken", request=request) from None

    batches, script = provider(OPENAI)
    batches._transport = Wrapping(script.replies)
    with pytest.raises(OSError, match="the log is away"):
        await batches.upload(OPENAI, "ours-1", BatchInput(broken, 2, 30))


@pytest.mark.parametrize(
    ("reply", "outcome", "refusal", "may"),
    [
        (json({"error": {"message": "slow down"}}, 429), AttemptOutcome.RATE_LIMITED, BatchRefusal.QUEUE_FULL, False),
        (json({"error": {"message": "no"}}, 400), AttemptOutcome.INVALID_REQUEST, BatchRefusal.INVALID, False),
        (json({"error": {"message": "big"}}, 413), AttemptOutcome.CONTEXT_TOO_LONG, BatchRefusal.TOO_LARGE, False),
        (json({"error": {"message": "key"}}, 401), AttemptOutcome.AUTHENTICATION, None, False),
        (json({"error": {"message": "oops"}}, 500), AttemptOutcome.UNAVAILABLE, None, True),
        (json({"object": "batch"}), AttemptOutcome.MALFORMED, None, True),
        (json([1]), AttemptOutcome.MALFORMED, None, True),
        (httpx.ReadTimeout("late"), AttemptOutcome.TIMEOUT, None, True),
        (httpx.ConnectError("gone"), AttemptOutcome.UNREACHABLE, None, False),
        (httpx.ReadError("cut"), AttemptOutcome.DISCONNECTED, None, True),
    ],
)
async def test_a_creation_that_fails_says_whether_it_may_have_happened(
    reply: httpx.Response | httpx.RequestError, outcome: AttemptOutcome, refusal: BatchRefusal | None, *, may: bool
) -> None:
    batches, _ = provider(OPENAI, reply)
    with pytest.raises(BatchCallFailed) as error:
        await batches.create(OPENAI, "ours-1", "file-1", batch(OPENAI))
    found = error.value
    assert (found.failure.category, found.refusal, found.may_have_happened) == (outcome, refusal, may)


async def test_a_429_says_when_to_come_back_and_no_error_repeats_a_key() -> None:
    reply = json({"error": {"message": f"{KEY} is used too much"}}, 429, {"retry-after": "7"})
    batches, _ = provider(OPENAI, reply)
    with pytest.raises(BatchCallFailed) as error:
        await batches.upload(OPENAI, "ours-1", batch(OPENAI))
    assert error.value.failure.retry_after_s == 7
    assert KEY not in str(error.value)


async def test_a_batch_is_found_by_our_id_on_whichever_page() -> None:
    first = {"data": [{"id": "b-9", "created_at": NOW_S}], "has_more": True, "last_id": "b-9"}
    second = {"data": [{"id": "b-1", "created_at": NOW_S - 1, "metadata": {"turnout_batch": "ours-1"}}]}
    batches, script = provider(OPENAI, json(first), json(second))
    assert await batches.find(OPENAI, search()) == BatchHandle("b-1")
    assert dict(script.asked[1].url.params) == {"limit": "100", "after": "b-9"}


async def test_a_list_is_not_read_beyond_the_moment_before_which_it_cannot_be() -> None:
    page = {"data": [{"id": "b-9", "created_at": NOW_S - 61}], "has_more": True, "last_id": "b-9"}
    batches, script = provider(OPENAI, json(page))
    assert await batches.find(OPENAI, search()) is None
    assert len(script.asked) == 1


async def test_a_list_in_no_order_is_read_to_its_end() -> None:
    old = {"name": "batches/1", "metadata": {"displayName": "other", "createTime": "2020-01-01T00:00:00Z"}}
    ours = {"name": "batches/2", "metadata": {"displayName": "ours-1", "createTime": "2027-01-15T08:00:00Z"}}
    batches, _ = provider(GEMINI, json({"operations": [old], "nextPageToken": "2"}), json({"operations": [ours]}))
    assert await batches.find(GEMINI, search()) == BatchHandle("batches/2")


async def test_a_batch_without_a_name_is_found_by_its_size_and_time_and_is_not_certain() -> None:
    counts = {"processing": 3, "succeeded": 0, "errored": 0, "canceled": 0, "expired": 0}
    fits = {"created_at": "2027-01-15T08:00:00Z", "request_counts": counts}
    page = {
        "data": [
            {**fits, "id": "other-size", "request_counts": {**counts, "processing": 4}},
            {**fits, "id": "known"},
            {**fits, "id": "ours"},
            {**fits, "id": "too-old", "created_at": "2027-01-15T07:00:00Z"},
        ]
    }
    batches, _ = provider(CLAUDE, json(page))
    handle = await batches.find(CLAUDE, search(known=frozenset({"known"})))
    assert handle == BatchHandle("ours", is_certain=False)
    assert handle is not None
    with pytest.raises(ValueError, match="is not cancelled"):
        await batches.cancel(CLAUDE, handle)


async def test_a_batch_that_another_of_ours_may_be_is_found_only_if_there_is_no_other() -> None:
    fits = {"created_at": "2027-01-15T08:00:00Z", "request_counts": {"processing": 3}}
    page = {"data": [{**fits, "id": "newest"}, {**fits, "id": "newer"}, {**fits, "id": "first"}]}
    for claimed, found in ((["newest"], "newer"), (["newest", "newer", "first"], "newest")):
        batches, _ = provider(CLAUDE, json(page))
        assert await batches.find(CLAUDE, search(claimed=frozenset(claimed))) == BatchHandle(found, is_certain=False)
    batches, _ = provider(CLAUDE, json(page))
    everything = frozenset({"newest", "newer", "first"})
    assert await batches.find(CLAUDE, search(known=everything, claimed=everything)) is None


async def test_an_upload_is_found_by_its_name() -> None:
    files = {
        "data": [{"id": "f-2", "filename": "x.jsonl", "created_at": NOW_S}, {"id": "f-1", "filename": "ours-1.jsonl"}]
    }
    batches, _ = provider(OPENAI, json(files))
    assert await batches.find_upload(OPENAI, search()) == "f-1"
    batches, _ = provider(GEMINI, json({"files": [{"name": "files/1", "displayName": "ours-1"}]}))
    assert await batches.find_upload(GEMINI, search()) == "files/1"


async def test_what_is_said_of_a_batch_is_shortened_and_holds_no_key() -> None:
    errors = {"data": [{"code": "token_limit_exceeded", "message": f"{KEY} {'x' * 1000}"}]}
    batches, _ = provider(OPENAI, json({"id": "b", "status": "failed", "errors": errors}))
    status = await batches.status(OPENAI, BatchHandle("b"))
    assert (status.state, status.refusal) == (BatchState.FAILED, BatchRefusal.QUEUE_FULL)
    assert KEY not in status.detail
    assert len(status.detail) == 500


async def test_a_state_that_is_not_known_is_told() -> None:
    batches, _ = provider(OPENAI, json({"id": "b", "status": "dreaming"}))
    with pytest.raises(BatchCallFailed, match="no state of the batch that is known"):
        await batches.status(OPENAI, BatchHandle("b"))


def result(name: str) -> bytes:
    choice = {"index": 0, "message": {"content": "Hi."}, "finish_reason": "stop"}
    usage = {"prompt_tokens": 10, "completion_tokens": 2, "total_tokens": 12}
    body = {"id": "c", "choices": [choice], "usage": usage}
    return orjson.dumps({"custom_id": name, "response": {"status_code": 200, "body": body}, "error": None}) + b"\n"


DONE = {"id": "b", "status": "completed", "output_file_id": "out", "error_file_id": "err"}
EXPIRED = orjson.dumps({"custom_id": "r9", "error": {"code": "batch_expired"}})


async def read(batches: HttpBatches, of: BatchQueue, after: int = 0) -> list[BatchLine]:
    return [line async for line in batches.results(of, BatchHandle("b"), after)]


async def test_results_are_read_from_both_files_and_may_be_gone_on_with() -> None:
    def script() -> tuple[httpx.Response, ...]:
        out = httpx.Response(200, stream=Pieces(result("r1")[:50], result("r1")[50:] + result("r2")))
        return json(DONE), out, httpx.Response(200, stream=Pieces(EXPIRED))

    batches, asked = provider(OPENAI, *script())
    lines = await read(batches, OPENAI)
    assert [(line.number, line.custom_id, line.end) for line in lines] == [
        (1, "r1", LineEnd.ANSWERED),
        (2, "r2", LineEnd.ANSWERED),
        (3, "r9", LineEnd.EXPIRED),
    ]
    assert [asked.url.path for asked in asked.asked] == [
        "/v1/batches/b",
        "/v1/files/out/content",
        "/v1/files/err/content",
    ]
    batches, _ = provider(OPENAI, *script())
    assert await read(batches, OPENAI, after=2) == lines[2:]


async def test_results_in_any_order_are_read_from_the_beginning() -> None:
    lines = b"".join(orjson.dumps({"custom_id": name, "result": {"type": "expired"}}) + b"\n" for name in ("r1", "r2"))
    batches, _ = provider(CLAUDE, json({"processing_status": "ended"}), httpx.Response(200, stream=Pieces(lines)))
    assert [line.custom_id for line in await read(batches, CLAUDE, after=1)] == ["r1", "r2"]


async def test_one_broken_line_does_not_cost_the_others() -> None:
    whole = result("r1") + b'{"custom_id": "r2", "respo\n' + b'{"custom_id": "r3' + b"x" * 3000 + b'"}\n' + result("r4")
    batches, _ = provider(OPENAI, json({**DONE, "error_file_id": None}), httpx.Response(200, stream=Pieces(whole)))
    assert [(line.custom_id, line.end) for line in await read(batches, OPENAI)] == [
        ("r1", LineEnd.ANSWERED),
        ("r2", LineEnd.UNREADABLE),
        (None, LineEnd.UNREADABLE),
        ("r4", LineEnd.ANSWERED),
    ]


async def begun(make: Callable[[], httpx.Response]) -> tuple[list[BatchLine], BatchCallFailed]:
    """Return the lines that were read before it failed, and how."""
    batches, _ = provider(OPENAI, json(DONE), make())
    lines: list[BatchLine] = []

    async def go_on() -> None:
        async for line in batches.results(OPENAI, BatchHandle("b")):
            lines.append(line)  # noqa: PERF401 - those before the error are wanted

    with pytest.raises(BatchCallFailed) as error:
        await go_on()
    return lines, error.value


async def test_results_that_break_off_are_valid_so_far() -> None:
    lines, error = await begun(lambda: httpx.Response(200, stream=Pieces(result("r1"), httpx.ReadError("cut"))))
    assert [line.custom_id for line in lines] == ["r1"]
    assert error.failure.category is AttemptOutcome.DISCONNECTED


async def test_half_a_line_at_the_end_is_a_download_that_broke_off() -> None:
    lines, error = await begun(lambda: httpx.Response(200, stream=Pieces(result("r1") + result("r2")[:40])))
    assert [line.custom_id for line in lines] == ["r1"]
    assert error.failure.detail == "the results break off in a line"


async def test_results_that_are_refused_say_why() -> None:
    lines, error = await begun(lambda: json({"error": {"message": "No such File object", "code": None}}, 404))
    assert (lines, error.failure.status_code) == ([], 404)
    assert "No such File object" in error.failure.detail


async def test_whoever_stops_reading_leaves_the_rest() -> None:
    body = Pieces(result("r1"), result("r2"), RuntimeError("read on"))
    batches, _ = provider(OPENAI, json(DONE), httpx.Response(200, stream=body))
    lines = batches.results(OPENAI, BatchHandle("b"))
    assert (await anext(lines)).custom_id == "r1"
    await lines.aclose()
    assert body.is_closed


@pytest.mark.parametrize("status", ["completed", "cancelled"])
async def test_a_cancellation_that_comes_too_late_is_none(status: str) -> None:
    refused = json({"error": {"message": "cannot cancel"}}, 409)
    batches, _ = provider(OPENAI, refused, json({"id": "b", "status": status}))
    await batches.cancel(OPENAI, BatchHandle("b"))


async def test_a_cancellation_that_is_refused_is_told() -> None:
    batches, _ = provider(OPENAI, json({"error": {"message": "no"}}, 400), json({"id": "b", "status": "in_progress"}))
    with pytest.raises(BatchCallFailed):
        await batches.cancel(OPENAI, BatchHandle("b"))


@pytest.mark.parametrize("status", [200, 204, 404, 410])
async def test_what_is_deleted_or_gone_is_deleted(status: int) -> None:
    batches, script = provider(OPENAI, json({"id": "file-1", "deleted": True}, status))
    await batches.delete(OPENAI, "file-1")
    assert (script.asked[0].method, script.asked[0].url.path) == ("DELETE", "/v1/files/file-1")


@pytest.mark.parametrize("status", [401, 409, 429, 500])
async def test_a_deletion_that_is_refused_is_told(status: int) -> None:
    batches, _ = provider(OPENAI, json({"error": {"message": "no"}}, status))
    with pytest.raises(BatchCallFailed):
        await batches.delete(OPENAI, "file-1")


async def test_a_key_that_is_replaced_is_used_from_then_on() -> None:
    batches, script = provider(OPENAI, json({"id": "f"}), json({"id": "f"}))
    await batches.upload(OPENAI, "ours-1", batch(OPENAI))
    batches.renew({OPENAI.model.provider_name: Endpoint("https://host/v1", SecretStr("sk-new-0123456789abcdef"))})
    await batches.upload(OPENAI, "ours-1", batch(OPENAI))
    assert script.asked[1].headers["authorization"] == "Bearer sk-new-0123456789abcdef"
