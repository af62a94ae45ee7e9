"""The requests of one batch in as few bytes as they take: where their records lie, until when, and who they are.

All of them lie in one partition. A request takes 16 bytes for its digest, and for its offset and its deadline what they
differ from those before it: at most `MOST_BYTES` stored, mostly 19, and 28 in memory.
"""

from array import array
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

DIGEST_BYTES = 16
MOST_BYTES = DIGEST_BYTES + 10 + 6
"""A gap of 64 bits and a run of one request, and a deadline of 32 bits, as varints."""
CHUNK = 10_000
"""Requests that are stored in one row: a third of a megabyte at the most."""
_MOST_S = 2**32 - 1
_LOW_BITS, _MORE = 0x7F, 0x80
_MOST_SHIFT = 63
"""Ten bytes hold 64 bits."""


@dataclass(frozen=True, slots=True)
class Members:
    """By rising offset; the place of a request here is its bit in the batch's masks."""

    offsets: "array[int]" = field(default_factory=lambda: array("q"))
    deadlines: "array[int]" = field(default_factory=lambda: array("I"))
    """Seconds since 1970, rounded down."""
    digests: bytes = b""
    """Of the identities, one behind the other."""

    def __len__(self) -> int:
        return len(self.offsets)

    @property
    def everyone(self) -> int:
        """The mask of all."""
        return (1 << len(self.offsets)) - 1

    def place_of(self, offset: int) -> int | None:
        """Return the place of the request at an offset; None if it is not in here."""
        place = bisect_left(self.offsets, offset)
        return place if place < len(self.offsets) and self.offsets[place] == offset else None

    def identities(self) -> Iterator[bytes]:
        """Yield the digests."""
        for begin in range(0, len(self.digests), DIGEST_BYTES):
            yield self.digests[begin : begin + DIGEST_BYTES]

    def due(self, among: int, by_s: float) -> int:
        """Return the mask of those of `among` whose deadline is not after `by_s`."""
        if not among or min(self.deadlines) > by_s:
            return 0
        return mask_of(place for place in places_in(among) if self.deadlines[place] <= by_s)

    def first_deadline_s(self, among: int) -> float | None:
        """Return the first deadline of those in the mask; None of nothing."""
        return min((float(self.deadlines[place]) for place in places_in(among)), default=None)

    def between(self, begin: int, end: int) -> "Members":
        """Return those from one place up to another."""
        digests = self.digests[begin * DIGEST_BYTES : end * DIGEST_BYTES]
        return Members(self.offsets[begin:end], self.deadlines[begin:end], digests)

    def chunks(self) -> Iterator[bytes]:
        """Yield what is stored of them, `CHUNK` at a time."""
        for begin in range(0, len(self), CHUNK):
            yield packed(self.between(begin, begin + CHUNK))


def joined(parts: Iterable[Members], count: int) -> Members:
    """Return the members of several chunks as one.

    Raises:
        ValueError: they do not follow each other, or are not so many.
    """
    whole = Members()
    digests = []
    for part in parts:
        if whole.offsets and part.offsets and part.offsets[0] <= whole.offsets[-1]:
            raise ValueError("chunks of a batch's members are not in their order")
        whole.offsets.extend(part.offsets)
        whole.deadlines.extend(part.deadlines)
        digests.append(part.digests)
    if len(whole) != count:
        raise ValueError(f"of {count} members of a batch {len(whole)} are there")
    return Members(whole.offsets, whole.deadlines, b"".join(digests))


def packed(members: Members) -> bytes:
    """Return them as bytes: their count, runs of offsets, differences of deadlines, digests."""
    out = bytearray()
    _write(out, len(members))
    for gap, length in _runs(members.offsets):
        _write(out, gap)
        _write(out, length)
    before = 0
    for deadline in members.deadlines:
        difference = deadline - before
        _write(out, difference << 1 if difference >= 0 else (-difference << 1) - 1)
        before = deadline
    return bytes(out + members.digests)


def unpacked(value: bytes) -> Members:
    """Read what `packed` has made.

    Raises:
        ValueError: it is none.
    """
    numbers = _Numbers(value)
    count = numbers.next()
    if count * DIGEST_BYTES > len(value):
        raise ValueError("members of a batch are cut off")
    offsets, deadlines = array("q"), array("I")
    end = 0
    while len(offsets) < count:
        begin, length = end + numbers.next(), numbers.next()
        if not 0 < length <= count - len(offsets) or begin + length > 2**63 - 1:
            raise ValueError("a run of a batch's offsets is longer than the batch")
        offsets.extend(range(begin, begin + length))
        end = begin + length
    moment = 0
    for _ in range(count):
        told = numbers.next()
        moment += -((told + 1) >> 1) if told & 1 else told >> 1
        if not 0 <= moment <= _MOST_S:
            raise ValueError("a deadline of a batch is no moment")
        deadlines.append(moment)
    digests = value[numbers.place :]
    if len(digests) != count * DIGEST_BYTES:
        raise ValueError("a batch has other digests than members")
    return Members(offsets, deadlines, digests)


def mask_of(places: Iterable[int]) -> int:
    """Return the mask with the bits at these places."""
    bits = bytearray()
    for place in places:
        byte = place >> 3
        if byte >= len(bits):
            bits.extend(bytes(byte + 1 - len(bits)))
        bits[byte] |= 1 << (place & 7)
    return int.from_bytes(bits, "little")


def places_in(mask: int) -> Iterator[int]:
    """Yield the places of the bits of a mask, rising."""
    for place, byte in enumerate(mask.to_bytes((mask.bit_length() + 7) // 8, "little")):
        for bit in range(8) if byte else ():
            if byte >> bit & 1:
                yield place * 8 + bit


def whole_s(moment_s: float) -> int:
    """Return a moment as it is kept of a deadline: not later, and a number of 32 bits."""
    return max(0, min(int(moment_s), _MOST_S))


def _runs(offsets: Sequence[int]) -> Iterator[tuple[int, int]]:
    """Yield runs of offsets that follow each other: the gap before each, and its length."""
    end = begin = 0
    length = 0
    for offset in offsets:
        if length and offset == begin + length:
            length += 1
            continue
        if length:
            yield begin - end, length
            end = begin + length
        begin, length = offset, 1
    if length:
        yield begin - end, length


def _write(out: bytearray, number: int) -> None:
    """Append a number as a varint: seven bits a byte, the lowest first. Source: Protocol Buffers, "Encoding"."""
    while number > _LOW_BITS:
        out.append(number & _LOW_BITS | _MORE)
        number >>= 7
    out.append(number)


class _Numbers:
    """Reads varints one after the other."""

    __slots__ = ("_value", "place")

    def __init__(self, value: bytes) -> None:
        self._value = value
        self.place = 0

    def next(self) -> int:
        number = shift = 0
        while self.place < len(self._value) and shift <= _MOST_SHIFT:
            byte = self._value[self.place]
            self.place += 1
            number |= (byte & _LOW_BITS) << shift
            if byte <= _LOW_BITS:
                return number
            shift += 7
        raise ValueError("members of a batch are cut off")
