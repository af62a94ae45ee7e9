"""The answers that may be used again: found where the index says that they lie, and put there for all workers.

Nothing here can fail a request: an index that is behind, a record that is gone or another one than expected, a broker
that does not answer in time mean that there is no answer.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import structlog
from aiokafka.errors import KafkaError
from pydantic import ValidationError

from router.caching.answers import Wish, is_fresh, may_be_kept, saved_usd
from router.caching.index import CacheIndex, Place
from router.caching.key import key_of_response
from router.caching.results import CacheResult
from router.catalogue import Catalogue
from router.tenants import Tenant
from schemas.caching import CacheEntry, KeptAnswer
from schemas.responses import Response
from streams.ports import Clock
from streams.publisher import Publisher

log = structlog.get_logger()

READ_S = 5.0
"""How long a hit waits for its record, the reads before it included; then a model is asked. Generous, as a broker that
is slow to read from holds up the response of a model as well."""


@dataclass(frozen=True, slots=True)
class KeptAnswers:
    """What all requests of a worker share."""

    index: CacheIndex
    stored: Callable[[int, int], Awaitable[bytes | None]]
    """Reads the record at (partition, offset) of the responses topic, if it is still there; may raise KafkaError."""
    publisher: Publisher
    catalogue: Catalogue
    looked_up: Callable[[CacheResult], None]
    """Is told what each look has brought."""
    clock: Clock

    async def find(self, key: str, tenant: Tenant | None, wish: Wish) -> Response | None:
        """Return the earlier answer to a question, if there is one that this tenant's request may have; counted."""
        stored, result = await self.look(key, tenant, wish)
        if result is not None:
            self.looked_up(result)
        return stored

    async def look(self, key: str, tenant: Tenant | None, wish: Wish) -> tuple[Response | None, CacheResult | None]:
        """Return the same, and how it was found; it is not counted."""
        place = self.index.find(key, self.clock())
        if place is None:
            return None, None
        body = self.index.bodies.get(place)
        result = CacheResult.MEMORY if body is not None else CacheResult.READ
        if body is None:
            body = await self._read(place)
        if body is None or (stored := _decoded(body)) is None or key_of_response(stored) != key:
            self.index.drop(key)
            return None, CacheResult.GONE
        if not self.is_for(stored, tenant, wish):
            return None, None
        self.index.bodies.put(place, body)
        return stored, result

    def is_for(self, stored: Response, tenant: Tenant | None, wish: Wish) -> bool:
        """Say whether a request may have the answer: fresh enough, of a kind it takes, by a model it may use."""
        model = stored.request_model
        if model is None or model not in self.catalogue.models:
            return False
        if tenant is not None and not tenant.may_use(model):
            return False
        return may_be_kept(stored, wish) and is_fresh(stored, wish, self.clock())

    async def keep(self, key: str, response: Response, offset: int, wish: Wish, followed: int) -> bool:
        """Put an answer into the index, for all workers, if it is not to be forgotten; say whether it is there.

        That it could not be is no reason to hold up its request.

        Args:
            key: the question's.
            response: the answer, as it lies on the responses topic.
            offset: where it lies.
            wish: how long it may be used.
            followed: how far the index was followed when it was asked for.
        """
        if self.index.is_forgotten(key, response.tenant, followed):
            return False
        body = response.encode()
        place = Place(response.request_partition, offset)
        stored_s = response.completed_at.timestamp()
        entry = CacheEntry(
            tenant=response.tenant,
            as_of=response.completed_at,
            answer=KeptAnswer(
                partition=place.partition,
                offset=place.offset,
                expires_at_ms=int((stored_s + wish.ttl_s) * 1000),
                saved_usd=saved_usd(response.attempts),
                origin_request_id=response.request_id,
                answer_bytes=len(body),
                followed=followed,
            ),
        )
        self.index.bodies.put(place, body)
        try:
            at = await self.publisher.cache_entry(key, entry)
        except KafkaError as error:
            log.warning("an answer is not in the cache", request_id=response.request_id, error=str(error))
            return False
        if at >= self.index.followed:  # else it has been read already, and whatever was forgotten since
            self.index.learn(key, response.tenant, place, stored_s + wish.ttl_s, followed)
        return True

    async def _read(self, place: Place) -> bytes | None:
        try:
            async with asyncio.timeout(READ_S):
                return await self.stored(*place)
        except (KafkaError, TimeoutError) as error:
            log.info("an answer cannot be read back, a model is asked", place=place, error=str(error))
            return None


def _decoded(body: bytes) -> Response | None:
    try:
        return Response.decode(body)
    except (ValueError, ValidationError):
        return None
