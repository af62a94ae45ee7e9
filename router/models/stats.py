"""A worker's reports to the others: per model and second what it saw, and the state of the model in it now."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Protocol

from router.models.accounts import RestReason
from router.models.histogram import SCALE, Histogram
from router.sharing.account_minute import NOTHING, Use
from router.sharing.member import HEARTBEAT_S, REPORT_EVERY_S, UNTOLD, Member
from schemas.health import AccountStats, BreakerState, ModelStats
from schemas.responses import Usage
from schemas.vocabulary import AccountLimit, AttemptOutcome


@dataclass(frozen=True, slots=True)
class AccountSnapshot:
    """Where a worker stands with one account for one model at this moment."""

    under_way: Use = NOTHING
    shares: Mapping[AccountLimit, int] = field(default_factory=dict)
    limited: tuple[AccountLimit, ...] = ()
    told: Mapping[AccountLimit, int] = field(default_factory=dict)
    rests_until_s: float | None = None
    rests_for: RestReason | None = None

    def differs(self, other: "AccountSnapshot") -> bool:
        """Say whether what others act on at once has changed."""
        return (self.shares, self.rests_for) != (other.shares, other.rests_for)


@dataclass(frozen=True, slots=True)
class ModelSnapshot:
    """Where a worker stands with a model at this moment."""

    in_flight: int = 0
    slow_in_flight: int = 0
    stuck_in_flight: int = 0
    breaker: BreakerState = BreakerState.CLOSED
    brown_out: bool = False
    share: int = 0
    limited: bool = False
    accounts: Mapping[str, AccountSnapshot] = field(default_factory=dict)

    def differs(self, other: "ModelSnapshot") -> bool:
        """Say whether what others act on at once has changed."""
        if (self.breaker, self.brown_out, self.share) != (other.breaker, other.brown_out, other.share):
            return True
        return any(now.differs(other.accounts[name]) for name, now in self.accounts.items())


@dataclass(slots=True)
class _Second:
    """What happened in one second."""

    outcomes: Counter[AttemptOutcome] = field(default_factory=Counter)
    latency: Histogram = field(default_factory=Histogram)
    input_tokens: int = 0
    output_tokens: int = 0
    calls: int = 0
    accounts: dict[str, Use] = field(default_factory=dict)

    def used(self, account: str, use: Use) -> None:
        """Count what an account was used for."""
        self.accounts[account] = self.accounts.get(account, NOTHING).plus(use)


class NextNumber(Protocol):
    """Gives the numbers of a worker's reports, in order."""

    def __call__(self) -> int:
        """Return the next one."""
        ...


