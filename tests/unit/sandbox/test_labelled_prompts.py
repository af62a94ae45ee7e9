"""Our labelled prompts are complete in every language, no two alike, and no test text is near a training text."""

import re
import unicodedata
from collections import Counter, defaultdict
from itertools import combinations, product

import pytest

from sandbox.labelled_prompts import Difficulty, LabelledPrompt, Split, load_labelled_prompts
from sandbox.prompts import load_prompts
from schemas.vocabulary import Task

LANGUAGES = {"en", "vi", "zh", "ko", "ja", "de", "fr", "es", "it", "pt", "id"}
SHINGLE_CHARS = 5
# Two prompts on one situation in other words share up to a quarter of their shingles; filled templates half and more.
MOST_ALIKE = 0.4
MOST_ALIKE_ACROSS_SPLITS = 0.3
SCRIPTS = {"zh": "[\u4e00-\u9fff]", "ja": "[\u3040-\u30ff]", "ko": "[\uac00-\ud7a3]"}


@pytest.fixture(scope="module")
def prompts() -> tuple[LabelledPrompt, ...]:
    return load_labelled_prompts()


def shingles(text: str) -> frozenset[str]:
    """The text's runs of five characters, without case, diacritics, digits' values or space."""
    plain = "".join(c for c in unicodedata.normalize("NFD", text.casefold()) if not unicodedata.combining(c))
    letters = re.sub(r"\d", "0", re.sub(r"\W", "", plain.replace("đ", "d")))
    return frozenset(letters[at : at + SHINGLE_CHARS] for at in range(max(1, len(letters) - SHINGLE_CHARS + 1)))


def alike(one: frozenset[str], other: frozenset[str]) -> float:
    """Jaccard's index: what the two have in common, as a share of what either has."""
    shared = len(one & other)
    return shared / (len(one) + len(other) - shared)


def test_two_filled_templates_are_seen_as_alike() -> None:
    one, other = (f"Write a short story about a {thing} who lives in Paris" for thing in ("baker", "clockmaker"))

    assert alike(shingles(one), shingles(other)) > MOST_ALIKE


def test_every_language_has_every_task_at_every_difficulty_in_both_splits(prompts: tuple[LabelledPrompt, ...]) -> None:
    found = {(one.lang, one.label, one.difficulty, one.split) for one in prompts}

    assert found == set(product(LANGUAGES, set(Task) - {Task.UNKNOWN}, Difficulty, Split))


def test_every_language_has_sixty_prompts_for_testing(prompts: tuple[LabelledPrompt, ...]) -> None:
    counts = Counter(one.lang for one in prompts if one.split is Split.TEST)

    assert min(counts.values()) >= 60
    assert len(prompts) >= 2_000


def test_a_part_of_vietnamese_is_typed_without_diacritics(prompts: tuple[LabelledPrompt, ...]) -> None:
    plain = [one for one in prompts if one.source == "own:no-diacritics"]

    assert len(plain) >= 60
    assert all(one.text.isascii() and one.lang == "vi" for one in plain)


def test_a_prompt_in_a_script_of_its_own_is_written_in_it(prompts: tuple[LabelledPrompt, ...]) -> None:
    assert [one.text for one in prompts if one.lang in SCRIPTS and not re.search(SCRIPTS[one.lang], one.text)] == []


def test_no_two_prompts_are_of_one_template(prompts: tuple[LabelledPrompt, ...]) -> None:
    by_language = defaultdict[str, list[tuple[str, Split, frozenset[str]]]](list)
    for one in prompts:
        by_language[one.lang].append((one.text, one.split, shingles(one.text)))

    too_alike = [
        (text, other)
        for rows in by_language.values()
        for (text, split, seen), (other, other_split, other_seen) in combinations(rows, 2)
        if alike(seen, other_seen) > (MOST_ALIKE if split is other_split else MOST_ALIKE_ACROSS_SPLITS)
    ]
    assert too_alike == []


def test_no_training_text_is_a_prompt_of_the_demo(prompts: tuple[LabelledPrompt, ...]) -> None:
    demo = [shingles(one.request.question) for one in load_prompts()]
    training = [(one.text, shingles(one.text)) for one in prompts if one.split is Split.TRAIN]

    near = [text for text, seen in training if any(alike(seen, other) > MOST_ALIKE_ACROSS_SPLITS for other in demo)]
    assert near == []
