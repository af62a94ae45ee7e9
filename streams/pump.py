"""Takes requests off their topic, many at a time but never more than `max_in_flight`, and acknowledges each at its end.

A full pump takes no more, so Faust's buffer fills and the consumer stops fetching: that is the back-pressure. An
exception never leaves a record acknowledged: it ends the worker, and the record is delivered again.
"""

import asyncio
from asyncio import Task
from collections import defaultdict
from collections.abc import Callable, Coroutine, Iterable, Mapping, Sequence
from functools import partial

import structlog
from faust.types import TP, EventT, StreamT

from router.job import Origin
from streams.delivery import Delivery
from streams.handler import Handler
from streams.lane import Lane

log = structlog.get_logger()

LAST_WRITES_S = 10.0
"""For so long after the drain a request may go on that is being published."""

Recover = Callable[[TP, Lane], Coroutine[None, None, None]]
"""Fills a lane with what had already happened on its partition."""


class Pump:
    """The requests in flight, by partition."""

    def __init__(self, handler: Handler, recover: Recover, max_in_flight: int) -> None:
        self._handler = handler
        self._recover = recover
        self._slots = asyncio.Semaphore(max_in_flight)
        self._lanes: dict[TP, Lane] = {}
        self._recoveries: dict[TP, Task[None]] = {}
        self._tasks: defaultdict[TP, set[Task[None]]] = defaultdict(set)
        self._broken: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    @property
    def in_flight(self) -> int:
        """How many requests are between delivery and acknowledgement."""
        return sum(len(tasks) for tasks in self._tasks.values())

    async def run(self, stream: StreamT[bytes]) -> None:
        """Take from the stream until it ends."""
        async for event in stream.noack().events():
            await self._slots.acquire()
            tp = event.message.tp
            task = asyncio.create_task(self._process(event))
            self._tasks[tp].add(task)
            task.add_done_callback(partial(self._over, tp))

    async def broken(self) -> None:
        """Wait until a request cannot be brought to an end.

        Raises:
            Exception: what it was.
        """
        await self._broken

    def checkpoint(self, tp: TP, offset: int) -> str:
        """Return the metadata to commit with an offset."""
        lane = self._lanes.get(tp)
        return str(lane.checkpoint(offset)) if lane else ""

    async def let_go(self, tps: Iterable[TP]) -> None:
        """Give up what is still in flight on these partitions, but let end what is being published; forget the rest."""
        tps = list(tps)
        left = [
            task for tp in tps for task in (*self._tasks.get(tp, ()), *filter(None, [self._recoveries.pop(tp, None)]))
        ]
        for task in left:
            task.cancel()
        if left:
            _, stuck = await asyncio.wait(left, timeout=LAST_WRITES_S)
            log.warning("gave up requests at the end of the drain", given_up=len(left), stuck=len(stuck))
        for tp in tps:
            self._lanes.pop(tp, None)

    async def close(self) -> None:
        """Give up whatever is in flight."""
        await self.let_go(set(self._tasks) | set(self._lanes))

    async def _process(self, event: EventT) -> None:
        message = event.message
        lane = await self._lane(message.tp)
        lane.received(message.offset)
        try:
            delivery = Delivery(
                origin=Origin(message.topic, message.partition, message.offset),
                timestamp_ms=int(message.timestamp * 1000),
                key=message.key,
                value=message.value,
                headers=_pairs(message.headers),
            )
            await self._handler.handle(delivery, lane)
            event.ack()
        finally:
            lane.released(message.offset)

    async def _lane(self, tp: TP) -> Lane:
        lane = self._lanes.get(tp)
        if lane is None:
            lane = self._lanes[tp] = Lane()
            self._recoveries[tp] = asyncio.create_task(self._recover(tp, lane))
        if (recovery := self._recoveries.get(tp)) is not None:
            await asyncio.shield(recovery)
            self._recoveries.pop(tp, None)
        return lane

    def _over(self, tp: TP, task: Task[None]) -> None:
        self._slots.release()
        self._tasks[tp].discard(task)
        if not task.cancelled() and (problem := task.exception()) is not None and not self._broken.done():
            self._broken.set_exception(problem)


def _pairs(headers: Mapping[str, bytes] | Sequence[tuple[str, bytes]] | None) -> tuple[tuple[str, bytes], ...]:
    """Faust gives headers as pairs, as a mapping or not at all."""
    return tuple(headers.items() if isinstance(headers, Mapping) else headers or ())
