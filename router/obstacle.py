"""Why a candidate is not called: a reason for programs, the figures behind it, and the sentence made of both."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from types import MappingProxyType

from schemas.responses import Skipped
from schemas.vocabulary import SkipReason

SENTENCES: Mapping[SkipReason, str] = MappingProxyType(
    {
        SkipReason.NOT_ALLOWED: "tenant: the model is not the tenant's to use",
        SkipReason.CONTEXT_TOO_SMALL: "context: up to {needed} tokens do not fit into {limit}",
        SkipReason.CAPABILITY_LACKING: "capability: {detail}",
        SkipReason.PARAMETER_NOT_TAKEN: "parameter: {detail}",
        SkipReason.NOT_TRANSLATABLE: "dialect: {detail}",
        SkipReason.PRICE_UNKNOWN: "cost: {detail}, and the request has a cost cap or its tenant a budget",
        SkipReason.ABOVE_COST_CAP: "cost: up to {needed} USD, above the cap of {limit}",
        SkipReason.COST_CAP_USED: "cost: {limit} USD are left of the cap",
        SkipReason.TOO_SLOW: "latency: its p99 is {needed:.0f} ms, above the request's {limit} ms",
        SkipReason.BUDGET_USED: "budget: too little of the tenant's budget is left",
        SkipReason.BREAKER_OPEN: "breaker open",
        SkipReason.BREAKER_OPEN_SLOW: "breaker open: the model is slow",
        SkipReason.PROBES_OUT: "breaker half-open, probes are out",
        SkipReason.RATE_LIMIT: "rate limit",
        SkipReason.RAMPING_UP: "ramping up",
        SkipReason.BACKING_OFF: "pause after a failure",
        SkipReason.ACCOUNTS_REFUSED: "accounts: the provider has refused all of them lately",
    }
)
"""`needed` is what the call would take, `limit` what there is: tokens, US dollars or milliseconds. `detail` is what
`router.capabilities`, `router.parameters`, `router.dialects` and `router.bounds` say."""


@dataclass(frozen=True, slots=True)
class Obstacle:
    """What keeps one candidate from being called."""

    reason: SkipReason
    needed: float | Decimal = 0
    limit: float | Decimal = 0
    detail: str = ""

    def __str__(self) -> str:
        needed, limit = (f"{one:f}" if isinstance(one, Decimal) else one for one in (self.needed, self.limit))
        return SENTENCES[self.reason].format(needed=needed, limit=limit, detail=self.detail)

    def skipped(self, model: str) -> Skipped:
        """Return the entry of the response about the model."""
        return Skipped(request_model=model, code=self.reason, reason=str(self))
