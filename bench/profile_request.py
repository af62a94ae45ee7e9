"""Where a request's time goes, by step: `make bench-profile`, and on Kafka `make bench-profile KAFKA=1`.

The worker of `bench/instructions.py` serves requests without valgrind, and a timer of processor time looks at its stack
every millisecond. A look counts for the innermost step that is under way; the shares are told of what the worker does
for the requests, the log in memory apart, and as instructions of the budget's figure if that is given.

On Kafka it is the worker of `bench/worker.py`, with a thousand calls under way: `turnout worker` as it is, but for the
timer. The looks are at its main thread; what the thread of Faust's consumer does counts for what that is at meanwhile.
"""

import argparse
import signal
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

import orjson
from rich.console import Console
from rich.table import Table

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from bench.instructions import serve  # noqa: E402 - the repository is on the path only now
from sandbox.provider.options import ProviderOptions  # noqa: E402
from sandbox.provider.process import ProviderProcess  # noqa: E402

EVERY_S = 0.001
REQUESTS = 2000
"""A repetition's: more, and the models' limits would turn some away."""
STEPS = {
    "the log in memory, this benchmark's own": ("tests/", "bench/instructions.py"),
    "read: the record, its request and whose it is": ("streams/request/reader.py", "streams/codec.py", "/envelopes.py"),
    "analyse: task and difficulty": ("analyse_request",),
    "plan: who may answer, in which order": ("make_plan",),
    "pick: who is ready and paid for": ("Session._decide",),
    "the write-ahead record": ("call_started",),
    "answered: attempt, usage and cost": ("Session._answered",),
    "settle: the cost events": ("settle_all",),
    "the response": ("AttemptLog.response",),
    "call: body and headers": ("HttpProvider.call",),
    "call: the transport": ("streams/providers/transport.py", "streams/providers/exchange.py", "/httpx/"),
    "call: aiohttp": ("/aiohttp/",),
    "call: the reply read": ("OutcomeReader.from_reply",),
    "encode: messages to bytes": ("Message.encode", "event_headers"),
    "publish: outcomes in their order": ("streams/request/outcomes.py", "streams/publisher.py"),
    "metrics, log line, flaws": ("Metrics.ended", "RequestLog.write", "FlawCounter.ended"),
    "health and shares, between requests": ("streams/control/",),
    "pump": ("streams/request/pump.py",),
    "handler": ("streams/request/",),
    "Kafka's clients and Faust": ("/aiokafka/", "/faust/", "/mode/", "streams/kafka/"),
    "the event loop": ("asyncio/", "selectors.py"),
}
"""By the name of a function, or a part of the path of its file."""
OTHER = "start, stop and all else"
BEGINS_BY = "analyse: task and difficulty"
"""What is seen before the first request is served, such as imports, counts for nothing."""


class StackSampler:
    """Counts the innermost step at each tick."""

    def __init__(self) -> None:
        self.seen: Counter[str] = Counter()
        self._has_begun = False
        self._step_of: dict[object, str | None] = {}

    def __call__(self, _signal: int, frame: FrameType | None) -> None:
        """Look once."""
        while frame is not None:
            code = frame.f_code
            if code not in self._step_of:
                self._step_of[code] = _step_of(code.co_qualname, code.co_filename)
            if (step := self._step_of[code]) is not None:
                self._has_begun |= step == BEGINS_BY
                self.seen[step] += self._has_begun
                return
            frame = frame.f_back
        self.seen[OTHER] += self._has_begun


def _step_of(name: str, path: str) -> str | None:
    for step, marks in STEPS.items():
        if any(mark in path if "/" in mark or mark.endswith(".py") else mark == name for mark in marks):
            return step
    return None


@contextmanager
def looking() -> Iterator[Counter[str]]:
    """Look at this process meanwhile; give what is seen."""
    sampler = StackSampler()
    signal.signal(signal.SIGPROF, sampler)
    signal.setitimer(signal.ITIMER_PROF, EVERY_S, EVERY_S)
    try:
        yield sampler.seen
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)


def main() -> None:
    """Serve, look, and show."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repetitions", type=int, default=3)
    parser.add_argument("--instructions", type=int, default=0, help="what a request costs by `make bench-instructions`")
    parser.add_argument("--kafka", action="store_true", help="look at the worker of bench/worker.py")
    parser.add_argument("--requests", type=int, default=20_000, help="on Kafka")
    parser.add_argument("--worker", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.worker is not None:
        be_worker(arguments.worker)
    else:
        seen = on_kafka(arguments.requests) if arguments.kafka else in_memory(arguments.repetitions)
        _show(seen, arguments.instructions)


def in_memory(repetitions: int) -> Counter[str]:
    """Return what is seen of the worker of `bench/instructions.py`."""
    with tempfile.TemporaryDirectory(prefix="turnout-bench-") as folder:
        options = ProviderOptions(invoice=Path(folder, "invoice"), latency_ms=0, limits=False, failures=False)
        with ProviderProcess(options) as provider, looking() as seen:
            for _ in range(repetitions):
                serve(REQUESTS, provider.base_url)
    return seen


def on_kafka(requests: int) -> Counter[str]:
    """Return what is seen of the worker of `bench/worker.py`."""
    with tempfile.TemporaryDirectory(prefix="turnout-bench-") as folder:
        looks = Path(folder, "looks.json")
        command = [sys.executable, str(ROOT / "bench/worker.py"), f"--requests={requests}", f"--looks={looks}"]
        subprocess.run(command, check=True)  # noqa: S603 - our own
        return Counter(orjson.loads(looks.read_bytes()))


def be_worker(looks: Path) -> None:
    """Be `turnout worker` until SIGTERM, and write down what was seen."""
    from streams.cli import main as turnout  # noqa: PLC0415 - the other ways need nothing of it

    sys.argv = ["turnout", "worker"]
    with looking() as seen:
        try:
            turnout()
        finally:
            looks.write_bytes(orjson.dumps(seen))


def _show(seen: Counter[str], instructions: int) -> None:
    del seen[OTHER]
    total = seen.total()
    table = Table(title=f"{total} looks")
    table.add_column("step")
    table.add_column("share", justify="right")
    if instructions:
        table.add_column("instructions", justify="right")
    for step, count in seen.most_common():
        share = count / total
        table.add_row(step, f"{share:.1%}", *([f"{share * instructions:,.0f}"] if instructions else []))
    Console().print(table)


if __name__ == "__main__":
    main()
