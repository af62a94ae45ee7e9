"""Workers that spend one tenant's budget under a virtual clock: sessions, leases, the ledger, and what lies between."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from heapq import heappop, heappush
from itertools import count
from random import Random

from router.budgets.lease import BudgetLease
from router.budgets.ledger import BudgetLedger
from router.budgets.rules import day_of
from router.catalogue import Catalogue
from router.errors import Answer
from router.identity import Identity
from router.job import Job
from router.models.pool import ModelPool
from router.request.plan import make_plan
from router.request.session import Action, Answered, Call, Event, Finish, Session, Started, Wait, Woke
from router.tasks.analysis import analyse
from router.tenants import Tenant
from schemas.budgets import Budget, BudgetClaim
from schemas.costs import CallStarted, CostEvent
from schemas.requests import Request
from schemas.responses import AnswerMessage, Usage
from tests.stage import NOW_S, ONE, ORIGIN, make_job

CLAIM_S = 0.02
"""How often a worker looks whether it has something to claim, and the owner whether somebody has claimed something."""
BUSY_S, RESTING_S = 2.0, 1.0
"""After so long of a rest they look so often."""
TELL_S = 1.0
"""How often it tells what is spent."""
LANDS = 0.5
"""How often a record that a worker was writing when it ended is on its topic."""
HEIR_S = 5.0
"""After so long a request that was given up is served again."""


def request_of(max_tokens: int) -> Request:
    """Return a request for so long an answer."""
    return Request(prompt="Hello", max_tokens=max_tokens, max_cost_usd=Decimal(1000))


def upper_usd(request: Request) -> Decimal:
    """Return the most that a call for it may cost."""
    candidate, *_ = make_plan(make_job(request), analyse("Hello"), ModelPool(ONE), NOW_S).candidates
    assert candidate.upper_usd is not None
    return candidate.upper_usd


@dataclass(slots=True)
class Asked:
    """One request and what became of it."""

    job: Job
    asked_s: float
    upper_usd: Decimal
    """The most that its call may cost."""
    called_s: float | None = None
    finish: Finish | None = None
    written: dict[int, CallStarted] = field(default_factory=dict)
    """The records of its calls that are on their topic, by attempt."""

    @property
    def waited_s(self) -> float:
        """How long it waited for its first call; for ever without one."""
        return float("inf") if self.called_s is None else self.called_s - self.asked_s


@dataclass(slots=True)
class _Run:
    """A session of a request on a worker."""

    asked: Asked
    session: Session
    call: Call | None = None
    waits_for: str | None = None
    is_called: bool = False
    is_over: bool = False
    step: int = 0


@dataclass(slots=True)
class Worker:
    """One process: its lease, and the sessions under way."""

    name: str
    lease: BudgetLease
    pool: ModelPool
    runs: dict[str, _Run] = field(default_factory=dict)
    is_dead: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class _Beat:
    """How often everybody looks, from some moment on."""

    every_s: float


@dataclass(slots=True)
class BudgetCluster:
    """Plays requests of one tenant on workers that know of each other only what passes over the topics, `lag_s` late.

    A call costs `cost_share` of the most that it may cost and takes `takes_s`.
    """

    tenant: Tenant
    now_s: float
    lag_s: float = 0.02
    takes_s: float = 0.3
    cost_share: float = 0.5
    seed: int = 0
    catalogue: Catalogue = ONE
    workers: dict[str, Worker] = field(default_factory=dict)
    requests: list[Asked] = field(default_factory=list)
    claims: int = 0
    owner_is_away: bool = False
    billed: dict[str, Decimal] = field(default_factory=dict)
    """What the cost events say, by call."""
    reserved: dict[str, Decimal] = field(default_factory=dict)
    """Calls that may be under way, or that nobody has billed yet."""
    ledger: BudgetLedger = field(init=False)
    _heard: list[BudgetClaim] = field(default_factory=list)
    _beat: _Beat = field(init=False)
    _is_changed: bool = False
    _told_s: float = 0.0
    _last: Budget | None = None
    _heap: list[tuple[float, int, Callable[[], object]]] = field(default_factory=list)
    _numbers: Iterator[int] = field(default_factory=count)
    _random: Random = field(init=False)

    def __post_init__(self) -> None:
        self._random = Random(self.seed)  # noqa: S311 - a test's dice
        self.ledger = BudgetLedger(self.tenant)
        self._look(CLAIM_S)

    @property
    def spent_usd(self) -> Decimal:
        """What the bill says."""
        return sum(self.billed.values(), Decimal(0))

    @property
    def free_usd(self) -> Decimal:
        """What could be paid for besides all that was asked: the daily limit without the most that this may cost."""
        assert self.tenant.daily_budget_usd is not None
        waiting = (asked.upper_usd for asked in self.requests if asked.called_s is None and asked.finish is None)
        return self.tenant.daily_budget_usd - self.spent_usd - sum((*self.reserved.values(), *waiting), Decimal(0))

    def join(self, name: str) -> None:
        """Start a worker, whose looks begin at a moment of their own."""

        def goes_on(call_id: str) -> None:
            for run in list(worker.runs.values()):
                if run.waits_for == call_id:
                    self._tell(worker, run, Woke(self.now_s))

        lease = BudgetLease(self.tenant, name, lambda call_id: self.at(self.now_s, lambda: goes_on(call_id)))
        worker = self.workers[name] = Worker(name, lease, ModelPool(self.catalogue))
        if self._last is not None:
            lease.receive(self._last, self.now_s)
        beat = self._beat
        self.at(self.now_s + self._random.random() * beat.every_s, lambda: self._claim(worker, beat))

    def kill(self, name: str) -> None:
        """End a worker without a word; what it served is served by another one, some time later."""
        worker = self.workers.pop(name)
        worker.is_dead = True
        for run in list(worker.runs.values()):
            if run.call is not None and not run.is_called and self._random.random() < LANDS:
                run.asked.written[run.call.started.attempt] = run.call.started
            elif run.call is not None and not run.is_called:
                del self.reserved[run.call.started.event_id]
            self._again(run, None, HEIR_S)

    def ask(self, worker: str, max_tokens: int = 100, deadline_s: float = 30.0) -> Asked:
        """Let a request arrive now."""
        request = request_of(max_tokens)
        name = f"r-{len(self.requests)}"
        job = Job(request, Identity(request.tenant, name, None), ORIGIN, self.now_s, self.now_s + deadline_s)
        asked = Asked(job, self.now_s, upper_usd(request))
        self.requests.append(asked)
        self._serve(self.workers[worker], asked)
        return asked

    def give_up(self, worker: str, heir: str | None = None, after_s: float = HEIR_S) -> None:
        """Take its partitions away; the requests go to `heir`, or to any."""
        for run in list(self.workers[worker].runs.values()):
            if run.call is not None and not run.is_called:
                run.session.call_off(is_written=True)
                del self.reserved[run.call.started.event_id]
            for call in run.session.abandon(self.now_s):
                run.asked.written[call.attempt] = call
            run.session.handed_on()
            del self.workers[worker].runs[run.asked.job.request_id]
            self._again(run, heir, after_s)

    def at(self, at_s: float, what: Callable[[], object]) -> None:
        """Do something at a moment."""
        heappush(self._heap, (at_s, next(self._numbers), what))

    def play(self, for_s: float) -> None:
        """Let time pass."""
        until_s = self.now_s + for_s
        while self._heap and self._heap[0][0] <= until_s:
            at_s, _, what = heappop(self._heap)
            self.now_s = max(self.now_s, at_s)
            what()
        self.now_s = until_s

    def rest(self, for_s: float) -> None:
        """Let a long time pass: when all is done everybody looks but seldom, and then from moments of their own."""
        busy_s = min(for_s, BUSY_S)
        self.play(busy_s)
        self._look(RESTING_S)
        self.play(for_s - busy_s)
        self._look(CLAIM_S)

    def change_owner(self) -> None:
        """Let another process keep the ledger, from what was stored; what is heard and not decided yet comes again."""
        self.ledger = BudgetLedger.load(self.tenant, self.ledger.dump())
        self.ledger.taken_over(self.now_s)

    def _serve(self, worker: Worker, asked: Asked) -> None:
        run = _Run(asked, Session(asked.job, worker.pool, self._random.random, worker.lease))
        worker.runs[asked.job.request_id] = run
        self._tell(worker, run, Started(self.now_s, tuple(call for _, call in sorted(asked.written.items()))))

    def _tell(self, worker: Worker, run: _Run, event: Event, step: int | None = None) -> None:
        if run.is_over or worker.is_dead or (step is not None and step != run.step):
            return
        run.step += 1
        self._perform(worker, run, run.session.receive(event))

    def _perform(self, worker: Worker, run: _Run, action: Action) -> None:
        step = run.step
        run.waits_for = None
        match action:
            case Wait():
                run.waits_for = action.call_id
                self.at(action.until_s, lambda: self._tell(worker, run, Woke(self.now_s), step))
            case Call():
                run.call, run.is_called = action, False
                self.reserved[action.started.event_id] = action.started.cost_usd or Decimal(0)
                self.at(self.now_s + self.lag_s, lambda: self._call(worker, run, action, step))
            case Finish():
                run.is_over = True
                run.asked.finish = action
                del worker.runs[run.asked.job.request_id]
                for cost in action.costs:
                    self._bill(cost, worker.lease.drawn_by(cost.event_id))

    def _call(self, worker: Worker, run: _Run, call: Call, step: int) -> None:
        """The call is made when its write-ahead record is on its topic."""
        if run.is_over or step != run.step:
            return
        run.is_called = True
        run.asked.written[call.started.attempt] = call.started
        if run.asked.called_s is None:
            run.asked.called_s = self.now_s
        started = call.started
        output_tokens = int(self.cost_share * (started.output_tokens or 0))
        usage = Usage(input_tokens=int(self.cost_share * (started.input_tokens or 0)), output_tokens=output_tokens)
        answer = Answer(AnswerMessage(content="Hello."), "stop", "alpha", None, usage)
        ends_s = self.now_s + self.takes_s
        self.at(ends_s, lambda: self._tell(worker, run, Answered(ends_s, answer, self.takes_s), step))

    def _again(self, run: _Run, heir: str | None, after_s: float) -> None:
        run.is_over = True

        def again() -> None:
            name = heir if heir in self.workers else self._random.choice(sorted(self.workers))
            self._serve(self.workers[name], run.asked)

        self.at(self.now_s + after_s, again)

    def _bill(self, cost: CostEvent, holder: str | None) -> None:
        self.reserved.pop(cost.event_id, None)
        self.billed[cost.event_id] = amount = cost.cost_usd or Decimal(0)
        self.at(self.now_s + self.lag_s, lambda: self._count(day_of(cost.occurred_at_ms / 1000), amount, holder))

    def _count(self, day: str, amount: Decimal, holder: str | None) -> None:
        self.ledger.spend(day, amount, holder)
        self._is_changed = True

    def _look(self, every_s: float) -> None:
        beat = self._beat = _Beat(every_s)
        self.at(self.now_s + self._random.random() * every_s, lambda: self._keep(beat))
        for worker in self.workers.values():
            self.at(self.now_s + self._random.random() * every_s, lambda worker=worker: self._claim(worker, beat))  # type: ignore[misc]

    def _claim(self, worker: Worker, beat: _Beat) -> None:
        if worker.is_dead or beat is not self._beat:
            return
        claim = worker.lease.claim(self.now_s)
        if claim is not None:
            self.claims += 1
            self.at(self.now_s + self.lag_s, lambda: self._heard.append(claim))
        self.at(self.now_s + beat.every_s, lambda: self._claim(worker, beat))

    def _keep(self, beat: _Beat) -> None:
        if beat is not self._beat:
            return
        self.at(self.now_s + beat.every_s, lambda: self._keep(beat))
        if self.owner_is_away:
            return
        for claim in self._heard:
            self.ledger.receive(BudgetClaim.decode(claim.encode()), self.now_s)
        if self._heard or (self._is_changed and self.now_s - self._told_s >= TELL_S):
            self._heard.clear()
            self._is_changed, self._told_s = False, self.now_s
            budget = self._last = Budget.decode(self.ledger.decide(self.now_s).encode())
            for worker in self.workers.values():
                self.at(self.now_s + self.lag_s, lambda lease=worker.lease: lease.receive(budget, self.now_s))  # type: ignore[misc]
