import json
from collections.abc import AsyncIterator

import httpx
import pytest

from streams.providers.batch_bodies import StreamedBody, as_form, as_list

LINES = [json.dumps({"custom_id": f"r{number}", "text": "ä" * number}).encode() + b"\n" for number in range(5)]
SIZE = sum(map(len, LINES))


async def lines() -> AsyncIterator[bytes]:
    for line in LINES:
        yield line


async def read(body: StreamedBody) -> bytes:
    return b"".join([piece async for piece in body])


async def test_a_list_has_all_lines_and_the_size_that_it_says() -> None:
    body = as_list(lines, len(LINES), SIZE)
    content = await read(body)
    assert len(content) == body.size_bytes
    assert json.loads(content) == {"requests": [json.loads(line) for line in LINES]}


async def test_a_form_is_what_any_parser_of_forms_reads() -> None:
    body, kind = as_form(lines, SIZE, "ours-1.jsonl")
    content = await read(body)
    assert len(content) == body.size_bytes
    boundary = kind.partition("boundary=")[2]
    purpose, file = content.split(f"--{boundary}".encode())[1:3]
    assert purpose.endswith(b'name="purpose"\r\n\r\nbatch\r\n')
    head, _, rest = file.partition(b"\r\n\r\n")
    assert b'filename="ours-1.jsonl"' in head
    assert rest == b"".join(LINES) + b"\r\n"
    assert content.endswith(f"--{boundary}--\r\n".encode())


async def test_short_lines_are_sent_together() -> None:
    async def many() -> AsyncIterator[bytes]:
        for _ in range(20_000):
            yield b"0123456789012345678\n"

    pieces = [len(piece) async for piece in StreamedBody(many, 400_000)]
    assert sum(pieces) == 400_000
    assert len(pieces) == 2


@pytest.mark.parametrize("off", [-1, 1])
async def test_a_size_that_is_not_true_is_told(off: int) -> None:
    body = StreamedBody(lines, SIZE + off)
    with pytest.raises(ValueError, match="other sizes than was said"):
        await read(body)
    assert isinstance(body.error, ValueError)


async def test_lines_that_cannot_be_read_say_why() -> None:
    async def broken() -> AsyncIterator[bytes]:
        yield LINES[0]
        raise OSError("the log is away")

    body = StreamedBody(broken, SIZE)
    assert isinstance(body, httpx.AsyncByteStream)
    with pytest.raises(OSError, match="the log is away"):
        await read(body)
    assert isinstance(body.error, OSError)
