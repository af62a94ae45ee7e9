"""How many examples a property is tried on: all of them, or in `make unit` a share."""

import os

SHARE = float(os.environ.get("TURNOUT_TEST_EXAMPLES", "1"))
"""1: as many as each property names. `make unit` takes fewer, since it is waited for; `make test` takes all."""


def examples(count: int) -> int:
    """Return the share of so many examples, and at least one."""
    return max(1, round(SHARE * count))
