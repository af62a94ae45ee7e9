"""What decides an answer is in the key of its question, and what does not is not."""

from dataclasses import replace

import pytest

from router.caching.key import key_of_job, key_of_response
from router.experiments import Experiment
from router.identity import ASKED, NOT_ASKED, Identity, asked_of
from router.job import Job
from router.models.pool import ModelPool
from router.request.session import Answered, Finish, Session, Started
from schemas.requests import Request
from schemas.vocabulary import Policy
from tests.stage import ANSWER, NOW_S, ORIGIN, TWO, Play

BASE: dict[str, object] = {"prompt": "Why?", "tenant": "acme"}


def job_of(request: Request, *, proven: bool = True, key: bytes | None = None) -> Job:
    identity = Identity(request.tenant, "r-1", asked_of(request), authenticated=proven)
    return Job(request, identity, ORIGIN, NOW_S, NOW_S + 60, key=key)


def key_of(fields: dict[str, object], *, proven: bool = True) -> str | None:
    return key_of_job(job_of(Request.model_validate(fields), proven=proven), TWO)


def test_every_field_of_a_request_decides_or_does_not() -> None:
    fields = Request.model_fields.keys()
    assert fields == ASKED | NOT_ASKED, "say of the new field whether it decides the answer: router/identity.py"
    assert not ASKED & NOT_ASKED


def test_no_tenant_has_another_ones_key() -> None:
    assert key_of(BASE) != key_of({**BASE, "tenant": "globex"})


def test_a_tenant_that_is_proven_has_another_key_than_one_that_only_says_so() -> None:
    assert key_of(BASE) != key_of(BASE, proven=False)


@pytest.mark.parametrize("policy", list(Policy))
def test_the_catalogues_policy_decides_where_a_request_names_none(policy: Policy) -> None:
    changed = replace(TWO, default_policy=policy)
    job = job_of(Request.model_validate(BASE))
    assert (key_of_job(job, TWO) == key_of_job(job, changed)) is (policy is TWO.default_policy)


def test_arms_of_an_experiment_share_no_answers() -> None:
    catalogue = replace(TWO, experiments=(Experiment("cheap", 0.5, Policy.COST),))
    job = job_of(Request.model_validate(BASE))
    keys = {key_of_job(replace(job, key=str(number).encode()), catalogue) for number in range(50)}
    assert len(keys) == 2
    pinned = job_of(Request.model_validate({**BASE, "model": "alpha"}))
    assert len({key_of_job(replace(pinned, key=str(number).encode()), catalogue) for number in range(50)}) == 1


def test_the_response_has_the_key_of_its_request() -> None:
    for catalogue in (TWO, replace(TWO, experiments=(Experiment("cheap", 0.5, Policy.COST),))):
        for number in range(20):
            job = job_of(Request.model_validate({**BASE, "prompt": f"Why {number}?"}), key=str(number).encode())
            session = Session(job, ModelPool(catalogue), lambda: 0.0)
            session.receive(Started(NOW_S))
            finish = session.receive(Answered(NOW_S + 1, ANSWER, 1.0))
            assert isinstance(finish, Finish)
            assert key_of_response(finish.response) == key_of_job(job, catalogue) is not None


def test_a_response_of_a_version_that_does_not_tell_what_was_asked_has_none() -> None:
    play = Play(TWO)
    play.start()
    play.answer(ANSWER)
    assert key_of_response(play.response) is None
