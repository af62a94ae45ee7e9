"""A virtual clock and four virtual providers, so that hours of routing are played in seconds."""

from collections import Counter, deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from enum import Enum, auto
from heapq import heappop, heappush
from math import log
from random import Random

from router.catalogue import Catalogue, Model
from router.charges import Charge
from router.errors import Answer, UpstreamFailure
from router.job import Job
from router.models.model_state import Transition
from router.models.pool import ModelPool
from router.request.session import Action, Answered, Call, Event, Failed, Finish, Session, Started, Wait, Woke
from schemas.responses import AnswerMessage, Usage
from schemas.vocabulary import AttemptOutcome

Z_99 = 2.3263478740
"""The 99th percentile of the standard normal distribution."""
MESSAGE = AnswerMessage(content="Certainly.")


class Trouble(Enum):
    """What a provider does during a `Spell`."""

    REFUSES = auto()
    HANGS = auto()
    ERRORS = auto()
    SHARES_ITS_LIMIT = auto()
    """Somebody else uses the same account: of the calls a minute only a few are left for us."""


@dataclass(frozen=True, slots=True)
class Spell:
    """A time of trouble of one model, in virtual seconds."""

    model: str
    from_s: float
    to_s: float
    trouble: Trouble

    @property
    def is_outage(self) -> bool:
        """Say whether nothing gets through."""
        return self.trouble is not Trouble.SHARES_ITS_LIMIT


@dataclass(frozen=True, slots=True)
class Figures:
    """How a model behaves on a good day."""

    p50_ms: float
    p99_ms: float
    uptime: float


SHARED_PER_MINUTE = 20
ERROR_S = 0.05
REFUSED = UpstreamFailure(AttemptOutcome.UNREACHABLE, "connection refused")
DOWN = UpstreamFailure(AttemptOutcome.UNAVAILABLE, "overloaded", status_code=503)
BROKEN_OFF = UpstreamFailure(AttemptOutcome.DISCONNECTED, "connection reset", charge=Charge.UNKNOWN)
SILENT = UpstreamFailure(AttemptOutcome.TIMEOUT, "no answer in time", charge=Charge.UNKNOWN)


class VirtualProvider:
    """One model's provider: latency, luck, limit, and an invoice in nano-dollars by cost event id."""

    def __init__(self, model: Model, figures: Figures, spells: Iterable[Spell], random: Random) -> None:
        self.invoice: dict[str, int] = {}
        self.calls = 0
        self.calls_in_outages = 0
        self.too_many = 0
        self._model = model
        self._figures = figures
        self._sigma = log(figures.p99_ms / figures.p50_ms) / Z_99
        self._spells = [spell for spell in spells if spell.model == model.name]
        self._random = random
        self._minute: deque[float] = deque()
        if model.price is None:
            raise ValueError("a provider knows its prices")
        # a dollar per million tokens is 1,000 nano-dollars a token: whole numbers, and nothing is rounded
        self._input_nano_usd = int(model.price.input_usd_per_mtok * 1000)
        self._output_nano_usd = int(model.price.output_usd_per_mtok * 1000)

    def call(self, call: Call, now_s: float) -> tuple[float, Answer | UpstreamFailure]:
        """Return what becomes of the call and after how many seconds."""
        self.calls += 1
        trouble = next((spell.trouble for spell in self._spells if spell.from_s <= now_s < spell.to_s), None)
        if trouble not in (None, Trouble.SHARES_ITS_LIMIT):
            self.calls_in_outages += 1
        match trouble:
            case Trouble.REFUSES:
                return 0.001, REFUSED
            case Trouble.ERRORS:
                return ERROR_S, DOWN
            case Trouble.HANGS:
                return call.timeout_s, SILENT
        shared = trouble is Trouble.SHARES_ITS_LIMIT
        limit = SHARED_PER_MINUTE if shared else self._model.requests_per_minute
        while self._minute and self._minute[0] <= now_s - 60:
            self._minute.popleft()
        if len(self._minute) >= limit:
            self.too_many += 1
            wait_s = self._minute[-limit] + 60 - now_s
            return ERROR_S, UpstreamFailure(
                AttemptOutcome.RATE_LIMITED, "too many requests", status_code=429, retry_after_s=wait_s
            )
        self._minute.append(now_s)
        return self._serve(call)

    def _serve(self, call: Call) -> tuple[float, Answer | UpstreamFailure]:
        luck = self._random.random()
        unlucky = 1 - self._figures.uptime
        if luck < unlucky * 0.7:
            return ERROR_S, DOWN
        latency_s = self._figures.p50_ms / 1000 * self._random.lognormvariate(0, self._sigma)
        usage = self._charge(call)
        if latency_s > call.timeout_s:
            return call.timeout_s, SILENT
        if luck < unlucky * 0.85:
            return latency_s, BROKEN_OFF
        if luck < unlucky:
            return latency_s, UpstreamFailure(AttemptOutcome.MALFORMED, "no JSON", charge=Charge.UNKNOWN, usage=usage)
        return latency_s, Answer(MESSAGE, "stop", self._model.name, None, usage)

    def _charge(self, call: Call) -> Usage:
        input_tokens = 1 + int(self._random.random() * (call.started.input_tokens or 1))
        output_tokens = 1 + int(self._random.random() * call.max_tokens)
        self.invoice[call.started.event_id] = (
            input_tokens * self._input_nano_usd + output_tokens * self._output_nano_usd
        )
        return Usage(input_tokens=input_tokens, output_tokens=output_tokens)


