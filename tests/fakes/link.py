"""The network between one process and the rest of the world: how long it takes, what gets lost, and when it is cut."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from random import Random

from streams.ports import Record, TopicPartition
from tests.fakes.loop import Process, VirtualLoop

GIVES_UP_S = 10.0
"""A request without an answer for so long has failed, as the real clients are set."""


@dataclass(slots=True)
class Weather:
    """What may go wrong on the way; chances are of one record or one question."""

    fastest_s: float = 0.0005
    slowest_s: float = 0.004
    lost_before: float = 0.0
    """A record is not written, and its sender is told after a while."""
    lost_after: float = 0.0
    """A record is written, and its sender is told that this is not known."""


class Link:
    """One process's way to the brokers."""

    def __init__(self, loop: VirtualLoop, process: Process, random: Random, weather: Weather | None = None) -> None:
        self.loop = loop
        self.process = process
        self.random = random
        self.weather = weather or Weather()
        self.is_cut = False
        self.slow_s: dict[TopicPartition, float] = {}
        """How much longer the acknowledgement of what is written to a partition takes."""
        self._whole = asyncio.Event()
        self._whole.set()
        self.on_send: list[Callable[[Record], None]] = []
        """Are told of every record that the process sends."""
        self.on_heal: list[Callable[[], None]] = []
        """Are called in the process when the link is whole again."""

    def delay_s(self) -> float:
        """Return how long the next thing takes, one way."""
        return self.random.uniform(self.weather.fastest_s, self.weather.slowest_s)

    def cut(self) -> None:
        """Let nothing through, in either direction."""
        self.is_cut = True
        self._whole.clear()

    def heal(self) -> None:
        self.is_cut = False
        self._whole.set()
        for healed in self.on_heal:
            self.process.run(self.loop.call_soon, healed)

    async def whole(self) -> None:
        """Wait until it is not cut.

        Raises:
            TimeoutError: it has been for `GIVES_UP_S`.
        """
        if self.is_cut:
            async with asyncio.timeout(GIVES_UP_S):
                await self._whole.wait()

    async def pass_over(self) -> None:
        """Wait for as long as a question or its answer takes.

        Raises:
            TimeoutError: the link has been cut for `GIVES_UP_S`.
        """
        await asyncio.sleep(self.delay_s())
        await self.whole()
