"""When there are too many dead letters to go on: a bad deploy should stop a worker, not empty the topic into another.

Judged before a dead letter is written: if with it more than the allowed share of the records taken in the last
`window_s` would be dead letters, and at least `minimum` have been taken, it is one too many. From then on everything
is refused, so that the rest stays where it is. Source of the idea: the dead-letter policy of Sentry's Arroyo,
`max_invalid_ratio`.

Records count for the tenant that has proven itself, and what proves none counts for nothing: junk that any producer can
write halts no worker. Nor does one tenant's, whether others are served at the time or publish nothing: without the
tenant that has most dead letters, minimum and share must be reached too. Where no tenant has a key, all records are of
`EVERYBODY`, and these halt.
"""

from collections import defaultdict, deque
from dataclasses import dataclass

from router.errors import TurnoutError

EVERYBODY = ""
"""In the place of a proven tenant, where no tenant has a key: nothing is proven, and everybody is believed."""


class TooManyDeadLetters(TurnoutError):  # noqa: N818 - says what there is too much of
    """Nothing more may be taken. The message is a sentence with the figures."""


@dataclass(frozen=True, slots=True)
class DeadLetterRules:
    """The limit. A share of 1 is never exceeded."""

    share: float
    minimum: int
    window_s: int


@dataclass(slots=True)
class _Count:
    taken: int = 0
    letters: int = 0

    def add(self, taken: int, letters: int) -> None:
        self.taken += taken
        self.letters += letters

    def exceeds(self, rules: DeadLetterRules) -> bool:
        return self.taken >= rules.minimum and self.letters > rules.share * self.taken


class DeadLetterLimit:
    """Counts records taken and dead letters written. Memory: two counts a second of the window and tenant."""

    __slots__ = ("_all", "_excess", "_rules", "_seconds", "_tenants")

    def __init__(self, rules: DeadLetterRules) -> None:
        self._rules = rules
        self._seconds: deque[tuple[int, defaultdict[str, _Count]]] = deque()
        self._tenants: defaultdict[str, _Count] = defaultdict(_Count)
        self._all = _Count()
        self._excess: str | None = None

    def count(self, now_s: float, tenant: str | None = EVERYBODY) -> None:
        """Count a record, good or bad, of a proven tenant; None: it proves none.

        Raises:
            TooManyDeadLetters: the limit has been exceeded before.
        """
        self._refuse_after_excess()
        if tenant is not None:
            self._count(now_s, tenant, taken=1, letters=0)

    def count_dead_letter(self, now_s: float, reason: str, tenant: str | None = EVERYBODY) -> None:
        """Count a record that has been taken and is about to become a dead letter.

        Raises:
            TooManyDeadLetters: it would be one too many, or an earlier one was.
        """
        self._refuse_after_excess()
        if tenant is None:
            return
        self._count(now_s, tenant, taken=0, letters=1)
        rules, counted = self._rules, self._all
        if not counted.exceeds(rules):
            return
        if tenant != EVERYBODY:
            worst = max(self._tenants.values(), key=lambda count: count.letters)
            others = _Count(counted.taken - worst.taken, counted.letters - worst.letters)
            if not others.exceeds(rules):
                return
        self._excess = (
            f"{counted.letters} of {counted.taken} records in {rules.window_s} s would be dead letters, "
            f"more than a share of {rules.share:g}; the last one because {reason}"
        )
        self._refuse_after_excess()

    def _refuse_after_excess(self) -> None:
        if self._excess is not None:
            raise TooManyDeadLetters(self._excess)

    def _count(self, now_s: float, tenant: str, *, taken: int, letters: int) -> None:
        second, seconds = int(now_s), self._seconds
        while seconds and seconds[0][0] <= second - self._rules.window_s:
            for name, past in seconds.popleft()[1].items():
                self._all.add(-past.taken, -past.letters)
                self._tenants[name].add(-past.taken, -past.letters)
                if not self._tenants[name].taken and not self._tenants[name].letters:
                    del self._tenants[name]
        if not seconds or seconds[-1][0] < second:
            seconds.append((second, defaultdict(_Count)))
        for count in (seconds[-1][1][tenant], self._tenants[tenant], self._all):
            count.add(taken, letters)
