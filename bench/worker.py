"""Measures one worker process end to end: prompts on Kafka, a simulated provider of fixed latency, answers on Kafka.

Broker, provider, worker and this script share the machine: what is measured is the whole. The topic is filled
before the worker starts, so it is never idle. Prints a table and writes build/bench-worker.json.
"""

import argparse
import asyncio
import os
import platform
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import orjson
from aiokafka import TopicPartition
from rich.console import Console
from rich.table import Table

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from sandbox.broker import open_broker  # noqa: E402 - the repository is on the path only now
from sandbox.prompts import load_prompts  # noqa: E402
from sandbox.provider.options import ProviderOptions  # noqa: E402
from sandbox.provider.process import ProviderProcess  # noqa: E402
from schemas.topics import Topic  # noqa: E402
from streams.config.load_settings import load_settings  # noqa: E402
from streams.config.settings import Settings  # noqa: E402
from streams.kafka.clients import admin, producer, reader  # noqa: E402
from streams.topics import create_topics  # noqa: E402
from tests.harness import far_deadline  # noqa: E402

WARM_UP_SHARE = 0.2
"""Before the first fifth of the answers and after nine tenths nothing is measured."""
END_SHARE = 0.9
PATIENCE_S = 180.0


@dataclass(frozen=True, slots=True)
class Reading:
    """What a process has used, and how far the work is, at one moment."""

    at_s: float
    answered: int
    worker_cpu_s: float
    provider_cpu_s: float


@dataclass(frozen=True, slots=True)
class Result:
    """The figures of one run."""

    requests: int
    in_flight: int
    latency_ms: float
    requests_per_s: float
    worker_cpu_us_per_request: float
    worker_cpu_share: float
    provider_cpu_us_per_request: float
    worker_peak_rss_mb: float
    machine: str


