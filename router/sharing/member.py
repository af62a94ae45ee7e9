"""A worker among those that share limits, and how often it speaks."""

from dataclasses import dataclass

REPORT_EVERY_S = 1.0
"""How often a worker tells what is not urgent, seconds, as long as it is not asked to tell it less often."""
HEARTBEAT_S = 2.0
"""The longest time between two reports of a worker, in seconds."""
GONE_S = 6.0
"""A worker without a report for this time is gone."""
UNTOLD = 0.02
"""More unreported calls than this part of the model's limit are reported at once: they are lost if the worker dies."""


@dataclass(frozen=True, slots=True)
class Member:
    """One life of a worker among others. `epoch` rises from life to life."""

    worker: str
    epoch: int
