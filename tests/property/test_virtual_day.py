"""A day of traffic in seconds: 100,000 requests through outages, under a virtual clock, with the real routing core."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from math import pi, sin
from random import Random

import pytest

from router.identity import Identity
from router.job import Job, Origin
from router.request.session import Finish
from schemas.health import BreakerState
from schemas.requests import Request
from schemas.vocabulary import Certainty, ErrorCode, Status, Tier
from streams.config.catalogue_file import parse_catalogue
from tests.reference import in_chain_order
from tests.virtual import Figures, Spell, Trouble, World

pytestmark = [pytest.mark.long, pytest.mark.timeout(600)]  # the first one waits for the whole day

REQUESTS = 99_000
BATCH = 1_000
HOUR_S = 3600.0
DAY_S = 6 * HOUR_S
START_S = 1_800_000_000.0
DEADLINE_S = 60.0
BATCH_DEADLINE_S = 180.0
BATCH_MODEL = "gpt-4.1"
BATCH_AT_S = START_S + 4.5 * HOUR_S

FIGURES = {
    "gpt-4.1": Figures(p50_ms=720, p99_ms=1850, uptime=0.995),
    "claude-sonnet-4.5": Figures(p50_ms=950, p99_ms=2400, uptime=0.992),
    "gemini-2.5-flash": Figures(p50_ms=180, p99_ms=520, uptime=0.998),
    "deepseek-v3.2": Figures(p50_ms=280, p99_ms=890, uptime=0.997),
}
PROMPTS = {
    "Rename these files as a batch, by date: harbour.jpg, bridge.jpg, ferry.jpg": (Tier.BALANCED, 40),
    "Quick: what is the capital of France?": (Tier.FAST, 20),
    "Translate to French: good morning, everybody.": (Tier.FAST, 15),
    "Explain why the sky is blue, and compare it with that of Mars.": (Tier.REASONING, 10),
    "Phân tích vì sao bầu trời có màu xanh.": (Tier.REASONING, 5),
    "Write a poem about the sea in autumn.": (Tier.POWERFUL, 10),
}
"""Prompts, the tiers that they pin, and their weights: 40 % of the traffic is balanced, 35 % fast, 15 % reasoning, 10 %
powerful."""


def _spell(model: str, from_min: float, to_min: float, trouble: Trouble) -> Spell:
    return Spell(model, START_S + 60 * from_min, START_S + 60 * to_min, trouble)


SPELLS = (
    _spell("deepseek-v3.2", 30, 60, Trouble.REFUSES),
    _spell("gpt-4.1", 90, 110, Trouble.HANGS),
    _spell("gpt-4.1", 140, 155, Trouble.ERRORS),
    _spell("claude-sonnet-4.5", 140, 155, Trouble.ERRORS),
    *(_spell(model, 180, 185, Trouble.REFUSES) for model in FIGURES),
    _spell("claude-sonnet-4.5", 220, 240, Trouble.SHARES_ITS_LIMIT),
)


@dataclass(slots=True)
class Day:
    """What is left of the day when it is over; responses themselves would not fit."""

    world: World
    ended: Counter[str] = field(default_factory=Counter)
    met: Counter[int] = field(default_factory=Counter)
    """Completed inside the deadline, by how many providers were out during the request's time."""
    lived: Counter[int] = field(default_factory=Counter)
    codes: Counter[ErrorCode] = field(default_factory=Counter)
    late_s: float = 0.0
    """The furthest that anything ended after its deadline."""
    bill: dict[str, tuple[Certainty, int]] = field(default_factory=dict)
    responses_nano_usd: int = 0
    batch_called: int = 0
    batch_attempts: int = 0
    over_max_attempts: int = 0

    def finished(self, job: Job, finish: Finish) -> None:
        response = finish.response
        self.ended[response.request_id] += 1
        out = _most_out(job.received_s, job.deadline_s)
        self.lived[out] += 1
        late_s = response.completed_at.timestamp() - job.deadline_s
        self.late_s = max(self.late_s, late_s)
        self.met[out] += response.status is Status.COMPLETED and late_s <= 0
        if response.error is not None:
            self.codes[response.error.code] += 1
        if job.request.model is not None:
            self.batch_called += response.request_model == BATCH_MODEL
            self.batch_attempts += len(response.attempts)
        self.over_max_attempts += len(response.attempts) > self.world.catalogue.retry.max_attempts
        assert response.cost_usd is not None
        self.responses_nano_usd += int(response.cost_usd * 10**9)
        for cost in finish.costs:
            assert cost.event_id not in self.bill
            assert cost.cost_nano_usd is not None
            self.bill[cost.event_id] = cost.certainty, cost.cost_nano_usd


@pytest.fixture(scope="module")
def day() -> Day:
    catalogue = parse_catalogue(in_chain_order()).catalogue
    day = Day(World(catalogue, FIGURES, SPELLS))
    day.world.play(_traffic(Random(1)), day.finished)  # noqa: S311 - a test's dice
    return day


def test_every_request_ends_exactly_once(day: Day) -> None:
    assert len(day.ended) == REQUESTS + BATCH
    assert set(day.ended.values()) == {1}


