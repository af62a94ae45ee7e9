"""httpx's transport over aiohttp. Answers are read whole, unless a request asks for more. Why: docs/adr/0003.

Calls of models go by `exchange`, which does the same without httpx's request and response, and but for calls by a proxy
without aiohttp's (`pooled_calls`); its errors are httpx's.
"""

import os
import ssl
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cached_property, lru_cache, partial
from typing import Self

import aiohttp
import httpx
from aiohttp.http import HttpProcessingError
from yarl import URL

from streams.providers.connections import DIRECT, Connections, Way
from streams.providers.exchange import Exchange, Outgoing, Reply, by_httpx
from streams.providers.pooled_calls import Destination, PooledCalls

CONNECT_TIMEOUT_S = 5.0
"""A host that takes longer to accept a connection is as good as gone."""
MAX_HEADER_BYTES = 65_536
"""The longest line of a response's head; behind aiohttp's own 8190 bytes paid answers are lost to long cookies."""
MAX_HEADERS = 512
BODY_FACTOR = 3
"""How many times as large as the record of its response a body may be: providers escape text that Turnout does not."""
MAX_BODY_BYTES = BODY_FACTOR * 6_291_456


class NoConnection(httpx.ConnectError):
    """Nothing was sent. `reason` says why, without the address."""

    def __init__(self, reason: str, request: httpx.Request | None) -> None:
        super().__init__(reason, request=request)
        self.reason = reason


class NoConnectionInTime(httpx.ConnectTimeout):
    """Nothing was sent, because the provider did not accept the connection."""

    reason = f"none in {CONNECT_TIMEOUT_S:g} s"

    def __init__(self, request: httpx.Request | None) -> None:
        super().__init__(self.reason, request=request)


class NotHttp(httpx.RemoteProtocolError):
    """What came back is no HTTP response. `reason` says what is wrong with it."""

    def __init__(self, reason: str, request: httpx.Request | None) -> None:
        super().__init__(reason, request=request)
        self.reason = reason


class BrokenOff(httpx.ReadError):
    """There is no whole response. `reason` says what became of the connection."""

    def __init__(self, reason: str, request: httpx.Request | None) -> None:
        super().__init__(reason, request=request)
        self.reason = reason


class _Body(httpx.AsyncByteStream):
    """A body as it came: httpx would unpack it, without a bound."""

    def __init__(self, content: bytes) -> None:
        self._content = content

    async def __aiter__(self) -> AsyncIterator[bytes]:
        yield self._content


class _OpenBody(httpx.AsyncByteStream):
    """A body that is still coming in."""

    def __init__(self, response: aiohttp.ClientResponse, request: httpx.Request) -> None:
        self._response = response
        self._request = request

    async def __aiter__(self) -> AsyncIterator[bytes]:
        """Yield what comes, in pieces of any size.

        Raises:
            httpx.TransportError: it has broken off, or nothing came for too long.
        """
        with _told(self._request):
            async for chunk in self._response.content.iter_any():
                yield chunk

    async def aclose(self) -> None:
        """Leave the rest of it, and with it the connection."""
        self._response.close()


class LateHeaders(Mapping[str, str]):
    """httpx's headers, made when one is looked up: of an answer, most are not."""

    def __init__(self, raw: Sequence[tuple[bytes, bytes]]) -> None:
        self._raw = raw

    @cached_property
    def _read(self) -> httpx.Headers:
        return httpx.Headers(list(self._raw))

    def __getitem__(self, name: str) -> str:
        return self._read[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._read)

    def __len__(self) -> int:
        return len(self._read)


