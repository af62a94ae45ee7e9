"""A model's windowed health: error rate, timeout rate and p99 latency over sliding panes, and the verdict on them."""

from collections import deque
from dataclasses import dataclass, field

from router.catalogue import HealthRules
from router.sketch import Sketch, merged_quantile
from schemas.health import HealthStatus

PANE_S = 10.0


@dataclass(slots=True)
class Pane:
    """What happened to a model in `PANE_S` seconds."""

    number: int
    requests: int = 0
    errors: int = 0
    timeouts: int = 0
    latency: Sketch = field(default_factory=Sketch)


@dataclass(frozen=True, slots=True)
class Reading:
    """A window, read: counts, rates as fractions, latencies in milliseconds (None without a measurement)."""

    requests: int
    error_rate: float
    timeout_rate: float
    p50_ms: float | None
    p99_ms: float | None

    def status(self, rules: HealthRules) -> HealthStatus:
        """Return the verdict."""
        if self.requests < rules.min_requests:
            return HealthStatus.IDLE
        p99_ms = self.p99_ms or 0.0
        if (
            p99_ms > rules.unhealthy_p99_ms
            or self.error_rate > rules.unhealthy_error_rate
            or self.timeout_rate > rules.unhealthy_timeout_rate
        ):
            return HealthStatus.UNHEALTHY
        if p99_ms > rules.degraded_p99_ms or self.error_rate > rules.degraded_error_rate:
            return HealthStatus.DEGRADED
        return HealthStatus.HEALTHY


class Window:
    """The last `window_s` seconds of one model, in panes. Bounded: a pane holds counts, not calls."""

    __slots__ = ("_panes", "_read_until_s", "_reading", "_window_s")

    def __init__(self, window_s: float) -> None:
        self._window_s = window_s
        self._panes: deque[Pane] = deque()
        self._reading: Reading | None = None
        self._read_until_s = 0.0

    def add(self, now_s: float, latency_ms: float, *, error: bool = False, timeout: bool = False) -> None:
        """Count one call that ended at `now_s`. A timeout is an error too; other errors measure no latency."""
        number = int(now_s // PANE_S)
        if not self._panes or self._panes[-1].number < number:
            self._drop_old(now_s)
            self._panes.append(Pane(number))
        pane = self._panes[-1]
        pane.requests += 1
        pane.errors += error
        pane.timeouts += timeout
        if not error or timeout:
            pane.latency.add(latency_ms)

    def forget(self) -> None:
        """Start anew: what came before a recovery is no sign of what comes after it."""
        self._panes.clear()
        self._reading = None

    def read(self, now_s: float) -> Reading:
        """Return the window's figures; at most a second old."""
        if self._reading is None or not 0 <= self._read_until_s - now_s <= 1:
            self._reading = self._merge(now_s)
            self._read_until_s = now_s + 1
        return self._reading

    def counts_as_failing(self, rules: HealthRules, now_s: float) -> bool:
        """Say whether the errors of the window, up to this very moment, make the model unhealthy."""
        self._drop_old(now_s)
        requests = sum(pane.requests for pane in self._panes)
        errors = sum(pane.errors for pane in self._panes)
        timeouts = sum(pane.timeouts for pane in self._panes)
        return requests >= rules.min_requests and (
            errors > rules.unhealthy_error_rate * requests or timeouts > rules.unhealthy_timeout_rate * requests
        )

    def _drop_old(self, now_s: float) -> None:
        oldest = int((now_s - self._window_s) // PANE_S)
        while self._panes and self._panes[0].number <= oldest:
            self._panes.popleft()

    def _merge(self, now_s: float) -> Reading:
        self._drop_old(now_s)
        requests = sum(pane.requests for pane in self._panes)
        sketches = [pane.latency for pane in self._panes]
        return Reading(
            requests=requests,
            error_rate=sum(pane.errors for pane in self._panes) / requests if requests else 0.0,
            timeout_rate=sum(pane.timeouts for pane in self._panes) / requests if requests else 0.0,
            p50_ms=merged_quantile(sketches, 0.50),
            p99_ms=merged_quantile(sketches, 0.99),
        )
