"""Answers that have to fit a JSON schema, through a whole worker in memory."""

import asyncio

from schemas.topics import Topic
from tests.fakes.provider import Character
from tests.fakes.scene import Json, Scene, played

SCHEMA: Json = {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]}
STRICT: Json = {"type": "json_schema", "json_schema": {"name": "number", "schema": SCHEMA, "strict": True}}
GOOD, BAD = '{"n": 1}', '{"n": "one"}'


def model(*texts: str, price: int = 1) -> Character:
    """Return a model that says these texts, one a call."""
    return Character(price, 2 * price, median_s=0.5, spread=0.0, texts=list(texts))


@played(characters={"alpha": model(BAD, GOOD)})
async def test_each_try_is_written_ahead_before_it_is_made_and_billed_as_the_provider_charges_it(scene: Scene) -> None:
    await scene.start("w1")
    scene.publish(response_format=STRICT)
    (response,) = await scene.answered("r-1")
    await scene.until(lambda: len(scene.messages(Topic.COSTS)) == 2)
    assert response["status"] == "completed"
    assert response["message"]["content"] == GOOD
    assert response["schema_check"] == {"result": "passed", "detail": None}
    assert [attempt["outcome"] for attempt in response["attempts"]] == ["schema_violation", "succeeded"]
    order = [event.what for event in scene.timeline if event.what in (Topic.CALLS, "call", Topic.RESPONSES)]
    assert order == [Topic.CALLS, "call", Topic.CALLS, "call", Topic.RESPONSES]
    ahead, costs, calls = scene.messages(Topic.CALLS), scene.messages(Topic.COSTS), scene.calls()
    assert [one["event_id"] for one in ahead] == [one["event_id"] for one in costs] == [call.key for call in calls]
    assert [cost["cost_nano_usd"] for cost in costs] == [line.nano_usd for line in scene.world.providers.invoice]
    assert costs[0]["error_type"] == "schema_violation"
    said = [message["role"] for message in calls[1].asked["messages"]]
    assert said == ["user", "assistant", "user"]
    assert calls[1].asked["messages"][1]["content"] == BAD


@played(characters={"alpha": model(BAD, BAD), "beta": model(BAD, BAD, price=3)})
async def test_when_nobodys_answer_fits_the_response_is_failed_and_has_the_last_one(scene: Scene) -> None:
    await scene.start("w1")
    scene.publish(response_format=STRICT)
    (response,) = await scene.answered("r-1")
    assert (response["status"], response["error"]["code"]) == ("failed", "schema_violation")
    assert response["message"]["content"] == BAD
    assert [call.model for call in scene.calls()] == ["alpha", "alpha", "beta", "beta"]
    await scene.until(lambda: len(scene.messages(Topic.COSTS)) == 4)
    billed = sum(cost["cost_nano_usd"] for cost in scene.messages(Topic.COSTS))
    assert billed == sum(line.nano_usd for line in scene.world.providers.invoice)


@played(characters={"alpha": model(BAD, GOOD, GOOD)})
async def test_a_worker_killed_during_a_repair_leaves_it_to_the_next_and_no_try_is_lost_or_paid_twice(
    scene: Scene,
) -> None:
    (first,) = await scene.start("w1")
    scene.publish(response_format=STRICT)
    await scene.until(lambda: len(scene.calls()) == 2)
    first.kill()
    await asyncio.sleep(scene.world.settings.session_timeout_s)
    await scene.start("w2")
    (response,) = await scene.answered("r-1")
    assert response["status"] == "completed"
    await scene.until(lambda: len(scene.messages(Topic.COSTS)) == 3)
    billed = [cost["event_id"] for cost in scene.messages(Topic.COSTS)]
    assert {line.key for line in scene.world.providers.invoice} == set(billed)
    assert [cost["certainty"] for cost in scene.messages(Topic.COSTS)] == ["unknown", "unknown", "metered"]
    numbers = [attempt["attempt"] for attempt in response["attempts"]]
    assert numbers == list(range(1, len(numbers) + 1))


@played()
async def test_a_schema_that_cannot_be_checked_is_refused_by_the_name_of_its_field(scene: Scene) -> None:
    await scene.start("w1")
    away: Json = {"name": "away", "strict": True, "schema": {"$ref": "http://127.0.0.1:1/schema.json"}}
    scene.publish(response_format={"type": "json_schema", "json_schema": away})
    (response,) = await scene.answered("r-1")
    assert response["status"] == "rejected"
    assert response["error"]["code"] == "invalid_request"
    assert response["error"]["field"] == "response_format.json_schema.schema"
    assert "nothing is fetched" in response["error"]["message"]
    assert not scene.calls()
