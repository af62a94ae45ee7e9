"""The brokers themselves: real processes, produced to, killed and started again."""

import gc
import json
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from uuid import uuid4

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from sandbox.broker import BrokerInfo, BrokerUnavailableError, KafkaProcess, open_broker
from sandbox.broker.wire import Address, check_answers


@pytest.fixture(scope="module")
def embedded() -> Iterator[BrokerInfo]:
    with open_broker("embedded") as info:
        yield info


@pytest.fixture
def no_engine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    """No Docker engine, whatever the machine has."""
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/docker.sock")
    yield
    # Docker's client leaves the socket open that it could not connect; that warning is not for the next test.
    gc.collect()


async def _create_topic(bootstrap_servers: str) -> str:
    name = f"brokers-{uuid4().hex}"
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap_servers)
    await admin.start()
    try:
        await admin.create_topics([NewTopic(name, num_partitions=1, replication_factor=1)])
    finally:
        await admin.close()
    return name


async def _produce(bootstrap_servers: str, topic: str, values: list[bytes], *, idempotent: bool) -> None:
    async with AIOKafkaProducer(
        bootstrap_servers=bootstrap_servers, enable_idempotence=idempotent, acks="all", max_request_size=4_000_000
    ) as producer:
        for value in values:
            await producer.send_and_wait(topic, value)


async def _consume(bootstrap_servers: str, topic: str, count: int) -> list[bytes]:
    async with AIOKafkaConsumer(bootstrap_servers=bootstrap_servers) as consumer:
        partition = TopicPartition(topic, 0)
        consumer.assign([partition])
        await consumer.seek_to_beginning(partition)
        return [(await consumer.getone()).value for _ in range(count)]


def _wait_for(condition: Callable[[], bool], timeout_s: float = 10.0) -> None:
    end = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.02)


def _gone(pid: int) -> bool:
    """Ended; a zombie whose new parent does not collect it counts."""
    try:
        return "\nState:\tZ" in Path(f"/proc/{pid}/status").read_text()
    except FileNotFoundError:
        return True


async def test_what_kafka_acknowledged_survives_a_sigkill_and_a_stop() -> None:
    with KafkaProcess() as kafka:
        topic = await _create_topic(kafka.bootstrap_servers)
        await _produce(kafka.bootstrap_servers, topic, [b"before the kill"], idempotent=True)
        first_pid = kafka.pid

        kafka.kill()
        with pytest.raises(OSError, match="refused"):
            check_answers(Address.parse(kafka.bootstrap_servers))
        kafka.start()
        assert kafka.pid != first_pid
        await _produce(kafka.bootstrap_servers, topic, [b"before the stop"], idempotent=True)

        kafka.stop()
        kafka.start()
        assert await _consume(kafka.bootstrap_servers, topic, 2) == [b"before the kill", b"before the stop"]


async def test_properties_win_over_the_defaults() -> None:
    with KafkaProcess(properties={"message.max.bytes": "3000000"}) as kafka:
        topic = await _create_topic(kafka.bootstrap_servers)
        await _produce(kafka.bootstrap_servers, topic, [b"x" * 2_000_000], idempotent=True)
        with pytest.raises(RuntimeError, match="already running"):
            kafka.start()


def test_a_kafka_that_cannot_start_says_why() -> None:
    with (
        pytest.raises(BrokerUnavailableError, match=r"cannot format.*process\.roles"),
        KafkaProcess(properties={"process.roles": "cook"}),
    ):
        pass


def test_a_kafka_that_ends_while_starting_shows_its_log() -> None:
    kafka = KafkaProcess()
    address = Address.parse(kafka.bootstrap_servers)
    with (
        socket.create_server((address.host, address.port)),
        pytest.raises(BrokerUnavailableError, match=r"did not start: it ended with exit code 1:(.|\n)*already in use"),
        kafka,
    ):
        pass


def test_closing_kafka_removes_its_folder() -> None:
    kafka = KafkaProcess()
    with kafka:
        folder = Path(f"/proc/{kafka.pid}/cwd").readlink()
        assert folder.name.startswith("turnout-kafka-")
    assert not folder.exists()
    with pytest.raises(RuntimeError, match="not running"):
        _ = kafka.pid


async def test_the_kafka_of_the_tests_takes_transactions(kafka: BrokerInfo) -> None:
    assert kafka.supports_idempotence
    topic = await _create_topic(kafka.bootstrap_servers)
    async with (
        AIOKafkaProducer(bootstrap_servers=kafka.bootstrap_servers, transactional_id=topic) as producer,
        producer.transaction(),
    ):
        await producer.send_and_wait(topic, b"committed")
    assert await _consume(kafka.bootstrap_servers, topic, 1) == [b"committed"]


