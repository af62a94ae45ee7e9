"""Requests that lie in the store of blobs, and answers that go there because no record holds them.

A reference is followed only where the store lets the tenant follow it: where tenants have keys, each has a folder, so
that none can have another one's payloads read to it by a model.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import structlog

from router.dead_letters import EVERYBODY
from schemas.responses import Response
from streams.codec import Delivery, Referenced, Unreadable
from streams.ports import BlobRefusedError, BlobStore, BlobStoreAwayError, Clock
from streams.request.handling import Slot
from streams.request.reader import ParsedRequest, RequestReader

log = structlog.get_logger()

LOOK_AGAIN_S = 1.0
"""The first pause after the store was away, doubled each time."""
MOST_PAUSE_S = 10.0
PUT_TRIES = 4


@dataclass(frozen=True, slots=True)
class References:
    """What a worker reads from the store, and writes to it."""

    store: BlobStore | None
    reader: RequestReader
    room: asyncio.Semaphore
    """For as many payloads as the worker's memory has room for."""
    clock: Clock

    @asynccontextmanager
    async def followed(self, parsed: ParsedRequest, referenced: Referenced, slot: Slot) -> AsyncIterator[ParsedRequest]:
        """Give the request that a record refers to, for as long as there is room for it in memory."""
        slot.leave()
        async with self.room:
            followed = await self._follow(parsed, referenced.reference)
            await slot.take_again()
            yield followed

    async def _follow(self, parsed: ParsedRequest, reference: str) -> ParsedRequest:
        store = self.store
        if store is None:
            return self._not_followed(parsed, "dataref_off", "is not followed: TURNOUT_DATAREF_URL is not set here")
        if parsed.proven is None:
            return self._not_followed(parsed, "dataref_refused", "is not followed: the record proves no tenant")
        try:
            name = store.name_in(reference, None if parsed.proven == EVERYBODY else parsed.proven)
            content = await self._get(store, name, parsed)
        except BlobRefusedError as error:
            return self._not_followed(parsed, "dataref_refused", str(error))
        except BlobStoreAwayError as error:
            return self._not_followed(parsed, "dataref_away", f"is not read: {error}; replay the dead letter")
        return self.reader.opened(parsed, content, self.clock())

    async def _get(self, store: BlobStore, name: str, parsed: ParsedRequest) -> bytes:
        """Return the payload. While the store is away, as long as a request of the record may wait, try again."""
        until_s = parsed.delivery.written_s(parsed.received_s) + self.reader.default_deadline_s
        pause_s = LOOK_AGAIN_S
        while True:
            try:
                return await store.get(name)
            except BlobStoreAwayError as error:
                if self.clock() + pause_s > until_s:
                    raise
                log.warning(
                    "a payload cannot be read: tried again", record=str(parsed.delivery.origin), error=str(error)
                )
            await asyncio.sleep(pause_s)
            pause_s = min(2 * pause_s, MOST_PAUSE_S)

    def _not_followed(self, parsed: ParsedRequest, code: str, why: str) -> ParsedRequest:
        return self.reader.unread(parsed, Unreadable(code, f"dataref: the reference {why}", field="dataref"))


async def kept_apart(store: BlobStore | None, response: Response, delivery: Delivery) -> Response | None:
    """Write a response to the store, and return what is left of it for its topic; None: it could not be written."""
    if store is None:
        return None
    origin = delivery.origin
    name = f"responses/{origin.topic}/{origin.partition}/{origin.offset}.json"
    tenant = response.tenant if response.authenticated else None
    for left in reversed(range(PUT_TRIES)):
        try:
            reference = await store.put(name, response.encode(), tenant)
        except (BlobRefusedError, BlobStoreAwayError) as error:
            log.warning("an answer is too large for its topic and cannot be kept", tries_left=left, error=str(error))
            if left:
                await asyncio.sleep(LOOK_AGAIN_S)
        else:
            return without_content(response).model_copy(update={"dataref": reference})
    return None


def without_content(response: Response) -> Response:
    """Return what of a response is small."""
    return response.model_copy(update={"message": None, "logprobs": None, "other_choices": ()})
