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
from pathlib import Path

import orjson
from pydantic import TypeAdapter, ValidationError

from sandbox.provider.outcome import FinishReason

LONGEST_ROW_BYTES = 4096
"""An upper bound: the only field a caller can stretch is the idempotency key, which is limited to 255 characters."""


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
        """Return the row charged under a key, read back from the file."""
        offset = self._offsets.get(idempotency_key)
        if offset is None:
            return None
        line, _, _ = os.pread(self._fd, LONGEST_ROW_BYTES, offset).partition(b"\n")
        return _ROW.validate_json(line)

    def close(self) -> None:
        """Release the file and its lock."""
        os.close(self._fd)

    def _account(self, line: bytes, row: InvoiceRow) -> None:
        if row.idempotency_key is not None:
            self._offsets[row.idempotency_key] = self._size
        self._size += len(line)
        self.totals[row.model].add(row)
