"""What the page is told, as JSON: everything that it shows, already worked out."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from decimal import Decimal

from dashboard.figures import OTHERS, Figures, Spend, SpendKey, Step, sum_of
from dashboard.lanes import BatchRow, batch_rows
from schemas.health import BreakerState, ModelHealth
from schemas.message import NANO_USD
from schemas.vocabulary import Difficulty, Status

NOW_S = 30
"""What is said of "now" covers the finished steps of so long, or one step if that is longer."""
STALE_S = 30.0
"""Health that is older is unknown: workers tell it at least every 10 s."""
MOST_ROWS = 12
"""Models or tenants that are shown one by one."""
MOST_CELLS_SHOWN = 30
"""Rows of quality that are shown."""
UNKNOWN = "unknown"
_MS = 1000


@dataclass(frozen=True, slots=True)
class Money:
    """A sum of calls; amounts are exact decimal strings of US dollars."""

    name: str
    calls: int
    unpriced_calls: int
    spent_usd: str
    baseline_usd: str
    """What was spent and what was saved: what it would have cost."""
    saved_usd: str
    saved_share: float | None


@dataclass(frozen=True, slots=True)
class Now:
    """How fast things go."""

    over_s: int
    spent_usd_per_hour: float
    saved_usd_per_hour: float
    completed_per_s: float
    rejected_per_s: float
    failed_per_s: float


@dataclass(frozen=True, slots=True)
class Series:
    """One number a finished step each; `at_ms` is when it began."""

    at_ms: list[int]
    spent_usd_per_hour: list[float]
    baseline_usd_per_hour: list[float]
    completed_per_s: list[float]
    rejected_per_s: list[float]
    failed_per_s: list[float]
    in_flight: list[int | None]
    lag: list[int | None]


@dataclass(frozen=True, slots=True)
class Health:
    """One model, as all workers see it together."""

    model: str
    status: str
    reason: str | None
    requests: int
    window_s: int
    error_rate: float
    p50_ms: float | None
    p99_ms: float | None
    requests_per_minute: float
    limit_per_minute: int | None
    in_flight: int
    breaker: BreakerState
    breaker_workers: int
    """Workers whose breaker stands so, unless it is closed."""
    workers: int


@dataclass(frozen=True, slots=True)
class Quality:
    """One model's answers to one kind of prompt, as feedback has judged them."""

    model: str
    task: str
    difficulty: str
    form: str
    """What the prompts look like; `any`: it was not told."""
    mean: float | None
    """None: nobody has judged any."""
    margin: float
    weight: float
    """How many answers the mean is worth today."""
    scores: int
    usable: float | None
    """The share without a flaw that shows by itself; None: no answer was looked at."""
    outvoted: tuple[str, ...]
    """Sources that contradict the others, TENANT/SOURCE."""


@dataclass(frozen=True, slots=True)
class Hits:
    """A tenant's answers from the cache."""

    tenant: str
    answers: int
    saved_usd: str


@dataclass(frozen=True, slots=True)
class BudgetBar:
    """A tenant's budget of one window that is not over."""

    tenant: str
    window: str
    spent_usd: str
    limit_usd: str
    share: float
    state: str


@dataclass(frozen=True, slots=True)
class Change:
    """A breaker or a verdict that has changed."""

    at_ms: int
    model: str
    kind: str
    from_state: str
    to_state: str
    reason: str
    alternatives: tuple[str, ...]
    worker: str


@dataclass(frozen=True, slots=True)
class State:
    """Everything."""

    as_of_ms: int
    window_s: int
    step_s: int
    baseline_models: list[str]
    total: Money
    completed: int
    rejected: int
    failed: int
    now: Now
    in_flight: int
    lag: int | None
    unreadable: int
    models: list[Money]
    tenants: list[Money]
    series: Series
    health: list[Health]
    quality: list[Quality]
    batches: list[BatchRow]
    cached: list[Hits]
    """Who saved most first."""
    budgets: list[BudgetBar]
    failovers: list[Change]


