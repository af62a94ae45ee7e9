"""The result for people, ratios first, and for programs: build/bench.json."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path

import orjson
from rich.console import Console
from rich.table import Table

from bench.compare.calibration import Calibration
from bench.compare.measure import Added, Result
from bench.compare.systems import FLOOR, TURNOUT


def ratios(results: Mapping[str, Result]) -> dict[str, float]:
    """Return Turnout's processor time a request as a multiple of each floor's, and each peer's as one of Turnout's."""
    own = results[TURNOUT.name].cpu_us_per_request
    return {
        name: round(own / one.cpu_us_per_request if name.startswith("floor") else one.cpu_us_per_request / own, 2)
        for name, one in results.items()
        if name != TURNOUT.name
    }


def show(results: Mapping[str, Result], calibrations: Sequence[Calibration], complaints: Sequence[str]) -> None:
    """Print the tables."""
    console = Console(width=max(120, Console().width))
    for name, ratio in ratios(results).items():
        if name.startswith("floor"):
            console.print(f"turnout takes {ratio:.2f} x the processor time a request of {name}")
        else:
            console.print(f"{name} takes {ratio:.2f} x the processor time a request of turnout")
    table = Table(title="Flooded: medians of the repetitions")
    table.add_column("system")
    for heading in ("requests/s", "CPU us/request", "of a core", "broker", "provider", "peak MiB", "errors"):
        table.add_column(heading, justify="right")
    for name, one in results.items():
        table.add_row(
            name,
            f"{one.requests_per_s:,.0f}",
            f"{one.cpu_us_per_request:,.0f}",
            f"{one.cpu_share:.0%}",
            f"{one.broker_cpu_us_per_request:,.0f}",
            f"{one.provider_cpu_us_per_request:,.0f}",
            f"{one.peak_mb:,.0f}",
            str(one.errors),
        )
    console.print(table)
    rates = list(dict.fromkeys(rate for one in results.values() for rate in one.added))
    if rates:
        latencies = Table(title="Added to the provider's time, ms, P50 / P99, by requests a second")
        latencies.add_column("system")
        for rate in rates:
            latencies.add_column(rate, justify="right")
        for name, one in results.items():
            if one.added:
                latencies.add_row(name, *(_both(one.added.get(rate)) for rate in rates))
        console.print(latencies)
    shares = ", ".join(f"{one.share:.0%} in {one.cpu_s:.2f} s" for one in calibrations)
    console.print(f"Calibration, the least of all cores: {shares}")
    for complaint in complaints:
        console.print(f"NOT CALM: {complaint}")


def _both(added: Added | None) -> str:
    return "more than its peak" if added is None else f"{added.p50_ms:,.1f} / {added.p99_ms:,.1f}"


def markdown(results: Mapping[str, Result]) -> str:
    """Return the tables as docs/performance.md has them."""
    rates = list(dict.fromkeys(rate for one in results.values() for rate in one.added))
    told = ratios(results)
    lines = [
        "| system | CPU a request | beside Turnout's | requests/s | of a core | peak memory | errors |",
        "|---|---|---|---|---|---|---|",
    ]
    for name, one in results.items():
        beside = "" if name == TURNOUT.name else f"{1 / told[name] if name.startswith('floor') else told[name]:.2f} x"
        lines.append(
            f"| {name} | {one.cpu_us_per_request:,.0f} us | {beside} | {one.requests_per_s:,.0f} | {one.cpu_share:.0%} "
            f"| {one.peak_mb:,.0f} MiB | {one.errors} |"
        )
    lines += ["", f"| added, P50 / P99 ms | {' | '.join(rates)} |", "|---" * (len(rates) + 1) + "|"]
    lines += [
        f"| {name} | {' | '.join(_both(one.added.get(rate)) for rate in rates)} |"
        for name, one in results.items()
        if one.added
    ]
    return "\n".join(lines) + "\n"


def write(
    path: Path,
    results: Mapping[str, Result],
    calibrations: Sequence[Calibration],
    complaints: Sequence[str],
    about: Mapping[str, object],
) -> None:
    """Write everything down, each system under its name; and the tables for the page beside it."""
    told = ratios(results)
    systems: dict[str, dict[str, object]] = {name: asdict(one) for name, one in results.items()}
    systems[TURNOUT.name] |= {"ratio_to_floor": told.get(FLOOR.name), "ratios": told}
    calm = {"calm": not complaints, "complaints": complaints, "calibrations": [asdict(one) for one in calibrations]}
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(orjson.dumps({**about, **calm, **systems}, option=orjson.OPT_INDENT_2))
    path.with_suffix(".md").write_text(markdown(results))
