"""A file of a batch's lines that outlives nothing: what is too much for memory and has to be read in another order.

A provider's results come in an order of their own, and the requests they answer lie in the log in theirs. So results
are written to a file as they come, and read by request. What is sent is written to one too, as its size is told first.
"""

import asyncio
from array import array
from collections.abc import AsyncIterator
from errno import EDQUOT, ENOSPC
from shutil import disk_usage
from tempfile import TemporaryFile, gettempdir
from types import TracebackType
from typing import Self

PLACES_A_TURN = 16
"""Read in one turn of the event loop."""
BUFFER_BYTES = 262_144
LINE_BYTES = 2_000
"""What the line of a short request, or of a short answer, takes: so much room there has to be for each at the least."""
SPARE_BYTES = 32_000_000
"""Room that is left to others."""
LOOK_EVERY_BYTES = 16_000_000
"""How much is written between two looks at the room."""


class NoRoomError(OSError):
    """The folder for temporary files is full, or nearly."""


def check_room(needed_bytes: int) -> None:
    """See that there is room for so much.

    Raises:
        NoRoomError: there is not.
    """
    folder = gettempdir()
    free = disk_usage(folder).free
    if free < needed_bytes + SPARE_BYTES:
        raise NoRoomError(
            f"{folder} has {free / 1e6:.0f} MB free, and a batch needs {(needed_bytes + SPARE_BYTES) / 1e6:.0f} MB or "
            "more there: make room, or set TMPDIR to a folder that has it"
        )


class Spool:
    """Bytes by place, in a file in the folder for temporary files. Memory: 12 bytes a place. Closed, it is gone."""

    def __init__(self, count: int) -> None:
        """Take how many places there are.

        Raises:
            NoRoomError: there is no room for them.
        """
        check_room(count * LINE_BYTES)
        self._look_at = LOOK_EVERY_BYTES
        self._begins = array("q", [-1]) * count
        self._lengths = array("I", [0]) * count
        self._file = TemporaryFile(buffering=BUFFER_BYTES)  # noqa: SIM115 - it is closed with this
        self.size_bytes = 0
        """Of all that was written."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __contains__(self, place: int) -> bool:
        return self._begins[place] >= 0

    def close(self) -> None:
        """Let it go."""
        self._file.close()

    def write(self, place: int, content: bytes) -> None:
        """Write the bytes of a place, in place of those before.

        Raises:
            NoRoomError: the room is used up.
        """
        if self.size_bytes + len(content) > self._look_at:
            check_room(len(content))
            self._look_at = self.size_bytes + LOOK_EVERY_BYTES
        try:
            self._file.seek(self.size_bytes)
            self._file.write(content)
        except OSError as error:
            if error.errno in (ENOSPC, EDQUOT):
                raise NoRoomError(f"{gettempdir()} is full: make room, or set TMPDIR to a folder that has it") from None
            raise
        self._begins[place] = self.size_bytes
        self._lengths[place] = len(content)
        self.size_bytes += len(content)

    def read(self, place: int) -> bytes | None:
        """Return the bytes of a place; None if there are none."""
        if self._begins[place] < 0:
            return None
        self._file.seek(self._begins[place])
        content: bytes = self._file.read(self._lengths[place])
        return content

    async def contents(self) -> AsyncIterator[bytes]:
        """Yield what was written, place by place."""
        for place in range(len(self._begins)):
            content = self.read(place)
            if content is not None:
                yield content
            if place % PLACES_A_TURN == 0:
                await asyncio.sleep(0)
