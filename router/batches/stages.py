"""One batch of requests from its forming to its end: its stages, what may follow which, and what is to be done.

    uploading ──> creating ──> running ──> reading ──> settled
        │             │           │           ^           ^
        │             │           └─> cancelling          │
        └─────────────┴───────────────────────────────────┘

Rules:
1. What is to be done (`next_step`) follows from what is stored alone. A stage is stored before its step is made, so
   that after a crash at any moment the step is made again, and does no harm.
2. A creation may have happened though nothing is known of it. Then the batch is looked for at the provider, and created
   only when it is certainly not there (`is_unsure`).
3. Each request is handed to the live path, or answered from the results, never both: `returned` is stored before a
   request is handed over, and what is returned is not answered any more. What a result cost is told in any case.
4. A batch is cancelled as soon as no request waits for it, and read to its end: what was charged is told.

`TRANSITIONS` has a row for each stage and event; `docs/state-machines.md` is drawn from it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import Enum, StrEnum, auto
from types import MappingProxyType
from typing import NamedTuple

from router.batches.batch import BatchHandle, BatchState, BatchStatus
from schemas.vocabulary import ReturnReason

MOST_SHORT_READS = 3
"""How often results are read again that have fewer lines than the provider says that there are."""


class StageError(RuntimeError):
    """The caller told a batch what cannot happen in its stage. Always a defect of the caller."""


class Stage(StrEnum):
    """Where a batch stands with us."""

    UPLOADING = "uploading"
    CREATING = "creating"
    RUNNING = "running"
    CANCELLING = "cancelling"
    READING = "reading"
    SETTLED = "settled"


class Step(Enum):
    """What is to be done next."""

    UPLOAD = auto()
    FIND = auto()
    CREATE = auto()
    POLL = auto()
    CANCEL = auto()
    READ = auto()
    SETTLE = auto()
    NOTHING = auto()


@dataclass(frozen=True, slots=True)
class QueueName:
    """What may go into one batch together."""

    provider: str
    model: str
    account: str | None = None


@dataclass(frozen=True, slots=True)
class Batch:
    """What is stored of a batch beside its members. Masks have a bit for each member; moments are since 1970."""

    our_id: str
    queue: QueueName
    partition: int
    count: int
    formed_s: float
    tokens: int = 0
    """As long as it has not ended, so many are enqueued."""
    stage: Stage = Stage.UPLOADING
    file_id: str | None = None
    handle: BatchHandle | None = None
    created_s: float | None = None
    ended_s: float | None = None
    end: BatchState | None = None
    """How it ended at the provider."""
    detail: str = ""
    sent: int = 0
    """Whose lines are in it: who waited when they were written."""
    shared: int = 0
    """Who has no line of its own, as an earlier one asks the same and its answer is to be kept: both ask for the cache.
    """
    done: int = 0
    """Whose result is published: its answer, or what it cost alone."""
    returned: int = 0
    """Who is handed to the live path."""
    told: int = 0
    """Whose return is on its topic."""
    reason: ReturnReason | None = None
    """Of those that are returned and not told."""
    answered: int = 0
    """How many requests it has answered."""
    cost_nano_usd: int = 0
    """What its calls cost, as far as that is known."""
    saved_nano_usd: int = 0
    """What those of them that were answered would have cost more in live calls."""
    was_late: bool = False
    """Whether a deadline came before its results."""
    released: int = 0
    """Who is collected anew, for another batch."""
    is_lost: bool = False
    """Whether the provider does not know it any more."""
    answers_from: tuple[int, ...] = ()
    """The offsets of the responses' partitions from which on answers may be published that `done` does not have."""
    short_reads: int = 0
    left: tuple[str, ...] = ()
    """What the provider holds of it, by its names there: the file of its lines, those of its results."""
    deletions: int = 0
    """How often it was tried to delete these."""
    is_unsure: bool = False
    """Whether it may have been created though nothing is known of it. Not stored: after a restart it may."""

    @property
    def everyone(self) -> int:
        """The mask of all members."""
        return (1 << self.count) - 1

    @property
    def waiting(self) -> int:
        """The mask of those that wait for an answer of this batch."""
        return self.everyone & ~(self.done | self.returned | self.released)

    @property
    def untold(self) -> int:
        """The mask of those that are still to be handed to the live path."""
        return self.returned & ~self.told


