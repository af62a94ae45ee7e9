"""The budget of `make bench-instructions`. Counting itself takes valgrind and a minute: `make test` begins with it."""

import sys
import tomllib

from bench.instructions import BUDGETS, budgeted

FOUND = tomllib.loads(BUDGETS.read_text())["instructions_per_request"]
THIS = "{}.{}".format(*sys.version_info)


def test_each_python_has_its_own_budget_and_one_without_has_the_largest() -> None:
    assert budgeted({THIS: 5, "2.7": 9}) == (5, f"Python {THIS}")
    assert budgeted({"2.7": 9, "2.6": 8}) == (9, "Python 2.7")


def test_the_budgets_are_instructions_of_one_request() -> None:
    assert FOUND
    assert all(1_000_000 < budget < 20_000_000 for budget in FOUND.values())
