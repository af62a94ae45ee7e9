"""A request that has been read: with its id, where it lies, and until when it may be answered."""

from dataclasses import dataclass

from router.identity import Identity
from router.tenants import Tenant
from schemas.costs import cost_event_id
from schemas.requests import Request
from schemas.responses import Attempt
from schemas.vocabulary import Purpose


@dataclass(frozen=True, slots=True)
class Origin:
    """Where the request's record lies."""

    topic: str
    partition: int
    offset: int

    def __str__(self) -> str:
        return f"{self.topic}-{self.partition}-{self.offset}"


@dataclass(frozen=True, slots=True)
class Job:
    """One request to be answered. Seconds are since 1970."""

    request: Request
    identity: Identity
    origin: Origin
    received_s: float
    deadline_s: float
    trace_id: str | None = None
    tenant: Tenant | None = None
    """None: the catalogue does not name it, and nothing is limited."""
    key: bytes | None = None
    """Of its record."""
    written_at_ms: int = 0
    """Its record's timestamp."""
    lane_note: str | None = None
    """Why it does not wait in the batch lane, or not any more; None: that was not in question."""
    earlier: tuple[Attempt, ...] = ()
    """Its calls in batches, which are billed elsewhere."""
    first_attempt: int = 1
    """The number of its first live call."""
    purpose: Purpose | None = None
    """What its calls are for, if not for the answer to a request."""
    arm: str | None = None
    """The experiment that its calls are for, if not the one that its own identity decides."""

    @property
    def request_id(self) -> str:
        """The id that its answer carries."""
        return self.identity.request_id

    @property
    def arm_key(self) -> bytes:
        """What keeps its arm of an experiment: the key of its record, else its id."""
        return self.request_id.encode() if self.key is None else self.key

    def event_id(self, attempt: int) -> str:
        """Return the id of the call with this number, and of its cost event."""
        return cost_event_id(self.identity.tenant, self.identity.request_id, str(self.origin), attempt)
