"""Takes requests off their topic, many at a time but bounded, and acknowledges each at its end.

Three bounds, and what happens at each:

| bound         | counts                                              | when it is reached                            |
|---------------|-----------------------------------------------------|-----------------------------------------------|
| `in_flight`   | requests that are decided about or called for       | the others wait here, and tenants take turns  |
| `held`, bytes | all records between delivery and acknowledgement    | nothing is read until half of it is gone      |
| `span`        | offsets of one partition from the oldest unfinished | it is not read until half of it is gone       |

A request that waits, for a limit or a pause, does not count as in flight. Partitions are held back one by one, and the
consumer's one fetch loop never blocks. An exception never leaves a record acknowledged: it ends the worker, and the
record is delivered again.
"""

import asyncio
from asyncio import Task
from collections import defaultdict
from collections.abc import Callable, Coroutine, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import chain

import structlog

from router.fair_queue import FairQueue
from streams.ops.metrics import Lag
from streams.ports import Intake, Received, TopicPartition
from streams.request.coming_back import GivenBack
from streams.request.counterparts import Counterparts
from streams.request.handler import Handler
from streams.request.partition_state import AnsweredIds, PartitionState
from streams.request.reader import ParsedRequest
from streams.request.shadow_calls import ShadowCalls
from streams.request.slots import PumpSlot, Slots

log = structlog.get_logger()

LAST_WRITES_S = 10.0
"""How long after the drain a request may go on that is being published, seconds."""
RESUME_SHARE = 0.5
"""Of a bound that was reached; so much must be left before more is taken, so that nothing flutters."""

Recover = Callable[[TopicPartition, PartitionState], Coroutine[None, None, None]]
"""Fills a partition state with what had already happened on its partition."""


@dataclass(frozen=True, slots=True)
class Bounds:
    """How much one worker takes on."""

    in_flight: int
    held: int
    held_bytes: int
    span: int


@dataclass(frozen=True, slots=True, eq=False)
class _Held:
    """A record that is not acknowledged yet."""

    received: Received
    parsed: ParsedRequest
    tp: TopicPartition

    @property
    def size(self) -> int:
        return len(self.parsed.delivery.value or b"") + len(self.parsed.delivery.key or b"")


