import pytest

from router.batches.collecting import Collecting, CollectingRules, Go, WaitingRequest
from router.batches.members import DIGEST_BYTES

NOW_S = 1_800_000_000.0
HOUR_S = 3600.0
RULES = CollectingRules(max_requests=3, max_bytes=1000, max_enqueued_tokens=500, max_age_s=60.0)


def request(
    offset: int, *, size: int = 10, tokens: int = 10, deadline_s: float = NOW_S + HOUR_S, since_s: float = NOW_S
) -> WaitingRequest:
    return WaitingRequest(offset, offset.to_bytes(DIGEST_BYTES, "big"), size, tokens, deadline_s, since_s)


def collecting(*requests: WaitingRequest) -> Collecting:
    found = Collecting()
    for one in requests:
        found.add(one)
    return found


@pytest.mark.parametrize(
    ("requests", "takes_s", "expected"),
    [
        ([], 100.0, None),
        ([request(0)], None, None),
        ([request(0), request(1), request(2)], None, Go.REQUESTS),
        ([request(0, size=600), request(1, size=400)], None, Go.BYTES),
        ([request(0, tokens=300), request(1, tokens=200)], None, Go.TOKENS),
        ([request(0, since_s=NOW_S - 60), request(1)], None, Go.AGE),
        ([request(0), request(1, deadline_s=NOW_S + 100)], 100.0, Go.DEADLINE),
        ([request(0), request(1, deadline_s=NOW_S + 102)], 100.0, None),
        ([request(0), request(1, deadline_s=NOW_S + 100)], None, None),
    ],
)
def test_a_batch_goes_when_it_is_full_old_or_pressed(
    requests: list[WaitingRequest], takes_s: float | None, expected: Go | None
) -> None:
    assert collecting(*requests).ready(RULES, 0, takes_s, NOW_S) is expected


def test_no_batch_goes_beyond_the_tokens_that_may_be_enqueued() -> None:
    old = collecting(request(0, tokens=200, since_s=NOW_S - 1000))
    assert old.ready(RULES, 301, None, NOW_S) is None
    assert old.ready(RULES, 300, None, NOW_S) is Go.TOKENS
    assert old.ready(RULES, 0, None, NOW_S) is Go.AGE


def test_a_batch_takes_the_first_ones_that_fit() -> None:
    queue = collecting(*(request(offset, size=400, tokens=100) for offset in range(4)))
    taken = queue.take(RULES, 0)
    assert list(taken.members.offsets) == [0, 1]
    assert (taken.size_bytes, taken.tokens) == (800, 200)
    assert (len(queue), queue.first_offset, queue.size_bytes, queue.tokens) == (2, 2, 800, 200)
    assert list(queue.take(RULES, 400).members.offsets) == [2]
    assert bytes(queue.take(RULES, 0).members.digests) == (3).to_bytes(DIGEST_BYTES, "big")


def test_one_that_is_too_large_alone_goes_alone() -> None:
    queue = collecting(request(0, size=5000, tokens=5000), request(1))
    assert queue.ready(RULES, 0, None, NOW_S) is Go.BYTES
    assert list(queue.take(RULES, 0).members.offsets) == [0]


def test_those_whose_time_is_up_are_taken_from_between_others() -> None:
    queue = collecting(request(0), request(1, deadline_s=NOW_S), request(2), request(3, deadline_s=NOW_S - 5))
    taken = queue.take_due(NOW_S)
    assert taken is not None
    assert list(taken.members.offsets) == [1, 3]
    assert [queue.first_offset, len(queue)] == [0, 2]
    assert queue.take_due(NOW_S) is None


def test_what_comes_again_is_taken_in_its_place() -> None:
    queue = collecting(request(5), request(9), request(2), request(7))
    taken = queue.take(CollectingRules(), 0)
    assert list(taken.members.offsets) == [2, 5, 7, 9]
    assert [int.from_bytes(digest) for digest in taken.members.identities()] == [2, 5, 7, 9]


def test_nothing_waits_in_an_empty_queue() -> None:
    assert (Collecting().first_offset, Collecting().first_since_s(), Collecting().take_due(NOW_S)) == (None, None, None)
    assert collecting(request(3)).first_since_s() == NOW_S
