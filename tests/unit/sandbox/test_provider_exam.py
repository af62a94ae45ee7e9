"""The simulated exam: answers are right at the published shares, and can be marked wherever they end up."""

import pytest

from sandbox.labelled_prompts import Difficulty
from sandbox.prompts import load_prompts
from sandbox.provider.exam import KNOWN, Exam, mark, share_known
from sandbox.provider.models import REFERENCE_MODELS
from schemas.vocabulary import Task

SEEDS = 40
QUESTIONS = [prompt.request.question for prompt in load_prompts()]


def test_every_reference_model_has_shares_for_every_task_that_fall_as_prompts_get_harder() -> None:
    assert KNOWN.keys() == REFERENCE_MODELS.keys()
    for by_task in KNOWN.values():
        assert by_task.keys() == set(Task) - {Task.UNKNOWN}
        assert all(easy > medium > hard for easy, medium, hard in by_task.values())


def test_the_prompts_have_all_difficulties_in_every_task() -> None:
    met = {(prompt.task, prompt.difficulty) for prompt in load_prompts()}

    assert {(task, difficulty) for task in Task if task is not Task.UNKNOWN for difficulty in Difficulty} - met <= {
        (Task.CLASSIFICATION, Difficulty.HARD),
        (Task.REASONING, Difficulty.EASY),
        (Task.QA, Difficulty.HARD),
    }


@pytest.mark.parametrize("model", sorted(KNOWN))
def test_a_model_is_right_as_often_as_its_shares_say(model: str) -> None:
    expected = sum(share_known(model, question) or 0 for question in QUESTIONS) / len(QUESTIONS)
    marks = [mark(question, Exam(seed).says(model, question)) for seed in range(SEEDS) for question in QUESTIONS]

    assert sum(mark is True for mark in marks) / len(marks) == pytest.approx(expected, abs=0.02)


def test_what_a_model_says_is_right_exactly_where_it_knows_and_follows_from_seed_model_and_question() -> None:
    exam, again, other = Exam(1), Exam(1), Exam(2)

    for question in QUESTIONS:
        said = exam.says("gpt-4.1", question)
        assert mark(question, f"On “something”: {said} And more.") is exam.knows("gpt-4.1", question)
        assert said == again.says("gpt-4.1", question)
    assert any(exam.says("gpt-4.1", question) != other.says("gpt-4.1", question) for question in QUESTIONS)


def test_models_are_right_together_more_often_than_by_chance_and_agreement_says_that_both_are() -> None:
    cheap, other = "deepseek-v3.2", "gemini-2.5-flash"
    exams = [(Exam(seed), question) for seed in range(SEEDS) for question in QUESTIONS]
    said = [(exam.says(cheap, question), exam.says(other, question), question) for exam, question in exams]

    agreed = [mark(question, one) for one, two, question in said if one == two]
    differed = [mark(question, one) for one, two, question in said if one != two]
    assert sum(map(bool, agreed)) / len(agreed) > 0.8
    assert sum(map(bool, differed)) / len(differed) < 0.5


def test_other_questions_and_models_are_no_part_of_the_exam() -> None:
    assert Exam(1).says("gpt-4.1", "Why is the sky blue, Turnout?") is None
    assert Exam(1).says("text-embedding-3-small", QUESTIONS[0]) is None
    assert mark("Why is the sky blue, Turnout?", "the answer is 1234") is None


def test_an_answer_that_says_nothing_is_wrong_and_none_is_not_marked() -> None:
    assert mark(QUESTIONS[0], "On “the first words”: the answ") is False
    assert mark(QUESTIONS[0], None) is None
