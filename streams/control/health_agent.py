"""The health agent: one worker at a time merges what all of them tell, and publishes what they see together.

Its window is a table, key model and pane, whose changelog brings it to the next owner. A delta is acknowledged when
its pane is in the changelog; one that is delivered again is in its pane already and counts once. Panes older than an
hour are deleted, restored ones too: Faust's own windowed tables never expire what they have restored (upstream issue
385), so this is a plain table with the pane in the key.
"""

import asyncio
from collections.abc import Mapping, Sequence

import structlog
from aiokafka.errors import KafkaError

from router.catalogue import Catalogue
from router.models.aggregator import PANES_KEPT_S, HealthAggregator
from router.models.health import PANE_S
from router.models.model_state import STALE_S
from router.models.panes import Pane
from schemas.health import BreakerState, HealthStatus, ModelHealth, ModelStats
from schemas.topics import Topic
from streams.internal_records import read_internal, skipped
from streams.ports import Clock, Fence, Received, Table
from streams.publisher import Publisher

log = structlog.get_logger()

HEALTH_EVERY_S = 1.0
HEALTH_AT_S = 0.3
"""How long after the turn of a second the workers' deltas of it have come, seconds."""
SIGN_OF_LIFE_S = 10.0
"""Unchanged health is published again after this time, seconds: silence would make it unknown, after `STALE_S`."""
MOST_DIGITS = 12
"""Of a pane's number; those of the year 9999 have 11."""
QUIET = frozenset({HealthStatus.HEALTHY, HealthStatus.IDLE})
"""Going from one to the other is no news."""


