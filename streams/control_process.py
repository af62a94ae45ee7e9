"""A process that keeps for all workers what one at a time has to keep, and serves no requests: `turnout control`."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager

from router.models.pool import ModelPool
from schemas.topics import Topic
from streams.config.settings import Settings
from streams.ops.web import serving
from streams.ports import Ports
from streams.request.stored_answers import StoredAnswers
from streams.worker import Parts, make_control, make_kept_answers


class ControlProcess:
    """A member of the control group alone. It has no share of any limit, and is not one of the workers."""

    def __init__(self, settings: Settings, parts: Parts, ports: Ports) -> None:
        """Take parts that serve nothing (`make_parts`)."""
        self._settings = settings
        self._parts = parts
        self._fence = ports.control_group.fence
        self._stored_answers = StoredAnswers(ports.log, settings.topic(Topic.RESPONSES))
        kept_answers = make_kept_answers(parts, self._stored_answers)
        self._control = make_control(settings, parts, ports, kept_answers, _forget_transitions(parts.pool))

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Keep while the context is open; then leave, and another process goes on."""
        async with AsyncExitStack() as stack:
            await stack.enter_async_context(self._stored_answers.open())
            await stack.enter_async_context(self._control.running())
            await stack.enter_async_context(
                serving(self._settings.web_port, self._parts.metrics.registry, self._fence.is_open)
            )
            yield

    async def stopped(self, asked: Callable[[], Awaitable[object]]) -> None:
        """Wait until the process is asked to stop, or cannot go on.

        Raises:
            Exception: why it cannot go on.
        """
        waiting = [asyncio.ensure_future(end) for end in (self._control.broken(), asked())]
        await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        for end in waiting:
            if end.done():
                end.result()
            end.cancel()


def _forget_transitions(pool: ModelPool) -> Callable[[], None]:
    """Return what drops the changes of breakers that only follow the workers' own, who announce them."""

    def forget() -> None:
        pool.take_transitions()

    return forget
