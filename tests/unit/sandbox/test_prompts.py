"""The demo's prompts: enough of each kind, none twice, every one a request that can be published."""

from collections import Counter

import pytest

from sandbox.prompts import DemoPrompt, Language, load_prompts
from schemas.requests import Request
from schemas.vocabulary import Task

OWN_FIELDS = {"prompt", "tenant", "system_prompt", "tier", "policy", "max_tokens", "metadata"}


@pytest.fixture(scope="module")
def prompts() -> tuple[DemoPrompt, ...]:
    return load_prompts()


def test_there_are_thirty_six_prompts_of_each_task(prompts: tuple[DemoPrompt, ...]) -> None:
    counts = Counter(prompt.task for prompt in prompts)

    assert counts == dict.fromkeys(set(Task) - {Task.UNKNOWN}, 36)


def test_english_leads_vietnamese_follows_and_no_language_is_rare(prompts: tuple[DemoPrompt, ...]) -> None:
    counts = Counter(prompt.lang for prompt in prompts)

    assert counts[Language.ENGLISH] == 160
    assert counts[Language.VIETNAMESE] == 70
    assert all(counts[lang] >= 20 for lang in Language)


def test_every_task_is_asked_for_in_every_language(prompts: tuple[DemoPrompt, ...]) -> None:
    asked = {(prompt.task, prompt.lang) for prompt in prompts}

    assert asked == {(task, lang) for task in Task if task is not Task.UNKNOWN for lang in Language}


def test_no_prompt_stands_twice_apart_from_case_and_spaces(prompts: tuple[DemoPrompt, ...]) -> None:
    counts = Counter(" ".join(prompt.request.question.casefold().split()) for prompt in prompts)

    assert [text for text, count in counts.items() if count > 1] == []


def test_lengths_run_from_three_words_to_several_pages(prompts: tuple[DemoPrompt, ...]) -> None:
    lengths = sorted(len(prompt.request.question) for prompt in prompts)

    assert lengths[0] <= 20
    assert sum(length > 1000 for length in lengths) == 14
    assert sum(length > 5000 for length in lengths) == 2


def test_tenants_are_the_four_of_the_demo(prompts: tuple[DemoPrompt, ...]) -> None:
    assert {prompt.request.tenant for prompt in prompts} == {"search", "support", "research", "billing-bot"}


def test_each_request_uses_the_expected_fields_and_survives_the_wire(prompts: tuple[DemoPrompt, ...]) -> None:
    for prompt in prompts:
        assert prompt.request.model_fields_set <= OWN_FIELDS, prompt
        assert prompt.request.question.strip() == prompt.request.question, prompt
        assert all(isinstance(tag, str) for tag in prompt.request.metadata.values()), prompt
        assert Request.decode(prompt.request.encode()) == prompt.request


def test_pinned_tiers_and_policies_are_some_but_not_most(prompts: tuple[DemoPrompt, ...]) -> None:
    pinned = Counter(field for prompt in prompts for field in prompt.request.model_fields_set)

    assert all(0 < pinned[field] < len(prompts) / 3 for field in OWN_FIELDS - {"prompt", "tenant"})
