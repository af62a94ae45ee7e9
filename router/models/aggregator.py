"""What all workers together know of one model: the window of an hour, the verdict on its last minutes, the shares.

One process at a time keeps a model's aggregate (`streams.control.app` sees to that) and publishes what it says. An
aggregate is made again from its stored panes, the health that was published last, and the next deltas of every worker.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

from router.catalogue import Catalogue, Model
from router.models.account_shares import AccountShares
from router.models.health import PANE_S, QUANTILES, SEVERITY, Reading, Standing
from router.models.histogram import Histogram, merged_quantiles
from router.models.model_state import STALE_S
from router.models.panes import Pane, pane_number
from router.sharing.allotment import Claim, allot, joining_share
from router.sharing.rate_limit import MINUTE_S
from schemas.health import BreakerState, HealthCause, HealthStatus, ModelHealth, ModelStats
from schemas.vocabulary import AttemptOutcome

PANES_KEPT_S = 3600.0
GONE_S = 6.0
"""A worker without a report for this time is gone. It reports every two seconds, `router.models.stats`."""
AHEAD_S = 60.0
"""A delta from further in the future comes from a wrong clock, and is left out."""
VOUCHER_S = 2.0
"""Within this time after a breaker opened another worker must have had an answer, or the breaker is believed."""
LATELY_S = 10.0


@dataclass(slots=True)
class _WorkerView:
    """The last word of one worker."""

    stats: ModelStats
    heard_s: float
    answered_second: int = 0
    called_second: int = 0
    opened_second: int = 0

    def ingest(self, stats: ModelStats, now_s: float) -> bool:
        """Apply a delta; True if the worker's breaker has closed with it."""
        if stats.outcomes.get(AttemptOutcome.SUCCEEDED):
            self.answered_second = max(self.answered_second, stats.second)
        if stats.calls:
            self.called_second = max(self.called_second, stats.second)
        before = self.stats
        if (stats.epoch, stats.sequence) <= (before.epoch, before.sequence):
            return False
        self.stats, self.heard_s = stats, now_s
        if before.breaker is BreakerState.CLOSED and stats.breaker is not BreakerState.CLOSED:
            self.opened_second = stats.second
        same_life = before.epoch == stats.epoch
        return same_life and before.breaker is not BreakerState.CLOSED and stats.breaker is BreakerState.CLOSED


