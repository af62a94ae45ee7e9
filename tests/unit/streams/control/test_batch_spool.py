import asyncio

import pytest

from streams.control.batch_spool import Spool


def test_what_was_written_is_read_by_its_place() -> None:
    with Spool(3) as spool:
        spool.write(2, b"two")
        spool.write(0, b"zero")
        assert [spool.read(place) for place in range(3)] == [b"zero", None, b"two"]
        assert spool.size_bytes == 7


def test_the_last_content_of_a_place_counts() -> None:
    with Spool(1) as spool:
        spool.write(0, b"an error")
        spool.write(0, b"an answer")
        assert spool.read(0) == b"an answer"


def test_contents_come_by_place_and_as_often_as_they_are_asked_for() -> None:
    async def contents(spool: Spool) -> list[bytes]:
        return [content async for content in spool.contents()]

    with Spool(40) as spool:
        for place in reversed(range(0, 40, 2)):
            spool.write(place, b"%d" % place)
        expected = [b"%d" % place for place in range(0, 40, 2)]
        assert asyncio.run(contents(spool)) == expected
        assert asyncio.run(contents(spool)) == expected


def test_a_closed_spool_is_gone() -> None:
    spool = Spool(1)
    spool.write(0, b"x")
    spool.close()
    with pytest.raises(ValueError, match="closed"):
        spool.read(0)
