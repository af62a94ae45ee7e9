"""The table of what is charged without an answer: `charges.toml` beside this file, as `router.charges` reads it."""

import tomllib
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from router.charges import Charge, ChargeRow, ChargeRules
from schemas.vocabulary import AttemptOutcome

PATH = Path(__file__).with_name("charges.toml")


def _known(outcome: AttemptOutcome) -> AttemptOutcome:
    if outcome not in set(AttemptOutcome):
        raise ValueError("is no outcome")
    return outcome


class _RawRow(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    charge: Charge
    source: Annotated[str, Field(min_length=1)]
    providers: frozenset[str] = frozenset()
    outcomes: frozenset[Annotated[AttemptOutcome, AfterValidator(_known)]] = frozenset()
    statuses: frozenset[Annotated[int, Field(ge=100, le=999)]] = frozenset()
    error_body: bool = False


class _RawTable(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    rows: tuple[_RawRow, ...]


def read_rows(text: str) -> tuple[ChargeRow, ...]:
    """Return the rows of a table in TOML.

    Raises:
        ValueError: it is none.
    """
    return tuple(ChargeRow(**vars(row)) for row in _RawTable.model_validate(tomllib.loads(text)).rows)


ROWS = read_rows(PATH.read_text())


def charge_rules(provider_name: str, own: Iterable[ChargeRow] = ()) -> ChargeRules:
    """Return the rules of one provider: its own rows of the catalogue, then those of the table."""
    return ChargeRules((*own, *(row for row in ROWS if not row.providers or provider_name in row.providers)))
