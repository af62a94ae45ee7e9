"""A brown-out in real time: two workers on Apache Kafka, and a model that turns slow without a single error.

`python bench/brownout.py` prints a table and writes `build/bench-brownout.json`. 200 requests a second of the tier
`powerful` flow while its first model's latency goes from 0.7 s to 8 s for half a minute and back. Three set-ups:
Turnout as it is; the same without shared health (two deployments of one worker each, half of the traffic each); and
plain retry (two workers whose thresholds nothing reaches: the next model is called when a call fails).

Then a day with four hours of outage in a minute of real time, and how long it takes until a worker without traffic
leaves a dead model alone because another has found it dead.
"""

import argparse
import asyncio
import re
import sys
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median

import orjson
from rich.console import Console
from rich.table import Table

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))  # a script, run from a checkout

from sandbox.broker import open_broker  # noqa: E402  (after the path is set)
from sandbox.provider.faults import Fault, FaultKind  # noqa: E402  (same)
from sandbox.provider.options import ProviderOptions  # noqa: E402  (same)
from sandbox.provider.process import ProviderProcess  # noqa: E402  (same)
from schemas.failovers import Failover  # noqa: E402  (same)
from schemas.health import ModelHealth  # noqa: E402  (same)
from schemas.responses import Response  # noqa: E402  (same)
from schemas.topics import Topic  # noqa: E402  (same)
from schemas.vocabulary import Status  # noqa: E402  (same)
from streams.kafka.clients import producer  # noqa: E402  (same)
from tests.harness import Pipeline  # noqa: E402  (same)

REPORT = ROOT / "build" / "bench-brownout.json"
MODEL = "gpt-4.1"
MODELS = ("gpt-4.1", "claude-sonnet-4.5", "gemini-2.5-flash", "deepseek-v3.2")
USUAL_S, SLOW_S = 0.7, 8.0
WARM_UP_S, EVENT_S, AFTER_S, SHORT_AFTER_S = 10.0, 30.0, 60.0, 5.0
OUTAGE_S = 10.0
"""Four hours of a day that lasts a minute."""
MIX = (("balanced", 40), ("fast", 35), ("reasoning", 15), ("powerful", 10))
PACE_S = 0.05
BIN_S = 0.5
GONE, BACK, DIP = 0.05, 0.9, 0.5
"""Parts of the new calls: traffic has moved below the first, is back above the second, has dipped below the third."""
PATIENCE_S = 60.0
ENVIRONMENT = {"TURNOUT_MAX_IN_FLIGHT": "3000", "TURNOUT_MAX_HELD": "10000"}
NOBODY_IS_SLOW = """
[health]
unhealthy_p99_ms = 600000
degraded_p99_ms = 599999
"""


@dataclass(frozen=True, slots=True)
class Setup:
    """What serves the traffic."""

    name: str
    deployments: tuple[int, ...]
    """Workers of each; deployments know nothing of each other."""
    extra: str = ""
    """More of the catalogue."""
    tiers: tuple[str, ...] = ("powerful",)
    fault: Fault = field(default_factory=lambda: Fault(fault=FaultKind.SLOW, model=MODEL, factor=SLOW_S / USUAL_S))
    warm_up_s: float = WARM_UP_S
    event_s: float = EVENT_S
    after_s: float = SHORT_AFTER_S


SETUPS = (
    Setup("turnout", (2,), after_s=AFTER_S),
    Setup("without_shared_health", (1, 1)),
    Setup("plain_retry", (2,), NOBODY_IS_SLOW),
)
OUTAGE = Setup(
    "outage",
    (2,),
    tiers=tuple(tier for tier, weight in MIX for _ in range(weight)),
    fault=Fault(fault=FaultKind.OUTAGE, model="deepseek-v3.2", duration_s=OUTAGE_S),
    warm_up_s=2 * OUTAGE_S,
    event_s=OUTAGE_S,
    after_s=3 * OUTAGE_S,
)


@dataclass(frozen=True, slots=True)
class Traffic:
    """What was sent, and when the model was slow. All are seconds of the epoch."""

    published_s: dict[str, float]
    began_s: float
    recovered_s: float
    ended_s: float


