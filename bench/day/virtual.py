"""A day in virtual time: whole workers on the tests' broker and providers in memory, from begin to the last answer.

`python -m bench.day.virtual [--data FOLDER] [--one-in 50] [--hours 2]` prints a table and writes
build/simulate-day.json. Batches take an hour in the median and four at the 99th percentile; some lines fail, some are
missing, some batches expire. Two workers; one is killed every four hours, and comes back after ten seconds. Workers
that wait cost time too, so the day is played in fewer hours: arrivals, deadlines, batches, and what is kept for live
calls before a deadline, all the faster. With `--hours 24` nothing is.
"""

import argparse
import asyncio
import gc
import random
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

import orjson

from bench.day.arrivals import HOUR_S, HOURS, LIVE_S, day, hour, told_of
from bench.day.figures import BROKEN, Tally, holds, show
from router.batches.batch import BatchState
from router.catalogue import Catalogue
from schemas.costs import CostEvent
from schemas.responses import Response
from schemas.topics import Topic
from streams.codec import Delivery
from streams.config.catalogue_file import load_catalogue
from streams.config.settings import Settings
from streams.ports import Record, TopicPartition
from tests.fakes.batches import Fate
from tests.fakes.loop import VirtualLoop, in_virtual_time
from tests.fakes.scene import JOINED_S, quiet
from tests.fakes.world import World
from tests.harness import ROOT
from tests.reference import in_chain_order

BATCH_S, BATCH_SPREAD = HOUR_S, 0.6
KILLED_EVERY_S, AWAY_S = 4 * HOUR_S, 10.0
MARGIN_S, AGE_S = 900.0, 300.0
LINES = {Fate.FAILS: 0.005, Fate.MISSING: 0.002, Fate.TWICE: 0.005}
ENDS = {BatchState.EXPIRED: 0.02, BatchState.FAILED: 0.01}
PARTITIONS = 4
CLEAN_EVERY_S = 600.0
SAY_EVERY_S = 10.0


