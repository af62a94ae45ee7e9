"""Which calls for embeddings are made as one, when the joined call goes out, and what of it is whose."""

from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal

import pytest

from router.catalogue import Price
from router.charges import Charge
from router.errors import Answer, Next, UpstreamFailure
from router.identity import Identity
from router.job import Job
from router.request.joining import (
    JOIN_S,
    JOINED_TOKENS,
    Batch,
    Gathering,
    Manner,
    Size,
    joined_call,
    joined_call_id,
    joined_request,
    manner_of,
    parted,
)
from router.request.session import Answered, Call, Failed
from router.request.share import Share
from schemas.requests import Request
from schemas.responses import AnswerMessage, Usage
from schemas.vocabulary import AttemptOutcome, Certainty, Status
from tests.stage import ALPHA, NOW_S, Play, make_catalogue, make_job

PRICE = Price(Decimal("0.0125"), Decimal(0))
SMALL = replace(ALPHA, name="small", price=PRICE, context_tokens=8192, embeds=True, join_inputs=10)
CATALOGUE = make_catalogue(ALPHA, others=(SMALL, replace(SMALL, name="other"), replace(SMALL, name="1", join_inputs=1)))
ASKED: Mapping[str, object] = {"model": "small", "input": "Hello", "tenant": "acme"}
REFUSAL = UpstreamFailure(AttemptOutcome.CONTEXT_TOO_LONG, "HTTP 400: too long", status_code=400, is_final=True)


def asked(deadline_s: float = 60.0, **fields: object) -> tuple[Job, Call]:
    request = Request.model_validate({**ASKED, **fields})
    call = Play(CATALOGUE, request, deadline_s=deadline_s).start()
    assert isinstance(call, Call)
    return make_job(request, deadline_s), call


def manner(fields: Mapping[str, object] = ASKED, deadline_s: float = 60.0) -> Manner | None:
    return manner_of(*asked(deadline_s, **fields), NOW_S)


@pytest.mark.parametrize("fields", [{}, {"input": ["a", "b"]}, {"metadata": {"team": "sea"}}, {"max_cost_usd": "0.05"}])
def test_what_asks_in_the_same_way_joins(fields: dict[str, object]) -> None:
    assert manner(fields) == manner() is not None


@pytest.mark.parametrize(
    "fields",
    [
        {"tenant": "another"},
        {"model": "other"},
        {"dimensions": 256},
        {"encoding_format": "base64"},
        {"user": "somebody"},
        {"input": [1, 2, 3]},
    ],
)
def test_what_asks_in_another_way_joins_others(fields: dict[str, object]) -> None:
    assert manner(fields) not in (None, manner())


def test_who_proves_its_name_is_not_joined_with_who_only_says_it() -> None:
    job, call = asked()
    proven = replace(job, identity=Identity("acme", "r-1", None, authenticated=True))
    assert manner_of(proven, call, NOW_S) != manner_of(job, call, NOW_S)


@pytest.mark.parametrize(
    ("deadline_s", "fields"),
    [
        (60.0, {"input": ["a"] * 9}),
        (60.0, {"input": [7] * 1_025}),
        (60.0, {"model": "1"}),
        (SMALL.timeout_s, {}),
    ],
)
def test_what_is_large_or_in_a_hurry_or_of_a_model_that_joins_nothing_goes_alone(
    deadline_s: float, fields: dict[str, object]
) -> None:
    assert manner(fields, deadline_s) is None


def test_a_prompt_joins_nothing() -> None:
    job = make_job()
    call = Play(CATALOGUE).start()
    assert isinstance(call, Call)
    assert manner_of(job, call, NOW_S) is None


def gathered(*sizes: Size) -> list[tuple[Batch[int], Batch[int] | None]]:
    gathering, one = Gathering[int](), manner()
    assert one is not None
    return [gathering.add(one, number, size, NOW_S + number / 1000) for number, size in enumerate(sizes)]


def test_a_batch_closes_20_ms_after_its_first_call() -> None:
    (first, closed), (second, _) = gathered(Size(1, 10), Size(2, 10))
    assert first is second
    assert closed is None
    assert (first.members, first.closes_s) == ((0, 1), NOW_S + JOIN_S)


def test_a_batch_that_is_full_closes_at_once() -> None:
    (_, none), (batch, closed) = gathered(Size(8, 10), Size(2, 10))
    assert none is None
    assert closed is batch
    assert batch.members == (0, 1)


@pytest.mark.parametrize("more", [Size(3, 10), Size(1, JOINED_TOKENS)])
def test_a_call_that_does_not_fit_closes_the_batch_and_begins_another(more: Size) -> None:
    (first, _), (second, closed) = gathered(Size(8, 10), more)
    assert closed is first
    assert (first.members, second.members) == ((0,), (1,))
    assert second.closes_s == pytest.approx(NOW_S + 0.001 + JOIN_S)


def test_who_leaves_makes_room() -> None:
    batch = gathered(Size(8, 10))[0][0]
    assert not batch.has_room(Size(3, 10))
    batch.leave(0)
    batch.leave(0)
    assert batch.has_room(Size(3, 10))
    assert batch.members == ()


def test_a_batch_is_closed_once() -> None:
    gathering, one = Gathering[int](), manner()
    assert one is not None
    batch, _ = gathering.add(one, 1, Size(1, 1), NOW_S)
    assert gathering.close(batch)
    assert not gathering.close(batch)
    assert gathering.add(one, 2, Size(1, 1), NOW_S)[0] is not batch


