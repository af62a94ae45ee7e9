"""The faults of batches, put in force by POST /sandbox/batch-faults.

    upload_429        429 on an upload; with retry_after_s it says when to come back
    upload_500_after  the file is kept, and the upload is answered with 500
    create_429        429 on the creation: too many tokens or batches in the queue
    create_413        the batch is too large
    create_500_after  the batch is created, and the creation is answered with 500
    create_reset_after  the same, and the connection is reset
    token_limit       more enqueued tokens than the account may have: OpenAI's
                      batch is created and fails, others answer 429
    fail              the batch fails at its end, without results
    expire            at its end a share (rate) of the lines is answered, and the
                      rest has expired
    slow              the batch takes factor times as long
    line_errors       a share (rate) of the lines ends with the vendor's 500,
                      which is not charged
    missing_lines     a share of the lines is answered, charged and not told
    duplicate_lines   a share of the lines is told twice, charged once
    shuffled          results in any order, as Anthropic's always are
    truncated_download  results break off in the middle of the body
    status_503        503 on a question how a batch stands

A fault befalls the batches of `model`, or of every model, `count` times if that
is given. What is about lines and their time is decided when a batch is created.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, NonNegativeFloat, PositiveFloat, PositiveInt

from sandbox.provider.faults import EVERY_MODEL


class BatchFaultKind(StrEnum):
    """What goes wrong; the module's docstring says how each one looks."""

    UPLOAD_429 = "upload_429"
    UPLOAD_500_AFTER = "upload_500_after"
    CREATE_429 = "create_429"
    CREATE_413 = "create_413"
    CREATE_500_AFTER = "create_500_after"
    CREATE_RESET_AFTER = "create_reset_after"
    TOKEN_LIMIT = "token_limit"  # noqa: S105 - a limit is no secret
    FAIL = "fail"
    EXPIRE = "expire"
    SLOW = "slow"
    LINE_ERRORS = "line_errors"
    MISSING_LINES = "missing_lines"
    DUPLICATE_LINES = "duplicate_lines"
    SHUFFLED = "shuffled"
    TRUNCATED_DOWNLOAD = "truncated_download"
    STATUS_503 = "status_503"


OF_THE_COURSE = (
    BatchFaultKind.FAIL,
    BatchFaultKind.EXPIRE,
    BatchFaultKind.SLOW,
    BatchFaultKind.LINE_ERRORS,
    BatchFaultKind.MISSING_LINES,
    BatchFaultKind.DUPLICATE_LINES,
    BatchFaultKind.SHUFFLED,
)
"""Those that a batch has from its creation on."""


class BatchFault(BaseModel):
    """One scripted fault, as `POST /sandbox/batch-faults` takes it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    fault: BatchFaultKind
    model: str = EVERY_MODEL
    count: PositiveInt | None = None
    rate: Annotated[float, Field(gt=0, le=1)] = 0.5
    factor: PositiveFloat = 10.0
    retry_after_s: NonNegativeFloat | None = None


@dataclass(slots=True)
class _Scripted:
    fault: BatchFault
    hits_left: int | None


class BatchFaultScript:
    """The faults in force."""

    def __init__(self) -> None:
        self._scripted: list[_Scripted] = []

    def add(self, fault: BatchFault) -> None:
        """Put a fault in force."""
        self._scripted.append(_Scripted(fault, fault.count))

    def clear(self) -> None:
        """Remove all."""
        self._scripted.clear()

    def active(self) -> list[BatchFault]:
        """Return those in force, oldest first."""
        self._scripted = [item for item in self._scripted if item.hits_left != 0]
        return [item.fault for item in self._scripted]

    def hit(self, kind: BatchFaultKind, model: str) -> BatchFault | None:
        """Return the fault of this kind that befalls a batch of the model, if one does."""
        for item in self._scripted:
            fault = item.fault
            if fault.fault is kind and fault.model in (model, EVERY_MODEL) and item.hits_left != 0:
                if item.hits_left is not None:
                    item.hits_left -= 1
                return fault
        return None
