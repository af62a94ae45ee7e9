"""The answer cache through whole workers in memory: hits, misses, and requests that ask the same at once."""

import asyncio
from dataclasses import replace
from hashlib import sha256
from types import MappingProxyType

import orjson
import pytest

from router.tenants import Key, Tenant
from schemas.caching import CacheEntry, forgotten_key, tenant_key
from schemas.message import utc_from_ms
from schemas.topics import Topic
from streams.ports import Record
from tests.fakes.provider import Character, Fate
from tests.fakes.scene import SETTINGS, Json, Scene, played
from tests.stage import TWO

HOUR = {"ttl_s": 3600}
QUICK = {"alpha": Character(1, 2, median_s=0.5, spread=0.0)}
SLOW = {"alpha": Character(1, 2, median_s=5.0, spread=0.0)}
SESSION_S = SETTINGS.session_timeout_s
SOON_S = 2.0


def answers(scene: Scene, *request_ids: str) -> list[Json]:
    found = [scene.responses(request_id) for request_id in request_ids]
    assert [len(one) for one in found] == [1] * len(found)
    return [one[0] for one in found]


async def asked(scene: Scene, request_id: str, partition: int = 0, key: str = "", **fields: object) -> Json:
    """Publish a request that wants the cache, and wait for its answer and for what follows it."""
    scene.publish(request_id, partition=partition, key=key, **{"cache": HOUR, **fields})
    (response,) = await scene.answered(request_id)
    await asyncio.sleep(SOON_S)
    return response


def forget(scene: Scene, key: bytes, tenant: str | None) -> None:
    """Write what `turnout cache forget` writes of a tenant, or without one what an earlier version did of a key."""
    now_ms = int(scene.loop.time() * 1000)
    value = None if tenant is None else CacheEntry(tenant=tenant, as_of=utc_from_ms(now_ms)).encode()
    scene.world.broker.append(Record(scene.world.settings.topic(Topic.CACHE_INDEX), value, key, [], 0))


@played(characters=QUICK)
async def test_the_same_question_is_answered_without_a_call_a_cost_or_a_write_ahead(scene: Scene) -> None:
    await scene.start("w1")
    first, again = await asked(scene, "r-1"), await asked(scene, "r-2", metadata={"team": "b"})
    assert len(scene.calls()) == len(scene.messages(Topic.CALLS)) == len(scene.messages(Topic.COSTS)) == 1
    assert again["message"] == first["message"]
    assert (again["cached"], again["origin_request_id"]) == (True, "r-1")
    assert again["saved_usd"] == first["cost_usd"] == scene.messages(Topic.COSTS)[0]["cost_usd"]
    assert (again["cost_usd"], again["attempts"], again["metadata"]) == ("0.000000000", [], {"team": "b"})
    assert again["latency_ms"] < 100 < first["latency_ms"]
    assert "cached" not in first
    assert scene.committed() == 2


@played(characters=QUICK)
async def test_the_cache_is_off_unless_it_is_asked_for(scene: Scene) -> None:
    await scene.start("w1")
    await asked(scene, "r-1")
    await asked(scene, "r-2", cache=None)
    await asked(scene, "r-3", cache={"ttl_s": 0})
    assert len(scene.calls()) == 3
    assert len(scene.messages(Topic.CACHE_INDEX)) == 1


@played(characters=QUICK)
async def test_another_question_is_a_miss(scene: Scene) -> None:
    await scene.start("w1")
    await asked(scene, "r-1")
    await asked(scene, "r-2", prompt="Hello!")
    await asked(scene, "r-3", max_tokens=49)
    assert len(scene.calls()) == 3


ACME, GLOBEX = "acme-key-" + "a" * 40, "globex-key-" + "b" * 40
TENANTS = replace(
    TWO,
    tenants=MappingProxyType(
        {
            "acme": Tenant("acme", (Key(sha256(ACME.encode()).hexdigest()),), cache_ttl_s=3600),
            "globex": Tenant("globex", (Key(sha256(GLOBEX.encode()).hexdigest()),), cache_ttl_s=3600),
        }
    ),
)


@played(TENANTS, characters=QUICK)
async def test_no_tenant_gets_anothers_answer_and_a_tenants_default_is_heeded(scene: Scene) -> None:
    await scene.start("w1")
    await asked(scene, "a-1", key=ACME, cache=None)
    other = await asked(scene, "g-1", key=GLOBEX, cache=None)
    own = await asked(scene, "a-2", key=ACME, cache=None)
    assert "cached" not in other
    assert own["origin_request_id"] == "a-1"
    assert len(scene.calls()) == 2


