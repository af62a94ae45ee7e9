"""The cascade of `make bench-routing`: prompts go through the product's own session."""

import pytest

from bench.routing.answers import STRONG, WEAK, Answered, AnswerSet
from bench.routing.cascade import Borders, CascadePlayer
from router.catalogue import Agreement
from router.tasks.analysis import analyse

PROMPT = "Jan has 20 eggs and eats 3 of them. How many are left?"
PRICES = {WEAK: 1.0, STRONG: 100.0}


def answered(text: str, weak: float, strong: float = 1.0, prompt: str = PROMPT) -> Answered:
    return Answered(prompt, analyse(prompt), {WEAK: weak, STRONG: strong}, {WEAK: text, STRONG: "#### 17"})


RIGHT, WRONG = answered("#### 17", 1.0), answered("#### 16", 0.0)
MISCOUNTED = answered("She has 20 - 3 = 16 left.\n#### 16", 0.0)


def test_an_answer_that_shows_its_fault_is_the_strong_models_and_both_calls_are_paid() -> None:
    player = CascadePlayer(AnswerSet("x", PRICES, [RIGHT, MISCOUNTED]), Agreement.OFF)
    assert player.play(MISCOUNTED) == pytest.approx((1.0, 101.0))
    assert player.play(RIGHT) == pytest.approx((1.0, 1.0))
    assert player.play(WRONG) == pytest.approx((0.0, 1.0))


def test_where_the_second_model_says_something_else_the_strong_one_is_asked() -> None:
    # as often right as two that never agree, or as two that always do
    never = CascadePlayer(AnswerSet("x", PRICES, [RIGHT, WRONG]), Agreement.MODEL)
    assert never.play(WRONG) == pytest.approx((1.0, 102.0))
    always = CascadePlayer(AnswerSet("x", PRICES, [RIGHT] * 9 + [WRONG]), Agreement.MODEL)
    assert always.play(RIGHT).usd < 102


def test_beyond_the_borders_one_model_is_asked_at_once() -> None:
    rows = [RIGHT, WRONG, MISCOUNTED]
    answers = AnswerSet("x", PRICES, rows)
    player = CascadePlayer(answers, Agreement.OFF)
    played = [(row, player.play(row)) for row in rows]
    assert Borders(2.0, 3.0).scored(played, lambda _: 1.0, answers) == pytest.approx((1 / 3, 0.99))
    assert Borders(0.0, 1.0).scored(played, lambda _: 1.0, answers) == (1.0, 0.0)
    between = Borders(0.0, 2.0).scored(played, lambda _: 1.0, answers)
    assert between == pytest.approx((2 / 3, 1 - 103 / 300))
