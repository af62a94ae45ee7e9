"""Many sessions on one small fleet under a virtual clock, with anything happening to their calls."""

from collections import defaultdict
from dataclasses import dataclass, field, replace
from decimal import Decimal
from enum import Enum, auto

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from router.catalogue import Agreement, BreakerRules, CascadeRules, HealthRules, RetryRules
from router.charges import Charge
from router.errors import DISPOSITIONS, Answer, UpstreamFailure
from router.identity import Identity
from router.job import Job
from router.models.pool import ModelPool
from router.request.session import (
    Action,
    Answered,
    Call,
    Event,
    Failed,
    Finish,
    Session,
    SessionError,
    Started,
    Wait,
    Woke,
)
from router.request.steps import TRANSITIONS, SessionState
from router.sharing.rate_limit import MINUTE_S
from schemas.costs import CallStarted
from schemas.message import Message
from schemas.requests import JsonObject, Request
from schemas.responses import AnswerMessage, Attempt, Response, Usage
from schemas.vocabulary import AttemptOutcome, Certainty, ErrorCode, Policy, Status, Tier
from tests.examples import examples
from tests.stage import ALPHA, ANSWER, BETA, GAMMA, NOW_S, ORIGIN, TIMEOUT, make_catalogue

PER_MINUTE = 4
MODELS = tuple(replace(model, requests_per_minute=PER_MINUTE, timeout_s=10.0) for model in (ALPHA, BETA, GAMMA))
CATALOGUE = replace(
    make_catalogue(*MODELS[:2], others=MODELS[2:]),
    default_max_cost_usd=Decimal("0.05"),
    breaker=BreakerRules(consecutive_failures=2, pause_s=5, max_pause_s=20, half_open_probes=2),
    health=HealthRules(min_requests=6),
    retry=RetryRules(max_attempts=5, attempts_per_model=2, base_s=1, max_s=4),
    cascade=CascadeRules(Agreement.MODEL, judge="gamma"),
)
ROUNDING_S = 1e-5

NUMBER: JsonObject = {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]}
LOOSE: JsonObject = {"type": "json_schema", "json_schema": {"name": "number", "schema": NUMBER}}
STRICT: JsonObject = {"type": "json_schema", "json_schema": {"name": "number", "schema": NUMBER, "strict": True}}
FITS = '{"n": 1}'

REQUESTS = st.builds(
    Request,
    prompt=st.sampled_from(["Write a poem.", "Quick: what is it?", "word " * 3_000]),
    max_tokens=st.sampled_from([None, 10, 4_000]),
    max_cost_usd=st.none() | st.sampled_from([Decimal("0.00001"), Decimal("0.002"), Decimal("0.03"), Decimal(1)]),
    model=st.sampled_from([None, None, None, "alpha", "gamma", "delta"]),
    tier=st.none() | st.sampled_from(Tier),
    policy=st.none() | st.sampled_from(Policy),
    response_format=st.sampled_from([None, None, LOOSE, STRICT]),
)
USAGES = st.builds(Usage, input_tokens=st.integers(0, 30), output_tokens=st.integers(0, 4_000))
ANSWERS = st.builds(
    replace,
    st.just(ANSWER),
    message=st.builds(AnswerMessage, content=st.sampled_from([FITS, "The sea.", '{"n": "one"}', ""])),
    usage=st.none() | USAGES,
    finish_reason=st.sampled_from(["stop", "stop", "length"]),
)
FAILURES = st.builds(
    UpstreamFailure,
    category=st.sampled_from(sorted(DISPOSITIONS.keys() - {AttemptOutcome.CUT_OFF})),  # no provider says that
    detail=st.just("trouble"),
    retry_after_s=st.none() | st.floats(0, 90),
    charge=st.sampled_from(Charge),
    usage=st.none() | USAGES,
)
RESULTS = st.one_of(ANSWERS, FAILURES)


