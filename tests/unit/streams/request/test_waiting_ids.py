"""Which requests wait: found by identity, told apart by what they ask, given back once, and small."""

import sys
from itertools import count
from pathlib import Path
from tracemalloc import get_traced_memory, start, stop

from router.job import Origin
from schemas.vocabulary import WaitingState
from schemas.waiting import Waiting
from streams.batch_requests import identity_of_waiting
from streams.codec import Delivery
from streams.request.waiting_ids import AnsweredElsewhere, WaitingIds

GOLDEN = Path(__file__).parents[3] / "contract" / "golden" / "v1"
WAITING = Waiting.decode((GOLDEN / "waiting.json").read_bytes())
RETURNED = Waiting.decode((GOLDEN / "waiting-returned.json").read_bytes())
ANSWERED = Waiting.decode((GOLDEN / "waiting-answered.json").read_bytes())
ME = identity_of_waiting(WAITING)
OFFSETS = count()


def lying(waiting: Waiting | None, key: bytes | None = None) -> Delivery:
    value = None if waiting is None else waiting.encode()
    own = ME.digest.hex().encode() if waiting is None else identity_of_waiting(waiting).digest.hex().encode()
    return Delivery(Origin("llm.waiting.v1", 3, next(OFFSETS)), 0, own if key is None else key, value, [])


def test_a_request_waits_until_it_is_answered() -> None:
    ids = WaitingIds()
    assert ids.find(ME) is None
    record = lying(WAITING)
    assert ids.ingest(record, 0) is None
    found = ids.find(ME)
    assert found is not None
    assert (found.offset, found.origin) == (record.origin.offset, WAITING.request_offset)
    assert found.is_the_same(ME.asked)
    assert not found.is_the_same("0" * 64)
    assert ids.ingest(lying(ANSWERED), 0) == AnsweredElsewhere(ME, 123)
    assert ids.find(ME) is None
    assert len(ids) == 0


def test_a_deleted_record_waits_no_more() -> None:
    ids = WaitingIds()
    ids.ingest(lying(RETURNED), 0)
    ids.ingest(lying(None), 0)
    assert ids.find(ME) is None
    assert list(ids.next_back()) == []


def test_what_came_back_is_given_once_and_the_nearest_deadline_first() -> None:
    ids = WaitingIds()
    for number in (3, 1, 2):
        back = RETURNED.model_copy(update={"request_id": f"r-{number}", "deadline_ms": number})
        ids.ingest(lying(back), 0)
        ids.ingest(lying(back), 0)
        ids.ingest(lying(back.model_copy(update={"state": WaitingState.WAITING, "returned": None})), 0)
    given = list(ids.next_back())
    assert [one.deadline_ms for one in given] == [1, 2, 3]
    assert given[0].returned == RETURNED.returned
    assert list(ids.next_back()) == []
    ids.back_again(given[1])
    assert [one.deadline_ms for one in ids.next_back()] == [2]
    assert len(ids) == 3


def test_bad_records_are_passed_over() -> None:
    ids = WaitingIds()
    for key in (b"", b"zz", b"00", b"\xff" * 32):
        ids.ingest(lying(WAITING, key), 0)
    no_json = Delivery(Origin("llm.waiting.v1", 3, 9), 0, ME.digest.hex().encode(), b'[{"state"', [])
    ids.ingest(no_json, 0)
    assert len(ids) == 0


def test_one_that_waits_takes_less_than_300_bytes() -> None:
    ids = WaitingIds()
    start()
    try:
        for number in range(20_000):
            ids.add(WAITING.model_copy(update={"request_id": f"r-{number}"}), number)
        taken, _ = get_traced_memory()
    finally:
        stop()
    assert len(ids) == 20_000
    assert taken / 20_000 < 300, sys.version