def main() -> None:
    """Run the benchmark and print its figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--requests", type=int, default=20_000)
    parser.add_argument("--in-flight", type=int, default=1000)
    parser.add_argument("--latency-ms", type=float, default=500.0)
    parser.add_argument("--broker", default="kafka")
    parser.add_argument("--looks", type=Path, help="write what `bench/profile_request.py` sees of the worker into it")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="turnout-bench-") as folder:
        options = ProviderOptions(
            invoice=Path(folder) / "invoice.jsonl", latency_ms=arguments.latency_ms, limits=False, failures=False
        )
        with open_broker(arguments.broker, on_progress=_say) as broker, ProviderProcess(options) as provider:
            catalogue = Path(folder) / "catalogue.toml"
            text = (ROOT / "catalogue.toml").read_text()
            catalogue.write_text(re.sub(r"requests_per_minute = [\d_]+", "requests_per_minute = 1_000_000", text))
            settings = load_settings(
                brokers=broker.bootstrap_servers,
                provider_base_url=provider.base_url,
                catalogue=catalogue,
                max_in_flight=arguments.in_flight,
                data_dir=Path(folder) / "data",
            )
            command = [sys.executable, "-m", "streams.cli", "worker"]
            if arguments.looks is not None:
                command = [sys.executable, "bench/profile_request.py", "--worker", str(arguments.looks.resolve())]
            result = asyncio.run(_measure(settings, provider, command, arguments.requests, arguments.latency_ms))
    _show(result)


async def _measure(
    settings: Settings, provider: ProviderProcess, command: Sequence[str], requests: int, latency_ms: float
) -> Result:
    async with admin(settings) as client:
        await create_topics(client, settings)
    await _fill(settings, requests)
    _say(f"{requests} prompts are on the topic; starting one worker.")
    worker = _start_worker(settings, command)
    try:
        begin, end = await _watch(settings, worker, provider, requests)
        peak_rss_mb = _peak_rss_mb(worker.pid)
    finally:
        worker.send_signal(signal.SIGTERM)
        worker.wait(60)
    if (called := len(provider.invoice())) < requests:
        raise SystemExit(f"Only {called} of {requests} requests were called for; the others were refused.")
    answered, seconds = end.answered - begin.answered, end.at_s - begin.at_s
    return Result(
        requests=requests,
        in_flight=settings.max_in_flight,
        latency_ms=latency_ms,
        requests_per_s=round(answered / seconds, 1),
        worker_cpu_us_per_request=round((end.worker_cpu_s - begin.worker_cpu_s) / answered * 1e6, 1),
        worker_cpu_share=round((end.worker_cpu_s - begin.worker_cpu_s) / seconds, 3),
        provider_cpu_us_per_request=round((end.provider_cpu_s - begin.provider_cpu_s) / answered * 1e6, 1),
        worker_peak_rss_mb=round(peak_rss_mb, 1),
        machine=f"{os.cpu_count()} cores, {platform.machine()}, Python {platform.python_version()}",
    )


async def _fill(settings: Settings, requests: int) -> None:
    prompts = load_prompts()
    async with producer(settings) as client:
        sent = []
        for number in range(requests):
            request = prompts[number % len(prompts)].request
            fields = {
                "request_id": f"bench-{number}",
                "tenant": request.tenant,
                "prompt": request.question,
                "deadline": far_deadline(),
            }
            key = f"bench-{number}".encode()
            sent.append(await client.send(settings.topic(Topic.REQUESTS), orjson.dumps(fields), key=key))
        await asyncio.gather(*sent)


def _start_worker(settings: Settings, command: Sequence[str]) -> subprocess.Popen[bytes]:
    environment = {
        "TURNOUT_BROKERS": settings.brokers,
        "TURNOUT_PROVIDER_BASE_URL": settings.provider_base_url,
        "TURNOUT_CATALOGUE": str(settings.catalogue),
        "TURNOUT_MAX_IN_FLIGHT": str(settings.max_in_flight),
        "TURNOUT_DATA_DIR": str(settings.data_dir),
    }
    log = settings.catalogue.with_name("worker.log").open("wb")
    return subprocess.Popen(command, cwd=ROOT, env={**os.environ, **environment}, stderr=log)  # noqa: S603 - our own module


async def _watch(
    settings: Settings, worker: subprocess.Popen[bytes], provider: ProviderProcess, requests: int
) -> tuple[Reading, Reading]:
    name = settings.topic(Topic.RESPONSES)
    begin: Reading | None = None
    end: Reading | None = None
    give_up_s = time.monotonic() + PATIENCE_S
    async with reader(settings) as consumer:
        tps = [TopicPartition(name, number) for number in range(settings.partitions)]
        while time.monotonic() < give_up_s and worker.poll() is None:
            await asyncio.sleep(0.25)
            answered = sum((await consumer.end_offsets(tps)).values())
            if answered < requests * WARM_UP_SHARE:
                continue
            if answered >= requests * END_SHARE and begin is not None and end is not None:
                return begin, end
            reading = Reading(time.monotonic(), answered, _cpu_s(worker.pid), _cpu_s(provider.pid or 0))
            begin, end = begin or reading, reading
    raise SystemExit(f"The worker did not get through {requests} requests in {PATIENCE_S:.0f} s.")


def _cpu_s(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _peak_rss_mb(pid: int) -> float:
    line = next(line for line in Path(f"/proc/{pid}/status").read_text().splitlines() if line.startswith("VmHWM"))
    return int(line.split()[1]) / 1024


def _show(result: Result) -> None:
    table = Table(title="One worker process")
    table.add_column("figure")
    table.add_column("value", justify="right")
    for name, value in asdict(result).items():
        table.add_row(name, str(value))
    Console().print(table)
    build = ROOT / "build"
    build.mkdir(exist_ok=True)
    (build / "bench-worker.json").write_bytes(orjson.dumps(asdict(result), option=orjson.OPT_INDENT_2))


def _say(sentence: str) -> None:
    sys.stderr.write(sentence + "\n")


if __name__ == "__main__":
    main()
