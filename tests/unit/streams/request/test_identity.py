"""Who asked for what, through a whole worker in memory: no tenant gets at another's answer, and none takes its id."""

import asyncio
from dataclasses import replace

import orjson

from router.tenants import Key, Tenant
from schemas.dead_letters import REPLAY_OF
from schemas.topics import Topic
from streams.request.api_keys import key_digest
from tests.fakes.provider import Character
from tests.fakes.scene import SETTINGS, Json, Scene, played
from tests.stage import TWO

KEYED = replace(
    TWO, tenants={name: Tenant(name, keys=(Key(key_digest(f"key-of-{name}".encode())),)) for name in ("acme", "rival")}
)
A, B = "key-of-acme", "key-of-rival"
COPIES = SETTINGS.model_copy(update={"reply_to_allowed": ("copies",)})
SLOW = {"alpha": Character(1, 2, median_s=5.0, spread=0.0)}


def said(response: Json) -> tuple[str, str | None]:
    return response["status"], response["error"] and response["error"]["code"]


@played(KEYED, COPIES)
async def test_a_tenant_does_not_read_the_stored_answer_of_another_by_its_id(scene: Scene) -> None:
    scene.world.broker.create("copies")
    await scene.start("w1")
    scene.publish("r-1", key=A, prompt="What is our plan?")
    await scene.answered("r-1")
    scene.publish("r-1", key=B, prompt="What is our plan?", reply_to="copies")
    await scene.until(lambda: scene.committed() == 2)
    first, second = scene.responses("r-1")
    assert (first["tenant"], second["tenant"]) == ("acme", "rival")
    assert [copy["tenant"] for copy in scene.messages("copies")] == ["rival"], "its own, paid for by itself"
    assert len(scene.calls()) == 2
    events = scene.messages(Topic.COSTS)
    assert len({event["event_id"] for event in events}) == len({call.key for call in scene.calls()}) == 2


@played(KEYED)
async def test_a_refusal_without_proof_leaves_the_id_to_its_owner(scene: Scene) -> None:
    await scene.start("w1")
    scene.publish("r-1", tenant="acme")
    scene.publish_bytes(b'{"request_id": "r-1", "tenant": "acme", "promt": "x"}')
    scene.publish("r-1", key=B, tenant="acme", prompt="Mine!")
    await scene.until(lambda: scene.committed() == 3)
    assert not any(response["finishes_id"] or response["authenticated"] for response in scene.responses("r-1")[:2])
    scene.publish("r-1", key=A)
    await scene.until(lambda: scene.committed() == 4)
    *refused, answer = scene.responses("r-1")
    assert {said(response)[1] for response in refused} == {"unauthenticated", "invalid_request", "tenant_mismatch"}
    assert (said(answer), answer["authenticated"], answer["finishes_id"]) == (("completed", None), True, True)


@played(KEYED)
async def test_a_refusal_is_not_repeated_when_its_record_comes_again(scene: Scene) -> None:
    await scene.start("w1")
    for _ in range(2):
        scene.publish("r-1", tenant="acme")
    await scene.until(lambda: scene.committed() == 2)
    assert len(scene.responses("r-1")) == 1


@played()
async def test_an_id_that_comes_again_with_another_body_is_refused_once_and_stays_the_first_ones(scene: Scene) -> None:
    await scene.start("w1")
    scene.publish("r-1", prompt="Hello")
    await scene.answered("r-1")
    for prompt in ("Goodbye", "Goodbye", "Hello"):
        scene.publish("r-1", prompt=prompt)
    await scene.until(lambda: scene.committed() == 4)
    first, reused = scene.responses("r-1")
    assert said(first) == ("completed", None)
    assert (said(reused), reused["error"]["field"]) == (("rejected", "id_reused"), "request_id")
    assert not reused["finishes_id"]
    assert len(scene.calls()) == 1


@played(characters=SLOW)
async def test_another_body_under_the_id_of_a_call_under_way_does_not_join_it(scene: Scene) -> None:
    await scene.start("w1")
    scene.publish("r-1", prompt="Hello")
    await scene.until(scene.calls)
    scene.publish("r-1", prompt="Goodbye")
    await scene.until(lambda: scene.committed() == 2)
    assert [said(response) for response in scene.responses("r-1")] == [("completed", None), ("rejected", "id_reused")]


@played()
async def test_what_decides_neither_answer_nor_price_may_differ(scene: Scene) -> None:
    await scene.start("w1")
    scene.publish("r-1")
    await scene.answered("r-1")
    scene.publish("r-1", metadata={"try": 2}, deadline="2030-01-01T00:00:00Z", schema_version=1)
    await scene.until(lambda: scene.committed() == 2)
    assert len(scene.responses("r-1")) == len(scene.calls()) == 1


