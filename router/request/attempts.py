"""What has happened to one request so far, and the response and cost events that tell it."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal

from router.charges import Charge
from router.cost import certainty_of, cost_of, estimate_tokens, settled
from router.errors import Answer
from router.identity import Identity
from router.job import Job, Origin
from router.obstacle import Obstacle
from router.quality.prior import band_of
from router.request.plan import Plan
from router.request.steps import Answered, Failed
from router.route import Candidate
from router.tasks.analysis import Analysis
from schemas.costs import CallStarted, CostEvent
from schemas.message import of_valid
from schemas.requests import Request
from schemas.responses import Attempt, Cascade, ErrorDetail, Response, SchemaCheck, Skipped, Usage
from schemas.vocabulary import AttemptOutcome, Certainty, ErrorCode, Status

UNKNOWN_TENANT = "unknown"
ENDED = "the worker ended during the call; whether it was charged is not known"


@dataclass(frozen=True, slots=True)
class Ending:
    """How a request ends: with an answer of a candidate, or with an error."""

    status: Status
    answer: Answer | None = None
    candidate: Candidate | None = None
    error: ErrorDetail | None = None
    usage: Usage | None = None
    """Of the answer."""
    schema_check: SchemaCheck | None = None
    cascade: Cascade | None = None


class AttemptLog:
    """The attempts of one request, in order, with the write-ahead record of each."""

    def __init__(self, job: Job) -> None:
        self.attempts: list[Attempt] = []
        self.passed_over: dict[str, Obstacle] = {}
        """Models that could not be called when their turn came, and why."""
        self.spent_usd = sum((attempt.cost_usd or Decimal(0) for attempt in job.earlier), Decimal(0))
        """Calls of unknown outcome count with their estimate."""
        self._job = job
        self._calls: list[CallStarted] = []
        self._called_off: list[CallStarted] = []

    @property
    def calls(self) -> Sequence[CallStarted]:
        """The write-ahead records of the attempts."""
        return self._calls

    @property
    def next_attempt(self) -> int:
        """The number of the next call. Of earlier calls some may be missing, but no number is used twice."""
        return max((attempt.attempt for attempt in self.attempts), default=self._job.first_attempt - 1) + 1

    @property
    def cost_usd(self) -> Decimal | None:
        """What all calls cost together; None if one may have been charged and its price is not known."""
        told = (*self._job.earlier, *self.attempts)
        unpriced = any(attempt.certainty is not None and attempt.cost_usd is None for attempt in told)
        return None if unpriced else self.spent_usd

    def exhausted(self, why: str) -> tuple[ErrorCode, str]:
        """Return the code and the message of a request that no model has answered, in the last provider's words."""
        if not self.attempts:
            return ErrorCode.FALLBACK_EXHAUSTED, why
        last = self.attempts[-1]
        told = f"{last.request_model}: {last.detail}"
        if all(attempt.outcome is AttemptOutcome.INVALID_REQUEST for attempt in self.attempts):
            return ErrorCode.UPSTREAM_REJECTED, f"every model that was called refused the request; {told}"
        return ErrorCode.FALLBACK_EXHAUSTED, f"{why}; the last one was {last.outcome} of {told}"

    def taken_over(self, call: CallStarted) -> None:
        """Take in a call of an earlier worker: as that handed it on, or cut off if it could not.

        One that was called off has not happened, and its number is used again.
        """
        if call.attempt_json is None:
            self.cut_off(call)
            return
        attempt = Attempt.model_validate_json(call.attempt_json)
        if attempt.outcome is not AttemptOutcome.CUT_OFF:
            self._remember(call, attempt)

    def handed_on(self) -> tuple[CallStarted, ...]:
        """Return this worker's calls that have ended or were not made, with what came of them, for its heir."""
        return tuple(
            call.model_copy(update={"attempt_json": attempt.model_dump_json()})
            for call, attempt in zip(self._calls, self.attempts, strict=True)
            if call.attempt_json is None and attempt.outcome is not AttemptOutcome.CUT_OFF
        ) + tuple(self._called_off)

    def cut_off(self, call: CallStarted) -> None:
        """Take in a call of which only the write-ahead record is left."""
        self._remember(call, _cut_off(call, ENDED, Certainty.UNKNOWN))

    def called_off(self, call: CallStarted) -> None:
        """Take in a call that was certainly not made, though its write-ahead record may be on its topic."""
        attempt = _cut_off(call, "the worker gave the request up before the call was made", None)
        self._called_off.append(call.model_copy(update={"attempt_json": attempt.model_dump_json()}))

    def answered(self, call: CallStarted, candidate: Candidate, event: Answered, violation: str | None = None) -> Usage:
        """Take in an answer, and return its usage. Without the provider's its cost is an estimate.

        Args:
            call: its write-ahead record.
            candidate: who answers.
            event: what it says, and how long it took.
            violation: why the answer is none, if it had to fit a schema and does not.
        """
        answer = event.answer
        usage = answer.usage or Usage(
            input_tokens=candidate.bound.input_tokens,
            output_tokens=0 if candidate.model.embeds else estimate_tokens(answer.message.model_dump_json()),
            doubt="the answer has no usage",
        )
        cost_usd = _cost(call, candidate, usage)
        certainty = certainty_of(usage, _own_cost(call, candidate, usage), call.service_tier)
        if event.share is not None and answer.usage is not None:
            usage, cost_usd = event.share.usage(usage), event.share.usd(cost_usd)
        attempt = of_valid(
            Attempt,
            attempt=call.attempt,
            provider_name=call.provider_name,
            request_model=call.request_model,
            response_model=answer.response_model,
            outcome=AttemptOutcome.SUCCEEDED if violation is None else AttemptOutcome.SCHEMA_VIOLATION,
            detail=violation,
            started_at=call.occurred_at,
            latency_ms=round(event.latency_s * 1000),
            usage=usage,
            certainty=certainty,
            cost_usd=cost_usd,
        )
        self._remember(call, attempt)
        return usage

    def failed(self, call: CallStarted, candidate: Candidate, event: Failed) -> None:
        """Take in a failure. It costs what its usage says, or its estimate if it was or may have been charged."""
        failure = event.failure
        certainty, cost_usd, usage = None, None, failure.usage
        if usage is not None:
            cost_usd = _cost(call, candidate, usage)
            certainty = certainty_of(usage, _own_cost(call, candidate, usage), call.service_tier)
            if event.share is not None:
                usage, cost_usd = event.share.usage(usage), event.share.usd(cost_usd)
        elif failure.maybe_charged:
            certainty = Certainty.ESTIMATED if failure.charge is Charge.CHARGED else Certainty.UNKNOWN
            cost_usd = call.cost_usd
        attempt = of_valid(
            Attempt,
            attempt=call.attempt,
            provider_name=call.provider_name,
            request_model=call.request_model,
            outcome=failure.category,
            status_code=failure.status_code,
            detail=failure.detail,
            started_at=call.occurred_at,
            latency_ms=round(event.latency_s * 1000),
            usage=usage,
            certainty=certainty,
            cost_usd=cost_usd,
        )
        self._remember(call, attempt)

    def response(self, ending: Ending, plan: Plan | None, analysis: Analysis | None, now_s: float) -> Response:
        """Return the one response."""
        job, answer, candidate = self._job, ending.answer, ending.candidate
        reason = plan.route.reason if plan else None
        return of_valid(
            Response,
            request_id=job.request_id,
            status=ending.status,
            tenant=job.identity.tenant,
            task=analysis.task if analysis else None,
            tier=plan.route.tier if plan else job.request.tier or (analysis.tier if analysis else None),
            difficulty=band_of(analysis.difficulty) if analysis else None,
            form=analysis.features.form if analysis else None,
            policy=plan.policy if plan else job.request.policy,
            arm=plan.route.arm if plan else None,
            route_reason=f"{reason}; {candidate.why}" if candidate else reason,
            message=answer.message if answer else None,
            finish_reason=answer.finish_reason if answer else None,
            logprobs=answer.logprobs if answer else None,
            other_choices=answer.other_choices if answer else (),
            schema_check=ending.schema_check,
            cascade=ending.cascade,
            provider_name=candidate.model.provider_name if candidate else None,
            request_model=candidate.model.name if candidate else None,
            response_model=answer.response_model if answer else None,
            provider_response_id=answer.response_id if answer else None,
            usage=ending.usage,
            cost_usd=self.cost_usd,
            error=ending.error,
            attempts=(*job.earlier, *self.attempts),
            skipped=(*(plan.skipped if plan else ()), *self._skipped()),
            metadata=job.request.metadata,
            received_at=datetime.fromtimestamp(job.received_s, UTC),
            completed_at=datetime.fromtimestamp(now_s, UTC),
            latency_ms=round((now_s - job.received_s) * 1000),
            request_topic=job.origin.topic,
            request_partition=job.origin.partition,
            request_offset=job.origin.offset,
            authenticated=job.identity.authenticated,
            id_source=job.identity.source,
            asked_sha256=job.identity.asked,
            finishes_id=job.identity.finishes,
        )

    def costs(self) -> tuple[CostEvent, ...]:
        """Return the cost events of all calls that may have been charged."""
        return settle_all(self._calls, self.attempts)

    def _remember(self, call: CallStarted, attempt: Attempt) -> None:
        self._calls.append(call)
        self.attempts.append(attempt)
        self.spent_usd += attempt.cost_usd or 0

    def _skipped(self) -> Iterable[Skipped]:
        called = {attempt.request_model for attempt in self.attempts}
        return (obstacle.skipped(name) for name, obstacle in self.passed_over.items() if name not in called)


