import httpx
import orjson
import pytest

from router.errors import DISPOSITIONS, Answer, UpstreamFailure
from schemas.responses import Usage
from schemas.vocabulary import AttemptOutcome
from streams.providers.outcomes import (
    CODE_OUTCOMES,
    DETAIL_CHARS,
    ERROR_OUTCOMES,
    STATUS_OUTCOMES,
    from_exception,
    from_response,
    retry_after_s,
)

NOW_S = 1_800_000_000.0  # 2027-01-15T08:00:00Z
COMPLETION = {
    "id": "chatcmpl-1",
    "model": "alpha-2026",
    "choices": [{"message": {"role": "assistant", "content": "Hello."}, "finish_reason": "stop"}],
    "usage": {
        "prompt_tokens": 10,
        "completion_tokens": 20,
        "prompt_tokens_details": {"cached_tokens": 4},
        "completion_tokens_details": {"reasoning_tokens": 7},
    },
}


def outcome_of(status_code: int, body: object, **headers: str) -> Answer | UpstreamFailure:
    content = body if isinstance(body, bytes) else orjson.dumps(body)
    return from_response(status_code, httpx.Headers(headers), content, NOW_S)


def failure_of(status_code: int, body: object = None, **headers: str) -> UpstreamFailure:
    result = outcome_of(status_code, body, **headers)
    assert isinstance(result, UpstreamFailure)
    return result


def test_every_outcome_of_the_tables_has_a_disposition() -> None:
    outcomes = {*STATUS_OUTCOMES.values(), *CODE_OUTCOMES.values(), *(outcome for _, outcome in ERROR_OUTCOMES)}
    assert outcomes <= set(DISPOSITIONS)


def test_an_answer_is_read_with_its_usage() -> None:
    answer = outcome_of(200, COMPLETION)
    assert isinstance(answer, Answer)
    assert (answer.message.content, answer.finish_reason) == ("Hello.", "stop")
    assert (answer.response_model, answer.response_id) == ("alpha-2026", "chatcmpl-1")
    assert answer.usage == Usage(input_tokens=10, output_tokens=20, cached_input_tokens=4, reasoning_tokens=7)


def test_the_role_that_a_provider_names_is_kept() -> None:
    answer = outcome_of(200, {**COMPLETION, "choices": [{"message": {"role": "model", "content": "Hello."}}]})
    assert isinstance(answer, Answer)
    assert answer.message.role == "model"


def test_an_answer_without_usage_is_an_answer() -> None:
    answer = outcome_of(200, {**COMPLETION, "usage": None})
    assert isinstance(answer, Answer)
    assert answer.usage is None


@pytest.mark.parametrize(
    ("status_code", "outcome"),
    [
        (400, AttemptOutcome.INVALID_REQUEST),
        (401, AttemptOutcome.AUTHENTICATION),
        (402, AttemptOutcome.AUTHENTICATION),
        (403, AttemptOutcome.AUTHENTICATION),
        (404, AttemptOutcome.UNAVAILABLE),
        (408, AttemptOutcome.TIMEOUT),
        (413, AttemptOutcome.CONTEXT_TOO_LONG),
        (422, AttemptOutcome.INVALID_REQUEST),
        (429, AttemptOutcome.RATE_LIMITED),
        (500, AttemptOutcome.UNAVAILABLE),
        (503, AttemptOutcome.UNAVAILABLE),
        (529, AttemptOutcome.UNAVAILABLE),
        (302, AttemptOutcome.UNAVAILABLE),
    ],
)
def test_a_status_code_has_its_category_and_is_not_charged(status_code: int, outcome: AttemptOutcome) -> None:
    failure = failure_of(status_code, {"error": {"code": None, "message": "no"}})
    assert (failure.category, failure.status_code) == (outcome, status_code)
    assert not failure.maybe_charged
    assert failure.detail == f"HTTP {status_code}: no"


@pytest.mark.parametrize(("code", "outcome"), CODE_OUTCOMES.items())
def test_the_code_says_more_than_the_status(code: str, outcome: AttemptOutcome) -> None:
    assert failure_of(400, {"error": {"code": code, "message": "no"}}).category is outcome
    assert failure_of(429, {"error": {"code": code, "message": "no"}}).category is outcome


@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b'{"error": "plain"}', b'{"error": null}', b"\xff"])
def test_an_error_in_any_other_form_is_still_an_error(body: bytes) -> None:
    assert failure_of(500, body).detail == "HTTP 500: no error object in the body"


