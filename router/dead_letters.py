"""When there are too many dead letters to go on: a bad deploy should stop a worker, not empty the topic into another.

Judged before a dead letter is written: if with it more than the allowed share of the records taken in the last
`window_s` would be dead letters, and at least `minimum` have been taken, it is one too many. From then on everything
is refused, so that whoever asks leaves the rest where it is. Source of the idea: the dead-letter policy of Sentry's
Arroyo, `max_invalid_ratio`.
"""

from collections import deque
from dataclasses import dataclass

from router.errors import TurnoutError


class TooManyDeadLetters(TurnoutError):  # noqa: N818 - says what there is too much of
    """Nothing more may be taken. The message is a sentence with the figures."""


@dataclass(frozen=True, slots=True)
class DeadLetterRules:
    """The limit. A share of 1 is never exceeded."""

    share: float
    minimum: int
    window_s: int


class DeadLetterLimit:
    """Counts records taken and dead letters written. Memory: two counts a second of the window."""

    __slots__ = ("_excess", "_letters", "_rules", "_seconds", "_taken")

    def __init__(self, rules: DeadLetterRules) -> None:
        self._rules = rules
        self._seconds: deque[list[int]] = deque()
        self._taken = 0
        self._letters = 0
        self._excess: str | None = None

    def take(self, now_s: float) -> None:
        """Take note of a record, good or bad.

        Raises:
            TooManyDeadLetters: the limit has been exceeded before.
        """
        self._refuse_after_excess()
        self._second(now_s)[1] += 1
        self._taken += 1

    def count_dead_letter(self, now_s: float, reason: str) -> None:
        """Take note that a record that has been taken is about to become a dead letter.

        Raises:
            TooManyDeadLetters: it would be one too many, or an earlier one was.
        """
        self._refuse_after_excess()
        second, rules = self._second(now_s), self._rules
        if self._taken >= rules.minimum and self._letters + 1 > rules.share * self._taken:
            self._excess = (
                f"{self._letters + 1} of {self._taken} records in {rules.window_s} s would be dead letters, "
                f"more than a share of {rules.share:g}; the last one because {reason}"
            )
            self._refuse_after_excess()
        second[2] += 1
        self._letters += 1

    def _refuse_after_excess(self) -> None:
        if self._excess is not None:
            raise TooManyDeadLetters(self._excess)

    def _second(self, now_s: float) -> list[int]:
        """Return the counts of this second, [second, taken, letters], after forgetting what has left the window."""
        second, counts = int(now_s), self._seconds
        while counts and counts[0][0] <= second - self._rules.window_s:
            _, taken, letters = counts.popleft()
            self._taken -= taken
            self._letters -= letters
        if not counts or counts[-1][0] < second:
            counts.append([second, 0, 0])
        return counts[-1]
