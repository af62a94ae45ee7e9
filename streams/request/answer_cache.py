"""The exact response cache of one worker: finds an answer that was given before, or the one that is on its way.

A request that wants the cache has a `CacheTurn` around its work. Its `hit` is the response that is made of an earlier
answer; without one the request is answered by a model, and then its turn is told what was written. Nothing here can
fail a request: an index that is behind, a record that is gone or another one than expected, a broker that does not
answer in time are misses.
"""

import asyncio
from asyncio import Future
from dataclasses import dataclass
from types import TracebackType
from typing import Self

import structlog
from aiokafka.errors import KafkaError
from pydantic import ValidationError

from router.caching.answers import Wish, answer_again, is_fresh, may_be_kept, saved_usd, wish_of
from router.caching.flights import Landing, waits_until_s
from router.caching.index import CacheIndex, Place
from router.caching.key import key_of_job, key_of_response
from router.catalogue import Catalogue
from router.job import Job
from router.request.session import Finish
from schemas.caching import CacheEntry, KeptAnswer
from schemas.responses import Response
from schemas.vocabulary import Status
from streams.ops.metrics import CacheResult, Metrics
from streams.ports import Clock
from streams.publisher import Publisher
from streams.request.handling import Slot
from streams.request.outcomes import Written
from streams.request.stored_answers import StoredAnswers

log = structlog.get_logger()

READ_S = 5.0
"""How long a hit waits for its record, the reads before it included; then a model is asked. Generous, as a broker that
is slow to read from holds up the response of a model as well."""


_Flight = Future[Response | Landing]


@dataclass(frozen=True, slots=True)
class AnswerCache:
    """What all requests of a worker share."""

    index: CacheIndex
    stored: StoredAnswers
    publisher: Publisher
    catalogue: Catalogue
    metrics: Metrics
    clock: Clock
    flights: dict[str, _Flight]

    def turn(self, job: Job, *, begun: bool) -> "CacheTurn":
        """Return the turn of a request; one that has begun, at a worker before, goes on with its own calls."""
        wish = None if begun else wish_of(job)
        return CacheTurn(self, job, wish, None if wish is None else key_of_job(job, self.catalogue))

    async def find(self, key: str, job: Job, wish: Wish) -> Response | None:
        """Return the earlier answer to a question, if there is one that this request may have."""
        place = self.index.find(key, self.clock())
        if place is None:
            return None
        body = self.index.bodies.get(place)
        result = CacheResult.MEMORY if body is not None else CacheResult.READ
        if body is None:
            body = await self._read(place)
        if body is None or (stored := _decoded(body)) is None or key_of_response(stored) != key:
            self.index.drop(key)
            self.metrics.looked_up(CacheResult.GONE)
            return None
        if not self.is_for(stored, job, wish):
            return None
        self.index.bodies.put(place, body)
        self.metrics.looked_up(result)
        return stored

    def is_for(self, stored: Response, job: Job, wish: Wish) -> bool:
        """Say whether this request may have the answer: fresh enough, of a kind it takes, by a model it may use."""
        model = stored.request_model
        if model is None or model not in self.catalogue.models:
            return False
        if job.tenant is not None and not job.tenant.may_use(model):
            return False
        return may_be_kept(stored, wish) and is_fresh(stored, wish, self.clock())

    async def keep(self, key: str, written: Written, wish: Wish) -> None:
        """Put an answer into the index, for all workers; that it could not be is no reason to hold its request."""
        response, body = written.response, written.response.encode()
        place = Place(response.request_partition, written.offset)
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
            ),
        )
        self.index.bodies.put(place, body)
        try:
            offset = await self.publisher.cache_entry(key, entry)
        except KafkaError as error:
            log.warning("an answer is not in the cache", request_id=response.request_id, error=str(error))
            return
        if offset >= self.index.followed:  # else it has been read already, and whatever was forgotten since
            self.index.learn(key, response.tenant, place, stored_s + wish.ttl_s)

    async def _read(self, place: Place) -> bytes | None:
        try:
            async with asyncio.timeout(READ_S):
                return await self.stored.at(*place)
        except (KafkaError, TimeoutError) as error:
            log.info("an answer cannot be read back, a model is asked", place=place, error=str(error))
            return None


class CacheTurn:
    """One request's way past the cache. To be left, whatever becomes of it."""

    __slots__ = ("_cache", "_flight", "_forgotten", "_job", "_key", "_wish")

    def __init__(self, cache: AnswerCache, job: Job, wish: Wish | None, key: str | None) -> None:
        self._cache = cache
        self._job = job
        self._wish = wish
        self._key = key
        self._flight: _Flight | None = None
        """Others wait for it, if this request leads."""
        self._forgotten = cache.index.forgotten

    def __enter__(self) -> Self:
        """Begin."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End: if others still wait, there is no answer for them."""
        self._land(Landing.FAILED)

    async def hit(self, slot: Slot) -> Finish | None:
        """Return the end of the request by an earlier answer, or None: a model is to be asked.

        Waits for one that asks the same just now (`router.caching.flights`), without the slot.
        """
        cache, job, key, wish = self._cache, self._job, self._key, self._wish
        if key is None or wish is None or cache.clock() >= job.deadline_s:
            return None
        if (stored := await cache.find(key, job, wish)) is not None:
            return self._end(stored)
        until_s = waits_until_s(cache.clock(), job.deadline_s)
        while (flight := cache.flights.get(key)) is not None:
            slot.leave()
            landed = await self._landed(flight, until_s)
            if isinstance(landed, Response) and cache.is_for(landed, job, wish):
                cache.metrics.looked_up(CacheResult.SHARED)
                return self._end(landed)
            await slot.take_again()
            if landed is not Landing.FAILED:
                break
        else:
            self._flight = cache.flights[key] = asyncio.get_running_loop().create_future()
        cache.metrics.looked_up(CacheResult.MISS)
        return None

    async def written(self, written: Written) -> None:
        """Take in what was written for the request: others that wait have it, and those to come."""
        wish, key = self._wish, self._key
        if key is None or wish is None or written.response.cached:
            return
        response = written.response
        if not may_be_kept(response, wish):
            self._land(Landing.NOT_KEPT if response.status is Status.COMPLETED else Landing.FAILED)
            return
        self._land(response)
        if self._cache.index.forgotten == self._forgotten:  # else what it is from was to be forgotten
            await self._cache.keep(key, written, wish)

    def _land(self, landed: Response | Landing) -> None:
        flight, self._flight = self._flight, None
        if flight is None or self._key is None:
            return
        del self._cache.flights[self._key]
        flight.set_result(landed)

    async def _landed(self, flight: _Flight, until_s: float) -> Response | Landing | None:
        """Wait for the leader; None if it takes too long."""
        done, _ = await asyncio.wait([flight], timeout=max(0.0, until_s - self._cache.clock()))
        return flight.result() if done else None

    def _end(self, stored: Response) -> Finish:
        return Finish(answer_again(stored, self._job, self._cache.clock()), ())


def _decoded(body: bytes) -> Response | None:
    try:
        return Response.decode(body)
    except (ValueError, ValidationError):
        return None
