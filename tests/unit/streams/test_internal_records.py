"""Bad records on the topics between workers, through whole workers in memory: skipped, counted, and of no effect."""

import asyncio
from dataclasses import replace
from decimal import Decimal
from types import MappingProxyType

import orjson
import pytest
from structlog.testing import capture_logs

from router.tenants import Tenant
from schemas.budgets import Budget
from schemas.costs import CostEvent
from schemas.health import ModelStats
from schemas.topics import Topic
from streams.internal_records import SKIPPED, read_internal
from streams.ports import Record
from tests.fakes.scene import Json, Scene, played
from tests.stage import TWO

ACME = replace(
    TWO, tenants=MappingProxyType({"acme": Tenant("acme", daily_budget_usd=Decimal(20), concurrent_requests=9)})
)
NO_JSON = (b"", b"\xff", b"{}", b"[]", b"7", b'"x"', b"null")
FAR_MS = 250_000_000_000_000
"""In the year 9892."""
HUGE = 2**62
INTERNAL = tuple(
    topic for topic in Topic if topic not in {Topic.REQUESTS, Topic.DEAD_LETTERS, Topic.MODEL_PANES, Topic.ACCOUNTS}
)


def forge(scene: Scene, topic: Topic, *values: bytes, key: bytes = b"acme") -> None:
    for value in values:
        scene.world.broker.append(Record(scene.world.settings.topic(topic), value, key, [], 0))


def spoilt(message: Json) -> list[bytes]:
    """Return the message with each number, amount and moment in it made absurd, one at a time."""
    bad: dict[str, list[object]] = {}
    for name, value in message.items():
        if name.endswith(("_usd", "_mtok")):
            bad[name] = ["-1", "1e30", "1e999999", "NaN", "-Infinity"]
        elif name.endswith("_ms"):
            bad[name] = [-1, FAR_MS, HUGE]
        elif name in {"as_of", "second", "version", "sequence", "epoch", "attempt", "input_tokens"}:
            bad[name] = [-1, FAR_MS, HUGE, "9999-12-31T23:59:59Z"]
        elif isinstance(value, dict):
            bad[name] = [{next(iter(value), "x"): HUGE}]
    return [orjson.dumps({**message, name: value}) for name, values in bad.items() for value in values]


@played(ACME)
async def test_bad_records_between_workers_stop_nothing_and_cost_nothing(scene: Scene) -> None:
    await scene.start("w1")
    scene.publish("r-1", tenant="acme")
    await scene.answered("r-1")
    await asyncio.sleep(3)
    for topic in INTERNAL:
        forge(scene, topic, *NO_JSON)
        for message in scene.messages(topic)[:1]:
            forge(scene, topic, *spoilt(message))
    await asyncio.sleep(5)
    scene.publish("r-2", tenant="acme")
    (answer,) = await scene.answered("r-2", within_s=3)
    assert answer["status"] == "completed"
    await asyncio.sleep(3)
    told = [Budget.decode(value) for value in scene.world.broker.values(Topic.BUDGETS) if _is_of(value, "acme")]
    assert told[-1].spent_usd < 1


def _is_of(value: bytes, tenant: str) -> bool:
    try:
        return Budget.decode(value).tenant == tenant and Budget.decode(value).version < FAR_MS
    except ValueError:
        return False


@played(ACME)
async def test_an_heir_passes_over_bad_records_when_it_reads_a_partition_back(scene: Scene) -> None:
    (worker,) = await scene.start("w1")
    scene.publish("r-1", tenant="acme")
    await scene.answered("r-1")
    worker.kill()
    for topic in INTERNAL:
        forge(scene, topic, *NO_JSON, *(bad for message in scene.messages(topic)[:1] for bad in spoilt(message)))
    await scene.start("w2")
    await asyncio.sleep(30)
    scene.publish("r-1", tenant="acme")
    scene.publish("r-2", tenant="acme")
    (answer,) = await scene.answered("r-2", within_s=5)
    assert answer["status"] == "completed"
    assert len(scene.calls()) == 2, "what was answered is known"


@pytest.mark.parametrize(
    ("kind", "value"), [(CostEvent, b"{}"), (ModelStats, b"\xff"), (Budget, b"[]"), (Budget, None)]
)
def test_a_bad_record_is_counted_and_told(kind: type[CostEvent | ModelStats | Budget], value: bytes | None) -> None:
    before = SKIPPED.labels("topic")._value.get()
    with capture_logs() as logged:
        assert read_internal(kind, value, "topic", 0.0) is None
    assert [(line["log_level"], line["topic"]) for line in logged] == [("warning", "topic")]
    assert SKIPPED.labels("topic")._value.get() == before + 1


def rows_of(now_s: float) -> dict[Topic, dict[bytes, list[bytes]]]:
    """Return rows of the tables that no heir can use, by key; a table keeps the last value of each."""
    this_pane = int(now_s // 10)
    stored: Json = {"offset": 5, "version": 1, "spent": {}, "told": {}, "holdings": []}
    ledgers: list[Json] = [
        {"version": HUGE},
        {"version": FAR_MS},
        {"spent": {"2027-01-15": "1e30"}},
        {"spent": {"2027-99-99": "1"}},
        {"told": {"2027-01-15": "NaN"}},
        {"holdings": [["x"]]},
        {"offset": None},
    ]
    panes = [
        {"number": this_pane, "outcomes": {"succeeded": HUGE}, "buckets": {}, "tokens": 1, "calls": {}, "seen": {}},
        {"number": 7, "outcomes": {}, "buckets": {}, "tokens": 1, "calls": {}, "seen": {}},
    ]
    return {
        Topic.ACCOUNTS: {
            b"account|acme": [*NO_JSON, *(orjson.dumps(stored | ledger) for ledger in ledgers)],
            b"seen|%d|acme" % (int(now_s) + 9_000_000): [b"0" * 16],
            b"seen|%d|acme" % int(now_s): [b"7"],
            b"seen|x|acme": [b""],
            b"seen|%s|acme" % (b"9" * 5000): [b""],
            b"read|0": [*NO_JSON, orjson.dumps({"position": HUGE, "offsets": {}}), b'{"position": -1, "offsets": {}}'],
            b"read|x": [b"{}"],
            b"\xff": [b""],
        },
        Topic.MODEL_PANES: {
            b"alpha|%d" % this_pane: [*NO_JSON, *map(orjson.dumps, panes)],
            b"alpha|%s" % (b"9" * 5000): [b"{}"],
            b"\xff|1": [b""],
            b"alpha": [b""],
        },
    }


def spent_usd(scene: Scene) -> Decimal:
    told = [Budget.decode(value) for value in scene.world.broker.values(Topic.BUDGETS)]
    return told[-1].spent_usd


@pytest.mark.parametrize("which", range(14))
def test_an_heir_passes_over_bad_rows_of_its_tables_and_counts_the_accounts_anew(which: int) -> None:
    @played(ACME)
    async def story(scene: Scene) -> None:
        (worker,) = await scene.start("w1")
        scene.publish("r-1", tenant="acme")
        await scene.answered("r-1")
        await asyncio.sleep(8)
        before = spent_usd(scene)
        worker.kill()
        for topic, rows in rows_of(scene.loop.time()).items():
            for key, values in rows.items():
                forge(scene, topic, values[which % len(values)], key=key)
        await scene.start("w2")
        await asyncio.sleep(20)
        scene.publish("r-2", tenant="acme")
        (answer,) = await scene.answered("r-2", within_s=5)
        assert answer["status"] == "completed"
        await asyncio.sleep(3)
        assert spent_usd(scene) == before + Decimal(answer["cost_usd"])

    story()
