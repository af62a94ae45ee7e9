"""Tenants that mean harm, each beside a quiet one that means none: it is served all the while, and pays for nobody.

`rival` has a key of its own and may do whatever a producer can; what only anybody can do comes without a key. `quiet`
asks for little, before the attack, during it and after it, and each time has its answers within `PROMPT_S`.
"""

import asyncio
import time
from collections.abc import Awaitable, Iterable, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import orjson
from aiokafka import TopicPartition
from aiokafka.admin import NewTopic

from sandbox.provider.faults import FaultKind
from schemas.dead_letters import REPLAY_OF, REPLAY_SIGNATURE, REPLAY_TENANT
from schemas.message import NANO_USD
from schemas.responses import Response
from schemas.topics import Topic
from schemas.vocabulary import Status
from streams.kafka.clients import admin, producer, reader
from streams.request.api_keys import key_digest
from tests.chaos.models import FIRST
from tests.chaos.scenario import Scenario
from tests.chaos.scene import Headers, Scene, json_of
from tests.harness import FORGED, far_deadline

QUIET, RIVAL = "quiet", "rival"
CHEAP = "gemini-2.5-flash"
PROMPT_S = 10.0
"""On a machine that is shared; a call takes 0.05 s."""
REPLAY_KEY = "a-secret-of-workers-and-operators-alone"
FLOOD = 2000
NO_JSON = (b"", b"\xff", b"{}", b"[]", b"7", b"null")
YEAR_9000_MS = 221_845_392_000_000


def key_of(tenant: str) -> Headers:
    """Return the header with the tenant's key."""
    return [("authorization", f"Bearer turnout-key-of-{tenant}".encode())]


def tenants(**more: str) -> str:
    """Return the tables of both tenants in the catalogue, with more lines in them."""
    return "\n".join(
        f'[tenants.{name}]\nkeys = ["sha256:{key_digest(f"turnout-key-of-{name}".encode())}"]\n{more.get(name, "")}'
        for name in (QUIET, RIVAL)
    )


BUDGETED = "daily_budget_usd = 20"


async def _open(scene: Scene, *, workers: int = 2, rival: str = "", latency_ms: float = 50, **environment: str) -> None:
    scene.may_fail = True  # the rival's may; the quiet tenant's are looked at one by one
    await scene.open(latency_ms=latency_ms, tenants=tenants(quiet=BUDGETED, rival=rival))
    scene.pipeline.environment.update(environment)
    scene.start(workers)
    await scene.until_ready()


async def _quiet_is_served(scene: Scene, ids: Sequence[str] = (), model: str | None = None) -> None:
    """Publish a request of the quiet tenant in each partition, or of these ids; each has its own answer soon."""
    began_s = time.monotonic()
    if ids:
        await scene.publish_again(ids, headers=key_of(QUIET), max_tokens=50, model=model)
    else:
        ids = [
            name
            for partition in range(scene.pipeline.settings.partitions)
            for name in await _one_in(scene, partition, model)
        ]
    give_up_s = began_s + PROMPT_S
    while True:
        own = {
            one.request_id: one for one in await scene.pipeline.responses() if one.tenant == QUIET and one.finishes_id
        }
        if own.keys() >= set(ids):
            break
        missing = sorted(set(ids) - own.keys())
        scene.expect(time.monotonic() < give_up_s, f"the quiet tenant has no answer to {missing} after {PROMPT_S} s")
        await asyncio.sleep(0.1)
    worst = [own[name].error for name in ids if own[name].status is not Status.COMPLETED]
    scene.expect(not worst, f"{len(worst)} of the quiet tenant's requests did not complete, e.g. {worst[:1]}")


async def _one_in(scene: Scene, partition: int, model: str | None) -> list[str]:
    return await scene.publish(1, partition=partition, headers=key_of(QUIET), max_tokens=50, model=model)


async def _beside(scene: Scene, attack: Awaitable[object]) -> None:
    """Serve the quiet tenant before an attack, during it and after it."""
    await _quiet_is_served(scene)
    attacking = asyncio.ensure_future(attack)
    await asyncio.sleep(0.3)
    await _quiet_is_served(scene)
    await attacking
    await _quiet_is_served(scene)
    scene.expect(not any(worker.process.returncode for worker in scene.pipeline.workers), "a worker has ended")