class State(Enum):
    """Where a session stands, as its caller sees it."""

    NEW = auto()
    CALLING = auto()
    WAITING = auto()
    ENDED = auto()


STEPS = {
    State.NEW: SessionState.NEW,
    State.CALLING: SessionState.CALLING,
    State.WAITING: SessionState.WAITING,
    State.ENDED: SessionState.ENDED,
}
FITTING: dict[State, tuple[type[Event], ...]] = {
    State.NEW: (Started,),
    State.CALLING: (Answered, Failed),
    State.WAITING: (Woke,),
    State.ENDED: (),
}


@dataclass(eq=False)
class Life:
    """One session and what its caller knows of it."""

    job: Job
    session: Session
    earlier: tuple[CallStarted, ...] = ()
    state: State = State.NEW
    action: Action | None = None
    acted_s: float = 0.0
    due_s: float = 0.0
    calls: list[Call] = field(default_factory=list)
    answered: bool = False


def cut_off(job: Job, count: int) -> tuple[CallStarted, ...]:
    """Return the write-ahead records of a worker that crashed during its call number `count`."""
    session, calls = Session(job, ModelPool(CATALOGUE), lambda: 0.0), list[CallStarted]()
    action = session.receive(Started(job.received_s))
    while len(calls) < count and isinstance(action, Call):
        calls.append(action.started)
        action = session.receive(Failed(job.received_s, TIMEOUT, 0))
    return tuple(calls)


