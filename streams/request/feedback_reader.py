"""What is made of a record of the feedback topic before it is known which response it is about."""

from dataclasses import dataclass

from pydantic import ValidationError

from router.quality.feedback import FeedbackResult, NotCounted, Proven
from router.tenancy.admission import Admission, Refuse
from schemas.feedback import Feedback
from streams.codec import MAX_KEY_BYTES, REASON_CHARS, Delivery, UndecodedName, explained, glimpsed_id
from streams.envelopes import EnvelopeError, opened
from streams.request.api_keys import presented_key

MAX_FEEDBACK_BYTES = 16_384
"""Of a value: it holds an id, a name and a score."""


@dataclass(frozen=True, slots=True)
class FeedbackReader:
    """Reads feedback, and finds its tenant as a request's is found."""

    admission: Admission

    def read(self, delivery: Delivery, now_s: float) -> Proven | NotCounted:
        """Return the feedback and whose it is, or why it cannot be counted. Raises nothing."""
        reading = _read(delivery)
        if isinstance(reading, NotCounted):
            return reading
        if self.admission.is_open:
            return Proven(reading, reading.tenant)
        found = self.admission.tenant_of(presented_key(delivery.headers), now_s, "feedback")
        if isinstance(found, Refuse):
            return NotCounted(FeedbackResult.UNPROVEN, found.message, request_id=reading.request_id)
        if "tenant" in reading.model_fields_set and reading.tenant != found.name:
            reason = "tenant: the key is another tenant's; correct `tenant` or leave it out"
            return NotCounted(FeedbackResult.NOT_YOURS, reason, request_id=reading.request_id)
        return Proven(reading, found.name)


def _read(delivery: Delivery) -> Feedback | NotCounted:
    value = delivery.value
    if value is None:
        return _unreadable("empty", "the value is null; send a JSON object with `request_id`, `source` and `score`")
    for part, size, most in (
        ("value", len(value), MAX_FEEDBACK_BYTES),
        ("record's key", len(delivery.key or b""), MAX_KEY_BYTES),
    ):
        if size > most:
            return _unreadable("too_large", f"the {part} has {size} bytes, {most} are allowed", glimpsed_id(value))
    if any(isinstance(name, UndecodedName) for name, _ in delivery.headers):
        return _unreadable("not_utf8", "a header's name is not UTF-8; name it in UTF-8, or leave it out")
    try:
        return Feedback.model_validate(opened(value))
    except EnvelopeError as error:
        return _unreadable(error.code, str(error)[:REASON_CHARS], glimpsed_id(value))
    except ValidationError as error:
        return _unreadable("invalid_request", explained(error)[1], glimpsed_id(value))


def _unreadable(code: str, reason: str, request_id: str | None = None) -> NotCounted:
    return NotCounted(FeedbackResult.UNREADABLE, reason, code, request_id)
