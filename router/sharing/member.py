"""A worker among those that share limits, and how often it speaks."""

from dataclasses import dataclass

HEARTBEAT_S = 2.0
"""The longest time between two reports of a worker, in seconds."""
UNTOLD = 0.02
"""More unreported calls than this part of the model's limit are reported at once: they are lost if the worker dies."""


@dataclass(frozen=True, slots=True)
class Member:
    """One life of a worker among others. `epoch` rises from life to life."""

    worker: str
    epoch: int
