"""An event loop in virtual time: when nothing is ready, the clock jumps to the next timer. No threads, no sockets.

A `Process` stands for one of the operating system: whatever is started in it, and whatever that starts, belongs to it,
by a context variable. One that is killed never runs again: no `finally`, no `except`, no goodbye. One that is frozen
finds everything late when it thaws, in the order in which it became due. What belongs to no process is the world.

Runs repeat exactly: what is due at one moment runs in the order in which it was asked for, and tasks and futures have
hashes that count up, so that sets of them have the same order in every run.
"""

import asyncio
from asyncio import Future, Handle, Task, TimerHandle
from collections import deque
from collections.abc import Callable, Coroutine, Iterable
from contextvars import Context, ContextVar, copy_context
from heapq import heappop, heappush
from itertools import count
from typing import Any, TypeVar, TypeVarTuple
from weakref import WeakSet

T = TypeVar("T")
Ts = TypeVarTuple("Ts")

START_S = 1_800_000_000.0
"""When virtual time begins, in seconds since 1970: 15 January 2027, 08:00 UTC."""
MOST_CANCELS = 100
"""So often a task is cancelled until it ends."""
MOST_AT_ONCE = 1_000_000
"""Callbacks at one moment; more of them wait for one another in a circle."""

_PROCESS: ContextVar["Process | None"] = ContextVar("process", default=None)


class StandstillError(AssertionError):
    """Virtual time cannot go on: everybody waits for everybody, or one moment never ends."""


class _Task(Task[Any]):
    """Hashes by the order of creation, rather than by the place in memory."""

    def __init__(self, coro: Coroutine[Any, Any, Any], number: int, **kwargs: Any) -> None:  # noqa: ANN401 - asyncio's
        self._number = number
        super().__init__(coro, **kwargs)

    def __hash__(self) -> int:
        return self._number


class _Future(Future[Any]):
    """Hashes by the order of creation."""

    def __init__(self, number: int, loop: "VirtualLoop") -> None:
        self._number = number
        super().__init__(loop=loop)

    def __hash__(self) -> int:
        return self._number


class _Handle(TimerHandle):
    """One callback, due at a moment."""

    __slots__ = ()

    def __init__(  # deliberately not the parent's, which looks where it was made
        self, when: float, callback: Callable[..., object], args: tuple[Any, ...], context: Context | None
    ) -> None:
        self._when = when
        self._callback: Callable[..., object] | None = callback
        self._args: tuple[Any, ...] = args
        self._context = copy_context() if context is None else context
        self._cancelled = False

    def cancel(self) -> None:
        self._cancelled = True
        self._callback, self._args = None, ()


class Process:
    """What dies and freezes together."""

    def __init__(self, loop: "VirtualLoop", name: str) -> None:
        self.name = name
        self.is_dead = False
        self._loop = loop
        self._buried: list[Task[Any]] = []
        """What will never run again: collected as garbage, it would run its `finally`."""
        self._parked: deque[_Handle] | None = None
        self._context = copy_context()
        self._context.run(_PROCESS.set, self)
        self.tasks: WeakSet[Task[Any]] = WeakSet()
        loop.processes.append(self)

    @property
    def is_running(self) -> bool:
        return self._parked is None

    def start(self, work: Coroutine[Any, Any, T]) -> Task[T]:
        """Run a coroutine in the process."""
        return self._loop.create_task(work, context=self._context.copy())

    def run(self, function: Callable[[*Ts], T], *args: *Ts) -> T:
        """Call a function in the process: what it starts belongs to it."""
        return self._context.copy().run(function, *args)

    def freeze(self) -> None:
        if self._parked is None:
            self._parked = deque()
            self._loop.parked += 1

    def thaw(self) -> None:
        """Go on, unless it is dead."""
        if not self.is_dead:
            self.revive()

    def kill(self) -> None:
        self.is_dead = True
        self.freeze()
        self._buried = [task for task in self.tasks if not task.done()]

    def revive(self) -> None:
        """Go on even from death, for what is under way to be taken apart."""
        parked, self._parked = self._parked, None
        if parked is not None:
            self._loop.parked -= 1
            self._loop.resume(parked)

    def keep(self, handle: _Handle) -> None:
        """Take what is due while the process does not run."""
        if self._parked is not None:
            self._parked.append(handle)


