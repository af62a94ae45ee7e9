"""Feedback from its record to what workers expect of a model, over whole workers in memory."""

import asyncio
import hashlib
from dataclasses import replace
from random import Random

import orjson
import pytest

from router.quality.cell import QualityCell
from router.quality.given import GivenScores
from router.quality.rules import FeedbackRules
from router.quality.table import Cell
from router.tenants import Key, Tenant
from schemas.dead_letters import CODE, REASON
from schemas.topics import Topic
from schemas.vocabulary import Difficulty, Form, Task
from streams.control.answer_finder import RECENT_S
from streams.control.feedback_counter import FEEDBACK, PATIENCE_S
from streams.control.quality_term import QualityTerm, cell_key
from streams.ports import Record, TopicPartition
from tests.fakes.control_group import MemoryControlGroup
from tests.fakes.link import Weather
from tests.fakes.provider import Character, Fate
from tests.fakes.scene import SETTINGS, Json, Scene, played
from tests.stage import ONE, TWO

QUICK = {"alpha": Character(1, 2, median_s=0.1)}
KEYS = {name: f"turnout-{name}" for name in ("acme", "rival")}
TENANTS = {name: Tenant(name, keys=(Key(hashlib.sha256(key.encode()).hexdigest()),)) for name, key in KEYS.items()}
KEYED = replace(ONE, tenants=TENANTS)
SOON_S = 3.0
"""Within so long what is counted has been told."""


def give(
    scene: Scene,
    request_id: str = "r-1",
    score: object = 1.0,
    source: str = "ann",
    *,
    partition: int = 0,
    key: str = "",
    **fields: object,
) -> None:
    """Publish a feedback."""
    said = {"request_id": request_id, "score": score, "source": source, **fields}
    headers = [("authorization", f"Bearer {key}".encode())] if key else []
    value = orjson.dumps({name: value for name, value in said.items() if value is not None})
    scene.world.broker.append(Record(Topic.FEEDBACK, value, b"k", headers, partition))


def quality(scene: Scene) -> Json:
    """Return what was told last, of the one cell with scores that these tests have."""
    told = [one for one in scene.messages(Topic.MODEL_QUALITY) if one.get("form")]
    return told[-1] if told else {"count": 0}


def results() -> dict[str, float]:
    """Return what has become of all feedback of this process, in all tests."""
    samples = [sample for metric in FEEDBACK.collect() for sample in metric.samples if sample.name.endswith("_total")]
    return {sample.labels["result"]: sample.value for sample in samples}


def since(before: dict[str, float]) -> dict[str, float]:
    """Return what has become of feedback since then."""
    return {name: count - before.get(name, 0) for name, count in results().items() if count != before.get(name, 0)}


async def answer(scene: Scene, *request_ids: str, partition: int = 0, **fields: object) -> list[Json]:
    for request_id in request_ids:
        scene.publish(request_id, partition=partition, **fields)  # type: ignore[arg-type]
    return await scene.answered(*request_ids)


def offset_of(scene: Scene, request_id: str, partition: int = 0) -> int:
    records = scene.world.broker.partition(TopicPartition(Topic.RESPONSES, partition)).records
    return next(one.origin.offset for one in records if orjson.loads(one.value or b"")["request_id"] == request_id)


@played(ONE, characters=QUICK)
async def test_feedback_is_counted_for_the_model_and_kind_of_prompt_of_its_answer(scene: Scene) -> None:
    (worker,) = await scene.start("w1")
    (response,) = await answer(scene, "r-1", prompt="Translate to French: the train is late.")
    table = worker.parts.pool.quality
    task, band = Task(response["task"]), Difficulty(response["difficulty"])
    kind = task, band, Form(response["form"])
    before = table.expected("alpha", *kind)
    give(scene, score=None, label="bad")
    await asyncio.sleep(SOON_S)
    told = quality(scene)
    assert (told["request_model"], told["task"], told["difficulty"], told["form"]) == ("alpha", *kind)
    records = scene.world.broker.partition(TopicPartition(Topic.MODEL_QUALITY, 0)).records
    assert {one.key for one in records} >= {f"alpha|{task}|{band}|short_material".encode()}
    assert (told["count"], told["mean"], told["by_kind"]) == (1, 0.0, {"person": {"count": 1, "mean": 0.0}})
    assert table.expected("alpha", *kind).mean < before.mean
    assert table.expected("alpha", *kind).weight == before.weight + 1