class VirtualDay:
    """One day."""

    def __init__(self, loop: VirtualLoop, catalogue: Catalogue, one_in: int, data: Path | None, scale: float) -> None:
        self.loop = loop
        self.one_in = one_in
        self.data = data
        self.scale = scale
        """Virtual seconds a second of the day."""
        settings = Settings(
            partitions=PARTITIONS,
            log_sample=0,
            topic_prefix="",
            session_timeout_s=30,
            batch_margin_s=MARGIN_S * scale,
            batch_max_age_s=AGE_S * scale,
        )
        self.world = World(loop, catalogue, settings=settings)
        batches = self.world.batches
        batches.takes_s, batches.spread, batches.part = BATCH_S * scale, BATCH_SPREAD, 0.5
        batches.fates, batches.end_chances = dict(LINES), dict(ENDS)
        self.tally = Tally(catalogue)
        self.world.broker.on_append.append(self._wrote)

    async def play(self) -> None:
        """Play it until every request is answered and everything is billed."""
        for name in ("w1", "w2"):
            self.world.start(name)
        await asyncio.sleep(JOINED_S)
        beside = [asyncio.create_task(self._kill()), asyncio.create_task(self._clean())]
        await self._publish()
        beside[0].cancel()
        while not self._is_over():  # noqa: ASYNC110 - virtual time costs little
            await asyncio.sleep(60.0)
        for task in beside:
            task.cancel()
        await asyncio.gather(*beside, return_exceptions=True)
        await asyncio.gather(*(worker.stop() for worker in self.world.workers.values()))

    async def _publish(self) -> None:
        topic, begin_s = self.world.settings.topic(Topic.REQUESTS), self.loop.time()
        for number, arrival in enumerate(day(hour(self.data), self.one_in)):
            await asyncio.sleep(begin_s + arrival.at_s * self.scale - self.loop.time())
            patience_s = (arrival.deadline_s - arrival.at_s) * self.scale if arrival.can_wait else LIVE_S
            deadline_s = self.loop.time() + patience_s
            until = datetime.fromtimestamp(deadline_s, UTC).isoformat()
            value = orjson.dumps(arrival.fields() | {"deadline": until})
            self.tally.published(arrival.request_id, deadline_s, can_wait=arrival.can_wait)
            self.world.broker.append(Record(topic, value, arrival.service.encode(), [], number % PARTITIONS))

    async def _kill(self) -> None:
        while True:
            await asyncio.sleep(KILLED_EVERY_S * self.scale)
            name = self.world.random.choice(sorted(self.world.workers))
            self.world.workers[name].kill()
            await asyncio.sleep(AWAY_S)
            self.world.start(name)

    async def _clean(self) -> None:
        began_s, said_s = self.loop.time(), time.monotonic()
        while True:
            await asyncio.sleep(CLEAN_EVERY_S)
            self.world.broker.clean()
            gc.collect(1)
            if time.monotonic() - said_s > SAY_EVERY_S:
                said_s = time.monotonic()
                hours = (self.loop.time() - began_s) / HOUR_S / self.scale
                sys.stderr.write(f"{hours:.1f} h, {len(self.tally.answers)} of {len(self.tally.deadline_s)} answered\n")

    def _is_over(self) -> bool:
        """Say whether every request is answered, and every batch settled."""
        if len(self.tally.answers) < len(self.tally.deadline_s):
            return False
        told = {record.key: record for record in self._records(Topic.BATCH_LANES)}
        lanes = [orjson.loads(record.value or b"{}") for record in told.values()]
        return all(batch["state"] == "settled" for lane in lanes for batch in lane["batches"])

    def _records(self, topic: Topic) -> list[Delivery]:
        return list(self.world.broker.partition(self.world.partition(topic)).records)

    def _wrote(self, tp: TopicPartition, record: Delivery, writer: str) -> None:
        if not writer or record.value is None:
            return
        if tp.topic == Topic.RESPONSES:
            self.tally.response(Response.decode(record.value))
        elif tp.topic == Topic.COSTS:
            self.tally.cost(CostEvent.decode(record.value))

    def figures(self) -> dict[str, object]:
        """Return what it came to."""
        batches = self.world.batches
        invoice = sum(one.nano_usd for one in self.world.providers.invoice) + sum(
            one.nano_usd for one in batches.invoice
        )
        took_s = [job.ended_s - job.created_s for job in batches.jobs.values() if job.ended_s is not None]
        return self.tally.figures(invoice, took_s)


def main() -> None:
    """Play the day; exits with 1 if something did not hold."""
    parser = argparse.ArgumentParser(prog="make simulate-day", description=__doc__)
    parser.add_argument("--data", type=Path, help="the folder of Azure's traces; without it the day is synthetic")
    parser.add_argument("--one-in", type=int, default=50, help="play one request in so many (default 50)")
    parser.add_argument("--hours", type=float, default=2.0, help="how long the day is to last (default 2)")
    options = parser.parse_args()
    scale = options.hours / HOURS
    file = ROOT / "build" / "simulate-day.toml"
    file.parent.mkdir(exist_ok=True)
    file.write_text(in_chain_order())
    catalogue = load_catalogue(file).catalogue
    began_s = time.process_time()
    figures: dict[str, object] = {}

    async def play(loop: VirtualLoop) -> None:
        one = VirtualDay(loop, catalogue, options.one_in, options.data, scale)
        await one.play()
        figures.update(one.figures())

    with quiet():
        random.seed(0)  # the pauses of retries
        in_virtual_time(play)
    took_s = round(time.process_time() - began_s)
    note = (
        f"{told_of(options.data)}, one in {options.one_in}, in {options.hours:g} hours of virtual time: a second is "
        f"{1 / scale:.0f} of that day. Two workers, one of them killed every four of its hours. Batches take "
        f"{BATCH_S / 60:.0f} of its minutes in the median; 3 % of them fail or expire, 0.7 % of their lines have no "
        f"answer. {took_s} s of one core."
    )
    figures |= {"one_in": options.one_in, "hours": options.hours, "core_s": took_s}
    show("A day in virtual time", figures, note, "simulate-day.json")
    if not holds(figures):
        sys.exit(BROKEN)


if __name__ == "__main__":
    main()