async def _of_rival(scene: Scene, ids: Iterable[str]) -> list[Response]:
    wanted = set(ids)
    return [
        one for one in await scene.until_answered(sorted(wanted)) if one.request_id in wanted and one.tenant == RIVAL
    ]


async def _charged_usd(scene: Scene, tenant: str) -> Decimal:
    """Return what the provider has charged for the tenant's calls."""
    await scene.until_committed()
    await asyncio.to_thread(scene.provider.wait_until_settled)
    own = {event.event_id for event in await scene.pipeline.costs() if event.tenant == tenant}
    return sum(row.cost_nano_usd for row in scene.provider.invoice() if row.idempotency_key in own) * NANO_USD


# -- ids


async def takes_ids_first(scene: Scene) -> None:
    """The rival asks under the quiet tenant's ids with its own key, without one, and in broken records."""
    await _open(scene)
    ids = [f"order-{number}" for number in range(20)]

    async def attack() -> None:
        await scene.publish_again(ids, headers=key_of(RIVAL))
        await scene.publish_again(ids, tenant=QUIET)
        broken = [orjson.loads(json_of(request_id=name, tenant=QUIET, promt="Mine")) for name in ids]
        scene.unreadable += len(broken)
        await scene.pipeline.publish(broken)
        scene.more_answers.update(ids * 3)  # the rival's own, and two refusals that leave the id free

    await _beside(scene, attack())
    await _quiet_is_served(scene, ids)


async def reads_by_reply_to(scene: Scene) -> None:
    """The rival asks for a copy of what the quiet tenant was answered, by its ids and with its words."""
    topic = "copies-for-rival"
    await _open(scene, TURNOUT_REPLY_TO_ALLOWED=topic)
    async with admin(scene.pipeline.settings) as client:
        await client.create_topics([NewTopic(topic, 1, 1)])
    ids = [f"plan-{number}" for number in range(20)]
    await _quiet_is_served(scene, ids)

    async def attack() -> None:
        scene.more_answers.update(ids)
        await scene.publish_again(ids, headers=key_of(RIVAL), reply_to=topic, max_tokens=50)
        await scene.publish_again(ids, tenant=QUIET, reply_to=topic, max_tokens=50)
        scene.more_answers.update(ids)

    await _beside(scene, attack())
    await scene.until_committed()
    copies = [orjson.loads(value) for value in await _values(scene, topic)]
    scene.expect(len(copies) == len(ids), f"{len(copies)} copies of the rival's own {len(ids)} answers")
    scene.expect({copy["tenant"] for copy in copies} == {RIVAL}, "another tenant's answer was copied")


async def _values(scene: Scene, topic: str) -> list[bytes]:
    partition = TopicPartition(topic, 0)
    found: list[bytes] = []
    async with reader(scene.pipeline.settings) as consumer:
        consumer.assign([partition])
        end = (await consumer.end_offsets([partition]))[partition]
        consumer.seek(partition, 0)
        while await consumer.position(partition) < end:
            for records in (await consumer.getmany(timeout_ms=500)).values():
                found.extend(record.value for record in records if record.value is not None)
    return found


async def one_id_everywhere(scene: Scene) -> None:
    """One id in every partition, again and again: each partition's is charged once, and billed once."""
    await _open(scene)
    partitions = scene.pipeline.settings.partitions

    async def attack() -> None:
        for _ in range(5):
            for partition in range(partitions):
                await scene.publish_again(["everywhere"], partition=partition, headers=key_of(RIVAL))
        scene.more_answers["everywhere"] = partitions - 1

    await _beside(scene, attack())
    await scene.until_committed()
    await asyncio.to_thread(scene.provider.wait_until_settled)
    events = {event.event_id for event in await scene.pipeline.costs() if event.request_id == "everywhere"}
    scene.expect(len(events) == partitions, f"{len(events)} calls are billed for one id in {partitions} partitions")


