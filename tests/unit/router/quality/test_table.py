"""What is expected of each model: the prior, what was learnt of the cell itself, and what it borrows."""

from datetime import UTC, datetime
from math import sqrt

import pytest

from router.quality.prior import Prior
from router.quality.table import PRIOR_WEIGHT, Expectation, QualityTable
from schemas.quality import ModelQuality
from schemas.vocabulary import Difficulty, Form, Task

EASY, MEDIUM, HARD = Difficulty
PRIORS = {"a": Prior((0.9, 0.8, 0.6)), "b": Prior((0.9, 0.8, 0.6))}


def learnt(
    mean: float,
    weight: float,
    *,
    model: str = "a",
    task: Task = Task.QA,
    band: Difficulty = MEDIUM,
    form: Form = Form.ANY,
    **flaws: float,
) -> ModelQuality:
    return ModelQuality(
        request_model=model,
        task=task,
        difficulty=band,
        form=form,
        as_of=datetime(2026, 11, 28, tzinfo=UTC),
        mean=mean,
        weight=weight,
        **flaws,
    )


def table_of(*records: ModelQuality) -> QualityTable:
    table = QualityTable(PRIORS)
    for record in records:
        table.follow(record)
    return table


def test_before_anything_is_learnt_the_prior_holds_and_is_worth_eight_answers() -> None:
    expected = table_of().expected("a", Task.QA, HARD)
    assert expected == Expectation(0.6, 1.2816 * sqrt(0.6 * 0.4 / 9), PRIOR_WEIGHT)
    assert expected.careful == pytest.approx(0.6 - 0.2093, abs=1e-4)


def test_what_was_learnt_and_the_prior_are_weighed_by_their_answers() -> None:
    expected = table_of(learnt(0.5, 16)).expected("a", Task.QA, MEDIUM)
    assert expected.mean == pytest.approx((8 * 0.8 + 16 * 0.5) / 24)
    assert expected.weight == 24


def test_more_answers_make_the_margin_smaller() -> None:
    few, many = (table_of(learnt(0.8, weight)).expected("a", Task.QA, MEDIUM).margin for weight in (10, 1000))
    assert many < few / 5


def test_a_later_record_takes_the_place_of_the_one_before() -> None:
    again = table_of(learnt(0.1, 50), learnt(0.5, 16)).expected("a", Task.QA, MEDIUM)
    assert again == table_of(learnt(0.5, 16)).expected("a", Task.QA, MEDIUM)


def test_a_cell_without_answers_borrows_from_its_task_and_less_from_other_tasks() -> None:
    # QA was 0.2 worse than expected over 8 answers of medium ones: half of it is believed elsewhere
    table = table_of(learnt(0.6, 8))
    assert table.expected("a", Task.QA, HARD).mean == pytest.approx(0.6 - 0.1)
    assert table.expected("a", Task.MATH, HARD).mean == pytest.approx(0.6 - 0.1)
    assert table.expected("a", Task.QA, HARD).weight == PRIOR_WEIGHT
    # and where other tasks were as expected, only the task's own cells move
    table.follow(learnt(0.8, 800, task=Task.CODING))
    assert table.expected("a", Task.MATH, HARD).mean == pytest.approx(0.6, abs=0.01)
    assert table.expected("a", Task.QA, HARD).mean == pytest.approx(0.6 - 0.1)


def test_a_form_without_answers_borrows_from_the_other_forms() -> None:
    # 0.4 worse than expected over 8 answers of choices: half of it is believed of other forms, and of other bands
    table = table_of(learnt(0.4, 8, form=Form.CHOICES))
    assert table.expected("a", Task.QA, MEDIUM, Form.CHOICES).mean == pytest.approx((0.8 + 0.4) / 2)
    for others in (Form.LONG_QUESTION, Form.ANY):
        assert table.expected("a", Task.QA, MEDIUM, others).mean == pytest.approx(0.8 - 0.2)
        assert table.expected("a", Task.QA, HARD, others).mean == pytest.approx(0.6 - 0.2)
    # and a form of which enough is known keeps to itself
    table.follow(learnt(0.9, 8000, form=Form.LONG_QUESTION))
    assert table.expected("a", Task.QA, MEDIUM, Form.LONG_QUESTION).mean == pytest.approx(0.9, abs=0.001)
    assert table.expected("a", Task.QA, MEDIUM, Form.CHOICES).mean == pytest.approx((0.9 + 0.4) / 2, abs=0.001)


def test_one_answer_of_a_form_moves_it_little() -> None:
    table = table_of(learnt(0.8, 400, form=Form.LONG_QUESTION), learnt(0.0, 1, form=Form.CHOICES))
    assert table.expected("a", Task.QA, MEDIUM, Form.CHOICES).mean == pytest.approx(0.8 * 8 / 9)


def test_what_was_told_without_a_form_is_of_the_same_worth_to_all_forms() -> None:
    table = table_of(learnt(0.2, 80))
    means = [table.expected("a", Task.QA, MEDIUM, form).mean for form in Form if form is not Form.ANY]
    assert means == [pytest.approx(0.8 - 0.6 * 80 / 88)] * len(means)


def test_flaws_count_for_all_forms() -> None:
    table = table_of(learnt(0, 0, usable=0.5, answers=8))
    assert table.expected("a", Task.QA, MEDIUM, Form.CHOICES).mean == pytest.approx(0.8 * 0.75)
    assert table.expected("a", Task.QA, MEDIUM, Form.LONG_QUESTION).mean == pytest.approx(0.8 * 0.75)
    assert table.expected("a", Task.QA, HARD, Form.LONG_QUESTION).mean == 0.6


def test_what_is_learnt_is_shown_over_all_forms() -> None:
    table = table_of(
        learnt(0.4, 4, form=Form.CHOICES), learnt(0.4, 4, form=Form.LONG_QUESTION), learnt(0, 0, band=HARD)
    )
    assert [(*kind, expected.mean) for *kind, expected in table.learnt()] == [
        ("a", Task.QA, MEDIUM, pytest.approx(0.8 - 0.2))
    ]


def test_an_answer_moves_its_own_cell_once() -> None:
    table = table_of(learnt(0.6, 8))
    assert table.expected("a", Task.QA, MEDIUM).mean == pytest.approx((0.8 + 0.6) / 2)


def test_no_model_borrows_from_another() -> None:
    table = table_of(learnt(0.0, 1000))
    assert table.expected("b", Task.QA, MEDIUM).mean == 0.8


def test_expectations_stay_within_their_bounds() -> None:
    table = table_of(*(learnt(score, 1e6, task=task) for task, score in zip(Task, (0.0, 1.0) * 6, strict=False)))
    for task in Task:
        for band in Difficulty:
            expected = table.expected("a", task, band)
            assert 0 <= expected.careful <= expected.mean <= 1


def test_a_model_or_a_word_that_is_not_known_is_passed_over() -> None:
    table = table_of(learnt(0.1, 50, model="gone"), learnt(0.1, 50, task=Task("music")))
    table.follow(learnt(0.1, 50, band=Difficulty("absurd")))
    table.follow(learnt(0.1, 50, form=Form("sung")))
    assert table.version == 0
    assert table.expected("a", Task.QA, MEDIUM) == table_of().expected("a", Task.QA, MEDIUM)


def test_the_version_rises_with_what_is_learnt() -> None:
    table = table_of(learnt(0.5, 16))
    assert table.version == 1
    before = table.expected("a", Task.QA, MEDIUM)
    table.follow(learnt(0.1, 16))
    assert table.version == 2
    assert table.expected("a", Task.QA, MEDIUM).mean < before.mean
