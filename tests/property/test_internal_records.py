"""Garbage and extreme values on the topics between workers: read, or refused as a ValueError, and fatal to no reader.

Each message of the golden files has any of its fields replaced. What is read then is given to what a worker or an heir
does with it, which must go on to tell what can be read in turn.
"""

from copy import deepcopy
from dataclasses import replace
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from router.budgets.counted_events import CountedEvents
from router.budgets.lease import BudgetLease
from router.budgets.ledger import BudgetLedger
from router.budgets.rules import day_of
from router.identity import identity_of_response
from router.job import Origin
from router.models.aggregator import HealthAggregator
from router.models.panes import Pane
from router.models.pool import ModelPool
from router.sharing.member import Member
from router.tenancy.allotment import TenantAllotment
from router.tenancy.limiter import TenantLimiters
from router.tenants import Tenant
from schemas.budgets import Budget, BudgetClaim
from schemas.costs import CallStarted, CostEvent
from schemas.health import ModelHealth, ModelStats
from schemas.message import Message, utc_from_ms
from schemas.responses import Response
from schemas.tenant_shares import TenantShares, WorkerDemand
from schemas.waiting import Waiting
from streams.batch_requests import WAITING_HEADER, batch_record, identity_of_waiting, read_batch_request
from streams.codec import Delivery
from streams.internal_records import read_internal
from streams.request.partition_state import AnsweredIds, PartitionState, Position
from tests.examples import examples
from tests.stage import ALPHA, NOW_S, TWO
from warehouse.rows import NoRow, cost_row, response_row

GOLDEN = Path(__file__).parents[1] / "contract" / "golden"
ACME = Tenant("acme", daily_budget_usd=Decimal(20), requests_per_minute=100, concurrent_requests=9)
TENANTS = {"acme": ACME}
CLAIMS = [
    {
        "tenant": "acme",
        "holder": "w#1",
        "day": day_of(NOW_S),
        "sequence": 1,
        "cap_usd": "1",
        "left_usd": "1",
        "needed_usd": "2",
        "wanted_usd": "3",
    }
]
EXTREMES: list[Any] = [
    None, True, "", "x", "\u0000", "x" * 300, [], {}, [[]], {"x": 1}, {"": []},
    -1, 0, 1, 10**9, 2**31, 2**53, 2**53 + 1, 2**63 - 1, 2**63, 1e308, -0.5, 0.5,
    "-1", "1e12", "999999999999.999999999", "1e999999", "NaN", "Infinity", "-0", "0.0000000000001",
    "0001-01-01T00:00:00Z", "9999-12-31T23:59:59.999999Z", "9999-12-31", "2026-99-99", "2026-01-31", "2026-01",
    253_402_300_799_999, 9_999_999_999, "teleported", "open", "day", "{", '{"a": 1}', "null",
]  # fmt: skip


def golden(pattern: str) -> list[Any]:
    """Return the golden messages of a kind, made those of tenant acme, model alpha and now."""
    found = [orjson.loads(path.read_bytes()) for path in sorted(GOLDEN.glob(f"v*/{pattern}.json"))]
    for message in found:
        message |= {name: "acme" for name in ("tenant",) if name in message}
        message |= {name: "alpha" for name in ("request_model",) if name in message}
        message |= {name: "2027-01-15T07:59:59Z" for name in ("as_of", "occurred_at") if name in message}
        message |= {name: int(NOW_S) for name in ("second",) if name in message}
        message |= {name: int(NOW_S * 1000) for name in ("occurred_at_ms", "version") if name in message}
    assert found
    return found


