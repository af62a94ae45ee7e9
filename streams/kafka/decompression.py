"""Decompresses batches up to a bound: a megabyte of zstd can hold gigabytes of zeros, and every reader would have to.

`bound_all` puts these in the place of the client's own. What it relies on stands in `streams.kafka.pinned`.
"""

import gzip
import io
import struct
import sys
from collections.abc import Callable
from typing import Final

import cramjam
from aiokafka.record import default_records

MOST_BYTES: Final = 64 * 1024 * 1024
"""Of what one batch holds. A broker takes batches of `max.message.bytes`, by default one MiB, as they are compressed;
JSON and prose shrink to a tenth at best."""
FIRST_BYTES: Final = 64 * 1024
GUESS, GROWTH = 8, 8
"""So many times its compressed size is tried first, and so many times that next."""
IN_C: Final = "aiokafka.record._crecords.default_records"
"""The client's unpacking in C, where it is installed."""
XERIAL_HEADER_BYTES: Final = 16
XERIAL: Final = b"\x82SNAPPY\0"
"""What snappy's frames begin with as Java's producers write them; others write one block without a frame."""

Into = Callable[[bytes | memoryview, bytearray], int]


class UnpacksTooLarge(Exception):  # noqa: N818 - it reads as the sentence it starts
    """A batch holds more than `MOST_BYTES`."""


def bound_all() -> None:
    """Let all consumers of this process decompress so; harmless a second time."""
    for module in (default_records, sys.modules.get(IN_C)):
        for name, decode in DECODERS.items():
            if module is not None:
                setattr(module, name, decode)


def gzip_decode(payload: bytes | memoryview) -> bytes:
    """Return what gzip has packed, in one member or several.

    Raises:
        UnpacksTooLarge: it is more than `MOST_BYTES`.
        OSError, EOFError, zlib.error: it is not gzip's, or torn.
    """
    with gzip.GzipFile(fileobj=io.BytesIO(payload)) as file:
        unpacked = file.read(MOST_BYTES + 1)
    if len(unpacked) > MOST_BYTES:
        raise UnpacksTooLarge
    return unpacked


def lz4_decode(payload: bytes | memoryview) -> bytes:
    """Return what lz4 has packed; raises as `_grown` does."""
    return _grown(cramjam.lz4.decompress_into, payload)


def zstd_decode(payload: bytes | memoryview) -> bytes:
    """Return what zstd has packed; raises as `_grown` does."""
    return _grown(cramjam.zstd.decompress_into, payload)


def snappy_decode(payload: bytes | memoryview) -> bytes:
    """Return what snappy has packed, with a frame or without one.

    Raises:
        UnpacksTooLarge: it is more than `MOST_BYTES`.
        cramjam.DecompressionError: it is not snappy's, or torn.
    """
    if bytes(payload[: len(XERIAL)]) != XERIAL:
        return _snappy_block(payload, MOST_BYTES)
    frames, place, parts, room = memoryview(payload), XERIAL_HEADER_BYTES, list[bytes](), MOST_BYTES
    while place < len(frames):
        (size,) = struct.unpack_from("!i", frames, place)
        parts.append(_snappy_block(frames[place + 4 : place + 4 + size], room))
        room -= len(parts[-1])
        place += 4 + size
    return b"".join(parts)


DECODERS: Final = {
    "gzip_decode": gzip_decode,
    "lz4_decode": lz4_decode,
    "snappy_decode": snappy_decode,
    "zstd_decode": zstd_decode,
}


def _snappy_block(block: bytes | memoryview, room: int) -> bytes:
    """Return a block's content; its size is the first thing in it, and snappy holds to that."""
    if cramjam.snappy.decompress_raw_len(block) > room:
        raise UnpacksTooLarge
    return bytes(cramjam.snappy.decompress_raw(block))


def _grown(decompress_into: Into, payload: bytes | memoryview) -> bytes:
    """Decompress into room that grows until it is enough.

    Raises:
        UnpacksTooLarge: more than `MOST_BYTES` would be.
        cramjam.DecompressionError: it is not the codec's, or torn.
    """
    room = min(MOST_BYTES, max(FIRST_BYTES, GUESS * len(payload)))
    while True:
        unpacked = bytearray(room)
        try:
            size = decompress_into(payload, unpacked)
        except cramjam.DecompressionError as error:
            if "whole buffer" not in str(error):
                raise
            if room == MOST_BYTES:
                raise UnpacksTooLarge from None
            room = min(MOST_BYTES, room * GROWTH)
        else:
            return bytes(memoryview(unpacked)[:size])
