"""Usage as each provider tells it. The right values are those of the sources; prices play no part here."""

from decimal import Decimal

import pytest
from pydantic import JsonValue

from schemas.requests import JsonObject
from schemas.responses import Usage
from streams.providers.usage import read_usage
from streams.providers.usage_table import FIELDS
from tests.unit.streams.providers.replies import answer_of, completion


def usage_of(**usage: JsonValue) -> Usage | None:
    return answer_of(completion(usage=usage)).usage


def counts(usage: Usage | None) -> tuple[int, int, int | None, int | None, int | None]:
    assert usage is not None
    return (
        usage.input_tokens,
        usage.output_tokens,
        usage.cached_input_tokens,
        usage.cache_write_tokens,
        usage.reasoning_tokens,
    )


PLAIN: JsonObject = {"prompt_tokens": 100, "completion_tokens": 20, "total_tokens": 120}
NO_TOTAL: JsonObject = {"prompt_tokens": 100, "completion_tokens": 20}


@pytest.mark.parametrize(
    ("usage", "read"),
    [
        (PLAIN, (100, 20, None, None, None)),
        (NO_TOTAL, (100, 20, None, None, None)),
        (
            {**PLAIN, "prompt_tokens_details": None, "completion_tokens_details": None},
            (100, 20, None, None, None),
        ),
        (
            {
                **PLAIN,
                "prompt_tokens_details": {"cached_tokens": 4, "audio_tokens": 0},
                "completion_tokens_details": {"reasoning_tokens": 7, "accepted_prediction_tokens": 0},
            },
            (100, 20, 4, None, 7),
        ),
        # xAI, reasoning beside: UKGovernmentBEIS/inspect_ai#5528, BerriAI/litellm#14127
        (
            {
                "prompt_tokens": 32,
                "completion_tokens": 9,
                "total_tokens": 241,
                "completion_tokens_details": {"reasoning_tokens": 200},
            },
            (32, 209, None, None, 200),
        ),
        # Gemini behind OpenAI's dialect, thoughts in the total: mozilla-ai/any-llm#1290, Portkey-AI/gateway#1458
        ({"prompt_tokens": 20, "completion_tokens": 151, "total_tokens": 553}, (20, 533, None, None, None)),
        (
            {
                "prompt_tokens": 100,
                "completion_tokens": 10,
                "total_tokens": 500,
                "prompt_tokens_details": {"cached_tokens": 60},
            },
            (100, 400, 60, None, None),
        ),
        # Moonshot, cached at the top: earendil-works/pi#8119, aallan/vera-bench#97
        (
            {"prompt_tokens": 10_000, "completion_tokens": 10, "total_tokens": 10_010, "cached_tokens": 9000},
            (10_000, 10, 9000, None, None),
        ),
        # DeepSeek, "Context caching"
        (
            {**PLAIN, "prompt_cache_hit_tokens": 64, "prompt_cache_miss_tokens": 36},
            (100, 20, 64, None, None),
        ),
        # OpenRouter and LiteLLM: written tokens; DashScope names them so
        ({**PLAIN, "prompt_tokens_details": {"cached_tokens": 60, "cache_write_tokens": 30}}, (100, 20, 60, 30, None)),
        (
            {**PLAIN, "prompt_tokens_details": {"cached_tokens": 0, "cache_creation_input_tokens": 30}},
            (100, 20, 0, 30, None),
        ),
        # gateways of Anthropic's models: inside or beside, as the total or the sizes say
        (
            {**NO_TOTAL, "cache_read_input_tokens": 70, "cache_creation_input_tokens": 30},
            (100, 20, 70, 30, None),
        ),
        (
            {**NO_TOTAL, "cache_read_input_tokens": 900, "cache_creation_input_tokens": 50},
            (1050, 20, 900, 50, None),
        ),
        (
            {**NO_TOTAL, "total_tokens": 190, "cache_read_input_tokens": 70},
            (170, 20, 70, None, None),
        ),
        (
            {"prompt_tokens_details": {"cached_tokens": 0}, **PLAIN, "cache_read_input_tokens": 70},
            (100, 20, 70, None, None),
        ),
        # Anthropic's own, beside
        (
            {
                "input_tokens": 100,
                "output_tokens": 20,
                "cache_read_input_tokens": 70,
                "cache_creation_input_tokens": 30,
                "service_tier": "standard",
            },
            (200, 20, 70, 30, None),
        ),
        # OpenAI Responses, inside
        (
            {
                "input_tokens": 100,
                "output_tokens": 20,
                "total_tokens": 120,
                "input_tokens_details": {"cached_tokens": 70},
                "output_tokens_details": {"reasoning_tokens": 5},
            },
            (100, 20, 70, None, 5),
        ),
        # Gemini's own: thoughts beside, cached inside, tool use beside
        (
            {
                "promptTokenCount": 100,
                "candidatesTokenCount": 20,
                "thoughtsTokenCount": 30,
                "cachedContentTokenCount": 40,
                "toolUsePromptTokenCount": 5,
                "totalTokenCount": 155,
            },
            (105, 50, 40, None, 30),
        ),
        # Bedrock Converse: beside
        (
            {
                "inputTokens": 100,
                "outputTokens": 20,
                "totalTokens": 220,
                "cacheReadInputTokens": 70,
                "cacheWriteInputTokens": 30,
            },
            (200, 20, 70, 30, None),
        ),
        # Cohere, chat v2: what is billed, and not what the model was given with Cohere's own prompt around it
        (
            {
                "billed_units": {"input_tokens": 5, "output_tokens": 418},
                "tokens": {"input_tokens": 71, "output_tokens": 418},
            },
            (5, 418, None, None, None),
        ),
        # Vercel's AI SDK, "LanguageModelUsage", and its earlier names
        (
            {
                "inputTokens": 100,
                "outputTokens": 60,
                "totalTokens": 160,
                "reasoningTokens": 50,
                "cachedInputTokens": 80,
            },
            (100, 60, 80, None, 50),
        ),
        ({"promptTokens": 100, "completionTokens": 20, "totalTokens": 120}, (100, 20, None, None, None)),
        # as texts
        ({"prompt_tokens": "100.0", "completion_tokens": "20", "total_tokens": "120.0"}, (100, 20, None, None, None)),
        # Anthropic, a cache of five minutes
        (
            {
                "input_tokens": 10,
                "output_tokens": 5,
                "cache_creation_input_tokens": 100,
                "cache_creation": {"ephemeral_5m_input_tokens": 100, "ephemeral_1h_input_tokens": 0},
            },
            (110, 5, None, 100, None),
        ),
        # both ways at once: OpenAI's names with zeros in them
        ({**PLAIN, "input_tokens": 0, "output_tokens": 0}, (100, 20, None, None, None)),
        ({"prompt_tokens": 0, "completion_tokens": 0, "input_tokens": 9, "output_tokens": 3}, (9, 3, None, None, None)),
        ({"prompt_tokens": "100", "completion_tokens": 20.0, "total_tokens": 120}, (100, 20, None, None, None)),
    ],
)
def test_counts_are_read_in_each_providers_words_and_add_up(
    usage: JsonObject, read: tuple[int, int, int | None, int | None, int | None]
) -> None:
    told = usage_of(**usage)
    assert counts(told) == read
    assert told is not None
    assert told.doubt is None


