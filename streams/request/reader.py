"""What a worker makes of a record before anything is decided about it: what it asks, whose it is, by when."""

from dataclasses import dataclass, replace

import structlog

from router.batches.lane import lane_of
from router.catalogue import Catalogue
from router.dead_letters import EVERYBODY
from router.identity import Identity, asked_by_bytes, asked_of, is_reserved
from router.request.attempts import UNKNOWN_TENANT
from router.tenancy.admission import Admission, Identified, Presented, Refuse, Vouched
from schemas.requests import Request
from schemas.vocabulary import ErrorCode, IdSource, Lane
from schemas.waiting import Returned, Waiting
from streams.batch_requests import BatchRequest, identity_of_waiting
from streams.codec import Delivery, Referenced, Unreadable, glimpsed_id, read_record, reference_in, replay_suffix
from streams.request.replay_signature import ReplaySignature, presented

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class ParsedRequest:
    """A record that has been read, or found unreadable. Seconds are since 1970.

    Its deadline is when the answer is wanted; an unreadable record has its answer at once.
    """

    delivery: Delivery
    reading: Request | Unreadable | Referenced
    received_s: float
    deadline_s: float
    entry: Identified | Refuse | None
    """The request as its tenant asks for it, or why it is not let in; None if it is unreadable, or elsewhere."""
    identity: Identity | None
    """None: it is unreadable, and so is its id, or it is elsewhere."""
    proven: str | None
    """The tenant that has proven itself, or `EVERYBODY`; None if none has."""
    waiting: Waiting | None = None
    returned: Returned | None = None
    """Of a request that came back from the batch lane: what was decided, and why it is back."""

    @property
    def tenant(self) -> str:
        """Whose turn it takes: all that prove nothing wait in one queue."""
        if self.proven == EVERYBODY and isinstance(self.reading, Request):
            return self.reading.tenant
        return self.proven or UNKNOWN_TENANT


