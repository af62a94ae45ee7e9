"""Which request ids were finished a short while ago, in as little memory as that takes.

Ids are kept as 128-bit digests in a few generations, of which the oldest goes as a whole: no id carries a time of its
own, and forgetting costs nothing. An id is remembered for the horizon at least, and for `1 + 1 / GENERATIONS` of it at
most, unless there are more than `most` of them.
"""

from collections import deque
from hashlib import blake2b
from typing import NamedTuple

GENERATIONS = 6
DIGEST_BYTES = 16
"""At a million ids the chance that a new one is taken for an old one is 1.5e-27."""


ASKED_BITS = 64
"""So much of the SHA-256 of what was asked is kept. Two different questions look alike once in 1.8e19."""
_ASKED_MASK = (1 << ASKED_BITS) - 1


class Finished(NamedTuple):
    """Where the response lies, and what of the question's digest is kept; 0 if it is not known."""

    offset: int
    asked: int

    def is_the_same(self, asked: str | None) -> bool:
        """Say whether this was asked, as far as is known."""
        return not self.asked or asked is None or self.asked == _asked(asked)


class FinishedIds:
    """Keys of finished requests, and where their responses lie. Not for several threads; seconds are of any clock."""

    __slots__ = ("_generations", "_horizon_s", "_most")

    def __init__(self, horizon_s: float, most: int) -> None:
        self._horizon_s = horizon_s
        self._most = most
        self._generations: deque[tuple[float, dict[int, int]]] = deque()

    def __len__(self) -> int:
        return sum(len(ids) for _, ids in self._generations)

    def add(self, key: str, offset: int, now_s: float, asked: str | None = None) -> None:
        """Remember that a request's response lies at `offset` of the responses partition, and what it asked."""
        if not self._generations or now_s - self._generations[-1][0] >= self._horizon_s / GENERATIONS:
            self._generations.append((now_s, {}))
        self._generations[-1][1][_digest(key)] = offset << ASKED_BITS | _asked(asked)
        self._forget(now_s)

    def find(self, key: str) -> "Finished | None":
        """Return what is known of a finished request, or None if the key is not known."""
        digest = _digest(key)
        for _, ids in reversed(self._generations):
            if (found := ids.get(digest)) is not None:
                return Finished(found >> ASKED_BITS, found & _ASKED_MASK)
        return None

    def _forget(self, now_s: float) -> None:
        generations = self._generations
        # The oldest one is over when the next one, which began as it ended, is older than the horizon.
        while len(generations) > 1 and generations[1][0] <= now_s - self._horizon_s:
            generations.popleft()
        if len(generations[-1][1]) > max(1, self._most // GENERATIONS):
            generations.append((now_s, {}))
        while len(generations) > 1 and len(self) - len(generations[0][1]) >= self._most:
            generations.popleft()


def _asked(asked: str | None) -> int:
    return int(asked[: ASKED_BITS // 4], 16) if asked else 0


def _digest(key: str) -> int:
    return int.from_bytes(blake2b(key.encode(), digest_size=DIGEST_BYTES).digest(), "big")
