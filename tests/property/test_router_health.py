"""The sliding window against a list of everything that ever happened."""

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from router.catalogue import HealthRules
from router.models.health import PANE_S, Window
from tests.examples import examples

RULES = HealthRules(window_s=60.0, min_requests=3)
READ_ANEW_S = 1.0


class WindowMachine(RuleBasedStateMachine):
    """One model's calls end well, badly or late, and now and then it recovers and starts anew."""

    def __init__(self) -> None:
        super().__init__()
        self.window = Window(RULES.window_s)
        self.now_s = 1_800_000_000.0
        self.calls: list[tuple[float, bool, bool]] = []
        self.read_s = 0.0
        self.figures = (0, 0.0, 0.0)

    @rule(seconds=st.one_of(st.floats(0, 1), st.sampled_from([5.0, 10.0, 25.0, 60.0, 120.0])))
    def time_passes(self, seconds: float) -> None:
        self.now_s += seconds

    @rule(count=st.integers(1, 5), error=st.booleans(), late=st.booleans())
    def calls_end(self, count: int, *, error: bool, late: bool) -> None:
        for _ in range(count):
            self.window.add(self.now_s, 100, error=error, timeout=error and late)
            self.calls.append((self.now_s, error, error and late))

    @rule()
    def it_starts_anew(self) -> None:
        self.window.forget()
        self.calls.clear()
        self.read_s = 0.0

    @rule()
    def it_is_read(self) -> None:
        if not 0 <= self.now_s - self.read_s <= READ_ANEW_S:
            self.read_s = self.now_s
            requests, errors, timeouts = self.counts()
            self.figures = requests, errors / max(1, requests), timeouts / max(1, requests)
        reading = self.window.read(self.now_s)
        assert (reading.requests, reading.error_rate, reading.timeout_rate) == self.figures

    @invariant()
    def it_counts_as_failing_by_what_happened_in_the_panes_of_its_time(self) -> None:
        requests, errors, timeouts = self.counts()
        assert self.window.counts_as_failing(RULES, self.now_s) == (
            requests >= RULES.min_requests
            and (errors > RULES.unhealthy_error_rate * requests or timeouts > RULES.unhealthy_timeout_rate * requests)
        )

    @invariant()
    def memory_is_bounded(self) -> None:
        assert len(self.window._panes) <= RULES.window_s / PANE_S + 1

    def counts(self) -> tuple[int, int, int]:
        oldest = (self.now_s - RULES.window_s) // PANE_S
        inside = [(error, late) for at_s, error, late in self.calls if at_s // PANE_S > oldest]
        return len(inside), sum(error for error, _ in inside), sum(late for _, late in inside)


TestWindow = WindowMachine.TestCase
TestWindow.settings = settings(max_examples=examples(80), stateful_step_count=40, deadline=None)
