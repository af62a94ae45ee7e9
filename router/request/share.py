"""Parts of one joined call: integers that add up to the whole, to the nano-dollar and to the token.

The whole is priced first and then divided, money in nano-dollars and tokens on their own: of prices that are fractions
of a nano-dollar a token, parts that are priced by their own tokens do not add up to what the call was charged.

Where one member is billed by its bound, because it was given up, and the others by their parts, they are together
short of the charge by less than a nano-dollar a member at the most, and only if the bound was exact (of token ids).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from router.cost import nano_usd
from schemas.message import NANO_USD
from schemas.responses import Usage

COUNTS = ("input_tokens", "cached_input_tokens", "cache_write_tokens", "output_tokens", "reasoning_tokens")


def shares(whole: int, weights: Sequence[int]) -> tuple[int, ...]:
    """Return a part of the whole for each weight, at least one of which is not 0: rounded down, the rest to the last.

    Each part but the last is below its exact value by less than 1, so the last is above its own by less than their
    number.
    """
    total = sum(weights)
    first = [whole * weight // total for weight in weights[:-1]]
    return (*first, whole - sum(first))


@dataclass(frozen=True, slots=True)
class Share:
    """Which part of a joined call is one member's."""

    weights: tuple[int, ...]
    """The bounds of all members' inputs in tokens, by our own count, in the order of the call."""
    place: int
    """The member's among them."""
    leads: bool
    """Whether the member speaks for the call where it counts once: to the model's health and limit."""

    def of(self, whole: int) -> int:
        """Return the member's part of a count."""
        return shares(whole, self.weights)[self.place]

    def usd(self, whole: Decimal | None) -> Decimal | None:
        """Return the member's part of an amount of 9 places."""
        return None if whole is None else self.of(nano_usd(whole)) * NANO_USD

    def usage(self, whole: Usage) -> Usage:
        """Return the member's part of the tokens, and of what the provider says that they cost."""
        counted = {name: self.of(count) for name in COUNTS if (count := getattr(whole, name)) is not None}
        return whole.model_copy(update={**counted, "provider_cost_usd": self.usd(whole.provider_cost_usd)})
