"""The places of requests in flight."""

import asyncio
from collections import deque
from collections.abc import Callable

STARTS_A_TURN = 16
"""How many requests begin in one turn of the event loop. A thousand that began together would march in step: all
decide, all are written ahead, all are called for, and while they all wait the processor has no work."""


class Slots:
    """The places of requests in flight: who comes back from a wait goes before who has not begun."""

    def __init__(self, count: int, start_next: Callable[[], bool]) -> None:
        self._free = count
        self._start_next = start_next
        self._returning: deque[asyncio.Future[None]] = deque()
        self._filling: asyncio.Handle | None = None

    def fill(self) -> None:
        """Give free places away to who wants one, `STARTS_A_TURN` in a turn of the event loop."""
        if self._filling is None:
            self._fill()

    def _fill(self) -> None:
        self._filling = None
        for _ in range(STARTS_A_TURN):
            if not self._free or not self._give():
                return
        self._filling = asyncio.get_running_loop().call_soon(self._fill)

    def _give(self) -> bool:
        while self._returning:
            returning = self._returning.popleft()
            if not returning.done():  # else it was given up meanwhile
                returning.set_result(None)
                self._free -= 1
                return True
        if not self._start_next():
            return False
        self._free -= 1
        return True

    def give_back(self) -> None:
        """Free one place."""
        self._free += 1
        self.fill()

    async def again(self) -> None:
        """Wait for a place."""
        returning = asyncio.get_running_loop().create_future()
        self._returning.append(returning)
        self.fill()
        try:
            await returning
        except asyncio.CancelledError:
            if returning.done() and not returning.cancelled():
                self.give_back()
            raise


class PumpSlot:
    """One request's place."""

    __slots__ = ("_slots", "_taken")

    def __init__(self, slots: Slots) -> None:
        self._slots = slots
        self._taken = True

    def leave(self) -> None:
        """Let another request have it; harmless a second time."""
        if self._taken:
            self._taken = False
            self._slots.give_back()

    async def take_again(self) -> None:
        """Wait for another one."""
        await self._slots.again()
        self._taken = True
