"""A worker's reports to the others: per model and second what it saw, and the state of the model in it now."""

from collections import Counter
from dataclasses import dataclass, field
from typing import Protocol

from router.models.histogram import SCALE, Histogram
from router.sharing.member import HEARTBEAT_S, UNTOLD, Member
from schemas.health import BreakerState, ModelStats
from schemas.responses import Usage
from schemas.vocabulary import AttemptOutcome


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

    def differs(self, other: "ModelSnapshot") -> bool:
        """Say whether what others act on at once has changed."""
        return (self.breaker, self.brown_out, self.share) != (other.breaker, other.brown_out, other.share)


@dataclass(slots=True)
class _Second:
    """What happened in one second."""

    outcomes: Counter[AttemptOutcome] = field(default_factory=Counter)
    latency: Histogram = field(default_factory=Histogram)
    input_tokens: int = 0
    output_tokens: int = 0
    calls: int = 0


class NextNumber(Protocol):
    """Gives the numbers of a worker's reports, in order."""

    def __call__(self) -> int:
        """Return the next one."""
        ...


class StatsBuffer:
    """What one worker has not told of one model yet, by second."""

    __slots__ = ("_limit", "_seconds", "_told", "_told_s")

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._seconds: dict[int, _Second] = {}
        self._told: ModelSnapshot | None = None
        self._told_s = 0.0

    def called(self, now_s: float) -> None:
        """Count a call that begins."""
        self._second(now_s).calls += 1

    def ended(self, outcome: AttemptOutcome, latency_s: float | None, usage: Usage | None, now_s: float) -> None:
        """Count its end; `latency_s` None: it says nothing about the latency."""
        second = self._second(now_s)
        second.outcomes[outcome] += 1
        if latency_s is not None:
            second.latency.add(latency_s * 1000)
        if usage is not None:
            second.input_tokens += usage.input_tokens
            second.output_tokens += usage.output_tokens

    def is_due(self, snapshot: ModelSnapshot, now_s: float) -> bool:
        """Say whether there is something to tell: a whole second, many calls, a change, or a sign of life."""
        told = self._told
        if told is None or now_s - self._told_s >= HEARTBEAT_S or snapshot.differs(told):
            return True
        untold = sum(second.calls for second in self._seconds.values())
        return untold > self._limit * UNTOLD or any(number < int(now_s) for number in self._seconds)

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
