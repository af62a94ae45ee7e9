"""The invoice file: exact rows that outlive their writer."""

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import orjson
import pytest

from sandbox.provider.invoice import (
    ChargeReason,
    Invoice,
    InvoiceLine,
    InvoiceRow,
    InvoiceUnusable,
    LineItem,
    read_invoice,
)
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
    lines=(
        InvoiceLine(LineItem.INPUT, 54, Decimal("0.00001134")),
        InvoiceLine(LineItem.OUTPUT, 136, Decimal("0.00002856")),
    ),
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


def test_a_key_is_answered_by_its_first_answer_and_never_by_an_error(tmp_path: Path) -> None:
    invoice = Invoice(tmp_path / "invoice.jsonl")
    invoice.charge(replace(ROW, id="failed", reason=ChargeReason.ERROR, status=500))
    assert invoice.find("request-1:1") is None
    invoice.charge(ROW)
    invoice.charge(replace(ROW, id="again", reason=ChargeReason.KEY_IGNORED))

    assert invoice.find("request-1:1") == ROW
    invoice.close()


def test_a_row_from_before_there_were_lines_is_still_read(tmp_path: Path) -> None:
    path = tmp_path / "invoice.jsonl"
    old = (
        '{"id":"chatcmpl-2","idempotency_key":null,"model":"gpt-4.1","input_tokens":1,"cached_input_tokens":0,'
        '"output_tokens":0,"finish_reason":"stop","cost_usd":"0.000000004","cost_nano_usd":4,'
        '"charged_at":"2026-11-24T00:00:00Z"}\n'
    )
    path.write_text(old)

    assert read_invoice(path) == [SMALL]


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
