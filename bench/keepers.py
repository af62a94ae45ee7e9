"""Measures the owner of the shared health by workers and models: what comes in, what it takes, keeps, writes and tells.

`python bench/keepers.py` needs no broker. Workers are played by what they send: one real pool says how often and how
much, on what the owner's health asks it for. The owner is the real aggregate and, for the take-over, the real agent on
a table in memory. Of the models one is measured, and counts as often as there are models; what stands by itself, such
as the judging of all of them in a round, is a round of all. Memory is everything held, by tracemalloc. It prints a
table and writes `build/bench-keepers.json`.
"""

import argparse
import asyncio
import gc
import sys
import time
import tracemalloc
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from random import Random

import orjson
import structlog
from rich.console import Console
from rich.table import Table

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))  # a script, run from a checkout

from router.catalogue import Catalogue, Model  # noqa: E402  (after the path is set)
from router.models.aggregator import HealthAggregator  # noqa: E402  (same)
from router.models.health import PANE_S  # noqa: E402  (same)
from router.models.panes import Pane  # noqa: E402  (same)
from router.models.pool import ModelPool  # noqa: E402  (same)
from router.models.sources import Sources  # noqa: E402  (same)
from router.sharing.member import Member  # noqa: E402  (same)
from router.sharing.rate_limit import MINUTE_S  # noqa: E402  (same)
from schemas.health import ModelHealth, ModelStats  # noqa: E402  (same)
from schemas.responses import Usage  # noqa: E402  (same)
from streams.config.catalogue_file import load_catalogue  # noqa: E402  (same)
from streams.control.health_agent import PANES_KEPT_S, SIGN_OF_LIFE_S, HealthAgent  # noqa: E402  (same)
from streams.publisher import Publisher  # noqa: E402  (same)

REPORT = ROOT / "build" / "bench-keepers.json"
START_S = 1_800_000_000.0
CALLS_PER_S = 0.5
"""Of each worker and model: a billion requests a day are 0.12 for a thousand workers and a hundred models."""
USAGE = Usage(input_tokens=300, output_tokens=200)
SETTLING_S = 20.0
HEADER_BYTES = 250
"""Of a record beside its value: key, the headers of its CloudEvent, and Kafka's own."""
SETTLED_KEPT_S = PANES_KEPT_S - MINUTE_S - 2 * PANE_S


@dataclass(slots=True)
class Figures:
    """One size of deployment. A second's figures are those of steady traffic, on one core."""

    workers: int
    models: int
    report_every_s: float
    deltas_per_s: float
    delta_us: float
    takes_deltas_per_s: int
    judge_ms_per_s: float
    store_ms_per_s: float
    core_share: float
    pane_bytes: int
    settled_pane_bytes: int
    table_kib_per_model: float
    held_kib_per_model: float
    changelog_kb_per_s_and_model: float
    health_bytes: int
    fan_out_mb_per_s: float
    take_over_s: float
    longest_block_ms: float