def test_a_broker_that_runs_already_is_asked_what_it_can(kafka: BrokerInfo, embedded: BrokerInfo) -> None:
    nobody = "127.0.0.1:1"
    with open_broker(f"{nobody},{kafka.bootstrap_servers}") as info:
        assert info.bootstrap_servers == f"{nobody},{kafka.bootstrap_servers}"
        assert info.supports_idempotence
    with open_broker(embedded.bootstrap_servers) as info:
        assert not info.supports_idempotence


@pytest.mark.parametrize(
    ("address", "why"),
    [("127.0.0.1:1", "127.0.0.1:1: Connection refused"), ("broker.invalid:9092", "broker.invalid:9092: .*known")],
)
def test_a_wrong_address_is_told_with_the_cause(address: str, why: str) -> None:
    with pytest.raises(BrokerUnavailableError, match=f"No Kafka broker answers .*{why}"), open_broker(address):
        pass


@pytest.mark.parametrize(
    ("answer", "why"), [(b"HTTP/1.1 400 Bad Request\r\n\r\n", "does not speak Kafka"), (b"", "hangs up")]
)
def test_what_is_no_kafka_is_told_so(answer: bytes, why: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:

        def answer_once() -> None:
            connection, _ = server.accept()
            with connection:
                connection.recv(1024)
                connection.sendall(answer)

        serving = threading.Thread(target=answer_once)
        serving.start()
        with (
            pytest.raises(BrokerUnavailableError, match=why),
            open_broker(f"127.0.0.1:{server.getsockname()[1]}"),
        ):
            pass
        serving.join()


async def test_the_embedded_broker_carries_records_and_says_what_it_lacks(embedded: BrokerInfo) -> None:
    topic = await _create_topic(embedded.bootstrap_servers)
    await _produce(embedded.bootstrap_servers, topic, [b"one", b"two"], idempotent=False)

    assert await _consume(embedded.bootstrap_servers, topic, 2) == [b"one", b"two"]
    assert not embedded.durable
    assert not embedded.supports_idempotence
    assert "in memory only" in embedded.description


@pytest.mark.usefixtures("no_engine")
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # see no_engine
def test_without_an_engine_docker_says_so() -> None:
    with pytest.raises(BrokerUnavailableError, match="No Docker engine answers"), open_broker("docker"):
        pass


@pytest.mark.usefixtures("no_engine")
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # see no_engine
def test_auto_falls_back_to_the_embedded_broker_and_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JAVA_HOME", "/nowhere")
    said: list[str] = []

    with open_broker("auto", on_progress=said.append) as info:
        assert not info.durable
    assert said[-1].startswith("Chosen: Embedded broker, in memory only. Why: ")
    assert "No java in JAVA_HOME" in said[-1]
    assert "No Docker engine answers" in said[-1]


def test_a_broker_and_its_folder_end_when_its_parent_is_killed() -> None:
    parent = subprocess.Popen([sys.executable, "-m", "sandbox.broker", "--broker", "embedded"], stdout=subprocess.PIPE)
    with parent:
        assert parent.stdout is not None
        address = Address.parse(json.loads(parent.stdout.readline())["bootstrap_servers"])
        children = Path(f"/proc/{parent.pid}/task/{parent.pid}/children").read_text().split()
        folders = {Path(f"/proc/{child}/cwd").readlink() for child in children} - {Path.cwd()}
        check_answers(address)
        assert [folder.name.startswith("turnout-embedded-") for folder in folders] == [True]

        parent.kill()
    _wait_for(lambda: all(_gone(int(child)) for child in children))
    _wait_for(lambda: not any(folder.exists() for folder in folders))


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_the_command_prints_one_json_line_and_ends_cleanly(number: signal.Signals) -> None:
    command = [sys.executable, "-m", "sandbox.broker", "--broker", "embedded"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        check_answers(Address.parse(json.loads(process.stdout.readline())["bootstrap_servers"]))
        process.send_signal(number)
        rest, said = process.communicate()

    assert process.returncode == 0
    assert rest == ""
    assert said.splitlines()[-1] == "The broker has stopped."


def test_the_command_ends_when_the_broker_does() -> None:
    command = [sys.executable, "-m", "sandbox.broker", "--broker"]
    broker = subprocess.Popen([*command, "embedded"], stdout=subprocess.PIPE)
    with broker:
        assert broker.stdout is not None
        address = json.loads(broker.stdout.readline())["bootstrap_servers"]
        with subprocess.Popen(
            [*command, address], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        ) as watcher:
            assert watcher.stdout is not None
            watcher.stdout.readline()
            broker.terminate()
            _, said = watcher.communicate()

    assert watcher.returncode == 1
    assert "no longer answers: " in said
