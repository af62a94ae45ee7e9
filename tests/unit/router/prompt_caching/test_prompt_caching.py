"""Which requests share a prefix, when it pays to have it cached, and what the provider is told."""

from dataclasses import replace
from decimal import Decimal

import pytest

from router.catalogue import Account, Price
from router.dialects.anthropic import AnthropicMessages
from router.dialects.bedrock import Converse
from router.dialects.chat import ChatCompletions
from router.dialects.dialect import Asked
from router.dialects.wire import DialectName, Wire
from router.models.pool import ModelPool
from router.prompt_caching.marking import prepared
from router.prompt_caching.memory import (
    MOST,
    TTL_S,
    PrefixMemory,
    PromptCache,
    caches,
    pays,
    prompt_cache_of,
    saving_usd,
)
from router.prompt_caching.prefix import Prefix, prefix_of, says_what_to_cache
from schemas.requests import JsonObject, Request
from schemas.vocabulary import Policy
from tests.stage import ALPHA, ANSWER, BETA, NOW_S, Play, make_catalogue

LONG = "The warranty covers parts and labour for two years from the day of purchase. " * 80
LIST = Price(Decimal(3), Decimal(15), Decimal("0.3"), Decimal("3.75"))
"""Anthropic's, of a Sonnet: reading costs a tenth, writing a quarter more."""
CLAUDE = replace(ALPHA, name="claude", price=LIST, wire=Wire(DialectName.ANTHROPIC, prompt_cache=True))
GPT = replace(ALPHA, name="gpt", price=Price(Decimal(2), Decimal(8), Decimal("0.5")), wire=Wire(prompt_cache=True))
PREFIX = Prefix("5f" * 16, 1_500)
TOOL: JsonObject = {"type": "function", "function": {"name": "find", "description": LONG, "parameters": {}}}
MARKED = PromptCache(PREFIX.key, is_marked=True)


def ask(**fields: object) -> Request:
    return Request.model_validate({"prompt": "When does it end?", "system_prompt": LONG, **fields})


def test_requests_that_begin_alike_share_a_prefix_whatever_follows() -> None:
    one, other = prefix_of(ask(), "acme"), prefix_of(ask(prompt="And for parts?"), "acme")
    assert one == other
    assert one is not None
    assert 1_024 <= one.tokens < 2_000
    told = [{"role": "system", "content": LONG}, {"role": "user", "content": "When?"}]
    assert prefix_of(Request.model_validate({"messages": told}), "acme") == one


def test_a_prefix_is_one_tenants_and_changes_with_whatever_stands_in_it() -> None:
    found = (
        prefix_of(ask(), "acme"),
        prefix_of(ask(), "globex"),
        prefix_of(ask(system_prompt=LONG + "!"), "acme"),
        prefix_of(ask(tools=[TOOL]), "acme"),
    )
    assert len({prefix.key for prefix in found if prefix is not None}) == 4


def test_what_is_too_short_for_a_cache_has_none() -> None:
    assert prefix_of(ask(system_prompt="Be brief."), "acme") is None
    assert prefix_of(Request.model_validate({"prompt": LONG}), "acme") is None
    assert prefix_of(ask(system_prompt=None, tools=[{**TOOL, "function": {"name": "f"}}]), "acme") is None


def test_reads_are_expected_as_often_as_there_were_requests_in_five_minutes() -> None:
    memory = PrefixMemory()
    assert memory.expected_reads(PREFIX, NOW_S) == 0
    for number in range(200):
        memory.called(PREFIX, CLAUDE, None, NOW_S + 10 * number)
    assert memory.expected_reads(PREFIX, NOW_S + 2_000) == pytest.approx(TTL_S / 10, rel=0.05)
    assert memory.expected_reads(PREFIX, NOW_S + 2_000 + 5 * TTL_S) < 0.3


def test_a_write_is_paid_for_if_the_reads_that_are_expected_save_twice_as_much() -> None:
    break_even = 2 * 0.75 / 2.7  # twice the surcharge of a write over the saving of a read
    assert pays(LIST, break_even + 0.001)
    assert not pays(LIST, break_even - 0.001)
    assert pays(Price(Decimal(2), Decimal(8), Decimal("0.5")), 0.0), "writing costs what any input does"


def test_nothing_pays_where_reading_costs_the_same() -> None:
    plain = Price(Decimal(3), Decimal(15))
    assert not pays(plain, 1_000)
    assert not pays(Price(Decimal(3), Decimal(15), Decimal(3)), 1_000)
    assert not caches(CLAUDE, plain)
    assert not caches(CLAUDE, None)


def test_what_is_read_from_the_cache_saves_the_difference() -> None:
    assert saving_usd(LIST, 1_000_000) == Decimal("2.7")
    assert saving_usd(Price(Decimal(3), Decimal(15)), 1_000_000) == 0


def test_the_first_request_is_expected_to_be_the_last_and_a_warm_prefix_keeps_its_mark() -> None:
    memory = PrefixMemory()

    def is_marked(now_s: float) -> bool:
        told = prompt_cache_of(PREFIX, CLAUDE, LIST, memory, now_s)
        memory.called(PREFIX, CLAUDE, None, now_s, marked=told is not None)
        return told is not None

    assert [is_marked(NOW_S + seconds) for seconds in (0, 60, 120, 1_000, 1_001)] == [False, True, True, False, True]
    assert not memory.is_warm(PREFIX, replace(CLAUDE, name="other"), NOW_S + 1_002)


def test_a_prefix_that_comes_once_in_an_hour_is_never_written() -> None:
    memory = PrefixMemory()
    for hour in range(10):
        now_s = NOW_S + 3600 * hour
        assert prompt_cache_of(PREFIX, CLAUDE, LIST, memory, now_s) is None
        memory.called(PREFIX, CLAUDE, None, now_s)