def refusal(
    identity: Identity, request: Request | None, origin: Origin, error: ErrorDetail, received_s: float, now_s: float
) -> Response:
    """Return the response to a request that is refused before it is analysed, or could not even be read."""
    return Response(
        request_id=identity.request_id,
        status=Status.REJECTED,
        tenant=identity.tenant,
        cost_usd=Decimal(0),
        error=error,
        metadata=request.metadata if request else {},
        received_at=datetime.fromtimestamp(received_s, UTC),
        completed_at=datetime.fromtimestamp(now_s, UTC),
        latency_ms=round((now_s - received_s) * 1000),
        request_topic=origin.topic,
        request_partition=origin.partition,
        request_offset=origin.offset,
        authenticated=identity.authenticated,
        id_source=identity.source,
        asked_sha256=identity.asked,
        finishes_id=identity.finishes,
    )


def settled_alone(call: CallStarted) -> CostEvent | None:
    """Return the cost event of a call of which only its own records are left; None: it was certainly not charged."""
    if call.attempt_json is not None:
        return settled(call, Attempt.model_validate_json(call.attempt_json))
    return settled(call, _cut_off(call, ENDED, Certainty.UNKNOWN))


def settle_all(calls: Iterable[CallStarted], attempts: Iterable[Attempt]) -> tuple[CostEvent, ...]:
    """Return the cost events of the calls whose write-ahead records are given, matched by attempt number.

    A call that no attempt tells of is another worker's than the answer: it counts as that one left it.
    """
    told = {attempt.attempt: attempt for attempt in attempts}
    events = (
        settled(call, told[call.attempt]) if call.attempt in told else settled_alone(call)
        for call in sorted(calls, key=_number)
    )
    return tuple(event for event in events if event is not None)


def _number(call: CallStarted) -> int:
    return call.attempt


def _cut_off(call: CallStarted, detail: str, certainty: Certainty | None) -> Attempt:
    return Attempt(
        attempt=call.attempt,
        provider_name=call.provider_name,
        request_model=call.request_model,
        outcome=AttemptOutcome.CUT_OFF,
        detail=detail,
        started_at=call.occurred_at,
        latency_ms=None,
        certainty=certainty,
        cost_usd=None if certainty is None else call.cost_usd,
    )


def _cost(call: CallStarted, candidate: Candidate, usage: Usage) -> Decimal | None:
    """Return what a call cost: by the catalogue, or as the provider says where that has no price."""
    own = _own_cost(call, candidate, usage)
    return usage.provider_cost_usd if own is None else own


def _own_cost(call: CallStarted, candidate: Candidate, usage: Usage) -> Decimal | None:
    price = candidate.price_at(call.occurred_at_ms)
    return cost_of(price, usage, call.service_tier) if price else None
