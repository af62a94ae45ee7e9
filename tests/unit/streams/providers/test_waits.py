import httpx
import pytest
from pydantic import JsonValue

from schemas.requests import JsonObject
from streams.providers.waits import MAX_WAIT_S, wait_s
from tests.unit.streams.providers.replies import NOW_S, failure_of

GROQ = {  # console.groq.com/docs/rate-limits: with every response; dirge-code/dirge#719
    "x-ratelimit-limit-requests": "14400",
    "x-ratelimit-remaining-requests": "14369",
    "x-ratelimit-reset-requests": "2m59.56s",
    "x-ratelimit-remaining-tokens": "5997",
    "x-ratelimit-reset-tokens": "7.66s",
}
ANTHROPIC = {"anthropic-ratelimit-requests-reset": "2027-01-15T08:00:09Z"}
RESET_MS = "1800000030000"


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"retry-after": "7"}, 7),
        ({"retry-after": "0.5"}, 0.5),
        ({"retry-after": "-3"}, 0),
        ({"retry-after": "20s"}, 20),
        ({"retry-after": "Fri, 15 Jan 2027 08:00:20 GMT"}, 20),
        ({"retry-after": "Fri, 15 Jan 2027 07:00:00 GMT"}, 0),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "7, 20"}, 20),  # twice, by a gateway and the provider behind it: RFC 9110, section 5.3
        ({"retry-after": "7, soon"}, None),
        ({"retry-after": ", "}, None),
        # draft-ietf-httpapi-ratelimit-headers; huggingface.co, "Rate limits"
        ({"ratelimit": '"api";r=0;t=55'}, 55),
        ({"ratelimit": '"api";r=10;t=55'}, None),
        ({"ratelimit": '"api";r=3;t=55, "day";r=0;t=120'}, 120),
        ({"ratelimit": "limit=100, remaining=0, reset=50"}, 50),
        ({"ratelimit": "r=0"}, None),
        ({"retry-after": ""}, None),
        ({"retry-after": "inf"}, None),
        ({"retry-after": "nan"}, None),
        ({"retry-after": "1e400"}, None),
        ({"retry-after": "86400"}, MAX_WAIT_S),
        ({"retry-after": "Thu, 01 Jan 2099 00:00:00 GMT"}, MAX_WAIT_S),
        ({"retry-after": "Thu, 99 Jan 20999999 00:00:00 GMT"}, None),
        ({"retry-after-ms": "1500", "retry-after": "9"}, 1.5),
        ({"retry-after-ms": "much", "retry-after": "9"}, 9),
        ({"x-ratelimit-reset": "12"}, 12),
        ({"x-ratelimit-reset": "1800000030"}, 30),
        ({"x-ratelimit-reset": "1800000030000"}, 30),
        ({"x-ratelimit-reset-requests": "1s", "x-ratelimit-reset-tokens": "2m10s"}, 130),
        ({"x-ratelimit-reset-requests": "1m2.5s"}, 62.5),
        ({"x-ratelimit-reset-requests": "1h2m3.5s"}, MAX_WAIT_S),
        ({"x-ratelimit-reset-requests": "250ms"}, 0.25),
        ({"x-ratelimit-reset-requests": "", "x-ratelimit-remaining": "0"}, None),
        ({**ANTHROPIC, "anthropic-ratelimit-requests-remaining": "0"}, 9),
        ({**ANTHROPIC, "anthropic-ratelimit-requests-remaining": "3"}, None),
        (GROQ, None),
        ({**GROQ, "x-ratelimit-remaining-tokens": "0"}, 7.66),
        ({**GROQ, "x-ratelimit-remaining-requests": "0", "retry-after": "2"}, 2),
    ],
)  # fmt: skip
def test_every_form_of_a_wait_in_the_headers_is_understood(headers: dict[str, str], seconds: float | None) -> None:
    assert wait_s(headers, None, "", NOW_S) == pytest.approx(seconds)
    names = {name.replace("-", "_"): value for name, value in headers.items()}
    for status in (429, 503):
        assert failure_of({"error": "slow down"}, status, **names).retry_after_s == pytest.approx(seconds)


@pytest.mark.parametrize(
    ("error", "seconds"),
    [
        # Google's RetryInfo: RooCodeInc/Roo-Code#3883, coreply/coreply#18
        ({"details": [{"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "26s"}]}, 26),
        ({"message": "quota", "details": [{"retryDelay": "26.5s"}]}, 26.5),
        ({"message": "Rate limit reached. Please try again in 6.2s. Visit the docs."}, 6.2),
        ({"message": "Rate limit reached. Please try again in 850ms."}, 0.85),
        ({"message": "Please try again in 1m12.5s."}, 72.5),
        ({"message": "Please retry in 26.123456789s."}, 26.123456789),
        ({"message": "Please retry after 6 seconds."}, 6),
        ({"message": "Try again in 2 minutes."}, 120),
        ({"message": "Please try again in 1 minute and 30 seconds."}, 90),
        ({"message": "slow down", "retry_after": 3}, 3),
        ({"message": "slow down", "retry_after_ms": 300}, 0.3),
        ({"metadata": {"headers": {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": RESET_MS}}}, 30),
        ({"metadata": {"headers": {"X-RateLimit-Remaining": "5", "X-RateLimit-Reset": RESET_MS}}}, None),
        ({"message": "Limit 30000 tokens, used 29000, requested 2000."}, None),
        ({"message": "try again later"}, None),
        ({"message": "slow down", "retryDelay": "inf"}, None),
        ({"message": "slow down", "retry_after": True}, None),
        ({"message": "slow down", "retry_after": 1e9}, 0),
    ],
)  # fmt: skip
def test_every_form_of_a_wait_in_the_body_is_understood(error: JsonObject, seconds: float | None) -> None:
    body: JsonValue = [{"error": error}]
    assert failure_of(body, 429).retry_after_s == pytest.approx(seconds)


def test_the_headers_come_before_the_body() -> None:
    body: JsonObject = {"error": {"message": "try again in 60s"}}
    assert failure_of(body, 429, retry_after="2").retry_after_s == 2


@pytest.mark.parametrize("status", [400, 401, 404, 413, 422])
def test_a_refusal_with_headers_of_limits_leaves_the_model_free(status: int) -> None:
    names = {name.replace("-", "_"): value for name, value in {**GROQ, "retry-after": "600"}.items()}
    assert failure_of({"error": "no"}, status, **names).retry_after_s is None
    empty = {**names, "x_ratelimit_remaining_tokens": "0"}
    assert failure_of({"error": "no"}, status, **empty).retry_after_s is None


def test_a_limit_in_a_success_is_waited_for_by_its_body_alone() -> None:
    body: JsonObject = {"error": {"message": "Rate limit exceeded, try again in 4s", "code": 429}}
    assert failure_of(body, 200, retry_after="60").retry_after_s == 4


def test_headers_are_found_in_any_case() -> None:
    assert failure_of({"error": "no"}, 429, Retry_After="3").retry_after_s == 3
    assert httpx.Headers({"Retry-After": "3"})["retry-after"] == "3"
