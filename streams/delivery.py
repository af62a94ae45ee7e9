"""One record of the requests topic, as Kafka delivered it."""

from collections.abc import Sequence
from dataclasses import dataclass

from router.job import Origin


@dataclass(frozen=True, slots=True)
class Delivery:
    """The record's bytes and its place. `timestamp_ms` is since 1970."""

    origin: Origin
    timestamp_ms: int
    key: bytes | None
    value: bytes | None
    headers: Sequence[tuple[str, bytes]]
