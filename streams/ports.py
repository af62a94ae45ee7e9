"""What a worker stands on: the protocols between the logic of `streams` and the world, Kafka foremost.

`streams.worker` and all below it, `streams.request` and `streams.control`, know nothing else of Kafka than these, and
its errors by their names (`aiokafka.errors`). The real ones are made in `streams.app`:

| port           | what it is                                                  | the real one                          |
|----------------|-------------------------------------------------------------|---------------------------------------|
| `LogWriter`    | what everything is sent by                                  | `streams.kafka.producer`              |
| `Log`          | that, and readers of topics                                 | `streams.kafka.log`                   |
| `LogReader`    | reads partitions without a group                            | same                                  |
| `Intake`       | hands over requests, takes back what is finished            | `streams.kafka.intake`                |
| `Work`         | what an intake hands requests to                            | `streams.request.pump`, on our side   |
| `ControlGroup` | the partitions and tables of which one worker has each      | `streams.kafka.control_group`         |
| `Assignee`     | what such a group tells of its assignments                  | `streams.control.ownership`, our side |
| `Received`     | a record that was handed over, and its acknowledgement      | `streams.kafka.batches`               |
| `Fence`        | whether partitions are certainly still this worker's        | `streams.kafka.fence`                 |
| `Provider`     | makes the calls                                             | `streams.providers.http_provider`     |
| `BlobStore`    | payloads that no record holds                               | `streams.blobs`                       |
| `Clock`        | seconds since 1970                                          | `streams.ops.clock`                   |
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from router.errors import Answer, UpstreamFailure
from router.request.session import Call
from router.retry import Chance
from schemas.requests import Request
from streams.batch_port import BatchProvider
from streams.codec import Delivery, Headers

Clock = Callable[[], float]
"""Returns the seconds since 1970."""
Trace = Mapping[str, str]
"""A W3C trace context: header and value."""


class TopicPartition(NamedTuple):
    """A partition of a topic. Equal to Faust's and aiokafka's, which are tuples too."""

    topic: str
    partition: int


@dataclass(frozen=True, slots=True)
class Record:
    """What is sent; without a partition the key chooses it."""

    topic: str
    value: bytes | None
    key: bytes | None
    headers: Headers
    partition: int | None = None


class LogWriter(Protocol):
    """Appends records to topics."""

    async def send(self, record: Record) -> int:
        """Return the record's offset when all replicas have acknowledged it. It is retried while the broker is away.

        Raises:
            MessageSizeTooLargeError: the topic does not take so large a record, even alone.
            KafkaError: it was not written, or that is not known; it may be sent again.
        """
        ...


class LogReader(Protocol):
    """Reads partitions, without a group, for one purpose at a time.

    Every question may raise `KafkaError`; those of `streams.away.AWAY` say that the broker cannot be reached.
    """

    def assign(self, partitions: Iterable[TopicPartition]) -> None:
        """Read these partitions and no others; each needs a `seek` before it is read."""
        ...

    def seek(self, partition: TopicPartition, offset: int) -> None:
        """Go on at the offset; at the partition's beginning if it has no such offset."""
        ...

    async def seek_to_beginning(self, partitions: Iterable[TopicPartition]) -> None:
        """Go on at the first record that is kept."""
        ...

    async def position(self, partition: TopicPartition) -> int:
        """Return the offset of the next record that `read` returns; past it if the log keeps no record there."""
        ...

    async def begins(self, partitions: Iterable[TopicPartition]) -> Mapping[TopicPartition, int]:
        """Return the offsets of the first records that are kept."""
        ...

    async def ends(self, partitions: Iterable[TopicPartition]) -> Mapping[TopicPartition, int]:
        """Return the offsets that the next records will have."""
        ...

    async def offset_since(self, partition: TopicPartition, since_ms: int) -> int | None:
        """Return the offset of the first record whose timestamp is not before `since_ms`; None without one."""
        ...

    async def read(self, *partitions: TopicPartition, timeout_s: float, most: int | None = None) -> Sequence[Delivery]:
        """Return the next records of these partitions, or of all that are assigned, each partition's in order.

        Waits for `timeout_s` at most if there are none, and then returns none. Deleted records have no value.
        """
        ...


