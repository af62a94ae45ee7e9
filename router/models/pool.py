"""What one worker knows about each model at this moment: breaker, limit, window, and what all workers share.

Three views go into a plan, the most instant first: calls under way that are already slow and failures in a row, of
this worker; its own window; and the shared health that `follow` brings, which is no older than `STALE_S` or unknown.
"""

from collections.abc import Mapping

from router.bounds import TextBound, byte_bound
from router.catalogue import Catalogue, Model
from router.errors import Blame, UpstreamFailure
from router.models.accounts import ACCOUNTS_OWN, NO_TOKENS, RestReason, is_of_the_key
from router.models.breaker import Breaker, BreakerEvent, BreakerInput, ramp_share
from router.models.health import SEVERITY, Reading
from router.models.in_flight import MOSTLY, RECENT
from router.models.model_state import ModelState, Permit, Readiness, Transition, View, bypass_of
from router.models.own_shares import OwnShares
from router.models.reports import Reports
from router.prompt_caching.memory import PrefixMemory
from router.quality.table import QualityTable
from router.retry import RetryBudget
from router.sharing.account_minute import TokenCounts, Use
from router.sharing.member import Member
from schemas.health import BreakerState, HealthCause, HealthStatus, ModelHealth, ModelStats
from schemas.responses import Usage
from schemas.vocabulary import AccountLimit, AttemptOutcome, SkipReason

DEFAULT_COOLDOWN_S = 1.0
"""How long a model is left alone that answers 429 without saying for how long."""

SHARE_POLL_S = 0.5
"""While a worker has a part of the limit only, it looks so often whether the part has grown."""

SPARED_SHARE = 0.5
"""Of a model's limit a minute, or this worker's part of it: below this much it has calls to spare."""

VIEW_S = 0.02
"""How long a look at a model serves every plan, seconds; what changes it meanwhile makes a new one."""


