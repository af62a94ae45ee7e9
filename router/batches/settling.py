"""What a line of a batch's results says of one request: its attempt, its cost event, its response.

All of it follows from what was decided when the request was handed over (`schemas.waiting.Waiting`) and from the line,
so that a worker which reads the line again after a crash writes the very same.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal

import orjson

from router.batches.batch import BatchState, BatchStatus
from router.batches.line import BATCH_TIER
from router.catalogue import Price
from router.charges import Charge
from router.cost import certainty_of, cost_of, estimate_tokens, price_in, price_of, settled
from router.errors import Answer, UpstreamFailure
from schemas.costs import CallStarted, CostEvent
from schemas.message import utc_from_ms
from schemas.responses import Attempt, Response, SchemaCheck, Usage
from schemas.vocabulary import AttemptOutcome, Certainty, Lane, Status
from schemas.waiting import Waiting


@dataclass(frozen=True, slots=True)
class BatchCall:
    """One request's call in a batch."""

    waiting: Waiting
    batch_id: str | None
    """The provider's; None: it is not known, or there is none."""
    custom_id: str
    """What its line is called."""

    @property
    def started(self) -> CallStarted:
        """Its write-ahead record, with the batch that it was made in.

        Raises:
            ValueError: nothing was decided.
        """
        if self.waiting.call is None:
            raise ValueError("a request that waits has no call")
        told = {"batch_id": self.batch_id, "upstream_call_id": None if self.batch_id is None else self.custom_id}
        return self.waiting.call.model_copy(update=told)


def answered(call: CallStarted, answer: Answer, took_s: float | None, violation: str | None = None) -> Attempt:
    """Return the attempt of a line with an answer, and what it cost at the price that was in force.

    Args:
        call: its write-ahead record.
        answer: what the line says.
        took_s: from the batch's creation to its end; None: not known.
        violation: why the answer is none, if it had to fit a schema and does not.
    """
    usage = answer.usage or Usage(
        input_tokens=call.input_tokens or 0,
        output_tokens=estimate_tokens(answer.message.model_dump_json()),
        service_tier=BATCH_TIER,
        doubt="the answer has no usage",
    )
    cost_usd, certainty = _priced(call, usage)
    outcome = AttemptOutcome.SUCCEEDED if violation is None else AttemptOutcome.SCHEMA_VIOLATION
    return _attempt(
        call, outcome, took_s, violation, answer.response_model, usage=usage, cost_usd=cost_usd, certainty=certainty
    )


def failed(call: CallStarted, failure: UpstreamFailure, took_s: float | None) -> Attempt:
    """Return the attempt of a line with a failure, and what that cost."""
    usage, cost_usd, certainty = failure.usage, None, None
    if usage is not None:
        cost_usd, certainty = _priced(call, usage)
    elif failure.maybe_charged:
        cost_usd = call.cost_usd
        certainty = Certainty.ESTIMATED if failure.charge is Charge.CHARGED else Certainty.UNKNOWN
    attempt = _attempt(
        call, failure.category, took_s, failure.detail, None, usage=usage, cost_usd=cost_usd, certainty=certainty
    )
    return attempt.model_copy(update={"status_code": failure.status_code})


def unfinished(call: CallStarted, detail: str, *, may_be_charged: bool) -> Attempt:
    """Return the attempt of a call of which no line is known: as it stands, or as it stays."""
    cost_usd, certainty = (call.cost_usd, Certainty.UNKNOWN) if may_be_charged else (None, None)
    return _attempt(
        call, AttemptOutcome.CUT_OFF, None, detail, None, usage=None, cost_usd=cost_usd, certainty=certainty
    )


def may_lack_charged(end: BatchState | None, status: BatchStatus, answered: int) -> bool:
    """Say whether the results of a batch may lack a line that was charged.

    A batch that completed has a line for each request, so a missing one is as likely lost as never made. Of one that
    ended before, what was not answered has none; but Gemini keeps no results of such a batch at all.
    """
    if end is BatchState.FAILED:
        return status.counts is not None and status.counts.answered > answered
    return end is BatchState.COMPLETED or status.counts is None or status.counts.answered > answered


def cost_event(call: CallStarted, attempt: Attempt) -> CostEvent | None:
    """Return the cost event; None: the call was certainly not charged."""
    return settled(call, attempt)


def saved_usd(live: Price | None, attempt: Attempt) -> Decimal:
    """Return what an answer would have cost more at the model's live price; nothing where one is not known."""
    if live is None or attempt.usage is None or attempt.cost_usd is None:
        return Decimal(0)
    return price_of(live, attempt.usage) - attempt.cost_usd


def response(
    batch_call: BatchCall, answer: Answer, attempt: Attempt, schema_check: SchemaCheck | None, now_s: float
) -> Response:
    """Return the response to a request that a batch has answered."""
    waiting, call = batch_call.waiting, batch_call.started
    completed_at = datetime.fromtimestamp(now_s, UTC)
    return Response(
        request_id=waiting.request_id,
        status=Status.COMPLETED,
        tenant=waiting.tenant,
        task=call.task,
        tier=call.tier,
        difficulty=waiting.difficulty,
        policy=waiting.policy,
        arm=call.arm,
        route_reason=call.route_reason,
        lane=Lane.BATCH,
        batch_id=batch_call.batch_id,
        message=answer.message,
        finish_reason=answer.finish_reason,
        logprobs=answer.logprobs,
        other_choices=answer.other_choices,
        schema_check=schema_check,
        provider_name=call.provider_name,
        request_model=call.request_model,
        response_model=answer.response_model,
        provider_response_id=answer.response_id,
        usage=attempt.usage,
        cost_usd=attempt.cost_usd,
        attempts=(attempt,),
        skipped=waiting.skipped,
        metadata=orjson.loads(call.tags_json),
        received_at=utc_from_ms(waiting.received_at_ms),
        completed_at=completed_at,
        latency_ms=max(0, round(now_s * 1000) - waiting.received_at_ms),
        request_topic=waiting.request_topic,
        request_partition=waiting.request_partition,
        request_offset=waiting.request_offset,
        authenticated=waiting.authenticated,
        id_source=waiting.id_source,
        asked_sha256=waiting.asked_sha256,
    )


def nano_usd_of(costs: Iterable[Decimal | None]) -> int:
    """Return the sum in nano-dollars; what is not known counts as nothing."""
    return sum(int(cost.scaleb(9)) for cost in costs if cost is not None)


def _priced(call: CallStarted, usage: Usage) -> tuple[Decimal | None, Certainty]:
    price = price_in(call)
    own = None if price is None else cost_of(price, usage, call.service_tier)
    cost_usd = usage.provider_cost_usd if own is None else own
    return cost_usd, certainty_of(usage, own, call.service_tier)


def _attempt(  # noqa: PLR0913 - the parts of an attempt
    call: CallStarted,
    outcome: AttemptOutcome,
    took_s: float | None,
    detail: str | None,
    response_model: str | None,
    *,
    usage: Usage | None,
    cost_usd: Decimal | None,
    certainty: Certainty | None,
) -> Attempt:
    return Attempt(
        attempt=call.attempt,
        provider_name=call.provider_name,
        request_model=call.request_model,
        response_model=response_model,
        outcome=outcome,
        detail=detail,
        started_at=call.occurred_at,
        latency_ms=None if took_s is None else round(took_s * 1000),
        usage=usage,
        certainty=certainty,
        cost_usd=cost_usd,
    )
