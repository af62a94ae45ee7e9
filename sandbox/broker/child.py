"""A broker's process and folder, which both end when this process does, however it does."""

import contextlib
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path

# Its standard input is a pipe that only our process holds open, so the read returns when we close it or die. Unlike
# PR_SET_PDEATHSIG this does not fire when merely the thread that started the child ends, and it removes the folder.
_GUARD = """
read -r _
if [ -f "$0/pid" ]; then kill -KILL "$(cat "$0/pid")"; fi
rm -rf "$0" || { sleep 1; rm -rf "$0"; }
"""


class Child:
    """A temporary folder, and in it one process that can be stopped, killed and started again.

    The process gets a session of its own, so that Ctrl-C in a terminal reaches us and we decide. Its output goes to
    `log` in the folder. `close` ends it and removes the folder.
    """

    def __init__(self, prefix: str) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix=prefix))
        self.log = self.folder / "broker.log"
        self._pid_file = self.folder / "pid"
        self._process: subprocess.Popen[bytes] | None = None
        self._guard = subprocess.Popen(  # noqa: S603 -- our own command line
            ["/bin/sh", "-c", _GUARD, self.folder],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )

    @property
    def pid(self) -> int:
        """The process id. Raises RuntimeError when it does not run."""
        if not self._runs():
            raise RuntimeError("the broker is not running")
        return int(self._pid_file.read_text())

    def start(self, command: Sequence[str | Path]) -> None:
        """Start the command; returns at once. Raises RuntimeError if it runs already, OSError if it cannot start."""
        if self._runs():
            raise RuntimeError("the broker is already running")
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(  # noqa: S603 -- our own command line
                command,
                cwd=self.folder,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self._pid_file.write_text(str(self._process.pid))

    def ended(self) -> str | None:
        """How it ended, with the end of its log; None while it runs or before it ever did."""
        if self._process is None or self._runs():
            return None
        tail = "\n".join(self.log.read_text(errors="replace").splitlines()[-15:])
        return f"it ended with exit code {self._process.returncode}:\n{tail}"

    def stop(self, *, timeout_s: float) -> None:
        """Ask it to end (SIGTERM), wait that long, then kill it. Does nothing if it does not run."""
        if self._process is not None and self._runs():
            self._process.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(timeout_s)
        self.kill()

    def kill(self) -> None:
        """End it at once (SIGKILL). Does nothing if it does not run."""
        if self._process is not None and self._runs():
            self._process.kill()
            self._process.wait()
        self._runs()

    def close(self) -> None:
        """Kill what still runs and remove the folder."""
        self.kill()
        self._guard.communicate()

    def _runs(self) -> bool:
        runs = self._process is not None and self._process.poll() is None
        if not runs:
            # Its id may soon be another process's, which the guard must not kill.
            self._pid_file.unlink(missing_ok=True)
        return runs
