"""Publishes messages and returns when the broker has acknowledged them.

A send that fails for the broker's sake is tried again for ever: the offset of its request cannot pass meanwhile, and
the pump stops taking more. What the topic can never take (`MessageSizeTooLargeError`) is raised to the caller.
"""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from itertools import count

import orjson
import stamina
from aiokafka.errors import KafkaError, MessageSizeTooLargeError
from pydantic import SecretStr

from router.identity import Identity
from router.models.model_state import Transition
from schemas.batch_lanes import BatchLane
from schemas.budgets import Budget, BudgetClaim, BudgetReservation
from schemas.caching import CacheEntry
from schemas.costs import CallStarted, CostEvent
from schemas.dead_letters import DeadLetter
from schemas.failovers import Failover, FailoverKind
from schemas.health import HealthStatus, ModelHealth, ModelStats
from schemas.message import Message, utc_from_ms
from schemas.quality import ModelQuality, QualityCounts
from schemas.responses import Response
from schemas.shadow_answers import ShadowAnswer
from schemas.tenant_shares import TenantShares, WorkerDemand
from schemas.topics import Topic
from schemas.vocabulary import Form
from schemas.waiting import Waiting
from streams.batch_requests import batch_record, identity_of_waiting
from streams.codec import DATAREF_HEADER, KEY_HEADER, Delivery, Headers, event_headers
from streams.ports import Clock, LogWriter, Record, Trace

HOLDER = "turnout-holder"
"""On a cost event: whose grant of the tenant's budget the call was reserved from."""

ONE = 0
"""The partition of topics that need one: of more, it is the only one that is read."""
PROBE = "Reply with OK."
PROBE_TENANT = "turnout-probe"
BeforeRetry = Callable[[], Awaitable[None]]


