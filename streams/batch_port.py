"""The port on providers' batches: `BatchProvider`. The real one is `streams.providers.batches.HttpBatches`.

All of its methods that wait raise `BatchCallFailed` (`router.batches.batch`) for whatever the network or the provider
may cause, and nothing else; each is one call or a few, with no pause and no retry in it: when to ask again is the
caller's to say.
"""

from collections.abc import AsyncGenerator
from typing import Protocol

from router.batches.batch import BatchHandle, BatchInput, BatchQueue, BatchSearch, BatchStatus
from router.batches.line import BatchLine
from schemas.requests import Request

__all__ = ["BatchInput", "BatchProvider"]


class BatchProvider(Protocol):
    """Uploads, creates, finds, polls, reads and cancels batches."""

    def line(self, queue: BatchQueue, custom_id: str, request: Request, max_tokens: int) -> bytes:
        """Return a request as a line of a batch, with its line feed.

        Raises:
            Untranslatable: the model's dialect has no words for something in it, which planning finds before.
        """
        ...

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
        then and has as many lines, one that is claimed only if there is no other; its handle says that it is not
        certain.
        """
        ...

    async def status(self, queue: BatchQueue, handle: BatchHandle) -> BatchStatus:
        """Ask how the batch stands."""
        ...

    def results(self, queue: BatchQueue, handle: BatchHandle, after: int = 0) -> AsyncGenerator[BatchLine]:
        """Read the results of a batch that has ended, in constant memory, as they are asked for.

        Whoever stops before the end closes it (`contextlib.aclosing`), and with it the connection.

        Args:
            queue: the batch's.
            handle: the batch's.
            after: the number of the last line that is not wanted again. Where a provider may tell lines in another
                order the next time, they are read from the first one all the same.

        Raises:
            BatchCallFailed: while it is iterated over: there is no more for now. The lines so far are valid.
        """
        ...

    async def delete(self, queue: BatchQueue, name: str) -> None:
        """Delete a file of lines or what `BatchStatus.holds` names; what is not there any more is deleted."""
        ...

    async def cancel(self, queue: BatchQueue, handle: BatchHandle) -> None:
        """Ask for no more answers; one that has ended stays as it is. What was answered before is charged.

        Raises:
            ValueError: the handle is not certain.
        """
        ...
