"""Budgets under every interleaving of workers, owner, crashes and delays: never beyond the limit, and nothing lost."""

from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from router.budgets.lease import MARGIN_S, BudgetLease, Reserve
from router.budgets.ledger import BudgetLedger
from router.budgets.rules import LEASE_S, day_of
from router.tenants import Tenant
from schemas.budgets import Budget, BudgetClaim
from tests.examples import examples

NOON_S = 1_800_014_400.0
TIMEOUT_S = 20.0
LIMIT = Decimal("1.00")
ACME = Tenant("acme", daily_budget_usd=LIMIT)
CENTS = st.integers(1, 30).map(lambda cents: Decimal(cents) / 100)
WORKERS = st.integers(0, 2)


@dataclass(frozen=True)
class Reserved:
    """What a test knows to be reserved."""

    amount: Decimal
    until_s: float


@dataclass
class Worker:
    """A worker: its lease, its calls under way and those that wait for it, and what is on its way to it."""

    name: str
    clock: Callable[[], float]
    lease: BudgetLease = field(init=False)
    calls: dict[str, Reserved] = field(default_factory=dict)
    waiting: dict[str, Decimal] = field(default_factory=dict)
    given_up: dict[str, Reserved] = field(default_factory=dict)
    """Calls that somebody else bills: reserved until their time is over."""
    inbox: list[Budget] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.lease = BudgetLease(ACME, self.name, self.goes_on)

    def goes_on(self, call_id: str) -> None:
        self.calls[call_id] = Reserved(self.waiting.pop(call_id), self.clock() + TIMEOUT_S + MARGIN_S)


@dataclass
class Cost:
    """A cost event on its way to the owner."""

    amount: Decimal
    holder: str | None


