"""The shares of one model's limits, all of them, as one owner of the aggregate leaves them to the next."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

from pydantic import BaseModel, ConfigDict

from schemas.message import Count


class StoredGrants(BaseModel):
    """The form in the table's changelog, JSON."""

    model_config = ConfigDict(frozen=True)

    shares: dict[str, Count]
    accounts: dict[str, dict[str, dict[str, Count]]] = {}


@dataclass(frozen=True, slots=True)
class Granted:
    """By worker; of accounts by account, limit and worker."""

    shares: Mapping[str, int]
    accounts: Mapping[str, Mapping[str, Mapping[str, int]]]

    def stored(self) -> bytes:
        """Return the shares for the changelog."""
        return (
            StoredGrants.model_validate({"shares": self.shares, "accounts": self.accounts}).model_dump_json().encode()
        )

    @classmethod
    def restored(cls, value: bytes) -> Self:
        """Read what `stored` wrote.

        Raises:
            pydantic.ValidationError: it did not.
        """
        stored = StoredGrants.model_validate_json(value)
        return cls(stored.shares, stored.accounts)
