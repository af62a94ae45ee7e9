"""Batches against a model of a provider, with a crash at any moment: one answer for each request, and one charge."""

from array import array
from collections import Counter
from dataclasses import dataclass, field, replace

from hypothesis import given, settings
from hypothesis import strategies as st

from router.batches.batch import BatchHandle, BatchState, BatchStatus
from router.batches.collecting import Collecting, CollectingRules, WaitingRequest
from router.batches.durations import Durations, Ran
from router.batches.members import DIGEST_BYTES, Members, mask_of, packed, places_in, unpacked
from router.batches.stages import (
    Batch,
    Cancelled,
    Created,
    Ended,
    Event,
    NotThere,
    QueueName,
    Refused,
    Released,
    Settled,
    Stage,
    Step,
    Unknown,
    Uploaded,
    advanced,
    next_step,
    published,
    reason_after,
    restarted,
    returning,
    returns_told,
)
from router.batches.stored import dump, dump_durations, load, load_durations
from schemas.vocabulary import ReturnReason
from tests.examples import examples

NOW_S = 1_800_000_000.0


class Crash(Exception):  # noqa: N818 - it is one
    """The worker ends here."""


@dataclass
class ModelProvider:
    """A provider that never forgets what it has charged for."""

    data: st.DataObject
    count: int
    created: list[str] = field(default_factory=list)
    state: BatchState = BatchState.RUNNING
    charged: int = 0

    def create(self) -> None:
        self.created.append("batch_1")

    def polled(self) -> BatchState:
        if not self.state.has_ended and not self.data.draw(st.booleans(), "goes on"):
            wanted = self.state is BatchState.CANCELLING
            ends = [BatchState.CANCELLED] if wanted else [BatchState.COMPLETED, BatchState.EXPIRED, BatchState.FAILED]
            self.state = self.data.draw(st.sampled_from(ends))
            self.charged = self.data.draw(st.integers(0, (1 << self.count) - 1), "answered lines")
        return self.state

    def cancel(self) -> None:
        if not self.state.has_ended:
            self.state = BatchState.CANCELLING


class Collector:
    """Does with one batch what the agent does: stores, makes the step, tells of it; it may end at any moment."""

    def __init__(self, data: st.DataObject, provider: ModelProvider, count: int) -> None:
        self.data = data
        self.provider = provider
        self.stored = dump(Batch("turnout-0-1", QueueName("p", "m"), 0, count, NOW_S))
        self.answered: Counter[int] = Counter()
        self.live: Counter[int] = Counter()
        """Who was handed to the live path at least once: twice is once, since it is the state of the same key."""
        self.billed: Counter[int] = Counter()
        """Ids of cost events: the same one counts once."""
        self.crashes = 0

    def run(self) -> Batch:
        for _ in range(200):
            try:
                return self._life()
            except Crash:
                self.crashes += 1
        raise AssertionError("it never ends")

    def _moment(self, name: str) -> None:
        if self.crashes < 8 and self.data.draw(st.integers(0, 4), name) == 4:
            raise Crash

    def _store(self, batch: Batch) -> Batch:
        self._moment("before it is stored")
        self.stored = dump(batch)
        self._moment("after it is stored")
        return batch

    def _life(self) -> Batch:
        batch = restarted(load(self.stored))
        while batch.stage is not Stage.SETTLED:
            if batch.untold:
                self._tell(batch)
                batch = self._store(returns_told(batch, batch.untold))
                continue
            if batch.stage is not Stage.READING and self.data.draw(st.integers(0, 9), "a deadline") == 9:
                due = self.data.draw(st.integers(0, batch.everyone), "due")
                batch = self._store(returning(batch, due, ReturnReason.LATE))
                continue
            batch = self._step(batch)
        return batch

    def _step(self, batch: Batch) -> Batch:
        step = next_step(batch)
        if step is Step.READ:
            return self._read(batch)
        if step is Step.CREATE:
            return self._create(batch)
        if step is Step.POLL and not self.provider.polled().has_ended:
            return batch
        if step is Step.FIND and not self.provider.created:
            return advanced(batch, NotThere())
        return self._store(advanced(batch, self._event(step)))

    def _event(self, step: Step) -> Event:
        if step is Step.UPLOAD:
            events: list[Event] = [Uploaded("file-1", 1), Uploaded(None, 1), Refused("no"), Released("large")]
            return self.data.draw(st.sampled_from(events))
        if step is Step.FIND:
            return Created(BatchHandle("batch_1"), NOW_S)
        if step is Step.POLL:
            return Ended(BatchStatus(self.provider.state), NOW_S)
        if step is Step.CANCEL:
            self.provider.cancel()
            return Cancelled()
        assert step is Step.SETTLE
        return Settled()

    def _create(self, batch: Batch) -> Batch:
        if not self.data.draw(st.booleans(), "the creation is lost"):
            self.provider.create()
            self._moment("created")
            if not self.data.draw(st.booleans(), "its reply is lost"):
                return self._store(advanced(batch, Created(BatchHandle("batch_1"), NOW_S)))
        return advanced(batch, Unknown())

    def _read(self, batch: Batch) -> Batch:
        without = batch.everyone & ~self.provider.charged
        batch = self._store(returning(batch, batch.waiting & without, reason_after(batch.end)))
        already = set(self.answered)
        for place in places_in(batch.everyone & ~batch.done):
            if self.provider.charged >> place & 1:
                if not batch.returned >> place & 1 and place not in already:
                    self.answered[place] += 1
                self._moment("answered")
                self.billed[place] += 1
                self._moment("billed")
            if batch.untold >> place & 1:
                self.live[place] += 1
            batch = published(batch, 1 << place)
            if not self.data.draw(st.booleans(), "the stretch goes on"):
                batch = self._store(batch)
        return self._store(advanced(batch, Settled()))

    def _tell(self, batch: Batch) -> None:
        for place in places_in(batch.untold):
            self._moment("returned")
            self.live[place] += 1


