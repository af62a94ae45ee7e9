"""The arithmetic of `make bench-cost` with a batch lane, against prices read and multiplied here."""

import tomllib
from collections.abc import Mapping
from decimal import Decimal
from math import ceil
from pathlib import Path

import pytest

from bench.cost import CATALOGUES, OWN_PROMPTS, read_prompts
from bench.cost_batches import BatchSavings, reached
from bench.cost_caches import (
    ANSWER_TOKENS,
    BATCH_TAKES_S,
    MIXES,
    Asked,
    Called,
    Means,
    Play,
    at_list_prices,
    requests_of,
)
from router.catalogue import Catalogue
from streams.config.catalogue_file import load_catalogue

OWN, SUPPORT, FAQ, DOCUMENTS, _HOURLY = MIXES
PROMPTS = read_prompts(OWN_PROMPTS)
LIST = Path(CATALOGUES["public list prices"])


@pytest.fixture(scope="module")
def catalogue() -> Catalogue:
    return at_list_prices(*(load_catalogue(file).catalogue for file in CATALOGUES.values()))


def tokens(text: str | None) -> int:
    return ceil(len((text or "").encode()) / 4.2)


def usd(asked: Asked, model: str, factor: str = "1") -> Decimal:
    models: Mapping[str, Mapping[str, Decimal]] = tomllib.loads(LIST.read_text(), parse_float=Decimal)["models"]
    sent = tokens(asked.request.system_prompt) + tokens(asked.request.prompt)
    rates = models[model]
    answer = ANSWER_TOKENS * rates["output_usd_per_mtok"]
    return (sent * rates["input_usd_per_mtok"] + answer) * Decimal(factor) / 1_000_000


def test_a_mix_costs_the_list_prices_of_its_calls_and_half_of_that_in_a_batch(catalogue: Catalogue) -> None:
    asked = requests_of(OWN, PROMPTS)[:300]
    play = Play(catalogue, Means(waiting=0.5)).run(asked)
    pairs = list(zip(asked, play.calls, strict=True))
    assert play.usd == sum(usd(one, call.model, "0.5" if call.in_batch else "1") for one, call in pairs)
    assert play.baseline_usd == sum(usd(one, "gpt-4.1") for one in asked)
    # deepseek-v3.2 has no batches, and half of the others' prices is more than its own; gpt-4.1's half is less
    assert {call.model for call in play.calls} == {"deepseek-v3.2", "gpt-4.1"}
    for one, call in pairs:
        assert call.in_batch == (one.patience < 0.5 and call.model == "gpt-4.1")


def test_without_routing_batches_save_half_of_what_can_wait(catalogue: Catalogue) -> None:
    asked = requests_of(DOCUMENTS, PROMPTS)[:100]
    play = Play(catalogue, Means(routing=False, prompt_caches=True, waiting=1.0)).run(asked)
    assert play.calls == [Called("gpt-4.1", call.input_tokens, in_batch=True) for call in play.calls]
    assert play.usd * 2 == play.baseline_usd  # 6,000 tokens that all share, and none is counted as cached


def test_a_question_with_an_answer_goes_to_no_batch_and_stands_once_in_one(catalogue: Catalogue) -> None:
    asked = requests_of(FAQ, PROMPTS)[:400]
    assert asked[-1].at_s - asked[0].at_s < BATCH_TAKES_S, "what a batch answers is not known yet"
    play = Play(catalogue, Means(answer_cache=True, waiting=0.5)).run(asked)
    calls, answered, in_batch = iter(play.calls), set[object](), set[object]()
    again = shared = 0
    for one in asked:
        question = one.request.system_prompt, one.request.prompt
        place = question, one.at_s // 300  # as long as a batch is collected for
        if question in answered:
            again += 1
        elif one.patience < 0.5 and place in in_batch:
            shared += 1
        else:
            (in_batch.add(place) if next(calls).in_batch else answered.add(question))
    assert next(calls, None) is None
    assert play.again == again + shared
    assert again > 50
    assert shared > 5
    assert play.in_batches > 40


def test_what_reaches_a_percentage_is_told_once_with_the_share_that_can_wait() -> None:
    found = [
        BatchSavings(
            mix="bot",
            waiting=share,
            baseline_usd=Decimal(100),
            batch_usd=Decimal(50),
            caches_usd=Decimal(15),
            routed_usd=Decimal(60),
            routed_in_batches_usd=Decimal(40),
            routed_with_caches_usd=Decimal("15.1"),
            all_usd=usd_,
            in_batches=share,
            in_batches_with_caches=share,
            quality_points=0.0,
            quality_points_with_caches=0.0,
        )
        for share, usd_ in ((0.5, Decimal(10)), (1.0, Decimal(30)))
    ]
    assert reached(found, 85) == ["bot: caches", "bot: routing, batches, caches, 50% can wait"]
