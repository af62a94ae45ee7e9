"""Measures how far a tenant's budget is overshot at its edge, by 1, 4 and 8 worker processes on one real Kafka.

Each run has topics, a provider and a tenant of its own, and far more requests than its budget pays for, all on the
topic before the workers start. Prints a table and writes build/bench-budget.json.
"""

import argparse
import asyncio
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from decimal import Decimal
from pathlib import Path

import orjson
from rich.console import Console
from rich.table import Table

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from sandbox.broker import open_broker  # noqa: E402 - the repository is on the path only now
from sandbox.provider.options import ProviderOptions  # noqa: E402
from sandbox.provider.process import ProviderProcess  # noqa: E402
from schemas.vocabulary import ErrorCode, Status  # noqa: E402
from tests.harness import Pipeline, far_deadline  # noqa: E402

MODEL = "gemini-2.5-flash"
MAX_TOKENS = 100
PATIENCE_S = 150.0


@dataclass(frozen=True, slots=True)
class Result:
    """The figures of one run. Money is US dollars; an overshoot below 0 is what was left."""

    workers: int
    requests: int
    limit_usd: str
    spent_usd: str
    invoiced_usd: str
    overshoot_usd: str
    overshoot_requests: int
    used_share: float
    completed: int
    refused: int
    largest_call_usd: str
    seconds: float


def main() -> None:
    """Run the benchmark and print its figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--workers", type=int, nargs="+", default=[1, 4, 8])
    parser.add_argument("--requests", type=int, default=1500)
    parser.add_argument("--limit-usd", type=Decimal, default=Decimal("0.10"))
    arguments = parser.parse_args()
    results = []
    with open_broker("kafka", on_progress=_say) as broker:
        for workers in arguments.workers:
            with tempfile.TemporaryDirectory(prefix="turnout-bench-") as folder:
                options = ProviderOptions(
                    invoice=Path(folder) / "invoice.jsonl", latency_ms=100, limits=False, failures=False
                )
                with ProviderProcess(options) as provider:
                    run = _measure(broker.bootstrap_servers, provider, Path(folder), workers, arguments)
                    results.append(asyncio.run(run))
    _show(results)


async def _measure(
    bootstrap_servers: str, provider: ProviderProcess, folder: Path, workers: int, arguments: argparse.Namespace
) -> Result:
    limit: Decimal = arguments.limit_usd
    catalogue = folder / "catalogue.toml"
    text = (ROOT / "catalogue.toml").read_text()
    catalogue.write_text(
        text.replace("requests_per_minute = 1000", "requests_per_minute = 1_000_000")
        + f"\n[tenants.edge]\ndaily_budget_usd = {limit}\n"
    )
    pipeline = await Pipeline.create(
        bootstrap_servers, provider, folder, TURNOUT_CATALOGUE=str(catalogue), TURNOUT_PARTITIONS="16"
    )
    published: list[dict[str, object]] = [
        {
            "request_id": f"edge-{number}",
            "prompt": f"What is {number} + 1?",
            "tenant": "edge",
            "model": MODEL,
            "max_tokens": MAX_TOKENS,
            "deadline": far_deadline(),
        }
        for number in range(arguments.requests)
    ]
    await pipeline.publish(published)
    _say(f"{workers} workers, {len(published)} requests, {limit} USD ...")
    began_s = time.monotonic()
    try:
        for _ in range(workers):
            pipeline.start_worker()
        ids = [str(request["request_id"]) for request in published]
        responses = await pipeline.wait_for_responses(ids, PATIENCE_S)
        seconds = time.monotonic() - began_s
        bill = await pipeline.reconcile()
        costs = {event.event_id: event.cost_usd or Decimal(0) for event in await pipeline.costs()}
    finally:
        pipeline.end()
    if not bill.bill_equals_invoice:
        raise SystemExit(f"The bill is not the invoice: {bill}")
    spent = sum(costs.values(), Decimal(0))
    largest = max(costs.values(), default=Decimal(0))
    statuses = Counter(response.status for response in responses)
    codes = Counter(response.error.code for response in responses if response.error)
    return Result(
        workers=workers,
        requests=len(published),
        limit_usd=str(limit),
        spent_usd=str(spent),
        invoiced_usd=str(bill.metered_usd),
        overshoot_usd=str(spent - limit),
        overshoot_requests=_beyond(list(costs.values()), limit),
        used_share=round(float(spent / limit), 4),
        completed=statuses[Status.COMPLETED],
        refused=codes[ErrorCode.BUDGET_EXHAUSTED],
        largest_call_usd=str(largest),
        seconds=round(seconds, 1),
    )


def _beyond(costs: Sequence[Decimal], limit: Decimal) -> int:
    """Return how many calls were made after the limit was spent."""
    spent, count = Decimal(0), 0
    for cost in costs:
        count += spent >= limit
        spent += cost
    return count


def _show(results: Sequence[Result]) -> None:
    table = Table(title="A budget at its edge")
    for name in asdict(results[0]):
        table.add_column(name.replace("_", " "), justify="right")
    for result in results:
        table.add_row(*map(str, asdict(result).values()))
    Console(width=200).print(table)
    build = ROOT / "build"
    build.mkdir(exist_ok=True)
    (build / "bench-budget.json").write_bytes(
        orjson.dumps([asdict(one) for one in results], option=orjson.OPT_INDENT_2)
    )


def _say(sentence: str) -> None:
    sys.stderr.write(sentence + "\n")


if __name__ == "__main__":
    main()
