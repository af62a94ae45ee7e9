"""A circuit breaker for one model: a frozen value, and a table of what each event makes of it.

Rules:
1. Closed, it lets every call through. Failures in a row open it, and so does a verdict on a window of calls.
2. Open, it refuses calls until its pause has ended; the next call is then the first probe. One call at a time may
   bypass it, as a probe too.
3. Half-open, it lets a number of probes through at a time. When as many have succeeded, it closes; a failed one opens
   it for a longer pause.
4. A probe that is answered, but slowly, shows that the model is alive and not yet well: it opens for the same pause.
5. The result of a call that was made before the opening says nothing about the model now.
6. After a recovery it ramps up: for `ramp_up_s` only a growing share of the traffic is for the model, and what opens
   the breaker meanwhile opens it for twice the pause.

`TRANSITIONS` has a row for each state and input; `docs/state-machines.md` is drawn from it. Seconds are of any one
clock that does not step.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from types import MappingProxyType
from typing import NamedTuple, TypeAlias

from router.catalogue import BreakerRules
from schemas.health import BreakerState

RAMP_FROM = 0.1
"""The share of the traffic that a ramp-up begins with, as Envoy's slow start does (`min_weight_percent`)."""


def ramp_share(rules: BreakerRules, since_s: float, now_s: float) -> float:
    """Return which share of the traffic a model may have that came back at `since_s`: linear up to 1."""
    return min(1.0, max(RAMP_FROM, (now_s - since_s) / rules.ramp_up_s))


class BreakerInput(StrEnum):
    """What a breaker is told."""

    CALL = "call"
    SUCCESS = "success"
    SLOW_ANSWER = "slow answer"
    FAILURE = "failure"
    NO_VERDICT = "no verdict"
    """A call has ended and says nothing about the model."""
    TRIP = "trip"
    """A window of calls, of this worker or of all, says that the model is not well."""
    CLEARANCE = "clearance"
    """Other workers have found the model well."""


class BreakerEvent(NamedTuple):
    """One input. A result is a `probe`'s if its call was let through by the present opening."""

    input: BreakerInput
    now_s: float = 0.0
    """What ends without a verdict needs none."""
    probe: bool = False
    slow: bool = False
    """Of a trip: the model answers, but slowly."""
    from_peers: bool = False
    """Of a trip: other workers say so."""


@dataclass(frozen=True, slots=True)
class Breaker:
    """Where one model's breaker stands."""

    state: BreakerState = BreakerState.CLOSED
    failures: int = 0
    """In a row, while closed."""
    open_until_s: float = 0.0
    pause_s: float = 0.0
    probes: int = 0
    """Probes under way."""
    successes: int = 0
    """Of the probes of this opening."""
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
        """Return when a call may be made: `now_s` or the end of the pause; None while all probes are under way."""
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

    def after(self, event: BreakerEvent, rules: BreakerRules) -> "Breaker":
        """Return what the event makes of the breaker, by the first row of `TRANSITIONS` that applies."""
        for row in TRANSITIONS[self.state, event.input]:
            if row.when is None or row.when.holds(self, event, rules):
                if row.effect is None:
                    return self
                made = row.effect(self, event, rules)
                return made if made.state is row.to else replace(made, state=row.to)
        raise LookupError(f"{self.state}, {event.input}: no row applies")  # pragma: no cover - a test sees to it


Effect: TypeAlias = Callable[[Breaker, BreakerEvent, BreakerRules], Breaker]


class Condition(NamedTuple):
    """When a row applies."""

    text: str
    holds: Callable[[Breaker, BreakerEvent, BreakerRules], bool]


class BreakerRule(NamedTuple):
    """One transition: the state it leads to, and what else changes; without an effect nothing does."""

    when: Condition | None
    to: BreakerState
    effect: Effect | None
    note: str


def _count_failure(breaker: Breaker, _event: BreakerEvent, _rules: BreakerRules) -> Breaker:
    return replace(breaker, failures=breaker.failures + 1)


def _forget_failures(breaker: Breaker, _event: BreakerEvent, _rules: BreakerRules) -> Breaker:
    return replace(breaker, failures=0)


