"""What comes back of one request of a batch."""

from dataclasses import dataclass
from enum import StrEnum

from router.errors import Answer, UpstreamFailure


class LineEnd(StrEnum):
    """How one request of a batch ended."""

    ANSWERED = "answered"
    FAILED = "failed"
    """With an error of its own, as a live call would have."""
    EXPIRED = "expired"
    """The batch's time was over before it was its turn."""
    CANCELLED = "cancelled"
    """The batch was cancelled before it was its turn."""
    UNREADABLE = "unreadable"
    """There is a line, and what it says cannot be read, or is larger than is read: it may have been charged."""


@dataclass(frozen=True, slots=True)
class BatchLine:
    """One line of a batch's results, in the order in which the provider keeps them, which is not that of the requests.

    A provider may have two lines for one request, or none.
    """

    number: int
    """From 1, over all files of the batch: reading may go on after it."""
    custom_id: str | None
    """None: it cannot be read whose line it is."""
    end: LineEnd
    outcome: Answer | UpstreamFailure
    """As of a live call, its usage in the service tier `batch`."""


BATCH_TIER = "batch"
"""The service tier of what batches cost, in usages and cost events."""