def in_flight(figures: Figures, now_s: float) -> int:
    """Return how many calls are under way, as the models' health has it."""
    return sum(health.in_flight for health in figures.health.values() if not _is_stale(health, now_s))


def state_of(figures: Figures, now_s: float) -> State:
    """Work out what the page shows at this moment."""
    steps = list(figures.steps(now_s))
    finished = steps[:-1]
    totals = [step.total() for _, step in finished]
    ended = {status: sum(step.ended[status] for _, step in steps) for status in Status}
    return State(
        as_of_ms=int(now_s * _MS),
        window_s=figures.window_s,
        step_s=figures.step_s,
        baseline_models=sorted(figures.baseline_models),
        total=_money("all", sum_of(step.total() for _, step in steps)),
        completed=ended[Status.COMPLETED],
        rejected=ended[Status.REJECTED],
        failed=ended[Status.FAILED],
        now=_now(finished, totals, figures.step_s),
        in_flight=in_flight(figures, now_s),
        lag=figures.lag,
        unreadable=figures.unreadable,
        models=_by(steps, lambda key: key.model),
        tenants=_by(steps, lambda key: key.tenant),
        series=_series(finished, totals, figures.step_s),
        health=[_health(figures.health[name], now_s) for name in sorted(figures.health)],
        quality=_quality(figures),
        batches=batch_rows(figures.lanes.values(), now_s),
        cached=_hits(steps),
        budgets=_budgets(figures, now_s),
        failovers=[
            Change(
                at_ms=int(failover.occurred_at.timestamp() * _MS),
                model=failover.request_model,
                kind=failover.kind,
                from_state=failover.from_state,
                to_state=failover.to_state,
                reason=failover.reason,
                alternatives=failover.alternatives,
                worker=failover.worker,
            )
            for failover in sorted(figures.failovers, key=lambda one: one.occurred_at, reverse=True)
        ],
    )


def _money(name: str, spend: Spend) -> Money:
    would_have = spend.spent + spend.saved
    return Money(
        name=name,
        calls=spend.calls,
        unpriced_calls=spend.unpriced_calls,
        spent_usd=_usd(spend.spent),
        baseline_usd=_usd(would_have),
        saved_usd=_usd(spend.saved),
        saved_share=spend.saved / would_have if would_have else None,
    )


def _hits(steps: Iterable[tuple[int, Step]]) -> list[Hits]:
    """Return the answers from the cache by tenant; those beyond `MOST_ROWS` as one."""
    answers, not_paid = Counter[str](), Counter[str]()
    for _, step in steps:
        answers.update(step.hits)
        not_paid.update(step.not_paid)
    names = sorted(answers, key=lambda name: (name == OTHERS, -not_paid[name], name))
    shown = names if len(names) <= MOST_ROWS else [name for name in names if name != OTHERS][: MOST_ROWS - 1]
    rows = [Hits(name, answers[name], _usd(not_paid[name])) for name in shown]
    if rest := [name for name in names if name not in shown]:
        rows.append(Hits(OTHERS, sum(answers[one] for one in rest), _usd(sum(not_paid[one] for one in rest))))
    return rows


def _usd(nano: int) -> str:
    return f"{nano * NANO_USD:.9f}"


