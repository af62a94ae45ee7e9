"""Measures Turnout beside its floors and its peers: `make bench`, or `make bench SHORT=1` to try it.

All systems are measured by turns, `--repetitions` times, on one broker and one simulated provider with a fixed latency;
broker, provider, system and load share the machine. Before, between and after, the machine is calibrated: where it was
not calm the figures are shown, and the run ends with an error. Prints tables, and writes build/bench.json and .md.
"""

import argparse
import asyncio
import logging
import os
import platform
import re
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from bench.compare.calibration import Calibration, calibrate, complaints
from bench.compare.measure import Extent, Others, Result, measure, medians
from bench.compare.processes import named
from bench.compare.report import show, write
from bench.compare.systems import FLOOR, FLOORS, ROOT, TURNOUT, NoAnswer, System, World, installed_peers
from sandbox.broker import open_broker
from sandbox.provider.options import ProviderOptions
from sandbox.provider.process import ProviderProcess

RATES = (100, 300, 579)
"""Requests a second; the last are 50 million a day."""
TRIED_SHARE, TRIED_S = 0.25, 2.0
"""With `--short`: of the requests of a flood, and how long a rate is kept up, seconds."""


def main() -> int:
    """Measure, show, and say whether it counts."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--short", action="store_true", help="one repetition with less of everything, to try it")
    parser.add_argument("--repetitions", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=5.0, help="how long each rate is kept up")
    parser.add_argument("--latency-ms", type=float, default=200.0, help="the provider's")
    parser.add_argument("--broker", default="kafka")
    parser.add_argument("--only", nargs="*", default=[], metavar="SYSTEM", help="leave out all but turnout and these")
    arguments = parser.parse_args()
    systems = [TURNOUT, *FLOORS, *installed_peers()]
    systems = [one for one in systems if not arguments.only or one is TURNOUT or one.name in arguments.only]
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)  # a new topic's partitions have no leader for a moment
    begun_s = time.monotonic()
    found, calibrations = _measure_all(systems, arguments)
    if not found[TURNOUT.name]:
        return 1
    results = {name: medians(each) for name, each in found.items() if each}
    told = complaints(calibrations)
    show(results, calibrations, told)
    about = {
        "machine": f"{os.cpu_count()} cores, {platform.machine()}, Python {platform.python_version()}",
        "repetitions": len(found[TURNOUT.name]),
        "latency_ms": arguments.latency_ms,
        "seconds": round(time.monotonic() - begun_s),
    }
    write(ROOT / "build" / "bench.json", results, calibrations, told, about)
    return 1 if told else 0


def _measure_all(
    systems: Sequence[System], arguments: argparse.Namespace
) -> tuple[dict[str, list[Result]], list[Calibration]]:
    repetitions, seconds, share = arguments.repetitions, arguments.seconds, 1.0
    if arguments.short:
        repetitions, seconds, share = 1, TRIED_S, TRIED_SHARE
    found: dict[str, list[Result]] = {system.name: [] for system in systems}
    calibrations = [calibrate()]
    with tempfile.TemporaryDirectory(prefix="turnout-bench-") as name:
        folder = Path(name)
        latency_ms = arguments.latency_ms
        options = ProviderOptions(folder / "invoice.jsonl", latency_ms=latency_ms, limits=False, failures=False)
        with open_broker(arguments.broker, on_progress=_say) as broker, ProviderProcess(options) as provider:
            catalogue = folder / "catalogue.toml"
            text = (ROOT / "catalogue.toml").read_text()
            catalogue.write_text(re.sub(r"requests_per_minute = [\d_]+", "requests_per_minute = 1_000_000", text))
            world = World(broker.bootstrap_servers, provider.base_url, catalogue, folder)
            others = Others(named(os.getpid(), "java"), provider.pid or 0, latency_ms)
            for repetition in range(repetitions):
                for system in systems:
                    rates = () if system in FLOORS and system is not FLOOR else RATES
                    extent = Extent(rates, seconds, share)
                    try:
                        result = asyncio.run(measure(system, world, others, repetition, extent))
                    except NoAnswer as reason:
                        _say(f"{system.name} is left out of this repetition: {reason}")
                        continue
                    found[system.name].append(result)
                    _say(f"{system.name}: {result.requests_per_s:.0f}/s, {result.cpu_us_per_request:.0f} us a request")
                calibrations.append(calibrate())
    return found, calibrations


def _say(sentence: str) -> None:
    sys.stderr.write(sentence + "\n")


if __name__ == "__main__":
    sys.exit(main())
