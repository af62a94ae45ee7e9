"""The figures at the end of the demo, worked out from the tally, the invoice and the outage. Pure."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from math import ceil

from sandbox.demo.quality import Quality, mark_answers
from sandbox.demo.tally import Tally, is_fallback
from sandbox.provider.exam import Exam
from sandbox.provider.invoice import InvoiceRow
from sandbox.reconcile import Reconciliation, reconcile
from schemas.costs import CostEvent
from schemas.failovers import Failover
from schemas.health import BreakerState
from schemas.responses import Response
from schemas.vocabulary import AttemptOutcome, Status


@dataclass(frozen=True, slots=True)
class Row:
    """One line of a table. `requests` were answered, `calls` were made for them; latencies are milliseconds."""

    name: str
    requests: int
    p50_ms: int | None
    p99_ms: int | None
    calls: int
    failed_calls: int
    error_rate: float
    """The share of calls that failed."""
    fallbacks: int
    cost_usd: Decimal


@dataclass(frozen=True, slots=True)
class Outage:
    """A model's provider was down from `began_at` to `ended_at`."""

    model: str
    began_at: datetime
    ended_at: datetime


@dataclass(frozen=True, slots=True)
class Story:
    """How Turnout came through the outage. Seconds; null where it did not happen."""

    model: str
    lasted_s: float
    opened_after_s: dict[str, float]
    """By worker: from the beginning of the outage to its breaker's opening."""
    recovered_after_s: float | None
    """From the end of the outage to the closing of the last open breaker."""
    completed_meanwhile: int
    fallbacks_meanwhile: int
    failed_meanwhile: int


@dataclass(frozen=True, slots=True)
class Savings:
    """What everything cost, against every answer from one model. The baseline is a sum over the answers' own tokens."""

    cost_usd: Decimal
    baseline_model: str
    baseline_cost_usd: Decimal
    saved: float
    """The share of the baseline; negative if routing was dearer."""
    saved_without_fallbacks: float
    """The same over the requests that were answered by the model whose turn it was."""


@dataclass(frozen=True, slots=True)
class Figures:
    """Everything there is to say. The demo has succeeded if there are no `problems`."""

    requests: int
    completed: int
    rejected: int
    failed: int
    dead_letters: int
    by_task: tuple[Row, ...]
    by_tier: tuple[Row, ...]
    by_model: tuple[Row, ...]
    by_tenant: tuple[Row, ...]
    savings: Savings | None
    quality: Quality | None
    outage: Story | None
    reconciliation: Reconciliation
    bill_equals_invoice: bool
    problems: tuple[str, ...]


def work_out(
    requested: Mapping[str, str], tally: Tally, invoice: Iterable[InvoiceRow], outage: Outage | None, exam: Exam
) -> Figures:
    """Return the figures; `requested` are all requests that were published, their prompts by their ids."""
    responses = list(tally.responses.values())
    costs = list({event.event_id: event for event in tally.costs}.values())
    reconciliation = reconcile(tally.costs, invoice)
    savings = _savings(responses, costs)
    return Figures(
        requests=len(requested),
        completed=sum(response.status is Status.COMPLETED for response in responses),
        rejected=sum(response.status is Status.REJECTED for response in responses),
        failed=sum(response.status is Status.FAILED for response in responses),
        dead_letters=tally.dead_letters,
        by_task=_rows(responses, costs, lambda one: one.task),
        by_tier=_rows(responses, costs, lambda one: one.tier),
        by_model=_model_rows(responses, costs),
        by_tenant=_rows(responses, costs, lambda one: one.tenant),
        savings=savings,
        quality=None if savings is None else mark_answers(responses, requested, exam, savings.baseline_model),
        outage=None if outage is None else _story(outage, responses, tally.failovers),
        reconciliation=reconciliation,
        bill_equals_invoice=reconciliation.bill_equals_invoice,
        problems=tuple(_problems(list(requested), tally, reconciliation)),
    )


def percentile(values: Iterable[int], share: float) -> int | None:
    """Return the smallest value that at least this share of the values does not exceed; None of nothing."""
    ordered = sorted(values)
    return ordered[max(ceil(share * len(ordered)), 1) - 1] if ordered else None


def _rows(
    responses: Sequence[Response], costs: Sequence[CostEvent], key: Callable[[Response | CostEvent], str | None]
) -> tuple[Row, ...]:
    groups: defaultdict[str, list[Response]] = defaultdict(list)
    for response in responses:
        groups[key(response) or "unread"].append(response)
    rows = []
    for name, group in groups.items():
        latencies = [response.latency_ms for response in group if response.status is Status.COMPLETED]
        calls = [attempt for response in group for attempt in response.attempts]
        failed = sum(call.outcome is not AttemptOutcome.SUCCEEDED for call in calls)
        rows.append(
            Row(
                name=str(name),
                requests=len(group),
                p50_ms=percentile(latencies, 0.50),
                p99_ms=percentile(latencies, 0.99),
                calls=len(calls),
                failed_calls=failed,
                error_rate=_share(failed, len(calls)),
                fallbacks=sum(map(is_fallback, group)),
                cost_usd=_sum(event.cost_usd for event in costs if key(event) == name),
            )
        )
    return _most_first(rows)


