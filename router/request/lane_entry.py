"""Whether one request waits for a batch: the plan among models that have batches, its reservation, what is handed over.

It is asked again after each wait for the reservation, until it answers with one of its two ends: `HandOver`, or
`NotWaiting`, and then a `Session` serves the request.
"""

from dataclasses import asdict, dataclass, field, replace
from decimal import Decimal
from typing import NamedTuple

from router.batches.lane import NotWaiting, WhyLive, hindrance
from router.batches.late import LateBatches
from router.batches.line import BATCH_TIER
from router.budgets.lease import BudgetLease
from router.caching.answers import wish_of
from router.catalogue import Catalogue
from router.cost import call_started
from router.errors import RequestRejected
from router.job import Job
from router.models.pool import ModelPool
from router.quality.prior import band_of
from router.request.plan import Plan, likely_live_usd, make_plan
from router.request.reserving import InVain, Reserving
from router.request.steps import Wait
from router.request.value import likely_usd
from router.retry import Chance
from router.route import Candidate, Route
from router.tasks.analysis import Analysis, analyse_request
from schemas.budgets import BudgetReservation
from schemas.costs import CallStarted
from schemas.vocabulary import WaitingState
from schemas.waiting import Waiting, WaitingCache

RESERVED_S = 60.0
"""How long a worker's lease keeps the reservation, seconds, until the ledger has it; and how long it is waited for."""


@dataclass(frozen=True, slots=True)
class BatchLane:
    """What holds for all requests of the lane."""

    catalogue: Catalogue
    """That of the models which have batches, at their prices there."""
    margin_s: float
    """How much time is kept for live calls before a deadline."""
    late: LateBatches = field(default_factory=LateBatches)
    """Whose batches are not to be waited for."""

    @classmethod
    def of(cls, catalogue: Catalogue, margin_s: float) -> "BatchLane | None":
        """Return the lane of a catalogue; None if no model has batches."""
        return cls(catalogue.in_batches(), margin_s) if catalogue.has_batches else None


@dataclass(frozen=True, slots=True)
class HandOver:
    """Write down that the request waits, then hand it over, then what its budget holds for it."""

    waiting: Waiting
    call: CallStarted
    reservation: BudgetReservation | None
    """None: its tenant has no budget."""


class _Live(NamedTuple):
    """What would answer a request at once, and what that is likely to cost."""

    model: str
    usd: Decimal


