"""Whether a call that brought no answer was charged: rows of free, charged or unknown, and who decides.

The rows are data (`streams/config/charges.toml`, and a provider's own in the catalogue). The first one that fits
decides; what no row speaks of is unknown, and then billed at the most that it may have cost.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from schemas.vocabulary import AttemptOutcome


class Charge(StrEnum):
    """What a call that brought no answer costs."""

    FREE = "free"
    CHARGED = "charged"
    """Certainly. How much is told by the reply's usage, else it is the estimate."""
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class ChargeRow:
    """One row. What is empty fits anything."""

    charge: Charge
    source: str
    providers: frozenset[str] = frozenset()
    outcomes: frozenset[AttemptOutcome] = frozenset()
    statuses: frozenset[int] = frozenset()
    error_body: bool = False
    """Only if the reply holds an error in JSON: the page of a proxy in between says nothing of what is behind it."""

    def fits(self, outcome: AttemptOutcome, status: int | None, *, error_body: bool) -> bool:
        """Say whether the row is about this end of a call. Its provider is not looked at."""
        return (
            (not self.outcomes or outcome in self.outcomes)
            and (not self.statuses or status in self.statuses)
            and (error_body or not self.error_body)
        )


class ChargeRules:
    """The rows of one provider."""

    def __init__(self, rows: Iterable[ChargeRow]) -> None:
        self._rows = tuple(rows)

    def of(self, outcome: AttemptOutcome, status: int | None = None, *, error_body: bool = False) -> Charge:
        """Return what a call costs that ended so.

        Args:
            outcome: what came of it, of any category but an answer.
            status: the HTTP status, or the one that the error inside of a 2xx names; None without a response.
            error_body: the reply holds an error in JSON.
        """
        rows = (row.charge for row in self._rows if row.fits(outcome, status, error_body=error_body))
        return next(rows, Charge.UNKNOWN)
