"""What was decided about a request before it is called for: values that planning makes and events tell."""

from dataclasses import dataclass
from decimal import Decimal
from typing import ClassVar

from router.catalogue import Model
from schemas.vocabulary import Task, Tier


@dataclass(frozen=True, slots=True)
class Route:
    """The kind of task, the tier for it, and why."""

    task: Task
    tier: Tier
    reason: str


@dataclass(frozen=True, slots=True)
class Estimate:
    """The tokens of a call, bounded from above before it is made."""

    input_tokens: int
    output_tokens: int
    cached_input_tokens: ClassVar[int] = 0
    cache_write_tokens: ClassVar[int] = 0
    """Nobody knows beforehand."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A model that may answer."""

    model: Model
    why: str
    bound: Estimate
    upper_usd: Decimal | None
    """The most that one call costs, whenever it starts before the deadline; None if the price is not known."""