class AiohttpTransport(httpx.AsyncBaseTransport):
    """Carries thousands of requests at a time. httpx's `read` timeout is for the whole exchange.

    A body is read up to `max_body_bytes`; the extension `is_cut` of the response says that there was more. With the
    extension `is_left_open` of a request the body of its response is read by whoever iterates over it, whatever its
    size; then the timeout is for each piece. A request's body that is no `httpx.ByteStream` is sent as it is made.
    """

    def __init__(self, max_body_bytes: int = MAX_BODY_BYTES, connections: Connections | None = None) -> None:
        self._max_body_bytes = max_body_bytes
        self._connections = connections
        self._session: aiohttp.ClientSession | None = None
        self._calls: PooledCalls | None = None
        self._destinations: dict[tuple[str, str], Destination] = {}

    async def __aenter__(self) -> Self:
        """Open the pool of connections; it belongs to the running event loop."""
        connector = aiohttp.TCPConnector(limit=0)
        self._calls = PooledCalls(connector, CONNECT_TIMEOUT_S, MAX_HEADER_BYTES, MAX_HEADERS, self._max_body_bytes)
        self._session = aiohttp.ClientSession(
            connector=connector,
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,
            max_line_size=MAX_HEADER_BYTES,
            max_field_size=MAX_HEADER_BYTES,
            max_headers=MAX_HEADERS,
        )
        return self

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send the request and return the whole response, its body not unpacked.

        Raises:
            httpx.ConnectError, httpx.ConnectTimeout: there was no connection, so nothing was sent.
            httpx.TimeoutException: it took too long.
            httpx.TransportError: there is no whole response.
        """
        limit_s, is_left_open = request.extensions["timeout"]["read"], bool(request.extensions.get("is_left_open"))
        timeout = (
            aiohttp.ClientTimeout(None, sock_connect=CONNECT_TIMEOUT_S, sock_read=limit_s)
            if is_left_open
            else _timeout(limit_s)
        )
        headers, body = request.headers.multi_items(), await _sent(request)
        with _told(request):
            response = await self._send(request.method, str(request.url), headers, body, timeout)
            if is_left_open:
                return httpx.Response(
                    response.status, headers=response.raw_headers, stream=_OpenBody(response, request)
                )
            async with response:
                content, is_cut = await self._read(response)
        return httpx.Response(
            response.status,
            headers=response.raw_headers,
            stream=_Body(content),
            extensions={"is_cut": is_cut},
        )

    async def exchange(self, outgoing: Outgoing) -> Reply:
        """Do the same for a request whose body and response are whole, and raise the same."""
        if self._calls is None:
            raise RuntimeError("the transport is used outside its context")
        with _told(None):
            if (destination := self._destination_of(outgoing)) is not None:
                status, raw_headers, content, is_cut = await self._calls.call(destination, outgoing)
                return Reply(status, LateHeaders(raw_headers), content, is_cut)
            timeout = _timeout(outgoing.timeout_s)
            response = await self._send(outgoing.method, outgoing.url, outgoing.all_headers, outgoing.body, timeout)
            async with response:
                content, is_cut = await self._read(response)
        return Reply(response.status, LateHeaders(response.raw_headers), content, is_cut)

    def _destination_of(self, outgoing: Outgoing) -> Destination | None:
        """Return where a call goes; None: it is the session's, by a proxy or with a name and password in its URL."""
        way, place = self._way_to(outgoing.url), (outgoing.method, outgoing.url)
        destination = self._destinations.get(place)
        if destination is None or destination.tls is not way.tls:
            url = URL(outgoing.url, encoded=True)
            if way.proxy is not None or url.raw_user is not None or url.raw_password is not None:
                return None
            destination = self._destinations[place] = Destination(outgoing.method, url, way.tls)
        return destination

    def _way_to(self, url: str) -> Way:
        return DIRECT if self._connections is None else self._connections.way_to(_for_httpx(url))

    async def _send(
        self,
        method: str,
        url: str,
        headers: Sequence[tuple[str, str]],
        body: bytes | AsyncIterator[bytes] | None,
        limits: aiohttp.ClientTimeout,
    ) -> aiohttp.ClientResponse:
        if self._session is None:
            raise RuntimeError("the transport is used outside its context")
        way = self._way_to(url)
        return await self._session.request(
            method,
            URL(url, encoded=True),  # as it was signed
            headers=headers,
            data=body,
            timeout=limits,
            allow_redirects=False,
            proxy=way.proxy,
            ssl=way.tls or True,
        )

    async def _read(self, response: aiohttp.ClientResponse) -> tuple[bytes, bool]:
        """Return the body up to the bound, and whether there is more of it; then the connection is not used again."""
        limit = self._max_body_bytes
        if response.content_length is not None and response.content_length <= limit:
            return await response.read(), False
        content = bytearray()
        async for chunk in response.content.iter_any():
            content += chunk
            if len(content) > limit:
                response.close()
                return bytes(content[:limit]), True
        return bytes(content), False

    async def aclose(self) -> None:
        """Close all connections."""
        if self._session is not None:
            await self._session.close()


