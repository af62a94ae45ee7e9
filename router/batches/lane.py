"""Which requests may wait for a batch, and why the others may not. Whether it pays is for the plan to say.

A request waits only if it, its tenant or the catalogue says so. One that says nothing is live, and nothing is told of
lanes.
"""

from dataclasses import dataclass
from enum import StrEnum

from router.catalogue import Catalogue, Model
from router.tenants import Tenant
from schemas.requests import Request
from schemas.vocabulary import Lane, Policy

MARGINS = 2
"""A request waits with so many times the margin left that is kept for live calls: at less it would be back at once."""


class WhyLive(StrEnum):
    """Why a request that may wait is answered at once."""

    NO_BATCHES = "no_batches"
    """Its model has none, or no model that may answer has, or this worker cannot ask for them."""
    DEADLINE = "deadline"
    """It is too near."""
    LATE = "late"
    """Batches are, of all models that may answer."""
    NOT_CHEAPER = "not_cheaper"
    PRICE_UNKNOWN = "price_unknown"
    BUDGET = "budget"
    """It does not pay for a batch, or could not be reserved from."""
    UNFIT = "unfit"
    """It asks for what no batch does."""
    CONTENT = "content"
    """That is not in its record, or too large for the lane's topic."""
    BEGUN = "begun"
    """Calls were made for it already."""


@dataclass(frozen=True, slots=True)
class NotWaiting:
    """The request is live."""

    reason: WhyLive | None = None
    """None: that was not in question."""
    detail: str | None = None

    @property
    def why(self) -> str | None:
        """What the response says of it; None: nothing."""
        return None if self.detail is None else f"live: {self.detail}"


LIVE = NotWaiting()


def lane_of(request: Request, tenant: Tenant | None, catalogue: Catalogue) -> Lane:
    """Return the lane that is asked for: by the request, else by its tenant, else by the catalogue."""
    return request.lane or (tenant.lane if tenant is not None else None) or catalogue.lane


def may_be_far(request: Request, tenant: Tenant | None, catalogue: Catalogue) -> bool:
    """Say whether the request may have a deadline beyond that of live ones."""
    return lane_of(request, tenant, catalogue) is not Lane.LIVE


def hindrance(
    request: Request, tenant: Tenant | None, catalogue: Catalogue, left_s: float, margin_s: float
) -> NotWaiting | None:
    """Return why the request does not wait; None if it may.

    Args:
        request: the request.
        tenant: its tenant.
        catalogue: the catalogue.
        left_s: until its deadline.
        margin_s: how much of that is kept for live calls.
    """
    lane = lane_of(request, tenant, catalogue)
    if lane is Lane.LIVE:
        return LIVE
    if not catalogue.has_batches:
        return NotWaiting(WhyLive.NO_BATCHES, "no model of the catalogue has batches")
    least_s = MARGINS * margin_s
    if lane is Lane.AUTO:
        own_s = None if tenant is None else tenant.batch_if_deadline_s
        least_s = max(least_s, catalogue.batch_if_deadline_s if own_s is None else own_s)
    if left_s < least_s:
        near = f"the deadline is {left_s:.0f} s away, and less than {least_s:.0f} s are not waited"
        return NotWaiting(WhyLive.DEADLINE, near)
    model = None if request.model is None else catalogue.models.get(request.model)
    if model is not None and model.batch is None:
        return NotWaiting(WhyLive.NO_BATCHES, f"{model.name} has no batches")
    unfit = _unfit(request, model, catalogue)
    return None if unfit is None else NotWaiting(WhyLive.UNFIT, unfit)


def _unfit(request: Request, model: Model | None, catalogue: Catalogue) -> str | None:
    if request.policy is Policy.CASCADE or (request.policy is None and catalogue.default_policy is Policy.CASCADE):
        return "a cascade checks its first answer, and no batch does"
    if request.max_latency_ms is not None:
        return "max_latency_ms is asked for"
    if "service_tier" in request.parameters:
        return "a service tier is asked for"
    if model is not None and model.join_inputs > 1:
        return "its inputs are joined with those of others"
    return None
