"""What is asked is told from its material, its words count by their beginnings, and English is told from the rest."""

import pytest

from router.tasks.phrase_matcher import spell
from router.tasks.wording import MAX_WORDS, Asked, asked_of, stem, wording


def asked(text: str) -> Asked:
    return asked_of(text, spell(text))


def test_what_follows_a_colon_is_material() -> None:
    seen = asked("Resume isto em duas linhas: Ontem o time treinou sob chuva e o goleiro ficou em casa.")

    assert seen.words == ["resume", "isto", "em", "duas", "linhas"]
    assert seen.material_chars > seen.chars


@pytest.mark.parametrize("text", ["Quem descobriu o rádio?", "Às 10:30", "Nota: leia", ":" * 50])
def test_a_text_without_material_is_asked_whole(text: str) -> None:
    assert asked(text).words == spell(text).words.split()[1:]


def test_two_swapped_letters_behind_the_first_make_no_other_word() -> None:
    assert stem("traduza") == stem("tarduza") == stem("traduzir")
    assert stem("traduza") != stem("retraduz")


def test_a_script_without_spaces_counts_by_characters_and_by_pairs_in_either_order() -> None:
    assert wording(asked("翻译")) == wording(asked("译翻"))
    assert {"word:翻", "word:译", "word:翻译"} <= wording(asked("翻译"))


def test_of_a_long_question_the_first_words_count() -> None:
    assert len(asked("palavra " * 500).words) == MAX_WORDS


@pytest.mark.parametrize(
    ("text", "english"),
    [
        ("Write the letter for me", True),
        ("What is the lake like?", True),
        ("Escreva a carta para mim", False),
        ("Was ist das für ein See?", False),
        ("写一封信", False),
        ("", False),
    ],
)
def test_english_is_told_by_its_commonest_words(text: str, *, english: bool) -> None:
    assert asked(text).english is english