async def takes_ids_that_turnout_gives(scene: Scene) -> None:
    """The rival takes the ids that records without one are going to have, in every partition."""
    await _open(scene)
    topic = scene.pipeline.settings.topic(Topic.REQUESTS)
    partitions = range(scene.pipeline.settings.partitions)
    taken = [f"{topic}-{partition}-{offset}" for partition in partitions for offset in range(60, 140)]

    async def attack() -> None:
        for partition in partitions:
            own = [name for name in taken if name.startswith(f"{topic}-{partition}-")]
            await scene.publish_again(own, partition=partition, headers=key_of(RIVAL))

    await _beside(scene, attack())
    refused = {one.error.field for one in await _of_rival(scene, taken) if one.error is not None}
    scene.expect(refused == {"request_id"}, f"ids of Turnout's form were refused for {refused}")
    for partition in partitions:
        values = [json_of(prompt=f"What is {number} + 2?", max_tokens=50) for number in range(20)]
        await scene.publish_records(values, partition=partition, headers=key_of(QUIET))
    await scene.until_committed()
    given = [
        f"{topic}-{record.partition}-{record.offset}"
        for record in await scene.pipeline.records(Topic.REQUESTS)
        if "request_id" not in orjson.loads(record.value or b"{}")
    ]
    both = set(given) & set(taken)
    scene.expect(bool(both), "no id was taken before it was given")
    scene.more_answers.update(both)
    scene.accepted.update(set(given) - both)
    own = {one.request_id for one in await scene.until_answered(given) if one.status is Status.COMPLETED}
    scene.expect(own >= set(given), f"{len(set(given) - own)} records without an id did not complete")


async def replays_replays(scene: Scene) -> None:
    """Ids and headers of replays that nobody has signed, and signed copies that are written again and again."""
    await _open(scene, TURNOUT_REPLAY_KEY=REPLAY_KEY, TURNOUT_DEAD_LETTER_SHARE="1")
    bad: list[dict[str, object]] = [{"request_id": f"bad-{number}", "promt": "x"} for number in range(10)]

    async def attack() -> None:
        forms = [f"r:replay:{number}:0" for number in range(20)]
        await scene.publish_again(forms, headers=key_of(RIVAL))
        forged = [(REPLAY_OF, b"0:7"), (REPLAY_TENANT, QUIET.encode()), (REPLAY_SIGNATURE, b"1:00")]
        await scene.publish(20, headers=[*key_of(RIVAL), (REPLAY_OF, b"0:7")])
        values = [json_of(request_id=f"forged-{number}", prompt="Hello") for number in range(20)]
        await scene.publish_records(values, headers=forged)
        scene.accepted.update(f"forged-{number}:replay:0:7" for number in range(20))

    await _beside(scene, attack())
    scene.accepted.update(str(one["request_id"]) for one in bad)
    scene.unreadable += len(bad)
    await scene.pipeline.publish(bad, headers=[key_of(QUIET)] * len(bad))
    await scene.until_records(Topic.DEAD_LETTERS, len(bad))
    said = await scene.command("replay", "--yes")
    scene.expect(f"Replayed {len(bad)}." in said, f"the replay said: {said}")
    scene.unreadable += len(bad)
    signed = [one for one in await scene.pipeline.records(Topic.REQUESTS) if REPLAY_SIGNATURE in dict(one.headers)]
    signed = [one for one in signed if dict(one.headers)[REPLAY_SIGNATURE] != b"1:00"]
    scene.expect(len(signed) == len(bad), f"{len(signed)} of {len(bad)} replays are signed")
    async with producer(scene.pipeline.settings) as client:
        for one in signed * 2:
            await client.send_and_wait(
                one.topic, one.value, key=one.key, partition=one.partition, headers=list(one.headers)
            )
    scene.unreadable += 2 * len(bad)
    await _quiet_is_served(scene)
    for partition in range(scene.pipeline.settings.partitions):  # commits go past the markers of the transactions
        await scene.publish(2, partition=partition, headers=key_of(QUIET))


# -- floods


async def junk_without_proof(scene: Scene) -> None:
    """Thousands of records that are no requests and show no key, which a dead-letter share must not count."""
    await _open(scene, TURNOUT_DEAD_LETTER_MINIMUM="50")
    scene.unreadable = FLOOD
    await _beside(scene, scene.publish_records([b"junk %d" % number for number in range(FLOOD)]))


