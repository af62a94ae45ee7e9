"""Measures what shared health costs: CPU a request of its whole path, bytes of deltas, table and changelog.

`python bench/health.py` plays ten minutes of 200 requests/s, two workers and the reference catalogue's four models, as
fast as it can: looking at every model for each request's plan, counting the call and its end, the deltas written and
read as JSON, merged and stored once a second, the verdict, the shares, and health written, read and followed by both
workers. It prints a table and writes `build/bench-health.json`. The broker's and the clients' part is not in it: a
delta is a record like any other, and there are about as many a second as workers times models, whatever the traffic.
"""

import argparse
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from random import Random

import orjson
from rich.console import Console
from rich.table import Table

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))  # a script, run from a checkout

from router.catalogue import Model  # noqa: E402  (same)
from router.models.aggregator import HealthAggregator  # noqa: E402  (after the path is set)
from router.models.health import PANE_S  # noqa: E402  (same)
from router.models.model_state import Permit  # noqa: E402  (same)
from router.models.panes import Pane  # noqa: E402  (same)
from router.models.pool import ModelPool  # noqa: E402  (same)
from router.sharing.member import Member  # noqa: E402  (same)
from schemas.health import ModelHealth, ModelStats  # noqa: E402  (same)
from schemas.responses import Usage  # noqa: E402  (same)
from streams.config.catalogue_file import load_catalogue  # noqa: E402  (same)
from streams.control.health_agent import PANES_KEPT_S  # noqa: E402  (same)

REPORT = ROOT / "build" / "bench-health.json"
WORKERS = 2
PER_S = 200
SECONDS = 600
START_S = 1_800_000_000.0
USAGE = Usage(input_tokens=300, output_tokens=200)
LATENCIES_S = {"gpt-4.1": 0.72, "claude-sonnet-4.5": 0.95, "gemini-2.5-flash": 0.18, "deepseek-v3.2": 0.28}


@dataclass(slots=True)
class Report:
    """What the run measured, on one core."""

    requests: int
    cpu_us_per_request: float
    worker_us_per_request: float
    owner_us_per_request: float
    delta_bytes: int
    deltas_per_s: float
    pane_bytes: int
    table_bytes_per_model: int
    changelog_bytes_per_s: float
    health_bytes: int


def measure() -> Report:
    """Play it and return the figures."""
    catalogue = load_catalogue(ROOT / "catalogue.toml").catalogue
    models = list(catalogue.models.values())
    pools = [ModelPool(catalogue, Member(f"worker-{number}", 1)) for number in range(WORKERS)]
    aggregators = {name: HealthAggregator(catalogue, model) for name, model in catalogue.models.items()}
    dice = Random(1)  # noqa: S311 - a bench's dice
    luck = [dice.lognormvariate(0, 0.4) for _ in range(PER_S * SECONDS)]
    worker_s = owner_s = 0.0
    deltas = delta_bytes = changelog_bytes = health_bytes = healths = 0
    panes: dict[tuple[str, int], int] = {}
    open_calls: list[tuple[float, ModelPool, Permit, float]] = []
    for second in range(SECONDS):
        began_s = time.process_time()
        open_calls = _serve(second, pools, models, luck, open_calls)
        now_s = START_S + second + 1.05
        written = [stats.encode() for pool in pools for stats in pool.take_reports(now_s)]
        told_s = time.process_time()
        changed: dict[tuple[str, int], Pane] = {}
        for value in written:
            stats = ModelStats.decode(value)
            pane = aggregators[stats.request_model].ingest(stats, now_s)
            if pane is not None:
                changed[stats.request_model, pane.number] = pane
        stored = {key: pane.stored() for key, pane in changed.items()}
        said = [aggregator.health(now_s).encode() for aggregator in aggregators.values()]
        judged_s = time.process_time()
        for pool in pools:
            for value in said:
                pool.follow(ModelHealth.decode(value), now_s)
        worker_s += told_s - began_s + time.process_time() - judged_s
        owner_s += judged_s - told_s
        deltas += len(written)
        delta_bytes += sum(map(len, written))
        changelog_bytes += sum(map(len, stored.values()))
        health_bytes += sum(map(len, said))
        healths += len(said)
        panes.update((key, len(value)) for key, value in stored.items())
    requests = PER_S * SECONDS
    pane_bytes = sum(panes.values()) // len(panes)
    return Report(
        requests=requests,
        cpu_us_per_request=round((worker_s + owner_s) / requests * 1e6, 1),
        worker_us_per_request=round(worker_s / requests * 1e6, 1),
        owner_us_per_request=round(owner_s / requests * 1e6, 1),
        delta_bytes=delta_bytes // deltas,
        deltas_per_s=round(deltas / SECONDS, 1),
        pane_bytes=pane_bytes,
        table_bytes_per_model=int(pane_bytes * PANES_KEPT_S / PANE_S),
        changelog_bytes_per_s=round(changelog_bytes / SECONDS, 1),
        health_bytes=health_bytes // healths,
    )


def _serve(
    second: int,
    pools: list[ModelPool],
    models: list[Model],
    luck: list[float],
    open_calls: list[tuple[float, ModelPool, Permit, float]],
) -> list[tuple[float, ModelPool, Permit, float]]:
    """Let one second of calls begin, and end those that are due."""
    for number in range(PER_S):
        now_s = START_S + second + number / PER_S
        pool, model = pools[number % WORKERS], models[number // WORKERS % len(models)]
        for other in models:
            pool.view(other, now_s)
        latency_s = LATENCIES_S[model.name] * luck[second * PER_S + number]
        open_calls.append((now_s + latency_s, pool, pool.call(model, now_s), latency_s))
    until_s, left = START_S + second + 1, []
    for ends_s, pool, permit, latency_s in open_calls:
        if ends_s <= until_s:
            pool.answered(permit, latency_s, ends_s, USAGE)
        else:
            left.append((ends_s, pool, permit, latency_s))
    return left


def main() -> None:
    """Measure, print, and write the report."""
    argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter).parse_args()
    report = asdict(measure())
    table = Table("figure", "value", title=f"Shared health: {PER_S} requests/s, {WORKERS} workers, 4 models")
    for name, value in report.items():
        table.add_row(name, f"{value:,}")
    Console().print(table)
    REPORT.parent.mkdir(exist_ok=True)
    REPORT.write_bytes(orjson.dumps({"turnout": report}, option=orjson.OPT_INDENT_2))


if __name__ == "__main__":
    main()
