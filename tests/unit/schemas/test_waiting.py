"""How a request of the batch lane stands: what each state needs, and how little is written of one that is answered."""

from pathlib import Path

import orjson
import pytest
from pydantic import ValidationError

from router.identity import Identity
from schemas.topics import TOPICS
from schemas.waiting import Waiting
from streams.batch_requests import identity_of_waiting

GOLDEN = Path(__file__).parents[2] / "contract" / "golden" / "v1"


def golden(name: str) -> bytes:
    return (GOLDEN / f"{name}.json").read_bytes()


@pytest.mark.parametrize(
    ("name", "field"),
    [
        ("waiting", "call"),
        ("waiting-returned", "call"),
        ("waiting-returned", "returned"),
        ("waiting-answered", "response_offset"),
    ],
)
def test_a_state_without_what_it_needs_is_refused(name: str, field: str) -> None:
    data = orjson.loads(golden(name))
    del data[field]
    with pytest.raises(ValidationError, match=f"{field}: a request that is "):
        Waiting.model_validate(data)


def test_a_state_of_a_later_version_is_read_as_itself() -> None:
    waiting = Waiting.model_validate({**orjson.loads(golden("waiting-answered")), "state": "forgotten"})
    assert waiting.state == "forgotten"


def test_a_key_of_any_bytes_comes_back() -> None:
    waiting = Waiting.decode(golden("waiting"))
    assert waiting.request_key == b"acme\xff"
    assert Waiting.decode(waiting.encode()) == waiting


def test_a_request_that_is_answered_takes_few_bytes() -> None:
    assert len(golden("waiting-answered")) < 330


def test_what_waits_is_known_by_the_identity_of_its_request() -> None:
    waiting = Waiting.decode(golden("waiting"))
    identity = Identity(waiting.tenant, waiting.request_id, waiting.asked_sha256, authenticated=True)
    assert identity_of_waiting(waiting) == identity
    assert len(identity.digest) == 16


def test_all_topics_of_the_lane_are_between_workers_or_compacted_for_people() -> None:
    assert all(spec.internal or spec.compacted for spec in TOPICS if spec.lane)
