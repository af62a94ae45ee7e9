"""A day in minutes on Apache Kafka: worker processes, and a simulated provider with batches, all time compressed.

`python -m bench.day.kafka [--data FOLDER] [--one-in 400] [--minutes 6]` prints a table and writes build/bench-day.json.
A day of `--minutes` compresses arrivals, deadlines, latencies and batches alike; what is kept for live calls before a
deadline is 15 s of real time. One worker of two is killed in the middle of the day, and another one started.
"""

import argparse
import asyncio
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

import orjson

from bench.day.arrivals import HOUR_S, HOURS, LIVE_S, day, hour, told_of
from bench.day.figures import BROKEN, Tally, holds, show
from sandbox.broker import open_broker
from sandbox.provider.options import ProviderOptions
from sandbox.provider.process import ProviderProcess
from schemas.batch_lanes import BatchLane
from schemas.topics import Topic
from streams.config.catalogue_file import load_catalogue
from streams.kafka.clients import producer
from tests.harness import Pipeline, Worker

MARGIN_S = 15.0
PATIENCE_S = 180.0
WORKERS = 2


class KafkaDay:
    """One day."""

    def __init__(self, pipeline: Pipeline, provider: ProviderProcess, scale: float) -> None:
        self.pipeline = pipeline
        self.provider = provider
        self.scale = scale
        """Real seconds a second of the day."""
        self.tally = Tally(load_catalogue(pipeline.settings.catalogue).catalogue)
        self.peak_mb = 0.0

    async def play(self, data: Path | None, one_in: int) -> dict[str, object]:
        """Play it until every request is answered and billed, and return the figures."""
        for _ in range(WORKERS):
            self.pipeline.start_worker()
        await self.pipeline.until_settled()
        watching = asyncio.create_task(self._watch())
        killing = asyncio.create_task(self._kill_one(HOURS / 2 * HOUR_S * self.scale))
        await self._publish(data, one_in)
        await killing
        responses = await self.pipeline.wait_for_responses(self.tally.deadline_s, self._longest_s() + PATIENCE_S)
        await self._until_settled()
        watching.cancel()
        await asyncio.gather(watching, return_exceptions=True)
        for response in responses:
            self.tally.response(response)
        for event in await self.pipeline.costs():
            self.tally.cost(event)
        invoice = sum(row.cost_nano_usd for row in self.provider.invoice())
        took_s = await self._took_s()
        bill = await self.pipeline.reconcile()
        figures = self.tally.figures(invoice, took_s)
        return figures | {"bill_equals_invoice": bill.bill_equals_invoice, "worker_peak_mb": round(self.peak_mb, 1)}

    async def _publish(self, data: Path | None, one_in: int) -> None:
        topic, begin_s = self.pipeline.settings.topic(Topic.REQUESTS), time.time()
        async with producer(self.pipeline.settings) as client:
            for arrival in day(hour(data), one_in):
                await asyncio.sleep(max(0.0, begin_s + arrival.at_s * self.scale - time.time()))
                patience_s = (arrival.deadline_s - arrival.at_s) * self.scale if arrival.can_wait else LIVE_S
                deadline_s = time.time() + patience_s
                fields = arrival.fields() | {"deadline": datetime.fromtimestamp(deadline_s, UTC).isoformat()}
                self.tally.published(arrival.request_id, deadline_s, can_wait=arrival.can_wait)
                await client.send(topic, orjson.dumps(fields), arrival.request_id.encode())

    async def _kill_one(self, after_s: float) -> None:
        await asyncio.sleep(after_s)
        await asyncio.to_thread(self.pipeline.workers[0].kill)
        self.pipeline.start_worker()

    async def _watch(self) -> None:
        while True:
            self.peak_mb = max([self.peak_mb, *(_rss_mb(worker) for worker in self.pipeline.workers)])
            await asyncio.sleep(2.0)

    async def _took_s(self) -> list[float]:
        """Return how long each batch took, from its creation to its end."""
        took: dict[str, float] = {}
        for lane in await self._lanes():
            for batch in lane.batches:
                if batch.created_at is not None and batch.ended_at is not None:
                    took[batch.our_id] = (batch.ended_at - batch.created_at).total_seconds()
        return list(took.values())

    async def _lanes(self) -> list[BatchLane]:
        records = await self.pipeline.records(Topic.BATCH_LANES)
        return [BatchLane.decode(record.value) for record in records if record.value is not None]

    async def _until_settled(self) -> None:
        give_up_s = time.monotonic() + PATIENCE_S
        while time.monotonic() < give_up_s:
            last = {(lane.provider_name, lane.request_model): lane for lane in await self._lanes()}
            if all(batch.state == "settled" for lane in last.values() for batch in lane.batches):
                return
            await asyncio.sleep(1.0)

    def _longest_s(self) -> float:
        return max(0.0, max(self.tally.deadline_s.values(), default=0.0) - time.time())


def _rss_mb(worker: Worker) -> float:
    status = Path(f"/proc/{worker.process.pid}/status")
    if worker.process.poll() is not None or not status.exists():
        return 0.0
    line = next((line for line in status.read_text().splitlines() if line.startswith("VmRSS")), "VmRSS: 0 kB")
    return int(line.split()[1]) / 1024


def main() -> None:
    """Play the day; exits with 1 if something did not hold."""
    parser = argparse.ArgumentParser(prog="make bench-day", description=__doc__)
    parser.add_argument("--data", type=Path, help="the folder of Azure's traces; without it the day is synthetic")
    parser.add_argument("--one-in", type=int, default=400, help="play one request in so many (default 400)")
    parser.add_argument("--minutes", type=float, default=6.0, help="how long the day is to last (default 6)")
    options = parser.parse_args()
    scale = options.minutes * 60 / (HOURS * HOUR_S)
    with tempfile.TemporaryDirectory(prefix="turnout-day-") as name:
        folder = Path(name)
        provider_options = ProviderOptions(
            invoice=folder / "invoice.jsonl", time_scale=scale, limits=False, failures=False
        )
        with open_broker("kafka", on_progress=_say) as broker, ProviderProcess(provider_options) as provider:
            figures = asyncio.run(_play(broker.bootstrap_servers, provider, folder, scale, options))
    note = (
        f"{told_of(options.data)}, one in {options.one_in}, in {options.minutes:g} minutes on Kafka: a second is "
        f"{1 / scale:.0f} seconds of that day, for arrivals, deadlines of what can wait, latencies and batches. "
        f"{WORKERS} workers, one of which is killed at noon. Seconds of batches are real ones."
    )
    show("A day on Kafka", {**figures, "one_in": options.one_in, "minutes": options.minutes}, note, "bench-day.json")
    if not holds(figures) or not figures["bill_equals_invoice"]:
        sys.exit(BROKEN)


async def _play(
    servers: str, provider: ProviderProcess, folder: Path, scale: float, options: argparse.Namespace
) -> dict[str, object]:
    pipeline = await Pipeline.create(
        servers,
        provider,
        folder,
        TURNOUT_BATCH_MARGIN_S=str(MARGIN_S),
        TURNOUT_BATCH_MAX_AGE_S="2",
        TURNOUT_BATCH_POLL_S="0.5",
        TURNOUT_MAX_IN_FLIGHT="200",
    )
    try:
        return await KafkaDay(pipeline, provider, scale).play(options.data, options.one_in)
    finally:
        pipeline.end()


def _say(sentence: str) -> None:
    sys.stderr.write(sentence + "\n")


if __name__ == "__main__":
    main()
