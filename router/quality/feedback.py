"""What becomes of a feedback record: it is counted, or there is a reason why it is not."""

from dataclasses import dataclass
from enum import StrEnum

from schemas.feedback import Feedback


class FeedbackResult(StrEnum):
    """One word for programs. The first group is in the sums."""

    COUNTED = "counted"
    REPLACED = "replaced"
    """It has taken the place of an earlier score of the same source; or waited, and a later one has taken its own."""
    REPEATED = "repeated"
    """The same source had given the same score."""

    UNREADABLE = "unreadable"
    UNPROVEN = "unproven"
    """Tenants have keys, and it shows none that holds."""
    NOT_YOURS = "not_yours"
    """It names another tenant than its key."""
    UNKNOWN = "unknown"
    """No such response is known in its partition."""
    OTHER_RESPONSE = "other_response"
    """Where it says that the response lies, there is another one."""
    NO_ANSWER = "no_answer"
    """The response holds no answer of a model, or one from the cache, or was written before versions told how hard its
    prompt was."""
    LATE = "late"
    IGNORED = "ignored"
    """The catalogue ignores its source."""


@dataclass(frozen=True, slots=True)
class Proven:
    """A feedback that was read, and whose it is."""

    feedback: Feedback
    tenant: str


@dataclass(frozen=True, slots=True)
class NotCounted:
    """Why it is not counted: a word, and a sentence with the fix."""

    result: FeedbackResult
    reason: str
    code: str = "invalid_request"
    """That of its dead letter, if it is unreadable."""
    request_id: str | None = None
