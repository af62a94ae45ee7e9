"""Whose turn it is when there is not room for all: tenants in rotation, each tenant's requests in their order."""

from collections import OrderedDict, deque
from collections.abc import Callable, Iterator
from typing import Generic, TypeVar

T = TypeVar("T")


class FairQueue(Generic[T]):
    """Waiting items by tenant. A burst of one tenant delays its own items, not those of others. All O(1) but `drop`."""

    __slots__ = ("_count", "_queues")

    def __init__(self) -> None:
        self._queues: OrderedDict[str, deque[T]] = OrderedDict()
        self._count = 0

    def __len__(self) -> int:
        return self._count

    def __iter__(self) -> Iterator[T]:
        for queue in self._queues.values():
            yield from queue

    def add(self, tenant: str, item: T) -> None:
        """Let the item wait behind the tenant's others."""
        self._queues.setdefault(tenant, deque()).append(item)
        self._count += 1

    def take(self) -> T:
        """Return the next item, whose tenant then goes behind all others.

        Raises:
            LookupError: nothing waits.
        """
        tenant, queue = next(iter(self._queues.items()), ("", deque[T]()))
        if not queue:
            raise LookupError("nothing waits")
        item = queue.popleft()
        self._count -= 1
        if queue:
            self._queues.move_to_end(tenant)
        else:
            del self._queues[tenant]
        return item

    def drop(self, unwanted: Callable[[T], bool]) -> list[T]:
        """Take out and return all items that are unwanted."""
        dropped = [item for item in self if unwanted(item)]
        if dropped:
            kept = {
                tenant: deque(item for item in queue if not unwanted(item)) for tenant, queue in self._queues.items()
            }
            self._queues = OrderedDict((tenant, queue) for tenant, queue in kept.items() if queue)
            self._count -= len(dropped)
        return dropped
