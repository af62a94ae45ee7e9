"""Keys that stand in files, as Kubernetes mounts its secrets: one key a file, without what is blank around it."""

from collections.abc import Iterable
from pathlib import Path

from pydantic import SecretStr

from streams.config.values import MAX_KEY_CHARS, is_bare_key

Signature = tuple[int, int, int]
"""What tells one state of a file from another: inode, size, time of change. Kubernetes swaps links: the inode."""


class KeyFiles:
    """The keys in files, as they could be read last. `look` reads again those that have changed."""

    def __init__(self, files: Iterable[Path] = (), folders: Iterable[Path] = ()) -> None:
        """Read them.

        Args:
            files: each holds a key, and has to be there.
            folders: their files hold keys, by the name of the file. Names with a dot in front are not looked at.

        Raises:
            ValueError: one cannot be read; one sentence that names it.
        """
        self._files, self._folders = tuple(files), tuple(folders)
        self._seen: dict[Path, Signature] = {}
        self._keys: dict[Path, SecretStr] = {}
        if problems := self.look():
            raise ValueError(problems[0])

    def get(self, path: Path) -> SecretStr | None:
        """Return the key in the file; None if there is no such file."""
        return self._keys.get(path)

    @property
    def keys(self) -> dict[Path, SecretStr]:
        """All of them, by file."""
        return dict(self._keys)

    def look(self) -> list[str]:
        """Read what has changed, and return what is wrong. A key that cannot be read stays as it was.

        So does the key of a file that is gone: it may be in the middle of being replaced.
        """
        problems: list[str] = []
        for path in (*self._files, *self._in_folders(problems)):
            try:
                found = path.stat()
                signature = (found.st_ino, found.st_size, found.st_mtime_ns)
                if self._seen.get(path) != signature:
                    self._keys[path] = read_key(path)
                    self._seen[path] = signature
            except OSError as error:
                problems.append(f"{path} cannot be read: {error.strerror}")
            except ValueError as error:
                problems.append(str(error))
        return problems

    def _in_folders(self, problems: list[str]) -> list[Path]:
        found: list[Path] = []
        for folder in self._folders:
            try:
                found += sorted(path for path in folder.iterdir() if not path.name.startswith(".") and path.is_file())
            except OSError as error:
                problems.append(f"{folder} cannot be read: {error.strerror}")
        return found


def read_key(path: Path) -> SecretStr:
    """Return the key that a file holds.

    Raises:
        ValueError: there is none in it; one sentence that names the file and holds nothing of its content.
    """
    try:
        with path.open("rb") as opened:
            content = opened.read(2 * MAX_KEY_CHARS)
    except OSError as error:
        raise ValueError(f"{path} cannot be read: {error.strerror}") from None
    text = content.decode("utf-8-sig", "replace").strip()
    if not text:
        raise ValueError(f"{path} is empty; it must hold the bare key")
    if len(text) > MAX_KEY_CHARS or not is_bare_key(text):
        raise ValueError(f"{path} must hold the bare key alone: no spaces, line breaks or letters beyond ASCII")
    return SecretStr(text)