def test_a_provider_that_is_not_told_to_cache_is_told_nothing_and_has_nothing_warm() -> None:
    memory, silent = PrefixMemory(), replace(CLAUDE, wire=Wire(DialectName.ANTHROPIC))
    for _ in range(10):
        memory.called(PREFIX, silent, None, NOW_S)
    assert prompt_cache_of(PREFIX, silent, LIST, memory, NOW_S) is None
    assert not memory.is_warm(PREFIX, silent, NOW_S)


def test_a_key_costs_nothing_and_goes_with_every_request() -> None:
    told = prompt_cache_of(PREFIX, GPT, GPT.price, PrefixMemory(), NOW_S)
    assert told == PromptCache(PREFIX.key, is_marked=False)


def test_memory_is_bounded() -> None:
    memory = PrefixMemory()
    for number in range(MOST + 10):
        memory.called(Prefix(f"{number:032x}", 2_000), GPT, None, NOW_S)
    assert len(memory) == MOST
    assert not memory.is_warm(Prefix(f"{0:032x}", 2_000), GPT, NOW_S)


def test_anthropic_is_told_where_the_system_prompt_ends() -> None:
    body = AnthropicMessages().body(Asked(prepared(ask(), MARKED, DialectName.ANTHROPIC), "claude", 100))
    assert body["system"] == [{"type": "text", "text": LONG, "cache_control": {"type": "ephemeral"}}]
    assert body["messages"] == [{"role": "user", "content": "When does it end?"}]


def marks(places: object) -> list[bool]:
    assert isinstance(places, list)
    return ["cache_control" in place for place in places]


def test_the_mark_stands_on_the_last_of_several_system_messages_and_else_on_the_last_tool() -> None:
    said = [*({"role": "system", "content": text} for text in ("One.", LONG)), {"role": "user", "content": "When?"}]
    request = Request.model_validate({"messages": said, "tools": [TOOL, TOOL]})
    body = AnthropicMessages().body(Asked(prepared(request, MARKED, DialectName.ANTHROPIC), "claude", 100))
    assert (marks(body["system"]), marks(body["tools"])) == ([False, True], [False, False])
    tools_alone = Request.model_validate({"prompt": "When?", "tools": [TOOL, TOOL]})
    body = AnthropicMessages().body(Asked(prepared(tools_alone, MARKED, DialectName.ANTHROPIC), "claude", 100))
    assert marks(body["tools"]) == [False, True]


def test_bedrock_gets_a_cache_point() -> None:
    body = Converse().body(Asked(prepared(ask(), MARKED, DialectName.BEDROCK), "claude", 100))
    assert body["system"] == [{"text": LONG}, {"cachePoint": {"type": "default"}}]


def test_openai_gets_a_key_and_no_mark() -> None:
    request = prepared(ask(parameters={"seed": 7}), PromptCache(PREFIX.key, is_marked=False), DialectName.CHAT)
    body = ChatCompletions().body(Asked(request, "gpt", 100))
    assert (body["prompt_cache_key"], body["seed"]) == (PREFIX.key, 7)
    assert "cache_control" not in str(body)


@pytest.mark.parametrize(
    "own",
    [
        {"parameters": {"prompt_cache_key": "mine"}},
        {"tools": [{**TOOL, "cache_control": {"type": "ephemeral"}}]},
        {
            "system_prompt": None,
            "prompt": None,
            "messages": [{"role": "user", "content": [{"type": "text", "text": "x", "cache_control": {}}]}],
        },
    ],
)
def test_a_request_that_says_itself_what_to_cache_is_left_as_it_is(own: dict[str, object]) -> None:
    request = ask(**own)
    assert says_what_to_cache(request)
    for dialect in DialectName:
        assert prepared(request, MARKED, dialect) is request


def test_a_mark_changes_nothing_of_what_is_asked() -> None:
    plain, marked = ask(), prepared(ask(), MARKED, DialectName.ANTHROPIC)
    assert marked.question == plain.question
    said = {"prompt", "system_prompt", "messages"}
    assert marked.model_dump(exclude=said) == plain.model_dump(exclude=said)


def test_a_prefix_stays_with_the_account_that_has_it_while_that_may_be_called() -> None:
    catalogue = replace(make_catalogue(GPT), accounts={GPT.provider_name: (Account("a"), Account("b"))})
    pool = ModelPool(catalogue)

    def account(request: Request) -> str | None:
        play = Play(catalogue, request, pool=pool)
        play.start()
        play.answer(ANSWER)
        return play.calls[0].account

    assert len({account(ask()) for _ in range(6)}) == 1
    assert {account(ask(system_prompt=None)) for _ in range(4)} == {"a", "b"}


def test_a_warm_prefix_keeps_the_model_that_has_it_though_another_were_cheaper_without() -> None:
    dear = replace(BETA, price=Price(Decimal("2.2"), Decimal(2), Decimal("0.2")))
    cheap = replace(ALPHA, price=Price(Decimal(2), Decimal(2)))
    catalogue = replace(make_catalogue(cheap, dear, floor=1), default_policy=Policy.VALUE, quality_slack=1.0)
    pool = ModelPool(catalogue)
    prefix = prefix_of(ask(), "default")
    assert prefix is not None
    pool.prefixes.called(prefix, dear, None, NOW_S)

    def called(request: Request) -> list[str]:
        play = Play(catalogue, request, pool=pool)
        play.start()
        return play.called

    assert called(ask(max_tokens=10, system_prompt=LONG + "!")) == ["alpha"]
    assert called(ask(max_tokens=10)) == ["beta"]
