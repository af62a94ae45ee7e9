"""A small catalogue and one session, driven by hand, that the tests of the routing core are told with."""

from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal

from router.catalogue import Catalogue, Model, Price
from router.charges import Charge
from router.errors import Answer, UpstreamFailure
from router.identity import Identity
from router.job import Job, Origin
from router.models.pool import ModelPool
from router.request.session import Action, Answered, Call, Failed, Finish, Session, Started, Wait, Woke
from schemas.costs import CallStarted
from schemas.requests import Request
from schemas.responses import AnswerMessage, Response, Usage
from schemas.vocabulary import AttemptOutcome, Tier

NOW_S = 1_800_000_000.0
DEADLINE_S = 60.0
LATENCY_S = 0.5

ALPHA = Model(
    name="alpha",
    provider_name="one",
    price=Price(Decimal(1), Decimal(2)),
    quality=5,
    context_tokens=100_000,
    max_output_tokens=4_000,
    requests_per_minute=1_000,
    typical_latency_ms=300,
    timeout_s=20.0,
)
BETA = replace(ALPHA, name="beta", provider_name="two", price=Price(Decimal(3), Decimal(6)), quality=7)
GAMMA = replace(ALPHA, name="gamma", provider_name="three", price=Price(Decimal(5), Decimal(10)), quality=9)
UNPRICED = replace(ALPHA, name="unpriced", price=None)

PROMPT = "Write a poem about the sea."
ANSWER = Answer(
    AnswerMessage(content="The sea is wide."), "stop", "alpha-2026", "id-1", Usage(input_tokens=10, output_tokens=20)
)
UNAVAILABLE = UpstreamFailure(AttemptOutcome.UNAVAILABLE, "overloaded", status_code=503)
TIMEOUT = UpstreamFailure(AttemptOutcome.TIMEOUT, "no answer in time", charge=Charge.UNKNOWN)


def make_catalogue(*chain: Model, others: tuple[Model, ...] = (), floor: int = 5) -> Catalogue:
    """Return a catalogue with the same chain for every tier, and models outside of it."""
    return Catalogue(
        name="test",
        version="7",
        models={model.name: model for model in (*chain, *others)},
        chains=dict.fromkeys(Tier, chain),
        quality_floors=dict.fromkeys(Tier, floor),
        baseline=chain[0],
    )


TWO = make_catalogue(ALPHA, BETA)
ONE = make_catalogue(ALPHA)
ORIGIN = Origin("llm.requests.v1", 3, 42)


def make_job(request: Request | None = None, deadline_s: float = DEADLINE_S) -> Job:
    """Return a job that arrives at `NOW_S` and has `deadline_s` seconds."""
    asked = request or Request(prompt=PROMPT, max_tokens=100)
    return Job(asked, Identity(asked.tenant, "r-1", None), ORIGIN, NOW_S, NOW_S + deadline_s, trace_id="t-1")


def rate_limited(retry_after_s: float | None = None) -> UpstreamFailure:
    """Return a 429."""
    return UpstreamFailure(AttemptOutcome.RATE_LIMITED, "slow down", status_code=429, retry_after_s=retry_after_s)


def trip(pool: ModelPool, model: Model, now_s: float = NOW_S) -> None:
    """Open the model's breaker, as other requests would."""
    for _ in range(pool.catalogue.breaker.consecutive_failures):
        pool.failed(pool.call(model, now_s), UNAVAILABLE, 0.1, now_s)


class Play:
    """One session under a virtual clock. Without a `chance` there is no backoff: full jitter draws 0."""

    def __init__(
        self,
        catalogue: Catalogue = TWO,
        request: Request | None = None,
        *,
        deadline_s: float = DEADLINE_S,
        pool: ModelPool | None = None,
        chance: Callable[[], float] = lambda: 0.0,
    ) -> None:
        self.now_s = NOW_S
        self.pool = pool or ModelPool(catalogue)
        self.session = Session(make_job(request, deadline_s), self.pool, chance)
        self.calls: list[Call] = []
        self._action: Action | None = None

    def start(self, *earlier: CallStarted) -> Action:
        """Start it."""
        return self._took(self.session.receive(Started(self.now_s, earlier)))

    def answer(self, answer: Answer = ANSWER, latency_s: float = LATENCY_S) -> Action:
        """Answer the call."""
        self.now_s += latency_s
        return self._took(self.session.receive(Answered(self.now_s, answer, latency_s)))

    def fail(self, failure: UpstreamFailure | AttemptOutcome = UNAVAILABLE, latency_s: float = LATENCY_S) -> Action:
        """Fail the call."""
        self.now_s += latency_s
        if isinstance(failure, AttemptOutcome):
            failure = UpstreamFailure(failure, "trouble")
        return self._took(self.session.receive(Failed(self.now_s, failure, latency_s)))

    def wake(self) -> Action:
        """Let the time of the wait pass."""
        assert isinstance(self._action, Wait)
        self.now_s = self._action.until_s
        return self._took(self.session.receive(Woke(self.now_s)))

    @property
    def called(self) -> list[str]:
        """The models that have been called, in order."""
        return [call.model.name for call in self.calls]

    @property
    def response(self) -> Response:
        """The end."""
        return self.finish.response

    @property
    def finish(self) -> Finish:
        """The end, with its costs."""
        assert isinstance(self._action, Finish), self._action
        return self._action

    @property
    def wait_s(self) -> float:
        """How long to wait from now on."""
        assert isinstance(self._action, Wait), self._action
        return self._action.until_s - self.now_s

    def _took(self, action: Action) -> Action:
        self._action = action
        if isinstance(action, Call):
            self.calls.append(action)
        return action
