"""What was decided about a request before it is called for: values that planning makes and events tell."""

from dataclasses import dataclass
from decimal import Decimal
from typing import NamedTuple

from router.catalogue import Model, Price
from router.obstacle import Obstacle
from router.parameters import LIST_PRICE, Terms
from schemas.requests import Request
from schemas.vocabulary import Task, Tier


@dataclass(frozen=True, slots=True)
class Route:
    """The kind of task, the tier for it, and why."""

    task: Task
    tier: Tier
    reason: str
    arm: str | None = None
    """Of an experiment; None: it can be in none."""


class Estimate(NamedTuple):  # several for each request, and a frozen dataclass takes four times as long to make
    """The tokens of a call, bounded from above before it is made."""

    input_tokens: int
    output_tokens: int

    @property
    def cached_input_tokens(self) -> int:
        """Not known before the call."""
        return 0

    @property
    def cache_write_tokens(self) -> int:
        """Not known before the call."""
        return 0


class Candidate(NamedTuple):  # as `Estimate`
    """A model that may answer."""

    model: Model
    why: str
    bound: Estimate
    upper_usd: Decimal | None
    """The most that one call costs, whenever it starts before the deadline; None if that is not known."""
    max_tokens: int
    """The longest answer to ask for; the bound may be above it."""
    terms: Terms | None = LIST_PRICE
    """None: what the call costs will not be known afterwards either."""
    unpriced: str | None = None
    """Why there is no `upper_usd`, if not for want of a price."""
    not_taken: Obstacle | None = None
    """Why the model cannot take the request at all."""

    request: Request | None = None
    """What it is asked, if not what everybody is: its own answer with what is wrong with it (a repair)."""

    def because(self, why: str) -> "Candidate":
        """Return the candidate with another reason."""
        return Candidate(self.model, why, *self[2:])

    def price_at(self, at_ms: int) -> Price | None:
        """Return the price of a call that starts at the moment, in milliseconds since 1970."""
        price = self.model.price_at(at_ms)
        return None if price is None or self.terms is None else priced(price, self.terms)


def priced(price: Price, terms: Terms) -> Price:
    """Return the price list on these terms."""
    return price if terms is LIST_PRICE else price.times(terms.factor, terms.per_call_usd)
