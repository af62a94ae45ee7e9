"""The end of a worker: asked for by a signal, and bounded in time whatever the broker does.

An orderly stop says goodbye many times over: a last commit, two groups to leave, readers to close. Each goodbye waits
for its answer, on connections that may have died without a sign, and Faust waits for its threads without turning the
event loop. None of it is needed for safety: what is not committed is delivered again. So a thread of its own ends a
process that is not done in time, even one that only waits for other threads.
"""

import asyncio
import os
import signal
import threading

import structlog

log = structlog.get_logger()

GOODBYE_S = 30.0
"""How much longer than the drain an end may take, seconds."""


class Shutdown:
    """Asked for once, in order; a second signal ends the process at once."""

    def __init__(self, within_s: float) -> None:
        """Take after how long the process ends, done or not."""
        self._within_s = within_s
        self._asked = asyncio.Event()
        self._bound: threading.Timer | None = None

    def listen(self) -> None:
        """Take SIGTERM and SIGINT for a request to end."""
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, self._signalled)

    async def asked(self) -> None:
        """Wait until an end is asked for."""
        await self._asked.wait()

    def begin(self, code: int = 0) -> None:
        """Let the time run, once; `code` is the exit code if it runs out."""
        if self._bound is None:
            self._bound = threading.Timer(self._within_s, _leave, [self._within_s, code])
            self._bound.daemon = True
            self._bound.start()

    def _signalled(self) -> None:
        if self._asked.is_set():
            # unwinding would close connections under the calls and tell their requests a failure that is not theirs
            log.warning("second signal: stopping at once; what is not acknowledged will be delivered again")
            os._exit(1)
        self._asked.set()
        self.begin()


def _leave(within_s: float, code: int) -> None:
    log.warning(
        "the broker has not answered every goodbye: ending without; what is not acknowledged will be delivered again",
        waited_s=within_s,
    )
    os._exit(code)
