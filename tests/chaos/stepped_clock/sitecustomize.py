"""Makes `time.time` step by what stands in the file CHAOS_CLOCK_STEP, in a process that has this folder on its path."""

import os
import time
from pathlib import Path

_step = Path(os.environ["CHAOS_CLOCK_STEP"])
_time, _time_ns = time.time, time.time_ns


def _step_s() -> float:
    try:
        return float(_step.read_text())
    except (OSError, ValueError):
        return 0.0


time.time = lambda: _time() + _step_s()
time.time_ns = lambda: _time_ns() + int(_step_s() * 1e9)
