"""Turns against a list of everything that waits."""

from collections import deque

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from router.fair_queue import FairQueue
from tests.examples import examples

TENANTS = "abc"


class TurnsMachine(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.turns: FairQueue[tuple[str, int]] = FairQueue()
        self.waiting: dict[str, deque[int]] = {}
        self.since_served: dict[str, int] = {}
        self.number = 0

    @rule(tenant=st.sampled_from(TENANTS), count=st.integers(1, 5))
    def arrive(self, tenant: str, count: int) -> None:
        for _ in range(count):
            self.number += 1
            self.turns.add(tenant, (tenant, self.number))
            self.waiting.setdefault(tenant, deque()).append(self.number)
            self.since_served.setdefault(tenant, 0)

    @precondition(lambda self: self.waiting)
    @rule()
    def one_begins(self) -> None:
        tenant, number = self.turns.take()
        assert self.waiting[tenant].popleft() == number, "a tenant's requests keep their order"
        for other in self.waiting:
            self.since_served[other] += 1
        assert self.since_served[tenant] <= len(TENANTS), "nobody waits longer than a turn of each"
        self.since_served[tenant] = 0
        if not self.waiting[tenant]:
            del self.waiting[tenant], self.since_served[tenant]

    @rule(below=st.integers(0, 60))
    def the_old_are_dropped(self, below: int) -> None:
        dropped = {number for _, number in self.turns.drop(lambda item: item[1] < below)}
        expected: set[int] = set()
        for tenant, numbers in list(self.waiting.items()):
            expected |= {number for number in numbers if number < below}
            kept = deque(number for number in numbers if number >= below)
            if kept:
                self.waiting[tenant] = kept
            else:
                del self.waiting[tenant], self.since_served[tenant]
        assert dropped == expected

    @invariant()
    def all_are_counted(self) -> None:
        assert len(self.turns) == sum(map(len, self.waiting.values()))
        assert sorted(self.turns) == sorted((tenant, n) for tenant, ns in self.waiting.items() for n in ns)


TestTurns = TurnsMachine.TestCase
TestTurns.settings = settings(max_examples=examples(100), stateful_step_count=40, deadline=None)
