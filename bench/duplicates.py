"""Measures what a worker pays to remember finished request ids: bytes and time an id, at a million of them."""

import argparse
import gc
import resource
import sys
from pathlib import Path
from time import perf_counter

import orjson
from rich.console import Console
from rich.table import Table

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from router.finished_ids import FinishedIds  # noqa: E402 - the repository is on the path only now

HORIZON_S = 600.0


def main() -> None:
    """Run the benchmark and print its figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--ids", type=int, default=1_000_000)
    ids = parser.parse_args().ids
    gc.collect()
    before_kb = resident_kb()
    recent = FinishedIds(HORIZON_S, ids * 2)
    began_s = perf_counter()
    for number in range(ids):
        recent.add(f"request-{number:036d}", number, number * HORIZON_S / ids)
    added_s = perf_counter() - began_s
    grown_kb = resident_kb() - before_kb
    began_s = perf_counter()
    found = sum(recent.find(f"request-{number:036d}") == (number, 0) for number in range(ids))
    found_s = perf_counter() - began_s
    figures = {
        "ids": ids,
        "found": found,
        "bytes_per_id": round(grown_kb * 1024 / ids, 1),
        "add_us": round(added_s / ids * 1e6, 2),
        "find_us": round(found_s / ids * 1e6, 2),
    }
    table = Table("figure", "value", title="Finished request ids")
    for name, value in figures.items():
        table.add_row(name, f"{value:,}")
    Console().print(table)
    build = ROOT / "build"
    build.mkdir(exist_ok=True)
    (build / "bench-duplicates.json").write_bytes(orjson.dumps(figures, option=orjson.OPT_INDENT_2))
    if found != ids:
        raise SystemExit(f"{ids - found:,} ids were forgotten.")


def resident_kb() -> int:
    """Return the most that this process has had in memory so far, in KiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


if __name__ == "__main__":
    main()