def test_with_at_most_one_provider_out_999_of_1000_are_answered_in_time(day: Day) -> None:
    assert day.lived[0] + day.lived[1] > 0.9 * REQUESTS
    assert day.met[0] >= 0.999 * day.lived[0]
    assert day.met[1] >= 0.999 * day.lived[1]


def test_with_a_whole_chain_out_the_last_resort_answers(day: Day) -> None:
    assert day.lived[2] > 1_000
    assert day.met[2] >= 0.99 * day.lived[2]


def test_with_everybody_out_requests_wait_for_the_end_of_it_and_fail_only_for_their_deadline(day: Day) -> None:
    failed = day.lived[4] - day.met[4]
    assert failed > 100
    assert day.codes[ErrorCode.FALLBACK_EXHAUSTED] < 0.05 * failed
    assert day.met[4] > 0.25 * day.lived[4]
    assert day.codes.keys() <= {ErrorCode.FALLBACK_EXHAUSTED, ErrorCode.DEADLINE_EXCEEDED}
    assert sum(day.codes.values()) - failed <= 0.001 * REQUESTS


def test_nothing_outlasts_its_deadline(day: Day) -> None:
    assert day.late_s <= 0.1
    assert day.over_max_attempts == 0


def test_the_bill_is_the_invoice(day: Day) -> None:
    invoice = {event: nano for provider in day.world.providers.values() for event, nano in provider.invoice.items()}
    metered = {event: nano for event, (certainty, nano) in day.bill.items() if certainty is Certainty.METERED}
    unknown = {event for event, (certainty, _) in day.bill.items() if certainty is Certainty.UNKNOWN}
    assert len(metered) + len(unknown) == len(day.bill)
    assert metered == {event: nano for event, nano in invoice.items() if event not in unknown}
    assert invoice.keys() <= day.bill.keys(), "every charge has its cost event"
    assert all(day.bill[event][1] >= nano for event, nano in invoice.items()), "an unknown call's estimate bounds it"
    assert day.responses_nano_usd == sum(nano for _, nano in day.bill.values())


def test_breakers_open_in_an_outage_and_close_after_it(day: Day) -> None:
    for name, model in day.world.catalogue.models.items():
        states = [change.to_state for change in day.world.transitions if change.model is model]
        assert {BreakerState.OPEN, BreakerState.HALF_OPEN, BreakerState.CLOSED} <= set(states), name
        assert day.world.pool.is_closed(model), name


def test_a_breaker_opens_within_seconds_and_closes_within_two_pauses_of_the_end(day: Day) -> None:
    refusing = SPELLS[0]
    changes = [change for change in day.world.transitions if change.model.name == refusing.model]
    opened_s = next(change.at_s for change in changes if change.at_s >= refusing.from_s)
    closed_s = next(
        change.at_s for change in changes if change.at_s >= refusing.to_s and change.to_state is BreakerState.CLOSED
    )
    assert opened_s - refusing.from_s < 30
    assert closed_s - refusing.to_s < 2 * day.world.catalogue.breaker.max_pause_s


def test_an_outage_is_hardly_called(day: Day) -> None:
    for name, provider in day.world.providers.items():
        assert provider.calls_in_outages < 0.003 * REQUESTS, name


def test_a_limit_is_never_exceeded_by_ourselves_and_a_batch_above_it_waits(day: Day) -> None:
    assert [name for name, provider in day.world.providers.items() if provider.too_many] == ["claude-sonnet-4.5"]
    assert day.batch_called == BATCH
    assert day.batch_attempts < 1.05 * BATCH


def _traffic(random: Random) -> Iterator[Job]:
    at_s, number, weights = START_S, 0, [weight for _, weight in PROMPTS.values()]
    requests = [Request(prompt=prompt, tier=tier, max_tokens=800) for prompt, (tier, _) in PROMPTS.items()]
    pinned = requests[0].model_copy(update={"model": BATCH_MODEL})
    batch = ((BATCH_AT_S, pinned, BATCH_DEADLINE_S) for _ in range(BATCH))
    upcoming = next(batch, None)
    while number < REQUESTS + BATCH:
        rate = REQUESTS / DAY_S * (1 + 0.6 * sin(2 * pi * (at_s - START_S) / DAY_S))
        at_s += random.expovariate(rate)
        while upcoming is not None and upcoming[0] <= at_s:
            yield _job(number, *upcoming)
            number += 1
            upcoming = next(batch, None)
        yield _job(number, at_s, random.choices(requests, weights)[0], DEADLINE_S)
        number += 1


def _job(number: int, at_s: float, request: Request, deadline_s: float) -> Job:
    return Job(
        request,
        Identity(request.tenant, f"r-{number}", None),
        Origin("llm.requests.v1", number % 12, number),
        at_s,
        at_s + deadline_s,
    )


def _most_out(from_s: float, to_s: float) -> int:
    out = [spell for spell in SPELLS if spell.is_outage and spell.from_s <= to_s and from_s <= spell.to_s]
    return len({spell.model for spell in out})
