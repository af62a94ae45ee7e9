"""The simulated provider's cache of prompts, as the vendors describe theirs."""

import orjson

from sandbox.provider.ask import Ask
from sandbox.provider.dialects.anthropic_request import read_messages
from sandbox.provider.dialects.bedrock_request import read_converse
from sandbox.provider.dialects.chat import ChatCompletions
from sandbox.provider.dialects.dialect import Address
from sandbox.provider.prompt_cache import STEP_TOKENS, TTL_S, Found, PromptCaches

LONG = "The warranty covers parts and labour for two years from the day of purchase. " * 100
MARK = {"cache_control": {"type": "ephemeral"}}
PLACE = ("claude", "")


def claude(question: str, *, marked: bool = True, system: str = LONG) -> Ask:
    block = {"type": "text", "text": system, **(MARK if marked else {})}
    body = {"model": "m", "max_tokens": 9, "system": [block], "messages": [{"role": "user", "content": question}]}
    return read_messages(orjson.dumps(body))


def take(caches: PromptCaches, ask: Ask, now_s: float = 0.0, place: tuple[str, ...] = PLACE) -> Found:
    return caches.take(ask, place, 0, now_s, by_itself=False)


def test_what_is_marked_is_written_once_and_read_for_five_minutes_after_its_last_use() -> None:
    caches = PromptCaches()
    written = take(caches, claude("One?"))
    assert written.read_tokens == 0
    assert written.written_tokens > 1_024
    for now_s in (200.0, 400.0):
        assert take(caches, claude(f"At {now_s}?"), now_s) == Found(written.written_tokens, 0)
    assert take(caches, claude("Later?"), 400 + TTL_S) == written


def test_without_a_mark_nothing_is_read_nor_written() -> None:
    caches = PromptCaches()
    take(caches, claude("One?"))
    assert take(caches, claude("Two?", marked=False)) == Found(0, 0)


def test_another_beginning_another_account_and_a_short_prompt_have_nothing() -> None:
    caches = PromptCaches()
    written = take(caches, claude("One?"))
    assert take(caches, claude("One?"), place=("claude", "other")).written_tokens == written.written_tokens
    assert take(caches, claude("One?", system="!" + LONG)).read_tokens == 0
    assert take(caches, claude("One?", system="Be brief.")) == Found(0, 0)


def test_a_conversation_that_grows_reads_what_it_was_and_writes_what_is_new() -> None:
    caches = PromptCaches()

    def told(*texts: str) -> Ask:
        roles = ["user", "assistant"] * len(texts)
        said = [
            {"role": role, "content": [{"type": "text", "text": text}]}
            for role, text in zip(roles, texts, strict=False)
        ]
        said[-1]["content"][0].update(MARK)  # type: ignore[attr-defined]
        if len(said) > 1:
            said[-3]["content"][0].update(MARK)  # type: ignore[attr-defined]
        return read_messages(orjson.dumps({"model": "m", "max_tokens": 9, "messages": said}))

    first = take(caches, told(LONG))
    second = take(caches, told(LONG, "Yes.", LONG))
    assert second.read_tokens == first.written_tokens
    assert second.written_tokens > 1_000


def test_bedrocks_cache_points_are_marks() -> None:
    body = {
        "system": [{"text": LONG}, {"cachePoint": {"type": "default"}}],
        "messages": [{"role": "user", "content": [{"text": "One?"}]}],
        "inferenceConfig": {"maxTokens": 9},
    }
    ask = read_converse(orjson.dumps(body), "m")
    caches = PromptCaches()
    assert take(caches, ask).written_tokens == take(caches, ask).read_tokens > 1_024


def openai(question: str, key: str | None) -> Ask:
    messages = [{"role": "system", "content": LONG}, {"role": "user", "content": question}]
    body = {"model": "gpt-4.1", "messages": messages, "max_completion_tokens": 9, "prompt_cache_key": key}
    return ChatCompletions().read(orjson.dumps(body), Address())


def test_openai_caches_by_itself_in_steps_and_a_key_finds_the_machine() -> None:
    caches = PromptCaches()

    def found(question: str, key: str | None, lot: int) -> Found:
        return caches.take(openai(question, key), ("gpt-4.1", ""), lot, 0.0, by_itself=True)

    keyed = [found(f"{lot}?", "support", lot).read_tokens for lot in range(8)]
    assert keyed[0] == 0
    assert all(tokens > 1_024 and tokens % STEP_TOKENS == 0 for tokens in keyed[1:])
    by_chance = [found(f"{lot}!", None, lot).read_tokens for lot in range(8)]
    assert [tokens > 0 for tokens in by_chance] == [False] * 4 + [True] * 4, "each machine has to read it once"
