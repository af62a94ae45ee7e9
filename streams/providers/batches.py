"""Providers' batches over HTTP, each in its vendor's API (`router.batches.apis`). Calls, no pauses and no retries."""

import zlib
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass, replace
from http import HTTPStatus

import httpx
import orjson

from router.batches.api import Ask, BatchApi, Page, Upload, Verb
from router.batches.apis import batch_api_of, endpoint_of, request_line
from router.batches.batch import (
    BatchCallFailed,
    BatchHandle,
    BatchInput,
    BatchQueue,
    BatchRefusal,
    BatchSearch,
    BatchStatus,
)
from router.batches.line import BatchLine
from router.batches.openai_files import FILE_SUFFIX
from router.errors import UpstreamFailure
from schemas.requests import JsonObject, Request
from schemas.vocabulary import AttemptOutcome
from streams.providers.batch_bodies import StreamedBody, as_form, as_list
from streams.providers.batch_lines import BatchLineReader
from streams.providers.endpoints import Endpoint, keys_of
from streams.providers.error_table import is_success
from streams.providers.exchange import Reply
from streams.providers.line_stream import inflated, lines_of
from streams.providers.secrets import Scrubber
from streams.providers.targets import Target, target_of
from streams.providers.transport import MAX_BODY_BYTES

ASK_S = 60.0
"""The longest time of a call without lines, in seconds; lists may be long."""
SLOWEST_BYTES_PER_S = 100_000
"""An upload that is slower, over its whole length, is given up."""
IDLE_S = 120.0
"""Results that bring nothing for so long are given up."""
MOST_PAGES = 1000
"""Of a list that is looked through; with more, nothing is certain."""
_NO_QUERY: Mapping[str, str] = {}
_REFUSED: Mapping[int, BatchRefusal] = {
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: BatchRefusal.TOO_LARGE,
    HTTPStatus.TOO_MANY_REQUESTS: BatchRefusal.QUEUE_FULL,
    HTTPStatus.BAD_REQUEST: BatchRefusal.INVALID,
    HTTPStatus.NOT_FOUND: BatchRefusal.INVALID,
    HTTPStatus.UNPROCESSABLE_ENTITY: BatchRefusal.INVALID,
}
_CONFLICTS = (HTTPStatus.BAD_REQUEST, HTTPStatus.CONFLICT, HTTPStatus.NOT_FOUND)
"""What a cancellation is answered with that comes too late."""
_GONE = (HTTPStatus.NOT_FOUND, HTTPStatus.GONE)


@dataclass(frozen=True, slots=True)
class _Reach:
    """How the batches of one queue are reached."""

    endpoint: Endpoint
    target: Target
    api: BatchApi
    lines: BatchLineReader

    def url(self, ask: Ask) -> httpx.URL:
        """Return the address of a call; its root stands before the last segment of the base's path."""
        base = self.endpoint.base_url
        if ask.root:
            before, _, last = base.rpartition("/")
            base = f"{before}/{ask.root}/{last}"
        version = {} if self.endpoint.api_version is None else {"api-version": self.endpoint.api_version}
        return httpx.URL(f"{base}{ask.path}").copy_merge_params({**ask.query, **version})