def main() -> None:
    """Measure, print, and write the report."""
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--rate", type=int, default=200, help="requests a second (default 200)")
    rate: int = arguments.parse_args().rate
    rows: dict[str, dict[str, object]] = {}
    with open_broker("kafka", on_progress=_say) as broker:
        for setup in SETUPS:
            _say(f"{setup.name} ...")
            with _provider() as (provider, folder):
                traffic, responses = asyncio.run(play(setup, rate, broker.bootstrap_servers, provider, folder))
            rows[setup.name] = _figures(traffic, responses)
        _say("outage ...")
        with _provider() as (provider, folder):
            outage = _answered(*asyncio.run(play(OUTAGE, rate, broker.bootstrap_servers, provider, folder)))
        _say("hearsay ...")
        with _provider() as (provider, folder):
            from_peers = asyncio.run(hear(broker.bootstrap_servers, provider, folder))
    _show(rows, outage, from_peers, rate)


@contextmanager
def _provider() -> Iterator[tuple[ProviderProcess, Path]]:
    with tempfile.TemporaryDirectory(prefix="turnout-bench-") as name:
        folder = Path(name)
        options = ProviderOptions(
            invoice=folder / "invoice.jsonl", latency_ms=USUAL_S * 1000, limits=False, failures=False
        )
        with ProviderProcess(options) as provider:
            yield provider, folder


def _catalogue(folder: Path, extra: str) -> Path:
    """Write a catalogue without limits to speak of, which 12,000 requests a minute need."""
    folder.mkdir()
    text = (ROOT / "catalogue.toml").read_text()
    text = re.sub(r"requests_per_minute = \d+", "requests_per_minute = 1_000_000", text)
    if extra:  # in place of the reference rules
        text = text[: text.index("[health]  ")] + text[text.index("[retry]  ") :] + extra
    catalogue = folder / "catalogue.toml"
    catalogue.write_text(text)
    return catalogue


async def _deploy(servers: str, provider: ProviderProcess, folder: Path, workers: int, extra: str = "") -> Pipeline:
    catalogue = await asyncio.to_thread(_catalogue, folder, extra)
    pipeline = await Pipeline.create(servers, provider, folder, TURNOUT_CATALOGUE=str(catalogue), **ENVIRONMENT)
    for number in range(workers):
        pipeline.start_worker(TURNOUT_WORKER_ID=f"w{number}")
    return pipeline


async def _until_shared(pipeline: Pipeline, workers: int) -> None:
    """Wait until every worker has its share of every limit."""
    give_up_s = time.monotonic() + PATIENCE_S
    while True:
        records = await pipeline.records(Topic.MODEL_HEALTH)
        last = {record.key: ModelHealth.decode(record.value) for record in records if record.value}
        if len(last) == len(MODELS) and all(len(health.shares) == workers for health in last.values()):
            return
        if time.monotonic() > give_up_s:
            raise SystemExit("\n".join(worker.log.read_text()[-2000:] for worker in pipeline.workers))
        await asyncio.sleep(0.3)


async def play(
    setup: Setup, rate: int, servers: str, provider: ProviderProcess, folder: Path
) -> tuple[Traffic, list[Response]]:
    """Play a set-up once; return what was sent and all that came back."""
    pipelines = [
        await _deploy(servers, provider, folder / str(number), workers, setup.extra)
        for number, workers in enumerate(setup.deployments)
    ]
    try:
        for pipeline, workers in zip(pipelines, setup.deployments, strict=True):
            await _until_shared(pipeline, workers)
        traffic = await _flow(setup, rate, pipelines, provider)
        responses: list[Response] = []
        for number, pipeline in enumerate(pipelines):
            ids = list(traffic.published_s)[number :: len(pipelines)]
            responses += await pipeline.wait_for_responses(ids, PATIENCE_S)
    finally:
        for pipeline in pipelines:
            pipeline.end()
    return traffic, responses


