"""The arms of experiments, from a warehouse in memory of what responses said."""

from dataclasses import astuple
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from tests.warehouses import Warehouse, batch_of, golden
from warehouse.experiments import Interval, arms, mean, share

EVER = date(1, 1, 1), date(9999, 12, 31)


def test_the_interval_of_a_share_is_wilsons() -> None:
    # Newcombe (1998), "Two-sided confidence intervals for the single proportion", table I: 81 of 263
    assert astuple(share(81, 263)) == pytest.approx((0.3080, 0.2553, 0.3662), abs=5e-5)
    assert share(0, 20).high == pytest.approx(0.1611, abs=5e-5)
    assert share(20, 20).high == 1


def test_the_interval_of_a_mean_is_a_normal_distributions_and_not_below_zero() -> None:
    assert astuple(mean(10.0, 5.0, 100)) == pytest.approx((10.0, 9.020018, 10.979982))
    assert mean(1.0, 10.0, 4).low == 0


def test_each_arm_is_told_with_its_requests_and_those_without_an_arm_are_not(tmp_path: Path) -> None:
    warehouse = Warehouse.in_file(tmp_path)
    store = warehouse.open()
    responses: list[bytes | None] = [golden("response-completed", request_id="none")]
    responses += [
        golden("response-completed", request_id=f"c-{number}", arm="control", cost_usd="0.004", latency_ms=100 * number)
        for number in range(4)
    ]
    responses.append(golden("response-completed", request_id="e-1", arm="cheap", cost_usd="0.001", latency_ms=50))
    responses.append(golden("response-failed", request_id="e-2", arm="cheap", cost_usd=None, latency_ms=150))
    store.write(batch_of([], responses))
    cheap, control = arms(store, *EVER)
    assert (cheap.name, cheap.requests, cheap.answered) == ("cheap", 2, share(1, 2))
    assert cheap.usd == Interval(0.001, 0.001, 0.001)
    assert cheap.latency_ms.value == 100
    assert (control.name, control.requests, control.answered.value) == ("control", 4, 1.0)
    assert control.usd is not None
    assert Decimal(str(control.usd.value)) == Decimal("0.004")
    assert astuple(control.latency_ms) == pytest.approx(astuple(mean(150.0, 129.099445, 4)))
    assert arms(store, date(2020, 1, 1), date(2020, 1, 2)) == ()
    store.close()
