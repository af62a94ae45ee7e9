"""The calls of one model that are under way, by age: who is slow is known before it ends."""

from math import inf

from router.catalogue import HealthRules

RECENT = 20
MOSTLY = 10
"""How many of the last `RECENT` calls have to be slow before it is said of the model."""


class Recent:
    """Whether each of the last `RECENT` calls was slow. A handful of bits."""

    __slots__ = ("_bits",)

    def __init__(self) -> None:
        self._bits = 0

    def add(self, *, slow: bool) -> None:
        """Add one call."""
        self._bits = (self._bits << 1 | slow) & (1 << RECENT) - 1

    def is_mostly_slow(self) -> bool:
        """Say whether half of them or more were slow."""
        return self._bits.bit_count() >= MOSTLY

    def forget(self) -> None:
        """Start anew."""
        self._bits = 0


class InFlight:
    """The calls under way, in the order of their starts.

    A call that reaches a threshold's age is slow from that moment on, and counts once: `recent` takes it in then, and
    not again at its end. So a model that has stopped answering is known `degraded_p99_ms` after it stopped, not when
    its answers arrive or time out. All operations are O(1), amortised: the first of a dict whose first ones are gone
    takes as long to find as there were, so it is looked for only when it may be old enough.
    """

    __slots__ = ("_number", "_old", "_old_since_s", "_older", "_young", "_young_since_s", "degraded", "unhealthy")

    def __init__(self) -> None:
        self.degraded = Recent()
        """Against `degraded_p99_ms`."""
        self.unhealthy = Recent()
        """Against `unhealthy_p99_ms`."""
        self._number = 0
        self._young: dict[int, float] = {}
        self._young_since_s = inf
        """No young call has started before."""
        self._old: dict[int, float] = {}
        self._old_since_s = inf
        self._older: dict[int, float] = {}

    def __len__(self) -> int:
        return len(self._young) + len(self._old) + len(self._older)

    def start(self, now_s: float) -> int:
        """Add a call that starts and return its number."""
        self._number += 1
        self._young[self._number] = now_s
        self._young_since_s = min(self._young_since_s, now_s)
        return self._number

    def end(self, number: int, *, answered: bool) -> None:
        """Remove a call that has ended. Only an answer says that the model is quick: a refusal is quick too."""
        if self._young.pop(number, None) is not None:
            if answered:
                self.degraded.add(slow=False)
                self.unhealthy.add(slow=False)
        elif self._old.pop(number, None) is not None:
            if answered:
                self.unhealthy.add(slow=False)
        else:
            self._older.pop(number, None)

    @property
    def slow(self) -> int:
        """Calls older than the p99 that is degraded, as of the last look."""
        return len(self._old) + len(self._older)

    @property
    def stuck(self) -> int:
        """Calls older than the p99 that is unhealthy, as of the last look."""
        return len(self._older)

    def look(self, rules: HealthRules, now_s: float) -> None:
        """See who has become slow by now."""
        degraded_since_s = now_s - rules.degraded_p99_ms / 1000
        if self._young_since_s <= degraded_since_s:
            slow, self._young_since_s = _started_until(self._young, degraded_since_s)
            for number in slow:
                self._old[number] = self._young.pop(number)
                self._old_since_s = min(self._old_since_s, self._old[number])
                self.degraded.add(slow=True)
        unhealthy_since_s = now_s - rules.unhealthy_p99_ms / 1000
        if self._old_since_s <= unhealthy_since_s:
            stuck, self._old_since_s = _started_until(self._old, unhealthy_since_s)
            for number in stuck:
                self._older[number] = self._old.pop(number)
                self.unhealthy.add(slow=True)


def _started_until(calls: dict[int, float], until_s: float) -> tuple[list[int], float]:
    """Return the calls that had started by a moment, which come first, and when the next one has."""
    started: list[int] = []
    for number, started_s in calls.items():
        if started_s > until_s:
            return started, started_s
        started.append(number)
    return started, inf