async def _flow(setup: Setup, rate: int, pipelines: Sequence[Pipeline], provider: ProviderProcess) -> Traffic:
    """Publish at an even rate, through the brown-out and for some time after it."""
    published_s: dict[str, float] = {}
    topics = [pipeline.settings.topic(Topic.REQUESTS) for pipeline in pipelines]

    async def publish_until(end_s: float) -> None:
        while (now_s := time.time()) < end_s:
            for _ in range(int((now_s - started_s) * rate) - len(published_s)):
                name = uuid.uuid4().hex
                tier = setup.tiers[len(published_s) * 37 % len(setup.tiers)]  # 37: all kinds in any few requests
                value = orjson.dumps({"request_id": name, "prompt": "Which track is free?", "tier": tier})
                topic = topics[len(published_s) % len(topics)]
                published_s[name] = time.time()
                await client.send(topic, value, key=name.encode())
            await asyncio.sleep(PACE_S)

    async with producer(pipelines[0].settings) as client:
        started_s = time.time()
        await publish_until(started_s + setup.warm_up_s)
        began_s = time.time()
        adding = asyncio.create_task(asyncio.to_thread(provider.add_fault, setup.fault))
        await publish_until(began_s + setup.event_s)
        await adding
        recovered_s = time.time()
        clearing = asyncio.create_task(asyncio.to_thread(provider.clear_faults))
        await publish_until(recovered_s + setup.after_s)
        await clearing
    return Traffic(published_s, began_s, recovered_s, time.time())


def _answered(traffic: Traffic, responses: Sequence[Response]) -> dict[str, object]:
    """Return what share of the requests was answered, and how late the latest."""
    completed = [one for one in responses if one.status is Status.COMPLETED]
    took_s = sorted(one.completed_at.timestamp() - traffic.published_s[one.request_id] for one in completed)
    return {
        "availability": len(completed) / len(traffic.published_s),
        "requests": len(traffic.published_s),
        "p99_s": round(took_s[int(len(took_s) * 0.99)], 3),
        "longest_s": round(took_s[-1], 3),
        "calls_to_the_dead_model": sum(
            attempt.request_model == OUTAGE.fault.model
            and traffic.began_s <= attempt.started_at.timestamp() < traffic.recovered_s
            for one in responses
            for attempt in one.attempts
        ),
    }