@played(characters=QUICK)
async def test_an_answer_of_another_worker_and_partition_is_found_and_read_back(scene: Scene) -> None:
    await scene.start("w1", "w2")
    await asked(scene, "r-1", partition=0)
    again = await asked(scene, "r-2", partition=1)
    assert again["origin_request_id"] == "r-1"
    assert (again["request_partition"], len(scene.calls())) == (1, 1)


@played(characters=QUICK)
async def test_a_worker_that_starts_knows_what_was_kept_before(scene: Scene) -> None:
    (first,) = await scene.start("w1")
    await asked(scene, "r-1")
    first.kill()
    await scene.start("w2")
    await asyncio.sleep(SESSION_S)
    assert (await asked(scene, "r-2"))["cached"]
    assert len(scene.calls()) == 1


@played(characters=QUICK)
async def test_an_answer_expires_by_what_its_request_asked_and_by_what_the_next_one_takes(scene: Scene) -> None:
    await scene.start("w1")
    await asked(scene, "r-1", cache={"ttl_s": 60})
    await asyncio.sleep(20)
    assert "cached" not in await asked(scene, "r-2", cache={"ttl_s": 10})
    await asyncio.sleep(20)
    assert "cached" not in await asked(scene, "r-3"), "r-2 let its answer be kept for 10 s"
    await asyncio.sleep(20)
    assert (await asked(scene, "r-4"))["origin_request_id"] == "r-3"


@played(
    characters={
        "alpha": Character(1, 2, 0.5, 0.0, {Fate.ERROR: 1.0}),
        "beta": Character(1, 2, 0.5, 0.0, {Fate.REFUSED: 1.0}),
    }
)
async def test_what_failed_is_asked_again(scene: Scene) -> None:
    await scene.start("w1")
    first = await asked(scene, "r-1")
    assert first["status"] != "completed"
    again = await asked(scene, "r-2")
    assert "cached" not in again
    assert not scene.messages(Topic.CACHE_INDEX)


FLAWED = ["  ", "I'm sorry, but I can't help with that.", "Since 2 + 2 = 5, it is five."]
SPOKEN = {"alpha": Character(1, 2, median_s=0.5, spread=0.0, texts=[*FLAWED, "It is four."])}


@played(characters=SPOKEN)
async def test_an_answer_that_shows_a_flaw_is_not_used_again(scene: Scene) -> None:
    await scene.start("w1")
    told = [await asked(scene, f"r-{number}") for number in range(5)]
    assert [response["message"]["content"] for response in told] == [*FLAWED, "It is four.", "It is four."]
    assert [response.get("origin_request_id") for response in told] == [None, None, None, None, "r-3"]


@played(characters={"alpha": Character(1, 2, median_s=0.5, spread=0.0, texts=[FLAWED[1]])})
async def test_a_refusal_that_is_translated_is_an_answer(scene: Scene) -> None:
    await scene.start("w1")
    for request_id in ("r-1", "r-2"):
        last = await asked(scene, request_id, prompt="Translate to English: 'Tut mir leid, das geht nicht.'")
    assert last["origin_request_id"] == "r-1"


@played(characters=QUICK)
async def test_a_record_that_is_gone_is_a_miss_and_the_new_answer_takes_its_place(scene: Scene) -> None:
    (first,) = await scene.start("w1")
    await asked(scene, "r-1")
    first.kill()
    responses = scene.world.partition(Topic.RESPONSES)
    scene.world.broker.partition(responses).truncate(scene.world.broker.partition(responses).end)
    await scene.start("w2")
    await asyncio.sleep(SESSION_S)
    assert "cached" not in await asked(scene, "r-2")
    assert (await asked(scene, "r-3"))["origin_request_id"] == "r-2"


@played(characters=QUICK)
async def test_an_index_that_names_another_record_is_a_miss(scene: Scene) -> None:
    await scene.start("w1")
    await asked(scene, "r-1")
    await asked(scene, "r-2", prompt="Another")
    entries = scene.messages(Topic.CACHE_INDEX)
    kept = scene.world.broker.partition(scene.world.partition(Topic.CACHE_INDEX)).records
    forged = orjson.dumps({**entries[0], "answer": entries[1]["answer"]})
    scene.world.broker.append(Record(kept[0].origin.topic, forged, kept[0].key, [], 0))
    await asyncio.sleep(SOON_S)
    assert "cached" not in await asked(scene, "r-3")
    assert len(scene.calls()) == 3


