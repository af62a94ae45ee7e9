"""What all workers together know of one model: the window, the verdict on its last minutes, the shares.

One process at a time keeps a model's aggregate (`streams.control.health_agent`) and publishes what it says. An
aggregate is made again from its stored panes, the health that was published last, and the next deltas of every worker.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import islice

from router.catalogue import Catalogue, Model
from router.models.account_shares import MOST_TOLD, AccountShares
from router.models.granted import Granted
from router.models.health import PANE_S, QUANTILES, SEVERITY, Reading, Standing
from router.models.histogram import Histogram, merged_quantiles
from router.models.minute import Minute
from router.models.model_state import STALE_S
from router.models.panes import Pane, pane_number
from router.models.sources import Sources
from router.sharing.allotment import Claim, allot, joining_share
from router.sharing.member import GONE_S, REPORT_EVERY_S
from router.sharing.rate_limit import MINUTE_S
from schemas.health import AccountStats, BreakerState, HealthCause, HealthStatus, ModelHealth, ModelStats
from schemas.vocabulary import AttemptOutcome

AHEAD_S = 60.0
"""A delta from further in the future comes from a wrong clock, and is left out."""
VOUCHER_S = 2.0
"""Within this time after a breaker opened another worker must have had an answer, or the breaker is believed."""
LATELY_S = 10.0
MOST_NAMED = 4
"""Workers that a sentence names."""


@dataclass(slots=True)
class _WorkerView:
    """The last word of one worker. Of many workers and models there are very many: it holds no more than is read."""

    epoch: int
    sequence: int = -1
    in_flight: int = 0
    slow_in_flight: int = 0
    stuck_in_flight: int = 0
    breaker: BreakerState = BreakerState.CLOSED
    brown_out: bool = False
    share_per_minute: int | None = None
    limited: bool = False
    leaving: bool = False
    keeps_shares: bool = False
    accounts: Mapping[str, AccountStats] = field(default_factory=dict)
    answered_second: int = 0
    called_second: int = 0
    opened_second: int = 0

    @property
    def is_open(self) -> bool:
        """Whether its breaker is not closed."""
        return self.breaker is not BreakerState.CLOSED

    def ingest(self, stats: ModelStats) -> bool:
        """Apply a delta; True if the worker's breaker has closed with it."""
        if stats.outcomes.get(AttemptOutcome.SUCCEEDED):
            self.answered_second = max(self.answered_second, stats.second)
        if stats.calls:
            self.called_second = max(self.called_second, stats.second)
        if (stats.epoch, stats.sequence) <= (self.epoch, self.sequence):
            return False
        was_open, same_life = self.is_open, self.epoch == stats.epoch
        self.epoch, self.sequence = stats.epoch, stats.sequence
        self.in_flight, self.slow_in_flight = stats.in_flight, stats.slow_in_flight
        self.stuck_in_flight = stats.stuck_in_flight
        self.breaker, self.brown_out = stats.breaker, stats.brown_out
        self.share_per_minute, self.limited = stats.share_per_minute, stats.limited
        self.leaving, self.keeps_shares, self.accounts = stats.leaving, stats.keeps_shares, stats.accounts
        if self.is_open and not was_open:
            self.opened_second = stats.second
        return same_life and was_open and not self.is_open


