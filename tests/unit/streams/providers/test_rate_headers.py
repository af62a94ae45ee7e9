import httpx
import pytest

from schemas.vocabulary import AccountLimit
from streams.providers.rate_headers import told_limits

OPENAI = {
    "x-ratelimit-limit-requests": "60",
    "x-ratelimit-limit-tokens": "150000",
    "x-ratelimit-remaining-requests": "59",
    "x-ratelimit-remaining-tokens": "149984",
    "x-ratelimit-reset-requests": "1s",
    "x-ratelimit-reset-tokens": "6m0s",
}
"""The sample values of platform.openai.com, "Rate limits in headers"."""
ANTHROPIC = {
    "anthropic-ratelimit-requests-limit": "50",
    "anthropic-ratelimit-requests-remaining": "49",
    "anthropic-ratelimit-input-tokens-limit": "30000",
    "anthropic-ratelimit-output-tokens-limit": "8000",
    "anthropic-ratelimit-tokens-limit": "38000",
}
"""Names: docs.anthropic.com, "Rate limits", "Response headers"; values: its tier 1."""


def test_openais_headers_tell_requests_and_tokens() -> None:
    told = told_limits(httpx.Headers(OPENAI))
    assert told == {AccountLimit.REQUESTS: 60, AccountLimit.TOKENS: 150_000}


def test_anthropics_headers_tell_input_and_output_apart() -> None:
    assert told_limits(httpx.Headers({name.title(): value for name, value in ANTHROPIC.items()})) == {
        AccountLimit.REQUESTS: 50,
        AccountLimit.TOKENS: 38_000,
        AccountLimit.INPUT_TOKENS: 30_000,
        AccountLimit.OUTPUT_TOKENS: 8_000,
    }


@pytest.mark.parametrize("value", ["", "-1", "1.5", "many", "9" * 40, "٣", "60, 60;w=60"])
def test_what_is_no_count_is_passed_over(value: str) -> None:
    assert told_limits({"x-ratelimit-limit-requests": value}) == {}
