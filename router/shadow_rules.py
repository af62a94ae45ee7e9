"""Which requests have a shadow, and who pays for it: `[shadow_calls]` of the catalogue.

A hash of tenant and request id decides, so that a request that is delivered again is decided on as before, and the
same on every worker.
"""

import hashlib
from dataclasses import dataclass
from decimal import Decimal

from router.experiments import Experiment
from router.tenants import Tenant
from schemas.costs import SHADOW_TENANT


@dataclass(frozen=True, slots=True)
class ShadowRules:
    """How many requests are asked of another model too, of which, and for how much money."""

    share: float
    """Of the requests, 0 to 1, that are asked of one of the `models`."""
    budget_usd_per_day: Decimal
    """Of all workers together, by UTC days, judges included."""
    models: tuple[str, ...]
    """One of them is asked, another than the one that answered."""
    judge: str | None = None
    """The model that says how good both answers are; None: no model does."""
    at_once: int = 8
    """The most of one worker that are under way."""
    experiments: tuple[Experiment, ...] = ()
    """Whose policy chooses the model for further shares; with `share` they add up to 1 or less."""

    @property
    def payer(self) -> Tenant:
        """Who pays: a tenant without requests of its own."""
        return Tenant(SHADOW_TENANT, daily_budget_usd=self.budget_usd_per_day)


def lot_of(what: str, tenant: str, request_id: str) -> float:
    """Return a number from 0 to below 1, the same for ever; that of another `what` is independent of it."""
    text = f"{what}\x1f{tenant}\x1f{request_id}".encode(errors="replace")
    return int.from_bytes(hashlib.blake2b(text, digest_size=8, person=b"shadow").digest()) / 2**64
