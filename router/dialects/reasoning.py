"""OpenAI's `reasoning_effort` as a budget of tokens, for vendors who want one."""

from pydantic import JsonValue

from router.dialects.dialect import Untranslatable

BUDGETS = {"minimal": 1_024, "low": 1_024, "medium": 8_192, "high": 24_576, "xhigh": 24_576}
"""Source: Google's own endpoint for OpenAI's clients, ai.google.dev, "OpenAI compatibility"."""
LEAST = 1_024
"""Anthropic's least. Source: platform.claude.com, "Extended thinking"."""


def budget_for(effort: JsonValue, max_tokens: int) -> int:
    """Return the tokens to think with: at most half of the answer's, so that the other half is left to answer with.

    Raises:
        Untranslatable: the effort is none of OpenAI's, or half of the answer is less than a vendor takes.
    """
    if effort == "none":
        return 0
    if not isinstance(effort, str) or effort not in BUDGETS:
        raise Untranslatable(f"reasoning_effort: {effort!r} is known to no other dialect")
    budget = min(BUDGETS[effort], max_tokens // 2)
    if budget < LEAST:
        raise Untranslatable(f"reasoning_effort: needs {2 * LEAST} max_tokens, half of them to think with")
    return budget
