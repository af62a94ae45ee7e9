from dataclasses import replace

import pytest

from router.bounds import input_bound
from router.capabilities import lacking, needs_of
from router.errors import RequestRejected
from router.models.pool import ModelPool
from router.request.plan import make_plan
from router.tasks.analysis import Analysis
from schemas.requests import JsonObject, Request
from schemas.vocabulary import Capability, ErrorCode, SkipReason, Task, Tier
from tests.stage import ALPHA, BETA, NOW_S, make_catalogue, make_job

ANALYSIS = Analysis(Task.QA, Tier.FAST, "it said so")
STRICT: JsonObject = {
    "type": "function",
    "function": {"name": "find", "parameters": {"type": "object"}, "strict": True},
}
LOOSE: JsonObject = {"type": "function", "function": {"name": "find"}}
SCHEMA: JsonObject = {"type": "json_schema", "json_schema": {"name": "a", "schema": {"type": "object"}}}


def message(*parts: JsonObject) -> JsonObject:
    return {"messages": [{"role": "user", "content": list(parts)}]}


NEEDS: dict[str, tuple[JsonObject, set[Capability]]] = {
    "words": ({"prompt": "Hello", "temperature": 0.5, "parameters": {"seed": 7}}, set()),
    "image": (message({"type": "image_url", "image_url": {"url": "https://x/a.png"}}), {Capability.IMAGES}),
    "audio": (message({"type": "input_audio", "input_audio": {"data": "", "format": "wav"}}), {Capability.AUDIO}),
    "file": (message({"type": "file", "file": {"file_id": "f-1"}}), {Capability.FILES}),
    "tools": ({"prompt": "Hello", "tools": [LOOSE]}, {Capability.TOOLS}),
    "no tools": ({"prompt": "Hello", "tools": []}, set()),
    "functions": ({"prompt": "Hello", "functions": [{"name": "find"}]}, {Capability.TOOLS}),
    "strict tool": ({"prompt": "Hello", "tools": [LOOSE, STRICT]}, {Capability.TOOLS, Capability.JSON_SCHEMA}),
    "schema": ({"prompt": "Hello", "response_format": SCHEMA}, {Capability.JSON_SCHEMA}),
    "JSON without a schema": ({"prompt": "Hello", "response_format": {"type": "json_object"}}, set()),
    "reasoning": ({"prompt": "Hello", "reasoning_effort": "low"}, {Capability.REASONING}),
}


@pytest.mark.parametrize(("asked", "needs"), NEEDS.values(), ids=NEEDS)
def test_a_request_needs_what_it_holds_and_nothing_else(asked: JsonObject, needs: set[Capability]) -> None:
    request = Request.model_validate(asked)
    assert needs_of(request, input_bound(request)) == needs


def test_what_is_lacking_and_needed_is_said_and_nothing_else() -> None:
    every = frozenset(Capability)
    assert lacking(every, frozenset()) is None
    assert lacking(frozenset(), every) is None
    two = frozenset({Capability.TOOLS, Capability.IMAGES})
    assert lacking(two, every) == "it takes no images, it calls no tools"
    assert all(lacking(frozenset({one}), every) for one in Capability)


def test_a_model_that_lacks_what_is_needed_is_left_out_before_the_call_with_the_reason() -> None:
    blind = replace(ALPHA, lacks=frozenset({Capability.IMAGES}), image_tokens=10)
    seeing = replace(BETA, image_tokens=10)
    job = make_job(Request.model_validate(NEEDS["image"][0]))
    plan = make_plan(job, ANALYSIS, ModelPool(make_catalogue(blind, seeing)), NOW_S)
    assert [candidate.model.name for candidate in plan.candidates] == ["beta"]
    skipped = plan.skipped[0]
    assert (skipped.request_model, skipped.code) == ("alpha", SkipReason.CAPABILITY_LACKING)
    assert skipped.reason == "capability: it takes no images"


def test_a_request_that_every_model_lacks_something_for_is_refused_with_each_reason() -> None:
    chain = (replace(ALPHA, lacks=frozenset({Capability.TOOLS})), replace(BETA, lacks=frozenset(Capability)))
    with pytest.raises(RequestRejected, match=r"alpha: capability: it calls no tools; beta: .* it calls no") as told:
        make_plan(make_job(Request.model_validate(NEEDS["tools"][0])), ANALYSIS, ModelPool(make_catalogue(*chain)), 0.0)
    assert told.value.code is ErrorCode.NO_ELIGIBLE_MODEL
