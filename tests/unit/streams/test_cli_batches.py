from datetime import UTC, datetime, timedelta
from decimal import Decimal

from rich.console import Console

from schemas.batch_lanes import BatchLane, LaneBatch
from streams.cli.batches import batch_table

NOW = datetime(2026, 11, 28, 12, tzinfo=UTC)
RUNNING = LaneBatch(
    our_id="turnout-1",
    batch_id="batch_abc",
    state="running",
    requests=1200,
    answered=0,
    returned=0,
    formed_at=NOW - timedelta(hours=2, minutes=5),
    expected_at=NOW + timedelta(minutes=30),
    cost_usd=Decimal(0),
    saved_usd=Decimal(0),
)
SETTLED = RUNNING.model_copy(
    update={
        "our_id": "turnout-0",
        "batch_id": None,
        "state": "settled",
        "answered": 1190,
        "returned": 10,
        "formed_at": NOW - timedelta(hours=9),
        "ended_at": NOW - timedelta(hours=8, minutes=59, seconds=30),
        "cost_usd": Decimal("1.25"),
        "saved_usd": Decimal("1.2"),
        "detail": "10 requests expired",
    }
)
LANE = BatchLane(
    as_of=NOW,
    provider_name="openai",
    request_model="gpt-4.1",
    waiting=42,
    waiting_since=NOW - timedelta(seconds=12),
    batches=(RUNNING, SETTLED),
    p50_s=600,
    p99_s=7200,
    late_until=NOW + timedelta(hours=1),
)


def lines(*lanes: BatchLane) -> list[list[str]]:
    console = Console(width=220, record=True)
    console.print(batch_table(lanes, NOW.timestamp()))
    return [line.split() for line in console.export_text().splitlines() if line.strip()]


def test_a_lane_shows_what_waits_then_its_batches_the_oldest_first() -> None:
    shown = lines(LANE)
    rows = [row for row in shown if row[:2] == ["openai", "gpt-4.1"]]
    assert rows == [
        ["openai", "gpt-4.1", "waiting", "42", "12", "s"],
        ["openai", "gpt-4.1", "turnout-0", "settled", "1,200", "1,190", "10", "30", "s", "1.2500", "1.2000"],
        [
            "openai",
            "gpt-4.1",
            "batch_abc",
            "running",
            "1,200",
            "0",
            "2",
            "h",
            "05",
            "min",
            "30",
            "min",
            "0.0000",
            "0.0000",
        ],
    ]


def test_what_was_said_and_how_long_batches_take_stands_below() -> None:
    said = [" ".join(row) for row in lines(LANE)][-4:]
    assert said == [
        "turnout-0: 10 requests expired",
        "gpt-4.1: half of its batches ended in 10 min, 99 % in 2 h 00 min",
        "gpt-4.1: its batches are late; until 13:00 UTC requests go elsewhere",
        "cost 1.2500 USD, saved 1.2000 USD",
    ]


def test_a_verdict_that_is_over_is_not_told() -> None:
    over = LANE.model_copy(update={"late_until": NOW - timedelta(seconds=1)})
    assert not [row for row in lines(over) if "late;" in row]


def test_what_is_late_is_expected_now() -> None:
    late = RUNNING.model_copy(update={"expected_at": NOW - timedelta(hours=1)})
    (row,) = (row for row in lines(LANE.model_copy(update={"batches": (late,), "waiting": 0})) if "batch_abc" in row)
    assert row[-4:-2] == ["0", "s"]