class Log(LogWriter, Protocol):
    """The topics."""

    def reader(self, *, fetches_bytes: int | None = None) -> AbstractAsyncContextManager[LogReader]:
        """Give a reader that is connected; one that reads single records here and there fetches little at a time."""
        ...

    async def partition_count(self, topic: str) -> int:
        """Return how many partitions the topic has.

        Raises:
            KafkaError: there is none, or the broker cannot be reached.
        """
        ...


class Received(Protocol):
    """A record that was handed over under an assignment. It is delivered again unless it is acknowledged."""

    @property
    def delivery(self) -> Delivery:
        """The record."""
        ...

    @property
    def is_current(self) -> bool:
        """Whether the assignment under which it was handed over is the present one."""
        ...

    def acknowledge(self) -> None:
        """Finish it: from now on the committed offset may pass it. Says nothing after its assignment has ended."""
        ...

    def let_be(self) -> None:
        """Leave it unfinished, and do not wait for it when the partitions are handed over."""
        ...


class Work(Protocol):
    """What works on the records of an intake. Called in the event loop; only `let_go` may wait."""

    def assigned(self, partitions: Iterable[TopicPartition]) -> None:
        """Start anew with these partitions, and no others."""
        ...

    def ingest(self, batch: Sequence[Received]) -> None:
        """Take records, each partition's in order; they are acknowledged in any order, at any time."""
        ...

    def checkpoint(self, partition: TopicPartition, offset: int) -> str | None:
        """Return the metadata to commit with an offset; None if nothing may be committed yet."""
        ...

    def drain(self) -> None:
        """Start nothing more: the assignment is about to end."""
        ...

    def busy(self) -> bool:
        """Say whether a drain has something to wait for."""
        ...

    def lost(self) -> None:
        """Give up at once: the partitions are another worker's already. Called before they are let go."""
        ...

    async def let_go(self, partitions: Iterable[TopicPartition]) -> None:
        """Give up what is left of these partitions; when this returns nothing more is written for them."""
        ...


class Intake(Protocol):
    """Hands requests over, partition by partition, and commits no further than the first that is not acknowledged.

    A rebalance or a stop tells the work to `drain`, waits until it is not `busy` any more (for a bounded time), commits
    and lets the partitions go; if the group went on without this worker, the work has `lost` them first. Then come
    `assigned`, and records from the committed offsets on.
    """

    async def start(self, work: Work) -> None:
        """Join the group and hand its records to this work."""
        ...

    async def stop(self) -> None:
        """Drain, commit, leave."""
        ...

    async def broken(self) -> None:
        """Wait until it cannot go on, or has stopped.

        Raises:
            Exception: why it cannot go on.
        """
        ...

    def hold_back(self, partition: TopicPartition) -> None:
        """Fetch no more of the partition; what has been fetched is still handed over."""
        ...

    def let_flow(self, partition: TopicPartition) -> None:
        """Fetch the partition again."""
        ...

    def span(self, partition: TopicPartition) -> int:
        """Return how many offsets of the partition a restart now would read again."""
        ...

    def lag(self, partition: TopicPartition) -> int:
        """Return how many records of the partition are not finished, as far as is known."""
        ...

    def behind_open_transaction(self, partition: TopicPartition) -> int:
        """Return how many of these cannot be read before a producer's transaction has ended."""
        ...

    async def committed_metadata(self, partition: TopicPartition) -> str | None:
        """Return what was committed with the partition's offset; None without a commit.

        It may be awaited while partitions are being assigned.

        Raises:
            KafkaError: the group's coordinator refuses, or cannot be reached.
        """
        ...

    @property
    def handed_over(self) -> int:
        """How many records have been handed over since the start."""
        ...

    async def has_unread(self) -> bool:
        """Ask whether there are records that have not been fetched; a broker that is away says no."""
        ...


