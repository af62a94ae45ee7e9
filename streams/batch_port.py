"""The port on providers' batches: `BatchProvider`.

All of its methods raise `BatchCallFailed` (`router.batches.batch`) for whatever the network or the provider may cause,
and nothing else; each is one call or a few, with no pause and no retry in it: when to ask again is the caller's to say.
"""

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import Protocol

from router.batches.batch import BatchHandle, BatchQueue, BatchSearch, BatchStatus
from router.batches.line import BatchLine


@dataclass(frozen=True, slots=True)
class BatchInput:
    """The lines of a batch, each one request in its provider's words, with its line feed."""

    lines: Callable[[], AsyncIterator[bytes]]
    """Reads them, from the first one on, at each call anew."""
    requests: int
    size_bytes: int
    """The sum of all lines, line feeds included: it is told before they are sent, so it has to be true."""


class BatchProvider(Protocol):
    """Uploads, creates, finds, polls, reads and cancels batches."""

    async def upload(self, queue: BatchQueue, our_id: str, batch: BatchInput) -> str | None:
        """Send the lines as a file named by our id, and return the provider's id of the file.

        None: this provider takes no files, and nothing was sent: the lines go with `create`.
        """
        ...

    async def find_upload(self, queue: BatchQueue, search: BatchSearch) -> str | None:
        """Return the provider's id of the file that was uploaded under our id, None without one."""
        ...

    async def create(self, queue: BatchQueue, our_id: str, file_id: str | None, batch: BatchInput) -> BatchHandle:
        """Create the batch of a file, or of its lines where there is no file. Our id goes along where it can."""
        ...

    async def find(self, queue: BatchQueue, search: BatchSearch) -> BatchHandle | None:
        """Return the batch that was created under our id, None if there is certainly none.

        Where a provider keeps no name for batches (Anthropic), the newest one fits that is not known, was made since
        then and has as many lines; its handle says that it is not certain.
        """
        ...

    async def status(self, queue: BatchQueue, handle: BatchHandle) -> BatchStatus:
        """Ask how the batch stands."""
        ...

    def results(self, queue: BatchQueue, handle: BatchHandle, after: int = 0) -> AsyncIterator[BatchLine]:
        """Read the results of a batch that has ended, in constant memory, as they are asked for.

        Args:
            queue: the batch's.
            handle: the batch's.
            after: the number of the last line that is not wanted again. Where a provider may tell lines in another
                order the next time, they are read from the first one all the same.

        Raises:
            BatchCallFailed: while it is iterated over: there is no more for now. The lines so far are valid.
        """
        ...

    async def cancel(self, queue: BatchQueue, handle: BatchHandle) -> None:
        """Ask for no more answers; one that has ended stays as it is. What was answered before is charged.

        Raises:
            ValueError: the handle is not certain.
        """
        ...
