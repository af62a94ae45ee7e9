"""Requests per minute of one model: exact over any minute, because the minute slides."""

from collections import deque

MINUTE_S = 60.0


class RateLimit:
    """At most `per_minute` calls in any 60 seconds. Memory: one float a call of the last minute."""

    __slots__ = ("_calls_s", "_not_before_s", "per_minute")

    def __init__(self, per_minute: int) -> None:
        self.per_minute = per_minute
        self._calls_s: deque[float] = deque()
        self._not_before_s = 0.0

    def ready_at(self, now_s: float) -> float:
        """Return the moment from which a call may be made; `now_s` if at once."""
        calls_s = self._calls_s
        while calls_s and calls_s[0] <= now_s - MINUTE_S:
            calls_s.popleft()
        free_s = now_s if len(calls_s) < self.per_minute else calls_s[0] + MINUTE_S
        return max(free_s, self._not_before_s)

    def called(self, now_s: float) -> None:
        """Take note of a call."""
        self._calls_s.append(now_s)

    def told_to_wait(self, until_s: float) -> None:
        """Take note of what the provider itself asked for (`Retry-After`)."""
        self._not_before_s = max(self._not_before_s, until_s)
