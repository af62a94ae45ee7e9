import asyncio

import pytest

from router.identity import Identity, identity_of_response, key_of_call
from schemas.vocabulary import AttemptOutcome
from streams.request.partition_state import AnsweredIds, PartitionState, Position
from tests.stage import NOW_S, Play


def known_as(request_id: str) -> Identity:
    return Identity("acme", request_id, None)


def make_state(known: Position | None = None) -> PartitionState:
    return PartitionState(AnsweredIds(600, 1000), known)


def test_a_position_survives_a_commit_and_anything_else_reads_as_the_beginning() -> None:
    assert Position.parse(str(Position(7, 9))) == Position(7, 9)
    for metadata in ("", "at 3", "responses=1", "responses=-1;calls=2", "responses=1;calls=2;more=3"):
        assert Position.parse(metadata) == Position()


def test_a_checkpoint_is_where_both_topics_ended_when_the_oldest_unfinished_request_came() -> None:
    state = make_state()
    state.recovered(Position(), Position())
    state.received(10)
    state.response_written(known_as("a"), 0, NOW_S)
    state.call_written(4)
    state.received(11)
    state.response_written(known_as("b"), 1, NOW_S)
    assert state.checkpoint(10) == Position(0, 0)
    assert state.checkpoint(11) == Position(1, 5)
    state.acknowledged(10)
    state.acknowledged(11)
    assert state.checkpoint(12) == Position(2, 5)


def test_until_a_request_that_came_back_is_finished_its_calls_are_read_back() -> None:
    state = make_state()
    state.came_back("early")
    state.recovered(Position(1, 1), Position(3, 3))
    state.came_back("late")
    state.response_written(known_as("a"), 7, NOW_S)
    state.call_written(9)
    assert state.checkpoint(12) == Position(1, 1)
    state.went_out("early")
    assert state.checkpoint(12) == Position(3, 3)
    state.went_out("late")
    assert state.checkpoint(12) == Position(8, 10)


def test_a_state_of_before_a_rebalance_passes_on_what_it_knows() -> None:
    before = make_state()
    before.response_written(known_as("a"), 41, NOW_S)
    after = PartitionState(before.answered, before.end)
    assert after.answered.find(known_as("a")) == (41, 0)
    assert after.end == Position(42, 0)


async def test_a_request_under_way_is_joined_until_it_ends() -> None:
    state = make_state()
    end = asyncio.get_running_loop().create_future()
    assert state.start("a", end) == ()
    assert state.running("a") is end
    state.stop("a")
    assert end.done()
    assert state.running("a") is None


async def test_what_an_earlier_worker_left_is_given_to_the_next_start_and_to_the_bill() -> None:
    play, state = Play(), make_state()
    play.start()
    play.fail(AttemptOutcome.DISCONNECTED)
    play.answer()
    first, second = (call.started for call in play.calls)
    state.recover_call(second)
    state.recover_call(first)
    state.recover_call(second)  # twice on the topic, or read twice
    assert state.start("cut-off", asyncio.get_running_loop().create_future()) == ()
    assert state.start(key_of_call(first), asyncio.get_running_loop().create_future()) == (first, second)

    state.recover_call(first)
    state.recover_response(identity_of_response(vars(play.response)), play.response)
    calls, attempts = state.unsettled(key_of_call(first))
    assert (list(calls), attempts) == ([first], play.response.attempts)
    assert state.unsettled(key_of_call(first)) == ((), ()), "once"


@pytest.mark.parametrize("late", [0, 1], ids=["before the heir's", "after the heir's"])
def test_of_two_answers_to_one_record_the_one_that_tells_of_more_calls_is_billed(late: int) -> None:
    """One that was cut off still writes its answer when its link heals; the heir has billed that call as unknown."""
    cut_off, heirs, state = Play(), Play(), make_state()
    cut_off.start()
    cut_off.answer()
    heirs.start(*(call.started for call in cut_off.calls))
    heirs.answer()
    answers = [heirs.response, heirs.response]
    answers[late] = cut_off.response
    for answer in answers:
        state.recover_response(identity_of_response(vars(answer)), answer)
    calls, attempts = state.unsettled(identity_of_response(vars(heirs.response)).key)
    assert (calls, attempts) == ((), heirs.response.attempts)
    assert len(attempts) == 2


def test_of_two_answers_under_one_id_the_later_records_is_billed() -> None:
    play, state = Play(), make_state()
    play.start()
    play.answer()
    again = play.response.model_copy(update={"request_offset": play.response.request_offset + 9, "attempts": ()})
    for answer in (play.response, again):
        state.recover_response(identity_of_response(vars(answer)), answer)
    assert state.unsettled(identity_of_response(vars(again)).key) == ((), ())


def test_until_what_was_recovered_is_committed_the_next_owner_reads_back_as_far() -> None:
    play, state = Play(), make_state()
    play.start()
    play.answer()
    state.recover_response(identity_of_response(vars(play.response)), play.response)
    state.recovered(Position(3, 4), Position(8, 9))
    assert state.checkpoint(play.response.request_offset) == Position(3, 4)
    assert state.checkpoint(play.response.request_offset + 1) == Position(8, 9)


def test_before_a_state_has_read_back_there_is_nothing_to_commit() -> None:
    state = make_state(known=Position(42, 43))
    state.received(10)
    assert state.checkpoint(10) is None
    state.recovered(Position(3, 4), Position(50, 60))
    state.received(11)
    assert state.checkpoint(10) == Position(3, 4)
    assert state.checkpoint(11) == Position(50, 60)
