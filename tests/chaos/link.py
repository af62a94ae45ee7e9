"""A TCP proxy between workers and a broker, which can be cut, frozen, slowed, or made to swallow acknowledgements.

It can also be cut at the very moment in which workers ask for something.

It reads just enough of Kafka's framing: requests and answers are length-prefixed, answers come in the order of their
requests, and in every answer that names a broker its host stands right before its port.
"""

import asyncio
import struct
from asyncio import StreamReader, StreamWriter
from contextlib import closing, suppress

from sandbox.broker.ports import loopback_ports
from sandbox.broker.wire import Address

PRODUCE, LIST_OFFSETS, OFFSET_FETCH = 0, 2, 9
"""Kinds of requests, by their API keys."""
HOST = "127.0.0.1"


class Link:
    """One listening port that leads to one broker; clients that start there stay there.

    `open` before use, `close` after it. It can be broken in one way at a time, and `heal` ends all of them.
    """

    def __init__(self, broker: str) -> None:
        self._broker = Address.parse(broker)
        self._port = loopback_ports(1)[0]
        self._server: asyncio.Server | None = None
        self._connections: set[asyncio.Task[None]] = set()
        self._passing = asyncio.Event()
        self._passing.set()
        self._delay_s = 0.0
        self._held: bytes | None = None
        self._lost: bytes | None = None
        self._losses_left = 0
        self._last: frozenset[tuple[int, bytes]] = frozenset()
        self._unasked: set[tuple[int, bytes]] = set()
        self.withheld = 0
        """Acknowledgements that the workers did not get."""

    @property
    def address(self) -> str:
        """What workers take for the broker."""
        return f"{HOST}:{self._port}"

    @property
    def is_cut(self) -> bool:
        """Whether it is unreachable."""
        return self._server is None

    async def open(self) -> None:
        """Listen, again if it was closed or cut."""
        if self._server is None:
            self._server = await asyncio.start_server(self._accept, HOST, self._port)

    async def close(self) -> None:
        """Hang up on everybody and stop listening."""
        self._fall()
        await asyncio.gather(*self._connections, return_exceptions=True)

    async def cut(self) -> None:
        """Be unreachable: connections end, new ones are refused."""
        await self.close()

    def cut_when_asked(self, *questions: tuple[int, str]) -> None:
        """Be unreachable as soon as all of these, each a kind of request and a topic, are asked; none is answered."""
        self._last = frozenset((kind, topic.encode()) for kind, topic in questions)
        self._unasked = set(self._last)

    def hang_up(self) -> None:
        """End every connection; new ones are welcome."""
        for connection in self._connections:
            connection.cancel()

    def freeze(self) -> None:
        """Be a black hole: connections stay, and nothing passes."""
        self._passing.clear()

    def forsake(self) -> None:
        """Let nothing pass on the connections there are, for ever, as after a firewall's restart; new ones work."""
        self._passing.clear()
        self._passing = asyncio.Event()
        self._passing.set()

    def slow(self, delay_s: float) -> None:
        """Delay every answer."""
        self._delay_s = delay_s

    def hold_acknowledgements(self, topic: str) -> None:
        """Let records of the topic reach the broker, and let no acknowledgement of them come back."""
        self._held = topic.encode()

    def lose_acknowledgements(self, topic: str, count: int) -> None:
        """Hang up instead of passing on the next `count` acknowledgements of records of the topic."""
        self._lost, self._losses_left = topic.encode(), count

    async def heal(self) -> None:
        """End whatever was broken. What was held back is gone with its connection."""
        broken = self._held is not None or not self._passing.is_set()
        self._held = self._lost = None
        self._last = frozenset()
        self._delay_s = 0.0
        self._passing.set()
        if broken:
            self.hang_up()
        await self.open()

    def _fall(self) -> None:
        if self._server is not None:
            self._server.close()
            self._server = None
        self.hang_up()

    def _accept(self, reader: StreamReader, writer: StreamWriter) -> None:
        connection = asyncio.create_task(self._serve(reader, writer))
        self._connections.add(connection)
        connection.add_done_callback(self._connections.discard)

    async def _serve(self, reader: StreamReader, writer: StreamWriter) -> None:
        produced: dict[int, bytes] = {}
        passing = self._passing
        with closing(writer), suppress(OSError):
            upstream_reader, upstream_writer = await asyncio.open_connection(self._broker.host, self._broker.port)
            directions = {
                asyncio.create_task(self._requests(reader, upstream_writer, produced, passing)),
                asyncio.create_task(self._answers(upstream_reader, writer, produced, passing)),
            }
            with closing(upstream_writer):
                try:
                    await asyncio.wait(directions, return_when=asyncio.FIRST_COMPLETED)
                finally:
                    for direction in directions:
                        direction.cancel()
                    await asyncio.gather(*directions, return_exceptions=True)

    async def _requests(
        self, client: StreamReader, broker: StreamWriter, produced: dict[int, bytes], passing: asyncio.Event
    ) -> None:
        while True:
            frame = await _read_frame(client)
            await passing.wait()
            api_key, _version, correlation_id = struct.unpack_from(">hhi", frame)
            if api_key == PRODUCE:
                produced[correlation_id] = frame
            if asked := {(kind, topic) for kind, topic in self._last if kind == api_key and topic in frame}:
                self._unasked -= asked
                if not self._unasked:
                    self._fall()
                await asyncio.Event().wait()  # until the connection ends
            await _write_frame(broker, frame)

    async def _answers(
        self, broker: StreamReader, client: StreamWriter, produced: dict[int, bytes], passing: asyncio.Event
    ) -> None:
        theirs = self._broker.host.encode() + struct.pack(">i", self._broker.port)
        ours = HOST.encode() + struct.pack(">i", self._port)
        while True:
            frame = await _read_frame(broker)
            records = produced.pop(struct.unpack_from(">i", frame)[0], b"")
            if self._held is not None and self._held in records:
                self.withheld += 1
                await asyncio.Event().wait()  # until the connection ends
            if self._losses_left and self._lost is not None and self._lost in records:
                self._losses_left -= 1
                self.withheld += 1
                return
            if self._delay_s:
                await asyncio.sleep(self._delay_s)
            await passing.wait()
            await _write_frame(client, frame.replace(theirs, ours))


async def _read_frame(reader: StreamReader) -> bytes:
    (size,) = struct.unpack(">i", await reader.readexactly(4))
    return await reader.readexactly(size)


async def _write_frame(writer: StreamWriter, frame: bytes) -> None:
    writer.write(struct.pack(">i", len(frame)) + frame)
    await writer.drain()