class HealthAggregator:
    """One model's aggregate. Not for several threads."""

    def __init__(self, catalogue: Catalogue, model: Model, sources: Sources | None = None) -> None:
        """Take the workers that tell, which the aggregates of all models share."""
        self._model = model
        self._rules = catalogue.health_of(model)
        self._sources = Sources() if sources is None else sources
        self._panes: dict[int, Pane] = {}
        self._workers: dict[str, _WorkerView] = {}
        self._minute = Minute()
        self._granted: dict[str, int] = {}
        self._dropped_s: dict[str, float] = {}
        self._accounts = AccountShares(catalogue.accounts.get(model.provider_name, ()), model.name)
        self._standing = Standing()
        self._window_from_s = 0.0
        self._resumed_s: float | None = None
        self._last: ModelHealth | None = None
        self.has_news = True
        """Something has happened since the last `health` that others should know at once."""

    @property
    def kept_s(self) -> float:
        """For how long a pane counts after its end: the window, or the minute of the limits; and one more pane."""
        return max(self._rules.window_s, MINUTE_S) + PANE_S

    @property
    def panes(self) -> Iterable[Pane]:
        """Those that count."""
        return self._panes.values()

    @property
    def granted(self) -> Granted | None:
        """All shares as they were granted last, to be stored; None: the health itself tells them."""
        return None if self._tells_all else Granted(shares=dict(self._granted), accounts=self._accounts.granted)

    def ingest(self, stats: ModelStats, now_s: float, offset: int | None = None) -> Pane | None:
        """Merge one delta and return its pane, to be stored; None if it is in already, or nothing to keep.

        `offset` is its place in its topic, from which deltas come in order; None: it will not come again.

        Raises:
            ValueError: it cannot be merged.
        """
        if not now_s - self.kept_s < stats.second < now_s + AHEAD_S or not self._sources.ingest(stats, now_s):
            return None
        number = pane_number(stats.second)
        pane = self._panes.get(number) or Pane(number)
        if not pane.merge(stats, offset):
            return None
        self._panes[number] = pane
        if stats.calls:
            self._minute.called(stats.worker, stats.second, stats.calls, now_s)
        self._hear(stats, now_s)
        return pane

    def restore_pane(self, pane: Pane, now_s: float) -> None:
        """Take in one pane that another process had stored."""
        if pane.number <= pane_number(now_s - self.kept_s):
            return
        self._panes[pane.number] = pane
        for second, by_worker in pane.calls.items():
            for worker, calls in by_worker.items():
                self._minute.called(worker, second, calls, now_s)

    def resume(self, last: ModelHealth | None, granted: Granted | None, now_s: float) -> None:
        """Go on where another process stopped: with what it had published, and the shares that it had granted.

        Without `granted` they are those of `last`.
        """
        if last is not None and now_s - last.as_of.timestamp() <= STALE_S:  # else the workers have stopped using it
            self._last, self._resumed_s = last, now_s
            if last.shares_complete or granted is None:
                granted = Granted(last.shares, {name: told.shares for name, told in last.accounts.items()})
            self._granted = dict(granted.shares)
            self._accounts.restore(granted.accounts)
            self._standing = Standing(last.status, last.as_of.timestamp())
            if last.window_from is not None:
                self._window_from_s = min(last.window_from.timestamp(), now_s)

    def restore(self, panes: Iterable[Pane], last: ModelHealth | None, now_s: float) -> None:
        """Take in all of it at once."""
        for pane in panes:
            self.restore_pane(pane, now_s)
        self.resume(last, None, now_s)

    def expire(self, now_s: float) -> list[Pane]:
        """Forget the panes that count no more, and return those of which only the sums do, to be stored."""
        oldest, settled = pane_number(now_s - self.kept_s), pane_number(now_s - MINUTE_S - PANE_S)
        for number in [number for number in self._panes if number <= oldest]:
            del self._panes[number]
        return [pane for number, pane in self._panes.items() if number <= settled and pane.settle()]

    def health(self, now_s: float) -> ModelHealth:
        """Return the model's health at this moment, with the shares that hold from now on."""
        for worker in [worker for worker in self._workers if not self._sources.is_present(worker, now_s)]:
            self._accounts.silent(self._workers.pop(worker).accounts, now_s)
            self._dropped_s[worker] = now_s
        self._dropped_s = {worker: at_s for worker, at_s in self._dropped_s.items() if now_s - at_s <= STALE_S}
        reading = self._read(now_s)
        self._standing = self._standing.after(reading, self._rules, now_s)
        status, cause, reason = self._verdict(reading, now_s)
        made = self._minute.made(now_s)
        if self._is_resuming(now_s) and self._last and SEVERITY[self._last.status] > SEVERITY[status]:
            # not all workers have spoken yet: silence is no recovery
            status, cause, reason = self._last.status, self._last.cause, self._last.reason
        views = self._workers
        shares = self._shares(made, now_s)
        not_closed = sorted(worker for worker, view in views.items() if view.is_open)
        self.has_news = False
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
            in_flight=sum(view.in_flight for view in views.values()),
            workers=len(views),
            cause=cause,
            reason=reason,
            window_from=_utc(self._window_from_s) if self._window_from_s > now_s - self._rules.window_s else None,
            limit_per_minute=self._model.requests_per_minute,
            shares=shares if self._tells_all else self._to_take_over(shares),
            shares_complete=self._tells_all,
            report_every_s=self._sources.report_every_s,
            breakers={worker: views[worker].breaker for worker in islice(not_closed, MOST_TOLD)},
            breakers_not_closed=len(not_closed),
            accounts=self._accounts.health(
                self._since(now_s - MINUTE_S - PANE_S),
                {worker: view.accounts for worker, view in views.items()},
                now_s,
                resuming=self._is_resuming(now_s),
                kept_by=frozenset() if self._tells_all else self._keepers_of_shares(),
            ),
        )

    @property
    def _tells_all(self) -> bool:
        """Whether every share is told each time, as those few workers expect that do not keep theirs."""
        return len(self._granted) <= MOST_TOLD

    def _to_take_over(self, shares: Mapping[str, int]) -> dict[str, int]:
        """Return the shares that their workers have not taken over, for all that is known; 0 for whom none is kept."""
        told = {
            worker: share
            for worker, share in shares.items()
            if (view := self._workers.get(worker)) is not None
            and not (view.keeps_shares and view.share_per_minute == share)
        }
        return dict.fromkeys(self._dropped_s.keys() - shares.keys(), 0) | told

    def _keepers_of_shares(self) -> frozenset[str]:
        return frozenset(worker for worker, view in self._workers.items() if view.keeps_shares)

    def _hear(self, stats: ModelStats, now_s: float) -> None:
        if stats.second < now_s - AHEAD_S:
            return  # history, as a restart reads it again: it says nothing about who is alive
        self._sources.hear(stats.worker, now_s)
        view = self._workers.get(stats.worker)
        if view is None:
            view = self._workers[stats.worker] = _WorkerView(stats.epoch)
            self._dropped_s.pop(stats.worker, None)
            self.has_news = True
        before = view.breaker, view.brown_out
        if view.ingest(stats):
            self._recover(stats.second)
        if before != (view.breaker, view.brown_out) or view.leaving:
            self.has_news = True
        if view.leaving:
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
            stuck = view.stuck_in_flight
            if stuck:
                under_way.add(self._rules.unhealthy_p99_ms * 1.02, stuck)
            if view.slow_in_flight > stuck:
                under_way.add(self._rules.degraded_p99_ms * 1.02, view.slow_in_flight - stuck)
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
        opened = [worker for worker, view in self._workers.items() if view.is_open]
        slow = [worker for worker, view in self._workers.items() if view.brown_out]
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
        return {
            worker
            for worker, view in self._workers.items()
            if view.called_second > now_s - LATELY_S - self._told_late_s
        }

    @property
    def _told_late_s(self) -> float:
        """How much later than as its second ends a worker may tell what it has seen."""
        return self._sources.report_every_s - REPORT_EVERY_S

    def _vouched_for(self, now_s: float) -> bool:
        """Say whether a worker whose breaker is closed has answers, or may still get some."""
        opened_s = max(view.opened_second for view in self._workers.values() if view.is_open)
        voucher_s = VOUCHER_S + self._told_late_s
        lately = self._called_lately(now_s)
        return any(
            view.answered_second > opened_s or (worker in lately and now_s < opened_s + voucher_s)
            for worker, view in self._workers.items()
            if not view.is_open
        )

    def _is_resuming(self, now_s: float) -> bool:
        """Say whether workers that are there may not have spoken of the model yet: they do so within two periods."""
        spoken_s = max(GONE_S, 3 * self._sources.report_every_s)
        return self._resumed_s is not None and now_s - self._resumed_s < spoken_s

    def _shares(self, made: Mapping[str, int], now_s: float) -> dict[str, int]:
        gone = sum(calls for worker, calls in made.items() if worker not in self._workers)
        limit = self._model.requests_per_minute
        claims = [
            Claim(
                worker=worker,
                granted=self._granted.get(worker),
                in_force=joining_share(limit) if view.share_per_minute is None else view.share_per_minute,
                made=made.get(worker, 0),
                held_back=view.limited,
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
    if len(workers) <= MOST_NAMED:
        return ", ".join(sorted(workers))
    return f"{', '.join(sorted(workers)[: MOST_NAMED - 1])} and {len(workers) - MOST_NAMED + 1} others"


def _utc(at_s: float) -> datetime:
    return datetime.fromtimestamp(at_s, UTC)