@pytest.mark.parametrize(
    "usage",
    [
        None,
        {},
        [],
        "n/a",
        # strands-agents/harness-sdk#2353
        {"prompt_tokens": None, "completion_tokens": None, "total_tokens": None},
        {"prompt_tokens": 0, "completion_tokens": 0, "total_tokens": 0},
        {"prompt_tokens": -1},
        {"prompt_tokens": True, "completion_tokens": False},
    ],
)
def test_a_usage_that_tells_nothing_is_none_and_the_answer_stays(usage: JsonValue) -> None:
    body = completion()
    body["usage"] = usage
    answer = answer_of(body)
    assert (answer.message.content, answer.usage) == ("an answer", None)


@pytest.mark.parametrize(
    ("usage", "read", "doubt"),
    [
        # less than its parts, more than them with the reasoning told: what is dearer stands
        (
            {"prompt_tokens": 100, "completion_tokens": 20, "total_tokens": 50},
            (100, 20),
            "usage: 100 tokens of input and 20 of output do not add up to the total, 50",
        ),
        (
            {**NO_TOTAL, "total_tokens": 300, "completion_tokens_details": {"reasoning_tokens": 5}},
            (100, 200),
            "usage: 100 tokens of input and 20 of output do not add up to the total, 300",
        ),
        (
            {**PLAIN, "cache_read_input_tokens": 900},
            (1000, 20),
            "usage: 100 tokens of input and 20 of output do not add up to the total, 120",
        ),
        (
            {
                **NO_TOTAL,
                "total_tokens": 127,
                "cached_tokens": None,
                "reasoning_tokens": 7,
                "cache_read_input_tokens": 7,
            },
            (100, 27),
            "usage: the total, 127, can be read in several ways",
        ),
        ({"prompt_tokens": 100}, (100, 3), "usage: no tokens of output are told"),
        ({"prompt_tokens": 100, "completion_tokens": None, "total_tokens": 130}, (100, 30), "usage: no tokens of out"),
        ({"prompt_tokens": 100, "completion_tokens": 0, "total_tokens": 100}, (100, 3), "usage: no tokens of output"),
        ({"completion_tokens": 20, "total_tokens": 120}, (100, 20), "usage: no tokens of input are told"),
        (
            {"prompt_tokens": 100, "completion_tokens": -5, "total_tokens": 120},
            (100, 20),
            "usage: completion_tokens is no count of tokens; no tokens of output are told",
        ),
        ({**PLAIN, "cached_tokens": 10**12}, (100, 20), "usage: cached_tokens is no count of tokens"),
        ({**PLAIN, "cached_tokens": 1.5}, (100, 20), "usage: cached_tokens is no count of tokens"),
    ],
)
def test_what_does_not_add_up_is_read_at_its_dearest_and_doubted(
    usage: JsonObject, read: tuple[int, int], doubt: str
) -> None:
    told = usage_of(**usage)
    assert told is not None
    assert (told.input_tokens, told.output_tokens) == read
    assert told.doubt is not None
    assert told.doubt.startswith(doubt)


