"""How the arms of experiments have done, and shadows beside the answers: each figure with its interval."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from math import sqrt
from typing import cast

from warehouse.store import Cell, Store

Z_95 = 1.959964
"""The standard normal quantile of 0.975."""


@dataclass(frozen=True, slots=True)
class Interval:
    """A value, and between what it is with 95 % confidence."""

    value: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Arm:
    """The requests of one arm, those included that no model has answered."""

    name: str
    requests: int
    answered: Interval
    """The share of them that was completed."""
    usd: Interval | None
    """What one of them cost, all of its calls together; None: no cost of its requests is known."""
    calls: float
    """For one of them."""
    latency_ms: Interval


@dataclass(frozen=True, slots=True)
class ShadowArm:
    """The shadows whose model one experiment has chosen, or the catalogue's list, beside the requests' own answers."""

    experiment: str | None
    """None: `shadow_calls.models`."""
    shadows: int
    answered: Interval
    """The share of them with an answer."""
    usd: Interval | None
    """What one of them cost, its judge apart; None: no cost is known."""
    judged: int
    score: Interval | None
    """Of the shadows' answers, 0 to 1, by the judge; None: none was judged."""
    answered_score: Interval | None
    """Of the requests' own answers, by the same verdicts."""
    difference: Interval | None
    """`score` less `answered_score`, by pairs: their luck with hard prompts is the same."""
    latency_ms: Interval


def shadow_arms(store: Store, since: date, until: date) -> tuple[ShadowArm, ...]:
    """Return what came of shadows in the period, UTC days, by experiment.

    Raises:
        WarehouseError: the database refuses.
    """
    usd, ms, score, other = (
        f"CAST({name} AS DOUBLE PRECISION)" for name in ("cost_usd", "latency_ms", "shadow_score", "answered_score")
    )
    rows = store.query(
        f"""
        SELECT
            experiment, count(*), sum(CASE WHEN status = 'completed' THEN 1 ELSE 0 END), count(cost_usd), count(judge),
            {_mean_of(usd)}, {_mean_of(ms)}, {_mean_of(score)}, {_mean_of(other)}, {_mean_of(f"{score} - {other}")}
        FROM shadow_answers WHERE completed_on >= ? AND completed_on <= ?
        GROUP BY experiment ORDER BY experiment
        """,  # noqa: S608 - our own words
        since,
        until,
    )
    return tuple(_shadow_arm(row) for row in rows)


def _mean_of(expression: str) -> str:
    return f"coalesce(avg({expression}), 0), coalesce(stddev_samp({expression}), 0)"


def _shadow_arm(cells: Sequence[Cell]) -> ShadowArm:
    shadows, answered, priced, judged = (int(cast("int", cell)) for cell in cells[1:5])
    numbers = [float(cast("float", cell)) for cell in cells[5:]]
    usd, ms, score, other, difference = zip(numbers[::2], numbers[1::2], strict=True)
    return ShadowArm(
        experiment=None if cells[0] is None else str(cells[0]),
        shadows=shadows,
        answered=share(answered, shadows),
        usd=mean(*usd, priced) if priced else None,
        judged=judged,
        score=mean(*score, judged) if judged else None,
        answered_score=mean(*other, judged) if judged else None,
        difference=_difference(*difference, judged) if judged else None,
        latency_ms=mean(*ms, shadows),
    )


def _difference(value: float, deviation: float, count: int) -> Interval:
    half = Z_95 * deviation / sqrt(count)
    return Interval(value, value - half, value + half)


def arms(store: Store, since: date, until: date) -> tuple[Arm, ...]:
    """Return the arms whose requests ended in the period, UTC days, by name.

    Answers from the cache are in none: they say nothing of the arm's policy.

    Raises:
        WarehouseError: the database refuses.
    """
    cost, latency = "CAST(cost_usd AS DOUBLE PRECISION)", "CAST(latency_ms AS DOUBLE PRECISION)"
    rows = store.query(
        f"""
        SELECT
            arm, count(*), sum(CASE WHEN status = 'completed' THEN 1 ELSE 0 END),
            CAST(avg(attempts) AS DOUBLE PRECISION),
            count(cost_usd), coalesce(avg({cost}), 0), coalesce(stddev_samp({cost}), 0),
            avg({latency}), coalesce(stddev_samp({latency}), 0)
        FROM responses WHERE arm IS NOT NULL AND cached IS NOT TRUE AND completed_on >= ? AND completed_on <= ?
        GROUP BY arm ORDER BY arm
        """,  # noqa: S608 - our own words
        since,
        until,
    )
    return tuple(_arm(row) for row in rows)


def _arm(cells: Sequence[Cell]) -> Arm:
    requests, answered, priced = (int(cast("int", cells[place])) for place in (1, 2, 4))
    calls, usd, usd_spread, ms, ms_spread = (float(cast("float", cells[place])) for place in (3, 5, 6, 7, 8))
    return Arm(
        name=str(cells[0]),
        requests=requests,
        answered=share(answered, requests),
        usd=mean(usd, usd_spread, priced) if priced else None,
        calls=calls,
        latency_ms=mean(ms, ms_spread, requests),
    )


def share(hits: int, count: int) -> Interval:
    """Return a share and its interval (Wilson, 1927): it holds for few, and near 0 and 1 too."""
    part = hits / count
    scale = 1 + Z_95**2 / count
    middle = (part + Z_95**2 / (2 * count)) / scale
    half = Z_95 * sqrt(part * (1 - part) / count + Z_95**2 / (4 * count**2)) / scale
    return Interval(part, max(0.0, middle - half), min(1.0, middle + half))


def mean(value: float, deviation: float, count: int) -> Interval:
    """Return a mean of non-negative values and its interval, which is that of a normal distribution."""
    half = Z_95 * deviation / sqrt(count)
    return Interval(value, max(0.0, value - half), value + half)