class Budgets(RuleBasedStateMachine):
    """Three workers and an owner; every message may be late, and a worker may end at any moment."""

    def __init__(self) -> None:
        super().__init__()
        self.now_s = NOON_S
        self.count = 0
        self.ledger = BudgetLedger(ACME)
        self.claims: list[BudgetClaim] = []
        self.costs: list[Cost] = []
        self.lost: list[tuple[Decimal, float]] = []
        self.spent = Decimal(0)
        self.workers = [self.worker() for _ in range(3)]

    def worker(self) -> Worker:
        self.count += 1
        return Worker(f"w{self.count}", lambda: self.now_s)

    @rule(which=WORKERS, amount=CENTS)
    def call(self, which: int, amount: Decimal) -> None:
        self.count += 1
        self.reserve(self.workers[which], f"c{self.count}", amount)

    def reserve(self, worker: Worker, call_id: str, amount: Decimal) -> None:
        worker.waiting[call_id] = amount
        if worker.lease.reserve(call_id, amount, self.now_s, TIMEOUT_S) is Reserve.DONE:
            worker.goes_on(call_id)

    @rule(which=WORKERS, part=st.integers(0, 4))
    def end(self, which: int, part: int) -> None:
        worker = self.workers[which]
        if worker.calls:
            call_id, reserved = worker.calls.popitem()
            cost = reserved.amount * part / 4
            worker.lease.settle(call_id, cost)
            self.spent += cost
            if cost:
                self.costs.append(Cost(cost, worker.lease.drawn_by(call_id)))

    @rule(which=WORKERS, part=st.integers(0, 4))
    def end_and_be_given_up(self, which: int, part: int) -> None:
        """A call is settled, and its cost event told by the next owner of its request."""
        worker = self.workers[which]
        if worker.calls:
            call_id, reserved = worker.calls.popitem()
            cost = reserved.amount * part / 4
            worker.lease.settle(call_id, cost)
            worker.lease.hand_over(call_id, self.now_s)
            if cost:
                worker.given_up[call_id] = Reserved(cost, self.now_s + MARGIN_S)
                self.lost.append((cost, self.now_s))

    @rule(which=WORKERS)
    def be_given_up_before_the_call(self, which: int) -> None:
        worker = self.workers[which]
        if worker.calls:
            worker.lease.release(worker.calls.popitem()[0])

    @rule(which=WORKERS, amount=CENTS)
    def be_given_up_and_come_again(self, which: int, amount: Decimal) -> None:
        """A request that was given up before its call is delivered to the same worker again, whose call has the id."""
        worker = self.workers[which]
        if worker.calls:
            call_id, _ = worker.calls.popitem()
            self.reserve(worker, call_id, amount)

    @rule(which=WORKERS)
    def stop_waiting(self, which: int) -> None:
        worker = self.workers[which]
        for call_id in list(worker.waiting):
            del worker.waiting[call_id]
            worker.lease.release(call_id)

    @rule(which=WORKERS)
    def crash(self, which: int) -> None:
        """Its calls are billed by an heir, with their estimates, some time later."""
        self.give_up(self.workers[which])
        self.workers[which] = self.worker()

    @rule(which=WORKERS)
    def lose_the_partitions(self, which: int) -> None:
        self.give_up(self.workers[which])
        self.stop_waiting(which)

    def give_up(self, worker: Worker) -> None:
        self.lost += [(reserved.amount, self.now_s) for reserved in worker.calls.values()]
        worker.given_up.update(worker.calls)
        worker.calls.clear()

    @precondition(lambda self: self.lost)
    @rule()
    def recover(self) -> None:
        amount, _ = self.lost.pop(0)
        self.spent += amount
        self.costs.append(Cost(amount, None))

    @rule(which=WORKERS)
    def claim(self, which: int) -> None:
        claim = self.workers[which].lease.claim(self.now_s)
        if claim is not None:
            self.claims.append(claim)

    @rule(which=WORKERS, amount=CENTS, calls=st.integers(1, 8))
    def ask_and_call(self, which: int, amount: Decimal, calls: int) -> None:
        """What happens most of the time, at once."""
        self.call(which, amount)
        self.claim(which)
        self.receive(len(self.claims), twice=False)
        self.deliver(which, len(self.workers[which].inbox))
        for _ in range(calls):
            self.call(which, amount)

    @rule(amount=CENTS)
    def fill(self, amount: Decimal) -> None:
        """Everybody calls for as much as there is."""
        for _ in range(4):
            for which in range(3):
                self.ask_and_call(which, amount, 4)

    @rule(twice=st.booleans(), how_many=st.integers(1, 3))
    def receive(self, how_many: int, *, twice: bool) -> None:
        for _ in range(min(how_many, len(self.claims))):
            claim = self.claims[0] if twice else self.claims.pop(0)
            self.ledger.receive(claim, self.now_s)
            twice = False
        self.decide()

    def decide(self) -> None:
        restored = BudgetLedger.load(ACME, self.ledger.dump())
        assert restored.dump() == self.ledger.dump()
        budget = self.ledger.decide(self.now_s)
        for worker in self.workers:
            worker.inbox.append(budget)

    @rule()
    def count_a_cost(self) -> None:
        if self.costs:
            cost = self.costs.pop(0)
            self.ledger.spend(day_of(self.now_s), cost.amount, cost.holder)

    @rule(which=WORKERS, how_many=st.integers(1, 5))
    def deliver(self, which: int, how_many: int) -> None:
        for _ in range(how_many):
            if self.workers[which].inbox:
                self.workers[which].lease.receive(self.workers[which].inbox.pop(0), self.now_s)

    @rule()
    def owner_ends(self) -> None:
        self.ledger = BudgetLedger.load(ACME, self.ledger.dump())
        self.ledger.taken_over(self.now_s)

    @rule(seconds=st.sampled_from([0.1, 1.0, 10.0, 19.0]))
    def time_passes(self, seconds: float) -> None:
        """Calls end within their time, and what is lost is recovered and counted within half a minute."""
        self.now_s += seconds
        if seconds > 1:
            for which in range(3):
                while self.workers[which].calls:
                    self.end(which, 4)
            while self.lost:
                self.recover()
            while self.costs:
                self.count_a_cost()

    @rule()
    def a_lease_passes(self) -> None:
        for _ in range(int(LEASE_S // 19) + 1):
            self.time_passes(19.0)
        self.receive(3, twice=False)

    @rule(which=WORKERS)
    def everything_that_is_left_can_be_had(self, which: int) -> None:
        """Nothing is lost until midnight: one request alone gets all, as soon as the leases of the dead are over."""
        for other in range(3):
            self.stop_waiting(other)
        for _ in range(int(LEASE_S // 19) + 1):
            self.time_passes(19.0)
            self.speak()
        if (left := LIMIT - self.spent) > 0:
            self.call(which, left)
            for _ in range(4):
                self.now_s += 0.1
                self.speak()
            assert [reserved.amount for reserved in self.workers[which].calls.values()] == [left]

    def speak(self) -> None:
        """Let everybody say and hear what there is."""
        for which in range(3):
            self.claim(which)
        self.receive(len(self.claims), twice=False)
        for which in range(3):
            self.deliver(which, len(self.workers[which].inbox))

    @invariant()
    def the_limit_holds(self) -> None:
        under_way = sum((sum_of(worker.calls) for worker in self.workers), Decimal(0))
        waiting = sum((amount for amount, _ in self.lost), Decimal(0))
        assert self.spent + under_way + waiting <= LIMIT

    @invariant()
    def what_is_reserved_are_the_open_reservations(self) -> None:
        """One that is over may be there until the next claim."""
        for worker in self.workers:
            open_ = {**worker.given_up, **worker.calls}
            at_least = {call_id: one for call_id, one in open_.items() if one.until_s > self.now_s}
            assert sum_of(at_least) <= worker.lease.reserved_usd <= sum_of(open_)


def sum_of(reserved: dict[str, Reserved]) -> Decimal:
    return sum((one.amount for one in reserved.values()), Decimal(0))


TestBudgets = Budgets.TestCase
TestBudgets.settings = settings(max_examples=examples(80), stateful_step_count=60, deadline=None)
