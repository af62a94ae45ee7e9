"""The health agent: one worker at a time merges what all of them tell, and publishes what they see together.

Its window is a table, key model and pane, whose changelog brings it to the next owner. A delta is acknowledged when
its pane is in the changelog; one that is delivered again is in its pane already and counts once. Panes older than an
hour are deleted, restored ones too: Faust's own windowed tables never expire what they have restored (upstream issue
385), so this is a plain table with the pane in the key. Of more workers than the published health tells the shares of,
the shares lie there too: they are stored before they are published.

What grows with workers and models is done in slices, and less often the more there are (`router.models.sources`); a bad
turn is judged within a second all the same.
"""

import asyncio
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import structlog
from aiokafka.errors import KafkaError

from router.catalogue import Catalogue
from router.models.aggregator import HealthAggregator
from router.models.granted import Granted
from router.models.health import PANE_S
from router.models.model_state import STALE_S
from router.models.panes import Pane, pane_number
from router.models.sources import Sources
from schemas.health import BreakerState, HealthStatus, ModelHealth, ModelStats
from schemas.topics import Topic
from streams.internal_records import read_internal, skipped
from streams.ports import Clock, Fence, Received, Table
from streams.publisher import Publisher
from streams.slices import in_slices

log = structlog.get_logger()

HEALTH_EVERY_S = 1.0
HEALTH_AT_S = 0.3
"""How long after the turn of a second the workers' deltas of it have come, seconds."""
PANES_KEPT_S = 3600.0
FIGURES_EVERY_S = 2.0
"""Figures on which nothing is decided are published again after this time, seconds, if they have changed."""
SIGN_OF_LIFE_S = 10.0
"""Unchanged health is published again after this time, seconds: silence would make it unknown, after `STALE_S`."""
MOST_DIGITS = 12
"""Of a pane's number; those of the year 9999 have 11."""
SHARES = b"shares"
"""Stands in a key where the pane's number does."""
QUIET = frozenset({HealthStatus.HEALTHY, HealthStatus.IDLE})
"""Going from one to the other is no news."""
MOVED = 0.1
"""A latency that has changed by this part is news: plans go by it."""


