"""Blobs as files below one folder of this machine, such as a mounted volume. No link is followed below it."""

import asyncio
import errno
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from uuid import uuid4

from streams.blobs.names import Prefix, placed
from streams.ports import BlobRefusedError, BlobStoreAwayError

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
_READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
"""A pipe would be waited at for ever without O_NONBLOCK."""
_WRITE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC


class FolderBlobs:
    """Reads and writes in threads: a volume over a network may be slow."""

    def __init__(self, folder: Path, most_bytes: int) -> None:
        self._folder = folder
        self._most_bytes = most_bytes
        self._prefix = Prefix(f"file://{folder.as_posix().rstrip('/')}/")

    def name_in(self, reference: str, tenant: str | None) -> str:
        """Return the name in a reference."""
        return self._prefix.name_in(reference, tenant)

    async def get(self, name: str) -> bytes:
        """Return what is in the file."""
        return await asyncio.to_thread(self._get, name)

    async def put(self, name: str, content: bytes, tenant: str | None) -> str:
        """Write the file, whole or not at all, and return its reference."""
        name = placed(name, tenant)
        await asyncio.to_thread(self._put, name, content)
        return self._prefix.reference_to(name)

    def _get(self, name: str) -> bytes:
        try:
            with self._parent(name, create=False) as (folder, last), _opened(last, folder) as descriptor:
                found = os.fstat(descriptor)
                if not stat.S_ISREG(found.st_mode):
                    raise BlobRefusedError("is no file")
                with open(descriptor, "rb", closefd=False) as opened:
                    content = opened.read(self._most_bytes + 1)
        except OSError as error:
            if isinstance(error, FileNotFoundError | NotADirectoryError | PermissionError):
                raise BlobRefusedError(f"cannot be read: {_why(error)}") from None
            if error.errno == errno.ELOOP:
                raise BlobRefusedError("is a link, or behind one; put the file itself there") from None
            raise BlobStoreAwayError(f"cannot be read: {_why(error)}") from None
        if len(content) > self._most_bytes:
            raise BlobRefusedError(f"has more than {self._most_bytes} bytes (TURNOUT_MAX_DATAREF_BYTES)")
        return content

    def _put(self, name: str, content: bytes) -> None:
        try:
            with self._parent(name, create=True) as (folder, last):
                draft = f".{uuid4().hex}"
                try:
                    with os.fdopen(os.open(draft, _WRITE, 0o640, dir_fd=folder), "wb") as opened:
                        opened.write(content)
                        opened.flush()
                        os.fsync(opened.fileno())
                    os.replace(draft, last, src_dir_fd=folder, dst_dir_fd=folder)
                except BaseException:
                    with suppress(OSError):
                        os.unlink(draft, dir_fd=folder)
                    raise
        except OSError as error:
            raise BlobStoreAwayError(f"cannot be written: {_why(error)}") from None

    @contextmanager
    def _parent(self, name: str, *, create: bool) -> Iterator[tuple[int, str]]:
        """Open the folder that a name is in, step by step, so that no link is followed even if one is put there now."""
        *folders, last = name.split("/")
        try:
            opened = os.open(self._folder, _FOLDER)
        except OSError as error:
            raise BlobStoreAwayError(f"cannot be reached: the folder of the store: {_why(error)}") from None
        try:
            for folder in folders:
                if create:
                    with suppress(FileExistsError):
                        os.mkdir(folder, 0o750, dir_fd=opened)
                inner = os.open(folder, _FOLDER | os.O_NOFOLLOW, dir_fd=opened)
                os.close(opened)
                opened = inner
            yield opened, last
        finally:
            os.close(opened)


@contextmanager
def _opened(name: str, folder: int) -> Iterator[int]:
    descriptor = os.open(name, _READ, dir_fd=folder)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def _why(error: OSError) -> str:
    return os.strerror(error.errno).lower() if error.errno else type(error).__name__
