"""One typo in a word that names a task is mended; words that are right, or too far off, stay as they are."""

import pytest

from router.tasks.analysis import analyse
from router.tasks.typos import TypoMender
from schemas.vocabulary import Task

MENDER = TypoMender(["translate", "summary", "poem", "write"])


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("transalte it", "translate it"),
        ("tranlate it", "translate it"),
        ("translatee it", "translate it"),
        ("trabslate it", "translate it"),
        ("a peom", "a poem"),
        ("wriet it", "write it"),
    ],
)
def test_a_letter_more_less_other_or_swapped_is_mended(typed: str, meant: str) -> None:
    assert MENDER.mend(typed) == meant


@pytest.mark.parametrize(
    "typed", ["translate it", "transit", "tarnsalte", "white", "pom", "rtanslate", "", "summer day"]
)
def test_what_is_right_or_further_off_is_left_alone(typed: str) -> None:
    assert MENDER.mend(typed) is None


def test_only_the_edges_of_a_text_are_mended() -> None:
    assert MENDER.mend(" ".join(["a"] * 20 + ["transalte"] + ["b"] * 20)) is None


def test_a_command_with_a_typo_is_still_one() -> None:
    assert analyse("Tranlsate the letter below.").task is Task.TRANSLATION
    assert analyse("Extarct the dates below.").task is Task.EXTRACTION


PHRASES = TypoMender(["summari", "tell me a joke", "en dos frases", "翻译成", "ダジャレ", "이어서 써"])


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("sumamries of it", "summaries of it"),
        ("summairze it", "summarize it"),
        ("tell me a jkoe about it", "tell me a joke about it"),
        ("resume en dso frases", "resume en dos frases"),
        ("请翻成译英文", "请翻译成英文"),
        ("ダジレャを", "ダジャレを"),
        ("이서어 써", "이어서 써"),
    ],
)
def test_two_swapped_letters_are_mended_in_beginnings_in_phrases_and_in_scripts_without_spaces(
    typed: str, meant: str
) -> None:
    assert PHRASES.mend(typed) == meant


@pytest.mark.parametrize(
    "typed", ["tell me a joke", "summaries", "tell me joke a", "请翻译成英文", "eltl me a joke", "samples"]
)
def test_phrases_that_are_right_or_have_other_words_are_left_alone(typed: str) -> None:
    assert PHRASES.mend(typed) is None


def test_a_right_word_that_looks_like_a_typo_is_left_alone() -> None:
    mender = TypoMender(["gedicht", "schreib"], ["gericht", "schrieb"])
    assert mender.mend("das gericht schrieb") is None
    assert mender.mend("das gedciht shcreib") == "das gedicht schreib"


def test_with_swapped_letters_only_no_letter_is_wrong_or_missing() -> None:
    assert MENDER.mend("transalte it", swapped_only=True) == "translate it"
    assert MENDER.mend("tranlate it", swapped_only=True) is None
    assert MENDER.mend("trabslate it", swapped_only=True) is None


def test_a_command_with_swapped_letters_goes_before_a_subject() -> None:
    assert analyse("Sumamrize the plot; who is lying?").task is Task.SUMMARIZATION
    assert analyse("Das Gericht prüft den Fall, warum?").task is Task.QA
