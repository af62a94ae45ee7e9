"""Which cost events have been counted already, exactly, for as long as they may come again.

An event may be read twice, at the same offset, or published twice, at two offsets under one id. What is stored about an
id is therefore where it was counted: the same id further on is a duplicate, at the same place it is the same record
again. Ids are kept by the second of their call, which a duplicate has in common with the first, so that each second can
be stored and forgotten as a whole.
"""

import struct
from uuid import UUID

HORIZON_S = 900
"""In the time of the events. A worker that ends publishes nothing, and its heir does within minutes."""
_ENTRY = struct.Struct(">8sQ")


class CountedEvents:
    """The counted cost events of one tenant."""

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


def _short(event_id: str) -> bytes:
    # half of a UUIDv5 is as random as a hash; an id of another form is not ours
    try:
        return UUID(event_id).bytes[8:]
    except ValueError:
        return event_id.encode()[-8:].rjust(8, b"\0")
