"""Records as the rest of the world writes them: by librdkafka, which shares no code with aiokafka."""

import uuid
from collections.abc import Iterable

from confluent_kafka import KafkaError, Message, Producer

FLUSH_S = 30.0


def publish(
    bootstrap_servers: str, topic: str, values: Iterable[bytes], *, partition: int = -1, **options: object
) -> None:
    """Publish the values in batches, with further options of librdkafka (`compression_type` is `compression.type`).

    Blocks until all are acknowledged.
    """
    named: dict[str, object] = {name.replace("_", "."): value for name, value in options.items()}
    producer = Producer({"bootstrap.servers": bootstrap_servers, "linger.ms": 50, **named})
    refused: list[KafkaError] = []

    def acknowledged(error: KafkaError | None, _message: Message) -> None:
        if error is not None:
            refused.append(error)

    for value in values:
        producer.produce(topic, value, partition=partition, on_delivery=acknowledged)
    left = producer.flush(FLUSH_S)
    assert not left, f"{left} records of {topic} were not acknowledged"
    assert not refused, refused[0]


class Transaction:
    """A transaction of a producer of its own. What it publishes lies on the topic before it is committed or aborted."""

    def __init__(self, bootstrap_servers: str, topic: str) -> None:
        """Begin."""
        self._topic = topic
        self._producer = Producer({"bootstrap.servers": bootstrap_servers, "transactional.id": uuid.uuid4().hex})
        self._producer.init_transactions(FLUSH_S)
        self._producer.begin_transaction()

    def publish(self, values: Iterable[bytes], *, partition: int) -> None:
        """Publish, and wait until all is acknowledged."""
        for value in values:
            self._producer.produce(self._topic, value, partition=partition)
        left = self._producer.flush(FLUSH_S)
        assert not left, f"{left} records of {self._topic} were not acknowledged"

    def commit(self) -> None:
        """Let readers have it."""
        self._producer.commit_transaction(FLUSH_S)

    def abort(self) -> None:
        """Take it back."""
        self._producer.abort_transaction(FLUSH_S)
