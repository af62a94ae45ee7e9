"""The provider's cache of prompts: what it has read of a prompt before, it charges less for. Pure: time is an argument.

As the vendors describe it: only what stands at the beginning of a prompt, from 1,024 tokens on, by model and account,
for five minutes after it was used last. Anthropic's dialects cache up to the marks of a request, and writing has a
price of its own; OpenAI's and Gemini's cache whatever they read, in steps of 128 tokens, where the request happens to
go: a `prompt_cache_key` sends all of one key to the same machine. Sources: Anthropic's and OpenAI's guides "Prompt
caching".
"""

import hashlib
from collections.abc import Iterator
from itertools import accumulate
from typing import NamedTuple

from sandbox.provider.answers import count_tokens
from sandbox.provider.ask import Ask
from sandbox.provider.metering import MESSAGE_OVERHEAD_TOKENS

MIN_TOKENS = 1_024
TTL_S = 300.0
STEP_TOKENS = 128
MACHINES = 4
"""Where requests without a key go, each by chance."""


class Found(NamedTuple):
    """What of a prompt was read from the cache, and what was written into it."""

    read_tokens: int
    written_tokens: int


class _Mark(NamedTuple):
    digest: str
    tokens: int


class PromptCaches:
    """All models' caches."""

    def __init__(self, ttl_s: float = TTL_S) -> None:
        self._ttl_s = ttl_s
        self._until: dict[tuple[str, ...], float] = {}

    def take(self, ask: Ask, place: tuple[str, ...], lot: int, now_s: float, *, by_itself: bool) -> Found:
        """Look a prompt up, and keep what may be kept of it.

        Args:
            ask: the request.
            place: model and account, which have caches of their own.
            lot: chooses the machine of a request without a key.
            now_s: the moment.
            by_itself: whether the dialect caches without marks, and charges nothing for it.
        """
        if by_itself:
            place = (*place, ask.cache_key or f"machine {lot % MACHINES}")
        marks = [mark for mark in _marks(ask, by_itself=by_itself) if mark.tokens >= MIN_TOKENS]
        live = [mark.tokens for mark in marks if self._until.get((*place, mark.digest), 0.0) > now_s]
        read = max(live, default=0)
        for mark in marks:
            self._until[*place, mark.digest] = now_s + self._ttl_s
        if by_itself:
            return Found(read - read % STEP_TOKENS, 0)
        longest = max((mark.tokens for mark in marks), default=0)
        return Found(read, longest - read)


def _marks(ask: Ask, *, by_itself: bool) -> Iterator[_Mark]:
    """Give the places up to which a prompt may be cached."""
    parts = [(function.definition, count_tokens(function.definition)) for function in ask.functions]
    for turn in ask.turns:
        text = f"{turn.text}\x1f{turn.tool_calls}\x1f{turn.name}"
        parts.append((text, MESSAGE_OVERHEAD_TOKENS + count_tokens(turn.text) + count_tokens(turn.tool_calls)))
    digest = hashlib.blake2b(digest_size=16)
    tokens = accumulate(count for _, count in parts)
    for number, ((text, _), so_far) in enumerate(zip(parts, tokens, strict=True), start=1):
        digest.update(text.encode() + b"\x1e")
        if by_itself or number in ask.cache_marks:
            yield _Mark(digest.hexdigest(), so_far)