class SessionsMachine(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.pool = ModelPool(CATALOGUE)
        self.now_s = NOW_S
        self.lives: list[Life] = []
        self.called_s: defaultdict[str, list[float]] = defaultdict(list)
        self.event_ids: set[str] = set()
        self.luck = 0.0

    @rule(
        request=REQUESTS,
        gap_s=st.floats(0, 5),
        deadline_s=st.sampled_from([-1, 0, 3, 30, 120]),
        crashed=st.integers(0, 2),
    )
    def arrives(self, request: Request, gap_s: float, deadline_s: float, crashed: int) -> None:
        self._let_pass(gap_s)
        job = Job(
            request, Identity(request.tenant, f"r-{len(self.lives)}", None), ORIGIN, self.now_s, self.now_s + deadline_s
        )
        earlier = cut_off(job, crashed)
        self.lives.append(Life(job, Session(job, self.pool, lambda: self.luck), earlier))

    @precondition(lambda self: self._in(State.NEW))
    @rule()
    def starts(self) -> None:
        life = self._in(State.NEW)[0]
        self._tell(life, Started(self.now_s, life.earlier))

    @precondition(lambda self: self._due())
    @rule(result=RESULTS, sooner=st.floats(0.01, 1), luck=st.floats(0, 0.999))
    def something_happens(self, result: Answer | UpstreamFailure, sooner: float, luck: float) -> None:
        """Go on to what is due first; a call may also end before its time."""
        self.luck = luck
        self._happen(min(self._due(), key=lambda life: life.due_s), result, sooner)

    @precondition(lambda self: self._due())
    @rule()
    def breaks_off(self) -> None:
        life = self._due()[0]
        self._took(life, life.session.break_off("a defect", self.now_s))

    @precondition(lambda self: self._due())
    @rule()
    def is_given_up(self) -> None:
        """The next owner knows the calls that had ended as they were, and of one under way that it was made."""
        life = self._due()[-1]
        under_way = [life.calls[-1].started] if life.state is State.CALLING else []
        earlier = (*life.earlier, *life.session.abandon(self.now_s), *under_way)
        life.state = State.ENDED
        assert [call.attempt for call in earlier] == list(range(1, len(life.earlier) + len(life.calls) + 1))
        self.lives.append(Life(life.job, Session(life.job, self.pool, lambda: self.luck), earlier))

    @precondition(lambda self: self.lives)
    @rule(place=st.integers(0, 1000), kind=st.sampled_from([Started, Answered, Failed, Woke]))
    def is_told_what_it_did_not_ask_for(self, place: int, kind: type[Event]) -> None:
        life = self.lives[place % len(self.lives)]
        if kind in FITTING[life.state]:
            return
        events: dict[type[Event], Event] = {
            Started: Started(self.now_s),
            Answered: Answered(self.now_s, ANSWER, 1),
            Failed: Failed(self.now_s, TIMEOUT, 1),
            Woke: Woke(self.now_s),
        }
        with pytest.raises(SessionError):
            life.session.receive(events[kind])

    @invariant()
    def no_limit_is_exceeded(self) -> None:
        for calls_s in self.called_s.values():
            for first_s, last_s in zip(calls_s, calls_s[PER_MINUTE:], strict=False):
                assert last_s - first_s >= MINUTE_S - ROUNDING_S

    @invariant()
    def calls_in_flight_are_those_under_way(self) -> None:
        under_way = [life.calls[-1].model for life in self._in(State.CALLING)]
        for model in MODELS:
            assert self.pool.in_flight(model) == under_way.count(model)
            assert self.pool.breaker(model).probes <= CATALOGUE.breaker.half_open_probes

    def teardown(self) -> None:
        """Whatever has happened, everybody ends by the deadline."""
        for life in self._in(State.NEW):
            self._tell(life, Started(self.now_s, life.earlier))
        while due := self._due():
            self._happen(min(due, key=lambda life: life.due_s), TIMEOUT, 1)
        assert all(life.state is State.ENDED for life in self.lives)

    def _in(self, state: State) -> list[Life]:
        return [life for life in self.lives if life.state is state]

    def _due(self) -> list[Life]:
        return [life for life in self.lives if life.state in (State.CALLING, State.WAITING)]

    def _let_pass(self, gap_s: float) -> None:
        self.now_s = min([self.now_s + gap_s, *(max(life.due_s, self.now_s) for life in self._due())])

    def _happen(self, life: Life, result: Answer | UpstreamFailure, sooner: float) -> None:
        if life.state is State.WAITING:
            self.now_s = max(self.now_s, life.due_s)
            self._tell(life, Woke(self.now_s))
            return
        self.now_s = max(self.now_s, life.acted_s + sooner * (life.due_s - life.acted_s))
        latency_s = self.now_s - life.acted_s
        result = within_bounds(life.calls[-1], result)
        if isinstance(result, Answer):
            fits = life.job.request.response_format != STRICT or result.message.content == FITS
            run = life.session._cascade
            life.answered |= fits and (run is None or run.asking is None)
            self._tell(life, Answered(self.now_s, result, latency_s))
        else:
            self._tell(life, Failed(self.now_s, result, latency_s))

    def _tell(self, life: Life, event: Event) -> None:
        allowed = TRANSITIONS[STEPS[life.state], type(event)].to
        self._took(life, life.session.receive(event))
        assert STEPS[life.state] in allowed

    def _took(self, life: Life, action: Action) -> None:
        life.action, life.acted_s = action, self.now_s
        match action:
            case Call():
                life.state, life.due_s = State.CALLING, self.now_s + action.timeout_s
                life.calls.append(action)
                self._check_call(life, action)
            case Wait():
                life.state, life.due_s = State.WAITING, action.until_s
                assert self.now_s < action.until_s < life.job.deadline_s
            case Finish():
                assert life.state is not State.ENDED
                life.state = State.ENDED
                self._check_finish(life, action)

    def _check_call(self, life: Life, call: Call) -> None:
        request, model = life.job.request, call.model
        assert_valid(call.started)
        self.called_s[model.name].append(self.now_s)
        assert self.now_s < life.job.deadline_s
        assert 0 < call.timeout_s <= model.timeout_s
        assert self.now_s + call.timeout_s <= life.job.deadline_s + ROUNDING_S
        assert len(life.earlier) + len(life.calls) <= CATALOGUE.retry.max_attempts
        assert request.model in (None, model.name)
        assert call.started.attempt == len(life.earlier) + len(life.calls)
        assert call.started.event_id == life.job.event_id(call.started.attempt)
        assert call.started.event_id not in self.event_ids
        self.event_ids.add(call.started.event_id)
        asked = call.repair or request  # a repair, or a judge's question
        assert call.max_tokens <= min(asked.max_tokens or CATALOGUE.default_max_tokens, model.max_output_tokens)
        assert self.pool.breaker(model).probes <= CATALOGUE.breaker.half_open_probes

    def _check_finish(self, life: Life, finish: Finish) -> None:
        response, costs = finish.response, finish.costs
        for record in (response, *costs):
            assert_valid(record)
        cap_usd = life.job.request.max_cost_usd or CATALOGUE.default_max_cost_usd
        assert (response.status is Status.COMPLETED) == life.answered
        is_misfit = response.error is not None and response.error.code is ErrorCode.SCHEMA_VIOLATION
        assert (response.message is not None) == (life.answered or is_misfit)
        own = response.attempts[len(life.earlier) :]
        of_schema = [attempt.outcome is AttemptOutcome.SCHEMA_VIOLATION for attempt in own]
        assert not is_misfit or any(of_schema)
        for model in MODELS:
            misfits = [
                call.repair is not None
                for call, misfit in zip(life.calls, of_schema, strict=True)
                if misfit and call.model.name == model.name
            ]
            assert misfits in ([], [False], [False, True]), "a model is repaired once, and then left"
        assert (response.error is None) == life.answered
        assert response.request_id == life.job.request_id
        # nothing of the model's is in time but the end of a call itself, and the clock does not stand still for it
        assert self.now_s <= max(life.job.deadline_s, life.job.received_s, life.acted_s) + ROUNDING_S
        assert len(response.attempts) == len(life.earlier) + len(life.calls)
        assert [attempt.attempt for attempt in response.attempts] == list(range(1, len(response.attempts) + 1))
        assert response.cost_usd == sum(cost.cost_usd or 0 for cost in costs)
        assert len({cost.event_id for cost in costs}) == len(costs)
        charged = [attempt.attempt for attempt in response.attempts if attempt.certainty is not None]
        assert [cost.attempt for cost in costs] == charged
        assert all(cost.event_id == life.job.event_id(cost.attempt) for cost in costs)
        cut = [cost for cost in costs if cost.outcome is AttemptOutcome.CUT_OFF]
        assert all(cost.certainty is Certainty.UNKNOWN for cost in cut)
        assert len(cut) >= sum(call.attempt_json is None for call in life.earlier)
        assert not life.calls or (response.cost_usd or 0) <= cap_usd
        if response.error is not None and response.error.code is ErrorCode.COST_CAP_EXCEEDED:
            assert not life.calls


def assert_valid(record: Message) -> None:
    """Check that a record which was made without being checked is the one that checking makes."""
    checked = type(record).model_validate({name: getattr(record, name) for name in record.model_fields_set})
    assert checked == record
    assert checked.encode() == record.encode()
    assert type(record).decode(record.encode()).encode() == record.encode()
    for attempt in record.attempts if isinstance(record, Response) else ():
        assert Attempt.model_validate(vars(attempt)) == attempt


def within_bounds(call: Call, result: Answer | UpstreamFailure) -> Answer | UpstreamFailure:
    """Return what a provider may say that keeps to `max_tokens`: the cost cap rests on it."""
    if result.usage is None:
        return result
    usage = Usage(
        input_tokens=min(result.usage.input_tokens, call.started.input_tokens or 0),
        output_tokens=min(result.usage.output_tokens, call.max_tokens),
    )
    return replace(result, usage=usage)


TestSessions = SessionsMachine.TestCase
TestSessions.settings = settings(max_examples=examples(150), stateful_step_count=50, deadline=None)
