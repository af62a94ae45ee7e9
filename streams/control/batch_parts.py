"""What the collector of batches works with."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Protocol

from router.batches.durations import DeadlineRules
from router.batches.members import Members
from router.batches.polling import PollRules
from router.batches.stages import Batch
from router.catalogue import Catalogue
from router.retry import Chance
from schemas.responses import Response
from streams.batch_port import BatchProvider
from streams.codec import Delivery
from streams.control.batch_records import BatchRecords
from streams.control.batch_term import BatchTerm
from streams.control.kept_answers import KeptAnswers
from streams.ports import Clock, Fence, Log, Table
from streams.publisher import Publisher


@dataclass(frozen=True, slots=True)
class BatchParts:
    """All that is needed to collect, send, poll and publish batches."""

    catalogue: Catalogue
    provider: BatchProvider
    publisher: Publisher
    log: Log
    table: Table
    fence: Fence
    records: BatchRecords
    responses: str
    """The topic of the responses."""
    kept: KeptAnswers
    group: str
    """The workers' group: other groups may use the same keys."""
    clock: Clock
    chance: Chance
    ended: Callable[[Response], None]
    """Is told of each answer."""
    shortened: Callable[[Response, Delivery], Awaitable[Response]]
    """Returns what is published of a response that its topic does not take whole."""
    reply_to_allowed: frozenset[str] = frozenset()
    max_request_bytes: int = 1_000_000
    deadlines: DeadlineRules = field(default_factory=DeadlineRules)
    polling: PollRules = field(default_factory=PollRules)
    keeps_files: bool = False
    """Whether what providers hold of settled batches stays there."""
    max_age_s: float = 300.0
    """The longest time that a request waits for others to go with."""


class Batching(Protocol):
    """The batch that is worked on, which changes meanwhile."""

    batch: Batch
    members: Members
    publishing: int
    """Whose results are being published: they are not handed to the live path meanwhile."""
    term: BatchTerm

    async def store(self) -> None:
        """Store the batch as it is now."""
        ...
