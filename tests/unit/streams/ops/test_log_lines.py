"""What stands in the log, by a process of its own, since a log is set up once a process."""

import subprocess
import sys

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.errors import CatalogueError
from streams.ops.log_lines import LogCleaner, told
from streams.providers.secrets import Scrubber

PROMPT, KEY = "my secret diagnosis", "sk-the-providers-own-key"
PROGRAM = f"""
import logging, sys, structlog
from streams.ops.request_log import configure_logging
configure_logging("info", sys.argv[1], ["{KEY}", "short-word-key"])
log = structlog.get_logger()
prompt = "{PROMPT}"
log.info("event\\x1b[2J", request_id="a\\x1b[2Jb\\nlevel=error", tenant="t\\x9b", said="key short-word-key")
log.info("nested", attempts=["m\\x1b[2J", {{"k\\x1b": ("{KEY}",)}}], error=ValueError("x\\x1b {KEY}"))
def fails(prompt):
    try:
        raise KeyError(prompt)
    except KeyError as cause:
        raise ValueError(f"cannot read {{prompt!r}} with {KEY}") from cause
try:
    fails(prompt)
except ValueError:
    log.exception("a defect", request_id="r-1")
    logging.getLogger("faust").exception("a library's \\x1b[2J line, %s", "{KEY}")
log.info("errno", why=str(OSError(28, "No space left on device")))
fails(prompt)
"""


@pytest.mark.parametrize("log_format", ["json", "console"])
def test_no_key_no_prompt_and_no_control_is_ever_logged(log_format: str) -> None:
    done = subprocess.run([sys.executable, "-c", PROGRAM, log_format], capture_output=True, check=False, timeout=60)
    log = done.stderr.decode()
    assert done.returncode == 1
    for secret in (PROMPT, KEY, "short-word-key", "\x1b", "\x9b"):
        assert secret not in log, log
    assert "level=error" in log
    assert "\nlevel=error" not in log
    assert log.count("KeyError") == 3, "a defect's, a library's, and that which ended the process"
    assert "in fails" in log
    if log_format == "json":
        line = orjson.loads(log.splitlines()[0])
        assert (line["event"], line["request_id"]) == ("event\x1b[2J", "a\x1b[2Jb\nlevel=error"), "its value stays"


def test_errors_of_kafka_the_system_and_turnout_have_words_and_a_group_tells_its_members() -> None:
    text = told(ExceptionGroup("a prompt", [OSError(28, "No space left on device"), ValueError("a prompt")]))
    assert "a prompt" not in text
    assert "builtins.OSError: [Errno 28] No space left on device" in text
    assert text.endswith("builtins.ValueError")
    assert told(CatalogueError("models is empty")).endswith("CatalogueError: models is empty")


def test_an_error_that_leads_to_itself_is_told_once() -> None:
    one, two = ValueError("x"), KeyError("y")
    one.__context__, two.__context__ = two, one
    assert told(one).count("Traceback") == 2


@given(
    st.dictionaries(
        st.sampled_from(["event", "request_id", "tenant", "said"]),
        st.lists(st.sampled_from([KEY, "sk-", "abcdefgh", "Bearer ", "token=", "plain ", "K\u212a", "?"])).map("".join),
    ),
    st.lists(st.sampled_from(["m:succeeded", f"m:{KEY}"])),
)
def test_a_line_that_is_looked_at_as_a_whole_is_as_clean_as_its_parts(
    line: dict[str, str], attempts: list[str]
) -> None:
    scrub = Scrubber([KEY])
    cleaned = LogCleaner(scrub, escapes=False)(
        None, "info", {**line, "attempts": attempts, "latency_ms": 5, "tier": None}
    )
    clean = {name: scrub(text) for name, text in line.items()}
    assert cleaned == {**clean, "attempts": [scrub(one) for one in attempts], "latency_ms": 5, "tier": None}
