from dataclasses import dataclass
from math import ulp

import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.models.model_state import Bypass, Readiness
from router.request.choice import PROBES_OUT_POLL_S, RAMP_UP_POLL_S, WAKE_JITTER_S, Option, Pick, choose
from router.route import Candidate, Estimate
from schemas.vocabulary import SkipReason
from tests.stage import ALPHA, BETA, GAMMA

NOW_S = 100.0
DEADLINE_S = 160.0
CANDIDATES = tuple(Candidate(model, "", Estimate(1, 1), None, 1) for model in (ALPHA, BETA, GAMMA))

READY = Readiness(NOW_S)
LIMITED = Readiness(NOW_S + 7, SkipReason.RATE_LIMIT)
OPEN = Readiness(NOW_S + 20, SkipReason.BREAKER_OPEN, bypass=Bypass(NOW_S + 5))
OPEN_FOR_LONG = Readiness(NOW_S + 20, SkipReason.BREAKER_OPEN, bypass=Bypass(NOW_S))
SLOW = Readiness(NOW_S + 20, SkipReason.BREAKER_OPEN_SLOW, bypass=Bypass(NOW_S, slow=True))
SLOW_AND_LIMITED = Readiness(NOW_S + 20, SkipReason.BREAKER_OPEN_SLOW, bypass=Bypass(NOW_S + 7, slow=True))
PROBES_OUT = Readiness(None, SkipReason.PROBES_OUT, bypass=Bypass(None))
RAMPING = Readiness(NOW_S, SkipReason.RAMPING_UP, share=0.3)


@dataclass
class Luck:
    """Always draws the same, and counts how often."""

    value: float = 0.0
    drawn: int = 0

    def __call__(self) -> float:
        self.drawn += 1
        return self.value


def options(*readiness: Readiness, not_before_s: tuple[float, ...] = (0, 0, 0)) -> list[Option]:
    return [Option(*one) for one in zip(CANDIDATES, readiness, not_before_s, strict=False)]


def pick(*readiness: Readiness, not_before_s: tuple[float, ...] = (0, 0, 0), luck: float = 0.0) -> Pick:
    return choose(options(*readiness, not_before_s=not_before_s), NOW_S, DEADLINE_S, Luck(luck))


def called(picked: Pick) -> str | None:
    return picked.candidate.model.name if picked.candidate else None


def reasons(picked: Pick) -> list[SkipReason]:
    return [reason for _, reason in picked.passed_over]


@pytest.mark.parametrize(
    ("readiness", "name", "at_s", "passed_over"),
    [
        ([READY, READY], "alpha", NOW_S, []),
        ([LIMITED, READY], "beta", NOW_S, [SkipReason.RATE_LIMIT]),
        ([PROBES_OUT, LIMITED, READY], "gamma", NOW_S, [SkipReason.PROBES_OUT, SkipReason.RATE_LIMIT]),
        ([LIMITED], None, NOW_S + 7, [SkipReason.RATE_LIMIT]),
        ([OPEN, LIMITED], None, NOW_S + 7, [SkipReason.BREAKER_OPEN, SkipReason.RATE_LIMIT]),
        ([PROBES_OUT, LIMITED], None, NOW_S + PROBES_OUT_POLL_S, [SkipReason.PROBES_OUT, SkipReason.RATE_LIMIT]),
        # every breaker is open: the first that may be bypassed
        ([OPEN], None, NOW_S + 5, [SkipReason.BREAKER_OPEN]),
        ([OPEN, OPEN_FOR_LONG], "beta", NOW_S, [SkipReason.BREAKER_OPEN] * 2),
        ([PROBES_OUT, OPEN_FOR_LONG], "beta", NOW_S, [SkipReason.PROBES_OUT, SkipReason.BREAKER_OPEN]),
        # not every one: only slowness is bypassed
        ([OPEN_FOR_LONG, LIMITED], None, NOW_S + 7, [SkipReason.BREAKER_OPEN, SkipReason.RATE_LIMIT]),
        ([SLOW, LIMITED], "alpha", NOW_S, [SkipReason.BREAKER_OPEN_SLOW, SkipReason.RATE_LIMIT]),
        ([SLOW, READY], "beta", NOW_S, [SkipReason.BREAKER_OPEN_SLOW]),
        ([SLOW_AND_LIMITED], None, NOW_S + 7, [SkipReason.BREAKER_OPEN_SLOW]),
    ],
)
def test_the_first_that_is_ready_is_called_and_else_what_may_be_bypassed(
    readiness: list[Readiness], name: str | None, at_s: float, passed_over: list[SkipReason]
) -> None:
    picked = pick(*readiness)
    assert (called(picked), picked.at_s, reasons(picked)) == (name, at_s, passed_over)


def test_options_after_the_first_that_is_ready_are_not_looked_at() -> None:
    every = iter(options(LIMITED, READY, READY))
    choose(every, NOW_S, DEADLINE_S, Luck())
    assert next(every).candidate.model is GAMMA