@pytest.mark.parametrize(
    "reply",
    [
        {"usageMetadata": {"promptTokenCount": 9, "candidatesTokenCount": 3}},
        {"x_groq": {"usage": {"prompt_tokens": 9, "completion_tokens": 3}}},
        {"choices": [{"usage": {"prompt_tokens": 9, "completion_tokens": 3}}]},  # Moonshot, streamed
        {"prompt_eval_count": 9, "eval_count": 3},
        {"usage": {}, "meta": {"usage": {"tokens": {"input_tokens": 9, "output_tokens": 3}}}},
    ],
)
def test_a_usage_is_found_wherever_a_reply_holds_it(reply: JsonObject) -> None:
    assert counts(read_usage(reply, str))[:2] == (9, 3)


@pytest.mark.parametrize(
    ("usage", "cost"),
    [
        ({"cost": 0.5}, "0.5"),  # OpenRouter: BerriAI/litellm#38802
        ({"estimated_cost": 1.25e-05}, "0.0000125"),  # DeepInfra
        ({"cost": {"input_tokens_cost": 0.001, "total_cost": 0.006}}, "0.006"),  # Perplexity
        ({"cost_in_usd_ticks": 158_500_000}, "0.01585"),  # xAI
        ({"cost": "0.25"}, "0.25"),
        # OpenRouter, "Usage accounting": the operator's own key pays the provider behind
        ({"cost": 0.0005, "is_byok": True, "cost_details": {"upstream_inference_cost": 0.01}}, "0.0105"),
        ({"cost": 0.01, "is_byok": False, "cost_details": {"upstream_inference_cost": 0.01}}, "0.01"),
        ({"cost": 0.01, "is_byok": True, "cost_details": {"upstream_inference_cost": None}}, "0.01"),
        ({"cost": 0}, "0"),
        ({"cost": None}, None),
        ({"cost": -1}, None),
        ({"cost": 1e40}, None),
        ({"cost": "free"}, None),
        ({"cost": True}, None),
        ({"cost": []}, None),
    ],
)
def test_the_providers_own_cost_is_kept(usage: JsonObject, cost: str | None) -> None:
    told = usage_of(**PLAIN, **usage)
    assert told is not None
    assert told.provider_cost_usd == (None if cost is None else Decimal(cost))
    assert told.doubt is None


