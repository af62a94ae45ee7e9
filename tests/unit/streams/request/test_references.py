"""Requests and answers that lie in a store of blobs, over whole workers in memory."""

from dataclasses import replace

import orjson
import pytest

from router.tenants import Key, Tenant
from schemas.topics import Topic
from streams.codec import DATAREF_HEADER, Delivery, Referenced, reference_in
from streams.config.settings import Settings
from streams.request.api_keys import key_digest, make_key
from tests.fakes.blobs import MemoryBlobs
from tests.fakes.scene import Json, Scene, played
from tests.stage import ONE, ORIGIN

SMALL = Settings(
    partitions=2, log_sample=0, drain_s=5, topic_prefix="", max_message_bytes=65_536, default_deadline_s=20
)
KEY, OTHER_KEY = make_key(), make_key()
CLOSED = replace(
    ONE,
    tenants={
        "acme": Tenant("acme", keys=(Key(key_digest(KEY.encode())),)),
        "rival": Tenant("rival", keys=(Key(key_digest(OTHER_KEY.encode())),)),
    },
)
LARGE = {"request_id": "r-1", "prompt": "Hello " * 20_000, "max_tokens": 50, "max_cost_usd": "10"}


def stored(scene: Scene, name: str = "in/1.json", message: Json = LARGE) -> str:
    """Open the store with a request in it; return the reference to that."""
    store = scene.world.blobs = MemoryBlobs()
    store.payloads[name] = orjson.dumps(message)
    return store.reference_to(name)


def refer(scene: Scene, reference: str, key: str = "") -> None:
    headers = [(DATAREF_HEADER, reference.encode())]
    scene.publish_bytes(b"", headers=[*headers, ("authorization", f"Bearer {key}".encode())] if key else headers)


async def letter(scene: Scene) -> dict[str, str]:
    """Wait for a dead letter, and return its headers."""
    topic = scene.world.broker.topics[Topic.DEAD_LETTERS]
    await scene.until(lambda: topic.partitions[0].records, within_s=100)
    return {name: value.decode() for name, value in topic.partitions[0].records[-1].headers}


@played(ONE, SMALL)
async def test_a_request_beyond_what_a_record_holds_is_read_from_the_store_and_answered_in_its_place(
    scene: Scene,
) -> None:
    reference = stored(scene)
    await scene.start("w1")
    refer(scene, reference)
    (response,) = await scene.answered("r-1")
    assert response["status"] == "completed"
    (call,) = scene.calls()
    assert call.asked["messages"][0]["content"] == LARGE["prompt"]
    assert (response["request_partition"], response["request_offset"]) == (0, 0)
    await scene.until(scene.committed)


@played(ONE, SMALL)
async def test_an_event_in_structured_mode_may_hold_the_reference(scene: Scene) -> None:
    reference = stored(scene)
    await scene.start("w1")
    event = {"specversion": "1.0", "id": "e", "source": "/app", "type": "ask", "dataref": reference}
    scene.publish_bytes(orjson.dumps(event))
    (response,) = await scene.answered("r-1")
    assert response["status"] == "completed"


@played(ONE, SMALL)
async def test_without_a_store_no_reference_is_followed(scene: Scene) -> None:
    await scene.start("w1")
    refer(scene, "s3://bucket/turnout/in/1.json")
    told = await letter(scene)
    assert told["turnout-code"] == "dataref_off"
    assert "TURNOUT_DATAREF_URL is not set" in told["turnout-reason"]
    assert not scene.calls()


@played(ONE, SMALL)
async def test_what_leads_elsewhere_is_not_asked_for(scene: Scene) -> None:
    stored(scene)
    await scene.start("w1")
    refer(scene, "http://169.254.169.254/latest/meta-data")
    assert (await letter(scene))["turnout-code"] == "dataref_refused"
    assert scene.world.blobs is not None
    assert scene.world.blobs.asked == []


@played(ONE, SMALL)
async def test_a_payload_that_is_no_request_is_answered_by_its_id_and_its_record_is_the_dead_letter(
    scene: Scene,
) -> None:
    reference = stored(scene, message={"request_id": "r-1", "prompt": 3})
    await scene.start("w1")
    refer(scene, reference)
    (response,) = await scene.answered("r-1")
    assert response["status"] == "rejected"
    assert "prompt" in response["error"]["message"]
    (record,) = scene.world.broker.topics[Topic.DEAD_LETTERS].partitions[0].records
    assert not record.value
    assert dict(record.headers)[DATAREF_HEADER] == reference.encode(), "its replay is read again"


