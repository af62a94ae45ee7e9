"""Which records have been counted already, exactly, for as long as they may come again.

An event may be read twice, at the same offset, or published twice, at two offsets under one id. What is stored about an
id is therefore where it was counted: the same id further on is a duplicate, at the same place it is the same record
again. Ids are kept by the second of their call, which a duplicate has in common with the first, so that each second can
be stored and forgotten as a whole.

A call of the batch lane is settled hours after it was decided on, so its second says nothing of when it may come again:
what settles it is kept by when it was written, and looked for in all seconds (`SettledCalls`).
"""

import struct
from enum import StrEnum
from uuid import UUID

from schemas.budgets import BudgetReservation
from schemas.costs import CostEvent

HORIZON_S = 900
"""In the time of the events. A worker that ends publishes nothing, and its heir does within minutes."""
_ENTRY = struct.Struct(">8sQ")


class CountedEvents:
    """The counted records of one kind and tenant."""

    def __init__(self) -> None:
        self._seconds: dict[int, dict[bytes, int]] = {}
        self._newest_s = 0

    def is_duplicate(self, event_id: str, occurred_s: int, offset: int) -> bool:
        """Say whether the event was counted at an earlier offset."""
        counted_at = self._seconds.get(occurred_s, {}).get(_short(event_id))
        return counted_at is not None and counted_at < offset

    def add(self, event_id: str, occurred_s: int, offset: int) -> None:
        """Note that the event is counted."""
        self._seconds.setdefault(occurred_s, {}).setdefault(_short(event_id), offset)
        self._newest_s = max(self._newest_s, occurred_s)

    def dump(self, second: int) -> bytes:
        """Return what is stored of a second."""
        return b"".join(_ENTRY.pack(*entry) for entry in self._seconds.get(second, {}).items())

    def load(self, second: int, value: bytes) -> None:
        """Restore what was stored of a second.

        Raises:
            ValueError: it is something else.
        """
        if len(value) % _ENTRY.size:
            raise ValueError(f"{len(value)} bytes are no entries of {_ENTRY.size} bytes")
        self._seconds[second] = dict(_ENTRY.iter_unpack(value))
        self._newest_s = max(self._newest_s, second)

    def forget(self) -> list[int]:
        """Forget the seconds beyond the horizon, and return them."""
        past = [second for second in self._seconds if second < self._newest_s - HORIZON_S]
        for second in past:
            del self._seconds[second]
        return past


class SettledCalls(CountedEvents):
    """The calls of the batch lane that were settled, by whatever record; its place tells topics apart."""

    def __init__(self) -> None:
        super().__init__()
        self._settled_at: dict[bytes, int] = {}

    def is_settled(self, event_id: str, place: int) -> bool:
        """Say whether another record has settled the call."""
        return self._settled_at.get(_short(event_id), place) != place

    def add(self, event_id: str, occurred_s: int, offset: int) -> None:
        """Note that a record which was written at that second has settled the call."""
        if self._settled_at.setdefault(_short(event_id), offset) == offset:
            super().add(event_id, occurred_s, offset)

    def load(self, second: int, value: bytes) -> None:
        """Restore what was stored of a second.

        Raises:
            ValueError: it is something else.
        """
        super().load(second, value)
        self._settled_at |= self._seconds[second]

    def forget(self) -> list[int]:
        """Forget the seconds beyond the horizon, and return them."""
        known = dict(self._seconds)
        past = super().forget()
        for second in past:
            for short in known[second]:
                self._settled_at.pop(short, None)
        return past


class Kind(StrEnum):
    """What is counted once by the id of its call. Each is a kind of row of the owner's table."""

    COSTS = "seen"
    HELD = "held"
    """Reservations."""
    FREED = "freed"
    """Whatever settles a call of the batch lane: its cost event, or the word that it was never charged."""


class Counted:
    """All that was counted of one tenant."""

    def __init__(self) -> None:
        self.changed: set[tuple[Kind, int]] = set()
        """Kinds and seconds that are not stored yet."""
        self._costs, self._held, self._freed = CountedEvents(), CountedEvents(), SettledCalls()

    def is_new_cost(self, event: CostEvent, offset: int, written_s: int) -> bool:
        """Say whether a cost event counts, and note that it does.

        Args:
            event: the cost event.
            offset: of its record.
            written_s: when that was written, seconds since 1970.
        """
        if event.batch_id is not None or event.reserved_usd is not None:
            return self._is_settled_by(event.event_id, 2 * offset, written_s)
        return self._is_new(Kind.COSTS, self._costs, event.event_id, event.occurred_at_ms // 1000, offset)

    def is_new_reservation(self, reservation: BudgetReservation, offset: int, written_s: int) -> bool:
        """Say whether a reservation, or its release, counts, and note that it does."""
        if reservation.is_released:
            return self._is_settled_by(reservation.event_id, 2 * offset + 1, written_s)
        second = reservation.occurred_at_ms // 1000
        return self._is_new(Kind.HELD, self._held, reservation.event_id, second, offset)

    def _is_new(self, kind: Kind, counted: CountedEvents, event_id: str, second: int, offset: int) -> bool:
        if counted.is_duplicate(event_id, second, offset):
            return False
        counted.add(event_id, second, offset)
        self.changed.add((kind, second))
        return True

    def _is_settled_by(self, event_id: str, place: int, written_s: int) -> bool:
        if self._freed.is_settled(event_id, place):
            return False
        self._freed.add(event_id, written_s, place)
        self.changed.add((Kind.FREED, written_s))
        return True

    def dump(self, kind: Kind, second: int) -> bytes:
        """Return what is stored of a kind and second."""
        return self._of(kind).dump(second)

    def load(self, kind: Kind, second: int, value: bytes) -> None:
        """Restore what was stored.

        Raises:
            ValueError: it is something else.
        """
        self._of(kind).load(second, value)

    def forget(self) -> list[tuple[Kind, int]]:
        """Forget the seconds beyond the horizon, and return them."""
        return [(kind, second) for kind in Kind for second in self._of(kind).forget()]

    def _of(self, kind: Kind) -> CountedEvents:
        return {Kind.COSTS: self._costs, Kind.HELD: self._held, Kind.FREED: self._freed}[kind]


def _short(event_id: str) -> bytes:
    # half of a UUIDv5 is as random as a hash; an id of another form is not ours
    try:
        return UUID(event_id).bytes[8:]
    except ValueError:
        return event_id.encode()[-8:].rjust(8, b"\0")