def main() -> None:
    """Measure, print, and write the report."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--workers", type=int, nargs="+", default=[10, 100, 1000])
    parser.add_argument("--models", type=int, nargs="+", default=[25, 100])
    options = parser.parse_args()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(50))
    found = [asdict(measured(workers, models)) for workers in options.workers for models in options.models]
    table = Table(title="The owner of the shared health")
    table.add_column("figure")
    for one in found:
        table.add_column(f"{one['workers']:,} x {one['models']}", justify="right")
    for name in list(found[0])[2:]:
        table.add_row(name, *(f"{one[name]:,}" for one in found))
    Console().print(table)
    REPORT.parent.mkdir(exist_ok=True)
    REPORT.write_bytes(orjson.dumps({"turnout": found}, option=orjson.OPT_INDENT_2))


def measured(workers: int, models: int) -> Figures:
    """Return the figures of one size."""
    catalogue = catalogue_of(models)
    model = next(iter(catalogue.models.values()))
    sources = sources_of(workers, models)
    every_s = sources.report_every_s
    sent = sent_by_one(catalogue, sources)
    deltas_per_s = len(sent) / MINUTE_S * workers
    sent = [stats for stats in sent if stats.request_model == model.name]
    owner = HealthAggregator(catalogue, model, sources)
    values = list(spoken(sent, workers))
    began_s = time.process_time()
    for offset, (_, value) in enumerate(values):
        stats = ModelStats.decode(value)
        owner.ingest(stats, float(stats.second), offset)
    delta_s = (time.process_time() - began_s) / len(values)
    now_s = START_S + MINUTE_S
    health, judge_s = judged(owner, sent[-1], now_s)
    panes = sorted(owner.panes, key=lambda pane: pane.number)
    began_s = time.process_time()
    stored = [pane.stored() for pane in panes]
    store_s = (time.process_time() - began_s) / len(panes)
    held = held_of(catalogue, model, values, workers, models)
    settled = [settled_of(pane) for pane in panes]
    pane_bytes, settled_bytes = max(map(len, stored)), max(map(len, settled))
    table_bytes = sum(map(len, stored)) + settled_bytes * SETTLED_KEPT_S / PANE_S
    took_s, block_s = asyncio.run(taken_over(catalogue, stored, settled[0]))
    health_bytes = len(health.encode()) + HEADER_BYTES
    core = deltas_per_s * delta_s + models * (judge_s + store_s) / every_s
    return Figures(
        workers=workers,
        models=models,
        report_every_s=every_s,
        deltas_per_s=round(deltas_per_s, 1),
        delta_us=round(delta_s * 1e6, 1),
        takes_deltas_per_s=int(1 / delta_s),
        judge_ms_per_s=round(models * judge_s / every_s * 1e3, 1),
        store_ms_per_s=round(models * store_s / every_s * 1e3, 1),
        core_share=round(core, 3),
        pane_bytes=pane_bytes,
        settled_pane_bytes=settled_bytes,
        table_kib_per_model=round(table_bytes / 1024, 1),
        held_kib_per_model=round((held + table_bytes) / 1024, 1),
        changelog_kb_per_s_and_model=round((pane_bytes / every_s + settled_bytes / PANE_S) / 1e3, 1),
        health_bytes=health_bytes,
        fan_out_mb_per_s=round(health_bytes * models * workers / fan_out_every_s(every_s) / 1e6, 2),
        take_over_s=round(took_s, 2),
        longest_block_ms=round(block_s * 1e3, 1),
    )


def catalogue_of(models: int) -> Catalogue:
    """Return so many models like the first of the shipped catalogue, that nothing limits."""
    shipped = load_catalogue(ROOT / "catalogue.toml").catalogue
    first = next(iter(shipped.models.values()))
    named = {
        name: replace(first, name=name, requests_per_minute=1_000_000)
        for name in (f"model-{number:03d}" for number in range(models))
    }
    return replace(shipped, models=named, accounts={})


def sources_of(workers: int, models: int) -> Sources:
    """Return the workers, heard just now."""
    sources = Sources(models)
    for number in range(workers):
        sources.hear(name_of(number), START_S)
    return sources


def name_of(number: int) -> str:
    """Return a worker's name, as long as host and process id are."""
    return f"host-{number:04d}-4711"


def sent_by_one(catalogue: Catalogue, sources: Sources) -> list[ModelStats]:
    """Return what one worker tells of all models in a minute in which nothing happens but calls."""
    pool, dice = ModelPool(catalogue, Member(name_of(0), 1_800_000_000_000)), Random(1)  # noqa: S311 - a bench's dice
    models = catalogue.models.values()
    told = [HealthAggregator(catalogue, model, sources).health(START_S) for model in models]
    found: list[ModelStats] = []
    for tenth in range(-int(SETTLING_S * 10), int(MINUTE_S * 10)):
        now_s = START_S + tenth / 10
        if tenth % 10 == 0:
            as_of = datetime.fromtimestamp(now_s, UTC)
            for health in told:
                pool.follow(health.model_copy(update={"as_of": as_of}), now_s)
        for model in models:
            if dice.random() < CALLS_PER_S / 10:
                pool.answered(pool.call(model, now_s), 0.72 * dice.lognormvariate(0, 0.4), now_s, USAGE)
        found += [stats for stats in pool.take_reports(now_s) if tenth >= 0]
    return found


