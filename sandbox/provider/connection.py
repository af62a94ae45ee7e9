"""HTTP/1.1 at the level of bytes: a server connection that can be told to misbehave."""

import asyncio
import socket
import struct
from collections import deque
from collections.abc import Callable
from http import HTTPStatus
from typing import NamedTuple, cast

import httptools

LARGEST_BODY_BYTES = 32 * 1024 * 1024
_ABORT_ON_CLOSE = struct.pack("ii", 1, 0)
_REASONS = {status.value: status.phrase for status in HTTPStatus}


def head(status: int, content_length: int, headers: str = "") -> bytes:
    """Return a response's head; `headers` are complete lines, each ended by CRLF."""
    return (
        f"HTTP/1.1 {status} {_REASONS.get(status, '')}\r\ncontent-type: application/json\r\n"
        f"content-length: {content_length}\r\n{headers}\r\n"
    ).encode("latin-1")


class Request(NamedTuple):
    """One request as it came; header names are in lower case."""

    method: bytes
    target: bytes
    headers: dict[bytes, bytes]
    body: bytes
    keep_alive: bool


class Exchange:
    """One request and the way to answer it, well or badly. After the client is gone every method does nothing."""

    __slots__ = ("_connection", "model", "request")

    def __init__(self, connection: "Connection", request: Request) -> None:
        self.request = request
        self.model: str | None = None
        self._connection = connection

    @property
    def open(self) -> bool:
        """Whether the client is still there and waits for this answer."""
        return self._connection.current is self

    def respond(self, status: int, body: bytes, headers: str = "") -> None:
        """Send a whole response."""
        self.write(head(status, len(body), headers) + body)
        self.finish()

    def write(self, data: bytes) -> None:
        """Send bytes as they are."""
        if self.open:
            self._connection.transport.write(data)

    def finish(self) -> None:
        """Let the connection go on to its next request, or close it if the client asked for that."""
        if self.open:
            self._connection.finished(keep_alive=self.request.keep_alive)

    def close(self) -> None:
        """Send FIN after what was written."""
        if self.open:
            self._connection.finished(keep_alive=False)

    def reset(self) -> None:
        """Send RST."""
        if self.open:
            self._connection.reset()


class Connection(asyncio.Protocol):
    """One client's connection; requests are handled one at a time, in the order in which they came."""

    def __init__(self, handle: Callable[[Exchange], None], connections: "set[Connection]") -> None:
        self.current: Exchange | None = None
        self._handle = handle
        self._connections = connections
        self._parser = httptools.HttpRequestParser(self)
        self._waiting: deque[Exchange] = deque()
        self._target = b""
        self._headers: dict[bytes, bytes] = {}
        self._body: list[bytes] = []
        self._body_bytes = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Join the provider's connections."""
        self.transport = cast("asyncio.Transport", transport)
        self._connections.add(self)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - asyncio's signature
        """Forget the requests, whose answers have nowhere to go."""
        self.current = None
        self._waiting.clear()
        self._connections.discard(self)

    def data_received(self, data: bytes) -> None:
        """Parse what came and begin the next request if none is in hand."""
        try:
            self._parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade):
            self._turn_away(400)
            return
        if self._body_bytes > LARGEST_BODY_BYTES:
            self._turn_away(413)
            return
        self._next()

    def finished(self, *, keep_alive: bool) -> None:
        """Leave the current request behind."""
        self.current = None
        if not keep_alive:
            self._waiting.clear()
            self.transport.close()
        elif self._waiting:
            asyncio.get_running_loop().call_soon(self._next)

    def reset(self) -> None:
        """Close with RST instead of FIN, and drop what is not yet sent."""
        self.current = None
        self._waiting.clear()
        if self.transport.is_closing():
            return  # its descriptor may belong to another socket by now
        client = cast("socket.socket", self.transport.get_extra_info("socket"))
        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _ABORT_ON_CLOSE)
        self.transport.abort()

    def _turn_away(self, status: int) -> None:
        self.transport.write(head(status, 0, "connection: close\r\n"))
        self.finished(keep_alive=False)

    def _next(self) -> None:
        if self.current is None and self._waiting:
            self.current = self._waiting.popleft()
            self._handle(self.current)

    def on_message_begin(self) -> None:
        """Start a request (called by the parser, like all below)."""
        self._target = b""
        self._headers = {}
        self._body = []
        self._body_bytes = 0

    def on_url(self, url: bytes) -> None:
        """Take a piece of the request's target."""
        self._target += url

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take a header."""
        self._headers[name.lower()] = value

    def on_body(self, body: bytes) -> None:
        """Take a piece of the body, up to the limit."""
        self._body_bytes += len(body)
        if self._body_bytes <= LARGEST_BODY_BYTES:
            self._body.append(body)

    def on_message_complete(self) -> None:
        """Queue the whole request."""
        parser = self._parser
        body = b"".join(self._body)
        request = Request(parser.get_method(), self._target, self._headers, body, parser.should_keep_alive())
        self._waiting.append(Exchange(self, request))