class LaneEntry:
    """One request, from the question whether it may wait to the answer."""

    def __init__(
        self,
        job: Job,
        lane: BatchLane | None,
        pool: ModelPool,
        chance: Chance,
        lease: BudgetLease | None,
        followed: int = 0,
    ) -> None:
        """Take the request, what it is decided by, and how far the index of the answer cache is followed."""
        self._job = job
        self._followed = followed
        self._lane = lane
        self._pool = pool
        self._chance = chance
        self._has_budget = lease is not None
        self._reserving = Reserving(lease)
        self._call_id = job.event_id(1)
        self.may_be_known = False
        """Whether the decision may have been written down."""
        self._analysis: Analysis | None = None
        self._plan: Plan | NotWaiting | None = None

    def decide(self, now_s: float) -> HandOver | NotWaiting | Wait:
        """Say what becomes of the request, or when to ask again."""
        if self._plan is None:
            self._plan = self._planned(now_s)
        plan = self._plan
        if isinstance(plan, NotWaiting):
            return plan
        candidate = next((one for one in plan.candidates if self._reserving.pays_for(one, now_s)), None)
        if candidate is None:
            return NotWaiting(WhyLive.BUDGET, "the tenant's budget does not pay for a batch")
        if not self._reserving.reserve(self._call_id, candidate, RESERVED_S, now_s):
            ends_s = min(self._job.deadline_s, self._job.received_s + RESERVED_S)
            until = self._reserving.wait(self._call_id, ends_s, self._chance, now_s)
            if isinstance(until, InVain):
                self._reserving.stop()
                return NotWaiting(WhyLive.BUDGET, until.message)
            return Wait(until, self._call_id)
        self._reserving.called()
        self._reserving.settle(self._call_id, candidate.upper_usd)
        return self._hand_over(plan, candidate, now_s)

    def give_up(self, now_s: float) -> None:
        """Leave what is reserved, or waited for, to whoever has the request next; free it if that one cannot know."""
        self._reserving.stop()
        self._reserving.hand_over([self._call_id], now_s)
        if not self.may_be_known:
            self._reserving.release(self._call_id)

    def _planned(self, now_s: float) -> Plan | NotWaiting:
        job, lane, catalogue = self._job, self._lane, self._pool.catalogue
        margin_s = 0.0 if lane is None else lane.margin_s
        why = hindrance(job.request, job.tenant, catalogue, job.deadline_s - now_s, margin_s)
        if why is not None or lane is None:
            return why or NotWaiting(WhyLive.NO_BATCHES, "this worker has no batches")
        self._analysis = analyse_request(job.request)
        try:
            plan = make_plan(job, self._analysis, self._pool, now_s, catalogue=lane.catalogue)
        except RequestRejected:
            return NotWaiting(WhyLive.NO_BATCHES, "no model that has batches may answer")
        priced = tuple(one for one in plan.candidates if one.upper_usd is not None)
        plan = replace(plan, candidates=tuple(one for one in priced if not self._is_late(lane, one, now_s)))
        if not priced:
            return NotWaiting(WhyLive.PRICE_UNKNOWN, "what a batch costs is not known")
        return self._if_cheaper(plan, now_s) if plan.candidates else NotWaiting(WhyLive.LATE, "batches are late")

    def _if_cheaper(self, plan: Plan, now_s: float) -> Plan | NotWaiting:
        """Return the plan, if its batch is likely to cost less than a live call."""
        batch, live = plan.candidates[0], self._live(now_s)
        if live is None:
            return plan
        batch_usd = likely_usd(batch, plan.overstated_tokens, now_s) or Decimal(0)
        if live.usd <= batch_usd:
            than = f"a batch of {batch.model.name} {batch_usd:f} USD"
            return NotWaiting(WhyLive.NOT_CHEAPER, f"{live.model} is likely to cost {live.usd:f} USD, and {than}")
        told = f"waits for a batch: likely to cost {batch_usd:f} USD instead of {live.usd:f} USD live"
        return replace(plan, route=replace(plan.route, reason=f"{plan.route.reason}; {told}"))

    def _is_late(self, lane: BatchLane, candidate: Candidate, now_s: float) -> bool:
        model = candidate.model
        return lane.late.are_late(model.provider_name, model.name, self._account(candidate), now_s)

    def _account(self, candidate: Candidate) -> str | None:
        """Return by which account the provider is asked for batches: the one with the most weight."""
        accounts = self._pool.catalogue.accounts.get(candidate.model.provider_name, ())
        account = max(accounts, key=lambda one: one.weight, default=None)
        return None if account is None else account.name

    def _live(self, now_s: float) -> _Live | None:
        """Return who would answer at once, if one may and its price is known.

        What its provider has in its cache counts: there is no such thing in a batch, which may run in hours.
        """
        if self._analysis is None:
            return None
        try:
            plan = make_plan(self._job, self._analysis, self._pool, now_s)
        except RequestRejected:
            return None
        live = plan.candidates[0]
        usd = likely_live_usd(live, plan.overstated_tokens, plan.prefix, self._pool.prefixes, now_s)
        return None if usd is None or live.upper_usd is None else _Live(live.model.name, usd)

    def _hand_over(self, plan: Plan, candidate: Candidate, now_s: float) -> HandOver:
        job, reserved_usd = self._job, candidate.upper_usd if self._has_budget else None
        call = self._call(plan.route, candidate, now_s).model_copy(update={"reserved_usd": reserved_usd})
        waiting = Waiting(
            state=WaitingState.WAITING,
            tenant=job.identity.tenant,
            request_id=job.identity.request_id,
            id_source=job.identity.source,
            authenticated=job.identity.authenticated,
            asked_sha256=job.identity.asked,
            request_topic=job.origin.topic,
            request_partition=job.origin.partition,
            request_offset=job.origin.offset,
            request_key=job.key,
            written_at_ms=job.written_at_ms,
            received_at_ms=int(job.received_s * 1000),
            deadline_ms=int(job.deadline_s * 1000),
            policy=plan.policy,
            difficulty=None if self._analysis is None else band_of(self._analysis.difficulty),
            skipped=plan.skipped,
            max_tokens=candidate.max_tokens,
            call=call,
            cache=self._cache(),
        )
        reservation = None
        if reserved_usd is not None:
            reservation = reservation_of(call, reserved_usd)
        return HandOver(waiting, call, reservation)

    def _cache(self) -> WaitingCache | None:
        wish = wish_of(self._job)
        return None if wish is None else WaitingCache(**asdict(wish), followed=self._followed)

    def _call(self, route: Route, candidate: Candidate, now_s: float) -> CallStarted:
        started = call_started(self._job, route, candidate, 1, self._pool.catalogue, now_s)
        told = {"service_tier": BATCH_TIER, "account": self._account(candidate)}
        return started.model_copy(update=told)


def reservation_of(call: CallStarted, amount_usd: Decimal) -> BudgetReservation:
    """Return what the budget holds for a call of the lane."""
    return BudgetReservation(
        tenant=call.tenant, event_id=call.event_id, occurred_at_ms=call.occurred_at_ms, amount_usd=amount_usd
    )
