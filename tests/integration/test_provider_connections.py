"""Providers behind a proxy, private authorities, client certificates, on loopback: real TLS, a real CONNECT proxy."""

import asyncio
import base64
import ssl
import subprocess
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import pytest

from router.errors import CatalogueError
from streams.config.catalogue_providers import ProviderEntry
from streams.config.settings import Settings
from streams.config.tls_files import TlsFiles
from streams.providers.connections import LOOK_AT_FILES_S, Connections, connections_of
from streams.providers.transport import AiohttpTransport, NoConnection

NAME = "provider.test"
"""Known to no resolver (RFC 6761): only the proxy knows where it is."""


def openssl(*arguments: str | Path, folder: Path) -> None:
    subprocess.run(["/usr/bin/env", "openssl", *arguments], check=True, capture_output=True, cwd=folder)


@dataclass(frozen=True, slots=True)
class Authority:
    """A private authority, and the certificates that it has signed."""

    folder: Path

    @classmethod
    def made(cls, folder: Path) -> "Authority":
        folder.mkdir()
        new = ("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=a private authority")
        openssl(*new, "-keyout", "ca.key", "-out", "ca.pem", folder=folder)
        return cls(folder)

    @property
    def ca(self) -> Path:
        return self.folder / "ca.pem"

    def sign(self, name: str) -> Path:
        """Return the path of a PEM file with a certificate of the name, and its key."""
        folder = self.folder
        request = ("req", "-new", "-newkey", "rsa:2048", "-nodes", "-subj", f"/CN={name}")
        openssl(*request, "-keyout", f"{name}.key", "-out", f"{name}.csr", folder=folder)
        (folder / f"{name}.ext").write_text(f"subjectAltName=DNS:{name},IP:127.0.0.1\n")
        signed = ("x509", "-req", "-days", "2", "-in", f"{name}.csr", "-CA", "ca.pem", "-CAkey", "ca.key")
        openssl(*signed, "-CAcreateserial", "-extfile", f"{name}.ext", "-out", f"{name}.crt", folder=folder)
        both = folder / f"{name}.pem"
        both.write_bytes((folder / f"{name}.crt").read_bytes() + (folder / f"{name}.key").read_bytes())
        return both


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    made = Authority.made(tmp_path_factory.mktemp("tls") / "one")
    made.sign(NAME)
    made.sign("worker")
    return made


@dataclass(slots=True)
class Seen:
    """What a server was asked."""

    lines: list[str] = field(default_factory=list)
    certificates: list[str | None] = field(default_factory=list)


@asynccontextmanager
async def provider(authority: Authority, *, wants_certificate: bool = False) -> AsyncIterator[tuple[int, Seen]]:
    """Serve TLS with the authority's certificate; tells the name in the certificate that it was shown."""
    tls, seen = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), Seen()
    tls.load_cert_chain(authority.folder / f"{NAME}.pem")
    if wants_certificate:
        tls.verify_mode = ssl.CERT_REQUIRED
        tls.load_verify_locations(authority.ca)

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError, asyncio.IncompleteReadError, ssl.SSLError):
            head = await reader.readuntil(b"\r\n\r\n")
            seen.lines.append(head.decode().partition("\r\n")[0])
            shown = writer.get_extra_info("peercert") or {}
            names = [value for part in shown.get("subject", ()) for name, value in part if name == "commonName"]
            seen.certificates.append(names[0] if names else None)
            writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\n{}")
            await writer.drain()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=tls)
    async with server:
        yield server.sockets[0].getsockname()[1], seen


@asynccontextmanager
async def proxy(port: int, *, credentials: str | None = None) -> AsyncIterator[tuple[int, Seen]]:
    """Be a CONNECT proxy that knows where the provider is."""
    seen = Seen()
    wanted = None if credentials is None else base64.b64encode(credentials.encode()).decode()

    async def pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError):
            while data := await reader.read(65_536):
                writer.write(data)
                await writer.drain()
        writer.close()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        seen.lines.append(head.partition("\r\n")[0])
        answer = "200 OK" if wanted is None or f"Basic {wanted}" in head else "407 Proxy Authentication Required"
        writer.write(f"HTTP/1.1 {answer}\r\n\r\n".encode())
        await writer.drain()
        if not answer.startswith("200"):
            writer.close()
            return
        inner_reader, inner_writer = await asyncio.open_connection("127.0.0.1", port)
        await asyncio.gather(pump(reader, inner_writer), pump(inner_reader, writer))

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1], seen


async def ask(connections: Connections, port: int, host: str = NAME) -> httpx.Response:
    async with AiohttpTransport(connections=connections) as transport:
        return await asked(transport, port, host)


async def asked(transport: AiohttpTransport, port: int, host: str = NAME) -> httpx.Response:
    url = f"https://{host}:{port}/v1/chat/completions"
    request = httpx.Request("POST", url, content=b"{}", extensions={"timeout": {"read": 5.0}})
    return await transport.handle_async_request(request)


def made(port: int, files: TlsFiles, host: str = NAME, ca: Path | None = None, **environment: str) -> Connections:
    providers = {"own": ProviderEntry("own", f"https://{host}:{port}/v1", tls=files)}
    return connections_of(Settings(provider_ca_file=ca), providers, environment)


