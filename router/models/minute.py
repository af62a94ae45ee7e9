"""The calls of the last minute by worker, kept as sums: what has left the minute is taken away, nothing summed anew."""

from collections.abc import Mapping

from router.sharing.rate_limit import MINUTE_S


class Minute:
    """The calls that have not certainly left the minute; a second counts whole. Memory: workers and seconds of it."""

    __slots__ = ("_by_second", "_made")

    def __init__(self) -> None:
        self._by_second: dict[int, dict[str, int]] = {}
        self._made: dict[str, int] = {}

    def called(self, worker: str, second: int, calls: int, now_s: float) -> None:
        """Count calls that began in a second."""
        if second + 1 + MINUTE_S <= now_s:
            return
        by_worker = self._by_second.setdefault(second, {})
        by_worker[worker] = by_worker.get(worker, 0) + calls
        self._made[worker] = self._made.get(worker, 0) + calls

    def made(self, now_s: float) -> Mapping[str, int]:
        """Return the calls of each worker."""
        for second in [second for second in self._by_second if second + 1 + MINUTE_S <= now_s]:
            for worker, calls in self._by_second.pop(second).items():
                left = self._made[worker] - calls
                if left:
                    self._made[worker] = left
                else:
                    del self._made[worker]
        return self._made