class VirtualLoop(asyncio.BaseEventLoop):
    """Runs callbacks in the order of their moments, and of their asking."""

    def __init__(self, start_s: float = START_S) -> None:
        super().__init__()
        self.complaints: list[str] = []
        """What asyncio would have logged, such as an exception that was never retrieved."""
        self._now_s = start_s
        self._due: deque[_Handle] = deque()
        self._timers: list[tuple[float, int, _Handle]] = []
        self._numbers = count()
        self.processes: list[Process] = []
        self.parked = 0
        """How many of them do not run."""
        self.get_debug = bool  # type: ignore[method-assign]  # False; every future and task asks

    def time(self) -> float:
        """Return the virtual time, in seconds since 1970."""
        return self._now_s

    def call_soon(self, callback: Callable[[*Ts], object], *args: *Ts, context: Context | None = None) -> Handle:
        handle = _Handle(self._now_s, callback, args, context)
        self._due.append(handle)
        return handle

    def call_at(
        self, when: float, callback: Callable[[*Ts], object], *args: *Ts, context: Context | None = None
    ) -> TimerHandle:
        handle = _Handle(when, callback, args, context)
        heappush(self._timers, (when, next(self._numbers), handle))
        return handle

    def call_later(
        self, delay: float, callback: Callable[[*Ts], object], *args: *Ts, context: Context | None = None
    ) -> TimerHandle:
        return self.call_at(self._now_s + delay, callback, *args, context=context)

    def in_the_world(self, after_s: float, callback: Callable[[*Ts], object], *args: *Ts) -> None:
        """Call it later, whatever becomes of the process that asks for it."""
        self.call_at(self._now_s + after_s, callback, *args, context=Context())

    def create_future(self) -> Future[Any]:
        return _Future(next(self._numbers), self)

    def create_task(  # type: ignore[override]  # its arguments differ between versions of Python
        self,
        coro: Coroutine[Any, Any, T],
        *,
        name: str | None = None,
        context: Context | None = None,
    ) -> Task[T]:
        task = _Task(coro, next(self._numbers), loop=self, name=name, context=context)
        process = (context or copy_context()).get(_PROCESS)
        if process is not None:
            process.tasks.add(task)
        return task

    def call_soon_threadsafe(self, *_args: object, **_named: object) -> Handle:
        raise RuntimeError("there are no threads in virtual time")

    def run_in_executor(self, *_args: object) -> Future[Any]:
        raise RuntimeError("there are no threads in virtual time")

    def call_exception_handler(self, context: dict[str, Any]) -> None:
        """Note what asyncio complains of."""
        self.complaints.append(f"{context.get('message')}: {context.get('exception')!r}")

    def resume(self, handles: Iterable[_Handle]) -> None:
        """Run what was kept while its process was frozen."""
        self._due.extend(handles)

    def run_until_complete(self, future: Coroutine[Any, Any, T]) -> T:  # type: ignore[override]  # no other is asked for
        """Run until it is done.

        Raises:
            StandstillError: it will never be.
        """
        task = self.create_task(future)
        asyncio._set_running_loop(self)  # it is for those who implement a loop
        try:
            while not task.done():
                self._run_due()
        finally:
            asyncio._set_running_loop(None)
        return task.result()

    def close(self) -> None:
        """End the world: cancel whatever is under way, even of the dead, until nothing is."""
        if self.is_closed():
            return
        complaints = list(self.complaints)
        for process in self.processes:
            process.revive()
        self.run_until_complete(self._take_apart())
        self.complaints = complaints
        super().close()

    async def _take_apart(self) -> None:
        this = asyncio.current_task()
        for _ in range(MOST_CANCELS):
            tasks = [task for task in asyncio.all_tasks() if task is not this]
            if not tasks:
                return
            for task in tasks:
                task.cancel()
            await asyncio.wait(tasks, timeout=1)
        raise StandstillError(f"these tasks do not end: {tasks}")

    def _jump(self) -> None:
        """Go to the next moment at which something is due, and let all of that be done."""
        timers, due = self._timers, self._due
        while timers:
            when, _, handle = heappop(timers)
            if not handle._cancelled:
                break
        else:
            raise StandstillError("nothing is due, and nothing ever will be")
        self._now_s = now_s = max(self._now_s, when)
        due.append(handle)
        while timers and timers[0][0] <= now_s:
            due.append(heappop(timers)[2])

    def _run_due(self) -> None:
        """Run what is due next, and what that brings about at once."""
        due = self._due
        if not due:
            self._jump()
        for _ in range(MOST_AT_ONCE):
            if not due:
                return
            handle = due.popleft()
            context, callback = handle._context, handle._callback
            process = context.get(_PROCESS) if self.parked else None
            if process is not None and process._parked is not None:
                process.keep(handle)
            elif callback is not None:
                context.run(callback, *handle._args)
        raise StandstillError(f"at {self._now_s} there is no end of what is to be done at once")


def in_virtual_time(main: Callable[["VirtualLoop"], Coroutine[Any, Any, T]], start_s: float = START_S) -> T:
    """Run `main` on a loop of its own.

    Raises:
        AssertionError: asyncio had to complain of something, such as an exception that was never retrieved.
    """
    loop = VirtualLoop(start_s)
    try:
        result = loop.run_until_complete(main(loop))
    finally:
        loop.close()
    assert not loop.complaints, loop.complaints
    return result
