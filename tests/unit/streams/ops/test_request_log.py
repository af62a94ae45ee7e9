"""The log, in a process of its own, since it is set up once a process."""

import resource
import subprocess
import sys
from pathlib import Path

import pytest

LOGS_ON = """
import resource, sys, structlog
from streams.ops.request_log import configure_logging
configure_logging("info", sys.argv[1])
log = structlog.get_logger()
log.info("before")
resource.setrlimit(resource.RLIMIT_FSIZE, (0, resource.RLIM_INFINITY))
log.info("no room for this")
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
log.info("after")
"""


@pytest.mark.parametrize("log_format", ["json", "console"])
def test_a_line_that_the_disk_has_no_room_for_stops_nothing(log_format: str, tmp_path: Path) -> None:
    assert resource.getrlimit(resource.RLIMIT_FSIZE)[1] == resource.RLIM_INFINITY
    log = tmp_path / "log"
    with log.open("wb") as stderr:
        done = subprocess.run([sys.executable, "-c", LOGS_ON, log_format], stderr=stderr, check=False, timeout=30)
    assert done.returncode == 0, log.read_text()
    assert "before" in log.read_text()
    assert "after" in log.read_text()
