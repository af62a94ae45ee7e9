"""A model's windowed health: error rate, timeout rate and p99 latency over sliding panes, and the verdict on them."""

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType

from router.catalogue import HealthRules
from router.models.histogram import Histogram, merged_quantiles
from schemas.health import HealthCause, HealthStatus

PANE_S = 10.0
QUANTILES = (0.50, 0.90, 0.99)
LEAVE_AT = 0.8
"""A status is left for a better one below this part of its thresholds."""
DWELL_S = 10.0
SEVERITY: Mapping[HealthStatus, int] = MappingProxyType(
    {HealthStatus.IDLE: 0, HealthStatus.HEALTHY: 0, HealthStatus.DEGRADED: 1, HealthStatus.UNHEALTHY: 2}
)
"""Models of a higher one stand behind those of a lower one. Nothing is held against an idle model."""


@dataclass(slots=True)
class WindowPane:
    """What happened to a model in `PANE_S` seconds."""

    number: int
    requests: int = 0
    errors: int = 0
    timeouts: int = 0
    latency: Histogram = field(default_factory=Histogram)


@dataclass(frozen=True, slots=True)
class Reading:
    """A window, read: counts, rates as fractions, latencies in milliseconds (None without a measurement)."""

    requests: int
    error_rate: float
    timeout_rate: float
    p50_ms: float | None
    p99_ms: float | None
    p90_ms: float | None = None

    def status(self, rules: HealthRules, *, scale: float = 1.0) -> HealthStatus:
        """Return the verdict; `scale` multiplies the thresholds."""
        if self.requests < rules.min_requests:
            return HealthStatus.IDLE
        p99_ms = self.p99_ms or 0.0
        if (
            p99_ms > rules.unhealthy_p99_ms * scale
            or self.error_rate > rules.unhealthy_error_rate * scale
            or self.timeout_rate > rules.unhealthy_timeout_rate * scale
        ):
            return HealthStatus.UNHEALTHY
        if p99_ms > rules.degraded_p99_ms * scale or self.error_rate > rules.degraded_error_rate * scale:
            return HealthStatus.DEGRADED
        return HealthStatus.HEALTHY

    def cause(self, rules: HealthRules) -> tuple[HealthCause, str]:
        """Return what weighs most against the model, measured in thresholds, and the sentence about it."""
        p99_ms = self.p99_ms or 0.0
        weights = {
            HealthCause.ERRORS: self.error_rate / rules.degraded_error_rate,
            HealthCause.TIMEOUTS: self.timeout_rate / rules.unhealthy_timeout_rate,
            HealthCause.LATENCY: p99_ms / rules.degraded_p99_ms,
        }
        sentences = {
            HealthCause.ERRORS: f"{self.error_rate:.1%} of {self.requests} calls failed",
            HealthCause.TIMEOUTS: f"{self.timeout_rate:.1%} of {self.requests} calls timed out",
            HealthCause.LATENCY: f"p99 of {self.requests} calls is {p99_ms:.0f} ms",
        }
        worst = max(weights, key=lambda cause: weights[cause])
        return worst, sentences[worst]


@dataclass(frozen=True, slots=True)
class Standing:
    """A status, and since when it holds."""

    status: HealthStatus = HealthStatus.IDLE
    since_s: float = 0.0

    def after(self, reading: Reading, rules: HealthRules, now_s: float) -> "Standing":
        """Return the standing after another reading.

        Hysteresis: it becomes worse at once, and better only when the figures are below `LEAVE_AT` of the thresholds
        and the status has held for `DWELL_S`. A verdict once reached needs half of the minimum sample to last.
        """
        held = self.status is not HealthStatus.IDLE
        sample = replace(rules, min_requests=(rules.min_requests + 1) // 2) if held else rules
        entered = reading.status(sample)
        if entered is HealthStatus.IDLE or not held or SEVERITY[entered] > SEVERITY[self.status]:
            left = entered
        elif now_s - self.since_s < DWELL_S:
            left = self.status
        else:
            left = reading.status(sample, scale=LEAVE_AT)
            if SEVERITY[left] > SEVERITY[self.status]:
                left = self.status
        return self if left is self.status else Standing(left, now_s)


class Window:
    """The last `window_s` seconds of one model, in panes. Bounded: a pane holds counts, not calls."""

    __slots__ = ("_panes", "_read_until_s", "_reading", "_window_s")

    def __init__(self, window_s: float) -> None:
        self._window_s = window_s
        self._panes: deque[WindowPane] = deque()
        self._reading: Reading | None = None
        self._read_until_s = 0.0

    def add(self, now_s: float, latency_ms: float, *, error: bool = False, timeout: bool = False) -> None:
        """Count one call that ended at `now_s`. A timeout is an error too; other errors measure no latency."""
        number = int(now_s // PANE_S)
        if not self._panes or self._panes[-1].number < number:
            self._drop_old(now_s)
            self._panes.append(WindowPane(number))
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
        p50_ms, p90_ms, p99_ms = merged_quantiles((pane.latency for pane in self._panes), QUANTILES)
        return Reading(
            requests=requests,
            error_rate=sum(pane.errors for pane in self._panes) / requests if requests else 0.0,
            timeout_rate=sum(pane.timeouts for pane in self._panes) / requests if requests else 0.0,
            p50_ms=p50_ms,
            p90_ms=p90_ms,
            p99_ms=p99_ms,
        )
