import asyncio

from router.finished_ids import RecentIds
from schemas.vocabulary import AttemptOutcome
from streams.request.partition_state import Lane, Position
from tests.stage import NOW_S, Play


def make_lane(known: Position | None = None) -> Lane:
    return Lane(RecentIds(600, 1000), known)


def test_a_position_survives_a_commit_and_anything_else_reads_as_the_beginning() -> None:
    assert Position.parse(str(Position(7, 9))) == Position(7, 9)
    for metadata in ("", "at 3", "responses=1", "responses=-1;calls=2", "responses=1;calls=2;more=3"):
        assert Position.parse(metadata) == Position()


def test_a_checkpoint_is_where_both_topics_ended_when_the_oldest_unfinished_request_came() -> None:
    lane = make_lane()
    lane.recovered(Position(), Position())
    lane.received(10)
    lane.response_written("a", 0, NOW_S)
    lane.call_written(4)
    lane.received(11)
    lane.response_written("b", 1, NOW_S)
    assert lane.checkpoint(10) == Position(0, 0)
    assert lane.checkpoint(11) == Position(1, 5)
    lane.acknowledged(10)
    lane.acknowledged(11)
    assert lane.checkpoint(12) == Position(2, 5)


def test_a_lane_of_before_a_rebalance_passes_on_what_it_knows() -> None:
    before = make_lane()
    before.response_written("a", 41, NOW_S)
    after = Lane(before.finished, before.end)
    assert after.finished.find("a") == 41
    assert after.end == Position(42, 0)


async def test_a_request_under_way_is_joined_until_it_ends() -> None:
    lane = make_lane()
    end = asyncio.get_running_loop().create_future()
    assert lane.start("a", end) == ()
    assert lane.running("a") is end
    lane.stop("a")
    assert end.done()
    assert lane.running("a") is None


async def test_what_an_earlier_worker_left_is_given_to_the_next_start_and_to_the_bill() -> None:
    play, lane = Play(), make_lane()
    play.start()
    play.fail(AttemptOutcome.DISCONNECTED)
    play.answer()
    first, second = (call.started for call in play.calls)
    lane.recover_call(second)
    lane.recover_call(first)
    lane.recover_call(second)  # twice on the topic, or read twice
    assert lane.start("cut-off", asyncio.get_running_loop().create_future()) == ()
    assert lane.start(first.request_id, asyncio.get_running_loop().create_future()) == (first, second)

    lane.recover_call(first)
    lane.recover_response(play.response)
    calls, attempts = lane.unsettled(first.request_id)
    assert (list(calls), attempts) == ([first], play.response.attempts)
    assert lane.unsettled(first.request_id) == ((), ()), "once"


def test_until_what_was_recovered_is_committed_the_next_owner_reads_back_as_far() -> None:
    play, lane = Play(), make_lane()
    play.start()
    play.answer()
    lane.recover_response(play.response)
    lane.recovered(Position(3, 4), Position(8, 9))
    assert lane.checkpoint(play.response.request_offset) == Position(3, 4)
    assert lane.checkpoint(play.response.request_offset + 1) == Position(8, 9)


def test_before_a_lane_has_read_back_there_is_nothing_to_commit() -> None:
    lane = make_lane(known=Position(42, 43))
    lane.received(10)
    assert lane.checkpoint(10) is None
    lane.recovered(Position(3, 4), Position(50, 60))
    lane.received(11)
    assert lane.checkpoint(10) == Position(3, 4)
    assert lane.checkpoint(11) == Position(50, 60)
