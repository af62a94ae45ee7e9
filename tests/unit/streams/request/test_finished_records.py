"""What is told of where responses lie, what a restart reads back for it, and what it reads where nothing was told."""

import asyncio
import logging
from collections.abc import Iterator, MutableMapping
from contextlib import contextmanager
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from structlog.testing import capture_logs

from router.identity import Identity
from schemas.topics import Topic
from streams.ports import Record
from streams.request.finished_records import WRITE_EVERY_S, FinishedId, decode, encode
from streams.request.recovery import Told
from tests.fakes.broker import Partition
from tests.fakes.scene import SETTINGS, Scene, played, quiet

SESSION_S = SETTINGS.session_timeout_s
IDS = st.builds(
    FinishedId,
    st.integers(0, 2**128 - 1),
    st.integers(0, 2**64 - 1),
    st.integers(0, 2**63 - 1),
    st.booleans(),
)
Lines = list[MutableMapping[str, Any]]


@given(ids=st.lists(IDS, max_size=20), starts_anew=st.booleans())
def test_what_is_told_is_read(ids: list[FinishedId], *, starts_anew: bool) -> None:
    value = encode(ids, starts_anew=starts_anew)
    assert decode(value) == (ids, starts_anew)
    assert len(value) == 2 + 33 * len(ids)


@pytest.mark.parametrize("value", [b"", b"\x01", b"\x02\x00", b"\x01\x00" + bytes(32), b'{"request_id":"r"}'])
def test_what_is_no_record_of_ours_is_refused(value: bytes) -> None:
    with pytest.raises(ValueError, match=r"bytes are no|of the form"):
        decode(value)


def test_an_identity_is_told_by_its_digest() -> None:
    known = Identity("acme", "r-1", "ab" * 32)
    told = FinishedId.of(known, 7)
    assert told.digest.to_bytes(16, "big") == known.digest
    assert (told.asked, told.offset, told.finishes) == (int("ab" * 8, 16), 7, True)
    assert not FinishedId.of(known.refused(), 7).finishes


@given(st.integers(0, 5), st.sets(st.integers(0, 60)), st.integers(0, 60), st.integers(0, 60))
def test_what_is_not_told_of_is_read_and_all_from_the_committed_position_on(
    joined: int, offsets: set[int], first: int, whole_from: int
) -> None:
    told = Told(min(first, whole_from), 60, joined)
    for offset in offsets:
        assert told.add(offset) == (told.first <= offset < 60)
    spans = list(told.untold(whole_from))
    read = [offset for begin, end in spans for offset in range(begin, end)]
    assert read == sorted(set(read))
    assert set(read) >= set(range(told.first, 60)) - offsets | set(range(whole_from, 60))
    assert not joined or len(spans) <= 1 + len(range(told.first, 60)) // joined
    if not joined:
        assert set(read) == set(range(told.first, 60)) - offsets | set(range(whole_from, 60))


@contextmanager
def recoveries() -> Iterator[Lines]:
    """Give what is logged of the partitions that are read back meanwhile."""
    found: Lines = []
    with quiet(logging.DEBUG), capture_logs() as lines:
        yield found
    found += [line for line in lines if line["event"] == "partition recovered" and line["partition"] == 0]


def ids_of(scene: Scene) -> Partition:
    return scene.world.broker.partition(scene.world.partition(Topic.FINISHED_IDS))


async def answered_by(scene: Scene, request_id: str, times: int) -> None:
    """Wait until there are so many responses, and their worker has told where they lie."""
    await scene.until(lambda: len(scene.responses(request_id)) == times)
    await asyncio.sleep(SETTINGS.commit_interval_s + 2 * WRITE_EVERY_S)


async def all_committed(scene: Scene) -> None:
    """Wait until every request of partition 0 is."""
    requests = scene.world.broker.partition(scene.world.partition(Topic.REQUESTS))
    await scene.until(lambda: scene.committed() == requests.end)


async def answer(scene: Scene, count: int, begin: int = 0) -> None:
    for number in range(begin, begin + count):
        scene.publish(f"r-{number}", partition=0)
    await scene.answered(*(f"r-{number}" for number in range(begin, begin + count)))
    await all_committed(scene)


