"""A request's calls and response go to partitions of its own number: where one is missing, the request waits unread.

Partitions may be added to the requests topic while workers run, before the other two topics have as many. Nothing can
be written ahead for their requests then, so these partitions are held back at their assignment, and flow once all three
topics have them. The other partitions go on meanwhile.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping

import structlog
from aiokafka.errors import KafkaError

from streams.ports import Intake, TopicPartition

log = structlog.get_logger()

COUNTERPARTS_LOOK_S = 2.0
SAY_EVERY_S = 60.0

PartitionCount = Callable[[str], Awaitable[int]]
"""Asks how many partitions a topic has."""


class Counterparts:
    """Holds partitions of the requests topic back while a topic that goes along with it is too small."""

    def __init__(self, intake: Intake, partition_count: PartitionCount, requests: str, topics: tuple[str, ...]) -> None:
        """Take where requests come from, and the names of their topic and of those that must be as large."""
        self._intake = intake
        self._partition_count = partition_count
        self._requests = requests
        self._counts = dict.fromkeys(topics, 0)
        self._wanted = 0
        self._waiting: dict[TopicPartition, None] = {}
        self._some_wait = asyncio.Event()
        self._said: tuple[Mapping[str, int], float] = {}, 0.0

    def missing(self) -> Mapping[str, int]:
        """Return how many partitions each topic lacks, as far as is known."""
        return {topic: max(0, self._wanted - count) for topic, count in self._counts.items()}

    def assigned(self, partitions: Iterable[TopicPartition]) -> None:
        """Hold back those of an assignment whose counterparts are not known to exist; `watch` will look."""
        self._waiting = dict.fromkeys(tp for tp in partitions if tp.partition >= min(self._counts.values()))
        for tp in self._waiting:
            self._intake.hold_back(tp)
        if self._waiting:
            self._wanted = max(self._wanted, *(tp.partition + 1 for tp in self._waiting))
            self._some_wait.set()

    def lacks(self, partition: TopicPartition) -> bool:
        """Say whether the partition is held back, since a topic has none of its number."""
        return partition in self._waiting

    async def watch(self) -> None:
        """Let partitions flow as topics grow, for ever."""
        while True:
            await self._some_wait.wait()
            try:
                await self.look()
            except (KafkaError, TimeoutError) as error:
                log.warning("the size of the topics is not known", error=str(error) or type(error).__name__)
            self._let_flow()
            if self._waiting:
                self._say()
                await asyncio.sleep(COUNTERPARTS_LOOK_S)
            else:
                self._some_wait.clear()

    async def look(self) -> None:
        """Ask how large the topics are.

        Raises:
            KafkaError: the broker refuses, or cannot be reached.
        """
        for topic in self._counts:
            self._counts[topic] = await self._partition_count(topic)
        self._wanted = await self._partition_count(self._requests)

    def _let_flow(self) -> None:
        enough = min(self._counts.values())
        for tp in [tp for tp in self._waiting if tp.partition < enough]:
            del self._waiting[tp]
            self._intake.let_flow(tp)
            log.info("partition is read now: all topics have it", partition=tp.partition)

    def _say(self) -> None:
        missing, now_s = self.missing(), asyncio.get_running_loop().time()
        said, said_s = self._said
        if missing == said and now_s < said_s + SAY_EVERY_S:
            return
        self._said = missing, now_s
        for topic in (topic for topic, lacks in missing.items() if lacks):
            log.warning(
                "requests wait unread: add partitions to a topic",
                topic=topic,
                partitions=self._counts[topic],
                wanted=self._wanted,
                waiting=[tp.partition for tp in self._waiting],
                fix=f"kafka-topics.sh --alter --topic {topic} --partitions {self._wanted}",
            )
