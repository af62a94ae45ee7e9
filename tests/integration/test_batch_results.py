"""A batch is sent, and a file of its results read, in memory that does not grow with them."""

import asyncio
import time
from collections.abc import AsyncIterator
from dataclasses import replace
from decimal import Decimal

from bench.batch_lines import LINES_AT_ONCE, line, peak_kib, read
from router.batches.batch import BatchInput, BatchQueue
from router.catalogue import BatchTerms, Price
from router.dialects.wire import BatchForm
from streams.providers.batches import HttpBatches
from streams.providers.endpoints import Endpoint
from streams.providers.transport import AiohttpTransport
from tests.stage import ALPHA

LINES = 60_000
MOST_MIB = 8


async def test_memory_is_flat_over_a_large_file_of_results() -> None:
    size_mib = LINES * len(line(0)) / 2**20
    number, grown_kib, cpu_s = await read(LINES - LINES % LINES_AT_ONCE)
    assert number == LINES
    assert size_mib > 60
    assert grown_kib / 1024 < MOST_MIB, f"{grown_kib} KiB more for {size_mib:.0f} MiB of results"
    assert cpu_s / number < 0.0008, "a line costs more to be read than a result may cost altogether"


async def test_memory_is_flat_over_a_large_upload() -> None:
    one, count, before = line(0), LINES, 0
    taken = 0

    async def lines() -> AsyncIterator[bytes]:
        nonlocal before
        for number in range(count):
            if number == LINES_AT_ONCE * 10:
                before = peak_kib()
            yield one

    async def take(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal taken
        size = 0
        while name_and_value := (await reader.readline()).strip():
            name, _, value = name_and_value.partition(b":")
            size = int(value) if name.lower() == b"content-length" else size
        while taken < size:
            taken += len(await reader.read(65_536))
        body = b'{"id": "file-1"}'
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n" % len(body) + body)
        await writer.drain()
        writer.close()

    queue = BatchQueue(
        replace(ALPHA, batch=BatchTerms(BatchForm.OPENAI, Price(Decimal(1), Decimal(2)), 86_400, count, 200_000_000))
    )
    server = await asyncio.start_server(take, "127.0.0.1", 0)
    async with server, AiohttpTransport() as transport:
        endpoint = Endpoint(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1", None)
        batches = HttpBatches(transport, {ALPHA.provider_name: endpoint}, time.time)
        batch = BatchInput(lines, count, len(one) * count)
        assert await batches.upload(queue, "ours-1", batch) == "file-1"
    assert taken > batch.size_bytes > 60 * 2**20
    assert (peak_kib() - before) / 1024 < MOST_MIB
