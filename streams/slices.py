"""Long work in slices between which the event loop has its turn: heartbeats and requests do not wait for the whole."""

import asyncio
from collections.abc import AsyncIterator, Iterable
from typing import TypeVar

SLICE_S = 0.003
"""The loop waits so long and one item more; answers come in bursts if it waits for more than 5 ms."""

Item = TypeVar("Item")


async def in_slices(items: Iterable[Item]) -> AsyncIterator[Item]:
    """Give the items, one after the other; let the loop have its turn whenever `SLICE_S` have passed."""
    loop = asyncio.get_running_loop()
    until_s = loop.time() + SLICE_S
    for item in items:
        yield item
        if loop.time() >= until_s:
            await asyncio.sleep(0)
            until_s = loop.time() + SLICE_S
