"""The limit of a model over any minute, at any times."""

from hypothesis import given
from hypothesis import strategies as st

from router.limits import MINUTE_S, RateLimit

START_S = 1_800_000_000.0
ROUNDING_S = 1e-6
"""Seconds since 1970 have so many digits that a float knows them only to a quarter of a microsecond."""


@given(
    per_minute=st.integers(1, 8),
    gaps_s=st.lists(st.one_of(st.just(0.0), st.floats(0, 1), st.floats(0, 90)), max_size=120),
)
def test_no_minute_has_more_calls_than_the_limit(per_minute: int, gaps_s: list[float]) -> None:
    limit, now_s, calls_s = RateLimit(per_minute), START_S, list[float]()
    for gap_s in gaps_s:
        now_s += gap_s
        if limit.ready_at(now_s) <= now_s:
            limit.called(now_s)
            calls_s.append(now_s)
    for first_s, last_s in zip(calls_s, calls_s[per_minute:], strict=False):
        assert last_s - first_s >= MINUTE_S - ROUNDING_S


@given(
    per_minute=st.integers(1, 8),
    gaps_s=st.lists(st.floats(0, 30), max_size=60),
    told_s=st.lists(st.floats(0, 300), max_size=5),
)
def test_who_waits_until_the_moment_that_is_said_may_call_then(
    per_minute: int, gaps_s: list[float], told_s: list[float]
) -> None:
    limit, now_s = RateLimit(per_minute), START_S
    for wait_s in told_s:
        limit.told_to_wait(START_S + wait_s)
    for gap_s in gaps_s:
        now_s = max(now_s + gap_s, limit.ready_at(now_s + gap_s))
        assert limit.ready_at(now_s) <= now_s
        assert now_s >= START_S + max(told_s, default=0)
        limit.called(now_s)
