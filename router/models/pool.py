"""What one worker knows about each model at this moment: breaker, limit, window, and what all workers share.

Three views go into a plan, the most instant first: calls under way that are already slow and failures in a row, of
this worker; its own window; and the shared health that `follow` brings, which is no older than `STALE_S` or unknown.
"""

from collections.abc import Iterable
from dataclasses import replace
from itertools import count

from router.catalogue import Catalogue, Model
from router.errors import DISPOSITIONS, Blame, UpstreamFailure
from router.models.breaker import Breaker, ramp_share
from router.models.health import SEVERITY, Reading
from router.models.in_flight import MOSTLY, RECENT
from router.models.model_state import LIMITED_S, STALE_S, Permit, Readiness, Track, Transition, View
from router.models.stats import Stance
from router.retry import RetryBudget
from router.sharing.allotment import share_in_force
from router.sharing.member import Member
from schemas.health import BreakerState, HealthCause, HealthStatus, ModelHealth, ModelStats
from schemas.responses import Usage
from schemas.vocabulary import AttemptOutcome

DEFAULT_COOLDOWN_S = 1.0
"""How long a model is left alone that answers 429 without saying for how long."""

BYPASS_PAUSE_S = 5.0
"""An open breaker is bypassed once in so long: when all are open, requests wait rather than use up their calls."""

SHARE_POLL_S = 0.5
"""While a worker has a part of the limit only, it looks so often whether the part has grown."""

VIEW_S = 0.02
"""For so long a look at a model serves every plan; what changes it meanwhile makes a new one."""


