"""The aggregates behind the page: pure, bounded, and counted once however often an event comes.

Time is cut into steps; what is older than the window is forgotten. Money is in billionths of a US dollar, as the cost
events have it, and by the rules of the warehouse: an event that comes again adds nothing, one whose cost is better
known takes the place of the earlier one.
"""

from collections import Counter, deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from dashboard.seen import SeenIds
from schemas.batch_lanes import BatchLane
from schemas.budgets import Budget
from schemas.costs import CostEvent
from schemas.failovers import Failover
from schemas.health import ModelHealth
from schemas.message import NANO_USD
from schemas.quality import ModelQuality
from schemas.responses import Response
from schemas.vocabulary import AttemptOutcome, Certainty, Status

STEPS = 120
"""How many points a chart has."""
MOST_KEYS = 200
"""Pairs of model and tenant that one step tells apart; the rest of it is one tenant, `OTHERS`."""
MOST_TENANTS = 500
"""Budgets that are kept."""
MOST_CELLS = 2000
"""Models, tasks and difficulties whose quality is kept."""
MOST_LANES = 500
"""Providers, models and accounts whose batches are kept."""
MOST_PROVISIONAL = 10_000
"""Calls whose cost may become better known; of older ones the first word stands."""
KEPT_FAILOVERS = 20
OTHERS = "(others)"


@dataclass(slots=True)
class Spend:
    """Calls and what they cost, in nano-dollars."""

    calls: int = 0
    unpriced_calls: int = 0
    spent: int = 0
    baseline: int = 0
    """What the answers would have cost at the baseline model."""
    compared: int = 0
    """The part of what was spent that has a baseline, for calls without an answer too."""

    @classmethod
    def of(cls, event: CostEvent) -> "Spend":
        """Return the spend of one call."""
        cost = event.cost_nano_usd
        if cost is None:
            return cls(calls=1, unpriced_calls=1)
        if event.baseline_cost_usd is None:
            return cls(calls=1, spent=cost)
        answered = event.outcome is AttemptOutcome.SUCCEEDED
        baseline = int(event.baseline_cost_usd / NANO_USD) if answered else 0
        return cls(calls=1, spent=cost, baseline=baseline, compared=cost)

    @property
    def saved(self) -> int:
        """The difference to the baseline; negative if it would have been cheaper."""
        return self.baseline - self.compared

    def add(self, other: "Spend", sign: int = 1) -> None:
        """Add another spend to this one, or take it off."""
        self.calls += sign * other.calls
        self.unpriced_calls += sign * other.unpriced_calls
        self.spent += sign * other.spent
        self.baseline += sign * other.baseline
        self.compared += sign * other.compared


@dataclass(frozen=True, slots=True)
class SpendKey:
    """Whose call, and of what."""

    model: str
    tenant: str


@dataclass(slots=True)
class Step:
    """What belongs to one step of time."""

    spend: dict[SpendKey, Spend] = field(default_factory=dict)
    ended: Counter[Status] = field(default_factory=Counter)
    hits: Counter[str] = field(default_factory=Counter)
    """Answers from the cache, by tenant."""
    not_paid: Counter[str] = field(default_factory=Counter)
    """What these had cost, in nano-dollars, by tenant."""
    lag: int | None = None
    in_flight: int | None = None

    def add(self, key: SpendKey, spend: Spend) -> SpendKey:
        """Add a call, and return the key it was added to."""
        if key not in self.spend and len(self.spend) >= MOST_KEYS:
            key = SpendKey(key.model, OTHERS)
        self.spend.setdefault(key, Spend()).add(spend)
        return key

    def hit(self, tenant: str, nano_usd: int) -> None:
        """Add an answer from the cache."""
        name = tenant if tenant in self.hits or len(self.hits) < MOST_KEYS else OTHERS
        self.hits[name] += 1
        self.not_paid[name] += nano_usd

    def total(self) -> Spend:
        """Return the sum over all keys."""
        return sum_of(self.spend.values())


@dataclass(frozen=True, slots=True)
class _Provisional:
    """A call whose cost may yet become better known, and where it was added."""

    step: int
    key: SpendKey
    spend: Spend
    certainty: Certainty


