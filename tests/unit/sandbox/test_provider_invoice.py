"""The invoice file: exact rows that outlive their writer."""

from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import orjson
import pytest

from sandbox.provider.invoice import Invoice, InvoiceRow, InvoiceUnusable, read_invoice
from sandbox.provider.outcome import FinishReason

ROW = InvoiceRow(
    id="chatcmpl-1",
    idempotency_key="request-1:1",
    model="deepseek-v3.2",
    input_tokens=54,
    cached_input_tokens=0,
    output_tokens=136,
    finish_reason=FinishReason.STOP,
    cost_usd=Decimal("0.000039900"),
    cost_nano_usd=39_900,
    charged_at=datetime(2026, 11, 24, tzinfo=UTC),
)
SMALL = InvoiceRow("chatcmpl-2", None, "gpt-4.1", 1, 0, 0, FinishReason.STOP, Decimal("4E-9"), 4, ROW.charged_at)


def test_a_charged_row_is_in_the_file_at_once_and_reads_back_equal(tmp_path: Path) -> None:
    invoice = Invoice(tmp_path / "invoice.jsonl")
    invoice.charge(ROW)
    invoice.charge(SMALL)

    assert read_invoice(invoice.path) == [ROW, SMALL]
    assert [orjson.loads(line)["cost_usd"] for line in invoice.path.read_bytes().splitlines()] == [
        "0.000039900",
        "0.000000004",
    ]
    invoice.close()


def test_a_new_writer_knows_totals_and_keys_of_the_old_one(tmp_path: Path) -> None:
    old = Invoice(tmp_path / "invoice.jsonl")
    old.charge(SMALL)
    old.charge(ROW)
    old.close()

    new = Invoice(tmp_path / "invoice.jsonl")
    assert new.find("request-1:1") == ROW
    assert new.find("request-2:1") is None
    assert {model: (total.calls, total.cost_nano_usd) for model, total in new.totals.items()} == {
        "gpt-4.1": (1, 4),
        "deepseek-v3.2": (1, 39_900),
    }
    new.close()


def test_a_torn_last_line_was_never_charged(tmp_path: Path) -> None:
    path = tmp_path / "invoice.jsonl"
    first = Invoice(path)
    first.charge(ROW)
    first.close()
    with path.open("ab") as file:
        file.write(path.read_bytes()[:-1])

    assert read_invoice(path) == [ROW]
    second = Invoice(path)
    second.charge(SMALL)
    second.close()
    assert read_invoice(path) == [ROW, SMALL]


def test_a_foreign_line_stops_the_start_and_is_named(tmp_path: Path) -> None:
    path = tmp_path / "invoice.jsonl"
    path.write_text('{"id": 1}\n')

    with pytest.raises(InvoiceUnusable, match="Line 1 of the invoice"):
        Invoice(path)


def test_two_writers_cannot_share_an_invoice(tmp_path: Path) -> None:
    holder = Invoice(tmp_path / "invoice.jsonl")

    with pytest.raises(InvoiceUnusable, match="in use"):
        Invoice(holder.path)
    holder.close()


def test_there_is_no_invoice_before_the_first_provider(tmp_path: Path) -> None:
    assert read_invoice(tmp_path / "invoice.jsonl") == []
