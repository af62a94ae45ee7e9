"""Collections that stand in for those in which Faust's consumer keeps what it has read, finished and committed."""

from collections.abc import Callable

from faust.types import TP
from faust.types.tuples import Message

from streams.kafka.batches import ReceivedRecord


class AckSet(set[Message | ReceivedRecord]):
    """The records that are worked on; a discard is Faust's one sign that a record's last stream is done with it."""

    def __init__(self, finished: Callable[[Message | ReceivedRecord], None]) -> None:
        super().__init__()
        self._finished = finished

    def discard(self, message: Message | ReceivedRecord) -> None:
        """Hold it no longer: what worked on it is done with it."""
        super().discard(message)
        self._finished(message)

    def let_be(self, message: Message | ReceivedRecord) -> None:
        """Hold it no longer, though it is not finished."""
        super().discard(message)


class DiscardingMap(dict[TP, list[int] | set[int]]):
    """Gives a new collection at each look-up and keeps none."""

    def __init__(self, new: type[list[int]] | type[set[int]]) -> None:
        super().__init__()
        self._new = new

    def __missing__(self, tp: TP) -> list[int] | set[int]:
        return self._new()


class ForgettingMap(dict[TP, int | None]):
    """Takes in how far each partition has been read, and does not know it."""

    def __getitem__(self, _tp: TP) -> None:
        return None
