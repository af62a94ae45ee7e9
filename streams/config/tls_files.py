"""The files that a connection to a provider is made with."""

from dataclasses import dataclass, replace
from pathlib import Path


@dataclass(frozen=True, slots=True)
class TlsFiles:
    """PEM files; without any, the system's authorities are trusted, and no certificate is shown."""

    authorities: tuple[Path, ...] = ()
    """Are trusted beside the system's."""
    certificate: Path | None = None
    """Is shown to the provider, with the chain that vouches for it."""
    key: Path | None = None
    """Of the certificate; None: it is in the same file."""

    def __bool__(self) -> bool:
        """Whether there are any."""
        return bool(self.paths)

    @property
    def paths(self) -> tuple[Path, ...]:
        """All of them."""
        return (*self.authorities, *(path for path in (self.certificate, self.key) if path is not None))

    @property
    def names(self) -> str:
        """All of them, as a sentence has them."""
        return ", ".join(map(str, self.paths))

    def with_authority(self, authority: Path | None) -> "TlsFiles":
        """Return these and one more authority, if there is one."""
        return self if authority is None else replace(self, authorities=(*self.authorities, authority))


NO_FILES = TlsFiles()
