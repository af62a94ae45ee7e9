"""The feed: follows the topics from a bounded tail into the figures, with a consumer that has no group."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import structlog
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.structs import ConsumerRecord

from dashboard.figures import KEPT_FAILOVERS, Figures
from schemas.batch_lanes import BatchLane
from schemas.budgets import Budget
from schemas.costs import CostEvent
from schemas.failovers import Failover
from schemas.health import ModelHealth
from schemas.quality import ModelQuality
from schemas.responses import Response
from schemas.topics import Topic

log = structlog.get_logger()

TOPICS = (
    Topic.COSTS,
    Topic.RESPONSES,
    Topic.MODEL_HEALTH,
    Topic.MODEL_QUALITY,
    Topic.FAILOVERS,
    Topic.BUDGETS,
    Topic.BATCH_LANES,
)
OPTIONAL = (Topic.BATCH_LANES,)
"""Needed only where the catalogue has a provider with batches."""
MOST_RECORDS = 200_000
"""How many of a topic's youngest records are read at the start, however far the window reaches."""
POLL_MS = 200
RECORDS_A_POLL = 500


@dataclass(frozen=True, slots=True)
class Feed:
    """Reads the partitions of `TOPICS` into `figures`. `topics` are their names on the cluster."""

    consumer: AIOKafkaConsumer
    topics: Mapping[str, Topic]
    figures: Figures
    clock: Callable[[], float]

    async def run(self, partitions: Mapping[Topic, Sequence[TopicPartition]]) -> None:
        """Follow, for ever.

        Raises:
            KafkaError: the brokers refuse.
        """
        await self._go_to_tail(partitions)
        while True:
            batches = await self.consumer.getmany(timeout_ms=POLL_MS, max_records=RECORDS_A_POLL)
            for tp, records in batches.items():
                for record in records:
                    self._take(self.topics[tp.topic], record)
            await asyncio.sleep(0)  # the page is served between the batches of a long tail

    async def _go_to_tail(self, partitions: Mapping[Topic, Sequence[TopicPartition]]) -> None:
        consumer, every = self.consumer, [tp for topic in TOPICS for tp in partitions[topic]]
        consumer.assign(every)
        begins, ends = await consumer.beginning_offsets(every), await consumer.end_offsets(every)
        since_ms = int((self.clock() - self.figures.window_s) * 1000)
        timed = [tp for topic in (Topic.COSTS, Topic.RESPONSES, Topic.MODEL_HEALTH) for tp in partitions[topic]]
        young = await consumer.offsets_for_times(dict.fromkeys(timed, since_ms))
        for topic in TOPICS:
            most = KEPT_FAILOVERS if topic is Topic.FAILOVERS else MOST_RECORDS // max(1, len(partitions[topic]))
            for tp in partitions[topic]:
                at = begins[tp]
                if tp in young:
                    at = ends[tp] if young[tp] is None else young[tp].offset
                consumer.seek(tp, max(at, begins[tp], ends[tp] - most))

    def _take(self, topic: Topic, record: ConsumerRecord[bytes | None, bytes | None]) -> None:
        if record.value is None:
            return  # a compacted topic's deletion
        try:
            self._read(topic, record.value)
        except ValueError as error:
            self.figures.unreadable += 1
            log.warning(
                "a record cannot be read",
                topic=record.topic,
                partition=record.partition,
                offset=record.offset,
                error=str(error).partition("\n")[0],
            )

    def _read(self, topic: Topic, value: bytes) -> None:
        figures = self.figures
        if topic is Topic.COSTS:
            figures.take_cost(CostEvent.decode(value), self.clock())
        elif topic is Topic.RESPONSES:
            figures.take_response(Response.decode(value), self.clock())
        elif topic is Topic.MODEL_HEALTH:
            figures.take_health(ModelHealth.decode(value))
        elif topic is Topic.MODEL_QUALITY:
            figures.take_quality(ModelQuality.decode(value))
        elif topic is Topic.FAILOVERS:
            figures.take_failover(Failover.decode(value))
        elif topic is Topic.BATCH_LANES:
            figures.take_lane(BatchLane.decode(value))
        else:
            figures.take_budget(Budget.decode(value))
