"""Counts the tokens of a call, which are what it is charged for and what its answer tells. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil

import orjson

from sandbox.provider.answers import count_tokens
from sandbox.provider.ask import Ask, MediaKind, Medium
from sandbox.provider.models import TokenCounts
from sandbox.provider.outcome import Answer

MESSAGE_OVERHEAD_TOKENS = 4
"""Role and separators of one message, as OpenAI's cookbook counts them."""

NAME_OVERHEAD_TOKENS = 1
"""Of a message that has a name; the same source."""

REPLY_OVERHEAD_TOKENS = 3
"""Every reply is primed with these."""

IMAGE_TOKENS = 765
"""An image of 1024 x 1024 at high detail: 85 + 4 x 170, by OpenAI's guide to images and vision."""

FILE_TOKENS = 3_000
"""A page of a PDF at most, by Anthropic's guide to PDF support."""

AUDIO_BYTES_PER_TOKEN = 1_600
"""OpenAI counts 10 tokens a second; an MP3 of 128 kbit/s has 16,000 bytes of it."""


@dataclass(frozen=True, slots=True)
class Division:
    """Which parts of the tokens are drawn by lot, where nothing else says how large they are."""

    cached: bool = False
    written: bool = False
    reasoning: bool = False


def count_input_tokens(ask: Ask) -> int:
    """Count the tokens of a request: contents, tool calls, definitions, schema, media and the chat's own overhead.

    What is to be embedded has no overhead.
    """
    if ask.vectors is not None:
        return sum(count_tokens(turn.text) + turn.token_ids for turn in ask.turns)
    tokens = REPLY_OVERHEAD_TOKENS
    for turn in ask.turns:
        tokens += MESSAGE_OVERHEAD_TOKENS + count_tokens(turn.text)
        if turn.tool_calls:
            tokens += count_tokens(turn.tool_calls)
        if turn.name:
            tokens += NAME_OVERHEAD_TOKENS + count_tokens(turn.name)
        tokens += sum(_tokens_of(medium) for medium in turn.media)
    tokens += sum(count_tokens(function.definition) for function in ask.functions)
    if ask.schema is not None:
        tokens += count_tokens(orjson.dumps(ask.schema).decode())
    return tokens


def measure(
    ask: Ask, answers: Sequence[Answer], choice: bytes, division: Division, *, predicts: bool = False
) -> TokenCounts:
    """Count the tokens of a call; `choice` is the lot, `predicts` rejects and counts the request's prediction."""
    input_tokens = count_input_tokens(ask)
    said = sum(answer.output_tokens for answer in answers)
    thought = sum(answer.thought_tokens for answer in answers)
    heard = sum(_tokens_of(item) for turn in ask.turns for item in turn.media if item.kind is MediaKind.AUDIO)
    rejected = count_tokens(ask.prediction) if predicts and ask.prediction else 0
    if ask.output_limit is not None:
        rejected = min(rejected, max(ask.output_limit * ask.choices - said, 0))
    cached = (input_tokens - heard) * choice[2] // 256 if division.cached else 0
    written = (input_tokens - heard - cached) * choice[3] // 256 if division.written else 0
    reasoning = thought or (said * choice[4] // 256 if division.reasoning else 0)
    return TokenCounts(
        input_tokens=input_tokens,
        output_tokens=said + rejected,
        cached_input_tokens=cached,
        cache_write_tokens=written,
        reasoning_tokens=reasoning,
        audio_input_tokens=heard,
        audio_output_tokens=said - reasoning if ask.speaks else 0,
        rejected_tokens=rejected,
    )


def _tokens_of(medium: Medium) -> int:
    match medium.kind:
        case MediaKind.IMAGE:
            return IMAGE_TOKENS
        case MediaKind.FILE:
            return FILE_TOKENS
        case MediaKind.AUDIO:
            return max(1, ceil(medium.size_bytes / AUDIO_BYTES_PER_TOKEN))