@dataclass(slots=True)
class World:
    """Plays jobs against a fleet and virtual providers, from one event to the next."""

    catalogue: Catalogue
    figures: dict[str, Figures]
    spells: tuple[Spell, ...] = ()
    seed: int = 0
    pool: ModelPool = field(init=False)
    providers: dict[str, VirtualProvider] = field(init=False)
    transitions: list[Transition] = field(default_factory=list)
    events: Counter[str] = field(default_factory=Counter)
    _random: Random = field(init=False)

    def __post_init__(self) -> None:
        self._random = Random(self.seed)  # noqa: S311 - a test's dice
        self.pool = ModelPool(self.catalogue)
        self.providers = {
            name: VirtualProvider(model, self.figures[name], self.spells, self._random)
            for name, model in self.catalogue.models.items()
        }

    def play(self, jobs: Iterable[Job], finished: Callable[[Job, Finish], None]) -> float:
        """Play the jobs, which come in the order of `received_s`, to their ends; return when the last one ended."""
        heap: list[tuple[float, int, Job, Session, Event]] = []
        number, now_s = 0, 0.0
        arrivals = iter(jobs)
        coming = next(arrivals, None)
        while heap or coming is not None:
            if coming is not None and (not heap or coming.received_s <= heap[0][0]):
                now_s, job = coming.received_s, coming
                session = Session(job, self.pool, self._random.random)
                event: Event = Started(now_s)
                coming = next(arrivals, None)
            else:
                now_s, _, job, session, event = heappop(heap)
            action = session.receive(event)
            self.events[type(event).__name__] += 1
            self.transitions.extend(self.pool.take_transitions())
            if isinstance(action, Finish):
                finished(job, action)
            else:
                number += 1
                event = self._perform(action, now_s)
                heappush(heap, (event.now_s, number, job, session, event))
        return now_s

    def _perform(self, action: Action, now_s: float) -> Event:
        match action:
            case Call():
                took_s, result = self.providers[action.model.name].call(action, now_s)
                if isinstance(result, Answer):
                    return Answered(now_s + took_s, result, took_s)
                return Failed(now_s + took_s, result, took_s)
            case Wait():
                return Woke(action.until_s)
            case Finish():
                raise AssertionError("an end is not performed")
