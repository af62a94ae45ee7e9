"""What is measured, one function for each table. Every row is a fleet of its own on the same broker and provider."""

import asyncio
import csv
import signal
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import Path
from statistics import linear_regression, quantiles

from bench.compare.systems import World
from bench.scaling.fleet import Asked, Fleet, Text, demo_text, fleet

Row = dict[str, float | int | str | None]
CHARACTERS_PER_TOKEN = 4
SETTLE_S, GAP_RATE, GAP_S = 5.0, 40.0, 25.0
"""Before a worker joins or is killed; requests a second meanwhile; and how long afterwards is looked at."""
SAMPLE_S = 5.0
WARM_UP_SHARE = 0.2
"""Of a long run: memory of its beginning does not count."""


@dataclass(frozen=True, slots=True)
class Size:
    """How much is asked of each experiment."""

    flood: int = 4000
    processes: tuple[int, ...] = (1, 2, 4, 8)
    partitions: tuple[int, ...] = (1, 10, 100, 1000)
    backlog: int = 100_000
    prompt_bytes: tuple[tuple[int, int], ...] = ((1_000, 4000), (10_000, 3000), (100_000, 1200), (1_000_000, 200))
    """Bytes of a prompt, and how many of them."""


async def by_processes(world: World, size: Size) -> AsyncIterator[Row]:
    """Measure throughput and memory with more and more workers, then what a join and a SIGKILL do to requests."""
    for count in size.processes:
        async with fleet(world, f"processes-{count}") as made:
            await made.add(count)
            started_s = await made.ready()
            flood = await made.flood(size.flood)
            joined = await _worst_around(made, made.add)
            killed = await _worst_around(made, partial(_kill_the_first, made))
            yield {
                "processes": count,
                "requests/s": flood.requests_per_s,
                "CPU us a request": flood.cpu_us_per_request,
                "first answers of all partitions, s": round(started_s, 1),
                "slowest request as one joins, s": joined,
                "slowest as one is killed, s": killed,
                "peak MiB a worker": round(made.peak_mb()),
            }


async def by_partitions(world: World, size: Size) -> AsyncIterator[Row]:
    """Measure one worker on more and more partitions."""
    for count in size.partitions:
        begun_s = time.monotonic()
        async with fleet(world, f"partitions-{count}", partitions=count) as made:
            topics_s = time.monotonic() - begun_s
            await made.add()
            started_s = await made.ready()
            idle_s, idle_cpu_s = time.monotonic(), made.cpu_s()
            await asyncio.sleep(SETTLE_S)
            idle = (made.cpu_s() - idle_cpu_s) / (time.monotonic() - idle_s)
            flood = await made.flood(size.flood)
            yield {
                "partitions": count,
                "topics made in, s": round(topics_s, 1),
                "first answers of all partitions, s": round(started_s, 1),
                "idle, of a core": f"{idle:.1%}",
                "requests/s": flood.requests_per_s,
                "CPU us a request": flood.cpu_us_per_request,
                "peak MiB a worker": round(made.peak_mb()),
            }


async def backlog(world: World, size: Size) -> AsyncIterator[Row]:
    """Measure one worker that finds a long queue: whether the length of it costs anything."""
    for count in (size.flood, size.backlog):
        async with fleet(world, f"backlog-{count}") as made:
            await made.add()
            await made.ready()
            flood = await made.flood(count)
            yield {
                "backlog": count,
                "worked off in, s": flood.took_s,
                "requests/s": flood.requests_per_s,
                "CPU us a request": flood.cpu_us_per_request,
                "peak MiB a worker": round(made.peak_mb()),
            }


async def by_prompt(world: World, size: Size) -> AsyncIterator[Row]:
    """Measure prompts of more and more text."""
    for length, count in size.prompt_bytes:
        async with fleet(world, f"prompts-{length}") as made:
            await made.add()
            await made.ready()
            flood = await made.flood(count, of_length(length))
            yield {
                "bytes a prompt": length,
                "requests": count,
                "requests/s": flood.requests_per_s,
                "CPU us a request": flood.cpu_us_per_request,
                "peak MiB a worker": round(made.peak_mb()),
            }


