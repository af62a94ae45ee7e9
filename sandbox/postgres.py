"""Postgres as a process: the machine's own server on a free port of the loopback, its data in a temporary folder."""

import contextlib
import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from sandbox.broker.ports import loopback_ports

DEBIAN = Path("/usr/lib/postgresql")
"""Where Debian keeps the server's programs of each version, out of the PATH."""
USER = "turnout"
PASSWORD = "s3cret-of-the-test"  # noqa: S105 - of a server that lives as long as a test
START_WITHIN_S = 30.0
POLL_S = 0.05


class PostgresUnavailable(Exception):  # noqa: N818 - reads as the sentence it starts
    """There is no Postgres on this machine, or it did not start."""


@dataclass(frozen=True, slots=True)
class PostgresInfo:
    """Where the server is."""

    port: int

    def dsn(self, database: str = "postgres", password: str = PASSWORD) -> str:
        """Return the address of one of its databases, with the password."""
        return f"postgresql://{USER}:{password}@127.0.0.1:{self.port}/{database}"


@contextmanager
def open_postgres() -> Iterator[PostgresInfo]:
    """Start a server; it and its data are gone at the end.

    Raises:
        PostgresUnavailable: it is not installed, or does not start.
    """
    programs = _programs()
    # Postgres refuses to run as root; its package comes with a user for it.
    owner = "postgres" if os.getuid() == 0 else None
    with tempfile.TemporaryDirectory(prefix="turnout-postgres-", ignore_cleanup_errors=True) as folder:
        data, secret, log = Path(folder, "data"), Path(folder, "password"), Path(folder, "log")
        secret.write_text(PASSWORD)
        if owner is not None:
            for path in (folder, secret):
                shutil.chown(path, owner, owner)
        initdb = [str(programs / "initdb"), "-D", str(data), "-U", USER, f"--pwfile={secret}"]
        made = subprocess.run(  # noqa: S603 - the server's own program
            [*initdb, "--auth=scram-sha-256", "--no-sync", "--encoding=UTF8", "--locale=C"],
            user=owner,
            group=owner,
            capture_output=True,
            check=False,
        )
        if made.returncode:
            raise PostgresUnavailable(f"initdb failed: {made.stderr.decode(errors='replace')[-500:]}")
        (port,) = loopback_ports(1)
        options = ["-c", "listen_addresses=127.0.0.1", "-c", "unix_socket_directories=", "-c", "fsync=off"]
        server_line: list[str | Path] = [programs / "postgres", "-D", data, "-p", str(port), *options]
        with log.open("wb") as stderr:
            server = subprocess.Popen(  # noqa: S603 - the same
                server_line,
                user=owner,
                group=owner,
                stdout=stderr,
                stderr=stderr,
            )
        try:
            _wait_until_ready(server, programs, port, log)
            yield PostgresInfo(port)
        finally:
            server.send_signal(signal.SIGINT)  # a fast shutdown: clients are cut off
            with contextlib.suppress(subprocess.TimeoutExpired):
                server.wait(10)
            server.kill()
            server.wait()


def _programs() -> Path:
    """Return the folder of the newest server's programs."""
    debian = sorted(DEBIAN.glob("*/bin/postgres"), key=lambda server: int(server.parts[-3]))
    found = debian[-1] if debian else shutil.which("postgres")
    if found is None:
        raise PostgresUnavailable("Postgres is not installed: apt-get install postgresql")
    return Path(found).parent


def _wait_until_ready(server: "subprocess.Popen[bytes]", programs: Path, port: int, log: Path) -> None:
    give_up_s = time.monotonic() + START_WITHIN_S
    asked: list[str | Path] = [programs / "pg_isready", "-q", "-h", "127.0.0.1", "-p", str(port)]
    while subprocess.run(asked, check=False).returncode:  # noqa: S603 - the same
        if server.poll() is not None or time.monotonic() > give_up_s:
            raise PostgresUnavailable(f"Postgres did not start: {log.read_text(errors='replace')[-500:]}")
        time.sleep(POLL_S)
