"""Records of `llm.batch-requests.v1`: a request as it came, beside what was decided about it.

The value is the request's own, byte for byte. The first header holds its `Waiting`; the request's own headers follow,
its tenant's key redacted. So whoever reads the record, the collector of batches or the owner of a request that is
returned, reads the request as it was read at first.
"""

from dataclasses import dataclass

from router.identity import Identity
from router.job import Origin
from schemas.vocabulary import WaitingState
from schemas.waiting import Waiting
from streams.codec import Delivery, without_key
from streams.internal_records import skipped
from streams.ports import Record

WAITING_HEADER = "turnout-waiting"


@dataclass(frozen=True, slots=True)
class BatchRequest:
    """A request that waits for a batch."""

    waiting: Waiting
    original: Delivery
    """The request's record, as it lay on the requests topic."""
    place: Origin
    """Where the batch request lies."""


def batch_key(waiting: Waiting) -> bytes:
    """Return what brings those together that may go into one batch: provider, model and account."""
    call = waiting.call
    if call is None:
        raise ValueError("nothing was decided")
    return "/".join(filter(None, (call.provider_name, call.request_model, call.account))).encode()


def batch_record(topic: str, waiting: Waiting, delivery: Delivery) -> Record:
    """Return the record of a request; its key chooses the partition."""
    headers = [(WAITING_HEADER, waiting.encode()), *without_key(delivery.headers)]
    return Record(topic, delivery.value, batch_key(waiting), headers)


def read_batch_request(delivery: Delivery) -> BatchRequest | None:
    """Read a record; None if it is bad, and that is counted and told."""
    try:
        return _read(delivery)
    except ValueError as error:
        skipped(delivery.origin.topic, error)
        return None


def _read(delivery: Delivery) -> BatchRequest:
    name, value = next(iter(delivery.headers), ("", b""))
    if name != WAITING_HEADER:
        raise ValueError(f"its first header is not {WAITING_HEADER}")
    waiting = Waiting.decode(value)
    if waiting.state is not WaitingState.WAITING:
        raise ValueError("it does not wait")
    original = Delivery(
        origin=Origin(waiting.request_topic, waiting.request_partition, waiting.request_offset),
        timestamp_ms=waiting.written_at_ms,
        key=waiting.request_key,
        value=delivery.value,
        headers=delivery.headers[1:],
    )
    return BatchRequest(waiting, original, delivery.origin)


def identity_of_waiting(waiting: Waiting) -> Identity:
    """Return what the request is known by."""
    return Identity(
        tenant=waiting.tenant,
        request_id=waiting.request_id,
        asked=waiting.asked_sha256,
        source=waiting.id_source,
        authenticated=waiting.authenticated,
    )
