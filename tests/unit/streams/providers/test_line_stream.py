import gzip
from collections.abc import AsyncIterator, Iterable
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.providers.line_stream import HEAD_BYTES, Line, inflated, lines_of


async def chunks(pieces: Iterable[bytes]) -> AsyncIterator[bytes]:
    for piece in pieces:
        yield piece


async def lines(*pieces: bytes, longest: int = 1000) -> list[Line]:
    return [line async for line in lines_of(chunks(pieces), longest)]


@given(
    st.lists(st.binary(max_size=20).filter(lambda line: b"\n" not in line and line.strip() == line), max_size=8),
    st.lists(st.integers(0, 200), max_size=8),
    st.booleans(),
)
async def test_where_the_pieces_end_does_not_matter(written: list[bytes], cuts: list[int], ends: bool) -> None:  # noqa: FBT001 - drawn
    whole = b"\n".join(written) + (b"\n" if ends else b"")
    at = [0, *sorted(cut for cut in cuts if cut <= len(whole)), len(whole)]
    read = await lines(*(whole[one:other] for one, other in pairwise(at)))
    assert [line.content for line in read] == [line for line in written if line]
    assert [line.is_last for line in read[:-1]] == [False] * len(read[:-1])
    if read:
        assert read[-1].is_last == (not ends and bool(written[-1]))


@pytest.mark.parametrize("size", [1001, 5000, 100_000])
@pytest.mark.parametrize("piece", [64, 997, 200_000])
async def test_of_a_line_that_is_too_long_only_the_beginning_is_kept(size: int, piece: int) -> None:
    whole = b"first\n" + b"x" * size + b"\nlast\n"
    read = await lines(*(whole[at : at + piece] for at in range(0, len(whole), piece)))
    assert [line.content for line in (read[0], read[2])] == [b"first", b"last"]
    assert read[1].is_cut
    assert 64 <= len(read[1].content) <= HEAD_BYTES
    assert set(read[1].content) == {ord("x")}


async def test_blanks_are_no_lines() -> None:
    assert [line.content for line in await lines(b"\r\n\n a \r\n  \n")] == [b"a"]


async def test_what_is_packed_is_unpacked_in_bounded_pieces() -> None:
    packed = gzip.compress(b"a" * 1_000_000) + gzip.compress(b"b" * 10)
    pieces = [piece async for piece in inflated(chunks([packed[:7], packed[7:]]), at_once=1000)]
    assert b"".join(pieces) == b"a" * 1_000_000 + b"b" * 10
    assert max(map(len, pieces)) <= 1000