def _model_rows(responses: Sequence[Response], costs: Sequence[CostEvent]) -> tuple[Row, ...]:
    """Latencies are those of the model's own successful calls; its fallbacks are the answers it gave for others."""
    attempts = [attempt for response in responses for attempt in response.attempts]
    rows = []
    for name in {attempt.request_model for attempt in attempts}:
        own = [attempt for attempt in attempts if attempt.request_model == name]
        answered = [response for response in responses if response.request_model == name]
        succeeded = [attempt for attempt in own if attempt.outcome is AttemptOutcome.SUCCEEDED]
        latencies = [attempt.latency_ms for attempt in succeeded if attempt.latency_ms is not None]
        rows.append(
            Row(
                name=name,
                requests=len(answered),
                p50_ms=percentile(latencies, 0.50),
                p99_ms=percentile(latencies, 0.99),
                calls=len(own),
                failed_calls=len(own) - len(succeeded),
                error_rate=_share(len(own) - len(succeeded), len(own)),
                fallbacks=sum(map(is_fallback, answered)),
                cost_usd=_sum(event.cost_usd for event in costs if event.request_model == name),
            )
        )
    return _most_first(rows)


def _most_first(rows: Iterable[Row]) -> tuple[Row, ...]:
    return tuple(sorted(rows, key=lambda row: (-row.requests, row.name)))


def _savings(responses: Iterable[Response], costs: Sequence[CostEvent]) -> Savings | None:
    baseline = next((event.baseline_model for event in costs if event.baseline_model), None)
    if baseline is None:
        return None
    fallbacks = {response.request_id for response in responses if is_fallback(response)}
    cost_usd, baseline_cost_usd = _against_baseline(costs)
    return Savings(
        cost_usd=cost_usd,
        baseline_model=baseline,
        baseline_cost_usd=baseline_cost_usd,
        saved=_saved(cost_usd, baseline_cost_usd),
        saved_without_fallbacks=_saved(*_against_baseline(one for one in costs if one.request_id not in fallbacks)),
    )


def _against_baseline(costs: Iterable[CostEvent]) -> tuple[Decimal, Decimal]:
    """Return what all calls cost, and what the successful ones would have cost at the baseline model."""
    events = list(costs)
    answers = (event for event in events if event.outcome is AttemptOutcome.SUCCEEDED)
    return _sum(event.cost_usd for event in events), _sum(event.baseline_cost_usd for event in answers)


def _saved(cost_usd: Decimal, baseline_cost_usd: Decimal) -> float:
    return float(1 - cost_usd / baseline_cost_usd) if baseline_cost_usd else 0.0


def _story(outage: Outage, responses: Sequence[Response], failovers: Sequence[Failover]) -> Story:
    own = [failover for failover in failovers if failover.request_model == outage.model]
    opened: dict[str, float] = {}
    recovered: dict[str, float] = {}
    for failover in own:
        if failover.to_state == BreakerState.OPEN and outage.began_at <= failover.occurred_at <= outage.ended_at:
            opened.setdefault(failover.worker, (failover.occurred_at - outage.began_at).total_seconds())
        if failover.to_state == BreakerState.CLOSED and failover.worker in opened:
            recovered.setdefault(failover.worker, (failover.occurred_at - outage.ended_at).total_seconds())
    meanwhile = [response for response in responses if outage.began_at <= response.completed_at <= outage.ended_at]
    return Story(
        model=outage.model,
        lasted_s=(outage.ended_at - outage.began_at).total_seconds(),
        opened_after_s=opened,
        recovered_after_s=max(recovered.values()) if opened and opened.keys() == recovered.keys() else None,
        completed_meanwhile=sum(response.status is Status.COMPLETED for response in meanwhile),
        fallbacks_meanwhile=sum(map(is_fallback, meanwhile)),
        failed_meanwhile=sum(response.status is not Status.COMPLETED for response in meanwhile),
    )


def _problems(requested: Sequence[str], tally: Tally, reconciliation: Reconciliation) -> Iterable[str]:
    for ids, what in (
        (set(requested) - tally.responses.keys(), "without a response"),
        (set(tally.again), "with more than one response"),
        (tally.responses.keys() - set(requested), "answered and never asked"),
    ):
        if ids:
            yield f"{len(ids):,} of {len(requested):,} requests {what} (first {min(ids)})"
    if tally.dead_letters:
        yield f"{tally.dead_letters:,} dead letter{'s' if tally.dead_letters > 1 else ''}"
    if not reconciliation.bill_equals_invoice:
        yield reconciliation.sentence()


def _share(part: int, whole: int) -> float:
    return part / whole if whole else 0.0


def _sum(amounts: Iterable[Decimal | None]) -> Decimal:
    return sum((amount for amount in amounts if amount is not None), Decimal(0))