async def junk_with_proof(scene: Scene) -> None:
    """The same with the rival's key: its junk halts no worker that serves others well."""
    await _open(scene, TURNOUT_DEAD_LETTER_MINIMUM="50")
    await _quiet_is_served(scene, [f"well-{number}" for number in range(60)])
    scene.unreadable = FLOOD
    junk = [b"junk %d" % number for number in range(FLOOD)]
    await _beside(scene, scene.publish_records(junk, headers=key_of(RIVAL)))


async def deadlines_for_ever(scene: Scene) -> None:
    """Deadlines of the year 2100, and a crowd that waits for a model that is down: neither holds another's place."""
    await _open(scene)
    await scene.fault(FaultKind.OUTAGE, model=FIRST, duration_s=120)
    far: list[str] = []

    async def attack() -> None:
        far.extend(await scene.publish(200, headers=key_of(RIVAL), model=FIRST, deadline="2100-01-01T00:00:00Z"))
        await scene.publish(600, headers=key_of(RIVAL), model=FIRST, deadline=far_deadline())

    await _quiet_is_served(scene, model=CHEAP)
    attacking = asyncio.ensure_future(attack())
    for _ in range(3):
        await _quiet_is_served(scene, model=CHEAP)
    await attacking
    await _quiet_is_served(scene, model=CHEAP)
    await scene.heal()
    fields = {one.error.field for one in await _of_rival(scene, far) if one.error is not None}
    scene.expect(fields == {"deadline"}, f"deadlines of the year 2100 were refused for {fields}")


async def names_of_tenants(scene: Scene) -> None:
    """A tenant's name of its own in each of thousands of records: names that nothing proves take no turns."""
    await _open(scene)

    async def attack() -> None:
        names = [f"name-{number}" for number in range(FLOOD)]
        scene.accepted.update(names)
        await scene.pipeline.publish(
            {"request_id": name, "prompt": "Hello", "tenant": f"{name}-of-nobody"} for name in names
        )

    await _beside(scene, attack())


async def short_deadlines(scene: Scene) -> None:
    """Requests that leave their calls some 60 ms open no breaker: it was not the model that was slow."""
    await _open(scene, latency_ms=400)

    async def attack() -> None:
        for _ in range(12):
            deadline = (datetime.now(UTC) + timedelta(seconds=0.3)).isoformat()
            await scene.publish(10, headers=key_of(RIVAL), model=CHEAP, deadline=deadline)
            await asyncio.sleep(0.3)

    for _ in range(2):
        await _quiet_is_served(scene, model=CHEAP)
    attacking = asyncio.ensure_future(attack())
    for _ in range(3):
        await _quiet_is_served(scene, model=CHEAP)
    await attacking
    opened = [orjson.loads(record.value or b"{}") for record in await scene.pipeline.records(Topic.FAILOVERS)]
    scene.expect(not opened, f"a breaker or a verdict has changed: {opened[:1]}")
    cut = [one for one in await scene.pipeline.responses() if one.tenant == RIVAL and one.attempts]
    scene.expect(len(cut) > 5, f"only {len(cut)} calls were begun and cut short")


async def oversized_metadata(scene: Scene) -> None:
    """Tags by the thousand, deep, long and odd: refused, or carried within the bounds."""
    await _open(scene)
    fields: list[dict[str, object]] = [
        {"metadata": {f"tag-{number}": "x" for number in range(20_000)}},
        {"metadata": {"tag": "x" * 400_000}},
        {"metadata": {"x" * 400_000: "tag"}},
        {"metadata": {"tag": {"deep": "er"}}},
        {"metadata": {f"tag-{number}": "\u00e4" * 250 for number in range(16)}},
    ]
    requests = [
        {"request_id": f"tags-{number}", "prompt": "Hello", "max_tokens": 50, **fields[number % len(fields)]}
        for number in range(30)
    ]
    ids = [str(request["request_id"]) for request in requests]

    async def attack() -> None:
        scene.accepted.update(ids)
        scene.unreadable += len([name for number, name in enumerate(ids) if number % len(fields) != len(fields) - 1])
        await scene.pipeline.publish(requests, headers=[key_of(RIVAL)] * len(requests))

    await _beside(scene, attack())
    completed = [one.request_id for one in await _of_rival(scene, ids) if one.status is Status.COMPLETED]
    scene.expect(
        len(completed) == len(ids) // len(fields), f"{len(completed)} of {len(ids)} requests with tags completed"
    )


