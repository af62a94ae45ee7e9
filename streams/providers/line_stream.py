"""A stream of bytes as lines, in bounded memory: of a line that is too long only its beginning is kept."""

import zlib
from collections.abc import AsyncGenerator, AsyncIterator
from dataclasses import dataclass

HEAD_BYTES = 4096
"""What is kept of a line that is too long: the name of its request is in there."""
_GZIP = zlib.MAX_WBITS | 16


@dataclass(frozen=True, slots=True)
class Line:
    """One line, without its line feed."""

    content: bytes
    is_cut: bool = False
    """It is longer than is read; `content` is its beginning."""
    is_last: bool = False
    """The stream ends with it, and without a line feed: it may have been broken off."""


async def lines_of(chunks: AsyncIterator[bytes], longest: int) -> AsyncGenerator[Line]:
    """Yield the lines that hold something."""
    kept: list[bytes] = []
    size, is_cut = 0, False
    async for chunk in chunks:
        *ended, rest = chunk.split(b"\n")
        for piece in ended:
            if is_cut or size + len(piece) > longest:
                yield Line(_head([*kept, piece]), is_cut=True)
            elif content := (b"".join((*kept, piece)) if kept else piece).strip():
                yield Line(content)
            kept, size, is_cut = [], 0, False
        if rest and not is_cut:
            kept.append(rest)
            size += len(rest)
            if size > longest:
                kept, is_cut = [_head(kept)], True
    if kept and (content := b"".join(kept).strip()):
        yield Line(content, is_cut=is_cut, is_last=True)


def _head(pieces: list[bytes]) -> bytes:
    head = b""
    for piece in pieces:
        head += piece[: HEAD_BYTES - len(head)]
        if len(head) == HEAD_BYTES:
            break
    return head


async def inflated(chunks: AsyncIterator[bytes], at_once: int = 262_144) -> AsyncIterator[bytes]:
    """Yield what was packed by gzip, in pieces that are bounded too.

    Raises:
        zlib.error: it is no gzip.
    """
    inflate = zlib.decompressobj(_GZIP)
    async for chunk in chunks:
        rest = chunk
        while rest:
            piece = inflate.decompress(rest, at_once)
            if piece:
                yield piece
            if inflate.eof:
                rest, inflate = inflate.unused_data, zlib.decompressobj(_GZIP)
            else:
                rest = inflate.unconsumed_tail