async def assert_known(scene: Scene, count: int) -> None:
    """See that the ids are known: none is called for again."""
    calls = len(scene.calls())
    for number in range(count):
        scene.publish(f"r-{number}", partition=0)
    await all_committed(scene)
    assert len(scene.calls()) == calls
    await asyncio.sleep(SETTINGS.commit_interval_s + 2 * WRITE_EVERY_S)


async def heir(scene: Scene, name: str = "w2") -> Lines:
    """Start another worker, and return what it reads back of partition 0."""
    with recoveries() as found:
        await scene.start(name)
        await asyncio.sleep(SESSION_S + 5)
        scene.publish(f"wakes-{name}", partition=0)
        await scene.answered(f"wakes-{name}")
    return found


@played()
async def test_an_heir_reads_ids_and_no_response_that_is_committed(scene: Scene) -> None:
    (first,) = await scene.start("w1")
    await answer(scene, 10)
    await asyncio.sleep(2 * WRITE_EVERY_S)
    first.kill()
    (read,) = await heir(scene)
    assert (read["ids"], read["responses"]) == (10, 0)
    await assert_known(scene, 10)


@played()
async def test_a_response_whose_id_a_crash_cut_off_is_read_and_told_of_by_the_heir(scene: Scene) -> None:
    (first,) = await scene.start("w1")
    await answer(scene, 3)
    await asyncio.sleep(2 * WRITE_EVERY_S)
    told = ids_of(scene).end
    await answer(scene, 4, begin=3)
    first.kill()
    ids_of(scene).keep(lambda record: record.origin.offset < told)
    (read,) = await heir(scene)
    assert (read["ids"], read["responses"]) == (3, 4)
    await assert_known(scene, 7)
    scene.world.workers["w2"].kill()
    (again,) = await heir(scene, "w3")
    assert (again["ids"], again["responses"]) == (8, 0), "and what woke w2"


@played()
async def test_where_the_topic_is_new_responses_are_read_once(scene: Scene) -> None:
    (first,) = await scene.start("w1")
    await answer(scene, 5)
    await asyncio.sleep(2 * WRITE_EVERY_S)
    first.kill()
    scene.world.broker.create(SETTINGS.topic(Topic.FINISHED_IDS), SETTINGS.partitions)
    (read,) = await heir(scene)
    assert (read["ids"], read["responses"]) == (0, 5)
    await assert_known(scene, 5)
    scene.world.workers["w2"].kill()
    (again,) = await heir(scene, "w3")
    assert (again["ids"], again["responses"]) == (6, 0)


@played()
async def test_what_is_told_of_responses_that_the_topic_has_lost_is_forgotten(scene: Scene) -> None:
    (first,) = await scene.start("w1")
    await answer(scene, 5)
    await asyncio.sleep(2 * WRITE_EVERY_S)
    first.kill()
    responses = scene.world.broker.partition(scene.world.partition(Topic.RESPONSES))
    responses.keep(lambda record: record.origin.offset < 2)
    responses.end = 2
    (read,) = await heir(scene)
    assert (read["ids"], read["responses"]) == (0, 2)
    calls = len(scene.calls())
    scene.publish("r-4", partition=0)
    await scene.until(lambda: len(scene.calls()) == calls + 1)
    await answered_by(scene, "r-4", times=2)
    scene.world.workers["w2"].kill()
    (again,) = await heir(scene, "w3")
    assert (again["ids"], again["responses"]) == (4, 0), "r-0, r-1, what woke w2, and r-4"


@played()
async def test_a_bad_record_costs_the_responses_of_which_it_should_have_told(scene: Scene) -> None:
    (first,) = await scene.start("w1")
    await answer(scene, 3)
    await asyncio.sleep(2 * WRITE_EVERY_S)
    first.kill()
    ids_of(scene).keep(lambda _record: False)
    scene.world.broker.append(Record(SETTINGS.topic(Topic.FINISHED_IDS), b"junk", None, [], 0))
    (read,) = await heir(scene)
    assert (read["ids"], read["responses"]) == (0, 3)
    await assert_known(scene, 3)