def _open(breaker: Breaker, event: BreakerEvent, rules: BreakerRules) -> Breaker:
    ramping = breaker.share(rules, event.now_s) < 1
    pause_s = min(breaker.pause_s * 2, rules.max_pause_s) if ramping else rules.pause_s
    return Breaker(
        state=BreakerState.OPEN,
        open_until_s=event.now_s + pause_s,
        pause_s=pause_s,
        openings=breaker.openings + 1,
        slow=event.slow,
        from_peers=event.from_peers,
    )


def _first_probe(breaker: Breaker, _event: BreakerEvent, _rules: BreakerRules) -> Breaker:
    return replace(breaker, probes=1, successes=0)


def _one_more_probe(breaker: Breaker, _event: BreakerEvent, _rules: BreakerRules) -> Breaker:
    return replace(breaker, probes=breaker.probes + 1)


def _one_probe_less(breaker: Breaker, _event: BreakerEvent, _rules: BreakerRules) -> Breaker:
    return replace(breaker, probes=breaker.probes - 1)


def _count_success(breaker: Breaker, _event: BreakerEvent, _rules: BreakerRules) -> Breaker:
    return replace(breaker, probes=breaker.probes - 1, successes=breaker.successes + 1)


def _close(breaker: Breaker, event: BreakerEvent, _rules: BreakerRules) -> Breaker:
    return Breaker(openings=breaker.openings, pause_s=breaker.pause_s, recovered_s=event.now_s)


def _pause_again(breaker: Breaker, event: BreakerEvent, _rules: BreakerRules) -> Breaker:
    return _paused(breaker, event, breaker.pause_s)


def _pause_longer(breaker: Breaker, event: BreakerEvent, rules: BreakerRules) -> Breaker:
    return _paused(breaker, event, min(breaker.pause_s * 2, rules.max_pause_s))


def _paused(breaker: Breaker, event: BreakerEvent, pause_s: float) -> Breaker:
    return replace(
        breaker,
        open_until_s=event.now_s + pause_s,
        pause_s=pause_s,
        probes=breaker.probes - 1,
        successes=0,
        slow=event.input is BreakerInput.SLOW_ANSWER,
        from_peers=False,
    )


def _end_pause(breaker: Breaker, event: BreakerEvent, _rules: BreakerRules) -> Breaker:
    return replace(breaker, open_until_s=min(breaker.open_until_s, event.now_s))


_FAILURES = Condition("after failures", lambda breaker, _event, _rules: breaker.failures > 0)
_LAST_FAILURE = Condition(
    "the `consecutive_failures`-th", lambda breaker, _event, rules: breaker.failures + 1 >= rules.consecutive_failures
)
_PAUSE_OVER = Condition("the pause is over", lambda breaker, event, _rules: event.now_s >= breaker.open_until_s)
_NO_PROBE = Condition("of no probe", lambda _breaker, event, _rules: not event.probe)
_LAST_SUCCESS = Condition(
    "the `half_open_probes`-th", lambda breaker, _event, rules: breaker.successes + 1 >= rules.half_open_probes
)

_CLOSED, _OPENED, _HALF_OPEN = BreakerState.CLOSED, BreakerState.OPEN, BreakerState.HALF_OPEN
_Input = BreakerInput

