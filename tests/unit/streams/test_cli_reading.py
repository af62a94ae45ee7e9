import os
from collections.abc import AsyncGenerator

import pytest

from streams.cli.line_input import CHUNK_BYTES, lines_of
from streams.cli.partitions import ReadRecord, Start, readable
from streams.cli.tally import percentile


@pytest.mark.parametrize(("text", "last"), [("beginning", None), ("end", 0), ("-10", 10), ("-0", 0)])
def test_a_start_is_the_beginning_the_end_or_some_records_before_it(text: str, last: int | None) -> None:
    assert Start.parse(text) == Start(last)


@pytest.mark.parametrize("text", ["", "10", "-", "--1", "-x", "latest", "-1.5", "-²"])
def test_any_other_start_is_an_error_that_says_what_is_one(text: str) -> None:
    with pytest.raises(ValueError, match="neither beginning nor end nor"):
        Start.parse(text)


@pytest.mark.parametrize(
    ("values", "fraction", "expected"),
    [([], 0.5, 0), ([7], 0.99, 7), ([3, 1, 2], 0.5, 2), (list(range(1, 101)), 0.99, 99), ([1, 2], 0.5, 1)],
)
def test_a_percentile_is_the_nearest_rank(values: list[int], fraction: float, expected: int) -> None:
    assert percentile(values, fraction) == expected


async def test_records_that_cannot_be_read_are_passed_over_and_told_once(capsys: pytest.CaptureFixture[str]) -> None:
    async def records() -> AsyncGenerator[ReadRecord, None]:
        for offset, value in enumerate((b"1", b"x", None, b"\xff", b"2")):
            yield ReadRecord("llm.model-quality.v1", 3, offset, 0, value)

    assert [one async for one in readable(records(), int)] == [1, 2]
    told = "llm.model-quality.v1, partition 3, offset 1, cannot be read; it is passed over, as others like it are.\n"
    assert capsys.readouterr().err == told


async def test_a_line_is_read_before_the_pipe_is_closed() -> None:
    readable, writable = os.pipe()
    lines = lines_of(readable)
    os.write(writable, b"first\n\n  \nsec")
    assert await anext(lines) == (1, b"first")
    os.write(writable, b"ond\r\nlast")
    assert await anext(lines) == (4, b"second")
    os.close(writable)
    assert [line async for line in lines] == [(5, b"last")]
    os.close(readable)


async def test_lines_longer_than_a_chunk_come_whole(tmp_path: os.PathLike[str]) -> None:
    path = os.path.join(tmp_path, "lines")  # noqa: PTH118 - a descriptor is what is read
    long = b"x" * (2 * CHUNK_BYTES + 1)
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT)
    os.write(descriptor, long + b"\n" + long)
    os.lseek(descriptor, 0, os.SEEK_SET)
    assert [line async for line in lines_of(descriptor)] == [(1, long), (2, long)]
    os.close(descriptor)
