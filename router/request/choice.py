"""Which candidate is called, and when: a pure function of how ready each of them is.

Rules, the first that applies:
1. Of the candidates whose model is ready, the first one is called, in the order given; after a failure, when its pause
   ends, if that is before the deadline. A model that ramps up is ready only for its share of the requests, by lot;
   close to the deadline there is no lot.
2. If every breaker is open, the first candidate is called whose breaker may be bypassed now. If only some are, a
   breaker is bypassed that is open for nothing but slowness: a slow answer is better than none.
3. Otherwise the session looks again when the first of them may be ready.
"""

from collections.abc import Iterable
from typing import NamedTuple

from router.models.model_state import Readiness
from router.retry import Chance
from router.route import Candidate
from schemas.vocabulary import SkipReason

WAKE_JITTER_S = 0.05
"""Requests that wait for the same moment wake up spread over this time."""
RAMP_UP_POLL_S = 0.5
"""When to draw lots again for a model that ramps up, if there is no other."""
PROBES_OUT_POLL_S = 0.25
"""How often to look again while the outcome of other requests' probes decides."""


class Option(NamedTuple):
    """One candidate at this moment."""

    candidate: Candidate
    readiness: Readiness
    not_before_s: float
    """When its pause after a failure ends."""


class Pick(NamedTuple):
    """What is best: the candidate, to be called at `at_s`; or None, and then to look again at `at_s`."""

    candidate: Candidate | None
    at_s: float
    passed_over: tuple[tuple[Option, SkipReason], ...] = ()
    """The options that stand before it and could not be called, and why."""


def choose(options: Iterable[Option], now_s: float, deadline_s: float, chance: Chance) -> Pick:
    """Return what to do; `options` are read only as far as the first that is ready.

    Raises:
        ValueError: there are no options.
    """
    passed_over: list[tuple[Option, SkipReason]] = []
    again_s: list[float] = []
    for option in options:
        readiness = option.readiness
        reason, at_s = readiness.reason, readiness.at_s
        if readiness.now(now_s):
            if _is_held_back(readiness, now_s, deadline_s, chance):
                reason, at_s = SkipReason.RAMPING_UP, now_s + RAMP_UP_POLL_S
            elif option.not_before_s < deadline_s:
                return Pick(option.candidate, max(now_s, option.not_before_s), tuple(passed_over))
            else:
                reason = SkipReason.BACKING_OFF
        passed_over.append((option, reason or SkipReason.BACKING_OFF))
        again_s.append(max(now_s + PROBES_OUT_POLL_S if at_s is None else at_s, option.not_before_s))
    every = [option for option, _ in passed_over]
    all_open = all(option.readiness.bypass is not None for option in every)
    for option in every:
        bypass = option.readiness.bypass
        if bypass is None or bypass.at_s is None or not (all_open or bypass.slow):
            continue
        bypass_s = max(bypass.at_s, option.not_before_s)
        if bypass_s <= now_s:
            return Pick(option.candidate, now_s, tuple(passed_over))
        again_s.append(bypass_s)
    return Pick(None, min(again_s) + chance() * WAKE_JITTER_S, tuple(passed_over))


def _is_held_back(readiness: Readiness, now_s: float, deadline_s: float, chance: Chance) -> bool:
    """Draw the lot of a request for a model that ramps up."""
    return readiness.share < 1 and now_s + RAMP_UP_POLL_S < deadline_s and chance() >= readiness.share
