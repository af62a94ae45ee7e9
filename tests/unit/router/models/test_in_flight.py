"""Calls under way against a count that looks at all of them, each time."""

from hypothesis import given
from hypothesis import strategies as st

from router.catalogue import HealthRules
from router.models.in_flight import InFlight

RULES = HealthRules(degraded_p99_ms=1500.0, unhealthy_p99_ms=3000.0)
STEPS = st.lists(st.tuples(st.sampled_from(["start", "end", "look"]), st.floats(0, 2), st.integers(0, 9)), max_size=60)


@given(STEPS)
def test_a_call_is_slow_from_its_age_on_whoever_ended_before(steps: list[tuple[str, float, int]]) -> None:
    flight, now_s, started = InFlight(), 0.0, dict[int, float]()
    slow: set[int] = set()
    stuck: set[int] = set()
    for step, pause_s, which in steps:
        now_s += pause_s
        if step == "start":
            started[flight.start(now_s)] = now_s
        elif step == "end" and started:
            number = list(started)[which % len(started)]
            flight.end(number, answered=True)
            del started[number]
        elif step == "look":
            flight.look(RULES, now_s)
            slow |= {number for number, at_s in started.items() if at_s <= now_s - 1.5}
            stuck |= {number for number, at_s in started.items() if at_s <= now_s - 3.0}
        assert (len(flight), flight.slow, flight.stuck) == (
            len(started),
            len(slow & started.keys()),
            len(stuck & started.keys()),
        )