class Publisher:
    """The one way out to Kafka. Every method returns the offset of the acknowledged record."""

    def __init__(
        self,
        log: LogWriter,
        topic_name: Callable[[Topic], str],
        worker: str,
        clock: Clock,
        probe_key: SecretStr | None = None,
    ) -> None:
        """Take what to send by, how topics are called, this worker's name, and the key of who pays for probes."""
        self._log = log
        self._clock = clock
        self._probe_key = probe_key
        self._names = {topic: topic_name(topic) for topic in Topic}
        self._worker = worker
        self._started = int(clock())
        self._refused = 0
        self._failovers = count(1)

    @property
    def is_refused(self) -> bool:
        """Whether something is being sent again and again because the brokers do not take it."""
        return self._refused > 0

    async def probe(self, model: str, now_s: float) -> int:
        """Ask an idle model something small, by an ordinary request: written ahead, limited and billed as any."""
        request_id = f"probe:{model}:{int(now_s)}"
        request: dict[str, object] = {"request_id": request_id, "model": model, "prompt": PROBE, "max_tokens": 1}
        headers: Headers = []
        if self._probe_key is None:
            request["tenant"] = PROBE_TENANT
        else:  # whose key it is, is who pays
            headers = [(KEY_HEADER, f"Bearer {self._probe_key.get_secret_value()}".encode())]
        value = orjson.dumps(request)
        return await self._send(Record(self._names[Topic.REQUESTS], value, request_id.encode(), headers))

    async def call_started(self, call: CallStarted, delivery: Delivery, trace: Trace) -> int:
        """Write a call ahead, into the partition of its request's number."""
        headers = event_headers(call, call.event_id, call.request_id, call.occurred_at, trace)
        topic, partition = self._names[Topic.CALLS], delivery.origin.partition
        return await self._send(Record(topic, call.encode(), delivery.answer_key, headers, partition))

    async def response(self, response: Response, delivery: Delivery, trace: Trace, before_retry: BeforeRetry) -> int:
        """Publish the answer, into the partition of its request's number.

        Args:
            response: the answer.
            delivery: the request's record.
            trace: its trace context.
            before_retry: is awaited before it is sent again; what it raises ends this.

        Raises:
            MessageSizeTooLargeError: the topic does not take so large a record.
        """
        record = self._answer(self._names[Topic.RESPONSES], response, delivery, trace, delivery.origin.partition)
        return await self._send(record, before_retry)

    async def reply(self, topic: str, response: Response, delivery: Delivery, trace: Trace) -> int:
        """Publish a copy of the answer to the topic that the request asked for.

        Raises:
            KafkaError: it could not be published; the answer itself is on its own topic.
        """
        return await self._log.send(self._answer(topic, response, delivery, trace, None))

    async def cost(self, event: CostEvent, trace: Trace, holder: str | None = None) -> int:
        """Publish a cost event, keyed by its tenant, with the holder of the grant that it draws on."""
        headers = event_headers(event, event.event_id, event.request_id, event.occurred_at, trace)
        if holder is not None:
            headers.append((HOLDER, holder.encode()))
        return await self._send(Record(self._names[Topic.COSTS], event.encode(), event.tenant.encode(), headers))

    async def shadow_answer(self, answer: ShadowAnswer, delivery: Delivery, trace: Trace) -> int:
        """Publish what another model says to a request that has its answer, under the request's key.

        Raises:
            MessageSizeTooLargeError: the topic does not take so large a record.
        """
        event_id = f"{answer.tenant}:{answer.request_id}:shadow"
        headers = event_headers(answer, event_id, answer.request_id, answer.completed_at, trace)
        topic = self._names[Topic.SHADOW_ANSWERS]
        return await self._send(Record(topic, answer.encode(), delivery.answer_key, headers))

    async def waiting(self, waiting: Waiting, before_retry: BeforeRetry | None = None) -> int:
        """Write how a request of the batch lane stands, into the partition of its number.

        Args:
            waiting: how it stands.
            before_retry: is awaited before it is sent again; what it raises ends this.
        """
        return await self._send(self._how_it_stands(waiting), before_retry)

    async def waiting_once(self, waiting: Waiting) -> int:
        """Write the same, and do not try it again.

        Raises:
            KafkaError: it is not known whether that was written.
        """
        return await self._log.send(self._how_it_stands(waiting))

    async def waits_no_more(self, identity: Identity, partition: int) -> int:
        """Delete what was written of a request that does not wait after all."""
        key = identity.digest.hex().encode()
        return await self._send(Record(self._names[Topic.WAITING], None, key, [], partition))

    async def batch_request(self, waiting: Waiting, delivery: Delivery) -> int:
        """Hand a request over to whoever collects what goes into one batch.

        Raises:
            MessageSizeTooLargeError: the topic does not take so large a record.
        """
        return await self._send(batch_record(self._names[Topic.BATCH_REQUESTS], waiting, delivery))

    async def budget_reservation(self, reservation: BudgetReservation, holder: str | None = None) -> int:
        """Write what a tenant's budget holds for a request, with the holder of the grant that it draws on, or frees."""
        headers: Headers = [] if holder is None else [(HOLDER, holder.encode())]
        topic, key = self._names[Topic.BUDGET_RESERVATIONS], reservation.tenant.encode()
        return await self._send(Record(topic, reservation.encode(), key, headers, ONE))

    async def dead_letter(self, letter: DeadLetter) -> int:
        """Publish the original bytes of what could not be understood; without a key it gets its place as one."""
        place = f"{letter.topic}-{letter.partition}-{letter.offset}".encode()
        topic = self._names[Topic.DEAD_LETTERS]
        return await self._send(
            Record(topic, letter.value, place if letter.key is None else letter.key, letter.record_headers())
        )

    async def failover(self, transition: Transition, alternatives: tuple[str, ...]) -> int:
        """Publish a change of a model's breaker."""
        occurred_at = utc_from_ms(int(transition.at_s * 1000))
        failover = Failover(
            occurred_at=occurred_at,
            request_model=transition.model.name,
            provider_name=transition.model.provider_name,
            from_state=transition.from_state,
            to_state=transition.to_state,
            reason=transition.reason,
            alternatives=alternatives,
            worker=self._worker,
            requests=transition.reading.requests,
            error_rate=transition.reading.error_rate,
            timeout_rate=transition.reading.timeout_rate,
            p99_ms=transition.reading.p99_ms,
        )
        return await self._failover(failover)

    async def health_transition(
        self, before: HealthStatus, health: ModelHealth, provider_name: str, alternatives: tuple[str, ...]
    ) -> int:
        """Publish a change of the health that all workers share."""
        failover = Failover(
            occurred_at=health.as_of,
            request_model=health.request_model,
            provider_name=provider_name,
            from_state=before,
            to_state=health.status,
            reason=health.reason or f"{health.requests} calls in the window and nothing against it",
            alternatives=alternatives,
            worker=self._worker,
            kind=FailoverKind.HEALTH,
            requests=health.requests,
            error_rate=health.error_rate,
            timeout_rate=health.timeout_rate,
            p99_ms=health.p99_ms,
        )
        return await self._failover(failover)

    async def model_stats(self, stats: ModelStats) -> int:
        """Publish what this worker saw of a model. Not tried again for ever: news that is old is of no use.

        Raises:
            KafkaError: it could not be published.
        """
        event_id = f"{stats.worker}:{stats.epoch}:{stats.sequence}"
        return await self._log.send(self._news(Topic.MODEL_STATS, stats, stats.request_model, event_id))

    async def budget(self, budget: Budget) -> int:
        """Publish how a tenant stands.

        Raises:
            KafkaError: it could not be published.
        """
        headers = event_headers(budget, f"{budget.tenant}:{budget.version}", budget.tenant, budget.as_of, {})
        record = Record(self._names[Topic.BUDGETS], budget.encode(), budget.tenant.encode(), headers, ONE)
        return await self._log.send(record)

    async def budget_claim(self, claim: BudgetClaim) -> int:
        """Publish what this worker claims of a tenant's budget.

        Raises:
            KafkaError: it could not be published.
        """
        record = Record(self._names[Topic.BUDGET_CLAIMS], claim.encode(), claim.tenant.encode(), [], ONE)
        return await self._log.send(record)

    async def tenant_demand(self, demand: WorkerDemand) -> int:
        """Publish where this worker stands with the tenants' limits.

        Raises:
            KafkaError: it could not be published.
        """
        record = Record(self._names[Topic.TENANT_DEMAND], demand.encode(), demand.worker.encode(), [], ONE)
        return await self._log.send(record)

    async def tenant_shares(self, shares: TenantShares) -> int:
        """Publish how a tenant's limits are divided.

        Raises:
            KafkaError: it could not be published.
        """
        record = Record(self._names[Topic.TENANT_SHARES], shares.encode(), shares.tenant.encode(), [], ONE)
        return await self._log.send(record)

    async def model_health(self, health: ModelHealth) -> int:
        """Publish what all workers see of a model.

        Raises:
            KafkaError: it could not be published.
        """
        event_id = f"{health.request_model}:{health.as_of.timestamp():.3f}"
        return await self._log.send(self._news(Topic.MODEL_HEALTH, health, health.request_model, event_id))

    async def model_quality(self, quality: ModelQuality) -> int:
        """Publish what feedback has shown of a model's answers to one kind of prompt.

        Raises:
            KafkaError: it could not be published.
        """
        # no form is a difficulty, so that two cells have two keys
        form = "" if quality.form is Form.ANY else f"|{quality.form}"
        cell = f"{quality.request_model}|{quality.task}|{quality.difficulty}{form}"
        headers = event_headers(
            quality, f"{cell}:{quality.as_of.timestamp():.3f}", quality.request_model, quality.as_of, {}
        )
        return await self._log.send(
            Record(self._names[Topic.MODEL_QUALITY], quality.encode(), cell.encode(), headers, ONE)
        )

    async def batch_lane(self, lane: BatchLane) -> int:
        """Publish how the batch lane stands for one model with one account.

        Raises:
            KafkaError: it could not be published.
        """
        key = "/".join(filter(None, (lane.provider_name, lane.request_model, lane.account)))
        headers = event_headers(lane, f"{key}:{lane.as_of.timestamp():.3f}", lane.request_model, lane.as_of, {})
        return await self._log.send(Record(self._names[Topic.BATCH_LANES], lane.encode(), key.encode(), headers, ONE))

    async def quality_counts(self, counts: QualityCounts) -> int:
        """Publish which flaws this worker has seen of a model's answers. Not tried again for ever.

        Raises:
            KafkaError: it could not be published.
        """
        key = f"{counts.request_model}|{counts.task}|{counts.difficulty}".encode()
        return await self._log.send(Record(self._names[Topic.QUALITY_COUNTS], counts.encode(), key, [], ONE))

    async def cache_entry(self, key: str, entry: CacheEntry) -> int:
        """Publish where the answer to a question lies. Not tried again for ever.

        Raises:
            KafkaError: it could not be published.
        """
        headers = event_headers(entry, f"{key}:{entry.as_of.timestamp():.3f}", entry.tenant, entry.as_of, {})
        return await self._log.send(Record(self._names[Topic.CACHE_INDEX], entry.encode(), key.encode(), headers, ONE))

    def _how_it_stands(self, waiting: Waiting) -> Record:
        topic, key = self._names[Topic.WAITING], identity_of_waiting(waiting).digest.hex().encode()
        return Record(topic, waiting.encode(), key, [], waiting.request_partition)

    def _news(self, topic: Topic, message: Message, model: str, event_id: str) -> Record:
        headers = event_headers(message, event_id, model, datetime.fromtimestamp(self._clock(), UTC), {})
        return Record(self._names[topic], message.encode(), model.encode(), headers, ONE)

    async def _failover(self, failover: Failover) -> int:
        name, event_id = failover.request_model, f"{self._worker}:{self._started}:{next(self._failovers)}"
        headers = event_headers(failover, event_id, name, failover.occurred_at, {})
        return await self._send(Record(self._names[Topic.FAILOVERS], failover.encode(), name.encode(), headers))

    def _answer(
        self, topic: str, response: Response, delivery: Delivery, trace: Trace, partition: int | None
    ) -> Record:
        request_id, completed_at = response.request_id, response.completed_at
        headers = event_headers(response, f"{request_id}:response", request_id, completed_at, trace)
        if response.dataref is not None:
            headers.append((DATAREF_HEADER, response.dataref.encode()))
        return Record(topic, response.encode(), delivery.answer_key, headers, partition)

    async def _send(self, record: Record, before_retry: BeforeRetry | None = None) -> int:
        try:
            return await self._log.send(record)
        except MessageSizeTooLargeError:
            raise
        except KafkaError:
            self._refused += 1
            try:
                async for attempt in stamina.retry_context(on=_is_passing, attempts=None, timeout=None, wait_max=5.0):
                    with attempt:
                        if before_retry is not None:
                            await before_retry()
                        return await self._log.send(record)
            finally:
                self._refused -= 1
        raise AssertionError("an endless retry has ended")


def _is_passing(error: Exception) -> bool:
    return isinstance(error, KafkaError) and not isinstance(error, MessageSizeTooLargeError)
