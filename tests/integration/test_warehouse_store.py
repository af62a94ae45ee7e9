"""Rows, migrations and views, in a DuckDB file and on a real Postgres."""

from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import pytest

from sandbox.postgres import PASSWORD, PostgresInfo
from tests.warehouses import COSTS, RESPONSES, Warehouse, batch_of, golden
from warehouse import store as store_module
from warehouse.errors import WarehouseError
from warehouse.postgres_store import PostgresStore
from warehouse.store import Engine, Store, migrations


@pytest.fixture(params=list(Engine))
def warehouse(request: pytest.FixtureRequest, tmp_path: Path) -> Warehouse:
    if request.param is Engine.DUCKDB:
        return Warehouse.in_file(tmp_path)
    return Warehouse.in_postgres(request.getfixturevalue("postgres"))


@pytest.fixture
def store(warehouse: Warehouse) -> Iterator[Store]:
    opened = warehouse.open()
    yield opened
    opened.close()


METERED = golden("cost-metered")
UNKNOWN_CALL = golden("cost-cut-off")
UNPRICED = golden("cost-unknown-price")
COMPLETED = golden("response-completed")


def test_a_replay_changes_nothing(store: Store) -> None:
    first = batch_of([METERED, UNKNOWN_CALL, UNPRICED], [COMPLETED])
    for start in (0, 3, 6):
        first.offsets = {(COSTS, 0): start + 3, (RESPONSES, 0): start + 1}
        store.write(first)
    assert store.query("SELECT count(*), sum(cost_nano_usd), sum(cost_usd) FROM costs") == [
        (3, 15540 + 1551250, Decimal("0.001566790"))
    ]
    assert store.query("SELECT count(*) FROM responses") == [(1,)]
    assert store.offsets() == {(COSTS, 0): 9, (RESPONSES, 0): 7}


@pytest.mark.parametrize("together", [True, False])
@pytest.mark.parametrize("better_first", [True, False])
def test_of_two_events_of_one_id_the_better_known_one_counts(
    store: Store, *, together: bool, better_first: bool
) -> None:
    better = golden("cost-cut-off", certainty="metered", cost_usd="0.000500000", cost_nano_usd=500_000)
    events: list[bytes | None] = [better, UNKNOWN_CALL] if better_first else [UNKNOWN_CALL, better]
    for batch in [batch_of(events, [])] if together else [batch_of([event], []) for event in events]:
        store.write(batch)
    assert store.query("SELECT certainty, cost_usd, cost_nano_usd FROM costs") == [
        ("metered", Decimal("0.000500000"), 500_000)
    ]


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (None, "no value"),
        (b"\xff\x00garbage", "not JSON"),
        (b"[]", "the record"),
        (golden("cost-metered", tenant=None), "tenant"),
        (golden("cost-metered", tags_json="[1]"), "tags_json"),
        (golden("cost-metered", cost_nano_usd=2**63), "less than or equal to 9223372036854775807"),
        (golden("cost-metered", cost_usd="1000000000.000000000"), "thousand million"),
        (golden("cost-metered", occurred_at="0001-01-01T00:00:00+10:00"), "out of range"),
    ],
)
def test_an_unreadable_record_is_kept_with_its_bytes(store: Store, value: bytes | None, reason: str) -> None:
    store.write(batch_of([value, METERED], []))
    ((kept, why, offset),) = store.query("SELECT value, reason, topic_offset FROM unreadable_records")
    assert kept == value
    assert reason in str(why)
    assert offset == 0
    assert store.query("SELECT count(*) FROM costs") == [(1,)]
    assert store.offsets() == {(COSTS, 0): 2}


def test_strange_but_valid_text_is_stored(store: Store) -> None:
    event = golden("cost-metered", tenant="a\x00b\t\\N\"'", tags_json='{"a\\u0000b": "\\u0000", "q\\"\\\\t/~": "x"}')
    store.write(batch_of([event], []))
    assert store.query("SELECT tenant FROM costs") == [("a\ufffdb\t\\N\"'",)]
    found = store.query("SELECT tag, value FROM cost_tags")
    assert ("a\ufffdb", "\ufffd") in found
    assert len(found) == 2


def test_a_failed_write_leaves_nothing(store: Store) -> None:
    batch = batch_of([METERED], [])
    batch.offsets["x", 0] = None  # type: ignore[assignment]  # what the database refuses
    with pytest.raises(WarehouseError):
        store.write(batch)
    assert store.query("SELECT count(*) FROM costs") == [(0,)]
    assert store.offsets() == {}


