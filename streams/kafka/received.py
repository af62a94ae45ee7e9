"""Records as Faust's streams give them, made into what the rest of a worker takes."""

from collections.abc import Callable, Mapping, Sequence

import faust
from faust.types import EventT, StreamT

from router.job import Origin
from streams.codec import Delivery
from streams.kafka.transport import SafeConsumer
from streams.ports import Received

Pairs = tuple[tuple[str, bytes], ...]


class ReceivedEvent:
    """A record of a stream that acknowledges nothing by itself."""

    __slots__ = ("_consumer", "_event", "delivery")

    def __init__(self, event: EventT, consumer: SafeConsumer) -> None:
        message = event.message
        self._event = event
        self._consumer = consumer
        self.delivery = Delivery(
            origin=Origin(message.topic, message.partition, message.offset),
            timestamp_ms=int(message.timestamp * 1000),
            key=message.key,
            value=message.value,
            headers=_pairs(message.headers),
        )

    @property
    def is_current(self) -> bool:
        """Whether it was delivered under the present assignment."""
        return self._consumer.is_current(self._event.message)

    def acknowledge(self) -> None:
        """Finish it; Faust then discards it from `SafeConsumer`'s `AckSet`, which moves the partition's tracker."""
        self._event.ack()

    def let_be(self) -> None:
        """Leave it unfinished, and do not wait for it when draining."""
        self._consumer.let_be(self._event.message)


async def deliver(app: faust.App, stream: StreamT[bytes], take: Callable[[Sequence[Received]], None]) -> None:
    """Hand the stream's records over, one by one, until it ends. What `take` raises ends the app."""
    consumer = app.consumer
    async for event in stream.noack().events():
        try:
            take((ReceivedEvent(event, consumer),))
        except Exception as problem:
            await app.crash(problem)  # Faust drops what is raised here, and the record would be held for ever
            raise


def _pairs(headers: Mapping[str, bytes] | Sequence[tuple[str, bytes]] | None) -> Pairs:
    """Faust gives headers as pairs, as a mapping or not at all."""
    return tuple(headers.items() if isinstance(headers, Mapping) else headers or ())
