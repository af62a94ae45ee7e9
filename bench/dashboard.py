"""Measures what the dashboard can follow, and that its memory does not grow with what it has seen.

A million cost events of four hours pass through what the feed does with each record, read and count, and the
page's state is worked out at the end of each hour, which is as long as the window. Kafka's part is left out. Prints a
table and writes build/bench-dashboard.json.
"""

import argparse
import os
import platform
import sys
import time
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import orjson
from rich.console import Console
from rich.table import Table

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from dashboard.figures import Figures  # noqa: E402 - the repository is on the path only now
from dashboard.state import state_of  # noqa: E402
from schemas.costs import CostEvent  # noqa: E402

TEMPLATE = ROOT / "tests" / "contract" / "golden" / "v1" / "cost-metered.json"
SPAN_S = 4 * 3600
WINDOW_S = 3600
MODELS = ("gpt-4.1", "claude-sonnet-4.5", "gemini-2.5-flash", "deepseek-v3.2")
TENANTS = 100
PARTS = 4


def main() -> None:
    """Run the benchmark and print its figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--events", type=int, default=1_000_000)
    events = parser.parse_args().events
    figures, begin_s, rows = Figures(WINDOW_S), 1_800_000_000.0, list[dict[str, float]]()
    busy_s, part = 0.0, max(100, events // PARTS)
    for number, (at_s, value) in enumerate(_events(events, begin_s), 1):
        started_s = time.perf_counter()
        figures.take_cost(CostEvent.decode(value), at_s)
        busy_s += time.perf_counter() - started_s
        if number % (part // 100) == 0:
            figures.observe(None, 0, at_s)
        if number % part == 0:
            started_s = time.perf_counter()
            state_of(figures, at_s)
            rows.append(
                {
                    "events": number,
                    "events_per_s": round(part / busy_s),
                    "page_ms": round((time.perf_counter() - started_s) * 1000, 1),
                    "memory_mb": round(_resident_mb(), 1),
                }
            )
            busy_s = 0.0
    _show(rows)


def _events(count: int, begin_s: float) -> Iterator[tuple[float, bytes]]:
    event = orjson.loads(TEMPLATE.read_bytes())
    for number in range(count):
        at_s = begin_s + SPAN_S * number / count
        event |= {
            "event_id": str(uuid.uuid4()),
            "occurred_at": datetime.fromtimestamp(at_s, UTC).isoformat(),
            "occurred_at_ms": int(at_s * 1000),
            "tenant": f"t{number % TENANTS}",
            "request_model": MODELS[number % len(MODELS)],
        }
        yield at_s, orjson.dumps(event)


def _resident_mb() -> float:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1_000_000


def _show(rows: list[dict[str, float]]) -> None:
    machine = f"{os.cpu_count()} cores, {platform.machine()}, Python {platform.python_version()}"
    table = Table(title=f"The dashboard's figures, {machine}", title_justify="left")
    for heading in ("events seen", "events/s", "page, ms", "memory, MB"):
        table.add_column(heading, justify="right")
    for row in rows:
        table.add_row(*(f"{row[name]:,}" for name in ("events", "events_per_s", "page_ms", "memory_mb")))
    Console().print(table)
    out = ROOT / "build" / "bench-dashboard.json"
    out.parent.mkdir(exist_ok=True)
    out.write_bytes(orjson.dumps({"parts": rows, "machine": machine}))


if __name__ == "__main__":
    main()