def test_a_warehouse_of_the_first_version_is_brought_up_to_date(
    warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps = migrations(warehouse.engine)
    with monkeypatch.context() as patch:
        patch.setattr(store_module, "migrations", lambda _engine: steps[:1])
        old = warehouse.open()
        batch = batch_of([METERED], [COMPLETED])
        for row in batch.costs.values():
            later = (
                "provider_cost_usd",
                "service_tier",
                "account",
                "upstream_call_id",
                "arm",
                "batch_id",
                "reserved_usd",
                "purpose",
            )
            for name in later:
                del row[name]
        for row in batch.responses.values():
            for name in ("arm", "cached", "saved_usd", "origin_request_id"):
                del row[name]
        old.write(batch)
        assert old.query("SELECT version FROM schema_migrations") == [(1,)]
        old.close()
        new = warehouse
    with pytest.raises(WarehouseError, match="older"):
        new.open(read_only=True)
    opened = new.open()
    assert opened.query("SELECT version, name FROM schema_migrations ORDER BY version") == [
        (step.version, step.name) for step in steps
    ]
    assert opened.query("SELECT cost_usd FROM spend_by_tenant") == [(Decimal("0.000015540"),)]
    opened.close()
    with monkeypatch.context() as patch:
        patch.setattr(store_module, "migrations", lambda _engine: steps[:-1])
        with pytest.raises(WarehouseError, match="newer"):
            warehouse.open()


def test_the_shares_of_a_joined_call_are_found_and_added_up_by_its_id(store: Store) -> None:
    parts = [
        golden(
            "cost-metered",
            event_id=f"part-{number}",
            request_id=f"r-{number}",
            cost_usd=f"0.{number:09}",
            cost_nano_usd=number,
            upstream_call_id="joined",
        )
        for number in (37, 57)
    ]
    store.write(batch_of([METERED, *parts], []))
    assert store.query("SELECT upstream_call_id, requests, cost_usd FROM joined_calls") == [
        ("joined", 2, Decimal("0.000000094"))
    ]


def test_every_view_answers_and_focus_adds_up_to_the_bill(store: Store) -> None:
    cached = golden(
        "cost-metered",
        event_id="cached",
        request_id="other",
        attempt=1,
        input_tokens=1001,
        cached_input_tokens=333,
        cached_input_usd_per_mtok="0.0217",
        cost_usd="0.000155500",
        cost_nano_usd=155_500,
        provider_cost_usd="0.000160000",
        service_tier="default",
        account="team-a",
        upstream_call_id="joined",
    )
    judge = golden(
        "cost-metered",
        event_id="judge",
        tenant="turnout-shadow",
        purpose="judge",
        attempt=2,
        baseline_model=None,
        baseline_cost_usd=None,
        tags_json="{}",
    )
    responses: list[bytes | None] = [COMPLETED, golden("response-cached")]
    shadows: list[bytes | None] = [golden("shadow-answer")]
    store.write(batch_of([METERED, UNKNOWN_CALL, UNPRICED, cached, judge], responses, shadows=shadows))
    views = store.query("SELECT table_name FROM information_schema.views WHERE table_schema IN ('main', 'public')")
    assert {"spend_by_day", "spend_by_tag", "savings_by_day", "cost_per_answer", "focus"} <= {view for (view,) in views}
    for name in {str(view) for (view,) in views if not str(view).startswith(("duckdb_", "pragma_", "sqlite_"))}:
        assert store.query(f"SELECT * FROM {name}"), name  # noqa: S608 - a name of our own
    assert store.query('SELECT sum("BilledCost") FROM focus') == store.query("SELECT sum(cost_usd) FROM costs")
    assert store.query("SELECT calls, cost_usd FROM spend_by_tag WHERE tag = 'feature' AND value = 'faq'") == [
        (3, Decimal("0.001722290"))
    ]
    assert store.query("SELECT service_tier, calls, difference_usd FROM provider_costs") == [
        ("default", 1, Decimal("0.000004500"))
    ]
    assert store.query("SELECT calls, cost_usd FROM account_costs WHERE account = 'team-a'") == [
        (1, Decimal("0.000155500"))
    ]
    assert store.query("SELECT reason, calls FROM unknown_costs ORDER BY reason") == [("call", 1), ("price", 1)]
    assert store.query("SELECT position, outcome, calls FROM retry_costs ORDER BY position") == [
        ("fallback", "succeeded", 1),
        ("first", "cut_off", 1),
    ]
    assert store.query("SELECT purpose, calls, cost_usd FROM shadow_costs") == [("judge", 1, Decimal("0.000015540"))]
    # an answer from the cache is one that cost nothing
    assert store.query("SELECT sum(cost_usd), sum(answers) FROM cost_per_answer") == [(Decimal("0.001566790"), 2)]
    # 152 and 3,356 would be the baselines of cut-off calls: only answers are compared
    ((saved, baseline),) = store.query("SELECT sum(saved_usd), sum(baseline_cost_usd) FROM savings_by_day")
    assert (saved, baseline) == (Decimal("0.000592000") - Decimal("0.001722290"), Decimal("0.000592000"))


def test_only_one_sink_writes_to_a_database(postgres: PostgresInfo, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("warehouse.postgres_store.LOCK_WITHIN_S", 1)
    warehouse = Warehouse.in_postgres(postgres)
    first = warehouse.open()
    with pytest.raises(WarehouseError, match="Another `turnout warehouse`"):
        warehouse.open()
    reader = warehouse.open(read_only=True)
    assert reader.offsets() == {}
    reader.close()
    first.close()
    warehouse.open().close()


@pytest.mark.parametrize(
    "dsn",
    [
        f"postgresql://turnout:{PASSWORD}@127.0.0.1:1/x",
        f"postgresql://turnout:{PASSWORD}@[127.0.0.1/x",
        f"host=127.0.0.1 password={PASSWORD} nonsense",
        f"host=127.0.0.1 port=x password={PASSWORD}",
    ],
)
def test_no_error_repeats_the_password(dsn: str) -> None:
    with pytest.raises(WarehouseError) as refused:
        PostgresStore.open(dsn)
    assert PASSWORD not in str(refused.value)
    assert refused.value.__suppress_context__


def test_a_wrong_password_is_not_repeated(postgres: PostgresInfo) -> None:
    with pytest.raises(WarehouseError, match="authentication failed") as refused:
        PostgresStore.open(postgres.dsn(password="wr0ng-secret"))  # noqa: S106 - that is the point
    assert "wr0ng" not in str(refused.value)
