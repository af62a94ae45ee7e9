import pytest

from router.batches.batch import BatchCallFailed, BatchState
from router.errors import UpstreamFailure
from schemas.vocabulary import AttemptOutcome


def test_a_batch_that_is_being_cancelled_has_not_ended() -> None:
    ended = {state for state in BatchState if state.has_ended}
    assert ended == {BatchState.COMPLETED, BatchState.FAILED, BatchState.EXPIRED, BatchState.CANCELLED}


@pytest.mark.parametrize(
    ("outcome", "status", "expected"),
    [
        (AttemptOutcome.UNREACHABLE, None, False),
        (AttemptOutcome.DISCONNECTED, None, True),
        (AttemptOutcome.TIMEOUT, None, True),
        (AttemptOutcome.MALFORMED, 200, True),
        (AttemptOutcome.INVALID_REQUEST, 400, False),
        (AttemptOutcome.TIMEOUT, 408, True),
        (AttemptOutcome.INVALID_REQUEST, 409, True),
        (AttemptOutcome.RATE_LIMITED, 429, False),
        (AttemptOutcome.UNAVAILABLE, 500, True),
        (AttemptOutcome.UNAVAILABLE, 503, True),
    ],
)
def test_only_what_was_not_sent_or_was_refused_has_certainly_not_happened(
    outcome: AttemptOutcome, status: int | None, *, expected: bool
) -> None:
    assert BatchCallFailed(UpstreamFailure(outcome, "", status)).may_have_happened is expected
