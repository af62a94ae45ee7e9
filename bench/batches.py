"""What the batch lane costs its collector: bytes a request that waits, and CPU a result.

python -m bench.batches [--waiting 100000] [--results 2000]

The collector is the real one, over the tests' broker and provider in memory. Their CPU counts, so a result costs less
than is told; their memory does not, as only what the lane's own modules have allocated is counted.
"""

import asyncio
import sys
import time
import tracemalloc
from argparse import ArgumentParser
from collections.abc import Callable

from router.batches.collecting import Collecting, CollectingRules, WaitingRequest
from router.batches.members import DIGEST_BYTES
from schemas.topics import Topic
from streams.control import batch_collector
from tests.fakes.lane import HOUR_S, Lane, laned

MODULES = ("*/router/batches/*", "*/streams/control/batch_*")
PROMPT = "All that is said in four hundred bytes. " * 10
STEP = 10


def main() -> None:
    """Measure, and say what was found."""
    parser = ArgumentParser(prog="python -m bench.batches", description=__doc__)
    parser.add_argument("--waiting", type=int, default=100_000)
    parser.add_argument("--results", type=int, default=2000)
    arguments = parser.parse_args()
    measure_turns(arguments.waiting)
    measure_results(arguments.results)
    measure_waiting(arguments.waiting)


def measure_waiting(count: int) -> None:
    """Let requests wait, and count the bytes that are held for them."""
    vars(batch_collector)["MOST_REQUESTS"] = 10 * count  # none goes

    @laned(max_age_s=10 * HOUR_S)
    async def play(lane: Lane) -> None:
        object.__setattr__(lane.world.catalogue.models["alpha"].batch, "max_requests", 10 * count)
        lane.start()
        await asyncio.sleep(10)
        tracemalloc.start()
        before = held()
        for step in range(1, STEP + 1):
            for number in range(count * (step - 1) // STEP, count * step // STEP):
                lane.publish(f"r-{number}", partition=number % 2, prompt=PROMPT, within_s=24 * HOUR_S)
            await asyncio.sleep(60)
            waiting = lane.messages(Topic.BATCH_LANES)[-1]["waiting"]
            used = held() - before
            sys.stdout.write(f"{waiting:>9,} wait: {used / 1e6:6.1f} MB, {used / waiting:5.0f} bytes a request\n")
            sys.stdout.flush()
            lane.world.broker.partition(lane.world.partition(Topic.BATCH_REQUESTS)).truncate(2**62)

    play()


def measure_turns(count: int) -> None:
    """Take a batch, and what is due, from among so many, and tell how long the event loop stands still for each."""
    queue = Collecting()
    for number in range(count):
        deadline_s = 2e9 + number % 1000
        queue.add(WaitingRequest(number, number.to_bytes(DIGEST_BYTES), 500, 100, deadline_s, since_s=1.9e9))
    works: dict[str, Callable[[], object]] = {
        "look whether a batch goes": lambda: queue.ready(CollectingRules(), 0, 900.0, 1.9e9),
        "take a batch": lambda: queue.take(CollectingRules(), 0),
        "take what is due": lambda: queue.take_due(2e9 + 500),
    }
    for name, work in works.items():
        began_s = time.thread_time()
        work()
        sys.stdout.write(f"{name}, of {count:,}: {(time.thread_time() - began_s) * 1000:.1f} ms\n")


def held() -> int:
    """Return the bytes that the lane's modules have allocated and not freed."""
    traces = tracemalloc.take_snapshot().filter_traces(
        [tracemalloc.Filter(inclusive=True, filename_pattern=pattern) for pattern in MODULES]
    )
    return sum(one.size for one in traces.statistics("filename"))


def measure_results(count: int) -> None:
    """Answer one batch, and count the CPU from its end to its last cost event."""

    @laned()
    async def play(lane: Lane) -> None:
        lane.start()
        await asyncio.sleep(10)
        for number in range(count):
            lane.publish(f"r-{number}", partition=number % 2, prompt=PROMPT)
        await lane.until(lambda: lane.providers.jobs)
        (job,) = lane.providers.jobs.values()
        await lane.until(lambda: job.state.has_ended)
        began_s = time.process_time()
        await lane.until(lambda: len(lane.answered_s) == count)
        await lane.over()
        cpu_ms = (time.process_time() - began_s) * 1000
        lane.check()
        sys.stdout.write(f"{count:,} results: {cpu_ms / count:.2f} ms CPU each, with a broker in memory\n")
        sys.stdout.flush()

    play()


if __name__ == "__main__":
    main()
