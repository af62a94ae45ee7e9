"""The provider's invoice: an append-only file of one JSON line per charged call, which survives a kill.

A line goes to the kernel in one unbuffered write before the answer leaves, so a killed provider has charged what
the file says. It is not synced to the disk: a power cut may lose lines.
"""

import errno
import fcntl
import os
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from pathlib import Path

import orjson
from pydantic import TypeAdapter, ValidationError

from sandbox.provider.models import TokenCounts
from sandbox.provider.outcome import FinishReason

LONGEST_ROW_BYTES = 4096
"""An upper bound: the only field a caller can stretch is the idempotency key, which is limited to 255 characters."""


class ChargeReason(StrEnum):
    """Why a call was charged."""

    ANSWERED = "answered"
    CALLER_LEFT = "caller_left"
    """The answer was generated, and the caller had left by then."""
    KEY_IGNORED = "key_ignored"
    """The answer was generated once more for an idempotency key that had been charged, or was being generated for."""
    ERROR = "error"
    """The call was answered with an error; the row's status tells which."""
    UNANSWERED = "unanswered"
    """Not a byte was answered: the call hung, or its connection was reset."""


ANSWERS = frozenset({ChargeReason.ANSWERED, ChargeReason.CALLER_LEFT, ChargeReason.KEY_IGNORED})


class LineItem(StrEnum):
    """What a line is for; its quantity are tokens, images or searches."""

    INPUT = "input"
    CACHED_INPUT = "cached_input"
    CACHE_WRITE = "cache_write"
    AUDIO_INPUT = "audio_input"
    OUTPUT = "output"
    REASONING = "reasoning"
    AUDIO_OUTPUT = "audio_output"
    REJECTED_PREDICTION = "rejected_prediction"
    SERVICE_TIER = "service_tier"
    """What the tier adds to the price of all tokens, or takes off it."""
    IMAGES = "images"
    WEB_SEARCH = "web_search"


@dataclass(frozen=True, slots=True)
class InvoiceLine:
    """One item of a row; `usd` is exact, and only the row's sum is rounded."""

    item: LineItem
    quantity: int
    usd: Decimal


class InvoiceUnusable(Exception):  # noqa: N818 - reads as the sentence it starts
    """The invoice file is held by another provider or contains what no provider wrote."""


@dataclass(frozen=True, slots=True)
class InvoiceRow:
    """One charged call. `id` is that of the answer; money is given as dollars with 9 places and as nano-dollars."""

    id: str
    idempotency_key: str | None
    model: str
    input_tokens: int
    cached_input_tokens: int
    output_tokens: int
    finish_reason: FinishReason
    cost_usd: Decimal
    cost_nano_usd: int
    charged_at: datetime
    cache_write_tokens: int = 0
    reasoning_tokens: int = 0
    audio_input_tokens: int = 0
    audio_output_tokens: int = 0
    rejected_tokens: int = 0
    reason: ChargeReason = ChargeReason.ANSWERED
    status: int | None = 200
    """The status that the call was answered with, if it was; a caller who has left did not see it."""
    lines: tuple[InvoiceLine, ...] = ()
    account: str | None = None
    """Whom it charges, where there are accounts."""
    batch_id: str | None = None
    custom_id: str | None = None
    """Of a line of a batch."""

    @property
    def counts(self) -> TokenCounts:
        """All tokens of the call."""
        return TokenCounts(
            self.input_tokens,
            self.output_tokens,
            self.cached_input_tokens,
            self.cache_write_tokens,
            self.reasoning_tokens,
            self.audio_input_tokens,
            self.audio_output_tokens,
            self.rejected_tokens,
        )


@dataclass(slots=True)
class InvoiceTotal:
    """What one model was charged so far."""

    calls: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    cost_nano_usd: int = 0

    def add(self, row: InvoiceRow) -> None:
        """Count one more row."""
        self.calls += 1
        self.input_tokens += row.input_tokens
        self.output_tokens += row.output_tokens
        self.cost_nano_usd += row.cost_nano_usd


