"""A worker among those that share limits, and how often it speaks."""

from dataclasses import dataclass

HEARTBEAT_S = 2.0
"""A worker without anything to tell says so at least so often."""
UNTOLD = 0.02
"""More untold calls than this part of the model's limit are told at once: nobody knows them if the worker dies."""


@dataclass(frozen=True, slots=True)
class Member:
    """One life of a worker among others. `epoch` rises from life to life."""

    worker: str
    epoch: int
