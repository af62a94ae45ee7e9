"""docs/providers.md has every row of the tables by which providers are read."""

from pathlib import Path

import pytest

from router.charges import ChargeRow
from streams.config.charges import ROWS as CHARGES
from streams.providers.error_table import ROWS, Row
from streams.providers.usage_table import COST_FIELDS, FIELDS

DOC = (Path(__file__).parents[2] / "docs" / "providers.md").read_text()
LINES = DOC.splitlines()


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.source)
def test_every_row_of_the_errors_is_there(row: Row) -> None:
    (line,) = (line for line in LINES if line.endswith(f"| {row.source} |"))
    assert line.startswith(f"| `{row.outcome}`")
    assert all(f"`{code}`" in line for code in row.codes)
    assert ("ends the request" in line) == row.is_final
    assert ("| yes |" in line) == (row.words is not None)


@pytest.mark.parametrize("row", CHARGES, ids=lambda row: row.source)
def test_every_row_of_the_charges_is_there(row: ChargeRow) -> None:
    assert f"{_charge_line(row)}" in LINES, _charge_line(row)


def _charge_line(row: ChargeRow) -> str:
    providers = ", ".join(sorted(row.providers)) or "any"
    outcomes = ", ".join(f"`{outcome}`" for outcome in sorted(row.outcomes)) or "any"
    statuses = ", ".join(str(status) for status in sorted(row.statuses)) or "any"
    body = ", with an error in JSON" if row.error_body else ""
    return f"| {row.charge} | {providers} | {outcomes} | {statuses}{body} | {row.source} |"


def test_every_field_of_a_usage_is_there() -> None:
    names = [".".join(field.path) for field in FIELDS] + [".".join(path) for path, _, _ in COST_FIELDS]
    assert [name for name in names if sum(f"| `{name}` |" in line for line in LINES) != 1] == []


def test_every_test_that_it_names_is_there() -> None:
    tests = Path(__file__).parents[1]
    for name in ("body", "answers", "usage", "errors", "waits", "secrets", "endpoints"):
        assert f"`test_{name}`" in DOC
        assert (tests / "unit" / "streams" / "providers" / f"test_{name}.py").exists()