class StatsBuffer:
    """What one worker has not told of one model yet, by second."""

    __slots__ = ("_account_limits", "_limit", "_seconds", "_told", "_told_s")

    def __init__(self, limit: int, account_limits: Mapping[str, Mapping[AccountLimit, int]] | None = None) -> None:
        self._limit = limit
        self._account_limits = account_limits or {}
        self._seconds: dict[int, _Second] = {}
        self._told: ModelSnapshot | None = None
        self._told_s = 0.0

    def called(self, now_s: float, account: str | None = None) -> None:
        """Count a call that begins."""
        second = self._second(now_s)
        second.calls += 1
        if account is not None:
            second.used(account, Use(requests=1))

    def settled(self, account: str, tokens: Use, now_s: float) -> None:
        """Count what a call of an account has taken."""
        self._second(now_s).used(account, tokens)

    def ended(self, outcome: AttemptOutcome, latency_s: float | None, usage: Usage | None, now_s: float) -> None:
        """Count its end; `latency_s` None: it says nothing about the latency."""
        second = self._second(now_s)
        second.outcomes[outcome] += 1
        if latency_s is not None:
            second.latency.add(latency_s * 1000)
        if usage is not None:
            second.input_tokens += usage.input_tokens
            second.output_tokens += usage.output_tokens

    @property
    def told_s(self) -> float:
        """When it was told last."""
        return self._told_s

    def is_due(self, now_s: float, every_s: float = REPORT_EVERY_S) -> bool:
        """Say whether to tell however the model stands: a second is over, there were many calls, or it was long ago.

        `every_s`: what is not urgent is told so often.
        """
        silent_s = now_s - self._told_s
        if self._told is None or silent_s >= HEARTBEAT_S * every_s:
            return True
        if sum(second.calls for second in self._seconds.values()) > self._limit * UNTOLD:
            return True
        is_turn = every_s <= REPORT_EVERY_S or silent_s >= every_s
        return is_turn and any(number < int(now_s) for number in self._seconds)

    @property
    def has_untold_use(self) -> bool:
        """Whether accounts may have been used since they were told."""
        return bool(self._account_limits and self._seconds)

    def is_news(self, snapshot: ModelSnapshot) -> bool:
        """Say whether the others need to know at once how the model stands: a change, or much use of an account."""
        told = self._told
        if told is None or snapshot.differs(told):
            return True
        return any(self._has_much_untold(name, snapshot, told) for name in self._account_limits)

    def _has_much_untold(self, account: str, snapshot: ModelSnapshot, told: ModelSnapshot) -> bool:
        use = NOTHING
        for second in self._seconds.values():
            use = use.plus(second.accounts.get(account, NOTHING))
        use = use.plus(snapshot.accounts[account].under_way).minus(told.accounts[account].under_way)
        return any(use.of(limit) > whole * UNTOLD for limit, whole in self._account_limits[account].items())

    def come_together(self) -> None:
        """Make one of the untold seconds, the last: what is in it stays in the minute of the limits for longer."""
        if len(self._seconds) > 1:
            self._seconds = {max(self._seconds): _together(self._seconds.values())}

    def report(
        self,
        model: str,
        member: Member,
        sequence: NextNumber,
        snapshot: ModelSnapshot,
        now_s: float,
        *,
        leaving: bool = False,
    ) -> list[ModelStats]:
        """Return everything untold, oldest first. Only the last one has the present snapshot.

        A share that has just shrunk is told with the last of the calls that were made under the larger one.
        """
        seconds = self._seconds or {int(now_s): _Second()}
        told = self._told or snapshot
        last = max(seconds)
        reports = []
        for number in sorted(seconds):
            second, now = seconds[number], snapshot if number == last else told
            reports.append(
                ModelStats(
                    worker=member.worker,
                    epoch=member.epoch,
                    sequence=sequence(),
                    request_model=model,
                    second=number,
                    outcomes=dict(second.outcomes),
                    latency_buckets=second.latency.buckets,
                    latency_scale=SCALE,
                    input_tokens=second.input_tokens,
                    output_tokens=second.output_tokens,
                    in_flight=snapshot.in_flight,
                    calls=second.calls,
                    slow_in_flight=snapshot.slow_in_flight,
                    stuck_in_flight=snapshot.stuck_in_flight,
                    breaker=now.breaker,
                    brown_out=now.brown_out,
                    share_per_minute=now.share,
                    limited=snapshot.limited,
                    leaving=leaving and number == last,
                    keeps_shares=True,
                    accounts={
                        name: _account_stats(
                            second.accounts.get(name, NOTHING), snapshot.accounts[name], now.accounts[name]
                        )
                        for name in snapshot.accounts
                    },
                )
            )
        self._seconds = {}
        self._told, self._told_s = snapshot, now_s
        return reports

    def _second(self, now_s: float) -> _Second:
        number = int(now_s)
        second = self._seconds.get(number)
        if second is None:
            second = self._seconds[number] = _Second()
        return second


def _together(seconds: Iterable[_Second]) -> _Second:
    """Return what happened in all of them."""
    whole = _Second()
    for second in seconds:
        whole.outcomes.update(second.outcomes)
        for bucket, hits in second.latency.buckets.items():
            whole.latency.add_to_bucket(bucket, hits)
        whole.input_tokens += second.input_tokens
        whole.output_tokens += second.output_tokens
        whole.calls += second.calls
        for account, use in second.accounts.items():
            whole.used(account, use)
    return whole


def _account_stats(use: Use, snapshot: AccountSnapshot, shares_of: AccountSnapshot) -> AccountStats:
    rests = snapshot.rests_until_s
    return AccountStats(
        calls=use.requests,
        input_tokens=use.input_tokens,
        output_tokens=use.output_tokens,
        input_tokens_under_way=snapshot.under_way.input_tokens,
        output_tokens_under_way=snapshot.under_way.output_tokens,
        shares=dict(shares_of.shares),
        limited=list(snapshot.limited),
        told_limits=dict(snapshot.told),
        rests_until=None if rests is None else datetime.fromtimestamp(rests, UTC),
        rests_for=snapshot.rests_for,
    )
