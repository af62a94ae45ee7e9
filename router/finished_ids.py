"""Which request ids were finished a short while ago, in as little memory as that takes.

Ids are kept as 128-bit digests in a few generations, of which the oldest goes as a whole: no id carries a time of its
own, and forgetting costs nothing. An id is remembered for the horizon at least, and for `1 + 1 / GENERATIONS` of it at
most, unless there are more than `most` of them.
"""

from collections import deque
from hashlib import blake2b

GENERATIONS = 6
DIGEST_BYTES = 16
"""At a million ids the chance that a new one is taken for an old one is 1.5e-27."""


class FinishedIds:
    """Finished request ids and where their responses lie. Not for several threads; seconds are of any one clock."""

    __slots__ = ("_generations", "_horizon_s", "_most")

    def __init__(self, horizon_s: float, most: int) -> None:
        self._horizon_s = horizon_s
        self._most = most
        self._generations: deque[tuple[float, dict[int, int]]] = deque()

    def __len__(self) -> int:
        return sum(len(ids) for _, ids in self._generations)

    def add(self, request_id: str, offset: int, now_s: float) -> None:
        """Remember that the request's response lies at `offset` of the responses partition."""
        if not self._generations or now_s - self._generations[-1][0] >= self._horizon_s / GENERATIONS:
            self._generations.append((now_s, {}))
        self._generations[-1][1][_digest(request_id)] = offset
        self._forget(now_s)

    def find(self, request_id: str) -> int | None:
        """Return where the response lies, or None if the id is not known."""
        digest = _digest(request_id)
        for _, ids in reversed(self._generations):
            if (offset := ids.get(digest)) is not None:
                return offset
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


def _digest(request_id: str) -> int:
    return int.from_bytes(blake2b(request_id.encode(), digest_size=DIGEST_BYTES).digest(), "big")