@played(ONE, characters=QUICK)
async def test_a_worker_knows_the_quality_before_it_takes_requests(scene: Scene) -> None:
    await scene.start("w1")
    await answer(scene, "r-1")
    give(scene, score=0.0)
    await asyncio.sleep(SOON_S)
    learnt: list[float] = []
    scene.publish("r-2", partition=1)
    await scene.answered("r-2")
    await scene.world.workers["w1"].stop()
    scene.publish("r-3")
    second = scene.world.start("w2")
    told = quality(scene)
    scene.when(
        "call",
        lambda: learnt.append(
            second.parts.pool.quality.expected(
                "alpha", Task(told["task"]), Difficulty(told["difficulty"]), Form(told["form"])
            ).weight
        ),
    )
    await scene.answered("r-3")
    assert learnt == [9.0]


@played(ONE, characters=QUICK)
async def test_what_is_sent_twice_counts_once_and_a_correction_takes_its_place(scene: Scene) -> None:
    await scene.start("w1")
    await answer(scene, "r-1", "r-2")
    before = results()
    for score in (1.0, 1.0, 0.0, 0.0):
        give(scene, score=score)
    give(scene, score=0.5, source="bob")
    give(scene, "r-2", score=1.0)
    await asyncio.sleep(SOON_S)
    assert (quality(scene)["count"], quality(scene)["mean"]) == (3, 0.5)
    assert since(before) == {"counted": 3, "replaced": 1, "repeated": 2}