class Figures:
    """What the topics said within the window. `now_s` is seconds since 1970."""

    def __init__(self, window_s: int) -> None:
        self.window_s = window_s
        self.step_s = max(1, window_s // STEPS)
        self.baseline_models: set[str] = set()
        self.health: dict[str, ModelHealth] = {}
        self.quality: dict[tuple[str, str, str, str], ModelQuality] = {}
        """By model, task, difficulty and form."""
        self.lanes: dict[tuple[str, str, str | None], BatchLane] = {}
        """By provider, model and account."""
        self.failovers: deque[Failover] = deque(maxlen=KEPT_FAILOVERS)
        self.unreadable = 0
        self.lag: int | None = None
        self._steps: dict[int, Step] = {}
        self._budgets: dict[str, Budget] = {}
        self._costs = SeenIds()
        self._responses = SeenIds()
        self._provisional: dict[str, _Provisional] = {}

    @property
    def count(self) -> int:
        """How many steps the window has, the one that is not over included."""
        return self.window_s // self.step_s

    def step_of(self, at_s: float) -> int:
        """Return the number of the step that a moment belongs to."""
        return int(at_s // self.step_s)

    def take_cost(self, event: CostEvent, now_s: float) -> None:
        """Count a call."""
        number = self._number(event.occurred_at_ms / 1000, now_s)
        if number is None:
            return
        key, spend = SpendKey(event.request_model, event.tenant), Spend.of(event)
        if not self._costs.add(event.event_id, number):
            earlier = self._provisional.get(event.event_id)
            if earlier is None or earlier.certainty not in event.certainty.worse:
                return
            del self._provisional[event.event_id]
            if earlier.step in self._steps:
                self._steps[earlier.step].spend[earlier.key].add(earlier.spend, -1)
        key = self._step(number).add(key, spend)
        if event.certainty is not Certainty.METERED:
            self._provisional[event.event_id] = _Provisional(number, key, spend, event.certainty)
            if len(self._provisional) > MOST_PROVISIONAL:
                del self._provisional[next(iter(self._provisional))]
        if event.baseline_model is not None:
            self.baseline_models.add(event.baseline_model)

    def take_response(self, response: Response, now_s: float) -> None:
        """Count a request that has ended."""
        number = self._number(response.completed_at.timestamp(), now_s)
        if number is not None and self._responses.add(response.request_id, number):
            step = self._step(number)
            step.ended[response.status] += 1
            if response.cached:
                step.hit(response.tenant, int((response.saved_usd or 0) / NANO_USD))

    def take_health(self, health: ModelHealth) -> None:
        """Keep a model's latest health."""
        self.health[health.request_model] = health

    def take_quality(self, quality: ModelQuality) -> None:
        """Keep the latest of a model and kind of prompt, the newest `MOST_CELLS` of them."""
        key = quality.request_model, quality.task, quality.difficulty, quality.form
        self.quality.pop(key, None)
        self.quality[key] = quality
        if len(self.quality) > MOST_CELLS:
            del self.quality[next(iter(self.quality))]

    def take_lane(self, lane: BatchLane) -> None:
        """Keep the latest of a provider, model and account, the newest `MOST_LANES` of them."""
        key = lane.provider_name, lane.request_model, lane.account
        self.lanes.pop(key, None)
        self.lanes[key] = lane
        if len(self.lanes) > MOST_LANES:
            del self.lanes[next(iter(self.lanes))]

    def take_failover(self, failover: Failover) -> None:
        """Keep it, if it is one of the latest."""
        self.failovers.append(failover)

    def take_budget(self, budget: Budget) -> None:
        """Keep a tenant's latest budget."""
        self._budgets.pop(budget.tenant, None)
        self._budgets[budget.tenant] = budget
        if len(self._budgets) > MOST_TENANTS:
            del self._budgets[next(iter(self._budgets))]

    def observe(self, lag: int | None, in_flight: int, now_s: float) -> None:
        """Note how much waits and how much is under way at this moment; a step shows the most of each.

        What is too old is forgotten here: nobody may be looking at the page for days.
        """
        self.lag = lag
        self._forget_before(self.step_of(now_s) - self.count + 1)
        step = self._step(self.step_of(now_s))
        step.in_flight = max(in_flight, step.in_flight or 0)
        if lag is not None:
            step.lag = max(lag, step.lag or 0)

    def budgets(self) -> Iterable[Budget]:
        """Return each tenant's budget."""
        return self._budgets.values()

    def steps(self, now_s: float) -> Iterator[tuple[int, Step]]:
        """Give the window's steps in their order, the one that is not over last; forget what is older."""
        last = self.step_of(now_s)
        first = last - self.count + 1
        self._forget_before(first)
        for number in range(first, last + 1):
            yield number, self._steps.get(number, Step())

    def _number(self, at_s: float, now_s: float) -> int | None:
        """Return the step of a moment; None if it is too old. Whose clock is ahead of ours is told as now."""
        last = self.step_of(now_s)
        number = min(last, self.step_of(at_s))
        return number if number > last - self.count else None

    def _step(self, number: int) -> Step:
        return self._steps.setdefault(number, Step())

    def _forget_before(self, first: int) -> None:
        for number in [number for number in self._steps if number < first]:
            del self._steps[number]
        self._costs.forget_before(first)
        self._responses.forget_before(first)
        for identity in [identity for identity, kept in self._provisional.items() if kept.step < first]:
            del self._provisional[identity]


def sum_of(spends: Iterable[Spend]) -> Spend:
    """Add up."""
    total = Spend()
    for spend in spends:
        total.add(spend)
    return total
