"""Follows the index of the answer cache: what all workers have kept, and what is to be forgotten."""

from collections.abc import Callable

from router.caching.index import CacheIndex, Place
from schemas.caching import FORGOTTEN_PREFIX, CacheEntry, KeptAnswer, is_question
from schemas.topics import Topic
from streams.codec import Delivery
from streams.control.following import deliveries
from streams.internal_records import read_internal
from streams.ports import Clock, LogReader


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
        key, value, now_s, offset = delivery.key or b"", delivery.value, self._clock(), delivery.origin.offset
        if not value:
            if is_question(key):
                self._index.forget(key.decode(), offset)
            return
        entry = read_internal(CacheEntry, value, self._topic, now_s, lambda told: told.as_of)
        if entry is None:
            return
        if entry.answer is not None:
            if is_question(key):
                self._learn(key.decode(), entry.tenant, entry.answer, offset)
        elif is_question(question := key.removeprefix(FORGOTTEN_PREFIX)):
            self._index.forget(question.decode(), offset)
        else:
            self._index.forget_tenant(entry.tenant, offset)

    def _learn(self, key: str, tenant: str, answer: KeptAnswer, offset: int) -> None:
        expires_s, followed = answer.expires_at_ms / 1000, offset if answer.followed is None else answer.followed
        self._index.drop(key)
        if expires_s > self._clock():
            self._index.learn(key, tenant, Place(answer.partition, answer.offset), expires_s, followed)
