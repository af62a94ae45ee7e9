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
| half-open | probe is answered slowly    | open      | for the same pause: it is alive, and not yet well          |
| open      | bypassing probe succeeds    | half-open | with one success                                           |
| open      | bypassing probe fails       | open      | the pause starts anew                                      |
| open      | bypassing probe is slow     | open      | the pause starts anew                                      |
| any       | late result of no probe     | the same  | a call from before the opening says nothing about the now  |

A breaker that has closed after a recovery ramps up: for `ramp_up_s` only a growing share of the traffic is for the
model, and what opens it meanwhile opens it for twice the pause. One that is open because the model is slow (`slow`)
keeps nobody from calling it for want of anything better: a slow answer beats none.

Seconds are of any one clock that does not step.
"""

from dataclasses import dataclass, replace

from router.catalogue import BreakerRules
from schemas.health import BreakerState

RAMP_FROM = 0.1
"""The share of the traffic that a ramp-up begins with, as Envoy's slow start does (`min_weight_percent`)."""


def ramp_share(rules: BreakerRules, since_s: float, now_s: float) -> float:
    """Return which share of the traffic a model may have that came back at `since_s`: linear up to 1."""
    return min(1.0, max(RAMP_FROM, (now_s - since_s) / rules.ramp_up_s))


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
    slow: bool = False
    """Open because the model is slow; it answers."""
    from_peers: bool = False
    """Open because other workers said so."""
    recovered_s: float | None = None
    """When it closed after having been open."""

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

    def share(self, rules: BreakerRules, now_s: float) -> float:
        """Return which share of the traffic a closed breaker lets through."""
        return 1.0 if self.recovered_s is None else ramp_share(rules, self.recovered_s, now_s)

    def takes_probe(self, rules: BreakerRules) -> bool:
        """Say whether a call that is made now would be a probe; one beyond them says nothing."""
        match self.state:
            case BreakerState.CLOSED:
                return False
            case BreakerState.OPEN:
                return not self.probes
            case BreakerState.HALF_OPEN:
                return self.probes < rules.half_open_probes

    def may_be_probed(self, now_s: float) -> "Breaker":
        """End the pause: others have found the model well."""
        if self.state is not BreakerState.OPEN:
            return self
        return replace(self, open_until_s=min(self.open_until_s, now_s))

    def called(self, now_s: float) -> "Breaker":
        """Take note of a probe that goes out; while closed, of any call."""
        if self.state is BreakerState.CLOSED:
            return self
        if self.state is BreakerState.OPEN and now_s >= self.open_until_s:
            return replace(self, state=BreakerState.HALF_OPEN, probes=1, successes=0)
        return replace(self, probes=self.probes + 1)

    def succeeded(self, rules: BreakerRules, now_s: float, *, probe: bool) -> "Breaker":
        """Take note of an answer."""
        if self.state is BreakerState.CLOSED:
            return self if self.failures == 0 else replace(self, failures=0)
        if not probe:
            return self
        if self.successes + 1 >= rules.half_open_probes:
            return Breaker(openings=self.openings, pause_s=self.pause_s, recovered_s=now_s)
        return replace(self, state=BreakerState.HALF_OPEN, probes=self.probes - 1, successes=self.successes + 1)

    def answered_slowly(self, now_s: float, *, probe: bool) -> "Breaker":
        """Take note of an answer that took longer than a healthy model may."""
        if self.state is BreakerState.CLOSED:
            return self if self.failures == 0 else replace(self, failures=0)
        return self._reopened(now_s, self.pause_s, slow=True) if probe else self

    def failed(self, rules: BreakerRules, now_s: float, *, probe: bool) -> "Breaker":
        """Take note of a failure that is the model's."""
        if self.state is BreakerState.CLOSED:
            if self.failures + 1 >= rules.consecutive_failures:
                return self.tripped(rules, now_s)
            return replace(self, failures=self.failures + 1)
        if not probe:
            return self
        pause_s = min(self.pause_s * 2, rules.max_pause_s) if self.state is BreakerState.HALF_OPEN else self.pause_s
        return self._reopened(now_s, pause_s, slow=False)

    def abandoned(self, *, probe: bool) -> "Breaker":
        """Take note of a call whose result says nothing about the model."""
        return replace(self, probes=self.probes - 1) if probe and self.state is not BreakerState.CLOSED else self

    def tripped(self, rules: BreakerRules, now_s: float, *, slow: bool = False) -> "Breaker":
        """Open, whatever the count; for longer if that was not long ago."""
        ramping = self.share(rules, now_s) < 1
        pause_s = min(self.pause_s * 2, rules.max_pause_s) if ramping else rules.pause_s
        return Breaker(
            state=BreakerState.OPEN,
            open_until_s=now_s + pause_s,
            pause_s=pause_s,
            openings=self.openings + 1,
            slow=slow,
        )

    def _reopened(self, now_s: float, pause_s: float, *, slow: bool) -> "Breaker":
        return replace(
            self,
            state=BreakerState.OPEN,
            open_until_s=now_s + pause_s,
            pause_s=pause_s,
            probes=self.probes - 1,
            successes=0,
            slow=slow,
            from_peers=False,
        )
