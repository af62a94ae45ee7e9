"""The simulated judge: it marks by what it would have answered itself, and answers in the one form that counts."""

from router.shadows.judging import Scores, comparison, scores_of
from sandbox.prompts import load_prompts
from sandbox.provider.exam import Exam
from sandbox.provider.judge import judges
from schemas.requests import Request
from schemas.responses import AnswerMessage

PROMPTS = load_prompts()


def verdict(exam: Exam, judge: str, request: Request, first: str, second: str) -> Scores | None:
    asked = comparison(request, AnswerMessage(content=first), AnswerMessage(content=second), judge)
    assert asked is not None
    reply = judges(exam, judge, asked.prompt or "")
    assert reply is not None
    return scores_of(AnswerMessage(content=reply))


def test_a_judge_that_knows_the_answer_prefers_it_in_either_place() -> None:
    exam, judge = Exam(1), "gpt-4.1"
    known = [prompt.request for prompt in PROMPTS if exam.knows(judge, prompt.request.question)]
    assert len(known) > 100
    for request in known:
        right = f"On it: {exam.says(judge, request.question)} And more."
        scores = verdict(exam, judge, request, right, "the answer is 1.")
        assert scores is not None
        assert scores.first > scores.second
        again = verdict(exam, judge, request, "the answer is 1.", right)
        assert again is not None
        assert again.second > again.first


def test_of_answers_that_it_cannot_judge_the_first_looks_better_now_and_then() -> None:
    exam = Exam(1)
    found = [verdict(exam, "gpt-4.1", prompt.request, "the answer is 1.", "the answer is 2.") for prompt in PROMPTS]
    favoured = sum(one is not None and one.first > one.second for one in found) / len(found)
    assert 0.2 < favoured < 0.4
    assert not any(one is None or one.second > one.first for one in found)


def test_what_asks_for_no_verdict_is_answered_as_any_prompt() -> None:
    assert judges(Exam(1), "gpt-4.1", "Which answer is better, first or second?") is None
