"""What a worker remembers of one partition of the requests topic: enough to answer and to pay once.

Kafka may deliver a request again after a crash or a rebalance. The responses and calls partitions of the same number
tell what had already happened to it. Each commit carries, as metadata, where those two ended when the oldest unfinished
request was received: nothing that has happened to a request that will be delivered again lies before that point.
"""

import re
from asyncio import Future
from collections import OrderedDict, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from schemas.costs import CallStarted
from schemas.responses import Attempt, Response

REMEMBERED = 50_000
"""So many finished request ids are kept a partition, about 150 bytes each."""


@dataclass(frozen=True, slots=True)
class Position:
    """How far the responses and calls partitions reach: the offsets of their next records."""

    responses: int = 0
    calls: int = 0

    def __str__(self) -> str:
        return f"responses={self.responses};calls={self.calls}"

    @classmethod
    def parse(cls, metadata: str) -> "Position":
        """Read a commit's metadata; what is not ours reads as the beginning, which is always safe."""
        match = re.fullmatch(r"responses=(\d+);calls=(\d+)", metadata)
        return cls(int(match[1]), int(match[2])) if match else cls()


class Lane:
    """One partition, from its assignment to its revocation."""

    def __init__(self) -> None:
        self._end = Position()
        self._recovered_from = Position()
        self._recovered_offset = -1
        self._received_at: dict[int, Position] = {}
        self._finished: OrderedDict[str, Sequence[Attempt] | None] = OrderedDict()
        self._calls: defaultdict[str, list[CallStarted]] = defaultdict(list)
        self._running: dict[str, Future[None]] = {}

    def recover_response(self, response: Response) -> None:
        """Take in a response that is on the topic already."""
        self._finished[response.request_id] = response.attempts
        self._recovered_offset = max(self._recovered_offset, response.request_offset)

    def recover_call(self, call: CallStarted) -> None:
        """Take in a write-ahead record that is on the topic already."""
        self._calls[call.request_id].append(call)
        self._recovered_offset = max(self._recovered_offset, call.request_offset)

    def recovered(self, start: Position, end: Position) -> None:
        """Take note of what has been read back."""
        self._recovered_from, self._end = start, end

    def response_written(self, offset: int) -> None:
        """Take note of an acknowledged response."""
        self._end = Position(max(self._end.responses, offset + 1), self._end.calls)

    def call_written(self, offset: int) -> None:
        """Take note of an acknowledged write-ahead record."""
        self._end = Position(self._end.responses, max(self._end.calls, offset + 1))

    def received(self, offset: int) -> None:
        """Take note that the request at `offset` starts now."""
        self._received_at[offset] = self._end

    def released(self, offset: int) -> None:
        """Take note that the request at `offset` is over."""
        self._received_at.pop(offset, None)

    def checkpoint(self, offset: int) -> Position:
        """Return from where on to read back if the requests from `offset` on are delivered again."""
        if offset <= self._recovered_offset:  # an earlier worker may have been ahead of us
            return self._recovered_from
        return self._received_at.get(offset, self._end)

    def running(self, request_id: str) -> Future[None] | None:
        """Return the end of another delivery of this request that is under way."""
        return self._running.get(request_id)

    def start(self, request_id: str, end: Future[None]) -> tuple[CallStarted, ...]:
        """Start a request and return the calls that a crash cut off."""
        self._running[request_id] = end
        return tuple(sorted(self._calls.pop(request_id, ()), key=lambda call: call.attempt))

    def stop(self, request_id: str, *, finished: bool) -> None:
        """End a request: with its response on the topic, or given up."""
        end = self._running.pop(request_id)
        if finished:
            self._finished[request_id] = None
            while len(self._finished) > REMEMBERED:
                self._finished.popitem(last=False)
        if not end.done():
            end.set_result(None)

    def is_finished(self, request_id: str) -> bool:
        """Say whether the response is on the topic."""
        return request_id in self._finished

    def unsettled(self, request_id: str) -> tuple[Sequence[CallStarted], Sequence[Attempt]]:
        """Return the calls and attempts of a finished request whose cost events may be missing; once."""
        attempts, self._finished[request_id] = self._finished[request_id], None
        return self._calls.pop(request_id, ()), attempts or ()
