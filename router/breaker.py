"""A circuit breaker for one model, as a table over frozen states.

| state     | event                       | next      |                                                            |
|-----------|-----------------------------|-----------|------------------------------------------------------------|
| closed    | success                     | closed    | the count of failures starts anew                          |
| closed    | failure                     | closed    | until `consecutive_failures`, then open for `pause_s`      |
| closed    | tripped (windowed verdict)  | open      | for `pause_s`                                              |
| open      | call, before the pause ends | open      | refused, unless it bypasses as the only probe              |
| open      | call, after the pause       | half-open | the first probe                                            |
| half-open | call                        | half-open | refused beyond `half_open_probes` at a time                |
| half-open | probe succeeds              | half-open | closed at the `half_open_probes`-th success                |
| half-open | probe fails                 | open      | for twice the pause, at most `max_pause_s`                 |
| open      | bypassing probe succeeds    | half-open | with one success                                           |
| open      | bypassing probe fails       | open      | the pause starts anew                                      |
| any       | late result of no probe     | the same  | a call from before the opening says nothing about the now  |

Seconds are of any one clock that does not step.
"""

from dataclasses import dataclass, replace

from router.catalogue import BreakerRules
from schemas.health import BreakerState


@dataclass(frozen=True, slots=True)
class Breaker:
    """Where one model's breaker stands."""

    state: BreakerState = BreakerState.CLOSED
    failures: int = 0
    open_until_s: float = 0.0
    pause_s: float = 0.0
    probes: int = 0
    """Probes in flight."""
    successes: int = 0
    openings: int = 0
    """Tells the probes of this opening from late ones of an earlier one."""

    @property
    def opened_s(self) -> float:
        """When the present pause began."""
        return self.open_until_s - self.pause_s

    def ready_at(self, rules: BreakerRules, now_s: float) -> float | None:
        """Return when a call may be made: `now_s` or the end of the pause; None while all probes are out."""
        match self.state:
            case BreakerState.CLOSED:
                return now_s
            case BreakerState.OPEN:
                return max(now_s, self.open_until_s) if not self.probes else None
            case BreakerState.HALF_OPEN:
                return now_s if self.probes < rules.half_open_probes else None

    def called(self, now_s: float) -> "Breaker":
        """Take note of a call that is being made; while not closed, it is a probe."""
        if self.state is BreakerState.CLOSED:
            return self
        if self.state is BreakerState.OPEN and now_s >= self.open_until_s:
            return replace(self, state=BreakerState.HALF_OPEN, probes=1, successes=0)
        return replace(self, probes=self.probes + 1)

    def succeeded(self, rules: BreakerRules, *, probe: bool) -> "Breaker":
        """Take note of an answer."""
        if self.state is BreakerState.CLOSED:
            return self if self.failures == 0 else replace(self, failures=0)
        if not probe:
            return self
        if self.successes + 1 >= rules.half_open_probes:
            return Breaker(openings=self.openings)
        return replace(self, state=BreakerState.HALF_OPEN, probes=self.probes - 1, successes=self.successes + 1)

    def failed(self, rules: BreakerRules, now_s: float, *, probe: bool) -> "Breaker":
        """Take note of a failure that is the model's."""
        if self.state is BreakerState.CLOSED:
            if self.failures + 1 >= rules.consecutive_failures:
                return self.tripped(rules, now_s)
            return replace(self, failures=self.failures + 1)
        if not probe:
            return self
        pause_s = min(self.pause_s * 2, rules.max_pause_s) if self.state is BreakerState.HALF_OPEN else self.pause_s
        return Breaker(
            state=BreakerState.OPEN,
            open_until_s=now_s + pause_s,
            pause_s=pause_s,
            probes=self.probes - 1,
            openings=self.openings,
        )

    def abandoned(self, *, probe: bool) -> "Breaker":
        """Take note of a call whose result says nothing about the model."""
        return replace(self, probes=self.probes - 1) if probe and self.state is not BreakerState.CLOSED else self

    def tripped(self, rules: BreakerRules, now_s: float) -> "Breaker":
        """Open, whatever the count."""
        return Breaker(
            state=BreakerState.OPEN,
            open_until_s=now_s + rules.pause_s,
            pause_s=rules.pause_s,
            openings=self.openings + 1,
        )
