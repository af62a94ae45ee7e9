"""The sums that are kept beside the holdings of a budget are those of the holdings, whatever happens to them."""

from decimal import Decimal

from hypothesis import given, settings
from hypothesis import strategies as st

from router.budgets.holdings import Holding, Holdings
from router.budgets.rules import LEASE_S
from tests.examples import examples

DAYS = ("2027-01-15", "2027-01-16", "2027-02-01")
KEYS = st.tuples(st.sampled_from(DAYS), st.sampled_from(["w1", "w2", "w3"]))
CENTS = st.integers(0, 500).map(lambda cents: Decimal(cents) / 100)
STEPS = st.lists(
    st.tuples(st.sampled_from(["heard", "grant", "draw", "put", "wait", "take over"]), KEYS, CENTS), max_size=40
)

Step = tuple[str, tuple[str, str], Decimal]


@settings(max_examples=examples(200))
@given(steps=STEPS)
def test_what_is_outstanding_and_held_is_the_sum_of_all_holdings(steps: list[Step]) -> None:
    holdings, now_s = Holdings(), 0.0
    for number, (what, key, amount) in enumerate(steps, start=1):
        match what:
            case "heard":
                holdings.heard(key, number, amount, now_s)
            case "grant" if key in holdings:
                holdings.grant(key, amount)
            case "draw":
                holdings.draw(key, amount)
            case "put":
                holdings.put(key, Holding(amount, amount / 2, number, now_s))
            case "wait":
                now_s += float(amount) * 60
                holdings.forget(now_s)
            case "take over":
                holdings.taken_over(now_s)
        for window in (*DAYS, "2027-01", "2027-02"):
            of_window = [one for (day, _), one in holdings.items() if day.startswith(window)]
            assert holdings.outstanding(window) == sum((one.outstanding for one in of_window), Decimal(0))
        for day in DAYS:
            assert holdings.holders(day) == sum(of_day == day for of_day, _ in holdings)


def test_a_holder_that_is_heard_of_again_is_kept_and_one_that_is_not_is_forgotten() -> None:
    holdings = Holdings()
    for holder in ("early", "late"):
        holdings.heard((DAYS[0], holder), 1, Decimal(1), 0.0)
    holdings.heard((DAYS[0], "early"), 2, Decimal(1), LEASE_S - 1)
    holdings.forget(LEASE_S)
    assert list(holdings) == [(DAYS[0], "early")]
    assert holdings.holders(DAYS[0]) == 1
