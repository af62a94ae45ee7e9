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
        return not self.asked or asked is None or self.asked == asked_bits(asked)


class FinishedIds:
    """Keys of finished requests, and where their responses lie. Not for several threads; seconds are of any clock."""

    __slots__ = ("_count", "_generations", "_horizon_s", "_most")

    def __init__(self, horizon_s: float, most: int) -> None:
        self._horizon_s = horizon_s
        self._most = most
        self._generations: deque[tuple[float, dict[int, int]]] = deque()
        self._count = 0

    def __len__(self) -> int:
        return self._count

    def add(self, key: str, offset: int, now_s: float, asked: str | None = None) -> None:
        """Remember that a request's response lies at `offset` of the responses partition, and what it asked."""
        self.put(digest_of(key), offset, asked_bits(asked), now_s)

    def put(self, digest: int, offset: int, asked: int, now_s: float) -> None:
        """Remember the same by the key's digest, and what is kept of the question's."""
        if not self._generations or now_s - self._generations[-1][0] >= self._horizon_s / GENERATIONS:
            self._generations.append((now_s, {}))
        ids = self._generations[-1][1]
        before = len(ids)
        ids[digest] = offset << ASKED_BITS | asked
        self._count += len(ids) - before
        self._forget(now_s)

    def find(self, key: str) -> "Finished | None":
        """Return what is known of a finished request, or None if the key is not known."""
        return self.find_digest(digest_of(key))

    def find_digest(self, digest: int) -> "Finished | None":
        """Return the same by the key's digest."""
        for _, ids in reversed(self._generations):
            if (found := ids.get(digest)) is not None:
                return Finished(found >> ASKED_BITS, found & _ASKED_MASK)
        return None

    def _forget(self, now_s: float) -> None:
        generations = self._generations
        # The oldest one is over when the next one, which began as it ended, is older than the horizon.
        while len(generations) > 1 and generations[1][0] <= now_s - self._horizon_s:
            self._forget_oldest()
        if len(generations[-1][1]) > max(1, self._most // GENERATIONS):
            generations.append((now_s, {}))
        while len(generations) > 1 and len(self) - len(generations[0][1]) >= self._most:
            self._forget_oldest()

    def _forget_oldest(self) -> None:
        _, ids = self._generations.popleft()
        self._count -= len(ids)


def asked_bits(asked: str | None) -> int:
    """Return what is kept of the SHA-256 of a question; 0 without one."""
    return int(asked[: ASKED_BITS // 4], 16) if asked else 0


def digest_of(key: str) -> int:
    """Return what is kept of a key, the number that `router.identity.Identity.digest` is in bytes."""
    return int.from_bytes(blake2b(key.encode(), digest_size=DIGEST_BYTES).digest(), "big")
