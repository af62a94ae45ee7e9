"""One batch at a provider: where it is sent, what is known of it, how it stands."""

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from enum import StrEnum
from http import HTTPStatus

from router.catalogue import Model
from router.errors import UpstreamFailure
from schemas.vocabulary import AttemptOutcome

CUSTOM_ID_CHARS = 64
"""The longest `custom_id`, of letters, digits, `_` and `-`. Source: Anthropic, "Create a Message Batch"; OpenAI and
Gemini state no narrower bound."""

_UNDECIDED = frozenset({HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.CONFLICT})
"""Of the statuses that refuse, those that may come of a request that was taken: late, or for the second time."""


@dataclass(frozen=True, slots=True)
class BatchQueue:
    """What may go into one batch together: one model's requests, with one key."""

    model: Model
    account: str | None = None
    """The name of the provider's account; None where it has one key."""


@dataclass(frozen=True, slots=True)
class BatchInput:
    """The lines of a batch, as `router.batches.apis.request_line` makes it, with its line feed."""

    lines: Callable[[], AsyncIterator[bytes]]
    """Reads them, from the first one on, at each call anew."""
    requests: int
    size_bytes: int
    """The sum of all lines, line feeds included: it is told before they are sent, so it has to be true."""


@dataclass(frozen=True, slots=True)
class BatchHandle:
    """A batch that the provider has taken."""

    batch_id: str
    """The provider's."""
    is_certain: bool = True
    """Whether it is known to be ours. A batch that was found by its size and time alone may be another program's, or
    another one of ours: it is read, for its lines say whose they are, and never cancelled."""


class BatchState(StrEnum):
    """How a batch stands."""

    WAITING = "waiting"
    """Taken, and not begun."""
    RUNNING = "running"
    CANCELLING = "cancelling"
    """What has begun is still being answered."""
    COMPLETED = "completed"
    """Each line has ended, be it with an error."""
    FAILED = "failed"
    """The provider refused it whole, or gave it up; hardly a line has an answer."""
    EXPIRED = "expired"
    """Its time is over. Lines that were answered before have results, and are charged."""
    CANCELLED = "cancelled"
    """As with `EXPIRED`."""

    @property
    def has_ended(self) -> bool:
        """Whether it will not change any more, and has its results."""
        return self not in (BatchState.WAITING, BatchState.RUNNING, BatchState.CANCELLING)


class BatchRefusal(StrEnum):
    """Why a batch failed as a whole."""

    TOO_LARGE = "too_large"
    """More bytes or requests than the provider takes in one batch: smaller ones may go."""
    QUEUE_FULL = "queue_full"
    """More enqueued tokens, or batches, than the account may have: the same one may go later."""
    INVALID = "invalid"
    """Its lines or its model: it will not go."""
    OTHER = "other"
    """The provider's own trouble."""


@dataclass(frozen=True, slots=True)
class BatchCounts:
    """How many lines there are, and how many of them have ended."""

    total: int
    answered: int = 0
    failed: int = 0
    """Without an answer: errors, and what was cancelled or has expired."""


@dataclass(frozen=True, slots=True)
class BatchStatus:
    """How a batch stands, by the provider's word. Seconds are since 1970."""

    state: BatchState
    counts: BatchCounts | None = None
    created_s: float | None = None
    ended_s: float | None = None
    expires_s: float | None = None
    """When the provider gives up what it has not answered."""
    refusal: BatchRefusal | None = None
    """Of a batch that failed."""
    detail: str = ""
    """What the provider says of it, shortened; no secret in it."""
    holds: tuple[str, ...] = ()
    """Where its results lie, by the names by which they are deleted: files, or the batch itself."""


@dataclass(frozen=True, slots=True)
class BatchSearch:
    """How a batch is looked for whose creation, or whose upload, has no known outcome."""

    our_id: str
    """The name that it was given: up to 64 letters, digits, `_` and `-`, each name once and for all."""
    since_s: float
    """It was not made before, seconds since 1970 with the clocks' differences allowed for."""
    requests: int
    """How many lines it has."""
    known: frozenset[str] = frozenset()
    """Batches of the provider that are certainly others, by its ids."""
    claimed: frozenset[str] = frozenset()
    """Those that others of ours were found to be by size and time alone: it may be one of these, if it is no other."""


class BatchCallFailed(Exception):  # noqa: N818 - it says what happened
    """A call about a batch has failed: upload, creation, look-up, status, results or cancellation."""

    def __init__(self, failure: UpstreamFailure, refusal: BatchRefusal | None = None) -> None:
        super().__init__(failure.detail)
        self.failure = failure
        self.refusal = refusal
        """Why an upload or a creation was refused for good or for now; None: nothing is said of the batch itself."""

    @property
    def may_have_happened(self) -> bool:
        """Whether the provider may have done what it was asked: then that is looked for, and not just asked again."""
        status = self.failure.status_code
        if status is None:
            return self.failure.category is not AttemptOutcome.UNREACHABLE
        return status in _UNDECIDED or not HTTPStatus.BAD_REQUEST <= status < HTTPStatus.INTERNAL_SERVER_ERROR
