"""Ends a worker that is stuck, with a clear last message, so that its supervisor starts another one.

Three ways of being stuck: the event loop does not turn, which only another thread can see; or the loop turns, the
group's coordinator answers, records lie on the topic, and still none is read; or a request is under way long after its
deadline, and holds up the commits of its partition. A broker that is away is none of these: that is waited out. A
process that was stopped (SIGSTOP, a suspended machine) is not stuck either, which the watching thread knows by its own
sleep.
"""

import asyncio
import os
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Hashable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from time import monotonic, sleep

import structlog

log = structlog.get_logger()

STUCK = 70
"""The exit code: EX_SOFTWARE of sysexits.h."""
WATCH_EVERY_S = 1.0
LOOKS = 12
"""So often it looks before it bites."""
STOPPED_S = 5.0
"""A sleep of `WATCH_EVERY_S` that took longer was not a sleep."""


class Progress:
    """Judges, look by look, whether nothing has moved for too long although something should. Seconds of any clock."""

    __slots__ = ("_after_s", "_moved_s", "_place")

    def __init__(self, after_s: float) -> None:
        self._after_s = after_s
        self._place: Hashable = None
        self._moved_s = float("-inf")

    def look(self, place: Hashable, now_s: float, *, should_move: bool) -> bool:
        """Take in where things stand now, and say whether they are stuck."""
        if place != self._place or not should_move or self._moved_s == float("-inf"):
            self._place, self._moved_s = place, now_s
        return now_s - self._moved_s >= self._after_s


@dataclass(frozen=True, slots=True)
class Concern:
    """Something that has to go on."""

    complaint: str
    """What is the matter if it has not, "for" so long."""
    standing: Callable[[], Awaitable[Hashable]]
    """Where it stands, to be compared. None: nothing is to be done, or the broker or our own work holds it up."""


class Watchdog:
    """Watches one event loop from a thread of its own, and from the loop what has to go on in it."""

    def __init__(self, after_s: float, *concerns: Concern) -> None:
        """Take after how many seconds without a turn of the loop, or without progress, it bites."""
        self._after_s = after_s
        self._concerns = concerns
        self._turned_s = monotonic()
        self._over = threading.Event()

    @asynccontextmanager
    async def watching(self) -> AsyncIterator[None]:
        """Watch while the context lasts."""
        turning = asyncio.create_task(self._turn())
        threading.Thread(target=self._watch, name="watchdog", daemon=True).start()
        try:
            yield
        finally:
            self._over.set()
            turning.cancel()
            await asyncio.wait([turning])  # a look that failed, at a consumer that has crashed, hides no better reason

    async def _turn(self) -> None:
        watched = [(concern, Progress(self._after_s)) for concern in self._concerns]
        looked_s = float("-inf")
        while True:
            self._turned_s = monotonic()
            if self._turned_s - looked_s >= self._after_s / LOOKS:
                looked_s = self._turned_s
                for concern, progress in watched:
                    place = await concern.standing()
                    if progress.look(place, looked_s, should_move=place is not None):
                        _bite(f"{concern.complaint} for {self._after_s:.0f} s")
            await asyncio.sleep(WATCH_EVERY_S)

    def _watch(self) -> None:
        while not self._over.is_set():
            before_s = monotonic()
            sleep(WATCH_EVERY_S)
            now_s = monotonic()
            if now_s - before_s > STOPPED_S:
                self._turned_s = now_s
            elif now_s - self._turned_s > self._after_s and not self._over.is_set():
                _bite(f"the event loop has not turned for {self._after_s:.0f} s")


def _bite(why: str) -> None:
    log.critical("the worker is stuck and ends: what is not acknowledged will be delivered again", why=why)
    os._exit(STUCK)  # nothing that is stuck can be unwound
