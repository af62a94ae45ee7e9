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

from router.caching.answers import Asker, Wish, answer_again, may_be_kept, wish_of
from router.caching.flights import Landing, waits_until_s
from router.caching.key import key_of_job
from router.caching.results import CacheResult
from router.job import Job
from router.request.session import Finish
from schemas.responses import Response
from schemas.vocabulary import Status
from streams.control.kept_answers import KeptAnswers
from streams.request.handling import Slot
from streams.request.outcomes import Written

_Flight = Future[Response | Landing]


@dataclass(frozen=True, slots=True)
class AnswerCache:
    """What all requests of a worker share."""

    kept: KeptAnswers
    flights: dict[str, _Flight]

    def turn(self, job: Job, *, begun: bool) -> "CacheTurn":
        """Return the turn of a request; one that has begun, at a worker before, goes on with its own calls."""
        wish = None if begun else wish_of(job)
        return CacheTurn(self, job, wish, None if wish is None else key_of_job(job, self.kept.catalogue))


class CacheTurn:
    """One request's way past the cache. To be left, whatever becomes of it."""

    __slots__ = ("_cache", "_flight", "_job", "_key", "_wish", "followed")

    def __init__(self, cache: AnswerCache, job: Job, wish: Wish | None, key: str | None) -> None:
        self._cache = cache
        self._job = job
        self._wish = wish
        self._key = key
        self._flight: _Flight | None = None
        """Others wait for it, if this request leads."""
        self.followed = cache.kept.index.followed
        """How far the index was followed when it was decided to ask a model."""

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
        kept, flights, job, key, wish = self._cache.kept, self._cache.flights, self._job, self._key, self._wish
        if key is None or wish is None or kept.clock() >= job.deadline_s:
            return None
        if (stored := await kept.find(key, job.tenant, wish)) is not None:
            return self._end(stored)
        until_s = waits_until_s(kept.clock(), job.deadline_s)
        while (flight := flights.get(key)) is not None:
            slot.leave()
            landed = await self._landed(flight, until_s)
            if isinstance(landed, Response) and kept.is_for(landed, job.tenant, wish):
                kept.looked_up(CacheResult.SHARED)
                return self._end(landed)
            await slot.take_again()
            if landed is not Landing.FAILED:
                break
        else:
            self._flight = flights[key] = asyncio.get_running_loop().create_future()
        kept.looked_up(CacheResult.MISS)
        self.followed = kept.index.followed
        return None

    async def written(self, written: Written) -> None:
        """Take in what was written for the request: others that wait have it, and those to come."""
        wish, key, kept, response = self._wish, self._key, self._cache.kept, written.response
        if key is None or wish is None or response.cached:
            return
        if not may_be_kept(response, wish):
            self._land(Landing.NOT_KEPT if response.status is Status.COMPLETED else Landing.FAILED)
        elif kept.index.is_forgotten(key, response.tenant, self.followed):
            self._land(Landing.FAILED)  # who asks from now on is to be answered anew
        else:
            self._land(response)
            await kept.keep(key, response, written.offset, wish, self.followed)

    def _land(self, landed: Response | Landing) -> None:
        flight, self._flight = self._flight, None
        if flight is None or self._key is None:
            return
        del self._cache.flights[self._key]
        flight.set_result(landed)

    async def _landed(self, flight: _Flight, until_s: float) -> Response | Landing | None:
        """Wait for the leader; None if it takes too long."""
        done, _ = await asyncio.wait([flight], timeout=max(0.0, until_s - self._cache.kept.clock()))
        return flight.result() if done else None

    def _end(self, stored: Response) -> Finish:
        return Finish(answer_again(stored, Asker.of(self._job), self._cache.kept.clock()), ())
