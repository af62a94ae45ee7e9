"""What a worker makes of a record before anything is decided about it."""

from dataclasses import dataclass

from router.request.attempts import UNKNOWN_TENANT
from schemas.requests import Request
from streams.codec import Delivery, Unreadable, read_request


@dataclass(frozen=True, slots=True)
class ParsedRequest:
    """A record that has been read, or found unreadable. Seconds are since 1970.

    Its deadline is when the answer is wanted; an unreadable record has its answer at once.
    """

    delivery: Delivery
    reading: Request | Unreadable
    received_s: float
    deadline_s: float

    @property
    def tenant(self) -> str:
        """Whose turn it takes."""
        return self.reading.tenant if isinstance(self.reading, Request) else UNKNOWN_TENANT


@dataclass(frozen=True, slots=True)
class RequestReader:
    """What a request may ask for beside what its message says."""

    max_request_bytes: int
    default_deadline_s: float
    reply_to_allowed: frozenset[str]

    def open(self, delivery: Delivery, now_s: float) -> ParsedRequest:
        """Read the record. Raises nothing."""
        reading = read_request(delivery.value, self.max_request_bytes)
        return ParsedRequest(delivery, reading, now_s, self._deadline_s(delivery, reading, now_s))

    def _deadline_s(self, delivery: Delivery, reading: Request | Unreadable, now_s: float) -> float:
        if isinstance(reading, Unreadable):
            return now_s
        if reading.deadline is not None:
            return reading.deadline.timestamp()
        # a producer's clock may be ahead; behind it, the request has been waiting for so long
        written_s = delivery.timestamp_ms / 1000
        return (min(written_s, now_s) if written_s > 0 else now_s) + self.default_deadline_s
