"""One model's traffic: its chances, its latency, its rate limit and its counters."""

from collections import Counter
from random import Random

from sandbox.provider.faults import FaultKind
from sandbox.provider.models import ReferenceModel, RequestLimit
from sandbox.provider.options import ProviderOptions
from sandbox.provider.outcome import ProblemKind

LIMIT_WINDOW_S = 60.0
_FAILURES = (ProblemKind.SERVER_ERROR, ProblemKind.BAD_GATEWAY, ProblemKind.OVERLOADED)


class Traffic:
    """One model's state."""

    def __init__(self, model: ReferenceModel, options: ProviderOptions) -> None:
        self.model = model
        self.limit = RequestLimit(model.requests_per_minute, LIMIT_WINDOW_S * options.time_scale)
        self.calls = 0
        self.statuses: Counter[int] = Counter()
        self.faults: Counter[FaultKind] = Counter()
        self._options = options
        self._rng = Random(f"{options.seed}:{model.name}")  # noqa: S311 - a simulation has to be repeatable

    def draw_latency_s(self) -> float:
        """Draw how long the next answer takes, by the time scale."""
        fixed_ms = self._options.latency_ms
        latency_s = self.model.draw_latency_s(self._rng) if fixed_ms is None else fixed_ms / 1000
        return latency_s * self._options.time_scale

    def draw_failure(self) -> ProblemKind | None:
        """Draw whether the next call fails, as often as the model is down."""
        if self._options.failures and self._rng.random() >= self.model.uptime:
            return self._rng.choice(_FAILURES)
        return None
