"""Says that a request is answered where the last word about it is that it waits.

A worker that is cut off from the broker may write late that a request waits: its Kafka client tries for seconds, and
the request's next owner, which knows nothing of it or has gone on from there, has brought the request to its end
meanwhile. The owner of the partition compares the record with the response that it knows, and writes over it. Else the
request would wait for ever in the eyes of all that read the topic, and of every later owner, once the id is forgotten.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import structlog

from router.identity import identity_of_response
from router.job import Origin
from schemas.responses import Response
from schemas.vocabulary import WaitingState
from schemas.waiting import Waiting
from streams.batch_requests import identity_of_waiting
from streams.ports import Fence
from streams.publisher import Publisher
from streams.request.hand_over import waits_no_more
from streams.request.partition_state import PartitionState

log = structlog.get_logger()

READ_S = 5.0
"""How long the two records may take that are read of one request."""

Stored = Callable[[int, int], Awaitable[bytes | None]]
"""Reads the record at (partition, offset) of one topic, if it is still there."""


@dataclass(frozen=True, slots=True)
class OvertakenRequests:
    """Those of one worker's partitions."""

    stored_waiting: Stored
    stored_response: Stored
    publisher: Publisher
    fence: Fence

    async def tell(self, partition: int, state: PartitionState) -> None:
        """Write of each that it is answered, if it is.

        Raises:
            KafkaError: it could not be read or written; done again, that is found again.
            TimeoutError: the same.
        """
        for digest, finished in list(state.waiting.overtaken.items()):
            if not self._may_write(state):
                return  # whoever has the partition then finds the same
            offset = state.waiting.waiting_offset(digest)
            told = None if offset is None else await self._answered(partition, offset, finished.offset)
            if told is not None:
                identity = identity_of_waiting(told)
                if state.running(identity.key) is not None:
                    continue  # its cost events come before
                if not self._may_write(state):
                    return
                await self.publisher.waiting_once(told)
                state.waiting.remove(identity)
                log.info("waits no more: it was answered before that was written", request_id=told.request_id)
            state.waiting.overtaken.pop(digest, None)

    def _may_write(self, state: PartitionState) -> bool:
        return self.fence.is_open() and not state.is_lost

    async def _answered(self, partition: int, offset: int, response_offset: int) -> Waiting | None:
        """Return what is to be written of one that waits; None: it has no answer, or the records are gone."""
        async with asyncio.timeout(READ_S):
            waiting = await self.stored_waiting(partition, offset)
            response = await self.stored_response(partition, response_offset)
        if waiting is None or response is None:
            return None
        try:
            return _compared(Waiting.decode(waiting), Response.decode(response), response_offset)
        except ValueError as error:
            log.warning("a record of the batch lane cannot be read back", partition=partition, error=str(error))
            return None


def _compared(waiting: Waiting, response: Response, offset: int) -> Waiting | None:
    """Return what is to be written; None: the response is of another request under the same id, or it came back."""
    if waiting.state is not WaitingState.WAITING:
        return None
    identity = identity_of_waiting(waiting)
    origin = Origin(waiting.request_topic, waiting.request_partition, waiting.request_offset)
    if identity_of_response(vars(response)).key != identity.key or response.request_offset != origin.offset:
        return None
    return waits_no_more(identity, origin, offset)
