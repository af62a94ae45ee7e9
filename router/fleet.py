"""What one worker knows about each model at this moment: breaker, limit and window. The sessions share it."""

from collections.abc import Iterable
from dataclasses import dataclass

from router.breaker import Breaker
from router.catalogue import Catalogue, Model
from router.errors import DISPOSITIONS, Blame, UpstreamFailure
from router.health import Reading, Window
from router.limits import RateLimit
from schemas.health import BreakerState
from schemas.vocabulary import AttemptOutcome

DEFAULT_COOLDOWN_S = 1.0
"""How long a model is left alone that answers 429 without saying for how long."""

BYPASS_PAUSE_S = 5.0
"""An open breaker is bypassed once in so long: when all are open, requests wait rather than use up their calls."""


@dataclass(frozen=True, slots=True)
class Transition:
    """A breaker has changed."""

    model: Model
    from_state: BreakerState
    to_state: BreakerState
    reason: str
    at_s: float


@dataclass(frozen=True, slots=True)
class Readiness:
    """Whether a model may be called: at `at_s`, or nobody knows when (None) because all its probes are out."""

    at_s: float | None
    reason: str

    def now(self, now_s: float) -> bool:
        """Say whether that is now."""
        return self.at_s is not None and self.at_s <= now_s


@dataclass(frozen=True, slots=True)
class Permit:
    """One call that was let through."""

    model: Model
    opening: int | None
    """The breaker's opening that the call is a probe of."""


class _Track:
    """The state of one model."""

    __slots__ = ("breaker", "in_flight", "limit", "window")

    def __init__(self, catalogue: Catalogue, model: Model) -> None:
        self.breaker = Breaker()
        self.limit = RateLimit(model.requests_per_minute)
        self.window = Window(catalogue.health.window_s)
        self.in_flight = 0

    def probed_by(self, permit: Permit) -> bool:
        """Say whether the call is a probe of the present opening."""
        return permit.opening == self.breaker.openings


class Fleet:
    """All models of a catalogue. Not for several threads."""

    def __init__(self, catalogue: Catalogue) -> None:
        self.catalogue = catalogue
        self._tracks = {name: _Track(catalogue, model) for name, model in catalogue.models.items()}
        self._transitions: list[Transition] = []

    def readiness(self, model: Model, now_s: float) -> Readiness:
        """Say when the model may be called, and what holds it."""
        track = self._tracks[model.name]
        limited_s = track.limit.ready_at(now_s)
        breaker_s = track.breaker.ready_at(self.catalogue.breaker, now_s)
        if breaker_s is None:
            return Readiness(None, "breaker half-open, probes are out")
        if breaker_s > max(now_s, limited_s):
            return Readiness(breaker_s, "breaker open")
        if limited_s > now_s:
            return Readiness(limited_s, "rate limit")
        return Readiness(now_s, "ready")

    def bypass_at(self, model: Model, now_s: float) -> float | None:
        """Say when an open breaker may be bypassed by one probe, if at all; a limit may not."""
        track = self._tracks[model.name]
        if track.breaker.state is not BreakerState.OPEN or track.breaker.probes:
            return None
        return max(track.limit.ready_at(now_s), track.breaker.opened_s + BYPASS_PAUSE_S)

    def is_closed(self, model: Model) -> bool:
        """Say whether nothing is held against the model."""
        return self._tracks[model.name].breaker.state is BreakerState.CLOSED

    def breaker(self, model: Model) -> Breaker:
        """Return the model's breaker."""
        return self._tracks[model.name].breaker

    def reading(self, model: Model, now_s: float) -> Reading:
        """Return the model's windowed figures."""
        return self._tracks[model.name].window.read(now_s)

    def in_flight(self, model: Model) -> int:
        """Return how many calls of the model are under way."""
        return self._tracks[model.name].in_flight

    def call(self, model: Model, now_s: float) -> Permit:
        """Take note of a call that starts now."""
        track = self._tracks[model.name]
        before = track.breaker
        opening = None if before.state is BreakerState.CLOSED else before.openings
        track.limit.called(now_s)
        track.in_flight += 1
        self._move(model, before.called(now_s), "the pause is over, a probe goes out", now_s)
        return Permit(model, opening)

    def answered(self, permit: Permit, latency_s: float, now_s: float) -> None:
        """Take note of an answer."""
        track = self._tracks[permit.model.name]
        track.in_flight -= 1
        track.window.add(now_s, latency_s * 1000)
        breaker = track.breaker.succeeded(self.catalogue.breaker, probe=track.probed_by(permit))
        self._move(permit.model, breaker, "probes succeeded", now_s)

    def failed(self, permit: Permit, failure: UpstreamFailure, latency_s: float, now_s: float) -> None:
        """Take note of a failure, as far as it is the model's."""
        track = self._tracks[permit.model.name]
        track.in_flight -= 1
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
                timeout = failure.category is AttemptOutcome.TIMEOUT
                track.window.add(now_s, latency_s * 1000, error=True, timeout=timeout)
                breaker = track.breaker.failed(self.catalogue.breaker, now_s, probe=track.probed_by(permit))
                reason = f"{failure.category}: {failure.detail}"
                if breaker.state is BreakerState.CLOSED and track.window.counts_as_failing(
                    self.catalogue.health, now_s
                ):
                    breaker = breaker.tripped(self.catalogue.breaker, now_s)
                    reason = f"too many errors in the window, the last one {reason}"
                self._move(permit.model, breaker, reason, now_s)

    def abandoned(self, permit: Permit) -> None:
        """Take note of a call that was given up for a reason of our own."""
        track = self._tracks[permit.model.name]
        track.in_flight -= 1
        track.breaker = track.breaker.abandoned(probe=track.probed_by(permit))

    def take_transitions(self) -> tuple[Transition, ...]:
        """Return what has changed since the last time this was asked."""
        taken, self._transitions = tuple(self._transitions), []
        return taken

    def alternatives(self, model: Model) -> tuple[str, ...]:
        """Return the other models of the chains that the model stands in, in order."""
        chains = (chain for chain in self.catalogue.chains.values() if model in chain)
        return _unique(other.name for chain in chains for other in chain if other is not model)

    def _move(self, model: Model, breaker: Breaker, reason: str, now_s: float) -> None:
        track = self._tracks[model.name]
        before, track.breaker = track.breaker.state, breaker
        if breaker.state is before:
            return
        if breaker.state is BreakerState.CLOSED:
            track.window.forget()
        self._transitions.append(Transition(model, before, breaker.state, reason, now_s))


def _unique(names: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(names))
