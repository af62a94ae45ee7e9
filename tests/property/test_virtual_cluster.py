"""Workers that share health and limits, under a virtual clock: brown-out, outage, and the minute's limit."""

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from router.errors import Answer, UpstreamFailure
from router.request.session import Call
from router.sharing.allotment import joining_share
from schemas.health import HealthStatus
from tests.cluster import Cluster
from tests.cluster_steps import STEPS, Step, job, play_steps, serve
from tests.examples import examples
from tests.stage import ALPHA, ANSWER, BETA, NOW_S, UNAVAILABLE, make_catalogue

MODEL = replace(ALPHA, requests_per_minute=100_000)
OTHER = replace(BETA, requests_per_minute=100_000)
CATALOGUE = make_catalogue(MODEL, OTHER)
PER_S = 200
T_S = NOW_S + 20


def steady(
    cluster: Cluster, workers: tuple[str, ...], from_s: float, to_s: float
) -> Iterator[tuple[float, Callable[[], None]]]:
    for number in range(int((to_s - from_s) * PER_S)):
        at_s = from_s + number / PER_S
        yield at_s, partial(cluster.serve, job(number, at_s), workers[number % len(workers)])


def share_of(cluster: Cluster, model: str, from_s: float, to_s: float) -> float:
    called = Counter(name for at_s, _, name in cluster.calls if from_s <= at_s < to_s)
    return called[model] / called.total()


@pytest.mark.long
def test_a_brown_out_without_errors_loses_its_traffic_within_3_s_and_is_back_within_60_s_without_a_second_dip() -> None:
    dice, until_s = Random(3), T_S + 45  # noqa: S311 - a test's dice

    def provider(call: Call, now_s: float) -> tuple[float, Answer | UpstreamFailure]:
        slow = call.model is MODEL and T_S <= now_s < until_s
        return (8 if slow else 0.3) * dice.uniform(0.8, 1.3), ANSWER

    cluster = Cluster(CATALOGUE, provider, NOW_S)
    for worker in ("a", "b"):
        cluster.join(worker)
    cluster.play(until_s + 80, steady(cluster, ("a", "b"), NOW_S + 2, until_s + 80))
    assert share_of(cluster, "alpha", NOW_S + 5, T_S) > 0.99
    assert share_of(cluster, "alpha", T_S + 3, until_s) < 0.05
    assert max(share_of(cluster, "alpha", T_S + 3 + n, T_S + 4 + n) for n in range(42)) < 0.05
    shares = [share_of(cluster, "alpha", until_s + n, until_s + n + 5) for n in range(0, 80, 5)]
    back = next(place for place, share in enumerate(shares) if share > 0.9)
    assert (back + 1) * 5 <= 60
    assert min(shares[back:]) > 0.9, "no second dip"


def test_a_model_that_refuses_is_left_alone_by_a_worker_that_has_not_called_it() -> None:
    def provider(call: Call, now_s: float) -> tuple[float, Answer | UpstreamFailure]:
        return (0.01, UNAVAILABLE) if call.model is MODEL and now_s >= T_S else (0.3, ANSWER)

    cluster = Cluster(CATALOGUE, provider, NOW_S)
    busy, idle = cluster.join("busy"), cluster.join("idle")
    cluster.play(T_S + 2, steady(cluster, ("busy",), NOW_S + 2, T_S + 2))
    assert not busy.is_closed(MODEL)
    assert not idle.is_closed(MODEL)
    assert cluster.healths["alpha"].status is HealthStatus.UNHEALTHY
    (told,) = idle.take_transitions()
    assert told.reason.startswith("shared health: busy left it alone")


def test_a_worker_alone_with_its_trouble_does_not_take_the_model_from_the_others() -> None:
    def provider(call: Call, now_s: float) -> tuple[float, Answer | UpstreamFailure]:
        broken = call.model is MODEL and now_s >= T_S and cluster.calls[-1][1] == "cut off"
        return (0.01, UNAVAILABLE) if broken else (0.3, ANSWER)

    cluster = Cluster(CATALOGUE, provider, NOW_S)
    cut_off, well = cluster.join("cut off"), cluster.join("well")
    cluster.play(T_S + 20, steady(cluster, ("cut off", "well"), NOW_S + 2, T_S + 20))
    assert not cut_off.is_closed(MODEL)
    assert well.is_closed(MODEL)
    assert not well.take_transitions()


