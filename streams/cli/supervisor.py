"""Keeps several workers alive: starts them, starts them again when they die, and passes signals on."""

import asyncio
import contextlib
import signal
from asyncio.subprocess import PIPE, Process
from collections.abc import Mapping, Sequence

import stamina
import structlog

log = structlog.get_logger()

LONG_LIFE_S = 60.0
"""A worker that lived this long had no trouble starting: it is replaced at once, and pauses start small again."""
FIRST_PAUSE_S = 0.5
LONGEST_PAUSE_S = 30.0
CANNOT_START = 2
"""The exit code of a worker that cannot start before something has been mended."""
HALTED = 3
"""The exit code of a worker that too many dead letters have stopped: it would only make more of them."""


class _Died(Exception):  # noqa: N818 - an event that the retry schedule answers, not a fault
    """A worker ended soon after its start."""


class Supervisor:
    """One life after the other for each command, until a signal, or until one ends that another start would not help.

    Each child has a pipe as its standard input, which ends when this process does, however it does. It has a session
    of its own, so that Ctrl-C in a terminal reaches it once: from here.
    """

    def __init__(self, commands: Mapping[str, Sequence[str]]) -> None:
        self._commands = commands
        self._lives: dict[str, asyncio.Task[None]] = {}
        self._living: dict[str, Process] = {}
        self._codes = dict.fromkeys(commands, 0)
        self._stopping = False

    async def run(self) -> int:
        """Return the worst of the children's last exit codes; 128 and the number for one that a signal has ended."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._stop, number)
        self._lives = {name: loop.create_task(self._keep(name)) for name in self._commands}
        ended = await asyncio.gather(*self._lives.values(), return_exceptions=True)
        for problem in ended:
            if isinstance(problem, Exception):
                raise problem
        return max(self._codes.values())

    def _stop(self, number: signal.Signals) -> None:
        self._stopping = True
        for name, lives in self._lives.items():
            if (child := self._living.get(name)) is None:
                lives.cancel()
            else:
                with contextlib.suppress(ProcessLookupError):
                    child.send_signal(number)

    async def _keep(self, name: str) -> None:
        while not self._stopping:
            schedule = stamina.retry_context(
                on=_Died, attempts=None, timeout=None, wait_initial=FIRST_PAUSE_S, wait_max=LONGEST_PAUSE_S
            )
            async for attempt in schedule:
                with attempt:
                    await self._live(name)

    async def _live(self, name: str) -> None:
        clock = asyncio.get_running_loop().time
        child = await asyncio.create_subprocess_exec(*self._commands[name], stdin=PIPE, start_new_session=True)
        self._living[name] = child
        log.info("worker has started", worker=name, pid=child.pid)
        born_s = clock()
        code = await child.wait()
        del self._living[name]
        self._codes[name] = self._code(code)
        if self._stopping:
            return
        log.error("worker has died", worker=name, pid=child.pid, exit_code=code)
        if code in {CANNOT_START, HALTED}:
            self._stop(signal.SIGTERM)
        elif clock() - born_s < LONG_LIFE_S:
            raise _Died(f"{name} ended with {code}")

    def _code(self, code: int) -> int:
        if self._stopping and -code in {signal.SIGTERM, signal.SIGINT}:
            return 0  # our own signal, before the worker could listen to it
        return code if code >= 0 else 128 - code
