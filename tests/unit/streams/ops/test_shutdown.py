import signal
import subprocess
import sys

import pytest

WAITING = """
import asyncio, threading, time
from streams.ops.shutdown import Shutdown

async def main() -> None:
    ending = Shutdown(1.0)
    ending.listen()
    print("listening", flush=True)
    await ending.asked()
    {hangs}

asyncio.run(main())
"""
HANGS = {
    "the loop waits for a thread": "threading.Thread(target=time.sleep, args=[60]).start(); time.sleep(60)",
    "a goodbye waits for its answer": "await asyncio.sleep(60)",
    "the interpreter waits for a thread": "threading.Thread(target=time.sleep, args=[60]).start()",
}


def ended(hangs: str) -> tuple[int, str]:
    program = WAITING.format(hangs=hangs)
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "listening\n"
        process.send_signal(signal.SIGTERM)
        said = process.stdout.read()
        return process.wait(30), said


@pytest.mark.parametrize("hangs", HANGS.values(), ids=HANGS)
def test_an_end_that_hangs_is_bounded_in_time_and_says_so(hangs: str) -> None:
    code, said = ended(hangs)
    assert code == 0
    assert "the broker has not answered every goodbye" in said


def test_an_end_in_time_is_not_disturbed() -> None:
    assert ended("pass") == (0, "")


def test_an_end_that_nobody_asked_for_has_an_exit_code_of_its_own() -> None:
    program = (
        "import time; from streams.ops.shutdown import Shutdown\n"
        "e = Shutdown(0.2); e.begin(1); e.begin(0); time.sleep(60)"
    )
    result = subprocess.run([sys.executable, "-c", program], capture_output=True, timeout=50, check=False)
    assert result.returncode == 1
