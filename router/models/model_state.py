"""One model as one worker has it: what is held against it, what is under way, and what all workers share of it."""

from dataclasses import dataclass
from typing import NamedTuple

from router.catalogue import Catalogue, HealthRules, Model
from router.models.accounts import Accounts
from router.models.breaker import Breaker
from router.models.health import Reading, Window
from router.models.in_flight import InFlight
from router.models.stats import StatsBuffer
from router.sharing.member import REPORT_EVERY_S
from router.sharing.rate_limit import RateLimit
from schemas.health import BreakerState, ModelHealth
from schemas.vocabulary import SkipReason

STALE_S = 30.0
"""Shared health that is older is no longer believed."""

HEARD_S = 3.0
"""After this time what a worker has reported is in the shared health for certain."""

LIMITED_S = 3.0
"""For this time a request that found no room says that the share is too small."""

BYPASS_PAUSE_S = 5.0
"""How often an open breaker is bypassed, seconds: when all are open, requests wait rather than use up their calls."""


@dataclass(frozen=True, slots=True)
class Transition:
    """A breaker has changed. `reading` is what this worker had measured until then."""

    model: Model
    from_state: BreakerState
    to_state: BreakerState
    reason: str
    at_s: float
    reading: Reading


@dataclass(frozen=True, slots=True)
class Bypass:
    """When a model may be called although its breaker is not closed, should no other be ready; None: not at all."""

    at_s: float | None
    slow: bool = False
    """The breaker is open for slowness alone, so the model answers."""


class Readiness(NamedTuple):  # one for each look at a model, and a frozen dataclass takes four times as long to make
    """When a model may be called: at `at_s`; None while all its probes are under way, for that depends on them."""

    at_s: float | None
    reason: SkipReason | None = None
    """What holds it back; `RAMPING_UP` holds back only a part of the requests."""
    share: float = 1.0
    """The part of the requests that should come, while the model ramps up."""
    limited: bool = False
    """This worker's share of the limit is used up."""
    bypass: Bypass | None = None
    """None: the breaker is closed."""

    def now(self, now_s: float) -> bool:
        """Say whether that is now."""
        return self.at_s is not None and self.at_s <= now_s


@dataclass(frozen=True, slots=True)
class Permit:
    """One call that was let through."""

    model: Model
    opening: int | None
    """The breaker's opening that the call is a probe of."""
    number: int
    """Tells it from the model's other calls under way."""
    account: str | None = None
    """By which of the provider's accounts; None: it has none."""


@dataclass(frozen=True, slots=True)
class View:
    """How a model looks to a plan."""

    severity: int
    """0: nothing is held against it; 1: degraded; 2: unhealthy."""
    p99_ms: float | None
    note: str | None
    """What a reader of the plan should know."""


class ModelState:
    """The state of one model, as one worker has it."""

    __slots__ = (
        "accounts",
        "breaker",
        "degraded_until_s",
        "flight",
        "granted",
        "granted_of_accounts",
        "limit",
        "limited_s",
        "provider_name",
        "rules",
        "shared",
        "shared_s",
        "stats_buffer",
        "view",
        "view_until_s",
        "window",
    )

    def __init__(self, catalogue: Catalogue, model: Model) -> None:
        self.rules: HealthRules = catalogue.health_of(model)
        self.provider_name = model.provider_name
        self.breaker = Breaker()
        self.limit = RateLimit(model.requests_per_minute)
        self.window = Window(self.rules.window_s)
        self.flight = InFlight()
        own = catalogue.accounts.get(model.provider_name, ())
        self.accounts = Accounts(own, model.name) if own else None
        self.stats_buffer = StatsBuffer(model.requests_per_minute, {one.name: one.limits_of(model.name) for one in own})
        self.shared: ModelHealth | None = None
        self.shared_s = float("-inf")
        self.granted: int | None = None
        """This worker's share, as it was told last; it holds while the shared health is believed."""
        self.granted_of_accounts: dict[str, dict[str, int]] = {}
        """The same of accounts, by account and limit."""
        self.degraded_until_s: float | None = None
        """Most of the latest calls were slow; until then the model stands back."""
        self.limited_s = -LIMITED_S
        self.view: View | None = None
        self.view_until_s = float("-inf")

    def is_browned_out(self, now_s: float) -> bool:
        """Say whether the model stands back."""
        return self.degraded_until_s is not None and now_s < self.degraded_until_s

    @property
    def is_slow(self) -> bool:
        """Whether its breaker is open for slowness."""
        return self.breaker.slow and self.breaker.state is not BreakerState.CLOSED

    def probed_by(self, permit: Permit) -> bool:
        """Say whether the call is a probe of the present opening."""
        return permit.opening == self.breaker.openings

    def recovered_after(self, as_of_s: float) -> bool:
        """Say whether this worker's own probes know better than what was heard of that moment."""
        recovered_s = self.breaker.recovered_s
        return recovered_s is not None and as_of_s < recovered_s + HEARD_S

    def shared_at(self, now_s: float) -> ModelHealth | None:
        """Return the shared health if it is to be believed."""
        return self.shared if now_s - self.shared_s <= STALE_S else None

    def follow(self, health: ModelHealth, worker: str | None) -> None:
        """Take in the shared health, with what it tells this worker of its shares."""
        self.shared, self.shared_s, self.view = health, health.as_of.timestamp(), None
        if worker is None:
            return
        if health.shares_complete:
            self.granted, self.granted_of_accounts = None, {}
        self.granted = health.shares.get(worker, self.granted)
        for account, told in health.accounts.items():
            for limit, shares in told.shares.items():
                if worker in shares:
                    self.granted_of_accounts.setdefault(account, {})[limit] = shares[worker]

    def report_every_s(self, now_s: float) -> float:
        """Return how often the others want to hear of the model what is not urgent, seconds."""
        shared = self.shared_at(now_s)
        return REPORT_EVERY_S if shared is None else shared.report_every_s or REPORT_EVERY_S

    def unknown_note(self, now_s: float, *, is_alone: bool) -> str | None:
        """Say why the shared health is not known; a worker that is alone has none to miss."""
        if self.shared is not None:
            return f"shared health unknown: no update for {now_s - self.shared_s:.0f} s"
        return None if is_alone else "shared health unknown: none has come yet"


def bypass_of(breaker: Breaker, limited_s: float) -> Bypass:
    """Say when a breaker that is not closed may be bypassed; a limit may not.

    One that is open for failures: once in a while, by one probe. One that is open for slowness: at any time.
    """
    if breaker.slow:
        return Bypass(limited_s, slow=True)
    if breaker.state is not BreakerState.OPEN or breaker.probes:
        return Bypass(None)
    return Bypass(max(limited_s, breaker.opened_s + BYPASS_PAUSE_S))