@dataclass(frozen=True, slots=True)
class Uploaded:
    """The lines of these are at the provider, or go along with the creation (`file_id` is None)."""

    file_id: str | None
    sent: int

    def after(self, batch: Batch) -> Batch:
        """Return the batch after it."""
        left = () if self.file_id is None else (self.file_id,)
        return replace(batch, stage=Stage.CREATING, file_id=self.file_id, sent=self.sent, left=left, is_unsure=False)


@dataclass(frozen=True, slots=True)
class Created:
    """The provider has taken the batch, or it was found there."""

    handle: BatchHandle
    now_s: float

    def after(self, batch: Batch) -> Batch:
        """Return the batch after it."""
        return replace(batch, stage=Stage.RUNNING, handle=self.handle, created_s=self.now_s, is_unsure=False)


@dataclass(frozen=True, slots=True)
class Unknown:
    """It is not known whether the provider has taken it."""

    def after(self, batch: Batch) -> Batch:
        """Return the batch after it."""
        return replace(batch, is_unsure=True)


@dataclass(frozen=True, slots=True)
class NotThere:
    """It was looked for, and the provider has certainly none."""

    def after(self, batch: Batch) -> Batch:
        """Return the batch after it."""
        return replace(batch, is_unsure=False)


@dataclass(frozen=True, slots=True)
class Refused:
    """The provider does not take it, now or later."""

    detail: str

    def after(self, batch: Batch) -> Batch:
        """Return the batch after it."""
        refused = replace(batch, detail=self.detail, is_unsure=False)
        return returning(refused, refused.waiting, ReturnReason.REFUSED)


@dataclass(frozen=True, slots=True)
class Released:
    """The provider would take its requests in other batches: smaller ones, or later ones. Nothing is charged."""

    detail: str

    def after(self, batch: Batch) -> Batch:
        """Return the batch after it."""
        return replace(batch, detail=self.detail, released=batch.released | batch.waiting, is_unsure=False)


@dataclass(frozen=True, slots=True)
class Ended:
    """The provider says that it has ended."""

    status: BatchStatus
    now_s: float

    def after(self, batch: Batch) -> Batch:
        """Return the batch after it."""
        ended_s = min(self.status.ended_s or self.now_s, self.now_s)
        told_s = self.status.created_s or batch.created_s  # a batch that was looked for was found after its creation
        created_s = None if told_s is None else min(told_s, ended_s)
        detail = self.status.detail or batch.detail
        return replace(
            batch, stage=Stage.READING, end=self.status.state, created_s=created_s, ended_s=ended_s, detail=detail
        )


@dataclass(frozen=True, slots=True)
class Cancelled:
    """The provider was asked for no more answers."""

    def after(self, batch: Batch) -> Batch:
        """Return the batch after it."""
        return replace(batch, stage=Stage.CANCELLING)


@dataclass(frozen=True, slots=True)
class Lost:
    """The provider does not know it any more; what it has charged for it is not known."""

    detail: str
    now_s: float

    def after(self, batch: Batch) -> Batch:
        """Return the batch after it."""
        return replace(
            batch, stage=Stage.READING, is_lost=True, ended_s=batch.ended_s or self.now_s, detail=self.detail
        )


@dataclass(frozen=True, slots=True)
class Shortened:
    """The results had fewer lines than the provider has counted."""

    def after(self, batch: Batch) -> Batch:
        """Return the batch after it."""
        return replace(batch, short_reads=batch.short_reads + 1)


@dataclass(frozen=True, slots=True)
class Settled:
    """Nothing is left to do."""

    def after(self, batch: Batch) -> Batch:
        """Return the batch after it.

        Raises:
            StageError: requests wait for it.
        """
        if batch.waiting or batch.untold:
            raise StageError("a batch is settled while requests wait for it")
        return replace(batch, stage=Stage.SETTLED)


Event = Uploaded | Created | Unknown | NotThere | Refused | Released | Ended | Cancelled | Lost | Shortened | Settled


class Transition(NamedTuple):
    """Which stage an event leads to, and what then."""

    to: Stage
    note: str = ""