def test_the_pause_after_a_failure_is_waited_for_even_if_another_model_is_ready() -> None:
    picked = pick(READY, READY, not_before_s=(NOW_S + 2, 0))
    assert (called(picked), picked.at_s) == ("alpha", NOW_S + 2)


def test_a_pause_that_ends_after_the_deadline_is_not_waited_for() -> None:
    picked = pick(READY, READY, not_before_s=(DEADLINE_S, 0))
    assert (called(picked), reasons(picked)) == ("beta", [SkipReason.BACKING_OFF])


def test_a_model_that_ramps_up_is_called_for_its_share_of_the_requests() -> None:
    assert called(pick(RAMPING, READY, luck=0.29)) == "alpha"
    other = pick(RAMPING, READY, luck=0.3)
    assert (called(other), reasons(other)) == ("beta", [SkipReason.RAMPING_UP])


def test_when_there_is_no_other_the_lot_is_drawn_again_soon() -> None:
    picked = pick(RAMPING, luck=0.9)
    assert (called(picked), picked.at_s) == (None, NOW_S + RAMP_UP_POLL_S + 0.9 * WAKE_JITTER_S)


def test_close_to_the_deadline_no_lot_is_drawn() -> None:
    luck = Luck(0.9)
    assert called(choose(options(RAMPING), NOW_S, NOW_S + RAMP_UP_POLL_S, luck)) == "alpha"
    assert luck.drawn == 0


def test_a_bypass_waits_for_the_pause_after_a_failure_too() -> None:
    assert pick(OPEN_FOR_LONG, not_before_s=(NOW_S + 3,)).at_s == NOW_S + 3


MOMENTS = st.floats(NOW_S - 10, DEADLINE_S + 10)
BYPASSES = st.builds(Bypass, st.none() | MOMENTS, slow=st.booleans())
NOT_READY = st.builds(
    Readiness,
    st.none() | st.floats(NOW_S, DEADLINE_S + 10, exclude_min=True),
    st.sampled_from(SkipReason),
    bypass=st.none() | BYPASSES,
)
IS_READY = st.builds(Readiness, st.floats(NOW_S - 10, NOW_S), share=st.just(1.0) | st.floats(0.1, 1))
CHOICES = st.lists(st.tuples(IS_READY | NOT_READY, MOMENTS), min_size=1, max_size=3)
DRAWS = st.floats(0, 1, exclude_max=True)


@given(CHOICES, st.floats(NOW_S, DEADLINE_S, exclude_min=True), DRAWS)
def test_whatever_the_models_are_like_the_pick_keeps_the_rules(
    choices: list[tuple[Readiness, float]], deadline_s: float, draw: float
) -> None:
    every = [Option(*one) for one in zip(CANDIDATES, *zip(*choices, strict=True), strict=False)]
    picked = choose(every, NOW_S, deadline_s, Luck(draw))

    passed_over = [option for option, _ in picked.passed_over]
    assert passed_over == every[: len(passed_over)], "in order, each once"
    may_be_called = [option for option in every if option.readiness.now(NOW_S) and option.not_before_s < deadline_s]
    certain = [option for option in may_be_called if option.readiness.share >= 1]
    if picked.candidate is None:
        assert not certain, "nothing waits while a model is ready"
        assert passed_over == every
        assert picked.at_s > NOW_S
        return
    option = next(option for option in every if option.candidate is picked.candidate)
    assert picked.at_s >= max(NOW_S, option.not_before_s if option in may_be_called else NOW_S)
    if len(passed_over) < len(every):
        assert option is every[len(passed_over)]
        assert option in may_be_called
        assert all(before not in passed_over for before in certain), "the first that is ready"
        assert picked.at_s < deadline_s
    else:
        bypass = option.readiness.bypass
        assert bypass is not None
        assert bypass.at_s is not None
        assert max(bypass.at_s, option.not_before_s) <= NOW_S == picked.at_s
        assert not certain
        assert bypass.slow or all(other.readiness.bypass is not None for other in every)


@given(st.lists(NOT_READY, min_size=1, max_size=3), DRAWS, DRAWS)
def test_the_draw_only_spreads_a_wait(readiness: list[Readiness], one: float, other: float) -> None:
    first, second = (choose(options(*readiness), NOW_S, DEADLINE_S, Luck(draw)) for draw in (one, other))
    assert (first.candidate, first.passed_over) == (second.candidate, second.passed_over)
    rounding_s = 2 * ulp(max(first.at_s, second.at_s))  # both are sums of floats
    assert abs(first.at_s - second.at_s) <= WAKE_JITTER_S + rounding_s


def test_a_share_is_kept_over_many_requests() -> None:
    draws = [number / 1000 for number in range(1000)]
    alone = sum(called(pick(RAMPING, READY, luck=draw)) == "alpha" for draw in draws)
    assert alone == pytest.approx(300, abs=1)
