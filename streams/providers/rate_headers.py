"""The limits of an account as the provider tells them in its headers. They are shown; what is heeded is configured.

Sources: `x-ratelimit-limit-*` OpenAI and Azure OpenAI (platform.openai.com, "Rate limits");
`anthropic-ratelimit-*-limit` Anthropic (docs.anthropic.com, "Rate limits").

Groq sends OpenAI's names too, and means a day by the one of requests (console.groq.com, "Rate limits").
"""

from collections.abc import Mapping

from schemas.vocabulary import AccountLimit

HEADERS: tuple[tuple[str, AccountLimit], ...] = (
    ("x-ratelimit-limit-requests", AccountLimit.REQUESTS),
    ("x-ratelimit-limit-tokens", AccountLimit.TOKENS),
    ("anthropic-ratelimit-requests-limit", AccountLimit.REQUESTS),
    ("anthropic-ratelimit-tokens-limit", AccountLimit.TOKENS),
    ("anthropic-ratelimit-input-tokens-limit", AccountLimit.INPUT_TOKENS),
    ("anthropic-ratelimit-output-tokens-limit", AccountLimit.OUTPUT_TOKENS),
)
MOST = 10**12
"""Larger numbers are no limits."""
_DIGITS = len(str(MOST))


def told_limits(headers: Mapping[str, str]) -> Mapping[AccountLimit, int]:
    """Return what the headers tell; case does not count when one is looked up. What is no count is passed over."""
    told: dict[AccountLimit, int] = {}
    for header, limit in HEADERS:
        text = headers.get(header)
        if text is not None and len(text) <= _DIGITS and text.isascii() and text.isdigit() and int(text) <= MOST:
            told[limit] = int(text)
    return told
