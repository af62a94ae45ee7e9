"""Workers that share a tenant's limits under a virtual clock: their gates, the board, and the time that news takes."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from heapq import heappop, heappush
from itertools import count

from router.sharing.member import Member
from router.tenancy.admission import Admission, Admit, Defer, Identified
from router.tenancy.allotment import AT_REST, TenantAllotment
from router.tenants import Tenant
from schemas.requests import Request
from schemas.tenant_shares import ALL_TENANTS, TenantShares, WorkerDemand
from schemas.vocabulary import ErrorCode

TELL_S = 0.1
TICK_S = 0.5


@dataclass(slots=True)
class TenantCluster:
    """Plays requests of one tenant on workers that know of each other only what passes over the topics."""

    tenant: Tenant
    now_s: float
    lag_s: float = 0.05
    takes_s: float = 0.2
    """How long a request is under way."""
    patience_s: float = 60.0
    at_rest: int = AT_REST
    """Shares that are divided in a round although nobody has asked."""
    workers: dict[str, Admission] = field(default_factory=dict)
    admitted: list[tuple[float, str]] = field(default_factory=list)
    refused: list[tuple[float, str, ErrorCode]] = field(default_factory=list)
    most_under_way: int = 0
    _aggregator: TenantAllotment = field(init=False)
    _published: TenantShares | None = None
    _confirmed: TenantShares | None = None
    _frozen: dict[str, Admission] = field(default_factory=dict)
    _under_way: dict[str, int] = field(default_factory=dict)
    _heap: list[tuple[float, int, Callable[[], object]]] = field(default_factory=list)
    _numbers: Iterator[int] = field(default_factory=count)
    _epochs: Iterator[int] = field(default_factory=lambda: count(1))

    def __post_init__(self) -> None:
        self._aggregator = self._new_allotment()
        self.at(self.now_s, self._tick)

    @property
    def shares(self) -> TenantShares:
        """What was published last."""
        assert self._published is not None
        return self._published

    def join(self, worker: str) -> None:
        """Start a worker."""
        member = Member(worker, next(self._epochs))
        admission = self.workers[worker] = Admission({self.tenant.name: self.tenant}, member)
        self._under_way[worker] = 0
        for told in self._on_the_topic():
            admission.limiters.follow(told)
        self.at(self.now_s, lambda: self._tell(worker, admission))

    def leave(self, worker: str) -> None:
        """Stop a worker in good order; nothing of it is under way."""
        demand = self.workers.pop(worker).limiters.leave(self.now_s)
        assert demand is not None
        self.at(self.now_s + self.lag_s, lambda: self._aggregator.ingest(demand, self.now_s))

    def kill(self, worker: str) -> None:
        """Stop it without a word."""
        del self.workers[worker]
        self._under_way[worker] = 0

    def freeze(self, worker: str) -> None:
        """Let it neither tell nor hear anything until `wake`."""
        self._frozen[worker] = self.workers.pop(worker)

    def wake(self, worker: str) -> None:
        """Let it go on, with what is published now."""
        admission = self.workers[worker] = self._frozen.pop(worker)
        for told in self._on_the_topic():
            admission.limiters.follow(told)
        self.at(self.now_s, lambda: self._tell(worker, admission))

    def change_owner(self) -> None:
        """Let another process hand out the shares, from what was published last."""
        self._aggregator = self._new_allotment()
        self._aggregator.restore(self._on_the_topic(), self.now_s)

    def at(self, at_s: float, what: Callable[[], object]) -> None:
        """Do something at a moment."""
        heappush(self._heap, (at_s, next(self._numbers), what))

    def ask(self, worker: str, many: int = 1, over_s: float = 0.0) -> None:
        """Let requests arrive from now on."""
        for number in range(many):
            self.at(self.now_s + over_s * number / many, lambda: self._ask(worker))

    def play(self, for_s: float, also: Iterable[tuple[float, Callable[[], object]]] = ()) -> None:
        """Let time pass."""
        until_s = self.now_s + for_s
        for at_s, what in also:
            self.at(at_s, what)
        while self._heap and self._heap[0][0] <= until_s:
            at_s, _, what = heappop(self._heap)
            self.now_s = max(self.now_s, at_s)
            what()
        self.now_s = until_s

    def most_in_a_minute(self) -> int:
        """Return the most requests that any minute has seen let in."""
        moments, most, first = sorted(at_s for at_s, _ in self.admitted), 0, 0
        for last, at_s in enumerate(moments):
            while moments[first] <= at_s - 60:
                first += 1
            most = max(most, last - first + 1)
        return most

    def _ask(self, worker: str, since_s: float | None = None, deadline_s: float | None = None) -> None:
        admission = self.workers.get(worker)
        if admission is None:
            return
        entry = Identified(Request(prompt="Hello", tenant=self.tenant.name), self.tenant)
        deadline_s = self.now_s + self.patience_s if deadline_s is None else deadline_s
        since_s = self.now_s if since_s is None else since_s
        decision = admission.admit(entry, self.now_s, deadline_s, since_s)
        match decision:
            case Admit():
                self.admitted.append((self.now_s, worker))
                self._under_way[worker] += 1
                self.most_under_way = max(self.most_under_way, sum(self._under_way.values()))
                self.at(self.now_s + self.takes_s, lambda: self._end(worker, admission))
            case Defer():
                self.at(decision.until_s, lambda: self._ask(worker, since_s, deadline_s))
            case _:
                self.refused.append((self.now_s, worker, decision.code))

    def _end(self, worker: str, admission: Admission) -> None:
        admission.release(self.tenant)
        if self.workers.get(worker) is admission:
            self._under_way[worker] -= 1

    def _tell(self, worker: str, admission: Admission) -> None:
        if self.workers.get(worker) is not admission:
            return
        demand = admission.limiters.take_report(self.now_s)
        if demand is not None:
            self._deliver(demand)
        self.at(self.now_s + TELL_S, lambda: self._tell(worker, admission))

    def _deliver(self, demand: WorkerDemand) -> None:
        passed_on = WorkerDemand.decode(demand.encode())
        self.at(self.now_s + self.lag_s, lambda: self._aggregator.ingest(passed_on, self.now_s))

    def _tick(self) -> None:
        for shares in filter(None, self._aggregator.shares(self.now_s)):
            passed_on = TenantShares.decode(shares.encode())
            self.at(self.now_s + self.lag_s, lambda passed_on=passed_on: self._publish(passed_on))  # type: ignore[misc]
        self.at(self.now_s + TICK_S, self._tick)

    def _new_allotment(self) -> TenantAllotment:
        return TenantAllotment({self.tenant.name: self.tenant}, self.at_rest)

    def _on_the_topic(self) -> list[TenantShares]:
        return [told for told in (self._published, self._confirmed) if told is not None]

    def _publish(self, shares: TenantShares) -> None:
        if shares.tenant == ALL_TENANTS:
            self._confirmed = shares
        else:
            self._published = shares
        for admission in self.workers.values():
            admission.limiters.follow(shares)
