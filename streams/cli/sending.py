"""Publishes prompts to the requests topic, and reads the responses topic until all of them are answered."""

import asyncio
from asyncio import Future
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from enum import StrEnum
from functools import partial

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.errors import KafkaError
from aiokafka.structs import RecordMetadata
from pydantic import SecretStr

from schemas.responses import Response
from streams.cli.partitions import poll
from streams.cli.prompts import Prompt
from streams.cli.tally import Tally
from streams.codec import KEY_HEADER, Headers


class RecordKey(StrEnum):
    """What requests are keyed by: those of one key are in one partition."""

    REQUEST_ID = "request_id"
    TENANT = "tenant"
    NONE = "none"

    def of(self, prompt: Prompt) -> bytes | None:
        """Return the record's key."""
        keys = {RecordKey.REQUEST_ID: prompt.request_id, RecordKey.TENANT: prompt.tenant}
        return keys[self].encode() if self in keys else None


@dataclass(frozen=True, slots=True)
class Receipt:
    """Where an acknowledged request lies."""

    request_id: str
    topic: str
    partition: int
    offset: int


@dataclass(slots=True)
class Outbox:
    """Publishes to one topic, and tells of each request that the broker has acknowledged or refused."""

    producer: AIOKafkaProducer
    topic: str
    key: RecordKey
    per_second: float | None
    on_sent: Callable[[Receipt], None]
    on_refused: Callable[[Prompt, KafkaError], None]
    tenant_key: SecretStr | None = None
    """What proves whose the requests are."""

    async def publish(self, prompts: AsyncIterator[Prompt]) -> None:
        """Publish all, no faster than `per_second`, and return when each has been told of.

        Raises:
            KafkaConnectionError: the broker is gone.
        """
        clock = asyncio.get_running_loop().time
        headers = self._headers()
        due_s = clock()
        async for prompt in prompts:
            if self.per_second is not None:
                await asyncio.sleep(due_s - clock())
                due_s = max(due_s, clock() - 1) + 1 / self.per_second
            try:
                acknowledged = await self.producer.send(
                    self.topic,
                    value=prompt.value,
                    key=self.key.of(prompt),
                    headers=headers,
                )
            except KafkaError as error:
                self.on_refused(prompt, error)
            else:
                acknowledged.add_done_callback(partial(self._acknowledged, prompt))
        await self.producer.flush()

    def _headers(self) -> Headers:
        headers = [("content-type", b"application/json")]
        if self.tenant_key is not None:
            headers.append((KEY_HEADER, b"Bearer " + self.tenant_key.get_secret_value().encode()))
        return headers

    def _acknowledged(self, prompt: Prompt, acknowledged: Future[RecordMetadata]) -> None:
        error = acknowledged.exception()
        if isinstance(error, KafkaError):
            self.on_refused(prompt, error)
        elif error is None:
            place = acknowledged.result()
            self.on_sent(Receipt(prompt.request_id, place.topic, place.partition, place.offset))


async def read_answers(
    consumer: AIOKafkaConsumer,
    tally: Tally,
    all_sent: asyncio.Event,
    patience_s: float,
    on_answer: Callable[[Response], None],
) -> None:
    """Read until all have been sent and answered, or until no answer has come for `patience_s`."""
    clock = asyncio.get_running_loop().time
    progressed_s = clock()
    while tally.pending or not all_sent.is_set():
        for record in await poll(consumer):
            response = _response(record.value)
            if response is not None and tally.add(response):
                progressed_s = clock()
                on_answer(response)
        if not all_sent.is_set():
            progressed_s = clock()
        elif clock() - progressed_s > patience_s:
            return


def _response(value: bytes | None) -> Response | None:
    """Read a record that may be another producer's."""
    try:
        return None if value is None else Response.decode(value)
    except ValueError:
        return None
