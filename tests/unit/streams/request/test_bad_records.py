"""Records that mean harm, or meet a defect, through a whole worker in memory: none holds up its partition."""

from dataclasses import replace

import orjson
import pytest

from router import identity
from schemas import dead_letters
from schemas.dead_letters import KEPT_BYTES
from schemas.requests import Request
from schemas.topics import Topic
from streams.codec import MAX_KEY_BYTES, Delivery, UndecodedName
from streams.ports import Record
from streams.request import reader
from tests.fakes.scene import SETTINGS, Scene, played

SMALL = SETTINGS.model_copy(update={"max_message_bytes": 100_000, "max_request_bytes": 20_000})


def letters(scene: Scene) -> list[Delivery]:
    return list(scene.world.broker.partition(scene.world.partition(Topic.DEAD_LETTERS, 0)).since(0))


async def served_after(scene: Scene) -> Delivery:
    """See that the partition goes on, and return the one dead letter."""
    scene.publish("quiet")
    (response,) = await scene.answered("quiet")
    assert response["status"] == "completed"
    await scene.until(lambda: scene.committed() == 2)
    (letter,) = letters(scene)
    return letter


@played()
async def test_a_parameter_that_moves_a_level_down_holds_up_nothing(scene: Scene) -> None:
    await scene.start("w1")
    value = b'{"request_id":"evil","prompt":"x","stop":' + b"[" * 253 + b"1" + b"]" * 253 + b"}"
    scene.publish_bytes(value)
    letter = await served_after(scene)
    assert letter.value == value
    (response,) = scene.responses("evil")
    assert (response["status"], response["error"]["field"]) == ("rejected", "stop")


def test_a_defect_while_a_record_is_opened_ends_as_a_dead_letter_and_a_failed_response(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def defective(request: Request) -> str:
        if request.request_id == "evil":
            raise TypeError("of a deliberate defect")
        return identity.asked_of(request)

    monkeypatch.setattr(reader, "asked_of", defective)

    @played()
    async def play(scene: Scene) -> None:
        await scene.start("w1")
        scene.publish("evil")
        letter = await served_after(scene)
        assert dict(letter.headers)[dead_letters.CODE] == b"internal_error"
        assert dict(letter.headers)[dead_letters.REASON] == b"TypeError in the worker; see its log"
        (response,) = scene.responses("evil")
        assert (response["status"], response["error"]["code"]) == ("failed", "internal_error")
        assert response["finishes_id"] is False

    play()


@played(settings=SMALL)
async def test_what_no_dead_letter_can_hold_is_cut_and_says_so(scene: Scene) -> None:
    await scene.start("w1")
    topic = scene.world.settings.topic(Topic.REQUESTS)
    requests = scene.world.broker.topics[topic]
    scene.world.broker.topics[topic] = replace(requests, max_bytes=10_000_000)  # of compressed bytes, in Kafka
    value = b'{"request_id":"evil","prompt":"x"' + b" " * 5_000_000 + b"}"
    scene.publish_bytes(value, headers=[("mine", b"1"), ("large", b"x" * 200_000)])
    letter = await served_after(scene)
    assert letter.value == value[:KEPT_BYTES]
    assert letter.key == b"k"
    named = dict(letter.headers)
    assert named[dead_letters.ORIGINAL_BYTES] == str(len(value)).encode()
    assert "large" not in named
    assert named["mine"] == b"1"
    assert b"no more than 16384 of its value are kept" in named[dead_letters.REASON]
    (response,) = scene.responses("evil")
    assert response["status"] == "rejected"


@played(settings=SMALL)
async def test_a_key_as_large_as_a_record_ends_no_worker_and_is_answered_under_its_begin(scene: Scene) -> None:
    await scene.start("w1")
    key = bytes(range(256)) * 300
    value = b'{"request_id":"evil","prompt":"x"}'
    scene.world.broker.append(Record(scene.world.settings.topic(Topic.REQUESTS), value, key, [], 0))
    letter = await served_after(scene)
    assert (letter.key, letter.value) == (key, value)
    answers = list(scene.world.broker.partition(scene.world.partition(Topic.RESPONSES, 0)).since(0))
    assert [answer.key for answer in answers] == [key[:MAX_KEY_BYTES], b"k"]
    assert not scene.messages(Topic.CALLS)[1:]


@played()
async def test_a_header_name_that_is_not_utf_8_becomes_a_dead_letter_that_can_be_replayed(scene: Scene) -> None:
    await scene.start("w1")
    value = orjson.dumps({"request_id": "evil", "prompt": "x"})
    scene.publish_bytes(value, headers=[(UndecodedName(r"\xff\xfe"), b"x")])
    letter = await served_after(scene)
    assert letter.value == value
    assert letter.headers[0] == (r"\xff\xfe", b"x")
    assert dict(letter.headers)[dead_letters.CODE] == b"not_utf8"
    (response,) = scene.responses("evil")
    assert response["status"] == "rejected"