@played(ONE, characters=QUICK)
async def test_another_owner_goes_on_and_counts_nothing_twice(scene: Scene) -> None:
    await scene.start("w1", "w2")
    names = [f"r-{number}" for number in range(20)]
    await answer(scene, *names[:10])
    await answer(scene, *names[10:], partition=1)
    for round_, worker in enumerate(("w1", "w2", "w1", "w2")):
        for number, name in enumerate(names):
            give(scene, name, score=round_ % 2, source=f"s{number % 3}", partition=number // 10)
            await asyncio.sleep(0.05)
        give(scene, names[round_], score=1.0, source="extra", kind="check")
        scene.world.workers[worker].kill()
        await asyncio.sleep(20)
        scene.world.start(worker)
        await asyncio.sleep(20)
    told = quality(scene)
    assert told["count"] == 24
    assert told["by_kind"] == {"check": {"count": 4, "mean": 1.0}, "person": {"count": 20, "mean": 1.0}}


@played(ONE, characters=QUICK)
async def test_an_owner_whose_term_ends_while_it_writes_goes_no_further(scene: Scene) -> None:
    (worker,) = await scene.start("w1")
    await answer(scene, "r-1")
    cells = scene.world.partition(Topic.QUALITY_CELLS)
    worker.link.slow_s[cells] = 1.0
    group = worker.ports.control_group
    assert isinstance(group, MemoryControlGroup)
    scene.when(cells.topic, lambda: worker.process.run(asyncio.create_task, group.revoked(())))
    give(scene)
    await scene.until(lambda: scene.world.broker.partition(cells).records)
    await asyncio.sleep(SOON_S + 10)
    assert quality(scene)["count"] == 0
    owned = (Topic.MODEL_STATS, Topic.TENANT_DEMAND, Topic.BUDGET_CLAIMS, Topic.QUALITY_COUNTS)
    await group.assigned(tuple(scene.world.partition(topic) for topic in owned))
    await asyncio.sleep(SOON_S + 10)
    assert quality(scene)["count"] == 1


@played(ONE, characters={"alpha": Character(1, 2, median_s=4.0, spread=0.0)})
async def test_feedback_that_is_faster_than_the_response_waits_and_holds_up_no_other(scene: Scene) -> None:
    await scene.start("w1")
    await answer(scene, "r-1")
    scene.publish("r-2")
    give(scene, "r-2", score=0.0)
    give(scene, "r-1", score=1.0)
    await asyncio.sleep(SOON_S)
    assert (quality(scene)["count"], quality(scene)["mean"]) == (1, 1.0)
    await scene.answered("r-2")
    await asyncio.sleep(SOON_S)
    assert (quality(scene)["count"], quality(scene)["mean"]) == (2, 0.5)


@played(ONE, characters={"alpha": Character(1, 2, median_s=6.0, spread=0.0)})
async def test_feedback_that_waits_is_counted_once_by_the_next_owner(scene: Scene) -> None:
    await scene.start("w1", "w2")
    await answer(scene, "r-1")
    before, keeper = results(), scene.world.keeper_of(Topic.QUALITY_COUNTS)
    served = scene.world.requests.assignments.items()
    # the response comes from the other worker: of one that is killed it would come too late for what waits for it
    (partition,) = (
        tp.partition for member, tps in served if scene.world.workers[member[:2]] is not keeper for tp in tps
    )
    scene.publish("r-2", partition=partition)
    give(scene, "r-2", score=0.0, partition=partition)
    give(scene, "r-1", score=1.0)
    await asyncio.sleep(SOON_S)
    keeper.kill()
    await scene.answered("r-2")
    await asyncio.sleep(30)
    assert (quality(scene)["count"], quality(scene)["mean"]) == (2, 0.5)
    assert since(before) == {"counted": 2}


@played(ONE, characters={"alpha": Character(1, 2, median_s=2.0)})
async def test_all_feedback_that_waits_is_counted_once_by_the_next_owner(scene: Scene) -> None:
    await scene.start("w1", "w2")
    await answer(scene, "r-1")
    before = results()
    waiting = ("r-2", "r-3", "r-4")
    for request_id in waiting:
        scene.publish(request_id)
        give(scene, request_id, score=0.0)
    give(scene, "r-1", score=1.0)
    await asyncio.sleep(1.5)
    assert quality(scene)["count"] == 1
    scene.world.keeper_of(Topic.QUALITY_COUNTS).kill()
    await scene.answered(*waiting)
    await asyncio.sleep(30)
    assert (quality(scene)["count"], quality(scene)["mean"]) == (4, 0.25)
    assert since(before) == {"counted": 4}


@played(ONE, characters=QUICK)
async def test_feedback_on_no_known_answer_is_told_and_not_counted(scene: Scene) -> None:
    await scene.start("w1")
    await answer(scene, "r-1", "r-2")
    before = results()
    give(scene, "r-9")
    give(scene, "r-1", partition=1)
    give(scene, "r-1", response_offset=offset_of(scene, "r-2"))
    give(scene, "r-1", response_offset=99)
    give(scene, "r-1", tenant="someone-else")
    await asyncio.sleep(PATIENCE_S + SOON_S)
    assert since(before) == {"unknown": 4, "other_response": 1}
    assert quality(scene)["count"] == 0


@played(ONE, characters=QUICK)
async def test_an_answer_from_the_cache_is_judged_once_under_the_id_that_it_was_made_for(scene: Scene) -> None:
    await scene.start("w1")
    wish = {"ttl_s": 3600}
    await answer(scene, "r-1", cache=wish)
    await asyncio.sleep(SOON_S)
    (again,) = await answer(scene, "r-2", cache=wish)
    assert again["origin_request_id"] == "r-1"
    before = results()
    give(scene, "r-1", score=0.0)
    give(scene, "r-2", score=0.0)
    give(scene, "r-2", score=0.0, response_offset=offset_of(scene, "r-2"))
    await asyncio.sleep(PATIENCE_S + SOON_S)
    assert since(before) == {"counted": 1, "unknown": 1, "no_answer": 1}
    assert quality(scene)["count"] == 1


@played(ONE, characters=QUICK)
async def test_an_old_response_is_found_by_its_offset(scene: Scene) -> None:
    await scene.start("w1")
    await answer(scene, "r-1")
    await asyncio.sleep(RECENT_S + 60)
    before = results()
    give(scene, "r-1", response_offset=offset_of(scene, "r-1"))
    give(scene, "r-1", source="bob")
    await asyncio.sleep(PATIENCE_S + SOON_S)
    assert since(before) == {"counted": 1, "unknown": 1}


@played(ONE, settings=SETTINGS.model_copy(update={"feedback_within_s": 60}), characters=QUICK)
async def test_feedback_is_late_after_the_setting(scene: Scene) -> None:
    await scene.start("w1")
    await answer(scene, "r-1")
    before = results()
    await asyncio.sleep(50)
    give(scene)
    await asyncio.sleep(20)
    give(scene, source="bob")
    await asyncio.sleep(SOON_S)
    assert since(before) == {"counted": 1, "late": 1}


@played(KEYED, characters=QUICK)
async def test_where_tenants_have_keys_only_the_answers_tenant_may_judge_it(scene: Scene) -> None:
    await scene.start("w1")
    await answer(scene, "r-1", key=KEYS["acme"])
    before = results()
    give(scene)
    give(scene, key="turnout-guessed")
    give(scene, key=KEYS["rival"])
    give(scene, key=KEYS["rival"], tenant="acme")
    give(scene, key=KEYS["rival"], response_offset=offset_of(scene, "r-1"))
    give(scene, key=KEYS["acme"])
    await asyncio.sleep(PATIENCE_S + SOON_S)
    assert since(before) == {"unproven": 2, "unknown": 1, "not_yours": 1, "other_response": 1, "counted": 1}
    assert quality(scene)["count"] == 1


@played(ONE, characters=QUICK)
async def test_what_cannot_be_read_is_a_dead_letter_without_its_key_and_stops_nothing(scene: Scene) -> None:
    await scene.start("w1")
    await answer(scene, "r-1")
    before = results()
    headers = [("authorization", b"Bearer turnout-secret")]
    for value in (
        b"{",
        b'{"request_id": "r-1", "source": "ann"}',
        b'{"request_id": "r-1", "source": "ann", "score": 2}',
    ):
        scene.world.broker.append(Record(Topic.FEEDBACK, value, b"k", headers, 0))
    scene.world.broker.append(Record(Topic.FEEDBACK, None, b"k", [], 0))
    scene.world.broker.append(Record(Topic.FEEDBACK, b'"' + 20_000 * b"x" + b'"', b"k", [], 0))
    give(scene, kind="built-in")
    give(scene)
    await asyncio.sleep(SOON_S)
    assert since(before) == {"unreadable": 6, "counted": 1}
    letters = scene.world.broker.partition(TopicPartition(Topic.DEAD_LETTERS, 0)).records
    reasons = [dict(letter.headers)[REASON].decode() for letter in letters]
    assert [dict(letter.headers)[CODE] for letter in letters] == [
        b"not_json", b"invalid_request", b"invalid_request", b"empty", b"too_large", b"invalid_request"
    ]  # fmt: skip
    assert reasons[1] == "score: give a `score` from 0 to 1 or a `label` (good, fair, bad), and not both"
    assert reasons[2] == "score: Input should be less than or equal to 1"
    assert reasons[5] == "kind: should be one of person, check, judge"
    assert all(b"secret" not in value for letter in letters for _, value in letter.headers)


@played(replace(ONE, feedback=FeedbackRules(ignored=frozenset({"default/mallory"}))), characters=QUICK)
async def test_a_source_that_the_catalogue_ignores_does_not_count(scene: Scene) -> None:
    await scene.start("w1")
    await answer(scene, "r-1")
    before = results()
    give(scene, score=0.0, source="mallory")
    give(scene, score=1.0, source="ann")
    await asyncio.sleep(SOON_S)
    assert since(before) == {"ignored": 1, "counted": 1}
    assert quality(scene)["mean"] == 1.0


@played(TWO, characters={"alpha": Character(1, 2, median_s=0.1), "beta": Character(3, 6, chances={Fate.ERROR: 1.0})})
async def test_a_worker_tells_the_flaws_of_its_answers_and_they_count_once(scene: Scene) -> None:
    await scene.start("w1")
    await answer(scene, *(f"r-{number}" for number in range(10)))
    await asyncio.sleep(10)
    records = list(scene.world.broker.partition(TopicPartition(Topic.QUALITY_COUNTS, 0)).records)
    for record in records:
        scene.world.broker.append(Record(Topic.QUALITY_COUNTS, record.value, record.key, list(record.headers), 0))
    await asyncio.sleep(SOON_S)
    told = scene.messages(Topic.MODEL_QUALITY)[-1]
    assert (round(told["answers"]), told["weight"]) == (10, 0)
    assert "form" not in told


@played(ONE, characters=QUICK)
async def test_junk_between_workers_ends_no_owner(scene: Scene) -> None:
    await scene.start("w1")
    await answer(scene, "r-1")
    for topic in (Topic.QUALITY_COUNTS, Topic.MODEL_QUALITY, Topic.QUALITY_CELLS):
        for value in (b"junk", b"{}", b"[]", None):
            scene.world.broker.append(Record(topic, value, b"cell|[1]", [], 0))
            scene.world.broker.append(Record(topic, value, b"given|x|y", [], 0))
    scene.world.workers["w1"].kill()
    await asyncio.sleep(20)
    await scene.start("w2")
    give(scene)
    await asyncio.sleep(SOON_S)
    assert quality(scene)["count"] == 1


@pytest.mark.parametrize("seed", range(20, 26))
def test_feedback_counts_once_whenever_its_owner_is_killed(seed: int) -> None:
    chance = Random(seed)  # noqa: S311 - a test's dice

    @played(
        ONE, characters={"alpha": Character(1, 2, median_s=1.0)}, weather=Weather(lost_after=0.02, lost_before=0.02)
    )
    async def play(scene: Scene) -> None:
        await scene.start("w1", "w2")
        names = [f"r-{number}" for number in range(24)]
        said: dict[tuple[str, str], float] = {}
        for name in names[:16]:
            scene.publish(name, partition=int(name[2:]) % 2)
        await scene.answered(*names[:16])
        for name in names[16:]:  # their feedback may be faster than their responses
            scene.publish(name, partition=int(name[2:]) % 2)
        for _ in range(4):
            for _ in range(30):
                name, source = chance.choice(names), chance.choice(("ann", "bob", "test"))
                score = said[name, source] = chance.randrange(5) / 4
                for _ in range(chance.choice((1, 1, 2))):
                    give(scene, name, score, source, partition=int(name[2:]) % 2)
                await asyncio.sleep(chance.uniform(0, 0.4))
            victim = chance.choice(("w1", "w2"))
            await scene.answered(*names, within_s=200)  # a killed worker's would come too late for what waits for them
            scene.world.workers[victim].kill()
            await asyncio.sleep(chance.uniform(0, 15))
            scene.world.start(victim)
        await scene.answered(*names, within_s=200)
        await asyncio.sleep(60)
        told = quality(scene)
        expected = sum(said.values()) / len(said)
        total = sum(kind["mean"] * kind["count"] for kind in told["by_kind"].values())
        assert (told["count"], round(total / told["count"], 4)) == (len(said), round(expected, 4))

    play()


@played(ONE, characters=QUICK)
async def test_a_score_that_has_waited_does_not_undo_its_correction(scene: Scene) -> None:
    await scene.start("w1")
    before = results()
    give(scene, "r-1", score=0.0)
    await asyncio.sleep(1.1)
    scene.publish("r-1")
    await scene.answered("r-1")
    offset = offset_of(scene, "r-1")
    while not since(before):  # between two looks at what waits
        give(scene, "r-1", score=1.0, response_offset=offset)
        await asyncio.sleep(0.25)
    await asyncio.sleep(SOON_S)
    assert (quality(scene)["count"], quality(scene)["mean"]) == (1, 1.0)


def test_a_cell_of_a_version_that_knew_no_form_stays_one_row_of_the_table() -> None:
    term = QualityTerm(TopicPartition(Topic.QUALITY_COUNTS, 0), Topic.SHADOW_ANSWERS, GivenScores(10))
    before, key = Cell("alpha", Task.QA, Difficulty.EASY), b'cell|["alpha","qa","easy"]'
    term.restore(key, QualityCell(before).dump())
    assert list(term.cells) == [before]
    assert cell_key(before) == key
    for form in set(Form) - {Form.ANY}:
        term.restore(cell_key(before._replace(form=form)), QualityCell(before).dump())
    assert set(term.cells) == {before._replace(form=form) for form in Form}


def test_no_form_is_a_difficulty_so_that_two_cells_have_two_keys() -> None:
    assert not set(Form) & set(Difficulty)
