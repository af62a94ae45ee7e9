"""The bodies that carry the lines of a batch, made as they are sent: a form, a list, or the bare lines."""

from collections.abc import AsyncIterator, Callable

import httpx

Lines = Callable[[], AsyncIterator[bytes]]
"""Reads the lines anew, each with its line feed."""
_BOUNDARY = "turnout-7d1f0c5a9be24c63"
"""In no line: JSON has no line that begins so."""
_AT_ONCE = 262_144
"""Bytes that are sent together, so that short lines are not sent one by one."""


class StreamedBody(httpx.AsyncByteStream):
    """A body of a known size."""

    def __init__(
        self, lines: Lines, size_bytes: int, head: bytes = b"", tail: bytes = b"", between: bytes = b""
    ) -> None:
        """Take what is sent.

        Args:
            lines: reads the lines.
            size_bytes: the size of the body, all together.
            head: stands before them.
            tail: stands behind them.
            between: stands between two of them in the place of the line feed; empty: they keep it.
        """
        self._lines = lines
        self._size = size_bytes
        self._head, self._tail, self._between = head, tail, between
        self.error: BaseException | None = None
        """Why the lines could not be read, which is not the provider's doing."""

    @property
    def size_bytes(self) -> int:
        """The size of the body."""
        return self._size

    async def __aiter__(self) -> AsyncIterator[bytes]:
        """Yield the body."""
        try:
            async for piece in self._pieces():
                yield piece
        except GeneratorExit:
            raise
        except BaseException as error:
            self.error = error
            raise

    async def _pieces(self) -> AsyncIterator[bytes]:
        buffer, is_first, sent = bytearray(self._head), True, 0
        async for line in self._lines():
            if self._between:
                buffer += line.rstrip(b"\n") if is_first else self._between + line.rstrip(b"\n")
            else:
                buffer += line
            is_first = False
            if len(buffer) >= _AT_ONCE:
                sent += len(buffer)
                yield bytes(buffer)
                buffer.clear()
        buffer += self._tail
        if (sent := sent + len(buffer)) != self._size:
            raise ValueError(f"the lines of the batch have other sizes than was said: {sent} of {self._size} bytes")
        yield bytes(buffer)


def as_form(lines: Lines, size_bytes: int, name: str) -> tuple[StreamedBody, str]:
    """Return OpenAI's form of a file for batches, and its content type (RFC 7578)."""
    head = (
        f'--{_BOUNDARY}\r\ncontent-disposition: form-data; name="purpose"\r\n\r\nbatch\r\n'
        f'--{_BOUNDARY}\r\ncontent-disposition: form-data; name="file"; filename="{name}"\r\n'
        "content-type: application/jsonl\r\n\r\n"
    ).encode()
    tail = f"\r\n--{_BOUNDARY}--\r\n".encode()
    body = StreamedBody(lines, len(head) + size_bytes + len(tail), head, tail)
    return body, f"multipart/form-data; boundary={_BOUNDARY}"


def as_list(lines: Lines, count: int, size_bytes: int, field: str = "requests") -> StreamedBody:
    """Return the lines as the list under a field of an object."""
    head, tail, between = f'{{"{field}":['.encode(), b"]}", b","
    size = len(head) + size_bytes - count + max(count - 1, 0) * len(between) + len(tail)
    return StreamedBody(lines, size, head, tail, between)
