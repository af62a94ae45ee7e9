"""Keeps a worker from speaking for partitions that may be another worker's by now.

A process that was stopped, or cut off from the broker, for longer than the session timeout wakes up with requests in
flight that another worker has been given meanwhile. Its last heartbeat that the coordinator answered says how long its
ownership is certain: the session cannot end before a session timeout has passed since that heartbeat was *sent*. After
that nothing is written ahead, called for or answered until a heartbeat is answered again, or the rebalance takes the
requests away.
"""

import asyncio
from collections.abc import Awaitable, Callable

import structlog

log = structlog.get_logger()

OPEN_SHARE = 0.8
"""Of the session timeout; the rest is for the write to reach the broker."""
FENCE_LOOK_S = 0.05


class HeartbeatFence:
    """Open while ownership is certain. Written by the consumer's thread, read in the event loop."""

    __slots__ = ("_clock", "_open_for_s", "_renewed_s", "_said")

    def __init__(self, session_timeout_s: float, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._open_for_s = session_timeout_s * OPEN_SHARE
        self._renewed_s = float("-inf")
        self._said = False

    def renew(self, sent_s: float) -> None:
        """Note an answered heartbeat that was sent at `sent_s`."""
        self._renewed_s = sent_s

    def is_open(self) -> bool:
        """Say whether the partitions are certainly still this worker's."""
        return self._clock() < self._renewed_s + self._open_for_s

    async def passed(self, unless: Callable[[], bool] = lambda: False) -> None:
        """Wait until it is open, or there is nothing to wait for. Who is cancelled here has lost the partition."""
        if self.is_open():
            return
        if not self._said:  # hundreds of requests may wait here
            self._said = True
            log.warning("ownership is uncertain: nothing is written until the group's coordinator answers")
        while not (self.is_open() or unless()):  # noqa: ASYNC110  # the consumer's thread sets it
            await asyncio.sleep(FENCE_LOOK_S)
        self._said = False


class WatchedHeartbeat:
    """Asks the coordinator whether the member is still one, and renews the fence by the moment of asking."""

    __slots__ = ("_beat", "_clock", "_fence")

    def __init__(self, beat: Callable[[], Awaitable[bool]], fence: HeartbeatFence, clock: Callable[[], float]) -> None:
        """Take the client's own heartbeat, which says whether it was answered well."""
        self._beat = beat
        self._fence = fence
        self._clock = clock

    async def __call__(self) -> bool:
        """Beat once.

        Raises:
            KafkaError: the coordinator refuses for ever.
        """
        sent_s = self._clock()
        is_member = await self._beat()
        if is_member:
            self._fence.renew(sent_s)
        return is_member
