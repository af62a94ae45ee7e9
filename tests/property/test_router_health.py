"""The sliding window against a list of everything that ever happened."""

from hypothesis import given
from hypothesis import strategies as st

from router.catalogue import HealthRules
from router.health import PANE_S, Window

START_S = 1_800_000_000.0
RULES = HealthRules(window_s=60.0, min_requests=3)
CALLS = st.lists(st.tuples(st.floats(0, 25), st.booleans(), st.booleans()), max_size=60)


@given(calls=CALLS, pause_s=st.floats(0, 120))
def test_a_window_counts_what_happened_in_the_panes_of_its_time(
    calls: list[tuple[float, bool, bool]], pause_s: float
) -> None:
    window, now_s, all_calls = Window(RULES.window_s), START_S, list[tuple[float, bool, bool]]()
    for gap_s, error, late in calls:
        now_s += gap_s
        timeout = error and late
        window.add(now_s, 100, error=error, timeout=timeout)
        all_calls.append((now_s, error, timeout))
    now_s += pause_s
    oldest = (now_s - RULES.window_s) // PANE_S
    counted = [call for call in all_calls if call[0] // PANE_S > oldest]
    reading = window.read(now_s)
    errors, timeouts = sum(error for _, error, _ in counted), sum(timeout for *_, timeout in counted)
    assert reading.requests == len(counted)
    if counted:
        assert (reading.error_rate, reading.timeout_rate) == (errors / len(counted), timeouts / len(counted))
    assert window.counts_as_failing(RULES, now_s) == (
        len(counted) >= RULES.min_requests
        and (
            errors > RULES.unhealthy_error_rate * len(counted) or timeouts > RULES.unhealthy_timeout_rate * len(counted)
        )
    )
    assert len(window._panes) <= RULES.window_s / PANE_S + 1