def _now(finished: list[tuple[int, Step]], totals: list[Spend], step_s: int) -> Now:
    latest = min(len(finished), max(1, NOW_S // step_s))
    over_s = latest * step_s
    spend = sum_of(totals[-latest:])
    ended = {status: sum(step.ended[status] for _, step in finished[-latest:]) / over_s for status in Status}
    return Now(
        over_s=over_s,
        spent_usd_per_hour=_per_hour(spend.spent, over_s),
        saved_usd_per_hour=_per_hour(spend.saved, over_s),
        completed_per_s=ended[Status.COMPLETED],
        rejected_per_s=ended[Status.REJECTED],
        failed_per_s=ended[Status.FAILED],
    )


def _series(finished: list[tuple[int, Step]], totals: list[Spend], step_s: int) -> Series:
    return Series(
        at_ms=[number * step_s * _MS for number, _ in finished],
        spent_usd_per_hour=[_per_hour(spend.spent, step_s) for spend in totals],
        baseline_usd_per_hour=[_per_hour(spend.spent + spend.saved, step_s) for spend in totals],
        completed_per_s=[step.ended[Status.COMPLETED] / step_s for _, step in finished],
        rejected_per_s=[step.ended[Status.REJECTED] / step_s for _, step in finished],
        failed_per_s=[step.ended[Status.FAILED] / step_s for _, step in finished],
        in_flight=[step.in_flight for _, step in finished],
        lag=[step.lag for _, step in finished],
    )


def _per_hour(nano: int, over_s: int) -> float:
    return float(nano * NANO_USD) * 3600 / over_s


def _by(steps: Iterable[tuple[int, Step]], name_of: Callable[[SpendKey], str]) -> list[Money]:
    """Return the spend by model or tenant, dearest first; those beyond `MOST_ROWS` as one."""
    sums: defaultdict[str, Spend] = defaultdict(Spend)
    for _, step in steps:
        for key, spend in step.spend.items():
            sums[name_of(key)].add(spend)
    rows = sorted(
        ((name, spend) for name, spend in sums.items() if spend.calls), key=lambda row: (-row[1].spent, row[0])
    )
    shown = [_money(name, spend) for name, spend in rows[:MOST_ROWS]]
    rest = [spend for _, spend in rows[MOST_ROWS:]]
    return [*shown, _money(f"{len(rest):,} others", sum_of(rest))] if rest else shown


def _is_stale(health: ModelHealth, now_s: float) -> bool:
    return now_s - health.as_of.timestamp() > STALE_S


def _health(health: ModelHealth, now_s: float) -> Health:
    stale = _is_stale(health, now_s)
    states = list(health.breakers.values())
    breaker = next((state for state in (BreakerState.OPEN, BreakerState.HALF_OPEN) if state in states), None)
    return Health(
        model=health.request_model,
        status=UNKNOWN if stale else health.status,
        reason="No worker has told of it lately." if stale else health.reason,
        requests=health.requests,
        window_s=health.window_s,
        error_rate=health.error_rate,
        p50_ms=health.p50_ms,
        p99_ms=health.p99_ms,
        requests_per_minute=health.requests_per_minute,
        limit_per_minute=health.limit_per_minute,
        in_flight=0 if stale else health.in_flight,
        breaker=breaker or BreakerState.CLOSED,
        breaker_workers=states.count(breaker) if breaker else 0,
        workers=health.workers,
    )


def _quality(figures: Figures) -> list[Quality]:
    """Return the cells that most is known of, by kind of prompt, the best model first."""
    most = sorted(figures.quality.values(), key=lambda one: (-one.weight, -one.answers))[:MOST_CELLS_SHOWN]
    order = list(Difficulty)
    rows = sorted(
        most,
        key=lambda one: (
            one.task,
            order.index(one.difficulty) if one.difficulty in order else len(order),
            one.form,
            -one.mean,
            one.request_model,
        ),
    )
    return [
        Quality(
            model=one.request_model,
            task=one.task,
            difficulty=one.difficulty,
            form=one.form,
            mean=one.mean if one.weight else None,
            margin=one.margin,
            weight=one.weight,
            scores=one.count,
            usable=one.usable if one.answers else None,
            outvoted=tuple(source.source for source in one.sources if source.outvoted),
        )
        for one in rows
    ]


def _budgets(figures: Figures, now_s: float) -> list[BudgetBar]:
    """Return the budgets that have a limit, those that are nearest to it first."""
    bars = [
        BudgetBar(
            tenant=budget.tenant,
            window=window.window,
            spent_usd=f"{window.spent_usd:.9f}",
            limit_usd=f"{window.limit_usd:.9f}",
            share=float(window.spent_usd / (window.limit_usd or Decimal(1))),
            state=window.state,
        )
        for budget in figures.budgets()
        for window in budget.windows
        if window.limit_usd is not None and window.window_start.timestamp() <= now_s < window.window_end.timestamp()
    ]
    return sorted(bars, key=lambda bar: (-bar.share, bar.tenant, bar.window))[:MOST_ROWS]
