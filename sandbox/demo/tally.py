"""What the demo has read from Turnout's topics so far."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field

from schemas.costs import CostEvent
from schemas.failovers import Failover, FailoverKind
from schemas.health import BreakerState
from schemas.responses import Response
from schemas.topics import Topic
from schemas.vocabulary import AttemptOutcome, SkipReason, Status

WATCHED = (Topic.RESPONSES, Topic.COSTS, Topic.FAILOVERS, Topic.DEAD_LETTERS)
"""The topics that a tally is made of."""

_PASSED_OVER = {
    SkipReason.BREAKER_OPEN,
    SkipReason.BREAKER_OPEN_SLOW,
    SkipReason.PROBES_OUT,
    SkipReason.RATE_LIMIT,
}
"""Why a model was not called whose turn it was, when the model itself is the reason."""


@dataclass(slots=True)
class ModelCount:
    """One model so far."""

    answers: int = 0
    stood_in: int = 0
    """Answers that another model was to give."""
    failed_calls: int = 0
    breakers: dict[str, BreakerState] = field(default_factory=dict)
    """By worker, for those that have reported one."""

    def workers_with(self, *states: BreakerState) -> int:
        """Count the workers whose breaker is in one of the states."""
        return sum(state in states for state in self.breakers.values())


@dataclass(slots=True)
class Tally:
    """Everything read so far. Each request is answered by its first response; any further one is `again`."""

    published: int = 0
    responses: dict[str, Response] = field(default_factory=dict)
    again: list[str] = field(default_factory=list)
    costs: list[CostEvent] = field(default_factory=list)
    failovers: list[Failover] = field(default_factory=list)
    dead_letters: int = 0
    models: defaultdict[str, ModelCount] = field(default_factory=lambda: defaultdict(ModelCount))

    def add(self, topic: Topic, value: bytes) -> None:
        """Take in the value of one record of a watched topic. Raises pydantic.ValidationError."""
        match topic:
            case Topic.RESPONSES:
                self._answer(Response.decode(value))
            case Topic.COSTS:
                self.costs.append(CostEvent.decode(value))
            case Topic.FAILOVERS:
                self._switch(Failover.decode(value))
            case Topic.DEAD_LETTERS:
                self.dead_letters += 1

    def busiest_model(self) -> str | None:
        """Return the model with the most answers."""
        return max(self.models, key=lambda name: self.models[name].answers, default=None)

    def _answer(self, response: Response) -> None:
        if response.request_id in self.responses:
            self.again.append(response.request_id)
            return
        self.responses[response.request_id] = response
        for attempt in response.attempts:
            self.models[attempt.request_model].failed_calls += attempt.outcome is not AttemptOutcome.SUCCEEDED
        if response.status is Status.COMPLETED and response.request_model is not None:
            model = self.models[response.request_model]
            model.answers += 1
            model.stood_in += is_fallback(response)

    def _switch(self, failover: Failover) -> None:
        if failover.kind is not FailoverKind.BREAKER:
            return  # the demo's story is told by the breakers
        self.failovers.append(failover)
        self.models[failover.request_model].breakers[failover.worker] = BreakerState(failover.to_state)


def is_fallback(response: Response) -> bool:
    """Say whether another model answered than the one whose turn it was: that one failed, or could not be called."""
    return response.status is Status.COMPLETED and any(name != response.request_model for name in _ahead(response))


def _ahead(response: Response) -> Iterable[str]:
    yield from (attempt.request_model for attempt in response.attempts)
    yield from (skip.request_model for skip in response.skipped if skip.code in _PASSED_OVER)