def spoken(sent: Sequence[ModelStats], workers: int) -> Iterator[tuple[int, bytes]]:
    """Give what all workers tell of a model in a minute, in the order of time, at most 30,000 of it."""
    most = max(2, 30_000 // workers)
    for place, stats in enumerate(sent[:most]):
        for number in range(workers):
            told = stats.model_copy(update={"worker": name_of(number), "sequence": place})
            yield number, told.encode()


def judged(owner: HealthAggregator, last: ModelStats, now_s: float) -> tuple[ModelHealth, float]:
    """Let workers take their shares over, then return the health and the CPU seconds of one judgement."""
    health = owner.health(now_s)
    if owner.granted is not None:
        for worker, share in owner.granted.shares.items():
            taken = {"worker": worker, "sequence": 10**6, "share_per_minute": share, "calls": 0}
            owner.ingest(last.model_copy(update=taken), now_s)
    began_s = time.process_time()
    for step in range(1, 6):
        health = owner.health(now_s + step / 10)
    return health, (time.process_time() - began_s) / 5


def settled_of(pane: Pane) -> bytes:
    """Return what is stored of a pane once it is older than the minute of the limits."""
    later = Pane.restored(pane.stored())
    later.settle()
    return later.stored()


def held_of(
    catalogue: Catalogue, model: Model, values: Sequence[tuple[int, bytes]], workers: int, models: int
) -> float:
    """Return the bytes that a model's aggregate holds after a minute, and its settled panes until the window's end."""
    gc.collect()
    tracemalloc.start()
    sources = sources_of(workers, models)
    before = tracemalloc.get_traced_memory()[0]
    owner = HealthAggregator(catalogue, model, sources)
    for offset, (_, value) in enumerate(values):
        stats = ModelStats.decode(value)
        owner.ingest(stats, float(stats.second), offset)
    owner.health(START_S + MINUTE_S)
    gc.collect()
    minute = tracemalloc.get_traced_memory()[0] - before
    pane = settled_of(next(iter(owner.panes)))
    before = tracemalloc.get_traced_memory()[0]
    old = [Pane.restored(pane) for _ in range(10)]
    each = (tracemalloc.get_traced_memory()[0] - before) / len(old)
    tracemalloc.stop()
    return minute + each * (owner.kept_s - MINUTE_S) / PANE_S


async def taken_over(catalogue: Catalogue, recent: Sequence[bytes], settled: bytes) -> tuple[float, float]:
    """Return what the take-over of an hour of all models takes, and how much of it at a time; seconds of CPU."""
    rows: dict[bytes, bytes] = {}
    last = int(START_S + MINUTE_S) // int(PANE_S)
    for name in catalogue.models:
        for age in range(int(PANES_KEPT_S / PANE_S)):
            value = recent[-1 - age] if age < len(recent) else settled
            number = last - age
            rows[f"{name}|{number}".encode()] = with_number(value, number)
    now_s = START_S + MINUTE_S + 1
    agent = HealthAgent(catalogue, _SilentPublisher(now_s), lambda: now_s, _Rows(rows), {}, fence=_Open())
    gc.collect()
    watching, longest_s = True, 0.0

    async def watch() -> None:
        nonlocal longest_s
        while watching:
            seen_s = time.thread_time()
            await asyncio.sleep(0)
            longest_s = max(longest_s, time.thread_time() - seen_s)

    beside = asyncio.create_task(watch())
    await asyncio.sleep(0)
    began_s = time.thread_time()
    agent.take_over()
    await agent.tick()
    took_s = time.thread_time() - began_s
    watching = False
    await beside
    return took_s, longest_s


def with_number(value: bytes, number: int) -> bytes:
    """Return a stored pane as that of another number."""
    begin, _, rest = value.partition(b",")
    return b'{"number":%d,' % number + rest if begin.startswith(b'{"number":') else value


def fan_out_every_s(every_s: float) -> float:
    """Return how often the health of a model under steady traffic is published, seconds."""
    return max(2.0, min(every_s, SIGN_OF_LIFE_S))


class _Rows:
    """A table that is what it is."""

    def __init__(self, rows: Mapping[bytes, bytes]) -> None:
        self._rows = rows

    def items(self) -> Mapping[bytes, bytes]:
        return self._rows

    async def put(self, changes: Mapping[bytes, bytes | None]) -> None:
        """Keep nothing."""


class _SilentPublisher(Publisher):
    """Encodes what would be published."""

    def __init__(self, now_s: float) -> None:
        self._now_s = now_s

    async def model_health(self, health: ModelHealth) -> int:
        return len(health.encode())


class _Open:
    """A fence that is open."""

    def is_open(self) -> bool:
        return True

    async def passed(self, unless: object = None) -> None:
        """Pass."""


if __name__ == "__main__":
    main()
