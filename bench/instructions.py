"""What a request costs in instructions, the same on a busy machine as on an idle one: `make bench-instructions`.

A whole worker serves requests from a log in memory and calls a provider in another process over real HTTP. Valgrind
counts the worker's instructions, not the provider's, in a short run and in a longer one; what they differ by is divided
by how many requests they differ by, so that starting and stopping cost nothing. Time is virtual but for the calls: it
stands still while one is under way, and jumps to the next timer while none is, so that heartbeats and reports come as
often for a request on any machine. One request is under way at a time, which is the dearest way to serve it.

Each version of Python has its budget in `bench/instructions.toml`; one without is held to the dearest of them.
"""

import argparse
import asyncio
import os
import random
import re
import selectors
import shutil
import subprocess
import sys
import tempfile
import tomllib
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from itertools import cycle
from pathlib import Path
from typing import Any, cast

import orjson

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from sandbox.prompts import load_prompts  # noqa: E402 - the repository is on the path only now
from sandbox.provider.options import ProviderOptions  # noqa: E402
from sandbox.provider.process import ProviderProcess  # noqa: E402
from schemas.topics import Topic  # noqa: E402
from streams.config.catalogue_file import load_catalogue  # noqa: E402
from streams.config.settings import Settings  # noqa: E402
from streams.ports import Ports, Record  # noqa: E402
from streams.providers.endpoints import Endpoint  # noqa: E402
from streams.providers.exchange import Outgoing, Reply  # noqa: E402
from streams.providers.http_provider import HttpProvider  # noqa: E402
from streams.providers.transport import AiohttpTransport  # noqa: E402
from tests.fakes.link import Link  # noqa: E402
from tests.fakes.loop import START_S, Process, VirtualLoop  # noqa: E402
from tests.fakes.scene import JOINED_S, quiet  # noqa: E402
from tests.fakes.world import World  # noqa: E402

BUDGETS = Path(__file__).with_suffix(".toml")
ABOVE = 1.03
"""So much of its budget a request may cost."""
SHORT, LONG = 100, 300
CLOCK_RESOLUTION_S = 1e-6
"""asyncio's own, a nanosecond, is lost in a float of seconds since 1970: a timer that is due would never run."""
APART_S = 0.01
"""100 requests a second."""
VALGRIND = ("valgrind", "--tool=cachegrind", "--cache-sim=no", "--cachegrind-out-file=/dev/null")


class JumpingSelector(selectors.DefaultSelector):
    """Waits for sockets while a call is under way; otherwise lets the time until the next timer pass at once."""

    def __init__(self) -> None:
        super().__init__()
        self.now_s = START_S
        self.calls = 0
        """How many are under way."""

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        """Return the sockets that are ready."""
        if timeout is None or (self.calls and timeout > 0):
            return super().select()
        self.now_s += timeout
        return super().select(0)


class Loop(asyncio.SelectorEventLoop):
    """What `tests.fakes` needs of a loop, with sockets."""

    def __init__(self, selector: JumpingSelector) -> None:
        super().__init__(selector)
        self.processes: list[Process] = []
        self.time = lambda: selector.now_s  # type: ignore[method-assign]  # in virtual time
        self._clock_resolution = CLOCK_RESOLUTION_S

    def in_the_world(self, after_s: float, callback: Callable[..., object], *args: Any) -> None:  # noqa: ANN401 - any
        """Call it later."""
        self.call_later(after_s, callback, *args)


class CountedTransport(AiohttpTransport):
    """The worker's own transport, which counts how many calls are under way."""

    def __init__(self, selector: JumpingSelector) -> None:
        super().__init__()
        self._selector = selector

    async def exchange(self, outgoing: Outgoing) -> Reply:
        """Make the call."""
        self._selector.calls += 1
        try:
            return await super().exchange(outgoing)
        finally:
            self._selector.calls -= 1


@dataclass(slots=True, kw_only=True)
class LoopbackWorld(World):
    """A world whose provider is another process."""

    provider: HttpProvider

    def ports(self, name: str, link: Link) -> Ports:
        """Return what a worker stands on: memory, and sockets for the calls."""
        return replace(World.ports(self, name, link), provider=self.provider)


