"""Requests per minute of one model: exact over any minute, because the minute slides."""

from collections import deque
from contextlib import suppress

MINUTE_S = 60.0


class RateLimit:
    """At most `per_minute` calls in any 60 seconds; the number may change. Memory: one float a call of the minute."""

    __slots__ = ("_calls_s", "_not_before_s", "per_minute")

    def __init__(self, per_minute: int) -> None:
        self.per_minute = per_minute
        self._calls_s: deque[float] = deque()
        self._not_before_s = 0.0

    def ready_at(self, now_s: float, look_again_s: float = MINUTE_S) -> float:
        """Return the moment from which a call may be made; `now_s` if at once.

        At most `look_again_s` from now as far as the limit is concerned, for one that may be raised meanwhile.
        """
        return max(min(self._free_at(now_s), now_s + look_again_s), self._not_before_s)

    def is_full(self, now_s: float) -> bool:
        """Say whether the limit itself is reached, whatever the provider asked for."""
        return self.made(now_s) >= self.per_minute

    def made(self, now_s: float) -> int:
        """Return how many calls were made in the last minute."""
        calls_s = self._calls_s
        while calls_s and calls_s[0] <= now_s - MINUTE_S:
            calls_s.popleft()
        return len(calls_s)

    def called(self, now_s: float) -> None:
        """Count a call."""
        self._calls_s.append(now_s)

    def not_called(self, at_s: float) -> None:
        """Take back one call that was counted at that moment."""
        with suppress(ValueError):  # more than a minute ago
            self._calls_s.remove(at_s)

    def told_to_wait(self, until_s: float) -> None:
        """Allow no call before the moment that the provider asked for (`Retry-After`)."""
        self._not_before_s = max(self._not_before_s, until_s)

    def _free_at(self, now_s: float) -> float:
        above = self.made(now_s) - self.per_minute
        if above < 0:
            return now_s
        return self._calls_s[above] + MINUTE_S if self.per_minute else now_s + MINUTE_S
