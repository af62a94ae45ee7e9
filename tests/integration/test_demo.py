"""The demo as a user runs it: real processes on a real broker, from the first to none."""

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from uuid import uuid4

import orjson
import pytest
from aiokafka.admin import AIOKafkaAdminClient

from sandbox.broker import BrokerInfo

ROOT = Path(__file__).parents[2]
DEMO = (sys.executable, "-m", "streams.cli", "demo")
READY_WITHIN_S = 60


def start(*options: str, mark: str = "") -> subprocess.Popen[str]:
    return subprocess.Popen(
        [*DEMO, *options],
        cwd=ROOT,
        env={**os.environ, "DEMO_MARK": mark, "TURNOUT_BROKERS": "elsewhere:9092"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def marked_processes(mark: str) -> list[str]:
    def environment(process: Path) -> bytes:
        try:
            return (process / "environ").read_bytes()
        except OSError:  # it has ended, or it is not ours
            return b""

    processes = Path("/proc").glob("[0-9]*")
    return [process.name for process in processes if f"DEMO_MARK={mark}".encode() in environment(process)]


async def demo_topics(kafka: BrokerInfo) -> list[str]:
    client = AIOKafkaAdminClient(bootstrap_servers=kafka.bootstrap_servers)
    await client.start()
    try:
        return [name for name in await client.list_topics() if name.startswith("demo-")]
    finally:
        await client.close()


async def test_every_request_is_answered_once_through_an_outage_and_the_bill_equals_the_invoice(
    kafka: BrokerInfo,
) -> None:
    demo = start("--broker", kafka.bootstrap_servers, "--requests", "240", "--json")
    stdout, stderr = demo.communicate(timeout=150)

    assert demo.returncode == 0, stderr
    figures = orjson.loads(stdout)
    assert (figures["requests"], figures["problems"], figures["bill_equals_invoice"]) == (240, [], True)
    assert figures["completed"] + figures["rejected"] + figures["failed"] == 240
    assert sum(row["requests"] for row in figures["by_task"]) == 240
    assert figures["reconciliation"]["metered_nano_usd"] > 0
    outage = figures["outage"]
    assert outage["opened_after_s"]
    assert outage["recovered_after_s"] > 0
    assert outage["fallbacks_meanwhile"] > 0
    assert f"{outage['model']} goes down" in stderr
    assert "has recovered" in stderr
    assert await demo_topics(kafka) == []


async def test_an_interrupt_leaves_neither_processes_nor_topics_behind(kafka: BrokerInfo) -> None:
    mark = uuid4().hex
    demo = start("--broker", kafka.bootstrap_servers, mark=mark)
    assert demo.stdout is not None
    give_up_at = time.monotonic() + READY_WITHIN_S
    while not re.search(r"requests follow", line := demo.stdout.readline()):
        assert line, "it ended before it was interrupted"
        assert time.monotonic() < give_up_at
    assert len(marked_processes(mark)) > 3
    demo.send_signal(signal.SIGINT)
    _, stderr = demo.communicate(timeout=30)

    assert demo.returncode == 130
    assert stderr == "Stopped; no process is left behind.\n"
    assert marked_processes(mark) == []
    assert await demo_topics(kafka) == []


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (("--broker", "127.0.0.1:1"), "No Kafka broker answers"),
        (("--broker", "somewhere"), "A broker is one of auto, kafka, docker, embedded or HOST:PORT"),
    ],
)
def test_what_cannot_be_started_is_said_in_one_sentence(options: tuple[str, ...], sentence: str) -> None:
    demo = start(*options)
    stdout, stderr = demo.communicate(timeout=30)

    assert (demo.returncode, stdout) == (1, "")
    assert stderr.startswith(sentence)
    assert len(stderr.splitlines()) == 1
