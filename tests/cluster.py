"""Several workers under a virtual clock: their pools, what merges what they tell, and how long it takes."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from heapq import heappop, heappush
from itertools import count
from random import Random

from router.catalogue import Catalogue
from router.errors import Answer, UpstreamFailure
from router.job import Job
from router.models.aggregator import HealthAggregator
from router.models.pool import ModelPool
from router.models.sources import Sources
from router.request.session import Answered, Call, Event, Failed, Finish, Session, Started, Wait, Woke
from router.sharing.member import Member
from schemas.health import ModelHealth, ModelStats

TELL_S = 0.1
"""How often a worker looks whether it has something to tell."""
TICK_S = 1.0
"""How often the aggregators say what they know."""

Provider = Callable[[Call, float], tuple[float, Answer | UpstreamFailure]]
"""What becomes of a call that is made at a moment, and after how many seconds."""


@dataclass(slots=True)
class Cluster:
    """Plays jobs on workers that know of each other only what passes over the topics, `lag_s` late."""

    catalogue: Catalogue
    provider: Provider
    now_s: float
    lag_s: float = 0.05
    shared: bool = True
    seed: int = 0
    pools: dict[str, ModelPool] = field(default_factory=dict)
    aggregators: dict[str, HealthAggregator] = field(default_factory=dict)
    healths: dict[str, ModelHealth] = field(default_factory=dict)
    reports: list[ModelStats] = field(default_factory=list)
    calls: list[tuple[float, str, str]] = field(default_factory=list)
    """Moment, worker and model of every call."""
    _heap: list[tuple[float, int, Callable[[], object]]] = field(default_factory=list)
    _numbers: Iterator[int] = field(default_factory=count)
    _random: Random = field(init=False)
    _epochs: Iterator[int] = field(default_factory=lambda: count(1))

    def __post_init__(self) -> None:
        self._random = Random(self.seed)  # noqa: S311 - a test's dice
        if self.shared:
            sources = Sources(len(self.catalogue.models))
            self.aggregators = {
                name: HealthAggregator(self.catalogue, model, sources) for name, model in self.catalogue.models.items()
            }
            self.at(self.now_s, self._tick)

    def join(self, worker: str) -> ModelPool:
        """Start a worker."""
        pool = self.pools[worker] = ModelPool(
            self.catalogue, Member(worker, next(self._epochs)) if self.shared else None
        )
        if self.shared:
            for name, health in self.healths.items():
                assert name == health.request_model
                pool.follow(health, self.now_s)
            self.at(self.now_s, lambda: self._tell(worker, pool))
        return pool

    def leave(self, worker: str) -> None:
        """Stop a worker in good order."""
        for stats in self.pools.pop(worker).leave(self.now_s):
            self._deliver(stats)

    def kill(self, worker: str) -> None:
        """Stop it without a word."""
        del self.pools[worker]

    def at(self, at_s: float, what: Callable[[], object]) -> None:
        """Do something at a moment."""
        heappush(self._heap, (at_s, next(self._numbers), what))

    def serve(self, job: Job, worker: str, finished: Callable[[Finish], None] = lambda _finish: None) -> None:
        """Let a worker serve a job from now on."""
        session = Session(job, self.pools[worker], self._random.random)
        self._step(worker, self.pools[worker], session, Started(self.now_s), finished)

    def play(self, until_s: float, arrivals: Iterable[tuple[float, Callable[[], object]]] = ()) -> None:
        """Let time pass; `arrivals` are in order."""
        coming = iter(arrivals)
        upcoming = next(coming, None)
        while self._heap or upcoming is not None:
            if upcoming is not None and (not self._heap or upcoming[0] <= self._heap[0][0]):
                at_s, what = upcoming
                upcoming = next(coming, None)
            elif self._heap[0][0] > until_s:
                break
            else:
                at_s, _, what = heappop(self._heap)
            self.now_s = max(self.now_s, at_s)
            what()
        self.now_s = max(self.now_s, until_s)

    def _step(
        self, worker: str, pool: ModelPool, session: Session, event: Event, finished: Callable[[Finish], None]
    ) -> None:
        if self.pools.get(worker) is not pool:
            return  # it has been killed
        action = session.receive(event)
        match action:
            case Finish():
                finished(action)
                return
            case Wait():
                next_event: Event = Woke(action.until_s)
            case Call():
                self.calls.append((self.now_s, worker, action.model.name))
                took_s, result = self.provider(action, self.now_s)
                took_s = min(took_s, action.timeout_s)
                ends_s = self.now_s + took_s
                next_event = (
                    Answered(ends_s, result, took_s) if isinstance(result, Answer) else Failed(ends_s, result, took_s)
                )
        self.at(next_event.now_s, lambda: self._step(worker, pool, session, next_event, finished))

    def _tell(self, worker: str, pool: ModelPool) -> None:
        if self.pools.get(worker) is not pool:
            return
        for stats in pool.take_reports(self.now_s):
            self._deliver(stats)
        self.at(self.now_s + TELL_S, lambda: self._tell(worker, pool))

    def _deliver(self, stats: ModelStats) -> None:
        self.reports.append(stats)
        self.at(self.now_s + self.lag_s, lambda: self._arrive(stats))

    def _arrive(self, stats: ModelStats) -> None:
        self.aggregators[stats.request_model].ingest(stats, self.now_s)

    def _tick(self) -> None:
        for name, aggregator in self.aggregators.items():
            health = aggregator.health(self.now_s)
            self.at(self.now_s + self.lag_s, lambda name=name, health=health: self._announce(name, health))  # type: ignore[misc]
        self.at(self.now_s + TICK_S, self._tick)

    def _announce(self, name: str, health: ModelHealth) -> None:
        self.healths[name] = health
        for pool in self.pools.values():
            pool.follow(health, self.now_s)