class Pump:
    """The requests of one worker, by partition."""

    def __init__(  # noqa: PLR0913 - one composition root calls it
        self,
        handler: Handler,
        recover: Recover,
        new_ids: Callable[[], AnsweredIds],
        bounds: Bounds,
        intake: Intake,
        counterparts: Counterparts,
        *,
        shadow_calls: ShadowCalls | None = None,
        at_once: bool = False,
    ) -> None:
        """Take what it works with; `at_once`: recover each partition when it is assigned, and not at its first record.

        Requests may have come back to it from the batch lane, and shadow calls of an earlier worker may not be billed.
        """
        self._handler = handler
        self._recover = recover
        self._new_ids = new_ids
        self._bounds = bounds
        self._intake = intake
        self._counterparts = counterparts
        self._shadow_calls = shadow_calls
        self._at_once = at_once
        self._slots = Slots(bounds.in_flight, self._start_next)
        self._waiting: FairQueue[_Held] = FairQueue()
        self._assigned: dict[TopicPartition, None] = {}
        self._states: dict[TopicPartition, PartitionState] = {}
        self._known: dict[TopicPartition, PartitionState] = {}
        self._recoveries: dict[TopicPartition, Task[None]] = {}
        # dicts for sets: one seed of a simulation goes the same way each time
        self._tasks: defaultdict[TopicPartition, dict[Task[None], None]] = defaultdict(dict)
        self._begun: dict[_Held, None] = {}
        self._held_back: dict[TopicPartition, None] = {}
        self._held_bytes = self._in_flight = 0
        self._draining = False
        self._broken: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    @property
    def in_flight(self) -> int:
        """How many requests have begun and are not acknowledged."""
        return self._in_flight

    @property
    def waiting(self) -> int:
        """How many records wait for their turn."""
        return len(self._waiting)

    @property
    def held_back(self) -> int:
        """How many partitions are held back at this moment."""
        return len(self._held_back)

    def idle(self) -> bool:
        """Say whether nothing of this worker's own keeps it from reading."""
        return not (self._waiting or self._held_back or self.in_flight)

    def has_time(self) -> bool:
        """Say whether there is time for shadows: no request waits, and no partition is about to go."""
        return not (self._draining or self._waiting or self._held_back)

    def overdue(self, now_s: float) -> Hashable | None:
        """Return which request under way ought to have ended first, if it ought to have ended by now."""
        held = min(self._begun, key=lambda held: held.parsed.deadline_s, default=None)
        return held if held is not None and held.parsed.deadline_s < now_s else None

    def lags(self) -> Iterable[Lag]:
        """Tell how each partition stands."""
        for tp in self._assigned:
            oldest_s = self._states[tp].oldest_s() if tp in self._states else None
            yield Lag(tp.partition, self._intake.lag(tp), oldest_s, self._intake.behind_open_transaction(tp))

    def ingest(self, batch: Sequence[Received]) -> None:
        """Take records off the intake; they wait here for their turn."""
        for received in batch:
            self._take(received)

    async def broken(self) -> None:
        """Wait until a request cannot be brought to an end.

        Raises:
            Exception: what it was.
        """
        await self._broken

    def checkpoint(self, tp: TopicPartition, offset: int) -> str | None:
        """Return the metadata to commit with an offset; None if there is nothing to commit yet."""
        state = self._states.get(tp)
        position = state.checkpoint(offset) if state else None
        return None if position is None else str(position)

    def assigned(self, tps: Iterable[TopicPartition]) -> None:
        """Begin to take requests; what was known of partitions that are another worker's now is forgotten."""
        self._draining = False
        self._held_back.clear()
        self._assigned = dict.fromkeys(tps)
        self._counterparts.assigned(self._assigned)
        self._known = {tp: state for tp, state in self._known.items() if tp in self._assigned}
        if self._at_once:
            for tp in [tp for tp in self._assigned if not self._counterparts.lacks(tp)]:
                self._state(tp)

    def recovered(self) -> Mapping[TopicPartition, PartitionState]:
        """Return the states of the partitions that have been read back."""
        return {
            tp: state
            for tp, state in self._states.items()
            if (recovery := self._recoveries.get(tp)) is None or (recovery.done() and not _failed(recovery))
        }

    def has_room(self) -> bool:
        """Say whether more may be taken."""
        return not self._draining and self._fill_level() <= RESUME_SHARE

    def take_back(self, parsed: ParsedRequest, tp: TopicPartition) -> bool:
        """Take a request that came back from the batch lane; say whether it will be brought to its end."""
        state, identity = self._states.get(tp), parsed.identity
        if self._draining or state is None or identity is None:
            return False
        state.came_back(identity.key)
        self._hold(_Held(GivenBack(parsed.delivery), parsed, tp))
        return True

    def drain(self) -> None:
        """Start nothing more: what has not begun will be delivered again."""
        self._draining = True
        for held in self._waiting.drop(lambda _held: True):
            self._held_bytes -= held.size
            held.received.let_be()

    def busy(self) -> bool:
        """Say whether requests are in flight."""
        return self._in_flight > 0

    def lost(self) -> None:
        """Give up all requests in flight, but let end what is being published, unless it must be sent again."""
        for state in self._states.values():
            state.is_lost = True
        for task in chain.from_iterable(self._tasks.values()):
            task.cancel()
        if self._shadow_calls is not None:
            self._shadow_calls.give_up(self._states)

    async def let_go(self, tps: Iterable[TopicPartition]) -> None:
        """Give up what is still in flight on these partitions, but let end what is being published; forget the rest."""
        tps = list(tps)
        left = [
            task for tp in tps for task in (*self._tasks.get(tp, ()), *filter(None, [self._recoveries.pop(tp, None)]))
        ]
        for task in left:
            task.cancel()
        if self._shadow_calls is not None:
            await self._shadow_calls.let_go(tps)
        if left:
            _, stuck = await asyncio.wait(left, timeout=LAST_WRITES_S)
            log.warning("gave up requests at the end of the drain", given_up=len(left), stuck=len(stuck))
        for tp in tps:
            self._assigned.pop(tp, None)
            if (state := self._states.pop(tp, None)) is not None:
                state.is_lost = True
                self._known[tp] = state

    async def close(self) -> None:
        """Give up whatever is in flight."""
        self.drain()
        await self.let_go(dict.fromkeys((*self._tasks, *self._states)))

    def _take(self, received: Received) -> None:
        delivery = received.delivery
        partition = TopicPartition(delivery.origin.topic, delivery.origin.partition)
        held = _Held(received, self._handler.open(delivery), partition)
        if self._draining or not received.is_current:
            received.let_be()
            return
        self._state(held.tp).received(delivery.origin.offset, delivery.written_s(held.parsed.received_s))
        self._hold(held)
        self._hold_back(held.tp)

    def _hold(self, held: _Held) -> None:
        self._held_bytes += held.size
        self._waiting.add(held.parsed.tenant, held)
        self._slots.fill()

    def _start_next(self) -> bool:
        if not self._waiting:
            return False
        held = self._waiting.take()
        slot = PumpSlot(self._slots)
        task = asyncio.create_task(self._process(held, slot))
        self._tasks[held.tp][task] = None
        self._in_flight += 1
        task.add_done_callback(partial(self._over, held, slot))
        return True

    async def _process(self, held: _Held, slot: PumpSlot) -> None:
        state = self._state(held.tp)
        if (recovery := self._recoveries.get(held.tp)) is not None:
            await asyncio.shield(recovery)
            self._recoveries.pop(held.tp, None)
        self._begun[held] = None
        await self._handler.handle(held.parsed, state, slot)
        held.received.acknowledge()
        # not when it is given up: a later commit must still say from where on its calls are to be read back
        if held.parsed.returned is not None and held.parsed.identity is not None:
            state.went_out(held.parsed.identity.key)
        else:
            state.acknowledged(held.parsed.delivery.origin.offset)

    def _state(self, tp: TopicPartition) -> PartitionState:
        state = self._states.get(tp)
        if state is None:
            known = self._known.pop(tp, None)
            state = self._states[tp] = (
                PartitionState(self._new_ids())
                if known is None
                else PartitionState(known.answered, known.end, known.ids_end)
            )
            self._recoveries[tp] = asyncio.create_task(self._recover(tp, state))
        return state

    def _over(self, held: _Held, slot: PumpSlot, task: Task[None]) -> None:
        self._tasks[held.tp].pop(task, None)
        self._in_flight -= 1
        self._begun.pop(held, None)
        self._held_bytes -= held.size
        if (problem := _problem(task)) is not None and not self._broken.done():
            self._broken.set_exception(problem)
        slot.leave()
        self._let_flow()

    def _hold_back(self, tp: TopicPartition) -> None:
        if self._fill_level() >= 1:
            for other in self._states:
                self._intake.hold_back(other)
            self._held_back.update(dict.fromkeys(self._states))
        elif tp not in self._held_back and self._intake.span(tp) >= self._bounds.span:
            self._intake.hold_back(tp)
            self._held_back[tp] = None

    def _let_flow(self) -> None:
        if not self._held_back or self._fill_level() > RESUME_SHARE:
            return
        for tp in [tp for tp in self._held_back if self._intake.span(tp) <= RESUME_SHARE * self._bounds.span]:
            self._intake.let_flow(tp)
            del self._held_back[tp]

    def _fill_level(self) -> float:
        held = self.in_flight + len(self._waiting)
        return max(held / self._bounds.held, self._held_bytes / self._bounds.held_bytes)


def _failed(task: Task[None]) -> bool:
    return task.cancelled() or task.exception() is not None


def _problem(task: Task[None]) -> BaseException | None:
    if not task.cancelled():
        return task.exception()
    # a library's stray cancellation is not ours: the request would stay unfinished, and its partition with it
    return None if task.cancelling() else RuntimeError("a request was cancelled, though it was not given up")