@dataclass(frozen=True, slots=True)
class RequestReader:
    """What a request may ask for beside what its message says, and how its tenant is told."""

    admission: Admission
    replay_signature: ReplaySignature | None
    requests_topic: str
    max_request_bytes: int
    default_deadline_s: float
    max_deadline_s: float
    reply_to_allowed: frozenset[str]
    max_referenced_bytes: int
    catalogue: Catalogue
    """Has the lane of requests that name none."""
    max_batch_deadline_s: float

    def open(self, delivery: Delivery, now_s: float) -> ParsedRequest:
        """Read the record. A defect of Turnout that it meets makes it unreadable, and is raised nowhere."""
        return self._open_safely(delivery, None, now_s)

    def opened(self, parsed: ParsedRequest, content: bytes, now_s: float) -> ParsedRequest:
        """Return a record that is a reference as the request that it refers to; the delivery stays as it came."""
        return replace(self._open_safely(parsed.delivery, content, now_s), received_s=parsed.received_s)

    def came_back(self, request: BatchRequest, returned: Returned) -> ParsedRequest:
        """Return a request of the batch lane that is to be answered by live calls; it was let in before it waited."""
        waiting, original = request.waiting, request.original
        reading = read_record(original, self.max_request_bytes)
        entry = self.admission.entered(reading, waiting.tenant) if isinstance(reading, Request) else None
        return ParsedRequest(
            original,
            reading,
            waiting.received_at_ms / 1000,
            waiting.deadline_ms / 1000,
            entry,
            identity_of_waiting(waiting),
            EVERYBODY if self.admission.is_open else waiting.tenant,
            waiting,
            returned,
        )

    def unread(self, parsed: ParsedRequest, reading: Unreadable) -> ParsedRequest:
        """Return a record that is a reference as one that cannot be read."""
        return self._unreadable(parsed.delivery, reading, parsed.proven, parsed.received_s)

    def _open_safely(self, delivery: Delivery, content: bytes | None, now_s: float) -> ParsedRequest:
        proven = None
        try:
            shown = presented(delivery, self.replay_signature, now_s)
            proven = self._proven(shown, now_s)
            return self._open(delivery, content, shown, proven, now_s)
        except Exception as problem:
            log.exception("a defect of Turnout: the record becomes a dead letter", record=str(delivery.origin))
            reason = f"{type(problem).__name__} in the worker; see its log"
            reading = Unreadable(ErrorCode.INTERNAL_ERROR, reason, glimpsed_id(content or delivery.value or b""))
            return self._unreadable(delivery, reading, proven, now_s)

    def _open(
        self,
        delivery: Delivery,
        content: bytes | None,
        shown: str | Vouched | Presented,
        proven: str | None,
        now_s: float,
    ) -> ParsedRequest:
        if content is not None:
            reading = read_record(replace(delivery, value=content), self.max_referenced_bytes)
        elif (reference := reference_in(delivery)) is not None:
            return ParsedRequest(delivery, reference, now_s, now_s + self.max_deadline_s, None, None, proven)
        else:
            reading = read_record(delivery, self.max_request_bytes)
        if isinstance(reading, Unreadable):
            return self._unreadable(delivery, reading, proven, now_s)
        deadline_s = self._deadline_s(delivery, reading, now_s)
        entry, identity = self._identify(delivery, reading, shown, now_s)
        if isinstance(entry, Identified) and deadline_s - now_s > self.max_deadline_s:
            entry = self._if_it_may_be_far(entry, deadline_s - now_s)
        return ParsedRequest(delivery, reading, now_s, deadline_s, entry, identity, proven)

    def _if_it_may_be_far(self, entry: Identified, left_s: float) -> Identified | Refuse:
        most_s, setting = self.max_deadline_s, "TURNOUT_MAX_DEADLINE_S"
        if lane_of(entry.request, entry.tenant, self.catalogue) is not Lane.LIVE:
            most_s, setting = max(most_s, self.max_batch_deadline_s), "TURNOUT_MAX_BATCH_DEADLINE_S"
        if left_s <= most_s:
            return entry
        return Refuse(
            ErrorCode.INVALID_REQUEST,
            f"deadline: is more than {most_s:g} s away, which is the most that a worker of this pipeline waits "
            f"({setting})",
            "deadline",
        )

    def _proven(self, shown: str | Vouched | Presented, now_s: float) -> str | None:
        if self.admission.is_open:
            return EVERYBODY
        found = self.admission.tenant_of(shown, now_s)
        return None if isinstance(found, Refuse) else found.name

    def _identify(
        self, delivery: Delivery, request: Request, shown: str | Vouched | Presented, now_s: float
    ) -> tuple[Identified | Refuse, Identity]:
        entry = self.admission.identify(request, shown, now_s)
        replay = replay_suffix(dict(delivery.headers))
        if isinstance(entry, Identified) and not self.admission.is_open and not isinstance(shown, Vouched):
            replay = ""  # unsigned, a replay's header can be written by any producer
        own_id = request.request_id
        identity = Identity(
            tenant=entry.request.tenant if isinstance(entry, Identified) else request.tenant,
            request_id=(own_id or ("dead-letter" if replay else str(delivery.origin))) + replay,
            asked=asked_of(request),
            source=IdSource.REPLAY if replay else IdSource.RECORD if own_id is None else IdSource.REQUEST,
            authenticated=isinstance(entry, Identified) and not self.admission.is_open,
        )
        if isinstance(entry, Refuse):
            return entry, identity.refused()
        if own_id is not None and not replay and is_reserved(own_id, self.requests_topic):
            message = "request_id: has the form of an id that only Turnout gives; give the request another one"
            return Refuse(ErrorCode.INVALID_REQUEST, message, "request_id"), identity.refused()
        return entry, identity

    def _unreadable(self, delivery: Delivery, reading: Unreadable, proven: str | None, now_s: float) -> ParsedRequest:
        identity = None
        if reading.request_id is not None:
            asked, tenant = asked_by_bytes(delivery.value), proven or UNKNOWN_TENANT
            identity = Identity(tenant, reading.request_id, asked, authenticated=bool(proven), finishes=False)
        return ParsedRequest(delivery, reading, now_s, now_s, None, identity, proven)

    def _deadline_s(self, delivery: Delivery, reading: Request, now_s: float) -> float:
        if reading.deadline is not None:
            return reading.deadline.timestamp()
        # a producer's clock may be ahead; behind it, the request has been waiting since then
        return delivery.written_s(now_s) + self.default_deadline_s
