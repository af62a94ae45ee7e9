"""The demo's quality: right answers counted as they came out, beside what the baseline would have said."""

from datetime import UTC, datetime
from statistics import fmean

import pytest

from sandbox.demo.quality import mark_answers
from sandbox.prompts import load_prompts
from sandbox.provider.exam import Exam
from schemas.responses import AnswerMessage, Response
from schemas.vocabulary import Status

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)
EXAM = Exam(1)
BASELINE, CHEAP = "gpt-4.1", "deepseek-v3.2"
QUESTIONS = {f"r-{number}": prompt.request.question for number, prompt in enumerate(load_prompts())}


def response(request_id: str, model: str | None, text: str | None) -> Response:
    return Response(
        request_id=request_id,
        status=Status.FAILED if text is None else Status.COMPLETED,
        tenant="shop",
        message=None if text is None else AnswerMessage(content=text),
        request_model=model,
        received_at=NOON,
        completed_at=NOON,
        latency_ms=1,
        request_topic="llm.requests.v1",
        request_partition=0,
        request_offset=0,
    )


def answered_by(model: str, exam: Exam = EXAM) -> list[Response]:
    return [response(one, model, exam.says(model, question)) for one, question in QUESTIONS.items()]


def test_the_baseline_differs_from_itself_by_nothing() -> None:
    quality = mark_answers(answered_by(BASELINE), QUESTIONS, EXAM, BASELINE)

    assert quality is not None
    assert quality.marked == len(QUESTIONS)
    assert (quality.difference, quality.difference_margin, quality.drawn_difference) == (0, 0, 0)
    assert quality.right == quality.baseline_right == quality.right_by_model[BASELINE]


def test_a_weaker_model_is_less_often_right_by_its_shares_within_the_intervals_of_most_seeds() -> None:
    told = [mark_answers(answered_by(CHEAP, exam), QUESTIONS, exam, BASELINE) for exam in map(Exam, range(40))]
    qualities = [quality for quality in told if quality is not None]

    assert len(qualities) == 40
    expected = qualities[0].difference
    assert expected + qualities[0].difference_margin < -3
    assert all(quality.difference == expected for quality in qualities)
    assert fmean(quality.drawn_difference for quality in qualities) == pytest.approx(expected, abs=1.5)
    held = [abs(quality.drawn_difference - expected) < quality.drawn_margin for quality in qualities]
    assert sum(held) >= 34


def test_a_request_without_an_answer_is_not_answered_rightly() -> None:
    lost = [response(one, None, None) for one in QUESTIONS]
    quality = mark_answers(lost, QUESTIONS, EXAM, BASELINE)

    assert quality is not None
    assert (quality.right, quality.right_by_model) == (0, {})


def test_without_a_prompt_of_the_exam_there_is_no_quality_to_tell() -> None:
    assert mark_answers([response("r-0", BASELINE, "some text")], {"r-0": "another prompt"}, EXAM, BASELINE) is None
