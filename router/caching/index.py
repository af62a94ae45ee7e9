"""Where answers lie, in as little memory as that takes, and the bodies of those that were read last.

Each answer is one entry of a dictionary, key and place packed into two integers. There are two generations of them: an
entry that is used moves into the young one, and when that has half of what may be kept, the old one goes as a whole.
So the half that was used last is always kept, and no use or loss of an entry costs more than a look-up.
"""

from collections import OrderedDict
from collections.abc import Iterator
from typing import NamedTuple

from router.caching.forgotten import Forgotten, tenant_bits

_OFFSET_BITS, _PARTITION_BITS, _SECONDS_BITS = 63, 31, 40


class Place(NamedTuple):
    """Where an answer lies on the responses topic."""

    partition: int
    offset: int


class CacheIndex:
    """The keys of questions, and where their answers lie. Not for several threads; seconds are since 1970."""

    def __init__(self, most: int, most_bytes: int) -> None:
        """Keep so many keys, and so many bytes of answers."""
        self.bodies = RecentBodies(most_bytes)
        self.followed = 0
        """The offset of the next record of the index topic."""
        self._forgotten = Forgotten()
        self._most = most
        self._young: dict[int, int] = {}
        self._old: dict[int, int] = {}

    def __len__(self) -> int:
        return len(self._young) + len(self._old)

    def find(self, key: str, now_s: float) -> Place | None:
        """Return where the answer lies; None without one, or if it has expired."""
        number = int(key, 16)
        packed = self._young.get(number)
        if packed is None:
            packed = self._old.pop(number, None)
            if packed is None:
                return None
            self._put(number, packed)
        if packed >> (_OFFSET_BITS + _PARTITION_BITS) & _mask(_SECONDS_BITS) <= now_s:
            self.drop(key)
            return None
        return Place(packed >> _OFFSET_BITS & _mask(_PARTITION_BITS), packed & _mask(_OFFSET_BITS))

    @property
    def forgets(self) -> int:
        """How many records told to forget something."""
        return self._forgotten.count

    def learn(self, key: str, tenant: str, place: Place, expires_s: float, followed: int) -> None:
        """Remember where an answer lies, in the place of what was known, if it is not forgotten since (`followed`)."""
        if self._most == 0 or self.is_forgotten(key, tenant, followed):
            return
        packed = tenant_bits(tenant) << _SECONDS_BITS | int(expires_s)
        packed = (packed << _PARTITION_BITS | place.partition) << _OFFSET_BITS | place.offset
        number = int(key, 16)
        self._old.pop(number, None)
        self._put(number, packed)

    def drop(self, key: str) -> None:
        """Remember it no more: there is no such answer."""
        number = int(key, 16)
        self._young.pop(number, None)
        self._old.pop(number, None)

    def is_forgotten(self, key: str, tenant: str, followed: int) -> bool:
        """Say whether an answer is of no use, as it was asked for when the topic was followed so far."""
        return self._forgotten.since(followed, int(key, 16), tenant)

    def forget(self, key: str, offset: int) -> None:
        """Remember no answer that was asked for before the record at `offset` says so."""
        self.drop(key)
        self._forgotten.question(int(key, 16), offset)
        self.bodies.clear()

    def forget_tenant(self, tenant: str, offset: int) -> None:
        """Remember no answer of the tenant that was asked for before the record at `offset` says so."""
        wanted, above = tenant_bits(tenant), _OFFSET_BITS + _PARTITION_BITS + _SECONDS_BITS
        for entries in (self._young, self._old):
            for number in [number for number, packed in entries.items() if packed >> above == wanted]:
                del entries[number]
        self._forgotten.tenant(tenant, offset)
        self.bodies.clear()

    def _put(self, number: int, packed: int) -> None:
        self._young[number] = packed
        if len(self._young) >= max(1, self._most // 2):
            self._young, self._old = {}, self._young


class RecentBodies:
    """The records of the answers that were read or written last, in `most_bytes`."""

    def __init__(self, most_bytes: int) -> None:
        self.size_bytes = 0
        self._most_bytes = most_bytes
        self._bodies: OrderedDict[Place, bytes] = OrderedDict()

    def __len__(self) -> int:
        return len(self._bodies)

    def __iter__(self) -> Iterator[Place]:
        return iter(self._bodies)

    def get(self, place: Place) -> bytes | None:
        """Return the record, and have it stay."""
        found = self._bodies.get(place)
        if found is not None:
            self._bodies.move_to_end(place)
        return found

    def put(self, place: Place, body: bytes) -> None:
        """Keep a record, unless it is larger than an eighth of all that is kept."""
        if len(body) > self._most_bytes // 8 or place in self._bodies:
            return
        self._bodies[place] = body
        self.size_bytes += len(body)
        while self.size_bytes > self._most_bytes:
            _, gone = self._bodies.popitem(last=False)
            self.size_bytes -= len(gone)

    def clear(self) -> None:
        """Keep none."""
        self._bodies.clear()
        self.size_bytes = 0


def _mask(bits: int) -> int:
    return (1 << bits) - 1