@played(ONE, SMALL)
async def test_while_the_store_is_away_a_request_waits_and_others_go_on(scene: Scene) -> None:
    reference = stored(scene)
    assert scene.world.blobs is not None
    scene.world.blobs.is_away = True
    await scene.start("w1")
    refer(scene, reference)
    scene.publish("r-2")
    await scene.answered("r-2")
    assert not scene.responses("r-1")
    scene.world.blobs.is_away = False
    (response,) = await scene.answered("r-1")
    assert response["status"] == "completed"


@played(ONE, SMALL)
async def test_a_store_that_stays_away_makes_a_dead_letter_to_be_replayed(scene: Scene) -> None:
    reference = stored(scene)
    assert scene.world.blobs is not None
    scene.world.blobs.is_away = True
    await scene.start("w1")
    refer(scene, reference)
    assert (await letter(scene))["turnout-code"] == "dataref_away"
    await scene.until(scene.committed)


@played(CLOSED, SMALL)
async def test_a_tenant_reads_its_own_folder_alone(scene: Scene) -> None:
    reference = stored(scene, "acme/1.json")
    await scene.start("w1")
    refer(scene, reference, OTHER_KEY)
    assert (await letter(scene))["turnout-code"] == "dataref_refused"
    refer(scene, reference, KEY)
    (response,) = await scene.answered("r-1")
    assert (response["status"], response["tenant"]) == ("completed", "acme")
    assert scene.world.blobs is not None
    assert scene.world.blobs.asked == ["acme/1.json"]


@played(CLOSED, SMALL)
async def test_who_proves_no_tenant_has_nothing_fetched(scene: Scene) -> None:
    reference = stored(scene, "acme/1.json")
    await scene.start("w1")
    refer(scene, reference)
    assert (await letter(scene))["turnout-code"] == "dataref_refused"
    assert scene.world.blobs is not None
    assert scene.world.blobs.asked == []


@played(CLOSED, SMALL)
async def test_an_answer_beyond_its_topic_is_whole_in_the_store_and_its_record_says_where(scene: Scene) -> None:
    stored(scene)
    store = scene.world.blobs
    assert store is not None
    scene.world.providers.answer_text = "word " * 20_000
    await scene.start("w1")
    scene.publish("r-1", key=KEY)
    (response,) = await scene.answered("r-1")
    assert response["status"] == "completed"
    assert response["message"] is None
    assert response["dataref"] == store.reference_to("acme/responses/llm.requests.v1/0/0.json")
    whole = orjson.loads(store.payloads["acme/responses/llm.requests.v1/0/0.json"])
    assert whole["message"]["content"] == scene.world.providers.answer_text
    assert {**whole, "message": None, "dataref": response["dataref"]} == response
    (record,) = scene.world.broker.topics[Topic.RESPONSES].partitions[0].records
    assert dict(record.headers)[DATAREF_HEADER] == response["dataref"].encode()
    await scene.until(lambda: scene.messages(Topic.COSTS))
    assert scene.messages(Topic.COSTS)[0]["certainty"] == "metered"


@pytest.mark.parametrize("is_away", [True, False])
def test_an_answer_beyond_its_topic_fails_where_it_cannot_be_kept(*, is_away: bool) -> None:
    @played(ONE, SMALL)
    async def play(scene: Scene) -> None:
        if is_away:
            stored(scene)
            assert scene.world.blobs is not None
            scene.world.blobs.is_away = True
        scene.world.providers.answer_text = "word " * 20_000
        await scene.start("w1")
        scene.publish("r-1")
        (response,) = await scene.answered("r-1")
        assert response["status"] == "failed"
        assert "TURNOUT_DATAREF_URL" in response["error"]["message"]

    play()


def test_what_holds_data_is_no_reference() -> None:
    event: Json = {"specversion": "1.0", "id": "e", "source": "/app", "type": "ask", "dataref": "s3://b/p/1"}
    reference = Referenced("s3://b/p/1")
    values: list[tuple[Json, Referenced | None]] = [
        (event, reference),
        (event | {"data": None}, reference),
        (event | {"data": {"prompt": "Hi"}}, None),
        (event | {"data_base64": "e30="}, None),
        ({"prompt": "Hi", "dataref": "s3://b/p/1"}, None),
        (event | {"dataref": 3}, None),
    ]
    for value, wanted in values:
        assert reference_in(Delivery(ORIGIN, 0, None, orjson.dumps(value), [])) == wanted
    headers = [(DATAREF_HEADER, b"s3://b/p/1")]
    assert reference_in(Delivery(ORIGIN, 0, None, None, headers)) == reference
    assert reference_in(Delivery(ORIGIN, 0, None, b'{"prompt": "Hi"}', headers)) is None, "it is the same, and nearer"
