"""Turnout's own commands, run as a user runs them: processes, told by TURNOUT_* variables what they serve."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path

from sandbox.broker.child import Child

_PREFIX = "TURNOUT_"
_READY = b'"worker is ready"'
"""What a worker logs, in JSON, once it serves."""
_START_WITHIN_S = 60.0
_STOP_WITHIN_S = 40.0
_LOOK_EVERY_S = 0.05


class DemoFailed(Exception):  # noqa: N818 - reads as the sentence it starts
    """The demo cannot go on; the message is one sentence."""


def create_topics(settings: Mapping[str, str]) -> None:
    """Run `turnout topics create`; `settings` are TURNOUT_* variables. Raises DemoFailed."""
    done = subprocess.run(  # noqa: S603 - our own command line
        _command_line(settings, "topics", "create"),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise DemoFailed(f"The topics could not be created: {_last_line(done.stderr)}")


class Worker:
    """A running `turnout worker`."""

    def __init__(self, name: str, child: Child) -> None:
        self.name = name
        self._child = child

    def wait_until_ready(self) -> None:
        """Wait until it serves. Raises DemoFailed."""
        give_up_at = time.monotonic() + _START_WITHIN_S
        while _READY not in self._child.log.read_bytes():
            self.check()
            if time.monotonic() > give_up_at:
                raise DemoFailed(f"{self.name} is not ready after {_START_WITHIN_S:.0f} s: {self._last_words()}")
            time.sleep(_LOOK_EVERY_S)

    def check(self) -> None:
        """Raise DemoFailed if it has ended."""
        if self._child.ended() is not None:
            raise DemoFailed(f"{self.name} has ended: {self._last_words()}")

    def stop(self) -> None:
        """Let it finish what it has begun, and end it."""
        self._child.stop(timeout_s=_STOP_WITHIN_S)

    def _last_words(self) -> str:
        return _last_line(self._child.log.read_text(errors="replace"))


@contextmanager
def open_worker(name: str, settings: Mapping[str, str]) -> Iterator[Worker]:
    """Start a worker that ends with the context, at once and whatever it is doing; `Worker.stop` is the gentle way."""
    own = {**settings, f"{_PREFIX}WORKER_ID": name, f"{_PREFIX}LOG_FORMAT": "json"}
    with closing(Child("turnout-demo-")) as child:
        child.start(_command_line(own, "worker"))
        yield Worker(name, child)


def _command_line(settings: Mapping[str, str], *arguments: str) -> list[str]:
    """Return the command behind an `env`, so that nothing that is set for another Turnout reaches this one."""
    strangers = [f"-u{name}" for name in os.environ if name.startswith(_PREFIX)]
    path = os.pathsep.join(filter(None, (str(Path(__file__).parents[2]), os.environ.get("PYTHONPATH"))))
    variables = [f"{name}={value}" for name, value in {**settings, "PYTHONPATH": path}.items()]
    return ["env", *strangers, *variables, sys.executable, "-m", "streams.cli", *arguments]


def _last_line(text: str) -> str:
    return next((line for line in reversed(text.splitlines()) if line.strip()), "it said nothing.")
