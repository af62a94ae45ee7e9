"""How a provider is connected to: by which proxy, whose authority is trusted, and which certificate is shown.

The files of authorities and certificates are looked at again every second, and read when they have changed: they are
renewed while workers run. One that cannot be read then leaves what was read before in force.
"""

import ssl
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from time import monotonic
from urllib.parse import urlsplit

import httpx
import structlog

from router.errors import CatalogueError
from streams.config.catalogue_providers import ProviderEntry
from streams.config.catalogue_sentences import key_of
from streams.config.settings import Settings
from streams.config.tls_files import TlsFiles
from streams.providers.proxies import Proxies

log = structlog.get_logger()

LOOK_AT_FILES_S = 1.0
Origin = tuple[str, str, int]
"""Scheme, host and port."""
PORTS = {"https": 443, "http": 80}


@dataclass(frozen=True, slots=True)
class Way:
    """How one origin is connected to."""

    proxy: str | None = None
    tls: ssl.SSLContext | None = None
    """None: the system's authorities, and no certificate of our own."""


DIRECT = Way()


class _Tls:
    """The context that some files make."""

    def __init__(self, files: TlsFiles, clock: Callable[[], float]) -> None:
        self._files = files
        self._clock = clock
        self._seen = self._signature()
        self._looked_s = clock()
        self.context = _context(files)

    def current(self) -> ssl.SSLContext:
        """Return the context of the files as they are."""
        now_s = self._clock()
        if now_s - self._looked_s < LOOK_AT_FILES_S:
            return self.context
        self._looked_s = now_s
        try:
            seen = self._signature()
            if seen != self._seen:
                self.context = _context(self._files)
                self._seen = seen
        except OSError as error:  # ssl.SSLError is one
            log.warning("a certificate cannot be read: the one before holds", files=self._files.names, error=str(error))
        return self.context

    def _signature(self) -> list[tuple[int, int, int]]:
        found = (path.stat() for path in self._files.paths)
        return [(one.st_ino, one.st_size, one.st_mtime_ns) for one in found]


class Connections:
    """The ways to all providers."""

    def __init__(
        self, tls: Mapping[Origin, TlsFiles], proxies: Proxies, clock: Callable[[], float] = monotonic
    ) -> None:
        """Read the files.

        Raises:
            OSError: a file cannot be read, or holds no certificate.
        """
        self._proxies = proxies
        self._clock = clock
        self._tls = {origin: _Tls(files, clock) for origin, files in tls.items() if files}
        self._by_proxy: dict[Origin, str | None] = {}

    def way_to(self, url: httpx.URL) -> Way:
        """Return how to connect there."""
        if not self._tls and not self._proxies:
            return DIRECT
        origin = (url.scheme, url.host, url.port or PORTS.get(url.scheme, 0))
        if origin not in self._by_proxy:
            self._by_proxy[origin] = self._proxies.to(*origin)
        tls = self._tls.get(origin)
        return Way(self._by_proxy[origin], None if tls is None else tls.current())


def connections_of(
    settings: Settings, providers: Mapping[str, ProviderEntry], environment: Mapping[str, str]
) -> Connections:
    """Return the ways to a catalogue's providers.

    Raises:
        CatalogueError: a file cannot be used, or two providers at one address want different ones.
        ProxyError: a variable names no proxy.
    """
    by_origin: dict[Origin, tuple[str, TlsFiles]] = {}
    for name, provider in providers.items():
        origin = _origin(provider.base_url or settings.provider_base_url)
        files = provider.tls.with_authority(settings.provider_ca_file)
        other, others = by_origin.setdefault(origin, (name, files))
        if others != files:
            raise CatalogueError(
                f"{key_of('providers', name)} is at the same address as {key_of('providers', other)} and names other "
                "certificates; let both name the same, or give one of them another host name."
            )
        _check(name, files)
    return Connections({origin: files for origin, (_, files) in by_origin.items()}, Proxies(environment))


def _origin(base_url: str) -> Origin:
    parts = urlsplit(base_url)
    return parts.scheme, parts.hostname or "", parts.port or PORTS.get(parts.scheme, 0)


def _check(provider: str, files: TlsFiles) -> None:
    try:
        _context(files)
    except OSError as error:
        why = error.reason if isinstance(error, ssl.SSLError) else error.strerror
        raise CatalogueError(
            f"{key_of('providers', provider)}: {files.names} cannot be used ({why}); name PEM files, of which "
            "client_certificate_file has the key too, or client_key_file has it."
        ) from None


def _context(files: TlsFiles) -> ssl.SSLContext:
    """Make a context that trusts the system's authorities and these.

    Raises:
        OSError: a file cannot be read, or holds no certificate or key.
    """
    context = ssl.create_default_context()
    for authority in files.authorities:
        context.load_verify_locations(authority)
    if files.certificate is not None:
        context.load_cert_chain(files.certificate, files.key, password=_no_password)
    return context


def _no_password() -> bytes:
    """Give none: without this, OpenSSL would ask on the terminal for the password of an encrypted key."""
    return b""
