"""Makes Kafka clients from the settings.

TurnoutError
└── CodecsMissing    the operator's; before anything connects
"""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TypedDict

import faust
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.codec import has_lz4, has_snappy, has_zstd
from aiokafka.structs import ConsumerRecord
from faust.types.auth import CredentialsT

from router.errors import TurnoutError
from schemas.dead_letters import OVERHEAD_BYTES as DEAD_LETTER_OVERHEAD_BYTES
from streams.config.settings import Settings

REQUEST_TIMEOUT_MS = 10_000
"""A broker that is silent for longer has gone; the client's own 40 s are most of a request's deadline."""

METADATA_MAX_AGE_MS = 10_000
"""How soon added partitions are known. And a group's leader that could not ask for the topics' partitions in time
assigns none to any member, and joins again only when it has asked once more: left to the client, after five minutes."""

MAX_BATCH_BYTES = 1_048_576


class CodecsMissing(TurnoutError):  # noqa: N818 - reads as the sentence it starts
    """Records that producers compress could not be read. The message names the command that mends it."""


class _Connection(TypedDict):
    bootstrap_servers: str
    security_protocol: str
    ssl_context: ssl.SSLContext | None
    sasl_mechanism: str
    sasl_plain_username: str | None
    sasl_plain_password: str | None
    request_timeout_ms: int


def _ssl_context(settings: Settings) -> ssl.SSLContext | None:
    if not settings.kafka_security_protocol.endswith("SSL"):
        return None
    return ssl.create_default_context(cafile=None if settings.kafka_ca_file is None else str(settings.kafka_ca_file))


def check_codecs() -> None:
    """See that what any producer may compress with can be read: one such record would end every worker for ever.

    Raises:
        CodecsMissing: it cannot.
    """
    codecs = {"lz4": has_lz4(), "snappy": has_snappy(), "zstd": has_zstd()}
    if missing := [name for name, installed in codecs.items() if not installed]:
        raise CodecsMissing(
            f"Records compressed with {', '.join(missing)} could not be read: a library is missing; install it with: "
            f'pip install "aiokafka[{",".join(missing)}]"'
        )


def _connection(settings: Settings) -> _Connection:
    from streams.kafka.unpacking import unpack_all  # noqa: PLC0415  # its bases may be missing before `check_pinned`

    check_codecs()
    unpack_all()
    password = settings.kafka_sasl_password
    return _Connection(
        bootstrap_servers=settings.brokers,
        security_protocol=settings.kafka_security_protocol,
        ssl_context=_ssl_context(settings),
        sasl_mechanism=settings.kafka_sasl_mechanism or "PLAIN",
        sasl_plain_username=settings.kafka_sasl_username,
        sasl_plain_password=None if password is None else password.get_secret_value(),
        request_timeout_ms=REQUEST_TIMEOUT_MS,
    )


def faust_credentials(settings: Settings) -> CredentialsT | None:
    """Return what Faust's own clients log in with; None for an open broker."""
    context, password = _ssl_context(settings), settings.kafka_sasl_password
    if password is not None:
        return faust.SASLCredentials(
            mechanism=settings.kafka_sasl_mechanism,
            username=settings.kafka_sasl_username,
            password=password.get_secret_value(),
            ssl_context=context,
        )
    return faust.SSLCredentials(context) if context is not None else None


def make_producer(settings: Settings) -> AIOKafkaProducer:
    """Return a producer that is not started: all replicas acknowledge, retries add nothing twice."""
    return AIOKafkaProducer(
        **_connection(settings),
        client_id=f"turnout-{settings.worker_id}",
        acks="all",
        enable_idempotence=settings.idempotence,
        linger_ms=settings.linger_ms,
        # the topics' limit is one of batches, not of records
        max_batch_size=min(MAX_BATCH_BYTES, settings.max_message_bytes),
        max_request_size=settings.max_message_bytes + DEAD_LETTER_OVERHEAD_BYTES,
    )


@asynccontextmanager
async def producer(settings: Settings) -> AsyncIterator[AIOKafkaProducer]:
    """Give such a producer, started."""
    client = make_producer(settings)
    try:
        await client.start()
        yield client
    finally:
        await client.stop()


@asynccontextmanager
async def transactional_producer(settings: Settings, transactional_id: str) -> AsyncIterator[AIOKafkaProducer]:
    """Give a started producer of transactions: the broker ends what an earlier one of this id has left open."""
    client = AIOKafkaProducer(
        **_connection(settings),
        client_id=f"turnout-{settings.worker_id}",
        transactional_id=transactional_id,
        acks="all",
        max_request_size=settings.max_message_bytes,
    )
    try:
        await client.start()
        yield client
    finally:
        await client.stop()


class FollowingConsumer(AIOKafkaConsumer):  # type: ignore[misc]  # aiokafka is untyped
    """Reads partitions that are added to the topics of its assignment too, from their beginning."""

    async def getmany(
        self, *partitions: TopicPartition, timeout_ms: int = 0, max_records: int | None = None
    ) -> dict[TopicPartition, list[ConsumerRecord[bytes | None, bytes | None]]]:
        """Return what has come, of all partitions unless some are named."""
        assigned = self.assignment()
        known = {
            TopicPartition(topic, number)
            for topic in {tp.topic for tp in assigned}
            for number in self.partitions_for_topic(topic) or ()
        }
        if added := sorted(known - assigned):
            positions = {tp: await self.position(tp) for tp in assigned}
            self.assign([*assigned, *added])
            for tp, offset in positions.items():
                self.seek(tp, offset)
            await self.seek_to_beginning(*added)
        found: dict[TopicPartition, list[ConsumerRecord[bytes | None, bytes | None]]] = await super().getmany(
            *partitions, timeout_ms=timeout_ms, max_records=max_records
        )
        return found


@asynccontextmanager
async def reader(
    settings: Settings, *, committed_only: bool = False, follows: bool = False, fetches_bytes: int | None = None
) -> AsyncIterator[AIOKafkaConsumer]:
    """Give a started consumer without a group: it commits nothing and takes part in no rebalance.

    With `committed_only` it sees no record of a transaction that is open or has been aborted. If it `follows`, it reads
    partitions that are added to its topics too. With `fetches_bytes` it fetches less of a partition at a time than the
    largest message; a broker gives at least the first batch, whatever its size.
    """
    client = (FollowingConsumer if follows else AIOKafkaConsumer)(
        **_connection(settings),
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        isolation_level="read_committed" if committed_only else "read_uncommitted",
        max_partition_fetch_bytes=fetches_bytes or settings.max_message_bytes,
        metadata_max_age_ms=METADATA_MAX_AGE_MS,
    )
    try:
        await client.start()
        yield client
    finally:
        await stop_consumer(client)


async def stop_consumer(consumer: AIOKafkaConsumer) -> None:
    """Stop a consumer whole, as its own `stop` does not where the broker is away.

    It awaits the fetches that it cancels (aiokafka 0.14, issue 647). One that waits to be repeated passes the
    cancellation on to the task that stops the consumer, which ends as cancelled, though it was not.
    """
    stopping = asyncio.create_task(consumer.stop())
    await asyncio.wait([stopping])
    if stopping.cancelled():
        await consumer._client.close()  # noqa: SLF001  # what `stop` has not come to; a second `stop` does nothing
    else:
        stopping.result()


@asynccontextmanager
async def admin(settings: Settings) -> AsyncIterator[AIOKafkaAdminClient]:
    """Give a started admin client."""
    client = AIOKafkaAdminClient(**_connection(settings))
    try:
        await client.start()
        yield client
    finally:
        await client.close()