@played(characters=QUICK)
async def test_a_hit_whose_id_comes_again_is_answered_once(scene: Scene) -> None:
    await scene.start("w1")
    await asked(scene, "r-1")
    await asked(scene, "r-2")
    scene.publish("r-2", cache=HOUR)
    scene.publish("r-2", cache=HOUR, prompt="Another body")
    await scene.until(lambda: scene.committed() == 4)
    own, reused = scene.responses("r-2")
    assert own["cached"]
    assert reused["error"]["code"] == "id_reused"
    assert len(scene.calls()) == 1


@played(settings=SETTINGS.model_copy(update={"reply_to_allowed": ("copies",)}), characters=QUICK)
async def test_a_hit_has_its_copy(scene: Scene) -> None:
    scene.world.broker.create("copies")
    await scene.start("w1")
    await asked(scene, "r-1")
    again = await asked(scene, "r-2", reply_to="copies")
    assert scene.messages("copies") == [again]


@played(characters=QUICK)
async def test_a_forgotten_tenant_is_asked_anew_and_kept_again(scene: Scene) -> None:
    await scene.start("w1", "w2")
    await asked(scene, "r-1")
    forget(scene, tenant_key("default"), "default")
    await asyncio.sleep(SOON_S)
    assert "cached" not in await asked(scene, "r-2")
    for partition in (0, 1):
        again = await asked(scene, f"r-3{partition}", partition=partition)
        assert again["origin_request_id"] == "r-2"


@played(characters=QUICK)
async def test_a_forgotten_question_is_asked_anew_and_no_other(scene: Scene) -> None:
    await scene.start("w1")
    await asked(scene, "r-1")
    await asked(scene, "r-2", prompt="Another")
    key = scene.world.broker.partition(scene.world.partition(Topic.CACHE_INDEX)).records[0].key or b""
    forget(scene, key, None)
    await asyncio.sleep(SOON_S)
    assert "cached" not in await asked(scene, "r-3")
    assert (await asked(scene, "r-4", prompt="Another"))["cached"]


@played(characters=SLOW)
async def test_an_answer_that_was_under_way_when_its_tenant_was_forgotten_is_not_kept(scene: Scene) -> None:
    await scene.start("w1")
    scene.publish("r-1", cache=HOUR)
    await scene.until(scene.calls)
    forget(scene, tenant_key("default"), "default")
    await scene.answered("r-1")
    await asyncio.sleep(SOON_S)
    assert "cached" not in await asked(scene, "r-2")


@pytest.mark.parametrize("of", ["question", "tenant"])
def test_what_a_worker_keeps_that_has_not_heard_that_it_is_to_be_forgotten_is_not_used(of: str) -> None:
    @played(characters=QUICK)
    async def play(scene: Scene) -> None:
        (first,) = await scene.start("w1")
        await asked(scene, "r-1")
        index = scene.world.broker.partition(scene.world.partition(Topic.CACHE_INDEX))
        late = index.records[0]
        key = late.key or b""
        forget(scene, forgotten_key(key.decode()) if of == "question" else tenant_key("default"), "default")
        scene.world.broker.append(Record(late.origin.topic, late.value, key, [], 0))
        await asyncio.sleep(SOON_S)
        scene.world.broker.clean(lag_s=0)
        assert [record.key for record in index.records][1:] == [key], "compaction leaves both"
        first.kill()
        await scene.start("w2")
        await asyncio.sleep(SESSION_S)
        assert "cached" not in await asked(scene, "r-2")
        assert (await asked(scene, "r-3"))["origin_request_id"] == "r-2"

    play()


@played(characters=SLOW)
async def test_who_asks_after_it_was_forgotten_gets_no_answer_that_was_asked_for_before(scene: Scene) -> None:
    await scene.start("w1")
    scene.publish("r-1", cache=HOUR)
    await scene.until(scene.calls)
    forget(scene, tenant_key("default"), "default")
    await asyncio.sleep(SOON_S)
    scene.publish("r-2", cache=HOUR)
    scene.publish("r-3", cache=HOUR)
    first, *others = await scene.answered("r-1", "r-2", "r-3")
    assert "cached" not in first
    assert sorted(one.get("origin_request_id", "") for one in others) in (["", "r-2"], ["", "r-3"])
    assert len(scene.calls()) == 2


