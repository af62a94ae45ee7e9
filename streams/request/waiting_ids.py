"""Which requests of a partition wait in the batch lane, in as little memory as that takes, and which came back.

They are read back whole when the partition is assigned, and followed while it is owned. Of one that waits only where
its record lies is kept, and what tells a duplicate from another request under its id.

The Kafka client tries a record for seconds. So that a request waits may be written by a worker that was cut off when
the request's next owner has brought it to its end: it stands last of its key then, and would for ever. Such requests
are `overtaken`: `streams.request.overtaken` looks at them.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from heapq import heappop, heappush
from typing import NamedTuple

import orjson

from router.finished_ids import Finished
from router.identity import DIGEST_BYTES, Identity
from schemas.vocabulary import WaitingState
from schemas.waiting import Returned, Waiting
from streams.batch_requests import identity_of_waiting
from streams.codec import Delivery
from streams.internal_records import read_internal, skipped

_BITS = 64
_MASK = (1 << _BITS) - 1
_ASKED_DIGITS = _BITS // 4
"""So much of the SHA-256 of what was asked is kept, as `router.finished_ids` does."""


class Waits(NamedTuple):
    """A request that waits."""

    offset: int
    """Of its record of `llm.waiting.v1`, in this partition."""
    origin: int
    """Of its own record."""
    asked: int
    """Of the question's digest; 0 if it is not known."""

    def is_the_same(self, asked: str | None) -> bool:
        """Say whether this was asked, as far as is known."""
        return not self.asked or asked is None or self.asked == _asked(asked)


@dataclass(frozen=True, slots=True, order=True)
class CameBack:
    """A request that is to be answered by live calls, the nearest deadline first."""

    deadline_ms: int
    digest: int
    returned: Returned


@dataclass(frozen=True, slots=True)
class AnsweredElsewhere:
    """A request whose response another worker has written, or this one."""

    identity: Identity
    offset: int


def _unknown(_digest: int) -> Finished | None:
    return None


class WaitingIds:
    """What waits of one partition."""

    __slots__ = ("_came_back", "_finished", "_ids", "_order", "end", "overtaken")

    def __init__(self, finished: Callable[[int], Finished | None] = _unknown) -> None:
        """Take what tells, by its digest, where the response of a finished request lies."""
        self.end = 0
        """The offset of the next record to be read."""
        self.overtaken: dict[int, Finished] = {}
        """By digest: of those that wait by what was written last, a response that may be theirs."""
        self._finished = finished
        self._ids: dict[int, int] = {}
        self._came_back: dict[int, CameBack] = {}
        self._order: list[tuple[int, int]] = []

    def __len__(self) -> int:
        return len(self._ids)

    def add(self, waiting: Waiting, offset: int) -> None:
        """Remember a request whose record was written at `offset`."""
        digest = int.from_bytes(identity_of_waiting(waiting).digest, "big")
        self._put(digest, offset, waiting.request_offset, waiting.asked_sha256)
        self.end = max(self.end, offset + 1)

    def find(self, identity: Identity) -> Waits | None:
        """Return what is known of a request that waits; None: it does not."""
        if not self._ids or not identity.finishes:
            return None
        found = self._ids.get(int.from_bytes(identity.digest, "big"))
        return None if found is None else Waits(found >> 2 * _BITS, found >> _BITS & _MASK, found & _MASK)

    def remove(self, identity: Identity) -> None:
        """Forget a request: it is answered, or does not wait after all."""
        self._remove(int.from_bytes(identity.digest, "big"))

    def waiting_offset(self, digest: int) -> int | None:
        """Return where the record of a request lies that waits; None: it does not."""
        found = self._ids.get(digest)
        return None if found is None else found >> 2 * _BITS

    def look_whether_overtaken(self, identity: Identity) -> None:
        """Note it if a request waits by its record, though there is a response that may be its own."""
        if self._ids and identity.finishes:
            self._look(int.from_bytes(identity.digest, "big"))

    def ingest(self, record: Delivery, now_s: float) -> AnsweredElsewhere | None:
        """Take in a record of the topic; return the request that it tells to be answered, if it does."""
        self.end = max(self.end, record.origin.offset + 1)
        try:
            return self._ingest(record, now_s)
        except ValueError as error:
            skipped(record.origin.topic, error)
            return None

    def next_back(self) -> Iterator[CameBack]:
        """Give those that came back and were not given yet, the nearest deadline first."""
        while self._order:
            _, digest = heappop(self._order)
            if (found := self._came_back.pop(digest, None)) is not None:
                yield found

    def back_again(self, came_back: CameBack) -> None:
        """Take back what was given and could not be begun."""
        if came_back.digest in self._ids:
            self._back(came_back)

    def _ingest(self, record: Delivery, now_s: float) -> AnsweredElsewhere | None:
        digest = int.from_bytes(bytes.fromhex((record.key or b"").decode()), "big")
        if len(record.key or b"") != 2 * DIGEST_BYTES:
            raise ValueError("its key is no digest")
        if record.value is None:
            self._remove(digest)
            return None
        told = orjson.loads(record.value)  # the whole of it would take ten times as long, of each that waits
        state = told.get("state") if isinstance(told, dict) else None
        if state == WaitingState.WAITING:
            origin, asked = told.get("request_offset"), told.get("asked_sha256")
            if not isinstance(origin, int) or not 0 <= origin <= _MASK:
                raise ValueError("request_offset: is no offset")
            if digest not in self._came_back:
                self._put(digest, record.origin.offset, origin, asked if isinstance(asked, str) else None)
                self._look(digest)
            return None
        waiting = read_internal(Waiting, record.value, record.origin.topic, now_s)
        if waiting is None:
            return None
        if waiting.state is WaitingState.RETURNED and waiting.returned is not None:
            self._put(digest, record.origin.offset, waiting.request_offset, waiting.asked_sha256)
            self._back(CameBack(waiting.deadline_ms, digest, waiting.returned))
        if waiting.state is WaitingState.ANSWERED and waiting.response_offset is not None:
            self._remove(digest)
            return AnsweredElsewhere(identity_of_waiting(waiting), waiting.response_offset)
        return None

    def _look(self, digest: int) -> None:
        if digest in self._ids and (finished := self._finished(digest)) is not None:
            self.overtaken[digest] = finished

    def _put(self, digest: int, offset: int, origin: int, asked: str | None) -> None:
        self._ids[digest] = (offset << _BITS | origin) << _BITS | _asked(asked)

    def _back(self, came_back: CameBack) -> None:
        self._came_back[came_back.digest] = came_back
        heappush(self._order, (came_back.deadline_ms, came_back.digest))

    def _remove(self, digest: int) -> None:
        self._ids.pop(digest, None)
        self._came_back.pop(digest, None)
        self.overtaken.pop(digest, None)


def _asked(asked: str | None) -> int:
    return int(asked[:_ASKED_DIGITS], 16) if asked else 0
