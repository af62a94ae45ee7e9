"""Batches that are late are not waited for, until the verdict is over or taken back."""

from datetime import UTC, datetime

from router.batches.late import LateBatches
from schemas.batch_lanes import BatchLane

NOW_S = 1_800_000_000.0


def lane(late_until_s: float | None, account: str | None = None) -> BatchLane:
    return BatchLane(
        as_of=datetime.fromtimestamp(NOW_S, UTC),
        provider_name="one",
        request_model="alpha",
        account=account,
        waiting=0,
        late_until=None if late_until_s is None else datetime.fromtimestamp(late_until_s, UTC),
    )


def test_batches_are_late_until_the_verdict_is_over() -> None:
    late = LateBatches()
    assert not late.are_late("one", "alpha", None, NOW_S)
    late.follow(lane(NOW_S + 60))
    assert late.are_late("one", "alpha", None, NOW_S)
    assert not late.are_late("one", "alpha", "team-a", NOW_S)
    assert not late.are_late("one", "beta", None, NOW_S)
    assert not late.are_late("one", "alpha", None, NOW_S + 60)


def test_a_verdict_is_taken_back() -> None:
    late = LateBatches()
    late.follow(lane(NOW_S + 60, "team-a"))
    late.follow(lane(None, "team-a"))
    assert not late.are_late("one", "alpha", "team-a", NOW_S)
