"""The time in which one worker does something for all: its right to write, the partitions that it reads, and its loop.

A worker that was frozen may wake in the middle of it, when another worker is the owner. So it looks before each write
whether its term goes on and its fence is open, and after it whether its term still goes on; if not, it writes nothing.
"""

import asyncio
from asyncio import Event
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, TypeVar

import structlog
from aiokafka.errors import KafkaError

from streams.ports import Fence, LogReader, Table, TopicPartition

log = structlog.get_logger()

READ_EVERY_S: Final = 0.25
PAUSE_S: Final = 1.0
"""After the broker has refused something."""
LOOK_S: Final = 10.0
"""How often to look whether a topic has more partitions."""


class UnsureError(Exception):
    """Another worker may be the owner by now: nothing more may be written."""


@dataclass(slots=True, kw_only=True)
class OwnerTerm:
    """What is known while this worker is the owner; another term begins with another one."""

    partitions: Sequence[TopicPartition] = ()
    """All that are read."""
    looked_s: float = 0.0
    is_over: bool = False

    def be_owner(self) -> None:
        """Go on only as the owner.

        Raises:
            UnsureError: the term is over.
        """
        if self.is_over:
            raise UnsureError


Term = TypeVar("Term")


def be_sure(term: OwnerTerm, fence: Fence) -> None:
    """Go on only if no other worker can be the owner.

    Raises:
        UnsureError: one may be.
    """
    term.be_owner()
    if not fence.is_open():
        raise UnsureError


async def put(changes: Mapping[bytes, bytes | None], table: Table, term: OwnerTerm, fence: Fence) -> None:
    """Write, if the table is surely still ours, and see that it was until that was acknowledged.

    Raises:
        KafkaError: it is not known whether it was written.
        UnsureError: the table may be another worker's.
    """
    be_sure(term, fence)
    await table.put(changes)
    term.be_owner()


async def read_all(
    term: OwnerTerm,
    reader: LogReader,
    partitions: Callable[[], Awaitable[Sequence[TopicPartition]]],
    start: Callable[[TopicPartition], int],
    now_s: float,
) -> None:
    """Read every partition: from `start` in a new term, and new ones too; the others go on where they are.

    Raises:
        UnsureError: the term is over.
    """
    is_new = not term.partitions
    if not is_new and now_s - term.looked_s < LOOK_S:
        return
    found = await partitions()
    term.looked_s = now_s
    if not is_new and len(found) <= len(term.partitions):
        return
    positions = {tp: await reader.position(tp) for tp in term.partitions}
    term.be_owner()
    reader.assign(found)
    for tp in found:
        reader.seek(tp, positions[tp] if tp in positions else start(tp))
    term.partitions = found


async def keep(
    owned: Event,
    fence: Fence,
    term: Callable[[], Term | None],
    step: Callable[[Term], Awaitable[bool]],
    *,
    unsure: str,
    refused: str,
) -> None:
    """Do step after step while there is a term, for ever; at once while a step says that there may be more to read.

    `unsure` and `refused` are logged where another worker may be the owner, and where the broker does not take part.
    """
    while True:
        await owned.wait()
        await fence.passed()
        present = term()
        try:
            if present is not None and await step(present):
                await asyncio.sleep(0)
                continue
        except UnsureError:
            log.info(unsure)
        except KafkaError as error:
            log.warning(refused, error=str(error))
            await asyncio.sleep(PAUSE_S)
        await asyncio.sleep(READ_EVERY_S)
