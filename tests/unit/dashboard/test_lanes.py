from datetime import UTC, datetime, timedelta
from decimal import Decimal

from dashboard.figures import MOST_LANES, Figures
from dashboard.lanes import MOST_BATCHES_SHOWN
from dashboard.state import state_of
from schemas.batch_lanes import BatchLane, LaneBatch

NOW_S = 1_800_000_000.0
NOW = datetime.fromtimestamp(NOW_S, tz=UTC)


def batch(name: str, state: str, ago_s: int) -> LaneBatch:
    ended = NOW - timedelta(seconds=ago_s - 10) if state == "settled" else None
    return LaneBatch(
        our_id=f"turnout-{name}",
        batch_id=None if name == "new" else f"batch_{name}",
        state=state,
        requests=100,
        answered=90 if ended else 0,
        returned=10 if ended else 0,
        formed_at=NOW - timedelta(seconds=ago_s),
        expected_at=NOW + timedelta(hours=1),
        ended_at=ended,
        cost_usd=Decimal("0.5") if ended else Decimal(0),
        saved_usd=Decimal("0.25") if ended else Decimal(0),
    )


def lane(*batches: LaneBatch, model: str = "gpt-4.1", waiting: int = 0, late: bool = False) -> BatchLane:
    return BatchLane(
        as_of=NOW,
        provider_name="openai",
        request_model=model,
        waiting=waiting,
        waiting_since=NOW - timedelta(seconds=5) if waiting else None,
        batches=batches,
        late_until=NOW + timedelta(hours=6) if late else None,
    )


def test_what_is_under_way_stands_before_what_has_ended() -> None:
    figures = Figures(3600)
    ended = [batch("old", "settled", 900), batch("newer", "settled", 300)]
    figures.take_lane(lane(*ended, batch("new", "creating", 10), batch("first", "running", 600), waiting=7, late=True))
    shown = state_of(figures, NOW_S).batches
    assert [(row.batch, row.state) for row in shown] == [
        ("batch_first", "running"),
        ("turnout-new", "creating"),
        (None, "waiting"),
        ("batch_newer", "settled"),
        ("batch_old", "settled"),
    ]
    assert (shown[2].requests, shown[2].since_ms) == (7, int((NOW_S - 5) * 1000))
    assert (shown[3].cost_usd, shown[3].saved_usd, shown[3].returned) == ("0.500000000", "0.250000000", 10)
    assert (shown[0].expected_ms, shown[3].expected_ms) == (int((NOW_S + 3600) * 1000), None)
    assert all(row.is_late for row in shown)


def test_the_latest_record_of_a_lane_holds_and_all_is_bounded() -> None:
    figures = Figures(3600)
    figures.take_lane(lane(waiting=7))
    figures.take_lane(lane())
    assert state_of(figures, NOW_S).batches == []
    for number in range(MOST_LANES + 10):
        figures.take_lane(lane(waiting=1, model=f"m{number}"))
    assert len(figures.lanes) == MOST_LANES
    assert len(state_of(figures, NOW_S).batches) == MOST_BATCHES_SHOWN