async def test_a_provider_is_reached_by_the_proxy_alone(authority: Authority) -> None:
    async with provider(authority) as (port, seen), proxy(port) as (by_port, by):
        connections = made(port, TlsFiles((authority.ca,)), HTTPS_PROXY=f"http://127.0.0.1:{by_port}")
        assert (await ask(connections, port)).status_code == 200
        assert by.lines == [f"CONNECT {NAME}:{port} HTTP/1.1"]
        assert seen.lines == ["POST /v1/chat/completions HTTP/1.1"], "TLS goes through to the provider itself"
        with pytest.raises(NoConnection, match="name is not known"):
            await ask(made(port, TlsFiles((authority.ca,))), port)


async def test_what_no_proxy_names_is_reached_directly(authority: Authority) -> None:
    async with provider(authority) as (port, seen), proxy(port) as (by_port, by):
        by_proxy = f"http://127.0.0.1:{by_port}"
        direct = made(port, TlsFiles((authority.ca,)), "127.0.0.1", HTTPS_PROXY=by_proxy, NO_PROXY="other.test")
        await ask(direct, port, "127.0.0.1")
        assert (len(seen.lines), by.lines) == (1, [])


async def test_a_proxys_password_is_shown_to_it_and_its_refusal_says_so(authority: Authority) -> None:
    async with provider(authority) as (port, _), proxy(port, credentials="me:pass-word") as (by_port, _by):
        files = TlsFiles((authority.ca,))
        await ask(made(port, files, HTTPS_PROXY=f"http://me:pass-word@127.0.0.1:{by_port}"), port)
        with pytest.raises(NoConnection, match="the proxy refuses, HTTP 407") as raised:
            await ask(made(port, files, HTTPS_PROXY=f"http://me:wrong-one@127.0.0.1:{by_port}"), port)
        assert "wrong-one" not in str(raised.value)


async def test_a_proxy_that_is_gone_is_told_from_a_provider_that_is(authority: Authority) -> None:
    async with provider(authority) as (port, _):
        with pytest.raises(NoConnection, match="the proxy cannot be reached: connection refused"):
            await ask(made(port, TlsFiles((authority.ca,)), HTTPS_PROXY="http://127.0.0.1:9"), port)


async def test_an_authority_is_trusted_by_the_providers_file_or_that_of_all(authority: Authority) -> None:
    async with provider(authority) as (port, _):
        for connections in (
            made(port, TlsFiles((authority.ca,)), "127.0.0.1"),
            made(port, TlsFiles(), "127.0.0.1", authority.ca),
        ):
            assert (await ask(connections, port, "127.0.0.1")).status_code == 200
        with pytest.raises(NoConnection, match="the provider's certificate is not trusted"):
            await ask(made(port, TlsFiles(), "127.0.0.1"), port, "127.0.0.1")


@pytest.mark.parametrize("is_in_one_file", [True, False])
async def test_a_client_certificate_is_shown(authority: Authority, is_in_one_file: bool) -> None:  # noqa: FBT001
    folder = authority.folder
    own = (folder / "worker.pem", None) if is_in_one_file else (folder / "worker.crt", folder / "worker.key")
    async with provider(authority, wants_certificate=True) as (port, seen):
        await ask(made(port, TlsFiles((authority.ca,), *own), "127.0.0.1"), port, "127.0.0.1")
        assert seen.certificates == ["worker"]
        with pytest.raises(httpx.TransportError):
            await ask(made(port, TlsFiles((authority.ca,)), "127.0.0.1"), port, "127.0.0.1")


@contextmanager
def replaced(path: Path, content: bytes) -> Iterator[None]:
    before = path.read_bytes()
    fresh = path.with_suffix(".new")
    fresh.write_bytes(content)
    fresh.replace(path)
    try:
        yield
    finally:
        path.write_bytes(before)


async def test_an_authority_that_is_replaced_holds_from_then_on_and_a_broken_file_changes_nothing(
    authority: Authority, tmp_path: Path
) -> None:
    old = Authority.made(tmp_path / "old")
    trusted = tmp_path / "trusted.pem"
    trusted.write_bytes(old.ca.read_bytes())
    async with provider(authority) as (port, _):
        now_s = [0.0]
        origin = ("https", "127.0.0.1", port)
        nothing = made(port, TlsFiles(), "127.0.0.1")
        connections = Connections({origin: TlsFiles((trusted,))}, nothing._proxies, lambda: now_s[0])
        async with AiohttpTransport(connections=connections) as transport:
            with pytest.raises(NoConnection, match="not trusted"):
                await asked(transport, port, "127.0.0.1")
            with replaced(trusted, authority.ca.read_bytes()):
                now_s[0] += LOOK_AT_FILES_S
                assert (await asked(transport, port, "127.0.0.1")).status_code == 200
                with replaced(trusted, b"no certificate"):
                    now_s[0] += LOOK_AT_FILES_S
                    assert (await asked(transport, port, "127.0.0.1")).status_code == 200


@pytest.mark.parametrize("content", [None, b"", b"no certificate"])
def test_a_file_that_cannot_be_used_ends_the_start_and_is_named(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "ca.pem"
    if content is not None:
        path.write_bytes(content)
    for files in (TlsFiles((path,)), TlsFiles((), path)):
        with pytest.raises(CatalogueError, match=r"^providers\.own: .*ca\.pem cannot be used \("):
            made(443, files)


def test_two_providers_at_one_address_name_the_same_certificates(authority: Authority) -> None:
    url = "https://one.example/v1"
    providers = {"a": ProviderEntry("a", url), "b": ProviderEntry("b", url, tls=TlsFiles((authority.ca,)))}
    with pytest.raises(CatalogueError, match=r"^providers\.b is at the same address as providers\.a"):
        connections_of(Settings(), providers, {})