# fmt: off
_TABLE: tuple[tuple[BreakerState, BreakerInput, Condition | None, BreakerState, Effect | None, str], ...] = (
    # state      input               when           leads to    effect            note
    (_CLOSED,    _Input.CALL,        None,          _CLOSED,    None,             "any number of calls"),
    (_CLOSED,    _Input.SUCCESS,     _FAILURES,     _CLOSED,    _forget_failures, "the count starts anew"),
    (_CLOSED,    _Input.SUCCESS,     None,          _CLOSED,    None,             "nothing to count"),
    (_CLOSED,    _Input.SLOW_ANSWER, _FAILURES,     _CLOSED,    _forget_failures, "the count starts anew"),
    (_CLOSED,    _Input.SLOW_ANSWER, None,          _CLOSED,    None,             "the window judges slowness"),
    (_CLOSED,    _Input.FAILURE,     _LAST_FAILURE, _OPENED,    _open,            "for `pause_s`; twice in a ramp-up"),
    (_CLOSED,    _Input.FAILURE,     None,          _CLOSED,    _count_failure,   "one more in a row"),
    (_CLOSED,    _Input.NO_VERDICT,  None,          _CLOSED,    None,             "nothing is known"),
    (_CLOSED,    _Input.TRIP,        None,          _OPENED,    _open,            "for `pause_s`; twice in a ramp-up"),
    (_CLOSED,    _Input.CLEARANCE,   None,          _CLOSED,    None,             "it is well here too"),

    (_OPENED,    _Input.CALL,        _PAUSE_OVER,   _HALF_OPEN, _first_probe,     "the first probe"),
    (_OPENED,    _Input.CALL,        None,          _OPENED,    _one_more_probe,  "it bypasses, as the only probe"),
    (_OPENED,    _Input.SUCCESS,     _NO_PROBE,     _OPENED,    None,             "too late to count"),
    (_OPENED,    _Input.SUCCESS,     _LAST_SUCCESS, _CLOSED,    _close,           "recovered, it ramps up"),
    (_OPENED,    _Input.SUCCESS,     None,          _HALF_OPEN, _count_success,   "a bypassing probe succeeded"),
    (_OPENED,    _Input.SLOW_ANSWER, _NO_PROBE,     _OPENED,    None,             "too late to count"),
    (_OPENED,    _Input.SLOW_ANSWER, None,          _OPENED,    _pause_again,     "the pause starts anew"),
    (_OPENED,    _Input.FAILURE,     _NO_PROBE,     _OPENED,    None,             "too late to count"),
    (_OPENED,    _Input.FAILURE,     None,          _OPENED,    _pause_again,     "the pause starts anew"),
    (_OPENED,    _Input.NO_VERDICT,  _NO_PROBE,     _OPENED,    None,             "nothing is known"),
    (_OPENED,    _Input.NO_VERDICT,  None,          _OPENED,    _one_probe_less,  "room for another probe"),
    (_OPENED,    _Input.TRIP,        None,          _OPENED,    None,             "it is left alone already"),
    (_OPENED,    _Input.CLEARANCE,   None,          _OPENED,    _end_pause,       "the pause ends now"),

    (_HALF_OPEN, _Input.CALL,        None,          _HALF_OPEN, _one_more_probe,  "at most `half_open_probes` of them"),
    (_HALF_OPEN, _Input.SUCCESS,     _NO_PROBE,     _HALF_OPEN, None,             "too late to count"),
    (_HALF_OPEN, _Input.SUCCESS,     _LAST_SUCCESS, _CLOSED,    _close,           "recovered, it ramps up"),
    (_HALF_OPEN, _Input.SUCCESS,     None,          _HALF_OPEN, _count_success,   "one more"),
    (_HALF_OPEN, _Input.SLOW_ANSWER, _NO_PROBE,     _HALF_OPEN, None,             "too late to count"),
    (_HALF_OPEN, _Input.SLOW_ANSWER, None,          _OPENED,    _pause_again,     "for the same pause"),
    (_HALF_OPEN, _Input.FAILURE,     _NO_PROBE,     _HALF_OPEN, None,             "too late to count"),
    (_HALF_OPEN, _Input.FAILURE,     None,          _OPENED,    _pause_longer,    "for twice the pause"),
    (_HALF_OPEN, _Input.NO_VERDICT,  _NO_PROBE,     _HALF_OPEN, None,             "nothing is known"),
    (_HALF_OPEN, _Input.NO_VERDICT,  None,          _HALF_OPEN, _one_probe_less,  "room for another probe"),
    (_HALF_OPEN, _Input.TRIP,        None,          _HALF_OPEN, None,             "the probes decide"),
    (_HALF_OPEN, _Input.CLEARANCE,   None,          _HALF_OPEN, None,             "the probes decide"),
)
# fmt: on
TRANSITIONS: Mapping[tuple[BreakerState, BreakerInput], tuple[BreakerRule, ...]] = MappingProxyType(
    {
        (state, event): tuple(BreakerRule(*row[2:]) for row in _TABLE if row[:2] == (state, event))
        for state in BreakerState
        for event in BreakerInput
    }
)
"""By state and input, the rules in their order: the first whose condition holds is applied."""
