"""Tells how the batch lanes stand: on their topic for people, and in metrics."""

from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from decimal import Decimal

from prometheus_client import Counter, Gauge, Histogram

from router.batches.collecting import Collecting
from router.batches.durations import Durations
from router.batches.stages import Batch, QueueName, Stage
from schemas.batch_lanes import BatchLane, LaneBatch
from schemas.message import NANO_USD
from streams.ports import Clock
from streams.publisher import Publisher

TOLD_EVERY_S = 2.0
SIGN_OF_LIFE_S = 60.0
MOST_SETTLED = 20
"""Batches that have ended and are still told, the last ones of each lane."""
DETAIL_CHARS = 300
DURATION_BUCKETS_S = (60.0, 300.0, 900.0, 1800.0, 3600.0, 7200.0, 14_400.0, 28_800.0, 57_600.0, 86_400.0)

_OF_A_LANE = ("gen_ai_provider_name", "gen_ai_request_model")
BATCHES = Gauge("turnout_batches", "Batches under way, by state.", (*_OF_A_LANE, "state"), registry=None)
WAITING = Gauge("turnout_batch_waiting", "Requests that wait for a batch to be formed.", _OF_A_LANE, registry=None)
OLDEST_S = Gauge(
    "turnout_batch_waiting_oldest_seconds", "Age of the first of these requests.", _OF_A_LANE, registry=None
)
SAVED_USD = Counter(
    "turnout_batch_saved_usd",
    "What answers of batches would have cost more in live calls, of batches that this worker has settled.",
    _OF_A_LANE,
    registry=None,
)
TOOK_S = Histogram(
    "turnout_batch_duration_seconds",
    "From the creation of a batch to its end, of batches that this worker has settled.",
    _OF_A_LANE,
    buckets=DURATION_BUCKETS_S,
    registry=None,
)
ENDED = Counter(
    "turnout_batch_requests",
    "Requests of batches that this worker has settled, by what became of them.",
    (*_OF_A_LANE, "result"),
    registry=None,
)
LEFT = Counter(
    "turnout_batch_files_left",
    "Files of batches, with prompts or answers, that could not be deleted at their provider.",
    _OF_A_LANE,
    registry=None,
)
METRICS = (BATCHES, WAITING, OLDEST_S, SAVED_USD, TOOK_S, ENDED, LEFT)


class BatchNews:
    """Tells what has changed, lane by lane."""

    def __init__(self, publisher: Publisher, clock: Clock) -> None:
        self._publisher = publisher
        self._clock = clock
        self._told: dict[QueueName, BatchLane] = {}
        self._looked_s = 0.0

    async def tell(
        self,
        queues: Mapping[tuple[int, QueueName], Collecting],
        batches: Iterable[Batch],
        durations: Mapping[tuple[str, str], Durations],
        now_s: float,
        be_sure: Callable[[], None],
    ) -> None:
        """Publish each lane that has changed, and measure all of them.

        Raises:
            KafkaError: it could not be published.
            UnsureError: by `be_sure`: another worker may be the one to tell.
        """
        if now_s - self._looked_s < TOLD_EVERY_S:
            return
        self._looked_s = now_s
        waiting: dict[QueueName, list[Collecting]] = {}
        for (_, name), collecting in queues.items():
            waiting.setdefault(name, []).append(collecting)
        of_lane: dict[QueueName, list[Batch]] = {}
        for batch in batches:
            of_lane.setdefault(batch.queue, []).append(batch)
        _measure(waiting, of_lane, now_s)
        for name in {*waiting, *of_lane, *self._told}:
            ran = durations.get((name.provider, name.model), Durations())
            lane = _lane(name, waiting.get(name, []), of_lane.get(name, []), ran, now_s)
            before = self._told.get(name)
            if before is not None and not _is_news(before, lane):
                continue
            be_sure()
            await self._publisher.batch_lane(lane)
            self._told[name] = lane


def count_settled(batch: Batch) -> None:
    """Count a batch that this worker has settled."""
    labels = batch.queue.provider, batch.queue.model
    SAVED_USD.labels(*labels).inc(max(0.0, batch.saved_nano_usd / 1e9))
    ENDED.labels(*labels, "answered").inc(batch.answered)
    ENDED.labels(*labels, "returned").inc(batch.returned.bit_count())
    if batch.created_s is not None and batch.ended_s is not None:
        TOOK_S.labels(*labels).observe(batch.ended_s - batch.created_s)


def _measure(
    waiting: Mapping[QueueName, Iterable[Collecting]], batches: Mapping[QueueName, Iterable[Batch]], now_s: float
) -> None:
    for gauge in (BATCHES, WAITING, OLDEST_S):
        gauge.clear()
    for name, collected in waiting.items():
        WAITING.labels(name.provider, name.model).inc(sum(map(len, collected)))
        firsts = [first for one in collected if (first := one.first_since_s()) is not None]
        OLDEST_S.labels(name.provider, name.model).set(max(0.0, now_s - min(firsts, default=now_s)))
    for name, under_way in batches.items():
        for batch in under_way:
            if batch.stage is not Stage.SETTLED:
                BATCHES.labels(name.provider, name.model, batch.stage).inc()


def _lane(
    name: QueueName, waiting: Iterable[Collecting], batches: Iterable[Batch], durations: Durations, now_s: float
) -> BatchLane:
    firsts = [first for one in waiting if (first := one.first_since_s()) is not None]
    p50_s, late_s = durations.took_s(0.5, now_s), durations.late_until_s(now_s)
    ordered = sorted(batches, key=lambda batch: batch.formed_s)
    settled = [batch for batch in ordered if batch.stage is Stage.SETTLED][-MOST_SETTLED:]
    under_way = [batch for batch in ordered if batch.stage is not Stage.SETTLED]
    return BatchLane(
        as_of=_moment(now_s),
        provider_name=name.provider,
        request_model=name.model,
        account=name.account,
        waiting=sum(map(len, waiting)),
        waiting_since=_moment(min(firsts)) if firsts else None,
        batches=tuple(_told(batch, p50_s) for batch in (*settled, *under_way)),
        p50_s=p50_s,
        p99_s=durations.took_s(0.99, now_s),
        late_until=None if late_s is None else _moment(late_s),
    )


def _told(batch: Batch, p50_s: float | None) -> LaneBatch:
    is_open = batch.created_s is not None and batch.ended_s is None
    expected_s = batch.created_s + p50_s if is_open and batch.created_s is not None and p50_s is not None else None
    return LaneBatch(
        our_id=batch.our_id,
        batch_id=batch.handle.batch_id if batch.handle else None,
        state=batch.stage,
        requests=batch.count,
        answered=batch.answered,
        returned=batch.returned.bit_count(),
        formed_at=_moment(batch.formed_s),
        created_at=None if batch.created_s is None else _moment(batch.created_s),
        expected_at=None if expected_s is None else _moment(expected_s),
        ended_at=None if batch.ended_s is None else _moment(batch.ended_s),
        cost_usd=Decimal(batch.cost_nano_usd) * NANO_USD,
        saved_usd=max(Decimal(0), Decimal(batch.saved_nano_usd) * NANO_USD),
        detail=batch.detail[:DETAIL_CHARS] or None,
    )


def _is_news(before: BatchLane, lane: BatchLane) -> bool:
    if (lane.as_of - before.as_of).total_seconds() >= SIGN_OF_LIFE_S:
        return True
    return lane != before.model_copy(update={"as_of": lane.as_of})


def _moment(at_s: float) -> datetime:
    return datetime.fromtimestamp(at_s, UTC)
