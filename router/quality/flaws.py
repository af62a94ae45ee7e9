"""Feedback that costs nothing: flaws that an answer shows without being understood.

A worker counts them by model, task and difficulty as its requests end, and tells what has come together now and then.
Not by form: they are rare, and each cell is a record.
An answer that fails its schema, or that a cascade has doubted, counts for the model that gave it, also where another's
stands in the response. What is wrong with an answer says `router.quality.answer_checks`.
"""

from collections import Counter, OrderedDict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final

from router.quality.answer_checks import doubts_of
from router.quality.table import Cell
from router.sharing.member import Member
from schemas.message import utc_from_ms
from schemas.quality import QualityCounts
from schemas.responses import AnswerMessage, Attempt, Cascade, Response, Usage
from schemas.vocabulary import AnswerCheck, AttemptOutcome, CascadeVerdict, Flaw, Status

PENALTY: Final[Mapping[Flaw, float]] = MappingProxyType(
    {
        Flaw.SCHEMA_VIOLATION: 1.0,
        Flaw.REFUSED: 1.0,
        Flaw.EMPTY: 1.0,
        Flaw.ARITHMETIC: 0.75,
        Flaw.LENGTH: 0.5,
        Flaw.ASKED_AGAIN: 0.5,
    }
)
"""How much of an answer each flaw costs, the worst first: all of it, or half where something of use may be left. A
judgement; but of a weak model's answers to GSM8K those with a wrong equation are right a quarter as often as all."""
_FLAWS: Final[Mapping[AnswerCheck, Flaw]] = MappingProxyType(
    {
        AnswerCheck.FINISH: Flaw.LENGTH,
        AnswerCheck.FILTER: Flaw.REFUSED,
        AnswerCheck.EMPTY: Flaw.EMPTY,
        AnswerCheck.REFUSAL: Flaw.REFUSED,
        AnswerCheck.SCHEMA: Flaw.SCHEMA_VIOLATION,
        AnswerCheck.ARITHMETIC: Flaw.ARITHMETIC,
    }
)
"""Of the checks that read an answer by itself; what a second answer or a judge says is no flaw."""
SHORT_TOKENS: Final = 2_048
"""No model of today ends its answers so early: a shorter one that is cut off was cut by the request's own `max_tokens`,
which says nothing of the model, and would count against none but the one that happened to be asked."""
AGAIN_AFTER_S: Final = 3.0
"""Sooner, the same question was not asked in the light of the answer: it was sent twice."""
AGAIN_WITHIN_S: Final = 120.0
MOST_QUESTIONS: Final = 10_000
_OF_ATTEMPTS: Final = MappingProxyType(
    {AttemptOutcome.SCHEMA_VIOLATION: Flaw.SCHEMA_VIOLATION, AttemptOutcome.CONTENT_FILTERED: Flaw.REFUSED}
)


def flaw_of(response: Response) -> Flaw | None:
    """Return the worst flaw of a completed response's answer."""
    doubts = doubts_of(
        response.message or AnswerMessage(content=None), response.finish_reason, response.schema_check, response.task
    )
    return _worst((doubt.check for doubt in doubts), response.usage)


def answers_of(response: Response) -> Iterator[tuple[Cell, Flaw | None]]:
    """Give each answer that came of a request, by whom, and its flaw; embeddings are none."""
    if response.task is None or response.difficulty is None:
        return
    for attempt in response.attempts:
        cell = Cell(attempt.request_model, response.task, response.difficulty)
        if (flaw := _OF_ATTEMPTS.get(attempt.outcome)) is not None:
            yield cell, flaw
        elif response.cascade is not None and _was_replaced(attempt, response.cascade):
            failed = (one.check for one in response.cascade.checks if one.passed is False)
            yield cell, _worst(failed, attempt.usage)
    answered = any(attempt.outcome is AttemptOutcome.SUCCEEDED for attempt in response.attempts)
    if response.status is Status.COMPLETED and answered and not (response.message and response.message.embeddings):
        yield Cell(response.request_model or "", response.task, response.difficulty), flaw_of(response)


