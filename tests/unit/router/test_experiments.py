"""Experiments: which requests are in which arm, and what an arm changes."""

from dataclasses import replace

import pytest

from router.errors import Answer
from router.experiments import CONTROL, Experiment, arm_of
from router.models.pool import ModelPool
from router.request.plan import make_plan
from router.request.session import Answered, Finish, Session, Started
from router.tasks.analysis import Analysis
from schemas.requests import Request
from schemas.responses import AnswerMessage
from schemas.vocabulary import Policy, Task, Tier
from tests.stage import ALPHA, BETA, GAMMA, NOW_S, PROMPT, make_catalogue, make_job

CHEAP, LOOSE = Experiment("cheap", 0.2, policy=Policy.COST), Experiment("loose", 0.3, quality_slack=1.0)
ASKED = Request(prompt=PROMPT)
ANALYSIS = Analysis(Task.CREATIVE, Tier.POWERFUL, "it said so")


def name_of(key: bytes, request: Request = ASKED, tenant: str = "acme") -> str | None:
    arm = arm_of((CHEAP, LOOSE), request, tenant, key)
    return None if arm is None else arm.name


def test_each_arm_has_its_share_of_the_keys() -> None:
    arms = [name_of(b"conversation-%d" % number) for number in range(10_000)]
    # three standard deviations of 10,000 draws are 0.015
    assert arms.count("cheap") / len(arms) == pytest.approx(0.2, abs=0.015)
    assert arms.count("loose") / len(arms) == pytest.approx(0.3, abs=0.015)
    assert arms.count(CONTROL) / len(arms) == pytest.approx(0.5, abs=0.015)


def test_a_key_stays_in_its_arm_and_two_tenants_keys_are_two() -> None:
    keys = [b"conversation-%d" % number for number in range(200)]
    assert [name_of(key) for key in keys] == [name_of(key) for key in keys]
    assert [name_of(key) for key in keys] != [name_of(key, tenant="umbrella") for key in keys]


@pytest.mark.parametrize("own", [{"policy": Policy.CHAIN}, {"model": "alpha"}, {"quality_slack": 0.0}])
def test_who_names_what_an_experiment_changes_is_in_no_arm(own: dict[str, object]) -> None:
    assert name_of(b"key", ASKED.model_copy(update=own)) is None


def test_a_pinned_tier_is_no_obstacle_and_without_experiments_there_is_no_arm() -> None:
    assert name_of(b"key", ASKED.model_copy(update={"tier": Tier.FAST})) is not None
    assert arm_of((), ASKED, "acme", b"key") is None


def test_an_arm_has_its_policy_or_slack_and_the_control_has_the_catalogues() -> None:
    catalogue = replace(make_catalogue(GAMMA, BETA, ALPHA), default_policy=Policy.VALUE)
    for experiment, policy, first in (
        (replace(CHEAP, share=1.0), Policy.COST, "alpha"),
        (replace(LOOSE, share=1.0), Policy.VALUE, "alpha"),
        (replace(CHEAP, share=1e-12), Policy.VALUE, "gamma"),
    ):
        planned = make_plan(make_job(), ANALYSIS, ModelPool(replace(catalogue, experiments=(experiment,))), NOW_S)
        is_control = experiment.share < 1
        assert planned.route.arm == (CONTROL if is_control else experiment.name)
        assert planned.policy is policy
        assert planned.candidates[0].model.name == first
        assert (f"experiment {experiment.name}" in planned.route.reason) is not is_control


def test_the_response_and_the_cost_event_name_the_arm() -> None:
    catalogue = replace(make_catalogue(ALPHA), experiments=(replace(CHEAP, share=1.0),))
    session = Session(make_job(), ModelPool(catalogue), lambda: 0.0)
    session.receive(Started(NOW_S))
    finish = session.receive(Answered(NOW_S + 1, Answer(AnswerMessage(content="Sea."), "stop", None, None, None), 1.0))
    assert isinstance(finish, Finish)
    assert finish.response.arm == "cheap"
    assert [cost.arm for cost in finish.costs] == ["cheap"]


def test_a_job_keeps_its_arm_by_its_records_key_and_else_by_its_id() -> None:
    assert replace(make_job(), key=b"conversation-7").arm_key == b"conversation-7"
    assert replace(make_job(), key=b"").arm_key == b""
    assert make_job().arm_key == b"r-1"