@played(characters=SLOW)
async def test_the_same_asked_at_once_is_one_call_and_each_has_its_own_id(scene: Scene) -> None:
    await scene.start("w1")
    for number in range(20):
        scene.publish(f"r-{number}", partition=number % 2, cache=HOUR, metadata={"n": number})
    responses = await scene.answered(*(f"r-{number}" for number in range(20)))
    await asyncio.sleep(SOON_S)
    assert len(scene.calls()) == len(scene.messages(Topic.COSTS)) == 1
    assert len(scene.messages(Topic.RESPONSES)) == 20
    (leader,) = [response for response in responses if "cached" not in response]
    for number, response in enumerate(responses):
        assert (response["request_id"], response["metadata"]) == (f"r-{number}", {"n": number})
        assert response["message"] == leader["message"]
        assert response["request_partition"] == number % 2
        assert response is leader or response["origin_request_id"] == leader["request_id"]


@played(
    characters={
        "alpha": Character(1, 2, median_s=5.0, spread=0.0, chances={Fate.HANGS: 1.0}),
        "beta": Character(1, 2, median_s=5.0, spread=0.0, chances={Fate.HANGS: 1.0}),
    }
)
async def test_if_the_leader_fails_the_others_go_on_one_by_one(scene: Scene) -> None:
    await scene.start("w1")
    soon, late = (utc_from_ms(int((scene.loop.time() + s) * 1000)).isoformat() for s in (10, 300))
    scene.publish("lead", cache=HOUR, deadline=soon)
    await scene.until(scene.calls)
    for number in range(5):
        scene.publish(f"r-{number}", cache=HOUR, deadline=late)
    (leader,) = await scene.answered("lead")
    assert leader["status"] == "failed"
    await asyncio.sleep(0.1)
    assert len(scene.calls()) == 2, "one of the five leads now"
    for character in scene.world.providers.models.values():
        character.chances.clear()
    responses = await scene.answered(*(f"r-{number}" for number in range(5)), within_s=290)
    assert [response["status"] for response in responses] == ["completed"] * 5
    assert sum("cached" not in response for response in responses) == 1


@played(characters=SLOW)
async def test_a_follower_of_a_leader_that_is_given_up_in_a_rebalance_is_answered(scene: Scene) -> None:
    (first,) = await scene.start("w1")
    scene.publish("r-1", partition=0, cache=HOUR)
    await scene.until(scene.calls)
    scene.publish("r-2", partition=1, cache=HOUR)
    first.kill()
    await scene.start("w2")
    responses = await scene.answered("r-1", "r-2", within_s=SESSION_S + 60)
    await asyncio.sleep(SOON_S)
    assert [response["status"] for response in responses] == ["completed"] * 2
    assert len(answers(scene, "r-1", "r-2")) == 2


@played(characters={"alpha": Character(1, 2, median_s=15.0, spread=0.0)})
async def test_a_follower_with_less_time_than_the_leader_asks_for_itself_while_it_has_time(scene: Scene) -> None:
    await scene.start("w1")
    scene.publish("r-1", cache=HOUR)
    await scene.until(scene.calls)
    scene.world.providers.models["alpha"].median_s = 0.5
    soon = utc_from_ms(int((scene.loop.time() + 8) * 1000)).isoformat()
    scene.publish("r-2", cache=HOUR, deadline=soon)
    (second,) = await scene.answered("r-2", within_s=8)
    assert (second["status"], len(scene.calls())) == ("completed", 2)
    assert not scene.responses("r-1")
    assert 4000 <= second["latency_ms"] < 8000


CUT = {"alpha": Character(1, 2, median_s=5.0, spread=0.0, finish_reason="length")}


@played(characters=CUT)
async def test_followers_of_an_answer_that_may_not_be_used_again_all_ask_at_once(scene: Scene) -> None:
    await scene.start("w1")
    for number in range(4):
        scene.publish(f"r-{number}", cache=HOUR)
    responses = await scene.answered(*(f"r-{number}" for number in range(4)))
    assert len(scene.calls()) == 4
    assert max(response["latency_ms"] for response in responses) < 11_000
    assert not any("cached" in response for response in responses)