def test_workers_with_disjoint_traffic_plan_alike() -> None:
    def provider(call: Call, _now_s: float) -> tuple[float, Answer | UpstreamFailure]:
        return (2.0 if call.model is MODEL and number_of(call) % 30 == 0 else 0.3), ANSWER

    cluster = Cluster(CATALOGUE, provider, NOW_S)
    fleets = [cluster.join("a"), cluster.join("b")]
    cluster.play(NOW_S + 30, steady(cluster, ("a",), NOW_S + 2, NOW_S + 30))
    views = [pool.view(MODEL, cluster.now_s) for pool in fleets]
    assert views[0] == views[1]
    assert views[0].severity == 1
    assert views[0].note is not None
    assert views[0].note.startswith("degraded: p99 of ")


def number_of(call: Call) -> int:
    return int(call.started.request_id.removeprefix("r-"))


# --- the limit over any minute ---

LIMIT = 120
LIMITED = make_catalogue(replace(ALPHA, requests_per_minute=LIMIT))


def most_in_a_minute(moments: list[float]) -> int:
    moments, most, first = sorted(moments), 0, 0
    for last, at_s in enumerate(moments):
        while moments[first] <= at_s - 60:
            first += 1
        most = max(most, last - first + 1)
    return most


@settings(max_examples=examples(25), deadline=None)
@given(steps=STEPS, lag_s=st.sampled_from([0.01, 0.3, 1.5]), seed=st.integers(0, 1000))
def test_however_workers_come_go_and_burst_the_limit_holds_over_any_minute(
    steps: list[Step], lag_s: float, seed: int
) -> None:
    cluster = Cluster(LIMITED, lambda _call, _now_s: (0.2, ANSWER), NOW_S, lag_s=lag_s, seed=seed)
    joined, killed_untold = play_steps(cluster, steps)
    most = most_in_a_minute([at_s for at_s, _, _ in cluster.calls])
    assert most <= LIMIT + joining_share(LIMIT) * joined + killed_untold


def test_three_workers_one_joining_and_one_killed_use_the_whole_limit_and_no_more() -> None:
    limit = 240
    catalogue = make_catalogue(replace(ALPHA, requests_per_minute=limit))
    cluster = Cluster(catalogue, lambda _call, _now_s: (0.3, ANSWER), NOW_S)
    cluster.join("a")
    cluster.join("b")
    cluster.at(NOW_S + 100, partial(cluster.join, "c"))
    cluster.at(NOW_S + 180, lambda: cluster.kill("b"))

    def serve(number: int) -> None:
        workers = sorted(cluster.pools)
        cluster.serve(job(number, cluster.now_s), workers[number % len(workers)])

    arrivals = ((NOW_S + 3 + number / 6, partial(serve, number)) for number in range(6 * 300))
    cluster.play(NOW_S + 303, arrivals)
    moments = [at_s for at_s, _, _ in cluster.calls]
    assert most_in_a_minute(moments) <= 1.05 * limit
    for start_s in range(70, 240, 10):
        minute = sum(NOW_S + start_s <= at_s < NOW_S + start_s + 60 for at_s in moments)
        assert minute >= 0.85 * limit, f"from {start_s} s on"


def test_a_worker_alone_owns_the_whole_limit_about_a_second_after_its_start() -> None:
    cluster = Cluster(LIMITED, lambda _call, _now_s: (0.2, ANSWER), NOW_S + 0.5)
    cluster.join("alone")
    cluster.play(NOW_S + 2.2)
    start_s = cluster.now_s
    cluster.play(start_s + 1, [(start_s, partial(serve, cluster, number, "alone")) for number in range(LIMIT)])
    assert len(cluster.calls) == LIMIT


def test_calls_of_a_worker_that_is_no_more_count_until_they_have_left_the_minute() -> None:
    cluster = Cluster(LIMITED, lambda _call, _now_s: (0.2, ANSWER), NOW_S)
    cluster.join("first")
    cluster.play(NOW_S + 3, [(NOW_S + 2, partial(serve, cluster, number, "first")) for number in range(LIMIT)])
    cluster.kill("first")
    cluster.join("second")
    arrivals = ((NOW_S + 3 + number / 10, partial(serve, cluster, LIMIT + number, "second")) for number in range(500))
    cluster.play(NOW_S + 61.9, arrivals)
    called = Counter(worker for _, worker, _ in cluster.calls)
    assert (called["first"], called["second"]) == (LIMIT, joining_share(LIMIT))
    cluster.play(NOW_S + 70)
    assert Counter(worker for _, worker, _ in cluster.calls)["second"] > LIMIT / 2
