"""More workers than the published health names: they keep to one limit all the same, whoever owns the aggregate."""

from collections import deque
from dataclasses import replace
from itertools import pairwise
from random import Random

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from router.models.account_shares import MOST_TOLD
from router.models.aggregator import HealthAggregator
from router.models.granted import Granted
from router.models.panes import Pane
from router.models.pool import ModelPool
from router.models.sources import DELTAS_PER_S, MOST_REPORT_EVERY_S, Sources
from router.sharing.allotment import joining_share
from router.sharing.member import GONE_S, HEARTBEAT_S, Member
from router.sharing.rate_limit import MINUTE_S
from schemas.health import BreakerState, HealthCause, HealthStatus, ModelHealth, ModelStats
from tests.examples import examples
from tests.stage import ALPHA, NOW_S, ONE, UNAVAILABLE, make_catalogue, trip

LIMIT = 400
MODEL = replace(ALPHA, requests_per_minute=LIMIT)
CATALOGUE = make_catalogue(MODEL)
WORKERS = 30
STEP_S = 0.5


class Crowd:
    """Many workers that call one model as often as they may, and one owner of its aggregate after another."""

    def __init__(self, seed: int, models: int = 1) -> None:
        self.now_s = NOW_S
        self.dice = Random(seed)  # noqa: S311 - a test's dice
        self.models = models
        """As many as `Sources` is told; the others have no traffic."""
        self.aggregator = HealthAggregator(CATALOGUE, MODEL, Sources(models))
        self.pools = {f"w{number}": ModelPool(CATALOGUE, Member(f"w{number}", 1)) for number in range(WORKERS)}
        self.stored: dict[int, bytes] = {}
        self.granted: Granted | None = None
        self.health: ModelHealth | None = None
        self.calls_s: deque[float] = deque()
        self.most = 0
        self.told = 0
        self.epoch = 1

    def play(self, seconds: float) -> None:
        for _ in range(int(seconds / STEP_S)):
            self.now_s += STEP_S
            for pool in self.pools.values():
                for _ in range(self.dice.choice((0, 0, 1, 4))):
                    self.call(pool)
            for stats in [stats for pool in self.pools.values() for stats in pool.take_reports(self.now_s)]:
                self.tell(stats)
            if self.now_s % 1 == 0:
                self.judge()

    def call(self, pool: ModelPool) -> None:
        if not pool.readiness(MODEL, self.now_s).now(self.now_s):
            pool.turned_away(MODEL, self.now_s)
            return
        pool.answered(pool.call(MODEL, self.now_s), 0.3, self.now_s)
        self.calls_s.append(self.now_s)
        while self.calls_s[0] <= self.now_s - MINUTE_S:
            self.calls_s.popleft()
        self.most = max(self.most, len(self.calls_s))

    def tell(self, stats: ModelStats) -> None:
        self.told += 1
        pane = self.aggregator.ingest(ModelStats.decode(stats.encode()), self.now_s, self.told)
        if pane is not None:
            self.stored[pane.number] = pane.stored()

    def judge(self) -> None:
        self.stored.update((pane.number, pane.stored()) for pane in self.aggregator.expire(self.now_s))
        self.health = ModelHealth.decode(self.aggregator.health(self.now_s).encode())
        granted = self.aggregator.granted
        self.granted = None if granted is None else Granted.restored(granted.stored())
        for pool in self.pools.values():
            pool.follow(self.health, self.now_s)

    def change_the_owner(self) -> None:
        self.aggregator = HealthAggregator(CATALOGUE, MODEL, Sources(self.models))
        for value in self.stored.values():
            self.aggregator.restore_pane(Pane.restored(value), self.now_s)
        self.aggregator.resume(self.health, self.granted, self.now_s)

    def replace_one(self) -> None:
        del self.pools[self.dice.choice(sorted(self.pools))]
        self.epoch += 1
        self.pools[f"new{self.epoch}"] = ModelPool(CATALOGUE, Member(f"new{self.epoch}", 1))


