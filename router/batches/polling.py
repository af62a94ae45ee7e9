"""How long to wait before a provider is asked again: longer for old batches, and after failures, and never in step."""

from dataclasses import dataclass

from router.retry import Chance

MOST_POLL_S = 300.0
"""However old a batch is, it is asked for about so often."""


@dataclass(frozen=True, slots=True)
class PollRules:
    """Seconds."""

    least_s: float = 15.0
    most_s: float = MOST_POLL_S
    of_age: float = 0.05
    """A batch is asked for after this part of its age: what has run for hours is not over in seconds."""
    failed_s: float = 5.0
    """After the first failure; each further one doubles it."""


def poll_s(rules: PollRules, age_s: float, chance: Chance) -> float:
    """Return the pause before a batch of this age is asked for again: half to one and a half of what is due."""
    return min(rules.most_s, max(rules.least_s, age_s * rules.of_age)) * (0.5 + chance())


def retry_s(rules: PollRules, failures: int, told_s: float | None, chance: Chance) -> float:
    """Return the pause after the `failures`-th failure in a row, no shorter than the provider has asked for."""
    pause = min(rules.most_s, rules.failed_s * 2.0 ** min(failures - 1, 16)) * (0.5 + chance())
    return pause if told_s is None else max(pause, told_s)
