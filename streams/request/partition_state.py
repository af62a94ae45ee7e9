"""What a worker remembers of one partition of the requests topic: enough to answer and to pay once.

Kafka may deliver a request again after a crash or a rebalance, and a producer may publish it again. The responses and
calls partitions of the same number tell what had already happened to it. Each commit carries, as metadata, where those
two ended when the oldest unfinished request was received: nothing that has happened to a request that will be
delivered again lies before that point. What was published again is known for the duplicate horizon. What waits in the
batch lane is known for as long as it waits; where it came back, its calls count as those of a request that will be
delivered again.
"""

import re
from asyncio import Future
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from router.finished_ids import Finished, FinishedIds
from router.identity import Identity, key_of_call
from schemas.costs import CallStarted
from schemas.responses import Attempt, Response
from streams.request.finished_records import FinishedId
from streams.request.waiting_ids import WaitingIds


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


REFUSED_SHARE = 4
"""Of the ids that are remembered, refusals that leave their id free may be this part, beside the others."""


class AnsweredIds:
    """What has been answered of late: requests, and refusals that leave their id free.

    Each has a place of its own. Refusals cost nothing and anybody can have as many as they like, so they push out only
    each other.
    """

    __slots__ = ("_finished", "_refused")

    def __init__(self, horizon_s: float, most: int) -> None:
        self._finished = FinishedIds(horizon_s, most)
        self._refused = FinishedIds(horizon_s, most // REFUSED_SHARE)

    def add(self, identity: Identity, offset: int, now_s: float) -> None:
        """Remember that its response lies at `offset`."""
        self._of(identity).add(identity.key, offset, now_s, identity.asked)

    def put(self, told: FinishedId, now_s: float) -> None:
        """Remember a response that a record of `llm.finished-ids.v1` tells of."""
        kept = self._finished if told.finishes else self._refused
        kept.put(told.digest, told.offset, told.asked, now_s)

    def find(self, identity: Identity) -> Finished | None:
        """Return what is known of its response; None without one."""
        return self._of(identity).find(identity.key)

    def find_finished(self, digest: int) -> Finished | None:
        """Return what is known of the response that finishes the request of a digest; None without one."""
        return self._finished.find_digest(digest)

    def _of(self, identity: Identity) -> FinishedIds:
        return self._finished if identity.finishes else self._refused


class PartitionState:
    """One partition, from its assignment to its revocation."""

    def __init__(self, answered: AnsweredIds, known: Position | None = None, ids_end: int = 0) -> None:
        """Start with the ids of an earlier state of this partition, which knew the topics as far as `known`."""
        self.answered = answered
        self.ids_end = ids_end
        """How far the partition of `llm.finished-ids.v1` was read back."""
        self.waiting = WaitingIds(answered.find_finished)
        self.is_lost = False
        """Whether the partition may be another worker's by now."""
        self._end = known or Position()
        self._recovered_from: Position | None = None
        self._recovered_offset = -1
        self._received_at: dict[int, tuple[Position, float]] = {}
        self._back_at: dict[str, Position] = {}
        self._unsettled: dict[str, Response] = {}
        self._calls: defaultdict[str, dict[int, CallStarted]] = defaultdict(dict)
        """By the request's key and attempt: a record may be on the topic twice, and may be read twice."""
        self._running: dict[str, Future[None]] = {}
        self._shadow_calls: dict[str, CallStarted] = {}
        """By event id: what is known of shadow calls that an earlier worker has made."""

    @property
    def end(self) -> Position:
        """How far this state knows both partitions."""
        return self._end

    def recover_response(self, identity: Identity, response: Response) -> None:
        """Take in a response on the topic whose cost events may be missing.

        Of two to one record the one counts that tells of more calls: it is the heir's, and the other one came over a
        broken link late, from a worker that had lost the partition and tells the price of nothing any more.
        """
        known = self._unsettled.get(identity.key)
        is_of_one = known is not None and known.request_offset == response.request_offset
        if known is None or not is_of_one or len(known.attempts) < len(response.attempts):
            self._unsettled[identity.key] = response
        self._recovered_offset = max(self._recovered_offset, response.request_offset)

    def recover_call(self, call: CallStarted) -> None:
        """Take in a write-ahead record that is on the topic already."""
        if call.purpose is None:
            self._calls[key_of_call(call)][call.attempt] = call
        else:
            self._shadow_calls[call.event_id] = call
            self.came_back(call.event_id)
        self._recovered_offset = max(self._recovered_offset, call.request_offset)

    def recovered(self, start: Position, end: Position) -> None:
        """Note what has been read back; nothing that had happened to a request received so far lies before."""
        self._recovered_from, self._end = start, end
        self._received_at = {offset: (start, written_s) for offset, (_, written_s) in self._received_at.items()}
        self._back_at = dict.fromkeys(self._back_at, start)

    def response_written(self, identity: Identity, offset: int, now_s: float) -> None:
        """Remember an acknowledged response: the request is finished."""
        self.answered.add(identity, offset, now_s)
        self._end = Position(max(self._end.responses, offset + 1), self._end.calls)

    def answered_elsewhere(self, identity: Identity, offset: int, now_s: float) -> None:
        """Remember a response of the batch lane, whoever has written it: the request does not wait any more."""
        self.answered.add(identity, offset, now_s)
        self.waiting.remove(identity)

    def call_written(self, offset: int) -> None:
        """Note an acknowledged write-ahead record."""
        self._end = Position(self._end.responses, max(self._end.calls, offset + 1))

    def received(self, offset: int, written_s: float = 0.0) -> None:
        """Note that the request at `offset`, which was written at `written_s`, has been handed over."""
        self._received_at.setdefault(offset, (self._end, written_s))  # delivered again: its first delivery may go on

    def acknowledged(self, offset: int) -> None:
        """Note that the request at `offset` is finished, and not merely given up."""
        self._received_at.pop(offset, None)

    def take_shadow_calls(self) -> tuple[CallStarted, ...]:
        """Return the shadow calls of earlier workers whose cost events may be missing; once.

        Each is read back again by the next worker until `went_out` with its event id.
        """
        found, self._shadow_calls = tuple(self._shadow_calls.values()), {}
        return found

    def came_back(self, key: str) -> None:
        """Note what no offset stands for, a request that had waited or a shadow; until `went_out` its calls are kept.

        Whoever recovers the partition meanwhile reads them back from here on.
        """
        self._back_at.setdefault(key, self._end)

    def went_out(self, key: str) -> None:
        """Note that it is finished."""
        self._back_at.pop(key, None)

    def checkpoint(self, offset: int) -> Position | None:
        """Return from where on to read back if the requests from `offset` on are delivered again.

        None while that is not known, before the state is recovered: nothing can have been finished either.
        """
        if self._recovered_from is None or offset <= self._recovered_offset:
            return self._recovered_from  # an earlier worker may have been ahead of us
        position = self._received_at[offset][0] if offset in self._received_at else self._end
        first = next(iter(self._back_at.values()), position)
        return Position(min(position.responses, first.responses), min(position.calls, first.calls))

    def oldest_s(self) -> float | None:
        """Return when the request that has been here longest was written, seconds since 1970; None without one."""
        return next((written_s for _, written_s in self._received_at.values()), None)

    def running(self, key: str) -> Future[None] | None:
        """Return the end of another delivery of this request that is under way."""
        return self._running.get(key)

    def start(self, key: str, end: Future[None]) -> tuple[CallStarted, ...]:
        """Start a request and return the calls that workers before have made for it."""
        self._running[key] = end
        return tuple(call for _, call in sorted(self._calls.pop(key, {}).items()))

    def stop(self, key: str) -> None:
        """End a request: finished, or given up."""
        end = self._running.pop(key)
        if not end.done():
            end.set_result(None)

    def unsettled(self, key: str) -> tuple[Sequence[CallStarted], Sequence[Attempt]]:
        """Return the calls and attempts of a finished request whose cost events may be missing; once."""
        response = self._unsettled.pop(key, None)
        return tuple(self._calls.pop(key, {}).values()), () if response is None else response.attempts
