"""How many of the demo's answers are right, and how many of the baseline model's would have been. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import sqrt
from statistics import fmean, pstdev

from sandbox.provider.exam import Exam, mark, share_known
from schemas.responses import Response

Z_95 = 1.959964
"""The standard normal quantile of 0.975."""


@dataclass(frozen=True, slots=True)
class Quality:
    """Shares of right answers; a request without an answer is not answered rightly. The margins are of 95 %."""

    marked: int
    """The requests whose answers can be marked."""
    right: float
    baseline_model: str
    baseline_right: float
    """Had every prompt been answered by the baseline model, without any outage."""
    difference: float
    """What `right` less `baseline_right` comes to, in points of 100, without the luck of the lots: by the shares of the
    model that answered and of the baseline. A request without an answer has share 0."""
    difference_margin: float
    """Half of its interval: these prompts are a sample of prompts."""
    drawn_difference: float
    """`right` less `baseline_right` as the lots were drawn, in points of 100."""
    drawn_margin: float
    right_by_model: Mapping[str, float]
    """Of the answers that each model gave."""


def mark_answers(
    responses: Iterable[Response], questions: Mapping[str, str], exam: Exam, baseline_model: str
) -> Quality | None:
    """Mark the answers; `questions` are the prompts by request id. None if no prompt is part of the exam."""
    gains: list[float] = []
    expected: list[float] = []
    rights: list[bool] = []
    by_model: dict[str, list[bool]] = {}
    for response in responses:
        question = questions.get(response.request_id)
        baseline = None if question is None else exam.knows(baseline_model, question)
        if question is None or baseline is None:
            continue
        right = response.message is not None and mark(question, response.message.content) is True
        if response.request_model is not None:
            by_model.setdefault(response.request_model, []).append(right)
        rights.append(right)
        gains.append(right - baseline)
        answered_by = response.request_model if response.message is not None else None
        expected.append((share_known(answered_by or "", question) or 0) - (share_known(baseline_model, question) or 0))
    if not rights:
        return None
    return Quality(
        marked=len(rights),
        right=fmean(rights),
        baseline_model=baseline_model,
        baseline_right=fmean(rights) - fmean(gains),
        difference=100 * fmean(expected),
        difference_margin=_margin(expected),
        drawn_difference=100 * fmean(gains),
        drawn_margin=_margin(gains),
        right_by_model={model: fmean(marks) for model, marks in sorted(by_model.items())},
    )


def _margin(values: Sequence[float]) -> float:
    """Return half of the 95 % interval of a mean, in points of 100; the two sides of each value are of one prompt."""
    return 100 * Z_95 * pstdev(values) / sqrt(len(values))
