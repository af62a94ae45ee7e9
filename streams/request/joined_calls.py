"""Makes the calls of several requests as one, as `router.request.joining` decides.

A call goes out when every member has its write-ahead record acknowledged, or has given up. It belongs to no member: one
that is cancelled meanwhile only leaves it, and the last to leave ends it.
"""

import asyncio
from asyncio import Future, Task, TimerHandle
from collections.abc import Sequence
from dataclasses import dataclass

from router.errors import Answer, UpstreamFailure
from router.job import Job
from router.request.joining import (
    WRITE_S,
    Batch,
    Gathering,
    Manner,
    joined_call,
    joined_call_id,
    joined_request,
    left_behind,
    parted,
    size_of,
)
from router.request.share import Share
from router.request.steps import Answered, Call, Failed
from streams.ports import Clock, Fence, Provider, Trace

NOT_CALLED = Share((1,), 0, leads=False)


@dataclass(frozen=True, slots=True, eq=False)
class _Waiting:
    """A call that waits for others."""

    job: Job
    call: Call
    seat: "Future[Seat | None]"


class JoinedCalls:
    """The joined calls of one worker."""

    def __init__(self, provider: Provider, fence: Fence, clock: Clock) -> None:
        self._provider = provider
        self._fence = fence
        self._clock = clock
        self._gathering: Gathering[_Waiting] = Gathering()

    async def seat(self, manner: Manner, job: Job, call: Call) -> "Seat | None":
        """Wait for others; return the call's place among them, or None if there are none.

        A seat has to be left, whatever becomes of it.
        """
        loop = asyncio.get_running_loop()
        waiting, now_s = _Waiting(job, call, loop.create_future()), self._clock()
        batch, closed = self._gathering.add(manner, waiting, size_of(job, call), now_s)
        if closed is not None:
            self._go(closed.members)
        if batch is not closed and len(batch.members) == 1:
            loop.call_later(batch.closes_s - now_s, self._close, batch)
        try:
            return await waiting.seat
        except asyncio.CancelledError:
            batch.leave(waiting)
            if waiting.seat.done() and not waiting.seat.cancelled() and (seat := waiting.seat.result()) is not None:
                seat.leave()
            raise

    def _close(self, batch: Batch[_Waiting]) -> None:
        if self._gathering.close(batch):
            self._go(batch.members)

    def _go(self, members: Sequence[_Waiting]) -> None:
        members = [one for one in members if not one.seat.done()]
        if len(members) == 1:
            members[0].seat.set_result(None)
            return
        call_id = joined_call_id(one.call.started.event_id for one in members)
        joint = _JointCall(call_id, self._provider, self._fence, self._clock)
        for one in members:
            one.seat.set_result(joint.seat(one.job, one.call))


class Seat:
    """One member's place in a joined call."""

    __slots__ = ("_joint", "call", "event", "is_written", "job", "trace")

    def __init__(self, joint: "_JointCall", job: Job, call: Call) -> None:
        self._joint = joint
        self.job = job
        self.call = call
        self.trace: Trace = {}
        self.is_written = False
        self.event: Future[Answered | Failed] = asyncio.get_running_loop().create_future()

    @property
    def call_id(self) -> str:
        """The id of the joined call."""
        return self._joint.call_id

    async def called(self, trace: Trace) -> Answered | Failed:
        """Have the call made, as far as this member goes: its write-ahead record is acknowledged."""
        self.trace = trace
        self.is_written = True
        self._joint.written(self)
        return await self.event

    def leave(self) -> None:
        """Take no more part."""
        self._joint.left(self)


class _JointCall:
    """One call for several requests."""

    def __init__(self, call_id: str, provider: Provider, fence: Fence, clock: Clock) -> None:
        self.call_id = call_id
        self._provider = provider
        self._fence = fence
        self._clock = clock
        self._seats: dict[Seat, None] = {}
        self._late: TimerHandle | None = None
        self._calling: Task[None] | None = None

    def seat(self, job: Job, call: Call) -> Seat:
        """Return a place for this call."""
        seat = Seat(self, job, call)
        self._seats[seat] = None
        return seat

    def written(self, seat: Seat) -> None:
        """Let a member take part, unless the call has gone without it."""
        if self._calling is not None:
            seat.event.set_result(Failed(self._clock(), left_behind(), 0.0, NOT_CALLED))
            return
        if self._late is None:
            self._late = asyncio.get_running_loop().call_later(WRITE_S, self._start)
        self._start_when_written()

    def left(self, seat: Seat) -> None:
        """Let a member go."""
        if seat not in self._seats:
            return
        del self._seats[seat]
        seat.event.cancel()
        self._start_when_written()
        if not self._seats:
            self._end()

    def _start_when_written(self) -> None:
        if self._seats and all(seat.is_written for seat in self._seats):
            self._start()

    def _start(self) -> None:
        if self._late is not None:
            self._late.cancel()
        if self._calling is None:
            self._calling = asyncio.create_task(self._call([seat for seat in self._seats if seat.is_written]))

    def _end(self) -> None:
        if self._late is not None:
            self._late.cancel()
        if self._calling is not None:
            self._calling.cancel()

    async def _call(self, written: Sequence[Seat]) -> None:
        try:
            await self._fence.passed()  # the worker may have been frozen while others wrote
            if members := [seat for seat in written if seat in self._seats]:
                await self._call_for(members)
        except Exception as problem:  # noqa: BLE001 - a defect: each member ends by it, as if it had called itself
            for seat in written:
                if not seat.event.done():
                    seat.event.set_exception(problem)

    async def _call_for(self, members: Sequence[Seat]) -> None:
        first, called_s = members[0], self._clock()
        sizes = [size_of(seat.job, seat.call) for seat in members]
        request = joined_request([seat.job.request for seat in members])
        result = await self._provider.call(request, joined_call(first.call, self.call_id), first.trace)
        now_s = self._clock()
        weights = tuple(size.tokens for size in sizes)
        leader = next((seat for seat in members if not seat.event.done()), None)
        parts = parted(result, [size.inputs for size in sizes])
        for place, (seat, part) in enumerate(zip(members, parts, strict=True)):
            if not seat.event.done():
                share = Share(weights, place, leads=seat is leader)
                seat.event.set_result(_event(part, now_s, now_s - called_s, share))


def _event(part: Answer | UpstreamFailure, now_s: float, latency_s: float, share: Share) -> Answered | Failed:
    if isinstance(part, Answer):
        return Answered(now_s, part, latency_s, share)
    return Failed(now_s, part, latency_s, share)
