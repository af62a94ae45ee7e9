"""Which answers may be used again, for whom, and the response that is made of one."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal

from router.identity import Identity
from router.job import Job, Origin
from router.quality.answer_checks import doubts_of
from schemas.caching import CacheWish
from schemas.responses import AnswerMessage, Attempt, Response
from schemas.vocabulary import AttemptOutcome, CascadeVerdict, Lane, SchemaResult, Status
from schemas.waiting import Waiting

WHOLE = frozenset({"stop", "end_turn", "stop_sequence", "eos"})
"""Finish reasons of an answer that has come to its own end: OpenAI's, Anthropic's, and that of older servers."""
TOOL_CALLS = frozenset({"tool_calls", "function_call", "tool_use"})


@dataclass(frozen=True, slots=True)
class Wish:
    """How the cache is to be used for one request."""

    ttl_s: int
    tool_calls: bool = False


@dataclass(frozen=True, slots=True)
class Asker:
    """Of a request that an earlier answer is given to: what its response has of its own. Seconds are since 1970."""

    identity: Identity
    origin: Origin
    received_s: float
    metadata: Mapping[str, str | int | float | bool]
    batch_id: str | None = None
    """The provider's id of the batch in which it waited for the answer."""

    @classmethod
    def of(cls, job: Job) -> "Asker":
        """Return that of a request that is being served."""
        return cls(job.identity, job.origin, job.received_s, job.request.metadata)


def wish_of(job: Job) -> Wish | None:
    """Return the request's wish, else its tenant's; None if the cache is not to be used for it."""
    own: CacheWish | None = job.request.cache
    if own is not None:
        return Wish(own.ttl_s, own.tool_calls) if own.ttl_s else None
    if job.tenant is not None and job.tenant.cache_ttl_s is not None:
        return Wish(job.tenant.cache_ttl_s)
    return None


def wish_of_waiting(waiting: Waiting) -> Wish | None:
    """Return how the cache is to be used for a request that waits for a batch; None: not at all."""
    return None if waiting.cache is None else Wish(waiting.cache.ttl_s, waiting.cache.tool_calls)


def may_be_kept(response: Response, wish: Wish) -> bool:
    """Say whether an answer may answer the same question again: it is whole, was not doubted, and is no action.

    Never one that failed, that a check was against, or that stands in a blob store, nor one that is visibly wrong
    (`router.quality.answer_checks`). One that calls tools only if that is wished: what a tool is to do once is not to
    be done again.
    """
    message = response.message
    if message is None or not _is_sound(response):
        return False
    if message.embeddings:
        return True
    finish_reason = (response.finish_reason or "").lower()
    if message.tool_calls or message.function_call:
        return wish.tool_calls and finish_reason in WHOLE | TOOL_CALLS
    return finish_reason in WHOLE


def _is_sound(response: Response) -> bool:
    """Say whether nothing stands against it: no error, no flaw, no check."""
    schema, cascade, message = response.schema_check, response.cascade, response.message
    return (
        response.status is Status.COMPLETED
        and response.error is None
        and (schema is None or schema.result is SchemaResult.PASSED)
        and (cascade is None or cascade.verdict is not CascadeVerdict.KEPT)
        and response.finishes_id
        and response.dataref is None
        and not response.cached
        and (message is None or message.embeddings is not None or _is_flawless(response, message))
    )


def _is_flawless(response: Response, message: AnswerMessage) -> bool:
    return next(doubts_of(message, response.finish_reason, response.schema_check, response.task), None) is None


def saved_usd(attempts: Iterable[Attempt]) -> Decimal | None:
    """Return what an answer is worth that need not be paid again: its calls that succeeded, checks of it included.

    Calls that failed might not have failed again. None: a price is not known.
    """
    costs = [attempt.cost_usd for attempt in attempts if attempt.outcome is AttemptOutcome.SUCCEEDED]
    return None if None in costs else sum((cost for cost in costs if cost is not None), Decimal(0))


def is_fresh(stored: Response, wish: Wish, now_s: float) -> bool:
    """Say whether an answer is as young as this request wants it."""
    return now_s - stored.completed_at.timestamp() < wish.ttl_s


def answer_again(stored: Response, asker: Asker, now_s: float) -> Response:
    """Return the response to a request whose question was answered before: everything that is its own, is its own."""
    identity, origin = asker.identity, asker.origin
    return stored.model_copy(
        update={
            "request_id": identity.request_id,
            "lane": None if asker.batch_id is None else Lane.BATCH,
            "batch_id": asker.batch_id,
            "route_reason": f"{stored.route_reason}; answered before, from the cache",
            "cascade": None,
            "usage": None,
            "cost_usd": Decimal(0),
            "cached": True,
            "saved_usd": saved_usd(stored.attempts),
            "origin_request_id": stored.request_id,
            "attempts": (),
            "skipped": (),
            "metadata": dict(asker.metadata),
            "received_at": datetime.fromtimestamp(asker.received_s, UTC),
            "completed_at": datetime.fromtimestamp(now_s, UTC),
            "latency_ms": round((now_s - asker.received_s) * 1000),
            "request_topic": origin.topic,
            "request_partition": origin.partition,
            "request_offset": origin.offset,
            "authenticated": identity.authenticated,
            "id_source": identity.source,
            "asked_sha256": identity.asked,
            "finishes_id": identity.finishes,
        }
    )
