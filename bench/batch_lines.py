"""What a line of a batch's results costs to be read, and what memory a large file of them takes.

A server on the loopback streams a file of OpenAI's results, chat answers of about a kilobyte; this process reads it as
a worker does, and does nothing with the lines.
"""

import asyncio
import resource
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from decimal import Decimal

import orjson

from router.batches.batch import BatchHandle, BatchQueue
from router.catalogue import BatchTerms, Price
from router.dialects.wire import BatchForm
from streams.providers.batches import HttpBatches
from streams.providers.endpoints import Endpoint
from streams.providers.transport import AiohttpTransport
from tests.stage import ALPHA

STATUS = orjson.dumps({"id": "batch_1", "status": "completed", "output_file_id": "file-1"})
WORDS = "It depends on what you already have in place. " * 12
LINES_AT_ONCE = 200


def line(number: int) -> bytes:
    """Return one line of results."""
    usage = {
        "prompt_tokens": 120,
        "completion_tokens": 130,
        "total_tokens": 250,
        "prompt_tokens_details": {"cached_tokens": 0},
        "completion_tokens_details": {"reasoning_tokens": 0},
    }
    choice = {"index": 0, "message": {"role": "assistant", "content": WORDS}, "logprobs": None, "finish_reason": "stop"}
    body = {
        "id": f"chatcmpl-{number}",
        "object": "chat.completion",
        "created": 1711652795,
        "model": "gpt-4.1-2025-04-14",
        "choices": [choice],
        "usage": usage,
        "system_fingerprint": "fp_123",
        "service_tier": "default",
    }
    response = {"status_code": 200, "request_id": f"req_{number}", "body": body}
    return orjson.dumps({"id": f"batch_req_{number}", "custom_id": f"b-{number}", "response": response}) + b"\n"


@asynccontextmanager
async def served(count: int) -> AsyncIterator[int]:
    """Serve a batch of so many lines; give the port."""
    block = b"".join(line(number) for number in range(LINES_AT_ONCE))

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        target = (await reader.readline()).split(b" ")[1]
        while (await reader.readline()).strip():
            pass
        if not target.endswith(b"/content"):
            writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n" % len(STATUS) + STATUS)
        else:
            writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n" % (len(block) * (count // LINES_AT_ONCE)))
            for _ in range(count // LINES_AT_ONCE):
                writer.write(block)
                await writer.drain()
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(handle, "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1]


async def read(count: int) -> tuple[int, int, float]:
    """Return how many lines were read, how much the process has grown since the first ones, and the CPU seconds."""
    terms = BatchTerms(BatchForm.OPENAI, Price(Decimal(1), Decimal(2)), 86_400, 50_000, 200_000_000)
    queue = BatchQueue(replace(ALPHA, batch=terms))
    async with served(count) as port, AiohttpTransport() as transport:
        endpoint = Endpoint(f"http://127.0.0.1:{port}/v1", None)
        batches = HttpBatches(transport, {ALPHA.provider_name: endpoint}, time.time)
        number, before, began_s = 0, 0, time.process_time()
        async for _ in batches.results(queue, BatchHandle("batch_1")):
            number += 1
            if number == LINES_AT_ONCE * 10:
                before = peak_kib()
        return number, peak_kib() - before, time.process_time() - began_s


def peak_kib() -> int:
    """Return the most memory that this process has had, in KiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def main() -> None:
    """Print the figures."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 100_000
    size = len(line(0)) * count
    number, grown_kib, cpu_s = asyncio.run(read(count))
    print(
        f"{number} lines, {size / 1e6:.0f} MB: {cpu_s / number * 1e6:.0f} µs of CPU a line, the server's part included"
    )
    print(f"memory: {grown_kib / 1024:.1f} MiB more at the end than after {LINES_AT_ONCE * 10} lines")


if __name__ == "__main__":
    main()