async def bursts(world: World, data: Path, speed: float) -> AsyncIterator[Row]:
    """Replay the arrivals and sizes of two production services, `speed` times as fast as they were.

    Raises:
        FileNotFoundError: the folder has no traces.
    """
    for name in ("conv", "code"):
        moments = list(arrivals(data / "azure-llm-2023" / f"AzureLLMInferenceTrace_{name}.csv", speed))
        async with fleet(world, f"bursts-{name}", in_flight=1000) as made:
            await made.add()
            await made.ready()
            asked = await made.at_moments(moments)
            took_s = [one.took_s for one in asked if one.took_s is not None]
            parts = quantiles(took_s, n=100)
            yield {
                "trace": name,
                "speed": speed,
                "requests": len(asked),
                "mean/s": round(len(asked) / max(asked[-1].at_s, 1), 1),
                "worst second": max(Counter(int(one.at_s) for one in asked).values()),
                "P50 s": round(parts[49], 2),
                "P99 s": round(parts[98], 2),
                "slowest s": round(max(took_s), 2),
                "unanswered": len(asked) - len(took_s),
                "peak MiB a worker": round(made.peak_mb()),
            }


async def long_run(world: World, rate: float, minutes: float, say: Callable[[str], None]) -> AsyncIterator[Row]:
    """Ask one worker at an even rate, and look at its memory and lag all the while."""
    seconds = minutes * 60
    async with fleet(world, "long", in_flight=2000) as made:
        await made.add()
        await made.ready()
        begun_s, cpu_s = time.monotonic(), made.cpu_s()
        looks: list[tuple[float, float, int]] = []

        async def look() -> None:
            while True:
                await asyncio.sleep(SAMPLE_S)
                at_s = time.monotonic() - begun_s
                looks.append((at_s, made.resident_mb(), await made.lag()))
                if len(looks) % 12 == 0:
                    say(f"{at_s / 60:.0f} of {minutes:.0f} min: {looks[-1][1]:.0f} MiB, lag {looks[-1][2]}")

        looking = asyncio.create_task(look())
        try:
            asked = await made.at_moments((number / rate, demo_text(number)) for number in range(int(rate * seconds)))
        finally:
            looking.cancel()
            await asyncio.wait([looking])
        warm = [one for one in looks if WARM_UP_SHARE * seconds <= one[0] <= seconds]
        minutes_of, memory, lag = [one[0] / 60 for one in warm], [one[1] for one in warm], [one[2] for one in warm]
        took_s = [one.took_s for one in asked if one.took_s is not None]
        parts = quantiles(took_s, n=100)
        yield {
            "requests/s": rate,
            "minutes": minutes,
            "requests": len(asked),
            "unanswered": len(asked) - len(took_s),
            "P50 s": round(parts[49], 3),
            "P99 s": round(parts[98], 3),
            "CPU us a request": round((made.cpu_s() - cpu_s) / len(asked) * 1e6),
            "MiB a minute": round(linear_regression(minutes_of, memory).slope, 2),
            "peak MiB": round(made.peak_mb()),
            "lag a minute": round(linear_regression(minutes_of, lag).slope, 1),
            "most lag": max(lag),
        }


async def _worst_around(made: Fleet, happens: Callable[[], object]) -> float | None:
    """Return how long the slowest request took that was sent around an event, seconds; None if one had no answer."""

    async def later() -> None:
        await asyncio.sleep(SETTLE_S)
        if asyncio.iscoroutine(result := happens()):
            await result

    event = asyncio.create_task(later())
    moments = ((number / GAP_RATE, demo_text(number)) for number in range(int(GAP_RATE * (SETTLE_S + GAP_S))))
    asked = await made.at_moments(moments)
    await event
    return _slowest(asked)


def _slowest(asked: Sequence[Asked]) -> float | None:
    took_s = [one.took_s for one in asked]
    return None if None in took_s else round(max(each for each in took_s if each is not None), 1)


def _kill_the_first(made: Fleet) -> None:
    """Kill one that has been there from the start; the one that has just joined goes on."""
    worker = made.workers.pop(0)
    worker.send_signal(signal.SIGKILL)
    worker.wait()


def of_length(length: int) -> Text:
    """Return a prompt of so many bytes, a question about the demo's texts repeated, no two alike."""

    def text(number: int) -> str:
        words = f"{demo_text(number)} ({number}) "
        return (words * (length // len(words.encode()) + 1)).encode()[:length].decode(errors="ignore")

    return text


def arrivals(trace: Path, speed: float) -> Iterator[tuple[float, str]]:
    """Yield when each request of a trace is to be sent, seconds, and a prompt of its size.

    Raises:
        FileNotFoundError: there is no such trace.
    """
    first: datetime | None = None
    with trace.open() as lines:
        for number, line in enumerate(csv.DictReader(lines)):
            at = datetime.fromisoformat(line["TIMESTAMP"][:26])
            first = first or at
            yield (
                (at - first).total_seconds() / speed,
                of_length(CHARACTERS_PER_TOKEN * max(1, int(line["ContextTokens"])))(number),
            )
