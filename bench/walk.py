"""How far one request walks through the code: which files its own task enters, and how often it changes between them.

A worker serves it in memory, in virtual time; what is counted are the calls of functions of Turnout, in order.
"""

import argparse
import asyncio
import sys
from collections import Counter
from dataclasses import asdict, dataclass
from itertools import pairwise
from pathlib import Path
from types import FrameType

import orjson
from rich.console import Console
from rich.table import Table

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from tests.fakes.scene import Scene, played  # noqa: E402 - the repository is on the path only now

REPORT = ROOT / "build" / "bench-walk.json"
PACKAGES = tuple(f"{ROOT}/{name}/" for name in ("router", "schemas", "streams"))
TASK = "Pump._process"
"""The coroutine that a request has to itself, from its place in flight to its acknowledgement."""


@dataclass(frozen=True, slots=True)
class Walk:
    """What was counted of one request that was answered at once."""

    calls: int
    files: int
    changes_of_file: int
    handler_entered: int


def main() -> None:
    """Serve one request, and show the walk."""
    argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter).parse_args()
    entered = _follow()
    files = Counter(entered)
    changes = sum(one != other for one, other in pairwise(entered))
    handler = sum(
        file.endswith("/handler.py") and before != file for before, file in zip(["", *entered], entered, strict=False)
    )
    walk = Walk(len(entered), len(files), changes, handler)
    table = Table(title="The walk of one request")
    table.add_column("file")
    table.add_column("calls", justify="right")
    for file, count in files.most_common():
        table.add_row(str(Path(file).relative_to(ROOT)), str(count))
    Console().print(table)
    for name, value in asdict(walk).items():
        sys.stdout.write(f"{name.replace('_', ' ')}: {value}\n")
    REPORT.parent.mkdir(exist_ok=True)
    REPORT.write_bytes(orjson.dumps(walk, option=orjson.OPT_INDENT_2))


def _follow() -> list[str]:
    """Return the files in the order in which the request's task enters them."""
    entered: list[str] = []

    def enters(frame: FrameType, event: str, _argument: object) -> None:
        code = frame.f_code
        if event != "call" or not code.co_filename.startswith(PACKAGES):
            return
        task = asyncio.current_task() if asyncio._get_running_loop() else None  # noqa: SLF001 - it raises nothing
        if task is not None and getattr(task.get_coro(), "__qualname__", "") == TASK:
            entered.append(code.co_filename)

    @played()
    async def serve(scene: Scene) -> None:
        await scene.start("worker")
        scene.publish("first")
        await scene.answered("first")  # what is made once is made now
        sys.setprofile(enters)
        scene.publish("second")
        await scene.answered("second")
        await scene.until(lambda: scene.committed() >= len(("first", "second")))
        sys.setprofile(None)

    serve()
    return entered


if __name__ == "__main__":
    main()
