"""The fault script: whom a fault hits, how often and for how long, and the forms of Retry-After."""

from datetime import UTC, datetime
from random import Random

import pytest
from pydantic import ValidationError

from sandbox.provider import faults
from sandbox.provider.faults import Fault, FaultKind, FaultScript, RetryAfterForm, go_duration, retry_headers


def script(*scripted: Fault, time_scale: float = 1.0) -> FaultScript:
    made = FaultScript(Random(1), time_scale)  # noqa: S311 - chance has to be repeatable here
    for fault in scripted:
        made.add(fault, now=0)
    return made


def test_a_fault_hits_its_model_and_no_other() -> None:
    reset = Fault(model="gpt-4.1", fault=FaultKind.RESET)

    assert script(reset).hit("gpt-4.1", 1) == reset
    assert script(reset).hit("deepseek-v3.2", 1) is None


def test_a_fault_without_a_model_hits_every_model() -> None:
    assert script(Fault(fault=FaultKind.HANG)).hit("deepseek-v3.2", 1) is not None


def test_a_fault_with_a_count_hits_that_many_calls() -> None:
    twice = script(Fault(fault=FaultKind.HANG, count=2))

    assert [twice.hit("gpt-4.1", 1) is not None for _ in range(4)] == [True, True, False, False]
    assert twice.active(1) == []


def test_a_fault_ends_after_its_duration_by_the_time_scale() -> None:
    brief = script(Fault(fault=FaultKind.OUTAGE, duration_s=20), time_scale=0.1)

    assert brief.hit("gpt-4.1", 1.9) is not None
    assert brief.hit("gpt-4.1", 2.0) is None
    assert brief.active(2.0) == []


def test_a_rate_is_the_share_of_calls_hit() -> None:
    third = script(Fault(fault=FaultKind.HANG, rate=0.3))

    hits = sum(third.hit("gpt-4.1", 1) is not None for _ in range(10_000))
    assert 2_850 < hits < 3_150


def test_the_oldest_fault_wins_and_a_miss_falls_through_to_the_next() -> None:
    layered = script(Fault(fault=FaultKind.RESET, count=1), Fault(model="gpt-4.1", fault=FaultKind.SLOW))

    hits = [layered.hit("gpt-4.1", 1) for _ in range(2)]
    assert [hit and hit.fault for hit in hits] == [FaultKind.RESET, FaultKind.SLOW]


def test_clearing_a_model_leaves_the_faults_of_others() -> None:
    both = script(Fault(model="gpt-4.1", fault=FaultKind.HANG), Fault(fault=FaultKind.SLOW))

    both.clear("gpt-4.1")
    assert [fault.fault for fault in both.active(1)] == [FaultKind.SLOW]
    both.clear(None)
    assert both.active(1) == []


@pytest.mark.parametrize(
    "fields",
    [
        {"fault": "outage"},
        {"fault": "listener"},
        {"fault": "listener", "duration_s": 1, "model": "gpt-4.1"},
        {"fault": "reset", "rate": 0},
        {"fault": "reset", "typo": 1},
        {"fault": "meteor"},
    ],
)
def test_a_fault_that_makes_no_sense_is_rejected(fields: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        Fault.model_validate(fields)


def test_every_fault_is_in_the_documented_table() -> None:
    uncharged, _, charged = (faults.__doc__ or "").partition("\nCharged")

    for kind in FaultKind:
        assert kind in (charged if kind.charged else uncharged)


@pytest.mark.parametrize(
    ("form", "expected"),
    [
        (RetryAfterForm.SECONDS, "retry-after: 2\r\n"),
        (RetryAfterForm.HTTP_DATE, "retry-after: Tue, 24 Nov 2026 00:00:03 GMT\r\n"),
        (RetryAfterForm.RETRY_AFTER_MS, "retry-after-ms: 1500\r\n"),
        (RetryAfterForm.X_RATELIMIT_RESET_REQUESTS, "x-ratelimit-reset-requests: 1.5s\r\n"),
        (RetryAfterForm.X_RATELIMIT_RESET, "x-ratelimit-reset: 1795478403\r\n"),
    ],
)
def test_each_form_of_retry_after_never_asks_to_come_back_too_early(form: RetryAfterForm, expected: str) -> None:
    now = datetime(2026, 11, 24, 0, 0, 0, 700_000, tzinfo=UTC)

    assert retry_headers(1.5, form, now) == expected


@pytest.mark.parametrize(
    ("duration_s", "expected"),
    [(0, "0s"), (0.0171, "18ms"), (1, "1s"), (1.5, "1.5s"), (59.9999, "1m0s"), (360, "6m0s"), (3600.5, "1h0m0.5s")],
)
def test_durations_are_written_as_openai_writes_them(duration_s: float, expected: str) -> None:
    assert go_duration(duration_s) == expected