U, C, R, X, D, S = Stage
TRANSITIONS: Mapping[tuple[Stage, type[Event]], Transition] = MappingProxyType(
    {
        (U, Uploaded): Transition(C),
        (U, Refused): Transition(U, "all that wait are returned; then it settles"),
        (U, Released): Transition(U, "all that wait are collected anew; then it settles"),
        (U, Created): Transition(R, "it was found: a late record of a former owner has hidden that"),
        (U, NotThere): Transition(U, "it is uploaded"),
        (U, Settled): Transition(S, "no request waits for it any more, and it was not created"),
        (C, Created): Transition(R),
        (C, Unknown): Transition(C, "it is looked for before it is created again"),
        (C, NotThere): Transition(C, "it is created"),
        (C, Refused): Transition(C, "all that wait are returned; then it settles"),
        (C, Released): Transition(C, "all that wait are collected anew; then it settles"),
        (C, Settled): Transition(S, "no request waits for it any more, and it is not at the provider"),
        (R, Ended): Transition(D, "its results are read"),
        (R, Released): Transition(R, "it has failed before it was begun: all that wait are collected anew"),
        (R, Cancelled): Transition(X, "no request waits for it any more"),
        (R, Lost): Transition(D, "what was charged is unknown"),
        (X, Ended): Transition(D, "what was charged is read"),
        (X, Lost): Transition(D, "what was charged is unknown"),
        (D, Shortened): Transition(D, "they are read again"),
        (D, Lost): Transition(D, "what was charged is unknown"),
        (D, Settled): Transition(S, "all of its lines are published, and the others returned"),
    }
)
_STEPS: Mapping[Stage, Step] = MappingProxyType(
    {U: Step.UPLOAD, C: Step.CREATE, R: Step.POLL, X: Step.POLL, D: Step.READ, S: Step.NOTHING}
)


def next_step(batch: Batch) -> Step:
    """Return what is to be done next; returns that are not told come before it."""
    if batch.stage in (Stage.UPLOADING, Stage.CREATING) and batch.is_unsure:
        return Step.FIND
    if batch.stage in (Stage.UPLOADING, Stage.CREATING) and not batch.waiting:
        return Step.SETTLE
    if batch.stage is Stage.RUNNING and not batch.waiting and batch.handle is not None and batch.handle.is_certain:
        return Step.CANCEL
    return _STEPS[batch.stage]


def advanced(batch: Batch, event: Event) -> Batch:
    """Return the batch after an event.

    Raises:
        StageError: that cannot happen in its stage.
    """
    if (batch.stage, type(event)) not in TRANSITIONS:
        raise StageError(f"{type(event).__name__} of a batch that is {batch.stage}")
    return event.after(batch)


def returning(batch: Batch, who: int, reason: ReturnReason) -> Batch:
    """Return the batch with those of `who` handed to the live path that wait for it."""
    who &= batch.waiting
    if not who:
        return batch
    was_late = batch.was_late or reason is ReturnReason.LATE
    return replace(batch, returned=batch.returned | who, reason=reason, was_late=was_late)


def returns_told(batch: Batch, who: int) -> Batch:
    """Return the batch when the returns of these are on their topic."""
    told = batch.told | (who & batch.returned)
    return replace(batch, told=told, reason=batch.reason if batch.returned & ~told else None)


class Sums(NamedTuple):
    """What was published of some results."""

    answered: int = 0
    cost_nano_usd: int = 0
    saved_nano_usd: int = 0


NO_SUMS = Sums()


def published(batch: Batch, who: int, sums: Sums = NO_SUMS) -> Batch:
    """Return the batch when the results of these are published: answers, costs, and the returns among them."""
    told = batch.told | (who & batch.returned)
    return replace(
        batch,
        done=batch.done | who,
        told=told,
        reason=batch.reason if batch.returned & ~told else None,
        answered=batch.answered + sums.answered,
        cost_nano_usd=batch.cost_nano_usd + sums.cost_nano_usd,
        saved_nano_usd=batch.saved_nano_usd + sums.saved_nano_usd,
    )


def restarted(batch: Batch) -> Batch:
    """Return a batch as another worker, or this one after a crash, finds it: what was under way may have happened.

    So may what comes after it: a record that a former owner had on its way when it was cut off may have been written
    over a later one. A batch that is said to be uploading may have been created.
    """
    return replace(batch, is_unsure=batch.stage in (Stage.UPLOADING, Stage.CREATING))


def reason_after(end: BatchState | None) -> ReturnReason:
    """Return why those are handed back that a batch which has ended so says nothing of."""
    reasons = {
        BatchState.EXPIRED: ReturnReason.EXPIRED,
        BatchState.CANCELLED: ReturnReason.CANCELLED,
        BatchState.FAILED: ReturnReason.FAILED,
        None: ReturnReason.FAILED,
    }
    return reasons.get(end, ReturnReason.LINE_FAILED)
