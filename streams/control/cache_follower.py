"""Follows the index of the answer cache: what all workers have kept, and what is to be forgotten."""

import string
from collections.abc import Callable

from router.caching.index import CacheIndex, Place
from schemas.caching import CacheEntry
from schemas.topics import Topic
from streams.codec import Delivery
from streams.control.following import deliveries
from streams.internal_records import read_internal
from streams.ports import Clock, LogReader

KEY_DIGITS = 32
_HEX = frozenset(string.hexdigits.encode())


class CacheFollower:
    """Keeps one worker's index as the topic says."""

    def __init__(self, index: CacheIndex, topic_name: Callable[[Topic], str], clock: Clock) -> None:
        self._index = index
        self._topic = topic_name(Topic.CACHE_INDEX)
        self._clock = clock

    async def run(self, reader: LogReader) -> None:
        """Follow for ever."""
        async for batch in deliveries(reader, self._topic):
            for delivery in batch:
                self._take(delivery)
                self._index.followed = delivery.origin.offset + 1

    def _take(self, delivery: Delivery) -> None:
        key, value, now_s = delivery.key or b"", delivery.value, self._clock()
        is_question = len(key) == KEY_DIGITS and _HEX.issuperset(key)
        if not value:
            if is_question:
                self._index.forget(key.decode())
            return
        entry = read_internal(CacheEntry, value, self._topic, now_s, lambda told: told.as_of)
        if entry is None:
            return
        if entry.answer is None:
            self._index.forget_tenant(entry.tenant)
        elif is_question:
            place, expires_s = Place(entry.answer.partition, entry.answer.offset), entry.answer.expires_at_ms / 1000
            self._index.drop(key.decode())
            if expires_s > now_s:
                self._index.learn(key.decode(), entry.tenant, place, expires_s)