def places(value: object, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Return the path of every value within, the whole left out."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [each for name, one in inner for each in ((*path, name), *places(one, (*path, name)))]


@st.composite
def spoilt(draw: st.DrawFn, messages: list[Any]) -> bytes:
    """Return a message with up to three values replaced, renamed or taken out; or no message at all."""
    if draw(st.integers(0, 19)) == 0:
        return draw(st.binary(max_size=20) | st.sampled_from(EXTREMES).map(orjson.dumps))
    message = deepcopy(draw(st.sampled_from(messages)))
    for _ in range(draw(st.integers(0, 3))):
        *above, last = draw(st.sampled_from(places(message)))
        within = message
        for name in above:
            within = within[name]
        how = draw(st.integers(0, 9))
        if how == 0:
            del within[last]
        elif how == 1 and isinstance(within, dict):
            within[str(draw(st.sampled_from(EXTREMES)))] = within.pop(last)
        else:
            within[last] = deepcopy(draw(st.sampled_from(EXTREMES)))
        if not places(message):
            break
    return orjson.dumps(message)


def records(of: str | list[Any]) -> st.SearchStrategy[list[bytes]]:
    """Return lists of spoilt messages: of these, or of the golden ones of a pattern."""
    return st.lists(spoilt(golden(of) if isinstance(of, str) else of), min_size=1, max_size=6)


def tells(message: Message) -> None:
    """What is told of it can be read by others."""
    assert type(message).decode(message.encode()).encode() == message.encode()


SOME = settings(max_examples=examples(100), deadline=None)


@SOME
@given(records("cost*"), records(CLAIMS))
def test_the_owner_of_the_accounts_goes_on(costs: list[bytes], claims: list[bytes]) -> None:
    ledger, seen = BudgetLedger(ACME), CountedEvents()
    for offset, value in enumerate(costs):
        event = read_internal(CostEvent, value, "costs", NOW_S, lambda event: utc_from_ms(event.occurred_at_ms))
        if event is None:
            continue
        second = event.occurred_at_ms // 1000
        if not seen.is_duplicate(event.event_id, second, offset):
            seen.add(event.event_id, second, offset)
            ledger.spend(day_of(event.occurred_at_ms / 1000), event.cost_usd or Decimal(0), "w")
        ledger.count_to(0, offset)
    for value in claims:
        if (claim := read_internal(BudgetClaim, value, "claims", NOW_S)) is not None:
            ledger.receive(claim, NOW_S)
    for late_s in (0, 86_400 * 40):
        tells(ledger.decide(NOW_S + late_s))
        ledger.crossings(NOW_S + late_s)
    assert BudgetLedger.load(ACME, ledger.dump()).dump() == ledger.dump()
    seen.forget()


@SOME
@given(records("budget*"))
def test_a_lease_goes_on(told: list[bytes]) -> None:
    lease = BudgetLease(ACME, "w1")
    lease.reserve("a", Decimal(1), NOW_S, 20)
    for value in told:
        if (budget := read_internal(Budget, value, "budgets", NOW_S)) is not None:
            lease.receive(budget, NOW_S)
        lease.reserve("b", Decimal(1), NOW_S + 1, 20)
        lease.can_pay(Decimal(1), NOW_S + 1)
        if (claim := lease.claim(NOW_S + 2)) is not None:
            tells(claim)


@SOME
@given(records("model-stats*"))
def test_the_health_agent_goes_on(told: list[bytes]) -> None:
    aggregator, panes = HealthAggregator(TWO, ALPHA), list[bytes]()
    for value in told:
        stats = read_internal(ModelStats, value, "stats", NOW_S)
        try:
            pane = None if stats is None else aggregator.ingest(stats, NOW_S)
        except ValueError:
            continue
        panes += [] if pane is None else [pane.stored()]
    for late_s in (0.0, 30.0, 400.0):
        tells(aggregator.health(NOW_S + late_s))
        aggregator.expire(NOW_S + late_s)
    heir = HealthAggregator(TWO, ALPHA)
    heir.restore([Pane.restored(pane) for pane in panes], None, NOW_S)
    tells(heir.health(NOW_S))


@SOME
@given(records("model-health*"))
def test_a_pool_goes_on(told: list[bytes]) -> None:
    pool = ModelPool(TWO)
    heir = HealthAggregator(TWO, ALPHA)
    for value in told:
        if (health := read_internal(ModelHealth, value, "health", NOW_S)) is not None:
            pool.follow(health, NOW_S)
            heir.restore([], health, NOW_S)
        pool.view(ALPHA, NOW_S)
        tells(heir.health(NOW_S))


@SOME
@given(records("tenant-demand"), records("tenant-shares"))
def test_the_limits_of_tenants_go_on(demands: list[bytes], shares: list[bytes]) -> None:
    allotment, limiters = TenantAllotment(TENANTS), TenantLimiters(TENANTS, Member("w1", 1))
    read = [read_internal(TenantShares, value, "shares", NOW_S) for value in shares]
    for told in read:
        if told is not None:
            limiters.follow(told)
    allotment.restore([told for told in read if told is not None], NOW_S)
    for value in demands:
        if (demand := read_internal(WorkerDemand, value, "demand", NOW_S)) is not None:
            allotment.ingest(demand, NOW_S)
        for told in filter(None, allotment.shares(NOW_S)):
            tells(told)
            limiters.follow(told)
        if (demand := limiters.take_report(NOW_S + 2)) is not None:
            tells(demand)


@SOME
@given(records("response*"), records("call*"))
def test_a_partition_is_read_back(responses: list[bytes], calls: list[bytes]) -> None:
    state = PartitionState(AnsweredIds(600, 1000))
    for value in responses:
        try:
            found = orjson.loads(value)
            if isinstance(found, dict):
                identity = identity_of_response(found)
                state.recover_response(identity, Response.model_validate(found))
                state.response_written(identity, 1, NOW_S)
        except (ValueError, LookupError):
            continue
    for value in calls:
        if (call := read_internal(CallStarted, value, "calls", NOW_S)) is not None:
            state.recover_call(call)
    state.recovered(Position(0, 0), Position(1, 1))


@SOME
@given(records("waiting*"))
def test_what_waits_is_read_or_passed_over(told: list[bytes]) -> None:
    for value in told:
        if (waiting := read_internal(Waiting, value, "waiting", NOW_S)) is not None:
            tells(waiting)
            assert len(identity_of_waiting(waiting).digest) == 16
        lying = Delivery(Origin("batches", 0, 1), 1, b"k", b"{}", [(WAITING_HEADER, value)])
        if (request := read_batch_request(lying)) is not None:
            batch_record("batches", request.waiting, request.original)


@SOME
@given(records("cost*"), records("response*"))
def test_the_warehouse_has_a_row_or_a_reason(costs: list[bytes], responses: list[bytes]) -> None:
    for make, values in ((cost_row, costs), (response_row, responses)):
        for value in values:
            try:
                row = make(value)
            except NoRow:
                continue
            assert all(isinstance(cell, str | int | bool | datetime | date | None) for cell in row.values())
            assert all(abs(cell) < 2**63 for cell in row.values() if isinstance(cell, int))


DUMPED = replace(BudgetLedger(ACME), spent={"2027-01": Decimal(3), "2027-01-15": Decimal(2)}, version=7)
STORED_LEDGER = orjson.loads(DUMPED.dump()) | {"offsets": {"0": 7}, "told": {"2027-01": "0.8"}}
STORED_LEDGER |= {"holdings": [["2027-01-15", "w#1", "2", "1", 3, NOW_S]]}


@SOME
@given(st.data())
def test_a_stored_ledger_is_read_or_refused(data: st.DataObject) -> None:
    stored = deepcopy(STORED_LEDGER)
    for _ in range(data.draw(st.integers(0, 3))):
        *above, last = data.draw(st.sampled_from(places(stored)))
        within: Any = stored
        for name in above:
            within = within[name]
        within[last] = deepcopy(data.draw(st.sampled_from(EXTREMES)))
    try:
        ledger = BudgetLedger.load(ACME, orjson.dumps(stored))
    except ValueError:
        return
    for late_s in (0, 86_400 * 40):
        tells(ledger.decide(NOW_S + late_s))
        ledger.crossings(NOW_S + late_s)
    ledger.dump()


@SOME
@given(st.binary(max_size=64))
def test_stored_ids_are_read_or_refused(value: bytes) -> None:
    seen = CountedEvents()
    try:
        seen.load(int(NOW_S), value)
    except ValueError:
        assert len(value) % 16


@pytest.mark.parametrize("value", [b"", b"[]", b"null", b'{"number": -1}', b"\xff"])
def test_what_is_no_pane_or_ledger_is_a_value_error(value: bytes) -> None:
    for read in (Pane.restored, lambda stored: BudgetLedger.load(ACME, stored)):
        with pytest.raises(ValueError):  # noqa: PT011 - readers catch nothing narrower
            read(value)
