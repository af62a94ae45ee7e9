"""One repetition of one system: flooded, for throughput and cost; then at given rates, for what it adds to a call."""

import asyncio
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from statistics import median, quantiles

from bench.compare.processes import cpu_s, peak_mb
from bench.compare.systems import NoAnswer, Running, System, World

WARM_UP_SHARE, END_SHARE = 0.2, 0.9
"""Of a flood: before the one and after the other nothing is measured."""
LEAST_TURNS = 4
"""A flood that is less than so many times what is in flight would be one wave."""
LOOK_EVERY_S = 0.2
PATIENCE_S = 120.0
OF_PEAK = 0.8
PEAK_RATE = "80 % of peak"
MOST_OF_PEAK = 0.95
"""No system is asked for more than this of what it can do: its queue would grow as long as one asks."""


@dataclass(frozen=True, slots=True)
class Added:
    """What a system adds to the provider's own time, milliseconds."""

    p50_ms: float
    p99_ms: float


@dataclass(slots=True)
class Result:
    """What was measured of a system, once."""

    requests_per_s: float
    cpu_us_per_request: float
    cpu_share: float
    """Of one core."""
    broker_cpu_us_per_request: float
    provider_cpu_us_per_request: float
    peak_mb: float = 0.0
    errors: int = 0
    added: dict[str, Added | None] = field(default_factory=dict)
    """By rate; None: more than the system can do."""


@dataclass(frozen=True, slots=True)
class Others:
    """The processes that every system needs."""

    broker: int | None
    provider: int
    latency_ms: float
    """The provider's."""


@dataclass(frozen=True, slots=True)
class _Look:
    at_s: float
    answered: int
    cpu_s: tuple[float, float, float]


@dataclass(frozen=True, slots=True)
class Extent:
    """How much is measured."""

    rates: Sequence[int]
    """Requests a second; `OF_PEAK` of what was measured goes beside them, if there are any."""
    seconds: float
    """How long each rate is kept up."""
    share: float
    """Of the system's usual number of requests in a flood."""


async def measure(system: System, world: World, others: Others, repetition: int, extent: Extent) -> Result:
    """Start the system for this repetition, flood it, and ask it at the rates that it can keep up with."""
    rates = extent.rates
    async with system.start(world, repetition, system.in_flight) as running:
        result = await _flooded(
            running, others, max(LEAST_TURNS * system.in_flight, int(system.requests * extent.share))
        )
        peak = result.requests_per_s
        asked: Mapping[str, float] = {**{str(rate): rate for rate in rates}, PEAK_RATE: OF_PEAK * peak} if rates else {}
        for name, rate in asked.items():
            if rate > MOST_OF_PEAK * peak:
                result.added[name] = None
                continue
            took_ms, errors = await _at_rate(running, rate, extent.seconds)
            result.errors += errors
            result.added[name] = _added(took_ms, others.latency_ms)
        result.peak_mb = round(peak_mb(running.pid), 1)
    return result


async def _flooded(running: Running, others: Others, requests: int) -> Result:
    begin: _Look | None = None
    end: _Look | None = None
    give_up_s = time.monotonic() + PATIENCE_S
    async with running.flood(requests) as flood:
        while True:
            answered = await flood.answered()
            if answered >= requests * END_SHARE and begin is not None and end is not None and end is not begin:
                break
            if time.monotonic() > give_up_s:
                raise NoAnswer(f"only {answered} of {requests} requests were answered in {PATIENCE_S:.0f} s")
            if answered >= requests * WARM_UP_SHARE:
                used = (
                    cpu_s(running.pid),
                    0.0 if others.broker is None else cpu_s(others.broker),
                    cpu_s(others.provider),
                )
                end = _Look(time.monotonic(), answered, used)
                begin = begin or end
            await asyncio.sleep(LOOK_EVERY_S)
        while await flood.answered() < requests:  # noqa: ASYNC110 - another process answers
            await asyncio.sleep(LOOK_EVERY_S)
        errors = flood.errors
    done, seconds = end.answered - begin.answered, end.at_s - begin.at_s
    own, broker, provider = (after - before for before, after in zip(begin.cpu_s, end.cpu_s, strict=True))
    return Result(
        requests_per_s=round(done / seconds, 1),
        cpu_us_per_request=round(own / done * 1e6, 1),
        cpu_share=round(own / seconds, 3),
        broker_cpu_us_per_request=round(broker / done * 1e6, 1),
        provider_cpu_us_per_request=round(provider / done * 1e6, 1),
        errors=errors,
    )


async def _at_rate(running: Running, rate: float, seconds: float) -> tuple[list[float], int]:
    """Ask at moments that are fixed beforehand: a system that falls behind is asked no less."""
    took_ms: list[float] = []
    errors = 0
    begun_s = time.monotonic()

    async def ask(number: int, at_s: float) -> None:
        nonlocal errors
        await asyncio.sleep(at_s - time.monotonic())
        if await running.ask(number):
            took_ms.append((time.monotonic() - at_s) * 1000)
        else:
            errors += 1

    await asyncio.gather(*(ask(number, begun_s + 0.1 + number / rate) for number in range(int(rate * seconds))))
    return took_ms, errors


def _added(took_ms: Sequence[float], latency_ms: float) -> Added | None:
    if len(took_ms) < 2:  # noqa: PLR2004 - quantiles of one value there are none
        return None
    return Added(round(median(took_ms) - latency_ms, 1), round(quantiles(took_ms, n=100)[98] - latency_ms, 1))


def medians(results: Sequence[Result]) -> Result:
    """Return each figure's median of the repetitions; errors are added up, of memory the most counts."""
    added: dict[str, Added | None] = {}
    for name in dict.fromkeys(name for result in results for name in result.added):
        found = [one for result in results if (one := result.added.get(name)) is not None]
        both = 2 * len(found) > len(results)
        added[name] = Added(median(one.p50_ms for one in found), median(one.p99_ms for one in found)) if both else None
    return Result(
        requests_per_s=median(one.requests_per_s for one in results),
        cpu_us_per_request=median(one.cpu_us_per_request for one in results),
        cpu_share=median(one.cpu_share for one in results),
        broker_cpu_us_per_request=median(one.broker_cpu_us_per_request for one in results),
        provider_cpu_us_per_request=median(one.provider_cpu_us_per_request for one in results),
        peak_mb=max(one.peak_mb for one in results),
        errors=sum(one.errors for one in results),
        added=added,
    )
