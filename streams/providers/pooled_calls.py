"""A call over aiohttp's pool of connections and by its parser, without its session, request and response objects.

These take most of what a call costs a worker: cookies, redirects, retries, authentication and traces, none of which a
call of a model needs, and on Python 3.11 a task for each body. What goes over the wire is the same, byte for byte
(`tests/integration/test_provider_transport.py`). Used of aiohttp are `BaseConnector.connect` and what it gives: a
`Connection`, whose `ResponseHandler` puts the response together.
"""

import asyncio
import ssl
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final, NamedTuple

import aiohttp
from aiohttp.client_proto import ResponseHandler
from aiohttp.http import SERVER_SOFTWARE
from aiohttp.streams import StreamReader
from yarl import URL

from streams.providers.exchange import Outgoing

JOINED_BYTES: Final = 65_536
"""A body up to this is sent in one piece with its head; a larger one is not copied for that."""
INFORMATIONAL: Final = range(100, 200)
SWITCHING_PROTOCOLS: Final = 101
_ADDED: Final = {"accept": "Accept: */*\r\n", "accept-encoding": "Accept-Encoding: gzip, deflate\r\n"}
"""What aiohttp adds where it is not given."""
_USER_AGENT: Final = f"User-Agent: {SERVER_SOFTWARE}\r\n"


class Received(NamedTuple):
    """A response as it came."""

    status: int
    raw_headers: tuple[tuple[bytes, bytes], ...]
    content: bytes
    is_cut: bool
    """There is more of the body than is read."""


class Destination:
    """An address that calls go to, how it is connected to, and how their heads begin."""

    __slots__ = ("_begin", "_line", "_missing", "_standing", "connects", "tls")

    def __init__(self, method: str, url: URL, tls: ssl.SSLContext | None) -> None:
        self.tls = tls
        self.connects = aiohttp.ClientRequest(method, url, ssl=tls or True)
        """What the pool is asked for connections by; it is never sent."""
        self._line = f"{method} {url.raw_path_qs} HTTP/1.1\r\nHost: {url.host_port_subcomponent}\r\n"
        self._standing: Mapping[str, str] | None = None
        self._begin = ""
        self._missing: Mapping[str, str] = {}

    def head(self, outgoing: Outgoing) -> bytes:
        """Return the head of a request as aiohttp would write it.

        Raises:
            ValueError: a header has a line break in it.
        """
        if outgoing.standing is not self._standing:
            self._begin = self._line + _lines(outgoing.standing.items())
            given = {name.lower() for name in outgoing.standing}
            self._missing = {name: line for name, line in _ADDED.items() if name not in given}
            self._standing = outgoing.standing
        added = ""
        if self._missing:
            given = {name.lower() for name, _ in outgoing.headers}
            added = "".join([line for name, line in self._missing.items() if name not in given])
        own = _lines(outgoing.headers)
        return f"{self._begin}{own}{added}{_USER_AGENT}Content-Length: {len(outgoing.body)}\r\n\r\n".encode()


def _lines(headers: Iterable[tuple[str, str]]) -> str:
    lines = [f"{name}: {value}\r\n" for name, value in headers]
    told = "".join(lines)
    if told.count("\n") > len(lines) or told.count("\r") > len(lines) or "\0" in told:
        raise ValueError("a header of a call has a line break or a zero in it")
    return told


@dataclass(frozen=True, slots=True)
class PooledCalls:
    """Makes calls over the connections of one pool."""

    connector: aiohttp.BaseConnector
    connect_s: float
    """How long a host may take to accept a connection."""
    max_line_bytes: int
    max_headers: int
    max_body_bytes: int

    async def call(self, destination: Destination, outgoing: Outgoing) -> Received:
        """Send a request and return its response.

        Raises:
            aiohttp.ConnectionTimeoutError: there was no connection in time, so nothing was sent.
            aiohttp.ClientError, ssl.SSLError: there was none for another reason, or there is no whole response.
            TimeoutError: `outgoing.timeout_s` is over.
        """
        head = destination.head(outgoing)
        async with asyncio.timeout(outgoing.timeout_s):
            connection = await self._connected(destination)
            try:
                received = await self._exchanged(connection.protocol, head, outgoing.body)
            except BaseException:
                connection.close()
                raise
            if received.is_cut:
                connection.close()
            else:
                connection.release()
            return received

    async def _connected(self, destination: Destination) -> aiohttp.connector.Connection:
        limits = aiohttp.ClientTimeout(total=None, sock_connect=self.connect_s)
        try:
            return await self.connector.connect(destination.connects, [], limits)
        except TimeoutError as error:
            raise aiohttp.ConnectionTimeoutError("no connection in time") from error

    async def _exchanged(self, protocol: ResponseHandler | None, head: bytes, body: bytes) -> Received:
        if protocol is None or protocol.transport is None:
            raise aiohttp.ServerDisconnectedError
        protocol.set_response_params(
            read_until_eof=True,
            auto_decompress=False,
            max_line_size=self.max_line_bytes,
            max_field_size=self.max_line_bytes,
            max_headers=self.max_headers,
        )
        if len(body) <= JOINED_BYTES:
            protocol.transport.write(head + body)
        else:
            protocol.transport.write(head)
            protocol.transport.write(body)
        message, content = await protocol.read()
        while message.code in INFORMATIONAL and message.code != SWITCHING_PROTOCOLS:
            message, content = await protocol.read()
        return Received(message.code, message.raw_headers, *await self._whole(content))

    async def _whole(self, content: StreamReader) -> tuple[bytes, bool]:
        """Return the body up to the bound, and whether there is more of it."""
        chunks, size = [], 0
        while chunk := await content.readany():
            chunks.append(chunk)
            size += len(chunk)
            if size > self.max_body_bytes:
                return b"".join(chunks)[: self.max_body_bytes], True
        return b"".join(chunks), False