def test_what_the_provider_says_is_shortened() -> None:
    assert len(failure_of(500, {"error": {"message": "x" * 5000}}).detail) == DETAIL_CHARS


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (b"{", "the body is not JSON"),
        (b"[]", "body: Input should be"),
        ({"choices": []}, "choices: empty"),
        ({"choices": [{"message": {"content": 7}}]}, "choices.0.message.content: "),
        ({}, "choices: Field required"),
    ],
)
def test_an_unusable_answer_is_malformed_and_may_have_been_charged(body: object, why: str) -> None:
    failure = failure_of(200, body)
    assert failure.category is AttemptOutcome.MALFORMED
    assert failure.maybe_charged
    assert failure.detail.startswith(why)


@pytest.mark.parametrize(
    ("told", "usage"),
    [
        ({}, (100, None, None)),
        ({"prompt_tokens_details": {"cached_tokens": 0}}, (100, 0, None)),
        ({"prompt_tokens_details": {"cached_tokens": 60, "cache_write_tokens": 30}}, (100, 60, 30)),
        ({"prompt_cache_hit_tokens": 64, "prompt_cache_miss_tokens": 36}, (100, 64, None)),
        (
            {
                "prompt_tokens_details": {"cached_tokens": 0},
                "cache_read_input_tokens": 70,
                "cache_creation_input_tokens": 30,
            },
            (100, 70, 30),
        ),
        ({"cache_read_input_tokens": 900, "cache_creation_input_tokens": 50}, (1050, 900, 50)),
    ],
)
def test_cached_tokens_are_read_in_each_providers_words_and_are_part_of_the_input(
    told: dict[str, object], usage: tuple[int, int | None, int | None]
) -> None:
    plain: dict[str, object] = {"prompt_tokens": 100, "completion_tokens": 20}
    answer = outcome_of(200, {**COMPLETION, "usage": plain | told})
    assert isinstance(answer, Answer)
    assert answer.usage is not None
    counted = answer.usage
    assert (counted.input_tokens, counted.cached_input_tokens, counted.cache_write_tokens) == usage
    assert counted.output_tokens == 20


def test_a_negative_count_is_malformed() -> None:
    failure = failure_of(200, {**COMPLETION, "usage": {"prompt_tokens": -1, "completion_tokens": 20}})
    assert (failure.category, failure.usage) == (AttemptOutcome.MALFORMED, None)


def test_an_unusable_answer_with_usage_is_metered() -> None:
    assert failure_of(200, {**COMPLETION, "choices": []}).usage == Usage(
        input_tokens=10, output_tokens=20, cached_input_tokens=4, reasoning_tokens=7
    )
    assert failure_of(200, {"choices": 1, "usage": COMPLETION["usage"]}).usage is not None


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"retry-after": "7"}, 7),
        ({"retry-after": "0.5"}, 0.5),
        ({"retry-after": "-3"}, 0),
        ({"retry-after": "Fri, 15 Jan 2027 08:00:20 GMT"}, 20),
        ({"retry-after": "Fri, 15 Jan 2027 07:00:00 GMT"}, 0),
        ({"retry-after": "soon"}, None),
        ({"retry-after-ms": "1500", "retry-after": "9"}, 1.5),
        ({"retry-after-ms": "much", "retry-after": "9"}, 9),
        ({"x-ratelimit-reset": "12"}, 12),
        ({"x-ratelimit-reset": "1800000030"}, 30),
        ({"x-ratelimit-reset": "1800000030000"}, 30),
        ({"x-ratelimit-reset-requests": "1s", "x-ratelimit-reset-tokens": "6m0s"}, 360),
        ({"x-ratelimit-reset-requests": "1h2m3.5s"}, 3723.5),
        ({"x-ratelimit-reset-requests": "250ms"}, 0.25),
        ({"x-ratelimit-reset-requests": "", "x-ratelimit-remaining": "0"}, None),
    ],
)
def test_every_form_of_retry_after_is_understood(headers: dict[str, str], seconds: float | None) -> None:
    assert retry_after_s(httpx.Headers(headers), NOW_S) == pytest.approx(seconds)
    assert failure_of(429, **headers).retry_after_s == pytest.approx(seconds)


def test_an_error_of_the_transport_does_not_repeat_the_address() -> None:
    failure = from_exception(httpx.ReadError("secret.example refused", request=None))
    assert (failure.category, failure.detail) == (AttemptOutcome.DISCONNECTED, "ReadError")
    assert failure.maybe_charged


@pytest.mark.parametrize("error", [httpx.ConnectError("refused"), httpx.ConnectTimeout("late")])
def test_what_was_never_sent_was_never_charged(error: httpx.RequestError) -> None:
    failure = from_exception(error)
    assert failure.category is AttemptOutcome.UNREACHABLE
    assert not failure.maybe_charged


def test_a_timeout_may_have_been_charged() -> None:
    failure = from_exception(httpx.ReadTimeout("late"))
    assert failure.category is AttemptOutcome.TIMEOUT
    assert failure.maybe_charged
