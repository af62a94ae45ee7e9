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