def test_the_joined_call_holds_all_inputs_in_order_under_an_id_of_its_own() -> None:
    (job, call), (other, _) = asked(input=["a", "b"]), asked(input="c")
    request = joined_request([job.request, other.request])
    assert request.inputs == ["a", "b", "c"]
    call_id = joined_call_id(["e-1", "e-2"])
    assert joined_call(call, call_id).started.event_id == call_id
    assert len({call_id, joined_call_id(["e-2", "e-1"]), joined_call_id(["e-1"]), "e-1"}) == 4


def test_each_member_gets_the_vectors_of_its_own_inputs() -> None:
    vectors = AnswerMessage(content=None, embeddings=[[1.0], [2.0], [3.0]])
    usage = Usage(input_tokens=7, output_tokens=0)
    first, second = parted(Answer(vectors, None, "small", None, usage), [2, 1])
    assert isinstance(first, Answer)
    assert isinstance(second, Answer)
    assert first.message.embeddings == [[1.0], [2.0]]
    assert second.message.embeddings == [[3.0]]
    assert first.usage == second.usage == usage


def test_a_refusal_of_several_is_no_ones_and_any_other_failure_is_everybodys() -> None:
    (first, second) = parted(REFUSAL, [1, 1])
    assert first == second
    assert isinstance(first, UpstreamFailure)
    assert first.disposition.next is Next.ASK_APART
    assert "in one call with 1 others" in first.detail
    assert parted(REFUSAL, [3]) == [REFUSAL]
    down = UpstreamFailure(AttemptOutcome.UNAVAILABLE, "HTTP 503", status_code=503)
    assert parted(down, [1, 1]) == [down, down]


class Member(Play):
    """One of three members of a call of 12 tokens by our count."""

    def __init__(self, place: int) -> None:
        super().__init__(CATALOGUE, Request(model="small", input=[7] * (2, 4, 6)[place]))
        self.share = Share((2, 4, 6), place, leads=place == 0)
        self.first = self.start()
        self.ahead = self.session.join("joined")

    def told(self, result: Answer | UpstreamFailure) -> object:
        self.now_s += 1
        if isinstance(result, Answer):
            return self._took(self.session.receive(Answered(self.now_s, result, 1.0, self.share)))
        return self._took(self.session.receive(Failed(self.now_s, result, 1.0, self.share)))


VECTOR = Answer(
    AnswerMessage(content=None, embeddings=[[1.0]]), None, "s", None, Usage(input_tokens=9, output_tokens=0)
)


def test_the_shares_of_a_call_are_its_cost_to_the_nano_dollar() -> None:
    members = [Member(place) for place in range(3)]
    for member in members:
        member.told(VECTOR)
    costs = [cost for member in members for cost in member.finish.costs]
    assert [cost.cost_nano_usd for cost in costs] == [18, 37, 57], "9 tokens of 12.5 nano-dollars: 112, half to even"
    assert [cost.input_tokens for cost in costs] == [1, 3, 5]
    assert [cost.baseline_cost_usd for cost in costs] == [cost.cost_usd for cost in costs]
    assert {cost.certainty for cost in costs} == {Certainty.METERED}
    assert {cost.upstream_call_id for cost in costs} == {"joined"}
    assert [cost.event_id for cost in costs] == [member.ahead.event_id for member in members]
    for member, cost in zip(members, costs, strict=True):
        assert member.ahead.upstream_call_id == "joined"
        assert member.response.usage is not None
        assert member.response.cost_usd == cost.cost_usd


def test_a_failure_that_says_what_it_cost_is_shared_too() -> None:
    members = [Member(place) for place in range(3)]
    for member in members:
        member.told(UpstreamFailure(AttemptOutcome.MALFORMED, "odd", charge=Charge.UNKNOWN, usage=VECTOR.usage))
    assert [member.finish.costs[0].cost_nano_usd for member in members] == [18, 37, 57]


def test_without_usage_each_share_is_its_own_estimate() -> None:
    members = [Member(place) for place in range(3)]
    for member in members:
        member.told(replace(VECTOR, usage=None))
    costs = [member.finish.costs[0] for member in members]
    assert [cost.input_tokens for cost in costs] == [2, 4, 6]
    assert {cost.certainty for cost in costs} == {Certainty.ESTIMATED}


def test_after_a_refusal_of_several_each_is_asked_alone_and_the_refusal_is_no_ones_fault() -> None:
    member = Member(1)
    refused = parted(REFUSAL, [1, 1, 1])[1]
    again = member.told(refused)
    assert isinstance(again, Call)
    assert not again.joinable
    assert again.started.upstream_call_id is None
    assert member.now_s == NOW_S + 1, "at once"
    member.fail(REFUSAL)
    assert member.response.status is Status.REJECTED
    assert [attempt.outcome for attempt in member.response.attempts] == [AttemptOutcome.CONTEXT_TOO_LONG] * 2


def test_one_call_counts_once_to_the_health_and_the_limit_of_its_model() -> None:
    pool = Play(CATALOGUE).pool
    plays = [Play(CATALOGUE, Request(model="small", input="a"), pool=pool) for _ in range(6)]
    for play in plays:
        play.start()
        play.session.join("joined")
    down = UpstreamFailure(AttemptOutcome.UNAVAILABLE, "HTTP 503", status_code=503)
    for place, play in enumerate(plays):
        play.session.receive(Failed(NOW_S + 1, down, 1.0, Share((1,) * 6, place, leads=place == 0)))
    assert pool.is_closed(SMALL), "five failures in a row would open it"