@settings(max_examples=examples(400), deadline=None)
@given(data=st.data(), count=st.integers(1, 5))
def test_each_request_is_answered_or_returned_once_and_each_charge_told_through_any_crash(
    data: st.DataObject, count: int
) -> None:
    provider = ModelProvider(data, count)
    collector = Collector(data, provider, count)
    batch = collector.run()
    assert len(provider.created) <= 1, "a batch is never paid twice"
    assert set(collector.answered.values()) <= {1}
    everyone = set(range(count))
    released = set(places_in(batch.released))
    assert set(collector.answered).isdisjoint(collector.live)
    assert set(collector.answered) | set(collector.live) | released == everyone
    if provider.created:
        assert set(collector.billed) == set(places_in(provider.charged))
        assert not released
    else:
        assert not collector.billed


ROW = st.lists(st.tuples(st.integers(1, 2**40), st.integers(0, 2**32 - 1), st.binary(min_size=16, max_size=16)))


@settings(max_examples=examples(300))
@given(rows=ROW, first=st.integers(0, 2**50))
def test_members_are_read_as_they_were_stored(rows: list[tuple[int, int, bytes]], first: int) -> None:
    offsets = array("q")
    for gap, _, _ in rows:
        offsets.append(offsets[-1] + gap if offsets else first)
    members = Members(offsets, array("I", [row[1] for row in rows]), b"".join(row[2] for row in rows))
    stored = packed(members)
    assert unpacked(stored) == members
    assert len(stored) <= 10 + len(rows) * (DIGEST_BYTES + 16)


@settings(max_examples=examples(300))
@given(value=st.binary(max_size=200))
def test_bytes_that_were_not_stored_are_refused_or_members(value: bytes) -> None:
    try:
        members = unpacked(value)
    except ValueError:
        return
    assert list(members.offsets) == sorted(set(members.offsets))
    assert len(members.digests) == len(members) * DIGEST_BYTES


@settings(max_examples=examples(200))
@given(places=st.sets(st.integers(0, 500)))
def test_a_mask_holds_its_places(places: set[int]) -> None:
    assert list(places_in(mask_of(places))) == sorted(places)


@settings(max_examples=examples(200))
@given(
    requests=st.lists(st.tuples(st.integers(1, 300), st.integers(1, 100), st.integers(0, 50)), min_size=1, max_size=30),
    order=st.randoms(use_true_random=False),
    rules=st.builds(
        CollectingRules,
        max_requests=st.integers(1, 5),
        max_bytes=st.integers(1, 500),
        max_enqueued_tokens=st.none() | st.integers(1, 300),
    ),
)
def test_every_request_goes_once_and_within_the_bounds(
    requests: list[tuple[int, int, int]], order: "object", rules: CollectingRules
) -> None:
    queue = Collecting()
    waiting = [
        WaitingRequest(offset, offset.to_bytes(16, "big"), size, tokens, NOW_S + deadline, NOW_S)
        for offset, (size, tokens, deadline) in enumerate(requests)
    ]
    order.shuffle(waiting)  # type: ignore[attr-defined]
    for one in waiting:
        queue.add(one)
    gone: list[int] = []
    if (due := queue.take_due(NOW_S + 10)) is not None:
        gone += due.members.offsets
    while len(queue):
        taken = queue.take(rules, 0)
        offsets = list(taken.members.offsets)
        assert offsets == sorted(offsets)
        assert [int.from_bytes(digest, "big") for digest in taken.members.identities()] == offsets
        if len(offsets) > 1:
            assert len(offsets) <= rules.max_requests
            assert taken.size_bytes <= rules.max_bytes
            assert taken.tokens <= (rules.max_enqueued_tokens or taken.tokens)
        gone += offsets
    assert sorted(gone) == list(range(len(requests)))
    assert (queue.size_bytes, queue.tokens) == (0, 0)


@settings(max_examples=examples(100))
@given(
    ran=st.lists(
        st.builds(
            Ran,
            ended_s=st.floats(NOW_S - 1e6, NOW_S),
            took_s=st.floats(0, 1e5),
            was_late=st.booleans(),
            read_s=st.floats(0, 1e4),
        ),
        max_size=20,
    )
)
def test_durations_are_read_as_they_were_stored(ran: list[Ran]) -> None:
    durations = Durations(ran)
    assert load_durations(dump_durations(durations)).all() == durations.all()
    half, most = durations.took_s(0.5, NOW_S), durations.took_s(0.99, NOW_S)
    assert (half is None) == (most is None)
    assert half is None or most is None or half <= most


def test_a_stored_batch_says_nothing_of_what_is_not_known() -> None:
    batch = replace(Batch("b", QueueName("p", "m"), 0, 1, NOW_S), stage=Stage.CREATING, is_unsure=True)
    assert not load(dump(batch)).is_unsure
    assert restarted(load(dump(batch))).is_unsure