# -- money


SMALL_USD = Decimal("0.02")
SMALL = f"daily_budget_usd = {SMALL_USD}"


async def races_for_a_budget(scene: Scene) -> None:
    """The same ids in every partition at once, on three workers, for a budget that pays for some of them."""
    await _open(scene, workers=3, rival=SMALL, latency_ms=300)
    partitions = scene.pipeline.settings.partitions
    ids = [f"race-{number}" for number in range(60)]

    async def attack() -> None:
        scene.more_answers.update(ids * (partitions - 1))
        await asyncio.gather(
            *(
                scene.publish_again(ids, partition=partition, headers=key_of(RIVAL), model=CHEAP, max_tokens=100)
                for partition in range(partitions)
            )
        )

    await _beside(scene, attack())
    await _within_the_budget(scene)


async def _within_the_budget(scene: Scene) -> None:
    charged_usd = await _charged_usd(scene, RIVAL)
    scene.expect(charged_usd <= SMALL_USD, f"the rival was charged {charged_usd} USD of {SMALL_USD} that it may spend")
    events = {
        event.event_id: event.cost_usd or Decimal(0) for event in await scene.pipeline.costs() if event.tenant == RIVAL
    }
    billed_usd = sum(events.values(), Decimal(0))
    scene.expect(billed_usd <= SMALL_USD, f"{billed_usd} USD are on the rival's bill, of {SMALL_USD}")