def _figures(traffic: Traffic, responses: Sequence[Response]) -> dict[str, object]:
    began_s, recovered_s = traffic.began_s, traffic.recovered_s
    calls = [(attempt.started_at.timestamp(), attempt.request_model) for one in responses for attempt in one.attempts]
    during = _shares(calls, began_s, recovered_s)
    after = _shares(calls, recovered_s, traffic.ended_s)
    moved_s = _settled_s(during, lambda share: share < GONE)
    back_s = next((number * BIN_S for number, share in enumerate(after) if share >= BACK), None)
    lowest = None if back_s is None else min(after[int(back_s / BIN_S) :])
    latencies_s = sorted(
        one.completed_at.timestamp() - traffic.published_s[one.request_id]
        for one in responses
        if began_s <= traffic.published_s[one.request_id] < recovered_s
    )
    return {
        "requests": len(traffic.published_s),
        "requests_per_s": round(len(traffic.published_s) / (traffic.ended_s - began_s + WARM_UP_S), 1),
        "not_completed": sum(one.status is not Status.COMPLETED for one in responses),
        "moved_within_s": moved_s,
        "calls_to_the_slow_model": round(sum(during) / len(during), 4),
        "p50_s_during": round(latencies_s[len(latencies_s) // 2], 3),
        "p99_s_during": round(latencies_s[int(len(latencies_s) * 0.99)], 3),
        "back_within_s": back_s,
        "second_dip": None if lowest is None else lowest < DIP,
        "lowest_share_once_back": None if lowest is None else round(lowest, 3),
        "share_of_new_calls_by_half_second": [round(share, 3) for share in during + after],
    }


def _shares(calls: Sequence[tuple[float, str]], from_s: float, to_s: float) -> list[float]:
    """Return the slow model's part of the new calls, for each bin of the time."""
    mine, total = [0] * int((to_s - from_s) / BIN_S), [0] * int((to_s - from_s) / BIN_S)
    for at_s, model in calls:
        number = int((at_s - from_s) // BIN_S)
        if 0 <= number < len(total):
            total[number] += 1
            mine[number] += model == MODEL
    return [part / whole if whole else 0.0 for part, whole in zip(mine, total, strict=True)]


def _settled_s(shares: Sequence[float], holds: Callable[[float], bool]) -> float | None:
    """Return after how many seconds it holds, for good; None if never."""
    last = max((number for number, share in enumerate(shares) if not holds(share)), default=-1)
    return None if last == len(shares) - 1 else (last + 1) * BIN_S


async def hear(servers: str, provider: ProviderProcess, folder: Path) -> dict[str, object]:
    """Let each model die in turn for one worker only, and see when the other opens its breaker."""
    pipeline = await _deploy(servers, provider, folder / "hearsay", 2)
    try:
        await _until_shared(pipeline, 2)
        took_s = []
        for model in MODELS:
            provider.add_fault(Fault(fault=FaultKind.STATUS_503, model=model))
            deadline = (datetime.now(UTC) + timedelta(seconds=5)).isoformat()
            requests: list[dict[str, object]] = [
                {"request_id": uuid.uuid4().hex, "prompt": "Which track is free?", "model": model, "deadline": deadline}
                for _ in range(30)
            ]
            await pipeline.publish(requests, partition=0)
            await pipeline.wait_for_responses([str(request["request_id"]) for request in requests])
            took_s.append(await _heard_s(pipeline, model))
    finally:
        pipeline.end()
    return {"samples": len(took_s), "median_s": round(median(took_s), 2), "longest_s": round(max(took_s), 2)}


async def _heard_s(pipeline: Pipeline, model: str) -> float:
    """Return how long after the first worker the second one left the model alone."""
    give_up_s = time.monotonic() + PATIENCE_S
    while time.monotonic() < give_up_s:
        found = [Failover.decode(record.value or b"") for record in await pipeline.records(Topic.FAILOVERS)]
        opened = [one for one in found if one.request_model == model and one.to_state == "open"]
        if len({one.worker for one in opened}) == 2:  # noqa: PLR2004 - both
            first = opened[0]
            other = next(one for one in opened if one.worker != first.worker)
            return (other.occurred_at - first.occurred_at).total_seconds()
        await asyncio.sleep(0.2)
    raise SystemExit(f"The other worker never heard of {model}.")


def _show(
    rows: dict[str, dict[str, object]], outage: dict[str, object], from_peers: dict[str, object], rate: int
) -> None:
    table = Table("", title=f"A brown-out from {USUAL_S} s to {SLOW_S:.0f} s for {EVENT_S:.0f} s, {rate} requests/s")
    for name in rows:
        table.add_column(name.replace("_", " "), justify="right")
    for figure in (name for name in rows["turnout"] if not name.startswith("share_")):
        cells = ("-" if row[figure] is None else f"{row[figure]}" for row in rows.values())
        table.add_row(figure.replace("_", " "), *cells)
    console = Console(width=120)
    console.print(table)
    console.print(
        "Moved: after that many seconds fewer than 5 % of the new calls go to the slow model until it recovers. Back: "
        f"90 % of them do again; watched only for turnout, for {AFTER_S:.0f} s. Latencies are from publishing to the "
        "response, of what was published during the event.\n"
        f"A day with deepseek-v3.2 out for four hours, in a minute, {outage['requests']} requests: "
        f"{100 * float(str(outage['availability'])):.4f} % answered, p99 {outage['p99_s']} s, "
        f"{outage['calls_to_the_dead_model']} calls to the dead model.\n"
        f"What another worker found is acted on after {from_peers['median_s']} s (median of {from_peers['samples']}), "
        f"{from_peers['longest_s']} s at the longest.",
        highlight=False,
    )
    REPORT.parent.mkdir(exist_ok=True)
    REPORT.write_bytes(orjson.dumps({**rows, "outage": outage, "hearsay": from_peers}, option=orjson.OPT_INDENT_2))


def _say(sentence: str) -> None:
    sys.stderr.write(sentence + "\n")


if __name__ == "__main__":
    main()