def main() -> int:
    """Count, show, and hold the figure to its budget."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--serve", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--base-url", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.serve is not None:
        serve(arguments.serve, arguments.base_url)
        return 0
    found = count()
    budget, of = budgeted(tomllib.loads(BUDGETS.read_text())["instructions_per_request"])
    share = found / budget
    sys.stdout.write(f"A request costs {found:,} instructions, {share:.1%} of the budget of {budget:,} ({of}).\n")
    if share > ABOVE:
        sys.stdout.write(f"That is above {ABOVE:.0%}: make it cheaper, or say in {BUDGETS.name} what it buys.\n")
        return 1
    return 0


def budgeted(budgets: dict[str, int]) -> tuple[int, str]:
    """Return the budget of this Python, and whose it is."""
    this = "{}.{}".format(*sys.version_info)
    whose = this if this in budgets else max(budgets, key=budgets.__getitem__)
    return budgets[whose], f"Python {whose}"


def count() -> int:
    """Return the instructions that a request costs."""
    if shutil.which(VALGRIND[0]) is None:
        raise SystemExit("Instructions are counted by valgrind: run tests/setup valgrind")
    with tempfile.TemporaryDirectory(prefix="turnout-bench-") as folder, ThreadPoolExecutor() as pool:
        short, long = pool.map(lambda requests: _counted(Path(folder, str(requests)), requests), (SHORT, LONG))
    return (long - short) // (LONG - SHORT)


def _counted(folder: Path, requests: int) -> int:
    options = ProviderOptions(invoice=folder / "invoice.jsonl", latency_ms=0, limits=False, failures=False)
    with ProviderProcess(options) as provider:
        command = [sys.executable, __file__, "--serve", str(requests), "--base-url", provider.base_url]
        environment = {**os.environ, "PYTHONHASHSEED": "0", "PYTHONDONTWRITEBYTECODE": "1"}
        done = subprocess.run([*VALGRIND, *command], env=environment, capture_output=True, text=True, check=False)  # noqa: S603 - ourselves
    found = re.search(r"I +refs: +([\d,]+)", done.stderr)
    if done.returncode or found is None:
        raise SystemExit(done.stdout + done.stderr)
    return int(found[1].replace(",", ""))


def serve(requests: int, base_url: str) -> None:
    """Serve requests, one after the other, and end when all are answered."""
    random.seed(0)  # the pauses of retries
    selector = JumpingSelector()
    with quiet(), asyncio.Runner(loop_factory=lambda: Loop(selector)) as runner:
        runner.run(_serve(requests, base_url, selector))


async def _serve(requests: int, base_url: str, selector: JumpingSelector) -> None:
    loop = cast("VirtualLoop", asyncio.get_running_loop())
    catalogue = load_catalogue(ROOT / "catalogue.toml").catalogue
    settings = Settings(partitions=2, log_sample=0, topic_prefix="")
    endpoints = {model.provider_name: Endpoint(base_url, None) for model in catalogue.models.values()}
    async with CountedTransport(selector) as transport:
        provider = HttpProvider(transport, endpoints, loop.time)
        world = LoopbackWorld(loop, catalogue, settings=settings, provider=provider)
        worker = world.start("worker")
        await asyncio.sleep(JOINED_S)
        for number, prompt in zip(range(requests), cycle(load_prompts()), strict=False):
            asked = {"request_id": f"r-{number}", "prompt": prompt.request.prompt, "tenant": f"t-{number % 5}"}
            world.broker.append(Record(Topic.REQUESTS, orjson.dumps(asked), str(number).encode(), []))
            await asyncio.sleep(APART_S)
        await asyncio.sleep(1)
        await worker.stop()
    statuses = Counter(orjson.loads(answer)["status"] for answer in world.broker.values(Topic.RESPONSES))
    if statuses != {"completed": requests}:
        raise SystemExit(f"Of {requests} requests these became of them: {dict(statuses)}")


if __name__ == "__main__":
    sys.exit(main())