def exchange_of(transport: httpx.AsyncBaseTransport) -> Exchange:
    """Return the way past httpx's request and response of the transport that has one, and the way by them of others."""
    if isinstance(transport, AiohttpTransport):
        return transport.exchange
    return partial(by_httpx, transport)


@lru_cache(64)
def _timeout(timeout_s: float) -> aiohttp.ClientTimeout:
    return aiohttp.ClientTimeout(timeout_s, sock_connect=CONNECT_TIMEOUT_S)


@lru_cache(1024)
def _for_httpx(url: str) -> httpx.URL:
    return httpx.URL(url)


async def _sent(request: httpx.Request) -> bytes | AsyncIterator[bytes] | None:
    """Return the request's body: whole if it is there, in pieces if it is made as it is sent, None without one."""
    return await request.aread() or None if isinstance(request.stream, httpx.ByteStream) else _pieces(request)


async def _pieces(request: httpx.Request) -> AsyncIterator[bytes]:
    if not isinstance(request.stream, httpx.AsyncByteStream):
        raise TypeError("the body of the request is not asynchronous")
    async for piece in request.stream:
        yield piece


@contextmanager
def _told(request: httpx.Request | None) -> Iterator[None]:
    """Have errors of aiohttp told as httpx's."""
    try:
        yield
    except aiohttp.ConnectionTimeoutError as error:
        raise NoConnectionInTime(request) from error
    except TimeoutError as error:
        raise httpx.ReadTimeout("no whole response in time", request=request) from error
    except (aiohttp.ClientConnectorError, aiohttp.ClientHttpProxyError, ssl.SSLError) as error:
        raise NoConnection(_why_unconnected(error), request) from error
    except (aiohttp.ClientResponseError, HttpProcessingError) as error:
        raise NotHttp(f"the response is no HTTP: {_first_line(error.message)}", request) from error
    except aiohttp.ClientPayloadError as error:
        raise BrokenOff("the response breaks off in its body", request) from error
    except aiohttp.ServerDisconnectedError as error:
        raise BrokenOff("the provider closed the connection without a response", request) from error
    except (aiohttp.ClientError, OSError) as error:
        raise BrokenOff(f"the connection broke: {type(error).__name__}", request) from error


def _why_unconnected(error: Exception) -> str:
    """Say why there is no connection, in words that hold no address."""
    match error:
        case aiohttp.ClientConnectorCertificateError(certificate_error=ssl.SSLCertVerificationError() as cause):
            why = f"the provider's certificate is not trusted: {cause.verify_message.partition(', certificate')[0]}"
        case aiohttp.ClientConnectorCertificateError():
            why = "the provider's certificate is not trusted"
        case aiohttp.ClientHttpProxyError():
            why = f"the proxy refuses, HTTP {error.status}"
        case aiohttp.ClientProxyConnectionError():
            why = f"the proxy cannot be reached: {_system_error(error.os_error)}"
        case aiohttp.ClientConnectorDNSError():
            why = "the host's name is not known (DNS)"
        case aiohttp.ClientSSLError(os_error=ssl.SSLError(reason=str(reason))):
            why = f"TLS fails: {reason.replace('_', ' ').lower()}; is base_url http or https?"
        case aiohttp.ClientConnectorError():
            why = _system_error(error.os_error)
        case _:
            why = f"TLS fails: {type(error).__name__}"
    return why


def _system_error(error: OSError) -> str:
    """Return the system's words for its number; those of the error may hold the address."""
    if isinstance(error, ConnectionRefusedError):
        return "connection refused"
    return os.strerror(error.errno).lower() if error.errno else type(error).__name__


def _first_line(text: str) -> str:
    return text.strip().partition("\n")[0]