@dataclass(slots=True)
class _Term:
    """What this worker knows while it owns the stats."""

    sources: Sources
    aggregators: dict[str, HealthAggregator]
    published: dict[str, ModelHealth]
    began_s: float
    is_restored: bool = False
    waiting: deque[Received] = field(default_factory=deque)
    """What came before the table was read."""
    keys: dict[int, set[bytes]] = field(default_factory=dict)
    """Those of the table, by pane."""
    dirty: dict[bytes, Pane] = field(default_factory=dict)
    unacknowledged: list[Received] = field(default_factory=list)
    granted: dict[str, Granted] = field(default_factory=dict)
    """The shares that lie in the table."""
    stored_s: float = 0.0
    judged_s: dict[str, float] = field(default_factory=dict)
    active_s: dict[str, float] = field(default_factory=dict)


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
        """Take what the agent works with; the table's keys are `model|pane`, and `model|shares`.

        With `probe_idle_s`, a model that has been idle for that long is asked something.
        """
        self._catalogue = catalogue
        self._publisher = publisher
        self._clock = clock
        self._table = table
        self._latest = latest
        self._fence = fence
        self._probe_idle_s = probe_idle_s
        self._term: _Term | None = None

    def take_over(self) -> None:
        """Begin: the next tick makes the aggregators from the restored table and from what was published last."""
        now_s, models = self._clock(), self._catalogue.models
        sources = Sources(len(models))
        self._term = _Term(
            sources=sources,
            aggregators={name: HealthAggregator(self._catalogue, model, sources) for name, model in models.items()},
            published=dict(self._latest),
            began_s=now_s,
            active_s=dict.fromkeys(models, now_s),
        )

    def give_up(self) -> None:
        """Forget the aggregators: another worker speaks for all."""
        self._term = None

    def ingest(self, batch: Sequence[Received]) -> None:
        """Take deltas."""
        term = self._term
        if term is not None and not term.is_restored:
            term.waiting.extend(batch)
            return
        for received in batch:
            self._take(term, received)

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
        term = self._term
        if term is None or not self._speaks_in(term):
            return
        if not term.is_restored:
            await self._restore(term)
        now_s = self._clock()
        term.sources.expire(now_s)
        if not self._speaks_in(term):
            return
        if self._is_turn(term, term.stored_s, now_s):
            await self._store(term, now_s)
            term.stored_s = now_s
        if not self._speaks_in(term):
            return
        await self._probe(term, now_s)
        async for name, aggregator in in_slices(term.aggregators.items()):
            if not self._speaks_in(term):
                return
            if aggregator.has_news or self._is_turn(term, term.judged_s.get(name, 0.0), now_s):
                await self._judge(term, name, now_s)

    async def _judge(self, term: _Term, name: str, now_s: float) -> None:
        """Judge one model, and publish what it is if that is news."""
        aggregator = term.aggregators[name]
        health, granted = aggregator.health(now_s), aggregator.granted
        term.judged_s[name] = now_s
        before = term.published.get(name)
        if granted is not None and granted != term.granted.get(name):
            await self._table.put({_key(name, SHARES): granted.stored()})
            term.granted[name] = granted
            if not self._speaks_in(term):
                return
        if before is not None and not _is_news(before, health):
            return
        term.published[name] = health
        await self._publisher.model_health(health)
        if before is not None and before.status is not health.status and not {before.status, health.status} <= QUIET:
            await self._announce(term, before.status, health)

    def _is_turn(self, term: _Term, last_s: float, now_s: float) -> bool:
        """Say whether what is done as often as workers report is to be done again."""
        return now_s - last_s >= term.sources.report_every_s - HEALTH_EVERY_S / 2

    def _speaks_in(self, term: _Term) -> bool:
        """Say whether this is still the term, and no other worker can speak for all by now."""
        return self._term is term and self._fence.is_open()

    async def _restore(self, term: _Term) -> None:
        """Make the aggregators from the table, then take what has come meanwhile."""
        granted: dict[str, Granted] = {}
        async for key, value in in_slices(self._table.items().items()):
            if self._term is not term:
                return
            try:
                self._restore_row(term, granted, key, value)
            except ValueError as error:
                skipped(Topic.MODEL_PANES, error)
        now_s = self._clock()
        for name, aggregator in term.aggregators.items():
            aggregator.resume(self._latest.get(name), granted.get(name), now_s)
        async for received in in_slices(_emptied(term.waiting)):
            self._take(term, received)
        term.is_restored, term.published = True, dict(self._latest)
        panes = sum(map(len, term.keys.values()))
        log.info("this worker keeps the shared health", panes=panes, took_s=round(self._clock() - term.began_s, 2))

    def _restore_row(self, term: _Term, granted: dict[str, Granted], key: bytes, value: bytes) -> None:
        """Take in one row of the table.

        Raises:
            ValueError: it cannot be read.
        """
        model, number = _parts_of(key)
        aggregator = term.aggregators.get(model)
        if key == _key(model, SHARES):
            if aggregator is not None:
                granted[model] = Granted.restored(value)
            return
        term.keys.setdefault(number, set()).add(key)
        if aggregator is None or number <= pane_number(term.began_s - aggregator.kept_s):
            return
        pane = Pane.restored(value)
        if _key(model, pane.number) == key:
            aggregator.restore_pane(pane, term.began_s)

    async def _probe(self, term: _Term, now_s: float) -> None:
        if self._probe_idle_s is None:
            return
        for name, active_s in term.active_s.items():
            if now_s - active_s >= self._probe_idle_s:
                term.active_s[name] = now_s
                await self._publisher.probe(name, now_s)

    def _take(self, term: _Term | None, received: Received) -> None:
        value = received.delivery.value
        if term is None or value is None:
            received.acknowledge()
            return
        origin = received.delivery.origin
        stats = read_internal(ModelStats, value, origin.topic, self._clock())
        aggregator = None if stats is None else term.aggregators.get(stats.request_model)
        pane = None
        if stats is not None and aggregator is not None:
            try:
                pane = aggregator.ingest(stats, self._clock(), origin.offset)
            except ValueError as error:
                skipped(origin.topic, error)
        if stats is None or pane is None:
            received.acknowledge()
            return
        if stats.outcomes or stats.in_flight:
            term.active_s[stats.request_model] = self._clock()
        term.dirty[_key(stats.request_model, pane.number)] = pane
        term.unacknowledged.append(received)

    async def _store(self, term: _Term, now_s: float) -> None:
        """Write the panes that have changed, delete the old ones, then let the deltas pass."""
        dirty, term.dirty = term.dirty, {}
        stored, term.unacknowledged = term.unacknowledged, []
        for name, aggregator in term.aggregators.items():
            dirty.update((_key(name, pane.number), pane) for pane in aggregator.expire(now_s))
        old = [number for number in term.keys if (number + 1) * PANE_S <= now_s - PANES_KEPT_S]
        changes: dict[bytes, bytes | None] = {key: None for number in old for key in term.keys[number]}
        async for key, pane in in_slices(dirty.items()):
            changes[key] = pane.stored()
            term.keys.setdefault(pane.number, set()).add(key)
        try:
            if changes:
                await self._table.put(changes)
        except KafkaError:
            term.dirty = {**dirty, **term.dirty}
            term.unacknowledged = [*stored, *term.unacknowledged]
            raise
        for number in old:
            del term.keys[number]
        for received in stored:
            received.acknowledge()

    async def _announce(self, term: _Term, before: HealthStatus, health: ModelHealth) -> None:
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
        alternatives = tuple(name for name in others if self._may_be_called(term, name))
        await self._publisher.health_transition(before, health, model.provider_name, alternatives)

    def _may_be_called(self, term: _Term, name: str) -> bool:
        health = term.published.get(name)
        if health is None or self._clock() - health.as_of.timestamp() > STALE_S:
            return True
        return health.status is not HealthStatus.UNHEALTHY and BreakerState.OPEN not in health.breakers.values()


