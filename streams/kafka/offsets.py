"""Which offset of one partition may be committed while its records finish in any order."""

from heapq import heappop, heappush


class OffsetTracker:
    """The records of one partition between delivery and the end of their processing; no I/O, one thread.

    Offsets may have gaps (compaction, transaction markers) and may be delivered again after a seek. What `committable`
    has once returned it never takes back, so starting over at an earlier offset takes a new tracker. Each operation is
    amortised O(log n) in the records in flight.
    """

    def __init__(self) -> None:
        self._unfinished: set[int] = set()
        self._smallest_first: list[int] = []  # a heap that finished offsets leave only when they surface
        self._end = 0  # one past the largest offset delivered, or where the log was found to have no record; 0 before
        self._floor = 0  # everything delivered below it is finished

    def has_passed(self, offset: int) -> bool:
        """Say whether everything delivered up to the offset was finished when `committable` was last asked."""
        return offset < self._floor

    def delivered(self, offset: int) -> None:
        """Note that the record at `offset` was handed over and must be finished before a commit may pass it."""
        if self.has_passed(offset) or offset in self._unfinished:
            return
        self._unfinished.add(offset)
        heappush(self._smallest_first, offset)
        self._end = max(self._end, offset + 1)

    def read_on(self, last: int, position: int) -> None:
        """Note that the consumer read the record at `last` and then went on to `position` without finding another.

        Markers of transactions, and the records of those that were aborted, take up offsets. It changes nothing while
        the record at `last` has not been delivered.
        """
        if last < self._end:
            self._end = max(self._end, position)

    def finished(self, offset: int) -> None:
        """Note that the record at `offset` needs no further work; one that was never delivered changes nothing."""
        self._unfinished.discard(offset)

    def committable(self) -> int | None:
        """Return the smallest unfinished offset, or else one past the largest; None while nothing was delivered."""
        if not self._end:
            return None
        while self._smallest_first and self._smallest_first[0] not in self._unfinished:
            heappop(self._smallest_first)
        self._floor = self._smallest_first[0] if self._smallest_first else self._end
        return self._floor

    def span(self) -> int:
        """Return how many offsets a restart now would read again: from `committable` to the largest delivered."""
        return self._end - (self.committable() or 0)
