"""What `make bench` concludes from what it has measured. The measuring itself takes minutes and a calm machine."""

import os
import time
from dataclasses import replace
from pathlib import Path

import orjson
import pytest

from bench.compare.calibration import Calibration, calibrate, complaints
from bench.compare.measure import Added, Result, medians
from bench.compare.processes import cpu_s, named, peak_mb, tree
from bench.compare.report import markdown, ratios, write

ONE = Result(100.0, 2000.0, 0.2, 500.0, 300.0, peak_mb=90.0, errors=1, added={"100": Added(4.0, 9.0), "300": None})
FOUND = {
    "turnout": ONE,
    "floor-transport": replace(ONE, cpu_us_per_request=500.0),
    "litellm": replace(ONE, cpu_us_per_request=24_000.0),
}


def test_a_machine_that_is_ours_alone_is_calm() -> None:
    assert complaints([Calibration(0.99, 0.30), Calibration(1.0, 0.32)]) == []


@pytest.mark.parametrize(
    ("looks", "said"),
    [
        ([Calibration(0.99, 0.3), Calibration(0.8, 0.3)], "20% of a core"),
        ([Calibration(0.99, 0.3), Calibration(0.99, 0.36)], "1.20 times as long"),
    ],
)
def test_a_machine_with_other_work_or_at_another_speed_is_not(looks: list[Calibration], said: str) -> None:
    (complaint,) = complaints(looks)
    assert said in complaint


def test_every_core_is_looked_at() -> None:
    look = calibrate()
    assert 0 < look.share <= 1.01
    assert look.cpu_s > 0


def test_figures_are_medians_and_a_rate_counts_that_most_repetitions_could_do() -> None:
    others = [
        replace(ONE, requests_per_s=120.0, cpu_us_per_request=1000.0, errors=0, added={"100": Added(6.0, 30.0)}),
        replace(ONE, requests_per_s=90.0, cpu_us_per_request=3000.0, peak_mb=95.0, added={"100": None}),
    ]
    found = medians([ONE, *others])
    assert (found.requests_per_s, found.cpu_us_per_request, found.peak_mb, found.errors) == (100.0, 2000.0, 95.0, 2)
    assert found.added == {"100": Added(5.0, 19.5), "300": None}


def test_turnout_is_told_as_a_multiple_of_its_floors_and_peers_as_multiples_of_it() -> None:
    assert ratios(FOUND) == {"floor-transport": 4.0, "litellm": 12.0}


def test_programs_read_each_system_under_its_name(tmp_path: Path) -> None:
    write(tmp_path / "bench.json", FOUND, [Calibration(0.5, 0.3)], ["not calm"], {"machine": "this"})
    told = orjson.loads((tmp_path / "bench.json").read_bytes())
    assert told["turnout"]["ratio_to_floor"] == 4.0
    assert told["litellm"]["cpu_us_per_request"] == 24_000.0
    assert (told["calm"], told["complaints"]) == (False, ["not calm"])
    assert (tmp_path / "bench.md").read_text() == markdown(FOUND)


def test_a_process_counts_with_its_children() -> None:
    before_s = cpu_s(os.getpid())
    until_s = time.process_time() + 0.1
    while time.process_time() < until_s:
        pass
    assert cpu_s(os.getpid()) >= before_s + 0.05
    assert os.getpid() in tree(os.getppid())
    assert peak_mb(os.getpid()) > 1
    assert named(os.getpid(), "no such program") is None
