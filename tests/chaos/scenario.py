"""One row of the table of scenarios."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from enum import Enum, auto

from tests.chaos.scene import Scene

LONGEST_S = 300.0
Act = Callable[[Scene], Awaitable[None]]


class Broker(Enum):
    """Which broker a scenario plays on."""

    SHARED = auto()
    OWN = auto()
    """It breaks the broker, so it gets one of its own."""
    CLUSTER = auto()
    """Three brokers of its own."""


@dataclass(frozen=True, slots=True)
class Scenario:
    """What breaks and when, and what must hold beside the invariants of `tests.chaos.invariants`."""

    name: str
    breaks: str
    holds: str
    act: Act
    broker: Broker = Broker.SHARED
    longest_s: float = LONGEST_S
    """After so long it did not hold."""