class ModelPool:
    """All models of a catalogue. Not for several threads.

    A pool with a `member` is one of several workers': it keeps to its share of the limits and tells what it sees.
    """

    def __init__(self, catalogue: Catalogue, member: Member | None = None, text_bound: TextBound = byte_bound) -> None:
        self.catalogue = catalogue
        self.text_bound = text_bound
        """Bounds the tokens of a text for every plan."""
        self.quality = QualityTable({name: model.prior for name, model in catalogue.models.items()})
        """What is expected of each model's answers."""
        self.prefixes = PrefixMemory()
        """What the providers' own caches hold of this worker's prompts."""
        self._member = member
        self._model_states = {name: ModelState(catalogue, model) for name, model in catalogue.models.items()}
        self._transitions: list[Transition] = []
        self._budget = RetryBudget(catalogue.retry)
        self._shares = OwnShares(member)
        self._reports = None if member is None else Reports(catalogue, member, self._shares)

    def readiness(self, model: Model, now_s: float, estimate: TokenCounts = NO_TOKENS) -> Readiness:
        """Say when the model may be called, and what holds it.

        `estimate` are the most tokens that the call may take, for the limits of accounts.
        """
        model_state = self._model_states[model.name]
        self._look(model, model_state, now_s)
        rules, breaker = self.catalogue.breaker, model_state.breaker
        limited_s, limited = self._limit(model, model_state, now_s)
        held = SkipReason.RATE_LIMIT
        if model_state.accounts is not None:
            shares = self._shares.of_accounts(model_state, now_s)
            any_account = model_state.accounts.readiness(estimate, shares, now_s)
            if any_account.at_s > limited_s:
                limited_s, held = any_account.at_s, any_account.reason or SkipReason.RATE_LIMIT
            limited |= any_account.limited
        bypass = None
        if breaker.state is not BreakerState.CLOSED:
            bypass, breaker_s = bypass_of(breaker, limited_s), breaker.ready_at(rules, now_s)
            if breaker_s is None:
                return Readiness(None, SkipReason.PROBES_OUT, bypass=bypass)
            if breaker_s > max(now_s, limited_s):
                reason = SkipReason.BREAKER_OPEN_SLOW if breaker.slow else SkipReason.BREAKER_OPEN
                return Readiness(breaker_s, reason, bypass=bypass)
        if limited_s > now_s:
            return Readiness(limited_s, held, limited=limited, bypass=bypass)
        share = breaker.share(rules, now_s)
        if model_state.degraded_until_s is not None and not model_state.is_browned_out(now_s):
            share = min(share, ramp_share(rules, model_state.degraded_until_s, now_s))
        return Readiness(now_s, None if share >= 1 else SkipReason.RAMPING_UP, share, bypass=bypass)

    def can_spare(self, model: Model, now_s: float) -> bool:
        """Say whether a call that answers no request does no harm: the model is well, and far from its limits."""
        model_state = self._model_states[model.name]
        readiness, limit = self.readiness(model, now_s), model_state.limit
        is_well = self.is_closed(model) and not self.view(model, now_s).severity and readiness.share >= 1
        return is_well and readiness.now(now_s) and limit.made(now_s) < limit.per_minute * SPARED_SHARE

    def is_closed(self, model: Model) -> bool:
        """Say whether nothing is held against the model."""
        return self._model_states[model.name].breaker.state is BreakerState.CLOSED

    def is_slow(self, model: Model) -> bool:
        """Say whether the model's breaker is open for slowness: it answers, so it is better than none."""
        return self._model_states[model.name].is_slow

    def breaker(self, model: Model) -> Breaker:
        """Return the model's breaker."""
        return self._model_states[model.name].breaker

    def reading(self, model: Model, now_s: float) -> Reading:
        """Return the model's windowed figures, this worker's own."""
        return self._model_states[model.name].window.read(now_s)

    def view(self, model: Model, now_s: float) -> View:
        """Return how the model looks: shared health and this worker's own, whichever is worse."""
        model_state = self._model_states[model.name]
        if model_state.view is None or now_s >= model_state.view_until_s:
            model_state.view = self._view(model, model_state, now_s)
            model_state.view_until_s = now_s + VIEW_S
        return model_state.view

    def _view(self, model: Model, model_state: ModelState, now_s: float) -> View:
        self._look(model, model_state, now_s)
        shared = model_state.shared_at(now_s)
        if shared is None or shared.p99_ms is None:
            own = model_state.window.read(now_s)
            status, p99_ms = own.status(model_state.rules), own.p99_ms
            note = model_state.unknown_note(now_s, is_alone=self._member is None)
        if shared is not None:
            status = shared.status
            p99_ms = p99_ms if shared.p99_ms is None else shared.p99_ms
            note = f"{status}: {shared.reason}" if shared.reason else None
        severity = SEVERITY[status]
        if model_state.breaker.state is not BreakerState.CLOSED:
            severity = 0  # it keeps its place: behind the others it would never be probed
        elif shared is not None and model_state.recovered_after(model_state.shared_s):
            severity, note = 0, None
        if not severity and model_state.breaker.state is BreakerState.CLOSED and model_state.is_browned_out(now_s):
            severity, note = 1, f"{HealthStatus.DEGRADED}: most of the latest calls are slow"
        return View(severity, p99_ms, note)

    def in_flight(self, model: Model) -> int:
        """Return how many calls of the model are under way."""
        return len(self._model_states[model.name].flight)

    def retry_at(self, now_s: float) -> float:
        """Return when a call may be made that is not its request's first: `now_s` if the budget allows it."""
        return self._budget.ready_at(now_s)

    def call(
        self, model: Model, now_s: float, estimate: TokenCounts = NO_TOKENS, *, retry: bool = False, prefers: str = ""
    ) -> Permit:
        """Note a call that starts now, of `estimate` tokens at most, and choose its account: the preferred if ready."""
        model_state = self._model_states[model.name]
        before = model_state.breaker
        probe = before.takes_probe(self.catalogue.breaker)
        model_state.limit.called(now_s)
        self._budget.called(now_s, retry=retry)
        number, account = model_state.flight.start(now_s), None
        if model_state.accounts is not None:
            shares = self._shares.of_accounts(model_state, now_s)
            account = model_state.accounts.call(number, estimate, shares, now_s, prefers)
        if self._member is not None:
            model_state.stats_buffer.called(now_s, account)
        if probe:
            self._tell_breaker(model, BreakerEvent(BreakerInput.CALL, now_s), "the pause is over, a probe goes out")
        return Permit(model, before.openings if probe else None, number, account)

    def answered(self, permit: Permit, latency_s: float, now_s: float, usage: Usage | None = None) -> None:
        """Note an answer."""
        model_state = self._model_states[permit.model.name]
        self._look(permit.model, model_state, now_s)
        model_state.flight.end(permit.number, answered=True)
        if model_state.accounts is not None and permit.account is not None:
            settled = model_state.accounts.answered(permit.account, permit.number, usage, now_s)
            self._settled(model_state, permit.account, settled, now_s)
        model_state.window.add(now_s, latency_s * 1000)
        self._tell(model_state, AttemptOutcome.SUCCEEDED, latency_s, usage, now_s)
        probe = model_state.probed_by(permit)
        if latency_s * 1000 > model_state.rules.unhealthy_p99_ms:
            event, reason = BreakerEvent(BreakerInput.SLOW_ANSWER, now_s, probe), "a probe was slow"
        else:
            event, reason = BreakerEvent(BreakerInput.SUCCESS, now_s, probe), "probes succeeded"
        self._tell_breaker(permit.model, event, reason)

    def failed(self, permit: Permit, failure: UpstreamFailure, latency_s: float, now_s: float) -> None:
        """Note a failure, as far as it is the model's."""
        model_state = self._model_states[permit.model.name]
        self._look(permit.model, model_state, now_s)
        model_state.flight.end(permit.number, answered=False)
        if permit.account is not None and self._account_failed(permit, permit.account, failure, now_s):
            self._end_without_verdict(permit)
            return
        timeout = failure.category is AttemptOutcome.TIMEOUT
        if not failure.is_cut_short:  # the others, too, would take it for a timeout of the model's
            self._tell(model_state, failure.category, latency_s if timeout else None, failure.usage, now_s)
        if failure.retry_after_s is not None:
            model_state.limit.told_to_wait(now_s + failure.retry_after_s)
        match failure.disposition.blame:
            case Blame.NONE:
                self._end_without_verdict(permit)
            case Blame.LIMIT:
                self._end_without_verdict(permit)
                if failure.retry_after_s is None:
                    model_state.limit.told_to_wait(now_s + DEFAULT_COOLDOWN_S)
            case Blame.MODEL:
                model_state.window.add(now_s, latency_s * 1000, error=True, timeout=timeout)
                reason = f"{failure.category}: {failure.detail}"
                event = BreakerEvent(BreakerInput.FAILURE, now_s, model_state.probed_by(permit))
                self._tell_breaker(permit.model, event, reason)
                if self.is_closed(permit.model) and model_state.window.counts_as_failing(model_state.rules, now_s):
                    reason = f"too many errors in the window, the last one {reason}"
                    self._tell_breaker(permit.model, BreakerEvent(BreakerInput.TRIP, now_s), reason)

    def abandoned(self, permit: Permit, now_s: float | None = None) -> None:
        """Note a call that was given up for a reason of our own; without a moment it was certainly not made."""
        model_state = self._model_states[permit.model.name]
        model_state.flight.end(permit.number, answered=False)
        if model_state.accounts is not None and permit.account is not None:
            settled = model_state.accounts.abandoned(permit.account, permit.number, now_s)
            if now_s is not None:
                self._settled(model_state, permit.account, settled, now_s)
        self._end_without_verdict(permit)

    def turned_away(self, model: Model, now_s: float, estimate: TokenCounts = NO_TOKENS) -> None:
        """Note a request that the share of a limit had no room for: the worker could do with more."""
        model_state = self._model_states[model.name]
        if model_state.accounts is not None:
            model_state.accounts.turned_away(estimate, self._shares.of_accounts(model_state, now_s), now_s)
        if model_state.accounts is None or model_state.limit.is_full(now_s):
            model_state.limited_s = now_s

    def may_go_on(self, permit: Permit, failure: UpstreamFailure, estimate: TokenCounts, now_s: float) -> bool:
        """Say whether a call failed by the fault of its account alone, and the model is still to be had by another."""
        model_state = self._model_states[permit.model.name]
        shares = self._shares.of_accounts(model_state, now_s)
        return model_state.accounts is not None and model_state.accounts.go_on(failure, estimate, shares, now_s)

    def learn_limits(self, permit: Permit, told: Mapping[AccountLimit, int]) -> None:
        """Take in what the provider's headers say of an account's limits; they are shown, and hold nothing back."""
        accounts = self._model_states[permit.model.name].accounts
        if accounts is not None and permit.account is not None and told:
            accounts.states[permit.account].told = told

    def key_replaced(self, provider_name: str, account: str) -> None:
        """Take in that an account has another key from now on: what refused the one before does not refuse this one."""
        for model_state in self._model_states.values():
            if model_state.accounts is not None and model_state.provider_name == provider_name:
                model_state.accounts.states[account].key_replaced()

    def account_rests(self, model: Model, now_s: float) -> Mapping[str, RestReason | None]:
        """Return for each account of the model's provider why it rests; None: it does not."""
        accounts = self._model_states[model.name].accounts
        states = {} if accounts is None else accounts.states
        return {name: one.rests_for if one.rests_until_s > now_s else None for name, one in states.items()}

    def joined(self, permit: Permit, called_s: float, now_s: float, *, is_settled: bool) -> None:
        """Note that a call, noted at `called_s`, was part of another one, which tells what the provider made of it.

        `is_settled`: that one also tells all tokens that it took, or took none; else this part counts as estimated.
        """
        model_state = self._model_states[permit.model.name]
        model_state.limit.not_called(called_s)
        if model_state.accounts is not None and permit.account is not None:
            model_state.accounts.not_called(permit.account, called_s)
        self.abandoned(permit, None if is_settled else now_s)

    def follow(self, health: ModelHealth, now_s: float) -> None:
        """Take in what all workers have seen together. A model that is not in the catalogue is passed over.

        A model that becomes unhealthy is left to probes here too. One that others have proved well again is probed
        at once, if it was their word that closed it off.
        """
        model_state = self._model_states.get(health.request_model)
        if model_state is None:
            return
        before = model_state.shared_at(now_s)
        model_state.follow(health, None if self._member is None else self._member.worker)
        if model_state.shared_at(now_s) is None:
            return
        model = self.catalogue.models[health.request_model]
        was_unhealthy = before is not None and before.status is HealthStatus.UNHEALTHY
        is_unhealthy = health.status is HealthStatus.UNHEALTHY
        if is_unhealthy and not was_unhealthy and self.is_closed(model):
            slow = health.cause in (HealthCause.LATENCY, HealthCause.BROWN_OUT)
            event = BreakerEvent(BreakerInput.TRIP, now_s, slow=slow, from_peers=True)
            self._tell_breaker(model, event, f"shared health: {health.reason}")
        elif was_unhealthy and not is_unhealthy and model_state.breaker.from_peers:
            self._tell_breaker(model, BreakerEvent(BreakerInput.CLEARANCE, now_s), "other workers have found it well")

    def take_reports(self, now_s: float) -> list[ModelStats]:
        """Return what is due to be told to the other workers; a pool without a member tells nothing."""
        return self._report(now_s, leaving=False)

    def leave(self, now_s: float) -> list[ModelStats]:
        """Return the last words of this worker."""
        return self._report(now_s, leaving=True)

    def has_shares(self, now_s: float) -> bool:
        """Say whether this worker knows its share of every limit."""
        if self._member is None:
            return True
        return all(self._shares.granted(model_state, now_s) is not None for model_state in self._model_states.values())

    def take_transitions(self) -> tuple[Transition, ...]:
        """Return what has changed since the last time this was asked."""
        taken, self._transitions = tuple(self._transitions), []
        return taken

    def alternatives(self, model: Model) -> tuple[str, ...]:
        """Return the other models of the chains that the model stands in, in order, as far as they may be called."""
        chains = (chain for chain in self.catalogue.chains.values() if model in chain)
        others = (other for chain in chains for other in chain if other is not model and self.is_closed(other))
        return tuple(dict.fromkeys(other.name for other in others))

    def _end_without_verdict(self, permit: Permit) -> None:
        probe = self._model_states[permit.model.name].probed_by(permit)
        self._tell_breaker(permit.model, BreakerEvent(BreakerInput.NO_VERDICT, probe=probe), "no verdict")

    def _tell_breaker(self, model: Model, event: BreakerEvent, reason: str) -> None:
        model_state = self._model_states[model.name]
        before, breaker = model_state.breaker.state, model_state.breaker.after(event, self.catalogue.breaker)
        model_state.breaker = breaker
        if breaker.state is before:
            return
        model_state.view = None
        reading = model_state.window.read(event.now_s)
        if breaker.state is BreakerState.CLOSED:
            model_state.window.forget()
            model_state.degraded_until_s = None
            model_state.flight.degraded.forget()
            model_state.flight.unhealthy.forget()
        self._transitions.append(Transition(model, before, breaker.state, reason, event.now_s, reading))

    def _look(self, model: Model, model_state: ModelState, now_s: float) -> None:
        """See who has become slow: a model most of whose latest calls are is stood back, or left alone."""
        model_state.flight.look(model_state.rules, now_s)
        if model_state.flight.degraded.is_mostly_slow():
            model_state.flight.degraded.forget()  # the next ones tell whether it lasts
            model_state.degraded_until_s = now_s + self.catalogue.breaker.pause_s
            model_state.view = None
        if model_state.flight.unhealthy.is_mostly_slow() and model_state.breaker.state is BreakerState.CLOSED:
            reason = f"{MOSTLY} of the last {RECENT} calls took more than {model_state.rules.unhealthy_p99_ms:g} ms"
            self._tell_breaker(model, BreakerEvent(BreakerInput.TRIP, now_s, slow=True), reason)

    def _limit(self, model: Model, model_state: ModelState, now_s: float) -> tuple[float, bool]:
        """Return when the limit lets a call through, and whether it is this worker's part of it that holds it."""
        limit = model_state.limit
        limit.per_minute = self._shares.of_model(model, model_state, now_s)
        if limit.per_minute >= model.requests_per_minute:
            return limit.ready_at(now_s), limit.is_full(now_s)
        return limit.ready_at(now_s, SHARE_POLL_S), limit.is_full(now_s)

    def _account_failed(self, permit: Permit, account: str, failure: UpstreamFailure, now_s: float) -> bool:
        """Settle the call with its account; say whether it is the account that is to blame."""
        model_state = self._model_states[permit.model.name]
        if model_state.accounts is None:
            return False
        settled = model_state.accounts.failed(account, permit.number, failure, now_s)
        self._settled(model_state, account, settled, now_s)
        if is_of_the_key(failure) and not model_state.accounts.is_of_old_key(account, permit.number):
            for other in self._model_states.values():
                if other.accounts is not None and other.provider_name == permit.model.provider_name:
                    other.accounts.states[account].refused(now_s)
        return failure.category in ACCOUNTS_OWN

    def _settled(self, model_state: ModelState, account: str, settled: Use, now_s: float) -> None:
        if self._member is not None:
            model_state.stats_buffer.settled(account, settled, now_s)

    def _tell(
        self,
        model_state: ModelState,
        outcome: AttemptOutcome,
        latency_s: float | None,
        usage: Usage | None,
        now_s: float,
    ) -> None:
        if self._member is not None:
            model_state.stats_buffer.ended(outcome, latency_s, usage, now_s)

    def _report(self, now_s: float, *, leaving: bool) -> list[ModelStats]:
        if self._reports is None:
            return []
        for name, model_state in self._model_states.items():
            if model_state.flight:  # else there is none that could have become slow
                self._look(self.catalogue.models[name], model_state, now_s)
        return self._reports.take(self._model_states, now_s, leaving=leaving)
