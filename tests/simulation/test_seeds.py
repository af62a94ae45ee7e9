"""Two hundred seeds, each a world of its own for 20 simulated seconds."""

import pytest

from tests.simulation.runner import replayed_by, simulate

SEEDS, SECONDS = 200, 20.0


@pytest.mark.parametrize("seed", range(1, SEEDS + 1))
def test_every_invariant_holds(seed: int) -> None:
    violations = simulate(seed, SECONDS).violations
    assert not violations, (violations, replayed_by(seed, SECONDS))
