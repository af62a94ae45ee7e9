"""Whether the machine was calm: the same work on every core at once, before, between and after the measurements.

A core that is ours alone gives its time to the work (share near 1) and takes as long for it each time. Where other work
ran beside the benchmark, or the machine was slowed down, its figures are no measurement.
"""

import os
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass

ROUNDS = 4_000_000
"""About a quarter of a second on a core of 2020."""
LEAST_SHARE = 0.92
"""Of the time that passes, so much has to be ours on the core that gives least of it; an idle broker takes some."""
MOST_SPREAD = 1.10
"""So many times as long the slowest calibration may take as the fastest, in processor time."""


@dataclass(frozen=True, slots=True)
class Calibration:
    """One look at the machine."""

    share: float
    """Of the time that passed, the part that the work had, on the core where that was least."""
    cpu_s: float
    """What the work took, on the core where it took longest."""


def calibrate() -> Calibration:
    """Do the work on all cores at once."""
    cores = os.cpu_count() or 1
    with ProcessPoolExecutor(cores) as pool:
        list(pool.map(_work, [1] * cores))  # the processes have started
        looks = list(pool.map(_work, [ROUNDS] * cores))
    return Calibration(min(cpu_s / wall_s for wall_s, cpu_s in looks), max(cpu_s for _, cpu_s in looks))


def complaints(found: Sequence[Calibration]) -> list[str]:
    """Say what was not calm; nothing if all was."""
    told: list[str] = []
    share = min(one.share for one in found)
    if share < LEAST_SHARE:
        told.append(f"other work had {1 - share:.0%} of a core; {1 - LEAST_SHARE:.0%} is the most that is let pass")
    spread = max(one.cpu_s for one in found) / min(one.cpu_s for one in found)
    if spread > MOST_SPREAD:
        told.append(
            f"the same work took {spread:.2f} times as long once; {MOST_SPREAD:.2f} is the most that is let pass"
        )
    return told


def _work(rounds: int) -> tuple[float, float]:
    wall_s, cpu_s = time.perf_counter(), time.process_time()
    number = 1
    for _ in range(rounds):
        number = number * 1_103_515_245 + 12_345 & 0x7FFFFFFF
    return time.perf_counter() - wall_s, time.process_time() - cpu_s