@settings(max_examples=examples(4), deadline=None, phases=(Phase.explicit, Phase.reuse, Phase.generate))
@given(seed=st.integers(0, 1000), models=st.sampled_from([1, DELTAS_PER_S * 3 // WORKERS]))
def test_the_limit_holds_while_owners_and_workers_change_and_steady_shares_are_not_told(seed: int, models: int) -> None:
    crowd = Crowd(seed, models)
    crowd.play(60)
    for _ in range(2):
        crowd.change_the_owner()
        crowd.play(40)
        crowd.replace_one()
        crowd.play(40)
    joining = joining_share(LIMIT) * WORKERS  # all at once: the one thing by which a limit may be exceeded
    assert crowd.most <= LIMIT + joining
    crowd.play(MINUTE_S)
    crowd.most = 0
    crowd.play(MINUTE_S)
    assert 0.8 * LIMIT <= crowd.most <= LIMIT
    assert crowd.health is not None
    assert not crowd.health.shares_complete
    assert len(crowd.health.shares) < WORKERS / 3
    assert len(crowd.granted.shares if crowd.granted else ()) == WORKERS


def test_the_record_of_a_thousand_workers_is_as_small_as_that_of_few() -> None:
    aggregator = HealthAggregator(CATALOGUE, MODEL)
    stats = ModelPool(CATALOGUE, Member("w", 1)).take_reports(NOW_S)[0]
    opened = {"breaker": BreakerState.OPEN, "keeps_shares": True}
    for number in range(1000):
        told = stats.model_copy(update={"worker": f"worker-{number:04d}", "share_per_minute": 8, **opened})
        aggregator.ingest(told, NOW_S)
    shares = aggregator.health(NOW_S).shares
    assert len(shares) == 1000, "no worker has taken its share over yet"
    for number in range(1000):
        worker = f"worker-{number:04d}"
        told = stats.model_copy(update={"worker": worker, "sequence": 1, "share_per_minute": shares[worker], **opened})
        aggregator.ingest(told, NOW_S)
    health = aggregator.health(NOW_S)
    assert health.status is HealthStatus.UNHEALTHY
    assert health.cause is HealthCause.BREAKERS
    assert (len(health.breakers), health.breakers_not_closed, health.workers) == (MOST_TOLD, 1000, 1000)
    assert health.reason is not None
    assert "and 997 others" in health.reason
    assert len(health.encode()) < 2_000


@pytest.mark.parametrize(
    ("workers", "models", "every_s"),
    [(2, 4, 1), (10, 100, 1), (100, 25, 1), (100, 100, 2), (1000, 25, 6), (1000, 100, 10)],
)
def test_workers_are_asked_to_tell_less_often_the_more_there_are(workers: int, models: int, every_s: float) -> None:
    sources = Sources(models)
    for number in range(workers):
        sources.hear(f"w{number}", NOW_S)
    assert sources.report_every_s == every_s <= MOST_REPORT_EVERY_S


def told_less_often(every_s: float) -> ModelPool:
    """Return the pool of a worker that is asked to tell so often, and has just told where it stands."""
    pool = ModelPool(ONE, Member("w", 1))
    pool.take_reports(NOW_S)
    health = HealthAggregator(ONE, ALPHA).health(NOW_S)
    pool.follow(health.model_copy(update={"report_every_s": every_s, "shares": {"w": 1000}}), NOW_S)
    pool.take_reports(NOW_S + 0.1)
    return pool


def test_what_is_told_less_often_comes_together_and_nothing_of_it_is_lost() -> None:
    pool = told_less_often(5.0)
    told = []
    for tenth in range(2, 60):
        now_s = NOW_S + tenth / 10
        if tenth % 5 == 0:
            pool.answered(pool.call(ALPHA, now_s), 0.3, now_s)
        told += [(tenth / 10, stats) for stats in pool.take_reports(now_s)]
    told += [(6.0, stats) for stats in pool.leave(NOW_S + 6)]
    assert sum(stats.calls for _, stats in told) == 11
    assert sum(sum(stats.latency_buckets.values()) for _, stats in told) == 11
    moments = [at_s for at_s, _ in told]
    assert len(moments) <= 5
    assert max(later - before for before, later in pairwise(moments)) <= HEARTBEAT_S + 0.2 < GONE_S


def test_bad_news_is_told_at_once_however_seldom_the_rest_is() -> None:
    pool = told_less_often(10.0)
    trip(pool, ALPHA, NOW_S + 0.4)
    (told,) = pool.take_reports(NOW_S + 0.5)
    assert told.breaker is BreakerState.OPEN
    assert told.outcomes == {UNAVAILABLE.category: ONE.breaker.consecutive_failures}