class HealthAgent:
    """Keeps the aggregators while this worker owns the stats, and forgets them when it does not."""

    def __init__(  # noqa: PLR0913 - one composition root calls it
        self,
        catalogue: Catalogue,
        publisher: Publisher,
        clock: Clock,
        table: Table,
        latest: Mapping[str, ModelHealth],
        *,
        fence: Fence,
        probe_idle_s: float | None = None,
    ) -> None:
        """Take what the agent works with; the table's keys are `model|pane`.

        With `probe_idle_s`, a model that has been idle for that long is asked something.
        """
        self._catalogue = catalogue
        self._publisher = publisher
        self._clock = clock
        self._table = table
        self._latest = latest
        self._fence = fence
        self._probe_idle_s = probe_idle_s
        self._active_s: dict[str, float] = {}
        self._aggregators: dict[str, HealthAggregator] | None = None
        self._published: dict[str, ModelHealth] = {}
        self._dirty: dict[bytes, Pane] = {}
        self._unacknowledged: list[Received] = []

    def take_over(self) -> None:
        """Make the aggregators from the restored table and from what was published last."""
        now_s = self._clock()
        restored: dict[str, list[Pane]] = {name: [] for name in self._catalogue.models}
        for key, value in self._table.items().items():
            model = _model_of(key)
            if model not in restored or _ends_s(key) <= now_s - PANES_KEPT_S:
                continue
            try:
                pane = Pane.restored(value)
            except ValueError as error:
                skipped(Topic.MODEL_PANES, error)
                continue
            if _key(model, pane.number) == key:
                restored[model].append(pane)
        aggregators = {name: HealthAggregator(self._catalogue, model) for name, model in self._catalogue.models.items()}
        for name, aggregator in aggregators.items():
            aggregator.restore(restored[name], self._latest.get(name), now_s)
        self._aggregators, self._published = aggregators, dict(self._latest)
        self._active_s = dict.fromkeys(aggregators, now_s)
        log.info("this worker keeps the shared health", panes=sum(map(len, restored.values())))

    def give_up(self) -> None:
        """Forget the aggregators: another worker speaks for all."""
        self._aggregators = None
        self._dirty.clear()
        self._unacknowledged.clear()

    def ingest(self, batch: Sequence[Received]) -> None:
        """Take deltas."""
        for received in batch:
            self._take(received)

    async def watch(self) -> None:
        """Store, judge and publish, once a second and for ever."""
        while True:
            now_s = self._clock()
            await asyncio.sleep(HEALTH_EVERY_S - (now_s - HEALTH_AT_S) % HEALTH_EVERY_S)
            try:
                await self.tick()
            except KafkaError as error:
                log.warning("the shared health could not be published", error=str(error))

    async def tick(self) -> None:
        """Do what is done every second.

        Raises:
            KafkaError: the broker is away; the next tick does it.
        """
        aggregators = self._aggregators
        if aggregators is None or not self._speaks_by(aggregators):
            return
        now_s = self._clock()
        await self._store(aggregators, now_s)
        if not self._speaks_by(aggregators):
            return
        await self._probe(now_s)
        for name, health in [(name, aggregator.health(now_s)) for name, aggregator in aggregators.items()]:
            if not self._speaks_by(aggregators):
                return
            before = self._published.get(name)
            if before is not None and not _is_news(before, health):
                continue
            self._published[name] = health
            await self._publisher.model_health(health)
            if (
                before is not None
                and before.status is not health.status
                and not {before.status, health.status} <= QUIET
            ):
                await self._announce(before.status, health)

    def _speaks_by(self, aggregators: dict[str, HealthAggregator]) -> bool:
        """Say whether these are still the aggregators, and no other worker can speak for all by now."""
        return self._aggregators is aggregators and self._fence.is_open()

    async def _probe(self, now_s: float) -> None:
        if self._probe_idle_s is None:
            return
        for name, active_s in self._active_s.items():
            if now_s - active_s >= self._probe_idle_s:
                self._active_s[name] = now_s
                await self._publisher.probe(name, now_s)

    def _take(self, received: Received) -> None:
        value = received.delivery.value
        if self._aggregators is None or value is None:
            received.acknowledge()
            return
        topic = received.delivery.origin.topic
        stats = read_internal(ModelStats, value, topic, self._clock())
        aggregator = None if stats is None else self._aggregators.get(stats.request_model)
        pane = None
        if stats is not None and aggregator is not None:
            try:
                pane = aggregator.ingest(stats, self._clock())
            except ValueError as error:
                skipped(topic, error)
        if stats is None or pane is None:
            received.acknowledge()
            return
        if stats.outcomes or stats.in_flight:
            self._active_s[stats.request_model] = self._clock()
        self._dirty[_key(stats.request_model, pane.number)] = pane
        self._unacknowledged.append(received)

    async def _store(self, aggregators: dict[str, HealthAggregator], now_s: float) -> None:
        """Write the panes that have changed, delete the old ones, then let the deltas pass."""
        for aggregator in aggregators.values():
            aggregator.expire(now_s)
        dirty, self._dirty = self._dirty, {}
        stored, self._unacknowledged = self._unacknowledged, []
        changes: dict[bytes, bytes | None] = {key: pane.stored() for key, pane in dirty.items()}
        changes.update((key, None) for key in self._table.items() if _ends_s(key) <= now_s - PANES_KEPT_S)
        try:
            if changes:
                await self._table.put(changes)
        except KafkaError:
            if self._aggregators is aggregators:
                self._dirty = {**dirty, **self._dirty}
                self._unacknowledged = [*stored, *self._unacknowledged]
            raise
        for received in stored:
            received.acknowledge()

    async def _announce(self, before: HealthStatus, health: ModelHealth) -> None:
        log.warning(
            "health changed",
            request_model=health.request_model,
            from_state=before,
            to_state=health.status,
            reason=health.reason,
        )
        model = self._catalogue.models[health.request_model]
        chains = (chain for chain in self._catalogue.chains.values() if model in chain)
        others = dict.fromkeys(other.name for chain in chains for other in chain if other is not model)
        alternatives = tuple(name for name in others if self._may_be_called(name))
        await self._publisher.health_transition(before, health, model.provider_name, alternatives)

    def _may_be_called(self, name: str) -> bool:
        health = self._published.get(name)
        if health is None or self._clock() - health.as_of.timestamp() > STALE_S:
            return True
        return health.status is not HealthStatus.UNHEALTHY and BreakerState.OPEN not in health.breakers.values()


def _is_news(before: ModelHealth, health: ModelHealth) -> bool:
    if (health.as_of - before.as_of).total_seconds() >= SIGN_OF_LIFE_S:
        return True
    return health != before.model_copy(update={"as_of": health.as_of})


def _key(model: str, pane: int) -> bytes:
    return f"{model}|{pane}".encode()


def _model_of(key: bytes) -> str:
    return key.decode(errors="replace").rpartition("|")[0]


def _ends_s(key: bytes) -> float:
    """Return when the pane of a key ended; one that is none of ours has ended long ago."""
    number = key.rpartition(b"|")[2]
    return (int(number) + 1) * PANE_S if number.isdigit() and len(number) <= MOST_DIGITS else 0.0