def verdicts_of(response: Response) -> Iterator[tuple[Cell, bool]]:
    """Give what a cascade's judge found of its first answer, and of whose: a score that is paid for anyway."""
    cascade = response.cascade
    if cascade is None or response.task is None or response.difficulty is None:
        return
    for attempt in response.attempts:
        if attempt.attempt != cascade.first_attempt:
            continue
        for one in cascade.checks:
            if one.check is AnswerCheck.JUDGE and one.passed is not None:
                yield Cell(attempt.request_model, response.task, response.difficulty), one.passed


def _was_replaced(attempt: Attempt, cascade: Cascade) -> bool:
    """Say whether this is the first answer of a cascade, and a better model's stands in the response."""
    return cascade.verdict is CascadeVerdict.ESCALATED and attempt.attempt == cascade.first_attempt


def _worst(failed: Iterable[AnswerCheck], usage: Usage | None) -> Flaw | None:
    flaws = {_FLAWS[check] for check in failed if check in _FLAWS}
    if usage is not None and usage.output_tokens < SHORT_TOKENS:
        flaws.discard(Flaw.LENGTH)
    return next((flaw for flaw in PENALTY if flaw in flaws), None)


@dataclass(slots=True)
class _Asked:
    cell: Cell
    answered_s: float
    times: int = 1


@dataclass(slots=True)
class _Counted:
    answers: int = 0
    flaws: Counter[Flaw] = field(default_factory=Counter)
    judged: Counter[bool] = field(default_factory=Counter)
    """How many a judge found good, and how many bad."""


class FlawCounter:
    """What one worker has counted and not told yet. Memory: a count a cell, and `MOST_QUESTIONS` digests."""

    def __init__(self, member: Member) -> None:
        self._member = member
        self._sequence = 0
        self._cells: dict[Cell, _Counted] = {}
        self._asked: OrderedDict[tuple[str, str], _Asked] = OrderedDict()

    def ended(self, response: Response) -> None:
        """Count the answers of a request that has ended."""
        for cell, flaw in answers_of(response):
            counted = self._cells.setdefault(cell, _Counted())
            counted.answers += 1
            if flaw is not None:
                counted.flaws[flaw] += 1
            if flaw is None:
                self._note_question(response, cell)
        for cell, is_good in verdicts_of(response):
            self._cells.setdefault(cell, _Counted()).judged[is_good] += 1

    def take(self, now_s: float) -> Iterable[QualityCounts]:
        """Return what is to be told, and begin anew."""
        cells, self._cells = self._cells, {}
        for cell, counted in cells.items():
            self._sequence += 1
            yield QualityCounts(
                worker=self._member.worker,
                epoch=self._member.epoch,
                sequence=self._sequence,
                request_model=cell.model,
                task=cell.task,
                difficulty=cell.band,
                as_of=utc_from_ms(int(now_s * 1000)),
                answers=counted.answers,
                flaws=dict(counted.flaws),
                judged_good=counted.judged[True],
                judged_bad=counted.judged[False],
            )

    def _note_question(self, response: Response, cell: Cell) -> None:
        """See whether this was asked before: the second time counts against the first answer, a habit against none."""
        if response.asked_sha256 is None:
            return
        key = response.tenant, response.asked_sha256
        answered_s, asked_s = response.completed_at.timestamp(), response.received_at.timestamp()
        before = self._asked.pop(key, None)
        asked = self._asked[key] = _Asked(cell, answered_s)
        if before is not None and asked_s - before.answered_s <= AGAIN_WITHIN_S:
            asked.times = before.times + 1
            if asked.times == 2 and asked_s - before.answered_s >= AGAIN_AFTER_S:  # noqa: PLR2004  (once more)
                self._cells.setdefault(before.cell, _Counted()).flaws[Flaw.ASKED_AGAIN] += 1
        while len(self._asked) > MOST_QUESTIONS:
            self._asked.popitem(last=False)
