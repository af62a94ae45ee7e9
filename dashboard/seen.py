"""Remembers ids by the step of time that they belong to, so that they can be forgotten with it."""

from collections import defaultdict

MOST_IDS = 500_000
"""About 80 MB. Beyond it the oldest step's ids are forgotten first: a copy that comes later still is counted twice."""


class SeenIds:
    """The ids of one topic's events."""

    def __init__(self, most: int = MOST_IDS) -> None:
        self._most = most
        self._known: set[str] = set()
        self._by_step: defaultdict[int, list[str]] = defaultdict(list)

    def add(self, identity: str, step: int) -> bool:
        """Remember an id; False if it was known."""
        if identity in self._known:
            return False
        self._known.add(identity)
        self._by_step[step].append(identity)
        while len(self._known) > self._most:
            self._forget(min(self._by_step))
        return True

    def forget_before(self, step: int) -> None:
        """Forget what belongs to earlier steps."""
        for old in [number for number in self._by_step if number < step]:
            self._forget(old)

    def _forget(self, step: int) -> None:
        self._known.difference_update(self._by_step.pop(step))
