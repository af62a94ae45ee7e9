from dataclasses import replace
from itertools import product

import pytest

from router.batches.batch import BatchHandle, BatchState, BatchStatus
from router.batches.stages import (
    TRANSITIONS,
    Batch,
    Cancelled,
    Created,
    Ended,
    Event,
    Lost,
    NotThere,
    QueueName,
    Refused,
    Released,
    Settled,
    Shortened,
    Stage,
    StageError,
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
from router.batches.stored import dump, load
from schemas.vocabulary import ReturnReason

NOW_S = 1_800_000_000.0
QUEUE = QueueName("openai", "gpt-4.1", "eu")
NEW = Batch("turnout-0-1", QUEUE, 0, 3, NOW_S, tokens=30)
HANDLE = BatchHandle("batch_1")
EVENTS: tuple[Event, ...] = (
    Uploaded("file-1", 7),
    Created(HANDLE, NOW_S),
    Unknown(),
    NotThere(),
    Refused("no"),
    Released("too large"),
    Ended(BatchStatus(BatchState.COMPLETED, ended_s=NOW_S - 5), NOW_S),
    Cancelled(),
    Lost("404", NOW_S),
    Shortened(),
    Settled(),
)


def after(*events: Event, batch: Batch = NEW) -> Batch:
    for event in events:
        batch = advanced(batch, event)
    return batch


RUNNING = after(Uploaded("file-1", 7), Created(HANDLE, NOW_S))
READING = after(EVENTS[6], batch=RUNNING)


def test_each_event_leads_where_the_table_says_and_nowhere_else() -> None:
    for stage, event in product(Stage, EVENTS):
        batch = replace(RUNNING, stage=stage, returned=7, told=7)
        if (transition := TRANSITIONS.get((stage, type(event)))) is None:
            with pytest.raises(StageError, match=stage):
                advanced(batch, event)
        else:
            assert advanced(batch, event).stage is transition.to


def test_a_batch_that_is_well_goes_step_by_step() -> None:
    steps = [
        next_step(batch)
        for batch in (
            NEW,
            after(Uploaded("file-1", 7)),
            RUNNING,
            READING,
            after(Settled(), batch=published(READING, 7)),
        )
    ]
    assert steps == [Step.UPLOAD, Step.CREATE, Step.POLL, Step.READ, Step.NOTHING]


def test_a_creation_of_unknown_outcome_is_looked_for_before_it_is_made_again() -> None:
    creating = after(Uploaded(None, 7))
    assert next_step(after(Unknown(), batch=creating)) is Step.FIND
    assert next_step(restarted(load(dump(creating)))) is Step.FIND
    assert next_step(after(Unknown(), NotThere(), batch=creating)) is Step.CREATE
    gone = returning(after(Unknown(), batch=creating), 7, ReturnReason.LATE)
    assert next_step(gone) is Step.FIND, "it may be there, and be charged"


def test_a_batch_that_no_request_waits_for_is_not_created_and_one_that_runs_is_cancelled() -> None:
    for batch in (NEW, after(Uploaded("file-1", 7))):
        assert next_step(returning(batch, 7, ReturnReason.LATE)) is Step.SETTLE
    left = returning(RUNNING, 7, ReturnReason.LATE)
    assert next_step(left) is Step.CANCEL
    assert next_step(after(Cancelled(), batch=left)) is Step.POLL
    assert next_step(replace(left, handle=BatchHandle("batch_1", is_certain=False))) is Step.POLL


def test_what_is_returned_is_not_returned_again_nor_waited_for() -> None:
    late = returning(RUNNING, 0b011, ReturnReason.LATE)
    assert (late.waiting, late.untold, late.was_late) == (0b100, 0b011, True)
    told = returns_told(late, 7)
    assert (told.untold, told.reason) == (0, None)
    assert returning(told, 0b011, ReturnReason.FAILED) is told


def test_results_of_returned_requests_are_done_too() -> None:
    late = returns_told(returning(RUNNING, 0b001, ReturnReason.LATE), 1)
    read = published(after(EVENTS[6], batch=late), 0b111)
    assert (read.done, read.waiting, read.untold) == (0b111, 0, 0)


def test_a_batch_is_not_settled_while_requests_wait_for_it() -> None:
    with pytest.raises(StageError, match="wait"):
        after(Settled(), batch=READING)
    with pytest.raises(StageError, match="wait"):
        after(Settled(), batch=returning(READING, 7, ReturnReason.FAILED))


def test_what_the_provider_would_take_otherwise_is_collected_anew() -> None:
    released = after(Released("too large"))
    assert (released.waiting, released.released, next_step(released)) == (0, 7, Step.SETTLE)
    assert after(Settled(), batch=released).stage is Stage.SETTLED


def test_what_is_refused_for_good_is_returned() -> None:
    refused = after(Uploaded("file-1", 7), Refused("no such model"))
    assert (refused.untold, refused.reason, refused.detail) == (7, ReturnReason.REFUSED, "no such model")
    assert not refused.was_late


def test_the_end_is_not_after_this_moment() -> None:
    assert READING.ended_s == NOW_S - 5
    ahead = after(Ended(BatchStatus(BatchState.EXPIRED, ended_s=NOW_S + 900), NOW_S), batch=RUNNING)
    assert (ahead.ended_s, ahead.end) == (NOW_S, BatchState.EXPIRED)


def test_a_batch_that_was_found_when_it_had_ended_took_no_less_than_nothing() -> None:
    assert (READING.created_s, READING.ended_s) == (NOW_S - 5, NOW_S - 5)
    told = BatchStatus(BatchState.COMPLETED, created_s=NOW_S - 65, ended_s=NOW_S - 5)
    assert after(Ended(told, NOW_S), batch=RUNNING).created_s == NOW_S - 65


@pytest.mark.parametrize(
    ("end", "expected"),
    [
        (BatchState.COMPLETED, ReturnReason.LINE_FAILED),
        (BatchState.FAILED, ReturnReason.FAILED),
        (BatchState.EXPIRED, ReturnReason.EXPIRED),
        (BatchState.CANCELLED, ReturnReason.CANCELLED),
        (None, ReturnReason.FAILED),
    ],
)
def test_why_a_request_without_a_result_is_returned(end: BatchState | None, expected: ReturnReason) -> None:
    assert reason_after(end) is expected


@pytest.mark.parametrize(
    "batch",
    [NEW, RUNNING, READING, returning(READING, 5, ReturnReason.LATE), after(Unknown(), batch=after(Uploaded(None, 7)))],
)
def test_a_batch_outlives_its_worker(batch: Batch) -> None:
    assert load(dump(batch)) == replace(batch, is_unsure=False)


def test_a_batch_of_fifty_thousand_takes_two_bits_a_request_beside_its_members() -> None:
    count = 50_000
    full = replace(READING, count=count, done=(1 << count) - 1, returned=1 << (count - 1), told=1 << (count - 1))
    assert len(dump(full)) < count * 8 / 10


@pytest.mark.parametrize(
    "row",
    [
        b"{}",
        b"[]",
        dump(NEW).replace(b'"count":3', b'"count":0'),
        dump(NEW)[:-1] + b',"done":"ff"}',
        dump(NEW)[:-1] + b',"told":"1"}',
        dump(NEW)[:-1] + b',"done":"-1"}',
    ],
)
def test_a_row_that_is_none_is_refused(row: bytes) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - pydantic's and ours
        load(row)