def _emptied(waiting: deque[Received]) -> Iterator[Received]:
    """Take out one after the other, those too that are put in meanwhile."""
    while waiting:
        yield waiting.popleft()


def _is_news(before: ModelHealth, health: ModelHealth) -> bool:
    """Say whether the others should know: at once what they act on, the other figures now and then."""
    silent_s = (health.as_of - before.as_of).total_seconds()
    if silent_s >= SIGN_OF_LIFE_S or _acted_on(before) != _acted_on(health):
        return True
    if any(before.shares.get(worker) != share for worker, share in health.shares.items()):
        return True
    if health.shares_complete and before.shares.keys() != health.shares.keys():
        return True
    if any(_has_moved(getattr(before, name), getattr(health, name)) for name in ("p50_ms", "p90_ms", "p99_ms")):
        return True
    return silent_s >= FIGURES_EVERY_S and health != before.model_copy(update={"as_of": health.as_of})


def _acted_on(health: ModelHealth) -> tuple[object, ...]:
    return (
        health.status,
        health.cause,
        health.window_from,
        health.workers,
        health.breakers_not_closed,
        health.breakers,
        health.limit_per_minute,
        health.report_every_s,
        {name: (told.shares, told.limits, told.rests) for name, told in health.accounts.items()},
    )


def _has_moved(before: float | None, now: float | None) -> bool:
    if before is None or now is None:
        return before is not now
    return abs(now - before) > MOVED * before


def _key(model: str, pane: int | bytes) -> bytes:
    return b"%s|%s" % (model.encode(), pane if isinstance(pane, bytes) else str(pane).encode())


def _parts_of(key: bytes) -> tuple[str, int]:
    """Return the model and the pane of a key; one that is none of ours is of a pane that has ended long ago."""
    model, _, number = key.rpartition(b"|")
    return model.decode(errors="replace"), int(number) if number.isdigit() and len(number) <= MOST_DIGITS else 0