class Fleet:
    """All models of a catalogue. Not for several threads.

    A fleet with a `member` is one of several workers': it keeps to its share of the limits and tells what it sees.
    """

    def __init__(self, catalogue: Catalogue, member: Member | None = None) -> None:
        self.catalogue = catalogue
        self._member = member
        self._tracks = {name: Track(catalogue, model) for name, model in catalogue.models.items()}
        self._transitions: list[Transition] = []
        self._budget = RetryBudget(catalogue.retry)
        self._sequence = count().__next__
        self._since_s: float | None = None

    def readiness(self, model: Model, now_s: float) -> Readiness:
        """Say when the model may be called, and what holds it."""
        track = self._tracks[model.name]
        self._look(model, track, now_s)
        rules = self.catalogue.breaker
        limited_s, limited = self._limit(model, track, now_s)
        breaker_s = track.breaker.ready_at(rules, now_s)
        if breaker_s is None:
            return Readiness(None, "breaker half-open, probes are out")
        if breaker_s > max(now_s, limited_s):
            return Readiness(breaker_s, "breaker open: the model is slow" if track.breaker.slow else "breaker open")
        if limited_s > now_s:
            return Readiness(limited_s, "rate limit", limited=limited)
        share = track.breaker.share(rules, now_s)
        if track.degraded_until_s is not None and not track.is_browned_out(now_s):
            share = min(share, ramp_share(rules, track.degraded_until_s, now_s))
        return Readiness(now_s, "ready" if share >= 1 else "ramping up", share)

    def bypass_at(self, model: Model, now_s: float) -> float | None:
        """Say when a breaker that is not closed may be bypassed, if at all; a limit may not.

        One that is open for failures: once in a while, by one probe. One that is open for slowness: at any time.
        """
        track = self._tracks[model.name]
        limited_s, _ = self._limit(model, track, now_s)
        if self.is_slow(model):
            return limited_s
        if track.breaker.state is not BreakerState.OPEN or track.breaker.probes:
            return None
        return max(limited_s, track.breaker.opened_s + BYPASS_PAUSE_S)

    def is_closed(self, model: Model) -> bool:
        """Say whether nothing is held against the model."""
        return self._tracks[model.name].breaker.state is BreakerState.CLOSED

    def is_slow(self, model: Model) -> bool:
        """Say whether the model's breaker is open for slowness: it answers, so it is better than nobody."""
        breaker = self._tracks[model.name].breaker
        return breaker.slow and breaker.state is not BreakerState.CLOSED

    def breaker(self, model: Model) -> Breaker:
        """Return the model's breaker."""
        return self._tracks[model.name].breaker

    def reading(self, model: Model, now_s: float) -> Reading:
        """Return the model's windowed figures, this worker's own."""
        return self._tracks[model.name].window.read(now_s)

    def view(self, model: Model, now_s: float) -> View:
        """Return how the model looks: shared health and this worker's own, whichever is worse."""
        track = self._tracks[model.name]
        if track.view is None or now_s >= track.view_until_s:
            track.view = self._view(model, track, now_s)
            track.view_until_s = now_s + VIEW_S
        return track.view

    def _view(self, model: Model, track: Track, now_s: float) -> View:
        self._look(model, track, now_s)
        shared = track.shared_at(now_s)
        if shared is None or shared.p99_ms is None:
            own = track.window.read(now_s)
            status, p99_ms = own.status(track.rules), own.p99_ms
            note = self._unknown(track, now_s)
        if shared is not None:
            status = shared.status
            p99_ms = p99_ms if shared.p99_ms is None else shared.p99_ms
            note = f"{status}: {shared.reason}" if shared.reason else None
        severity = SEVERITY[status]
        if track.breaker.state is not BreakerState.CLOSED:
            severity = 0  # it keeps its place: behind the others nobody would ever probe it
        elif shared is not None and track.recovered_after(track.shared_s):
            severity, note = 0, None
        if not severity and track.breaker.state is BreakerState.CLOSED and track.is_browned_out(now_s):
            severity, note = 1, f"{HealthStatus.DEGRADED}: most of the latest calls are slow"
        return View(severity, p99_ms, note)

    def in_flight(self, model: Model) -> int:
        """Return how many calls of the model are under way."""
        return len(self._tracks[model.name].flight)

    def retry_at(self, now_s: float) -> float:
        """Return when a call may be made that is not its request's first: `now_s` if the budget allows it."""
        return self._budget.ready_at(now_s)

    def call(self, model: Model, now_s: float, *, retry: bool = False) -> Permit:
        """Take note of a call that starts now."""
        track = self._tracks[model.name]
        before = track.breaker
        probe = before.takes_probe(self.catalogue.breaker)
        track.limit.called(now_s)
        self._budget.called(now_s, retry=retry)
        if self._member is not None:
            track.ledger.called(now_s)
        if probe:
            self._move(model, before.called(now_s), "the pause is over, a probe goes out", now_s)
        return Permit(model, before.openings if probe else None, track.flight.start(now_s))

    def answered(self, permit: Permit, latency_s: float, now_s: float, usage: Usage | None = None) -> None:
        """Take note of an answer."""
        track = self._tracks[permit.model.name]
        self._look(permit.model, track, now_s)
        track.flight.end(permit.number, answered=True)
        track.window.add(now_s, latency_s * 1000)
        self._tell(track, AttemptOutcome.SUCCEEDED, latency_s, usage, now_s)
        probe = track.probed_by(permit)
        if latency_s * 1000 > track.rules.unhealthy_p99_ms:
            self._move(permit.model, track.breaker.answered_slowly(now_s, probe=probe), "a probe was slow", now_s)
        else:
            breaker = track.breaker.succeeded(self.catalogue.breaker, now_s, probe=probe)
            self._move(permit.model, breaker, "probes succeeded", now_s)

    def failed(self, permit: Permit, failure: UpstreamFailure, latency_s: float, now_s: float) -> None:
        """Take note of a failure, as far as it is the model's."""
        track = self._tracks[permit.model.name]
        self._look(permit.model, track, now_s)
        track.flight.end(permit.number, answered=False)
        timeout = failure.category is AttemptOutcome.TIMEOUT
        self._tell(track, failure.category, latency_s if timeout else None, failure.usage, now_s)
        if failure.retry_after_s is not None:
            track.limit.told_to_wait(now_s + failure.retry_after_s)
        match DISPOSITIONS[failure.category].blame:
            case Blame.NONE:
                track.breaker = track.breaker.abandoned(probe=track.probed_by(permit))
            case Blame.LIMIT:
                track.breaker = track.breaker.abandoned(probe=track.probed_by(permit))
                if failure.retry_after_s is None:
                    track.limit.told_to_wait(now_s + DEFAULT_COOLDOWN_S)
            case Blame.MODEL:
                track.window.add(now_s, latency_s * 1000, error=True, timeout=timeout)
                breaker = track.breaker.failed(self.catalogue.breaker, now_s, probe=track.probed_by(permit))
                reason = f"{failure.category}: {failure.detail}"
                if breaker.state is BreakerState.CLOSED and track.window.counts_as_failing(track.rules, now_s):
                    breaker = breaker.tripped(self.catalogue.breaker, now_s)
                    reason = f"too many errors in the window, the last one {reason}"
                self._move(permit.model, breaker, reason, now_s)

    def abandoned(self, permit: Permit) -> None:
        """Take note of a call that was given up for a reason of our own."""
        track = self._tracks[permit.model.name]
        track.flight.end(permit.number, answered=False)
        track.breaker = track.breaker.abandoned(probe=track.probed_by(permit))

    def turned_away(self, model: Model, now_s: float) -> None:
        """Take note of a request that the share of the limit had no room for: the worker could do with more."""
        self._tracks[model.name].limited_s = now_s

    def follow(self, health: ModelHealth, now_s: float) -> None:
        """Take in what all workers have seen together. A model that is not in the catalogue is passed over.

        A model that becomes unhealthy is left to probes here too. One that others have proved well again is probed
        at once, if it was their word that closed it off.
        """
        track = self._tracks.get(health.request_model)
        if track is None:
            return
        before = track.shared_at(now_s)
        track.shared, track.shared_s, track.view = health, health.as_of.timestamp(), None
        if track.shared_at(now_s) is None:
            return
        model = self.catalogue.models[health.request_model]
        was_unhealthy = before is not None and before.status is HealthStatus.UNHEALTHY
        is_unhealthy = health.status is HealthStatus.UNHEALTHY
        if is_unhealthy and not was_unhealthy and self.is_closed(model):
            slow = health.cause in (HealthCause.LATENCY, HealthCause.BROWN_OUT)
            breaker = track.breaker.tripped(self.catalogue.breaker, now_s, slow=slow)
            self._move(model, replace(breaker, by_hearsay=True), f"shared health: {health.reason}", now_s)
        elif was_unhealthy and not is_unhealthy and track.breaker.by_hearsay:
            track.breaker = track.breaker.may_be_probed(now_s)

    def take_reports(self, now_s: float) -> list[ModelStats]:
        """Return what is due to be told to the other workers; a fleet without a member tells nothing."""
        return self._report(now_s, leaving=False)

    def leave(self, now_s: float) -> list[ModelStats]:
        """Return the last words of this worker."""
        return self._report(now_s, leaving=True)

    def has_shares(self, now_s: float) -> bool:
        """Say whether this worker knows its share of every limit."""
        if self._member is None:
            return True
        return all(self._granted(track, now_s) is not None for track in self._tracks.values())

    def take_transitions(self) -> tuple[Transition, ...]:
        """Return what has changed since the last time this was asked."""
        taken, self._transitions = tuple(self._transitions), []
        return taken

    def alternatives(self, model: Model) -> tuple[str, ...]:
        """Return the other models of the chains that the model stands in, in order, as far as they may be called."""
        chains = (chain for chain in self.catalogue.chains.values() if model in chain)
        return _unique(
            other.name for chain in chains for other in chain if other is not model and self.is_closed(other)
        )

    def _move(self, model: Model, breaker: Breaker, reason: str, now_s: float) -> None:
        track = self._tracks[model.name]
        before, track.breaker = track.breaker.state, breaker
        if breaker.state is before:
            return
        track.view = None
        reading = track.window.read(now_s)
        if breaker.state is BreakerState.CLOSED:
            track.window.forget()
            track.degraded_until_s = None
            track.flight.degraded.forget()
            track.flight.unhealthy.forget()
        self._transitions.append(Transition(model, before, breaker.state, reason, now_s, reading))

    def _look(self, model: Model, track: Track, now_s: float) -> None:
        """See who has become slow: a model most of whose latest calls are is stood back, or left alone."""
        track.flight.look(track.rules, now_s)
        if track.flight.degraded.is_mostly_slow():
            track.flight.degraded.forget()  # the next ones tell whether it lasts
            track.degraded_until_s = now_s + self.catalogue.breaker.pause_s
            track.view = None
        if track.flight.unhealthy.is_mostly_slow() and track.breaker.state is BreakerState.CLOSED:
            reason = f"{MOSTLY} of the last {RECENT} calls took more than {track.rules.unhealthy_p99_ms:g} ms"
            breaker = track.breaker.tripped(self.catalogue.breaker, now_s, slow=True)
            self._move(model, breaker, reason, now_s)

    def _limit(self, model: Model, track: Track, now_s: float) -> tuple[float, bool]:
        """Return when the limit lets a call through, and whether it is this worker's part of it that holds it."""
        limit = track.limit
        limit.per_minute = self._share(model, track, now_s)
        if limit.per_minute >= model.requests_per_minute:
            return limit.ready_at(now_s), limit.is_full(now_s)
        return limit.ready_at(now_s, SHARE_POLL_S), limit.is_full(now_s)

    def _share(self, model: Model, track: Track, now_s: float) -> int:
        whole = model.requests_per_minute
        if self._member is None:
            return whole
        if self._since_s is None:
            self._since_s = now_s
        workers = 1 if track.shared is None else track.shared.workers + (self._member.worker not in track.shared.shares)
        joining = now_s - self._since_s <= STALE_S
        return share_in_force(whole, self._granted(track, now_s), joining=joining, workers=workers)

    def _granted(self, track: Track, now_s: float) -> int | None:
        shared = track.shared_at(now_s)
        return None if shared is None or self._member is None else shared.shares.get(self._member.worker)

    def _tell(
        self, track: Track, outcome: AttemptOutcome, latency_s: float | None, usage: Usage | None, now_s: float
    ) -> None:
        if self._member is not None:
            track.ledger.ended(outcome, latency_s, usage, now_s)

    def _report(self, now_s: float, *, leaving: bool) -> list[ModelStats]:
        if self._member is None:
            return []
        reports: list[ModelStats] = []
        for name, track in self._tracks.items():
            stance = self._stance(self.catalogue.models[name], track, now_s)
            if leaving or track.ledger.is_due(stance, now_s):
                reports += track.ledger.tell(name, self._member, self._sequence, stance, now_s, leaving=leaving)
        return reports

    def _stance(self, model: Model, track: Track, now_s: float) -> Stance:
        self._look(model, track, now_s)
        return Stance(
            in_flight=len(track.flight),
            slow_in_flight=track.flight.slow,
            stuck_in_flight=track.flight.stuck,
            breaker=track.breaker.state,
            brown_out=track.is_browned_out(now_s) or self.is_slow(model),
            share=self._share(model, track, now_s),
            limited=now_s - track.limited_s < LIMITED_S,
        )

    def _unknown(self, track: Track, now_s: float) -> str | None:
        if track.shared is not None:
            return f"shared health unknown: no update for {now_s - track.shared_s:.0f} s"
        return None if self._member is None else "shared health unknown: none has come yet"


def _unique(names: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(names))