def test_the_service_tier_that_an_answer_names_is_kept() -> None:
    # BerriAI/litellm#37046, langfuse/langfuse#13780
    answer = answer_of(completion(top={"service_tier": "priority"}))
    assert answer.usage is not None
    assert answer.usage.service_tier == "priority"
    told = usage_of(input_tokens=9, output_tokens=3, service_tier="batch")
    assert told is not None
    assert told.service_tier == "batch"
    assert answer_of(completion(top={"service_tier": None})).usage == answer_of(completion()).usage


@pytest.mark.parametrize("details", ["prompt_tokens_details", "completion_tokens_details"])
def test_tokens_of_audio_have_no_known_price(details: str) -> None:
    heard: JsonObject = {details: {"audio_tokens": 1}}
    told = usage_of(**PLAIN, **heard)
    assert told is not None
    assert told.doubt == "usage: tokens of audio are told, whose price is not known"
    silent: JsonObject = {details: {"audio_tokens": 0}}
    none = usage_of(**PLAIN, **silent)
    assert none is not None
    assert none.doubt is None


@pytest.mark.parametrize(
    ("usage", "what"),
    [
        # ai.google.dev, "Pricing": audio that is heard or spoken, and images that are drawn, have prices of their own
        ({"promptTokensDetails": [{"modality": "AUDIO", "tokenCount": 90}]}, "audio"),
        ({"candidatesTokensDetails": [{"modality": "AUDIO", "tokenCount": 9}]}, "audio"),
        ({"candidatesTokensDetails": [{"modality": "IMAGE", "tokenCount": 9}]}, "drawn images"),
    ],
)
def test_tokens_of_a_modality_with_a_price_of_its_own_are_doubted(usage: JsonObject, what: str) -> None:
    plain: JsonObject = {"promptTokenCount": 100, "candidatesTokenCount": 20, "totalTokenCount": 120}
    told = read_usage({"usageMetadata": {**plain, **usage}}, str)
    assert told is not None
    assert told.doubt == f"usage: tokens of {what} are told, whose price is not known"
    (name,) = usage
    none = read_usage({"usageMetadata": {**plain, name: [{"modality": "TEXT", "tokenCount": 100}]}}, str)
    assert none is not None
    assert none.doubt is None


def test_a_cache_of_an_hour_has_no_known_price() -> None:
    # platform.claude.com, "Prompt caching": twice the price of input, where five minutes are one and a quarter
    told = usage_of(
        input_tokens=10,
        output_tokens=5,
        cache_creation_input_tokens=100,
        cache_creation={"ephemeral_5m_input_tokens": 0, "ephemeral_1h_input_tokens": 100},
    )
    assert told is not None
    assert (told.input_tokens, told.cache_write_tokens) == (110, 100)
    assert told.doubt == "usage: tokens written to a cache for an hour are told, whose price is not known"


def test_every_field_of_the_table_is_read_alone() -> None:
    for field in FIELDS:
        usage: JsonObject = {"prompt_tokens": 100, "completion_tokens": 20}
        inner: JsonObject = usage
        for name in field.path[:-1]:
            inner[name] = inner = {}
        inner[field.path[-1]] = 110
        assert usage_of(**usage) is not None, field


def test_a_fields_name_stands_in_the_table_once() -> None:
    assert len({field.path for field in FIELDS}) == len(FIELDS)