@played()
async def test_a_number_is_the_same_however_it_is_written(scene: Scene) -> None:
    """RFC 8785 has one form for each: clients of some languages write 1.0 where others write 1."""
    await scene.start("w1")
    written = [
        b'{"top_p": 1, "max_cost_usd": 0.1, "seed": 0, "logit_bias": {"50256": -100}}',
        b'{"top_p": 1.0, "max_cost_usd": "0.10", "seed": -0.0, "logit_bias": {"50256": -100.0}}',
        b'{"logit_bias": {"50256": -1e2}, "seed": 0.0, "max_cost_usd": 1e-1, "top_p": 1e0}',
        b'{"top_p": 0.5, "max_cost_usd": 0.1, "seed": 0, "logit_bias": {"50256": -100}}',
    ]
    for number, parameters in enumerate(written, 1):
        fields = b'{"request_id": "r-1", "prompt": "Hello", ' + parameters.removeprefix(b"{")
        scene.publish_bytes(fields)
        await scene.until(lambda number=number: scene.committed() == number)  # type: ignore[misc]
    assert [said(response) for response in scene.responses("r-1")] == [("completed", None), ("rejected", "id_reused")]
    assert len(scene.calls()) == 1


@played()
async def test_an_heir_knows_what_was_asked(scene: Scene) -> None:
    (worker,) = await scene.start("w1")
    scene.publish("r-1", prompt="Hello")
    await scene.answered("r-1")
    scene.publish("r-1", prompt="Goodbye")
    await scene.until(lambda: scene.committed() == 2)
    worker.kill()
    await scene.start("w2")
    await asyncio.sleep(20)
    for prompt in ("Goodbye", "Hello"):
        scene.publish("r-1", prompt=prompt)
    await scene.until(lambda: scene.committed() == 4)
    assert len(scene.responses("r-1")) == 2
    assert len(scene.calls()) == 1


@played()
async def test_ids_that_turnout_gives_cannot_be_taken_first(scene: Scene) -> None:
    await scene.start("w1")
    squatted = "llm.requests.v1-0-1"
    scene.publish(squatted)
    scene.publish(None)
    await scene.until(lambda: scene.committed() == 2)
    refused, answer = scene.responses(squatted)
    assert (said(refused), refused["error"]["field"]) == (("rejected", "invalid_request"), "request_id")
    assert (said(answer), answer["id_source"]) == (("completed", None), "record")


@played(KEYED)
async def test_a_refusal_names_the_tenant_that_its_key_has_proven(scene: Scene) -> None:
    await scene.start("w1")
    scene.publish("llm.requests.v1-0-1", key=A)
    scene.publish("r-1", key=A, deadline="2099-01-01T00:00:00Z")
    refused = await scene.answered("llm.requests.v1-0-1", "r-1")
    assert [(one["tenant"], one["authenticated"]) for one in refused] == [("acme", True)] * 2


@played(KEYED)
async def test_an_unsigned_replay_takes_no_id_of_a_replay(scene: Scene) -> None:
    await scene.start("w1")
    asked = orjson.dumps({"request_id": "r-1", "prompt": "Hello", "max_tokens": 50})
    scene.publish_bytes(asked, headers=[("authorization", f"Bearer {A}".encode()), (REPLAY_OF, b"0:7")])
    scene.publish("r-1:replay:0:7", key=A)
    await scene.until(lambda: scene.committed() == 2)
    assert said(scene.responses("r-1")[0]) == ("completed", None)
    assert said(scene.responses("r-1:replay:0:7")[0]) == ("rejected", "invalid_request")


@played()
async def test_one_id_in_two_partitions_is_billed_as_often_as_it_is_charged(scene: Scene) -> None:
    await scene.start("w1")
    for partition in (0, 1):
        scene.publish("r-1", partition=partition)
    await scene.until(lambda: len(scene.messages(Topic.COSTS)) == 2)
    assert len({event["event_id"] for event in scene.messages(Topic.COSTS)}) == 2
    assert len(scene.world.providers.invoice) == 2


@played(settings=SETTINGS.model_copy(update={"max_deadline_s": 60.0}))
async def test_a_request_may_not_hold_its_place_for_ever(scene: Scene) -> None:
    await scene.start("w1")
    scene.publish("r-1", deadline="2099-01-01T00:00:00Z")
    (refused,) = await scene.answered("r-1")
    assert (said(refused), refused["error"]["field"]) == (("rejected", "invalid_request"), "deadline")


@played(KEYED, SETTINGS.model_copy(update={"dead_letter_share": 0.1, "dead_letter_minimum": 10}))
async def test_junk_that_proves_no_tenant_halts_no_worker(scene: Scene) -> None:
    await scene.start("w1")
    for number in range(200):
        scene.publish_bytes(b"junk %d" % number)
    scene.publish("r-1", key=A)
    assert said((await scene.answered("r-1"))[0]) == ("completed", None)
    await scene.until(lambda: scene.committed() == 201)


@played(KEYED, SETTINGS.model_copy(update={"duplicate_ids": 60}))
async def test_refusals_that_prove_nothing_push_out_no_finished_id(scene: Scene) -> None:
    await scene.start("w1")
    scene.publish("r-1", key=A)
    await scene.answered("r-1")
    for number in range(200):
        scene.publish(f"x-{number}")
    await scene.until(lambda: scene.committed() == 201)
    for _ in range(2):  # by itself: of refusals at the same moment chance decides whose acknowledgement is the last
        scene.publish("latest")
        await scene.until(lambda: len(scene.messages(Topic.RESPONSES)) == 202)
    scene.publish("r-1", key=A)
    await scene.until(lambda: scene.committed() == 204)
    assert len(scene.calls()) == 1
    assert len(scene.messages(Topic.RESPONSES)) == 202, "the latest refusals are known too"