async def huge_tool_calls(scene: Scene) -> None:
    """Tool calls and tools of 30 kB each in every request, for a budget that pays for a few of them."""
    await _open(scene, rival=SMALL)
    call = {
        "id": "1",
        "type": "function",
        "function": {"name": "f", "arguments": orjson.dumps({"x": "7 " * 15_000}).decode()},
    }
    tools = [
        {"type": "function", "function": {"name": "f", "description": "9 " * 15_000, "parameters": {"type": "object"}}}
    ]
    talk = [
        {"role": "user", "content": "Go"},
        {"role": "assistant", "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "1", "content": "Done"},
    ]
    ids = [f"tools-{number}" for number in range(20)]

    async def attack() -> None:
        scene.accepted.update(ids)
        requests: list[dict[str, object]] = [
            {"request_id": name, "messages": talk, "max_tokens": 20, **({"tools": tools} if number % 2 else {})}
            for number, name in enumerate(ids)
        ]
        await scene.pipeline.publish(requests, headers=[key_of(RIVAL)] * len(ids))

    await _beside(scene, attack())
    await _of_rival(scene, ids)
    await _within_the_budget(scene)


async def parameters_that_cost(scene: Scene) -> None:
    """Dearer tiers, searches, spoken answers and predictions, which a budget has to be asked for."""
    await _open(scene, rival=SMALL)
    parameters: list[dict[str, object]] = [
        {"service_tier": "priority"},
        {"web_search_options": {}},
        {"modalities": ["text", "audio"], "audio": {"voice": "alloy", "format": "wav"}},
        {"prediction": {"type": "content", "content": "yes " * 5000}},
    ]

    async def attack() -> None:
        for _ in range(5):
            for one in parameters:
                await scene.publish(4, headers=key_of(RIVAL), max_tokens=100, parameters=one)

    await _beside(scene, attack())
    await scene.until_answered()
    await _within_the_budget(scene)


async def other_models(scene: Scene) -> None:
    """Fields that let a gateway pick another model: refused before any call."""
    await _open(scene)
    parameters: list[dict[str, object]] = [
        {"models": [FIRST]},
        {"route": "fallback"},
        {"provider": {"order": ["openai"]}},
        {"plugins": [{"id": "web"}]},
        {"fallbacks": [FIRST]},
        {"model": FIRST},
    ]
    ids: list[str] = []

    async def attack() -> None:
        for one in parameters:
            published = await scene.publish(5, headers=key_of(RIVAL), parameters=one)
            ids.extend(published)
            if "model" in one:
                scene.unreadable += len(published)

    await _beside(scene, attack())
    called = [one for one in await _of_rival(scene, ids) if one.attempts or one.error is None]
    scene.expect(not called, f"{len(called)} requests that pick another model were called for")
    scene.expect(await _charged_usd(scene, RIVAL) == 0, "the rival was charged")


# -- records between workers, written by somebody who may not


async def forges_costs(scene: Scene) -> None:
    """Cost events of absurd amounts and moments, in the quiet tenant's name: its budget pays for none."""
    await _open(scene)
    await _quiet_is_served(scene)
    await scene.until_committed()
    (event, *_) = [orjson.loads(record.value or b"{}") for record in await scene.pipeline.records(Topic.COSTS)]
    absurd: list[dict[str, object]] = [{"cost_usd": bad} for bad in ("1e30", "-5", "NaN", "1e999999")]
    absurd += [{"occurred_at_ms": bad} for bad in (-1, YEAR_9000_MS, 2**62)]
    await _beside(
        scene,
        _forge(
            scene,
            Topic.COSTS,
            [orjson.dumps({**event, "event_id": f"forged-{number}", **one}) for number, one in enumerate(absurd)],
        ),
    )


async def forges_calls_and_responses(scene: Scene) -> None:
    """What an heir reads back, full of what is no message; then the worker is killed."""
    await _open(scene, latency_ms=600)
    await _quiet_is_served(scene)

    async def attack() -> None:
        for topic in (Topic.CALLS, Topic.RESPONSES):
            for partition in range(scene.pipeline.settings.partitions):
                await _forge(scene, topic, [b'{"request_id": "r0"}', b'{"tenant": 7}'], partition)

    await _beside(scene, attack())
    await scene.publish(40, headers=key_of(QUIET))
    await scene.until_calls_are_under_way(5)
    scene.kill()
    scene.start(2)
    await scene.until_answered()
    await _quiet_is_served(scene)


async def forges_budgets(scene: Scene) -> None:
    """Claims on the quiet tenant's budget, and budgets of it, of versions and amounts that nobody may believe."""
    await _open(scene)
    await _quiet_is_served(scene)
    await asyncio.sleep(2)

    async def attack() -> None:
        for topic, names in (
            (Topic.BUDGET_CLAIMS, ("cap_usd", "wanted_usd", "sequence", "day")),
            (Topic.BUDGETS, ("spent_usd", "version", "grants")),
        ):
            told = [orjson.loads(record.value or b"{}") for record in await scene.pipeline.records(topic)]
            (message, *_) = [one for one in told if one["tenant"] == QUIET]
            bad = [{**message, name: value} for name in names for value in ("-1", "1e30", 2**62, YEAR_9000_MS)]
            await _forge(scene, topic, [orjson.dumps(one) for one in bad])

    await _beside(scene, attack())
    (first, _) = scene.alive
    scene.start()  # it reads the budgets from their beginning
    await scene.until_ready()
    await scene.stop(first)
    await scene.until_balanced()
    await _quiet_is_served(scene)


async def forges_health(scene: Scene) -> None:
    """Stats, health, demands and shares of absurd counts and moments: no model is lost for them."""
    await _open(scene)
    await _quiet_is_served(scene)
    await asyncio.sleep(3)

    async def attack() -> None:
        for topic, names in (
            (Topic.MODEL_STATS, ("second", "in_flight", "outcomes", "latency_buckets", "latency_scale")),
            (Topic.MODEL_HEALTH, ("as_of", "requests", "error_rate", "p99_ms", "shares")),
            (Topic.TENANT_DEMAND, ("as_of", "epoch", "tenants")),
            (Topic.TENANT_SHARES, ("as_of", "shares")),
        ):
            for message in [orjson.loads(record.value or b"{}") for record in await scene.pipeline.records(topic)][:3]:
                bad = [
                    {**message, name: value}
                    for name in names
                    for value in (-1, 2**62, "9999-12-31T23:59:59Z", {"x": 2**62}, {"1": 2**62})
                ]
                await _forge(scene, topic, [orjson.dumps(one) for one in bad])

    await _beside(scene, attack())


async def _forge(scene: Scene, topic: Topic, values: Iterable[bytes], partition: int = 0) -> None:
    """Write records in a worker's place, and what is no JSON among them."""
    async with producer(scene.pipeline.settings) as client:
        for value in (*values, *NO_JSON):
            await client.send_and_wait(
                scene.pipeline.settings.topic(topic),
                value,
                key=QUIET.encode(),
                partition=partition,
                headers=[(FORGED, b"")],
            )
    await asyncio.sleep(2)  # it is read


HOSTILE: tuple[Scenario, ...] = (
    Scenario(
        "hostile-takes-ids-first",
        "a tenant's ids are used before it by another, by nobody, in broken records",
        "each has its own answers, and the tenant all of its",
        takes_ids_first,
    ),
    Scenario(
        "hostile-reads-by-reply-to",
        "a copy is asked for by another tenant's ids and words, with and without a key",
        "copies are of the asker's own answers",
        reads_by_reply_to,
    ),
    Scenario(
        "hostile-one-id-everywhere",
        "one id in each partition, five times over",
        "as many calls are billed as charged, one a partition",
        one_id_everywhere,
    ),
    Scenario(
        "hostile-takes-ids-that-turnout-gives",
        "ids of the form of a record's place, before the record is there",
        "refused, naming request_id; records without an id complete",
        takes_ids_that_turnout_gives,
    ),
    Scenario(
        "hostile-replays-replays",
        "ids and headers of replays that nobody signed, and signed ones copied twice",
        "no tenant pays for them, and nothing is answered twice",
        replays_replays,
    ),
    Scenario(
        "hostile-junk-without-proof",
        "2,000 records that are no requests, without a key",
        "a dead letter each, and no worker halts",
        junk_without_proof,
    ),
    Scenario(
        "hostile-junk-with-proof",
        "2,000 records that are no requests, with one tenant's key",
        "a dead letter each, and no worker halts",
        junk_with_proof,
    ),
    Scenario(
        "hostile-deadlines-for-ever",
        "deadlines of 2100, and 600 requests that wait for a model that is down",
        "the former are refused, naming deadline; another tenant is served meanwhile",
        deadlines_for_ever,
    ),
    Scenario("hostile-names-of-tenants", "2,000 names of tenants that nothing proves", "refused", names_of_tenants),
    Scenario(
        "hostile-short-deadlines",
        "deadlines that leave calls some 60 ms of the 400 that they take",
        "no breaker opens and no verdict changes",
        short_deadlines,
    ),
    Scenario(
        "hostile-oversized-metadata",
        "20,000 tags, tags of 400 kB, tags in tags",
        "refused, and those within the bounds completed",
        oversized_metadata,
    ),
    Scenario(
        "hostile-races-for-a-budget",
        "60 ids in four partitions at once, on three workers, for 0.02 USD",
        "no more is charged, nor billed",
        races_for_a_budget,
    ),
    Scenario(
        "hostile-huge-tool-calls",
        "tool calls and tools of 30 kB each in every request, for 0.02 USD",
        "no more is charged, nor billed",
        huge_tool_calls,
    ),
    Scenario(
        "hostile-parameters-that-cost",
        "dearer tiers, searches, speech and predictions, for 0.02 USD",
        "no more is charged, nor billed",
        parameters_that_cost,
    ),
    Scenario(
        "hostile-other-models", "fields that let a gateway pick another model", "refused, and no call", other_models
    ),
    Scenario(
        "hostile-forges-costs",
        "cost events in another tenant's name, of absurd amounts and moments",
        "skipped: its budget pays for none",
        forges_costs,
    ),
    Scenario(
        "hostile-forges-calls-and-responses",
        "write-ahead records and responses that are none, then SIGKILL",
        "skipped: the heirs take the partitions over",
        forges_calls_and_responses,
    ),
    Scenario(
        "hostile-forges-budgets",
        "claims and budgets that are none, or of the future",
        "skipped, by workers that start later too",
        forges_budgets,
    ),
    Scenario(
        "hostile-forges-health",
        "stats, health, demands and shares that are none, or of the future",
        "skipped",
        forges_health,
    ),
)