class HealthAggregator:
    """One model's aggregate. Not for several threads."""

    def __init__(self, catalogue: Catalogue, model: Model) -> None:
        self._model = model
        self._rules = catalogue.health_of(model)
        self._panes: dict[int, Pane] = {}
        self._workers: dict[str, _WorkerView] = {}
        self._granted: dict[str, int] = {}
        self._accounts = AccountShares(catalogue.accounts.get(model.provider_name, ()), model.name)
        self._standing = Standing()
        self._window_from_s = 0.0
        self._resumed_s: float | None = None
        self._last: ModelHealth | None = None

    def ingest(self, stats: ModelStats, now_s: float) -> Pane | None:
        """Merge one delta and return its pane, to be stored; None if it is in already, or nothing to keep.

        Raises:
            ValueError: it cannot be merged.
        """
        if not now_s - PANES_KEPT_S < stats.second < now_s + AHEAD_S:
            return None
        number = pane_number(stats.second)
        pane = self._panes.get(number) or Pane(number)
        if not pane.merge(stats):
            return None
        self._panes[number] = pane
        self._hear(stats, now_s)
        return pane

    def restore(self, panes: Iterable[Pane], last: ModelHealth | None, now_s: float) -> None:
        """Go on where another process stopped: with what it had stored and what it had published."""
        self._panes.update((pane.number, pane) for pane in panes)
        if last is not None and now_s - last.as_of.timestamp() <= STALE_S:  # else the workers have stopped using it
            self._last, self._resumed_s = last, now_s
            self._granted = dict(last.shares)
            self._accounts.restore(last)
            self._standing = Standing(last.status, last.as_of.timestamp())
            if last.window_from is not None:
                self._window_from_s = min(last.window_from.timestamp(), now_s)

    def expire(self, now_s: float) -> list[int]:
        """Forget the panes that are older than an hour, and return their numbers."""
        old = [number for number in self._panes if (number + 1) * PANE_S <= now_s - PANES_KEPT_S]
        for number in old:
            del self._panes[number]
        return old

    def health(self, now_s: float) -> ModelHealth:
        """Return the model's health at this moment, with the shares that hold from now on."""
        gone = [worker for worker, view in self._workers.items() if now_s - view.heard_s > GONE_S]
        for worker in gone:
            self._accounts.silent(self._workers.pop(worker).stats, now_s)
        reading = self._read(now_s)
        self._standing = self._standing.after(reading, self._rules, now_s)
        status, cause, reason = self._verdict(reading, now_s)
        made = self._made(now_s)
        if self._is_resuming(now_s) and self._last and SEVERITY[self._last.status] > SEVERITY[status]:
            # not all workers have spoken yet: silence is no recovery
            status, cause, reason = self._last.status, self._last.cause, self._last.reason
        views = self._workers
        return ModelHealth(
            request_model=self._model.name,
            as_of=_utc(now_s),
            window_s=int(self._rules.window_s),
            status=status,
            requests=reading.requests,
            error_rate=reading.error_rate,
            timeout_rate=reading.timeout_rate,
            p50_ms=reading.p50_ms,
            p90_ms=reading.p90_ms,
            p99_ms=reading.p99_ms,
            requests_per_minute=sum(made.values()),
            tokens_per_minute=sum(pane.tokens for pane in self._since(now_s - MINUTE_S)),
            in_flight=sum(view.stats.in_flight for view in views.values()),
            workers=len(views),
            cause=cause,
            reason=reason,
            window_from=_utc(self._window_from_s) if self._window_from_s > now_s - self._rules.window_s else None,
            limit_per_minute=self._model.requests_per_minute,
            shares=self._shares(made, now_s),
            breakers={
                worker: view.stats.breaker
                for worker, view in sorted(views.items())
                if view.stats.breaker is not BreakerState.CLOSED
            },
            accounts=self._accounts.health(
                self._since(now_s - MINUTE_S - PANE_S),
                {worker: view.stats for worker, view in views.items()},
                now_s,
                resuming=self._is_resuming(now_s),
            ),
        )

    def _hear(self, stats: ModelStats, now_s: float) -> None:
        if stats.second < now_s - AHEAD_S:
            return  # history, as a restart reads it again: it says nothing about who is alive
        view = self._workers.get(stats.worker)
        if view is None:
            view = self._workers[stats.worker] = _WorkerView(stats, now_s)
            if stats.breaker is not BreakerState.CLOSED:
                view.opened_second = stats.second
        if view.ingest(stats, now_s):
            self._recover(stats.second)
        if view.stats.leaving:
            del self._workers[stats.worker]

    def _recover(self, second: int) -> None:
        """A comeback by probes: the window starts anew with the next pane."""
        self._window_from_s = max(self._window_from_s, (pane_number(second) + 1) * PANE_S)
        self._standing = Standing(HealthStatus.IDLE, second)

    def _since(self, from_s: float) -> list[Pane]:
        oldest = pane_number(from_s)
        return [pane for number, pane in self._panes.items() if number > oldest]

    def _read(self, now_s: float) -> Reading:
        """Read the window. Slow calls under way are in it with what they have taken so far, before they end."""
        first = max(pane_number(now_s - self._rules.window_s) + 1, pane_number(self._window_from_s))
        panes = [pane for number, pane in self._panes.items() if number >= first]
        under_way = Histogram()
        for view in self._workers.values():
            stuck = view.stats.stuck_in_flight
            if stuck:
                under_way.add(self._rules.unhealthy_p99_ms * 1.02, stuck)
            if view.stats.slow_in_flight > stuck:
                under_way.add(self._rules.degraded_p99_ms * 1.02, view.stats.slow_in_flight - stuck)
        requests = sum(pane.requests for pane in panes)
        errors = sum(pane.errors for pane in panes)
        timeouts = sum(pane.timeouts for pane in panes)
        requests += under_way.count
        p50_ms, p90_ms, p99_ms = merged_quantiles([*(pane.latency for pane in panes), under_way], QUANTILES)
        return Reading(
            requests=requests,
            error_rate=errors / requests if requests else 0.0,
            timeout_rate=timeouts / requests if requests else 0.0,
            p50_ms=p50_ms,
            p90_ms=p90_ms,
            p99_ms=p99_ms,
        )

    def _verdict(self, reading: Reading, now_s: float) -> tuple[HealthStatus, HealthCause | None, str | None]:
        status = self._standing.status
        cause, reason = reading.cause(self._rules) if SEVERITY[status] else (None, None)
        opened = [worker for worker, view in self._workers.items() if view.stats.breaker is not BreakerState.CLOSED]
        slow = [worker for worker, view in self._workers.items() if view.stats.brown_out]
        if opened and not self._vouched_for(now_s):
            if status is not HealthStatus.UNHEALTHY:
                slowly = set(opened) <= set(slow)
                cause = HealthCause.BROWN_OUT if slowly else HealthCause.BREAKERS
                reason = f"{_names(opened)} left it alone, and no other worker has an answer"
            return HealthStatus.UNHEALTHY, cause, reason
        if slow and status is not HealthStatus.UNHEALTHY and 2 * len(slow) >= len(self._called_lately(now_s) | {*slow}):
            return HealthStatus.DEGRADED, HealthCause.BROWN_OUT, f"most of the latest calls of {_names(slow)} are slow"
        return status, cause, reason

    def _called_lately(self, now_s: float) -> set[str]:
        return {worker for worker, view in self._workers.items() if view.called_second > now_s - LATELY_S}

    def _vouched_for(self, now_s: float) -> bool:
        """Say whether a worker whose breaker is closed has answers, or may still get some."""
        views = self._workers.values()
        opened_s = max(view.opened_second for view in views if view.stats.breaker is not BreakerState.CLOSED)
        lately = self._called_lately(now_s)
        return any(
            view.answered_second > opened_s or (worker in lately and now_s < opened_s + VOUCHER_S)
            for worker, view in self._workers.items()
            if view.stats.breaker is BreakerState.CLOSED
        )

    def _is_resuming(self, now_s: float) -> bool:
        return self._resumed_s is not None and now_s - self._resumed_s < GONE_S

    def _made(self, now_s: float) -> dict[str, int]:
        """Return the calls of each worker that have not certainly left the minute; a second counts whole."""
        made: dict[str, int] = {}
        for pane in self._since(now_s - MINUTE_S - PANE_S):
            for worker, seconds in pane.calls.items():
                count = sum(calls for second, calls in seconds.items() if second + 1 + MINUTE_S > now_s)
                made[worker] = made.get(worker, 0) + count
        return made

    def _shares(self, made: dict[str, int], now_s: float) -> dict[str, int]:
        gone = sum(calls for worker, calls in made.items() if worker not in self._workers)
        limit = self._model.requests_per_minute
        claims = [
            Claim(
                worker=worker,
                granted=self._granted.get(worker),
                in_force=joining_share(limit) if view.stats.share_per_minute is None else view.stats.share_per_minute,
                made=made.get(worker, 0),
                held_back=view.stats.limited,
            )
            for worker, view in sorted(self._workers.items())
        ]
        resuming = self._is_resuming(now_s)
        if resuming:  # workers that were known before keep what they have until all have had time to speak
            gone += sum(share for worker, share in self._granted.items() if worker not in self._workers)
        shares = allot(limit, claims, gone)
        unheard = {worker: share for worker, share in self._granted.items() if worker not in shares}
        self._granted = {**unheard, **shares} if resuming else shares
        return dict(self._granted)


def _names(workers: list[str]) -> str:
    return ", ".join(sorted(workers))


def _utc(at_s: float) -> datetime:
    return datetime.fromtimestamp(at_s, UTC)