class HttpBatches:
    """The batches of a catalogue's providers behind one transport; `streams.batch_port.BatchProvider`."""

    def __init__(
        self,
        transport: httpx.AsyncBaseTransport,
        endpoints: Mapping[str, Endpoint],
        clock: Callable[[], float],
        longest_line: int = MAX_BODY_BYTES,
    ) -> None:
        self._transport = transport
        self._endpoints = endpoints
        self._clock = clock
        self._longest_line = longest_line
        self._scrub = Scrubber(keys_of(endpoints))
        self._reached: dict[tuple[str, str | None], _Reach] = {}

    def renew(self, endpoints: Mapping[str, Endpoint]) -> None:
        """Use these from the next call on: a key may have been replaced."""
        self._endpoints = endpoints
        self._reached.clear()
        self._scrub.learn(keys_of(endpoints))

    def line(self, queue: BatchQueue, custom_id: str, request: Request, max_tokens: int) -> bytes:
        """Return a request as a line of a batch, with its line feed. Raises Untranslatable."""
        return request_line(queue.model, custom_id, request, max_tokens)

    async def upload(self, queue: BatchQueue, our_id: str, batch: BatchInput) -> str | None:
        """Send the lines as a file named by our id; None: there are no files here."""
        reach = self._reach(queue)
        if (files := reach.api.by_files) is None:
            return None
        match files.upload:
            case Upload.MULTIPART:
                body, kind = as_form(batch.lines, batch.size_bytes, f"{our_id}{FILE_SUFFIX}")
                url, headers = reach.url(files.upload_to()), {**reach.target.headers, "content-type": kind}
            case Upload.RESUMABLE:
                body = StreamedBody(batch.lines, batch.size_bytes)
                # the address proves the upload by itself, and may be another host's: no key goes there
                url = await self._upload_address(reach, files.upload_to(), our_id, batch.size_bytes)
                headers = dict(_WHOLE_UPLOAD)
        reply = await self._sent(reach, "POST", url, headers, body)
        return self._told(files.file_id(reply), "the file's id")

    async def find_upload(self, queue: BatchQueue, search: BatchSearch) -> str | None:
        """Return the file that was uploaded under our id."""
        reach = self._reach(queue)
        if (files := reach.api.by_files) is None:
            return None
        async with aclosing(self._pages(reach, files.files, files.read_files, search.since_s)) as pages:
            async for page in pages:
                for entry in page.entries:
                    if entry.our_id == search.our_id:
                        return entry.id
        return None

    async def create(self, queue: BatchQueue, our_id: str, file_id: str | None, batch: BatchInput) -> BatchHandle:
        """Create the batch of a file, or of its lines."""
        reach, model = self._reach(queue), queue.model
        window_s = model.batch.window_s if model.batch is not None else 0.0
        ask = reach.api.create(our_id, model.upstream_name, file_id, endpoint_of(model), window_s)
        headers = {**reach.target.headers, "idempotency-key": our_id}
        if reach.api.by_files is None:
            body = as_list(batch.lines, batch.requests, batch.size_bytes)
            reply = await self._sent(reach, ask.verb, reach.url(ask), headers, body)
        else:
            reply = await self._asked(reach, ask, headers)
        return BatchHandle(self._told(reach.api.batch_id(reply), "the batch's id"))

    async def find(self, queue: BatchQueue, search: BatchSearch) -> BatchHandle | None:
        """Return the batch that was created under our id, or one that fits where none has a name."""
        reach, claimed = self._reach(queue), None
        async with aclosing(self._pages(reach, reach.api.batches, reach.api.read_batches, search.since_s)) as pages:
            async for page in pages:
                for entry in page.entries:
                    if entry.our_id == search.our_id:
                        return BatchHandle(entry.id)
                    is_new = entry.created_s is not None and entry.created_s >= search.since_s
                    if not is_new or entry.requests != search.requests or entry.id in search.known:
                        continue
                    if entry.id not in search.claimed:
                        return BatchHandle(entry.id, is_certain=False)
                    claimed = claimed or BatchHandle(entry.id, is_certain=False)
        return claimed

    async def status(self, queue: BatchQueue, handle: BatchHandle) -> BatchStatus:
        """Ask how the batch stands."""
        reach = self._reach(queue)
        _, status = await self._standing(reach, handle)
        return status

    async def results(self, queue: BatchQueue, handle: BatchHandle, after: int = 0) -> AsyncGenerator[BatchLine]:
        """Read the results as they are asked for; see `streams.batch_port.BatchProvider`."""
        reach = self._reach(queue)
        reply, _ = await self._standing(reach, handle)
        number, skipped = 0, after if reach.api.is_stable else 0
        for ask in reach.api.results(handle.batch_id, reply):
            async with self._opened(reach, ask) as chunks, aclosing(lines_of(chunks, self._longest_line)) as lines:
                async for line in lines:
                    number += 1
                    if number <= skipped:
                        continue
                    if line.is_last and not line.is_cut and not _is_json(line.content):
                        raise _failed(AttemptOutcome.DISCONNECTED, "the results break off in a line")
                    yield reach.lines.read(number, line, self._clock())

    async def cancel(self, queue: BatchQueue, handle: BatchHandle) -> None:
        """Ask for no more answers; one that has ended stays as it is."""
        if not handle.is_certain:
            raise ValueError("a batch that may be another program's is not cancelled")
        reach = self._reach(queue)
        try:
            await self._asked(reach, reach.api.cancel(handle.batch_id), reach.target.headers)
        except BatchCallFailed as error:
            if error.failure.status_code not in _CONFLICTS:
                raise
            _, status = await self._standing(reach, handle)
            if not status.state.has_ended:
                raise

    async def delete(self, queue: BatchQueue, name: str) -> None:
        """Delete a file, or a batch with its results."""
        reach = self._reach(queue)
        ask = reach.api.delete(name)
        response, content = await self._exchanged(
            reach, ask.verb, reach.url(ask), reach.target.headers, httpx.ByteStream(b""), ASK_S
        )
        if response.status_code not in _GONE:
            self._checked(reach, response, content)

    def _reach(self, queue: BatchQueue) -> _Reach:
        key = (queue.model.name, queue.account)
        if key not in self._reached:
            api = batch_api_of(queue.model)
            endpoint = self._endpoints[queue.model.provider_name].of(queue.account)
            target = target_of(queue.model, endpoint, self._scrub)
            self._reached[key] = _Reach(endpoint, target, api, BatchLineReader(api, target.outcomes))
        return self._reached[key]

    async def _standing(self, reach: _Reach, handle: BatchHandle) -> tuple[JsonObject, BatchStatus]:
        reply = await self._asked(reach, reach.api.status(handle.batch_id), reach.target.headers)
        status = reach.api.read_status(reply)
        if status is None:
            raise _failed(AttemptOutcome.MALFORMED, "the provider tells no state of the batch that is known")
        return reply, replace(status, detail=reach.target.outcomes.said(status.detail))

    async def _pages(
        self,
        reach: _Reach,
        ask: Callable[[Mapping[str, str]], Ask],
        read: Callable[[JsonObject, Mapping[str, str]], Page],
        since_s: float,
    ) -> AsyncGenerator[Page]:
        """Yield the pages of a list, as far as there may be something in them that was made since then."""
        query: Mapping[str, str] = _NO_QUERY
        for _ in range(MOST_PAGES):
            page = read(await self._asked(reach, ask(query), reach.target.headers), query)
            yield page
            oldest_s = page.entries[-1].created_s if page.entries else None
            if page.next_query is None or (reach.api.newest_first and oldest_s is not None and oldest_s < since_s):
                return
            query = page.next_query
        raise _failed(AttemptOutcome.MALFORMED, f"the provider's list has more than {MOST_PAGES} pages")

    async def _upload_address(self, reach: _Reach, ask: Ask, our_id: str, size_bytes: int) -> httpx.URL:
        told = {
            "x-goog-upload-protocol": "resumable",
            "x-goog-upload-command": "start",
            "x-goog-upload-header-content-length": str(size_bytes),
            "x-goog-upload-header-content-type": "application/jsonl",
        }
        body = orjson.dumps({"file": {"displayName": our_id}})
        response, content = await self._exchanged(
            reach, ask.verb, reach.url(ask), {**reach.target.headers, **told}, httpx.ByteStream(body), ASK_S
        )
        self._checked(reach, response, content)
        address = httpx.URL(response.headers.get("x-goog-upload-url", ""))
        if address.scheme != reach.url(ask).scheme:
            raise _failed(AttemptOutcome.MALFORMED, "the provider gives no address to upload to")
        return address

    async def _asked(self, reach: _Reach, ask: Ask, headers: Mapping[str, str]) -> JsonObject:
        content = b"" if ask.verb is Verb.GET else orjson.dumps(ask.body if ask.body is not None else {})
        response, got = await self._exchanged(
            reach, ask.verb, reach.url(ask), headers, httpx.ByteStream(content), ASK_S
        )
        self._checked(reach, response, got)
        return self._object(got)

    async def _sent(
        self, reach: _Reach, verb: str, url: httpx.URL, headers: Mapping[str, str], body: StreamedBody
    ) -> JsonObject:
        limit_s = ASK_S + body.size_bytes / SLOWEST_BYTES_PER_S
        sized = {**headers, "content-length": str(body.size_bytes)}
        try:
            response, content = await self._exchanged(reach, verb, url, sized, body, limit_s)
        except BatchCallFailed:
            if body.error is not None:
                raise body.error from None
            raise
        self._checked(reach, response, content)
        return self._object(content)

    async def _exchanged(
        self,
        reach: _Reach,
        verb: str,
        url: httpx.URL,
        headers: Mapping[str, str],
        body: httpx.AsyncByteStream,
        limit_s: float,
    ) -> tuple[httpx.Response, bytes]:
        request = httpx.Request(verb, url, headers=headers, stream=body, extensions={"timeout": {"read": limit_s}})
        try:
            response = await self._transport.handle_async_request(request)
            return response, await _content_of(response)
        except httpx.RequestError as error:
            raise BatchCallFailed(reach.target.outcomes.from_exception(error, limit_s)) from None

    @asynccontextmanager
    async def _opened(self, reach: _Reach, ask: Ask) -> AsyncIterator[AsyncIterator[bytes]]:
        """Give the body of a response as it comes, unpacked."""
        request = httpx.Request(
            ask.verb,
            reach.url(ask),
            headers=reach.target.headers,
            extensions={"timeout": {"read": IDLE_S}, "is_left_open": True},
        )
        try:
            response = await self._transport.handle_async_request(request)
            stream = _streamed(response)
            try:
                if not is_success(response.status_code):
                    self._checked(reach, response, await _beginning_of(stream))
                is_packed = "gzip" in response.headers.get("content-encoding", "")
                chunks = aiter(stream)
                yield inflated(chunks) if is_packed else chunks
            finally:
                await stream.aclose()
        except httpx.RequestError as error:
            raise BatchCallFailed(reach.target.outcomes.from_exception(error, IDLE_S)) from None
        except zlib.error:
            raise _failed(AttemptOutcome.MALFORMED, "the results cannot be unpacked") from None

    def _checked(self, reach: _Reach, response: httpx.Response, content: bytes) -> None:
        """Raise what a response says that is none of success."""
        status = response.status_code
        if is_success(status):
            return
        is_cut = bool(response.extensions.get("is_cut"))
        failure = reach.target.outcomes.from_reply(
            Reply(status, response.headers, content, is_cut=is_cut), self._clock()
        )
        if not isinstance(failure, UpstreamFailure):
            raise TypeError("an answer is no error")
        raise BatchCallFailed(failure, _REFUSED.get(status))

    def _object(self, content: bytes) -> JsonObject:
        try:
            value = orjson.loads(self._scrub.body(content))
        except orjson.JSONDecodeError:
            value = None
        if not isinstance(value, dict):
            raise _failed(AttemptOutcome.MALFORMED, "the provider's reply is no JSON object", HTTPStatus.OK)
        return value

    def _told(self, found: str | None, what: str) -> str:
        if found is None:
            raise _failed(AttemptOutcome.MALFORMED, f"the provider's reply does not tell {what}", HTTPStatus.OK)
        return found


_WHOLE_UPLOAD = {
    "content-type": "application/jsonl",
    "x-goog-upload-offset": "0",
    "x-goog-upload-command": "upload, finalize",
}


def _failed(outcome: AttemptOutcome, detail: str, status: int | None = None) -> BatchCallFailed:
    return BatchCallFailed(UpstreamFailure(outcome, detail, status))


def _is_json(content: bytes) -> bool:
    try:
        orjson.loads(content)
    except orjson.JSONDecodeError:
        return False
    return True


def _streamed(response: httpx.Response) -> httpx.AsyncByteStream:
    if not isinstance(response.stream, httpx.AsyncByteStream):
        raise TypeError("the transport is not asynchronous")
    return response.stream


async def _content_of(response: httpx.Response) -> bytes:
    return b"".join([chunk async for chunk in _streamed(response)])


async def _beginning_of(stream: httpx.AsyncByteStream) -> bytes:
    """Return what is read of an error."""
    content = b""
    async for chunk in stream:
        content += chunk
        if len(content) >= _ERROR_BYTES:
            break
    return content[:_ERROR_BYTES]


_ERROR_BYTES = 65_536
