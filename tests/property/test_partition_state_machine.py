"""One partition over many workers: whatever is delivered again is recognised, from what the last commit says alone.

The model is the two topics themselves. Workers crash anywhere, lose the partition and get it again, read records before
they have read back, and finish them in any order. The horizon is no longer than it has to be: it tells of ids whose
first record is committed, which a later publication may repeat. All else is known from commits and their metadata.
"""

import asyncio

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule

from router.identity import Identity
from streams.kafka.offsets import OffsetTracker
from streams.request.partition_state import AnsweredIds, PartitionState, Position
from tests.examples import examples
from tests.stage import Play

WHICH = st.integers(0, 5)
PLAY = Play()
PLAY.start()
PLAY.answer()
ANSWERED, CALLED = PLAY.response, PLAY.calls[0].started


def place_of(request_id: str, offset: int) -> dict[str, object]:
    return {"request_id": request_id, "request_offset": offset}


def known_as(request_id: str) -> Identity:
    return Identity(ANSWERED.tenant, request_id, None)


class PartitionStateMachine(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.new_event_loop()
        self.requests: list[str] = []
        self.responses: list[tuple[str, int]] = []
        self.calls: list[tuple[str, int, int]] = []
        self.billed: set[str] = set()
        self.committed = (0, "")
        self.take_over(PartitionState(AnsweredIds(1e9, 10_000)))

    def teardown(self) -> None:
        self.loop.close()

    def take_over(self, state: PartitionState) -> None:
        self.state, self.tracker = state, OffsetTracker()
        self.is_recovered = False
        self.waiting: list[int] = []
        self.running: list[int] = []
        self.answered: list[int] = []
        self.next = self.committed[0]

    @rule(count=st.integers(1, 3))
    def requests_are_published(self, count: int) -> None:
        self.requests += [f"r{len(self.requests) + number}" for number in range(count)]

    @precondition(lambda self: self.running)
    @rule(which=WHICH)
    def one_under_way_is_published_again(self, which: int) -> None:
        self.read(len(self.requests))
        self.requests.append(self.requests[self.running[which % len(self.running)]])
        self.read(1)

    @rule(most=st.integers(1, 4))
    def read(self, most: int) -> None:
        for offset in range(self.next, min(self.next + most, len(self.requests))):
            self.tracker.delivered(offset)
            self.state.received(offset)
            self.waiting.append(offset)
            self.next = offset + 1

    @precondition(lambda self: self.waiting and not self.is_recovered)
    @rule()
    def read_back(self) -> None:
        start = Position.parse(self.committed[1])
        for offset, (request_id, request_offset) in enumerate(self.responses):
            if offset >= start.responses:
                response = ANSWERED.model_copy(update=place_of(request_id, request_offset))
                self.state.recover_response(known_as(request_id), response)
            if offset >= start.responses or self.requests.index(request_id) < self.committed[0]:
                self.state.response_written(known_as(request_id), offset, 0)
        for request_id, attempt, request_offset in self.calls[start.calls :]:
            call = {**place_of(request_id, request_offset), "attempt": attempt}
            self.state.recover_call(CALLED.model_copy(update=call))
        self.state.recovered(start, Position(len(self.responses), len(self.calls)))
        self.is_recovered = True

    @precondition(lambda self: self.waiting and self.is_recovered)
    @rule(which=WHICH)
    def one_begins(self, which: int) -> None:
        offset = self.waiting[which % len(self.waiting)]
        request_id = self.requests[offset]
        if self.state.running(known_as(request_id).key) is not None:
            return
        self.waiting.remove(offset)
        responded = [found for found, _ in self.responses]
        at = self.state.answered.find(known_as(request_id))
        assert (at is not None) == (request_id in responded), "what is answered is known, and nothing else"
        if at is None:
            earlier = self.state.start(known_as(request_id).key, self.loop.create_future())
            made = [attempt for called, attempt, _ in self.calls if called == request_id]
            assert [call.attempt for call in earlier] == made, "every call that was cut off is billed"
            self.running.append(offset)
            return
        assert responded[at.offset] == request_id
        _, attempts = self.state.unsettled(known_as(request_id).key)
        assert request_id in self.billed or attempts == ANSWERED.attempts, "its cost events can be made again"
        self.billed.add(request_id)
        self.finish(offset)

    @precondition(lambda self: self.running)
    @rule(which=WHICH)
    def one_is_called_for(self, which: int) -> None:
        offset = self.running[which % len(self.running)]
        request_id = self.requests[offset]
        attempt = 1 + sum(called == request_id for called, _, _ in self.calls)
        self.calls.append((request_id, attempt, offset))
        self.state.call_written(len(self.calls) - 1)

    @precondition(lambda self: self.running)
    @rule(which=WHICH)
    def one_is_answered(self, which: int) -> None:
        offset = self.running.pop(which % len(self.running))
        self.answered.append(offset)
        self.responses.append((self.requests[offset], offset))
        self.state.response_written(known_as(self.requests[offset]), len(self.responses) - 1, 0)

    @precondition(lambda self: self.answered)
    @rule(which=WHICH)
    def one_is_billed_and_acknowledged(self, which: int) -> None:
        offset = self.answered.pop(which % len(self.answered))
        self.billed.add(self.requests[offset])
        self.state.stop(known_as(self.requests[offset]).key)
        self.finish(offset)

    @rule(reads=st.integers(0, 3), calls=st.integers(0, 3), answers=st.integers(0, 3), ends=st.integers(0, 3))
    def time_passes(self, reads: int, calls: int, answers: int, ends: int) -> None:
        """What happens most of the time, a little of each."""
        self.requests_are_published(1)
        self.read(reads)
        if self.waiting and not self.is_recovered:
            self.read_back()
        for count, happens, to in (
            (len(self.waiting), self.one_begins, self.waiting),
            (calls, self.one_is_called_for, self.running),
            (answers, self.one_is_answered, self.running),
            (ends, self.one_is_billed_and_acknowledged, self.answered),
        ):
            for which in range(count):
                if to:
                    happens(which)

    @rule()
    def commit(self) -> None:
        offset = self.tracker.committable()
        position = None if offset is None else self.state.checkpoint(offset)
        if offset is not None and position is not None:
            self.committed = offset, str(position)

    @rule()
    def crash(self) -> None:
        self.take_over(PartitionState(AnsweredIds(1e9, 10_000)))

    @rule()
    def lose_the_partition_and_get_it_again(self) -> None:
        self.take_over(PartitionState(self.state.answered, self.state.end))

    def finish(self, offset: int) -> None:
        self.tracker.finished(offset)
        self.state.acknowledged(offset)


TestPartitionState = PartitionStateMachine.TestCase
TestPartitionState.settings = settings(max_examples=examples(200), stateful_step_count=50, deadline=None)
