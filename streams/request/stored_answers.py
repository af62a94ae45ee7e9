"""Reads single responses back from their topic, one after the other, by a reader that stays connected."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

from aiokafka.errors import KafkaError

from streams.ports import Log, LogReader, TopicPartition
from streams.request.recovery import stored_response

FETCH_BYTES = 65_536
"""Of what lies behind the record that is wanted, no more is fetched: a megabyte of it takes five times the processor
time (`make bench-cache`)."""


class StoredAnswers:
    """The responses of the topic, by partition and offset."""

    def __init__(self, log: Log, topic: str) -> None:
        self._log = log
        self._topic = topic
        self._one_at_a_time = asyncio.Lock()
        self._stack = AsyncExitStack()
        self._reader: LogReader | None = None

    @asynccontextmanager
    async def open(self) -> AsyncIterator[None]:
        """Connect when something is read for the first time, and let go at the end."""
        try:
            yield
        finally:
            await self._disconnect()

    async def at(self, partition: int, offset: int) -> bytes | None:
        """Return the record; None if the topic does not keep it any more.

        Raises:
            KafkaError: the broker refuses, or says nothing for long.
        """
        async with self._one_at_a_time:
            if self._reader is None:
                self._reader = await self._stack.enter_async_context(self._log.reader(fetches_bytes=FETCH_BYTES))
            try:
                return await stored_response(self._reader, TopicPartition(self._topic, partition), offset)
            except KafkaError:  # the next one begins with a new connection
                await self._disconnect()
                raise

    async def _disconnect(self) -> None:
        self._reader = None
        await self._stack.aclose()