_ROW = TypeAdapter(InvoiceRow)


def read_invoice(path: Path) -> list[InvoiceRow]:
    """Read the rows of an invoice file, which may be in use; none if there is no file. Raises InvoiceUnusable."""
    return [row for _, row in _lines(path)] if path.exists() else []


def _lines(path: Path) -> Iterator[tuple[bytes, InvoiceRow]]:
    """Yield each whole line with its row; a line without its end was never charged."""
    with path.open("rb") as file:
        for number, line in enumerate(file, start=1):
            if not line.endswith(b"\n"):
                return
            try:
                yield line, _ROW.validate_json(line)
            except ValidationError as error:
                raise InvoiceUnusable(f"Line {number} of the invoice {path} is no invoice row: {error}") from None


class Invoice:
    """The invoice of one running provider, which holds the file's lock.

    Only totals and the place of each idempotency key are kept in memory. Raises InvoiceUnusable.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.totals: defaultdict[str, InvoiceTotal] = defaultdict(InvoiceTotal)
        self._offsets: dict[str, int] = {}
        self._size = 0
        path.parent.mkdir(parents=True, exist_ok=True)
        self._fd = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o644)
        try:
            fcntl.flock(self._fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            for line, row in _lines(path):
                self._account(line, row)
        except BlockingIOError:
            os.close(self._fd)
            raise InvoiceUnusable(f"The invoice {path} is in use by another provider.") from None
        except InvoiceUnusable:
            os.close(self._fd)
            raise
        os.ftruncate(self._fd, self._size)

    def charge(self, row: InvoiceRow) -> None:
        """Write a row; on return a kill cannot lose it. Raises OSError, and then nothing is charged."""
        line = (
            orjson.dumps(
                {
                    "id": row.id,
                    "idempotency_key": row.idempotency_key,
                    "model": row.model,
                    "input_tokens": row.input_tokens,
                    "cached_input_tokens": row.cached_input_tokens,
                    "output_tokens": row.output_tokens,
                    "finish_reason": row.finish_reason,
                    "cost_usd": f"{row.cost_usd:f}",
                    "cost_nano_usd": row.cost_nano_usd,
                    "charged_at": row.charged_at,
                    "cache_write_tokens": row.cache_write_tokens,
                    "reasoning_tokens": row.reasoning_tokens,
                    "audio_input_tokens": row.audio_input_tokens,
                    "audio_output_tokens": row.audio_output_tokens,
                    "rejected_tokens": row.rejected_tokens,
                    "reason": row.reason,
                    "status": row.status,
                    "lines": [
                        {"item": line.item, "quantity": line.quantity, "usd": f"{line.usd:f}"} for line in row.lines
                    ],
                    **({} if row.account is None else {"account": row.account}),
                    **({} if row.batch_id is None else {"batch_id": row.batch_id, "custom_id": row.custom_id}),
                },
                option=orjson.OPT_UTC_Z,
            )
            + b"\n"
        )
        if os.write(self._fd, line) != len(line):
            os.ftruncate(self._fd, self._size)
            raise OSError(errno.ENOSPC, "no room for a whole invoice row", str(self.path))
        self._account(line, row)

    def find(self, idempotency_key: str) -> InvoiceRow | None:
        """Return the row of the first answer charged under a key, read back from the file."""
        offset = self._offsets.get(idempotency_key)
        if offset is None:
            return None
        line, _, _ = os.pread(self._fd, LONGEST_ROW_BYTES, offset).partition(b"\n")
        return _ROW.validate_json(line)

    def close(self) -> None:
        """Release the file and its lock."""
        os.close(self._fd)

    def _account(self, line: bytes, row: InvoiceRow) -> None:
        if row.idempotency_key is not None and row.reason in ANSWERS:
            self._offsets.setdefault(row.idempotency_key, self._size)
        self._size += len(line)
        self.totals[row.model].add(row)
