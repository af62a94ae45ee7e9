"""When to call the same model again."""

from collections.abc import Callable

from router.catalogue import RetryRules

Chance = Callable[[], float]
"""Returns a number from 0 up to, but not, 1."""


def backoff_s(rules: RetryRules, failures: int, chance: Chance) -> float:
    """Return the pause after the `failures`-th failure in seconds: exponential, with full jitter.

    Source: AWS Architecture Blog, "Exponential Backoff And Jitter".
    """
    return chance() * min(rules.max_s, rules.base_s * 2.0 ** (failures - 1))
