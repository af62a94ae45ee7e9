"""What a newer version tells in words that this one does not know: read, counted and stored as the words they are."""

import asyncio
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import orjson
import pytest

from router.tenants import Tenant
from schemas.costs import CostEvent
from schemas.health import ModelStats
from schemas.requests import Request
from schemas.responses import Response
from schemas.topics import Topic
from schemas.vocabulary import (
    AttemptOutcome,
    Certainty,
    ErrorCode,
    GrowingWords,
    IdSource,
    PriceStatus,
    SkipReason,
    Status,
    Task,
    Tier,
    TokenCountSource,
)
from streams.cli.partitions import ReadRecord
from streams.cli.record_text import readable
from streams.ports import Record
from tests.fakes.scene import Scene, played
from tests.stage import TWO
from warehouse.rows import cost_row, response_row

GOLDEN = Path(__file__).parents[2] / "contract" / "golden"
ACME = replace(TWO, tenants={"acme": Tenant("acme", daily_budget_usd=Decimal(20))})
NEW = "teleported"


def golden(name: str, **fields: object) -> Any:  # noqa: ANN401 - JSON
    return orjson.loads((GOLDEN / f"{name}.json").read_bytes()) | fields


def newer_response(**fields: object) -> Any:  # noqa: ANN401 - JSON
    """Return a response in which every word that may be new is."""
    response = golden("v1/response-failed", **{"status": NEW, "task": NEW, "tier": NEW, "id_source": NEW, **fields})
    response["error"]["code"] = NEW
    response["skipped"] = [{"request_model": "m", "reason": "for a new reason", "code": NEW}]
    for attempt in response["attempts"]:
        attempt["outcome"] = attempt["certainty"] = NEW
    return response


COST_WORDS = dict.fromkeys(
    ("outcome", "error_type", "certainty", "task", "tier", "price_status", "token_count_source", "id_source"), NEW
)


def test_the_warehouse_stores_a_newer_versions_words() -> None:
    row = cost_row(orjson.dumps(golden("v2/cost-metered", **COST_WORDS, schema_version=3)))
    assert {name: row[name] for name in COST_WORDS if name in row} == {n: NEW for n in COST_WORDS if n in row}
    assert row.keys() >= {"outcome", "certainty", "task", "tier", "price_status"}
    assert row["cost_usd"] is not None
    response = response_row(orjson.dumps(newer_response()))
    assert (response["status"], response["error_code"]) == (NEW, NEW)


def test_a_newer_versions_words_can_be_shown_and_written_again() -> None:
    for topic, message in (
        (Topic.COSTS, golden("v2/cost-metered", **COST_WORDS)),
        (Topic.RESPONSES, newer_response()),
    ):
        value = orjson.dumps(message)
        assert NEW in readable(topic, ReadRecord(topic, 0, 7, 0, value)).plain
        kind = CostEvent if topic is Topic.COSTS else Response
        assert kind.decode(kind.decode(value).encode()) == kind.decode(value)


def test_a_newer_versions_counters_say_what_this_one_knows() -> None:
    stats = golden("v1/model-stats")
    stats["outcomes"] = {"succeeded": 5, NEW: 3}
    assert ModelStats.decode(orjson.dumps(stats)).outcomes[AttemptOutcome.SUCCEEDED] == 5


@pytest.mark.parametrize(
    "kind",
    [AttemptOutcome, Certainty, ErrorCode, IdSource, PriceStatus, SkipReason, Status, Task, Tier, TokenCountSource],
)
def test_an_unknown_word_is_no_member_and_no_garbage(
    kind: type[GrowingWords],
) -> None:
    word = kind(NEW)
    assert word not in set(kind)
    assert (str(word), f"{word}", word.value) == (NEW, NEW, NEW)
    assert {word: 1}[kind(NEW)] == 1
    for garbage in ("", "two words", "a\nb", "x" * 65, "Ä"):
        with pytest.raises(ValueError, match="is not a valid"):
            kind(garbage)


@played(ACME)
async def test_the_accounts_count_a_call_of_a_newer_version(scene: Scene) -> None:
    await scene.start("w1")
    scene.publish("r-1", tenant="acme")
    await scene.answered("r-1")
    await scene.until(lambda: scene.messages(Topic.COSTS))
    event = scene.messages(Topic.COSTS)[0] | COST_WORDS | {"event_id": "of a newer version"}
    event["cost_usd"] = "1.000000000"
    scene.world.broker.append(Record(Topic.COSTS, orjson.dumps(event), b"acme", []))
    await asyncio.sleep(3)
    assert Decimal(scene.messages(Topic.BUDGETS)[-1]["windows"][0]["spent_usd"]) > 1


async def an_heir_calls_for_the_third_alone(scene: Scene) -> None:
    """Of `r-1` to `r-3` the first was called for, and the second has an answer that another version wrote."""
    await scene.start("w2")
    await asyncio.sleep(30)
    scene.publish("r-2")
    scene.publish("r-3")
    await scene.answered("r-3")
    await asyncio.sleep(3)
    assert len(scene.calls()) == 2, "of r-1 and r-3"


@played(TWO)
async def test_what_a_newer_version_has_answered_is_not_called_for_again(scene: Scene) -> None:
    (worker,) = await scene.start("w1")
    scene.publish("r-1")
    (answer,) = await scene.answered("r-1")
    worker.kill()
    newer = newer_response(
        request_id="r-2", tenant="default", id_source="request", finishes_id=True, asked_sha256=None,
        request_topic=answer["request_topic"], request_partition=0, request_offset=1,
    )  # fmt: skip
    scene.world.broker.append(Record(Topic.RESPONSES, orjson.dumps(newer), b"k", [], 0))
    await an_heir_calls_for_the_third_alone(scene)


@played(TWO)
async def test_an_answer_finishes_its_id_whatever_else_of_it_cannot_be_read(scene: Scene) -> None:
    (worker,) = await scene.start("w1")
    scene.publish("r-1")
    (answer,) = await scene.answered("r-1")
    worker.kill()
    strange = answer | {"request_id": "r-2", "request_offset": 1, "latency_ms": "soon", "attempts": {"one": 1}}
    scene.world.broker.append(Record(Topic.RESPONSES, orjson.dumps(strange), b"k", [], 0))
    await an_heir_calls_for_the_third_alone(scene)


def test_a_client_may_not_pin_a_tier_that_this_version_does_not_know() -> None:
    with pytest.raises(ValueError, match="'fast', 'balanced', 'reasoning' or 'powerful'"):
        Request.model_validate({"prompt": "Hello", "tier": NEW})