class Table(Protocol):
    """Keys and values that outlive the worker: whichever has its partition next finds them again."""

    def items(self) -> Mapping[bytes, bytes]:
        """Return what is in it, as restored and as put since."""
        ...

    async def put(self, changes: Mapping[bytes, bytes | None]) -> None:
        """Write, delete what is None, and return when that will be restored.

        Raises:
            KafkaError: it is not known; writing the same again does no harm.
        """
        ...


class Assignee(Protocol):
    """Is told what a control group assigns."""

    def assigned(self, partitions: Iterable[TopicPartition]) -> None:
        """Take in an assignment whose tables are not restored yet."""
        ...

    async def restored(self) -> None:
        """Take in that the tables of the last assignment are restored."""
        ...

    def revoked(self) -> None:
        """Take in that the assignment has ended: whatever it brought may be another worker's by now."""
        ...


class ControlGroup(Protocol):
    """All workers of a group share partitions and tables here, and each has one owner at a time."""

    @property
    def fence(self) -> "Fence":
        """Whether what is assigned is certainly still this worker's."""
        ...

    def table(self, name: str, topic: str, along_with: str) -> Table:
        """Return the table of one partition whose changelog is the topic; asked for before the start.

        The member that is assigned the topic `along_with` finds in it what was put.
        """
        ...

    def deliver(self, topic: str, name: str, take: Callable[[Sequence[Received]], None], weight: int = 1) -> None:
        """Hand the topic's records to `take` once the group is joined; asked for before the start, under a name.

        Topics are spread over the members, so that none has much more than its part of the weight.
        """
        ...

    async def start(self, assignee: Assignee) -> None:
        """Join."""
        ...

    async def stop(self) -> None:
        """Leave."""
        ...

    async def broken(self) -> None:
        """Wait until it cannot go on, or has stopped.

        Raises:
            Exception: why it cannot go on.
        """
        ...


class Fence(Protocol):
    """Open while the partitions are certainly still this worker's."""

    def is_open(self) -> bool:
        """Say whether they are."""
        ...

    async def passed(self, unless: Callable[[], bool] = ...) -> None:
        """Wait until it is open, or `unless` says so. What is cancelled here has lost its partition."""
        ...


class Provider(Protocol):
    """Makes the calls."""

    async def call(self, request: Request, call: Call, trace: Trace) -> Answer | UpstreamFailure:
        """Make one call. Raises nothing that the network may cause."""
        ...

    def tell_replaced_keys(self, tell: Callable[[str, str], None]) -> None:
        """Tell from now on which accounts have another key: provider and account, before a call is made with it."""
        ...


class BlobRefusedError(Exception):
    """A blob is not to be had, now or later. The message says why, and goes on from "the reference"."""


class BlobStoreAwayError(Exception):
    """The store does not answer, or not well; it may later. The message holds no address."""


class BlobStore(Protocol):
    """Payloads that are too large for a record, below one prefix."""

    def name_in(self, reference: str, tenant: str | None) -> str:
        """Return the name of what a reference, an URL, leads to.

        Raises:
            BlobRefusedError: it does not lead below the prefix, and there into the tenant's folder if one is named.
        """
        ...

    async def get(self, name: str) -> bytes:
        """Return the payload.

        Raises:
            BlobRefusedError: it is not there, not to be read, or too large.
            BlobStoreAwayError: that is not known.
        """
        ...

    async def put(self, name: str, content: bytes, tenant: str | None) -> str:
        """Write a payload into a tenant's folder, if one is named, over one of that name; return the reference to it.

        Raises:
            BlobRefusedError, BlobStoreAwayError: it is not known to be written.
        """
        ...


@dataclass(frozen=True, slots=True)
class Ports:
    """All that a worker stands on."""

    log: Log
    intake: Intake
    control_group: ControlGroup
    fence: Fence
    """That of the intake's group."""
    provider: Provider
    clock: Clock
    """Never steps."""
    wall_clock: Clock
    """What records are stamped by."""
    chance: Chance
    batches: BatchProvider | None = None
    """None: what waits for batches is left to other workers."""
    blobs: BlobStore | None = None
    """None: payloads are in their records, and nowhere else."""
