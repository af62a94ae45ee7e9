"""Which broker is chosen, and what a person is told when it cannot be had."""

import socket
from pathlib import Path

import pytest

from sandbox.broker import BrokerUnavailableError, KafkaProcess, open_broker
from sandbox.broker.container import _environment
from sandbox.broker.ports import loopback_ports
from sandbox.broker.wire import Address


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("localhost:9092", Address("localhost", 9092)),
        (" 127.0.0.1:1 ", Address("127.0.0.1", 1)),
        ("[::1]:9092", Address("::1", 9092)),
    ],
)
def test_an_address_is_a_host_and_a_port(text: str, address: Address) -> None:
    assert Address.parse(text) == address
    assert str(address) == text.strip()


@pytest.mark.parametrize("choice", ["", "localhost", ":9092", "localhost:", "localhost:x", "h:0", "h:65536", "h:1,"])
def test_what_is_neither_a_kind_nor_an_address_is_told_the_kinds(choice: str) -> None:
    with (
        pytest.raises(BrokerUnavailableError, match="one of auto, kafka, docker, embedded or HOST:PORT"),
        open_broker(choice),
    ):
        pass


def test_a_port_for_a_broker_that_runs_already_is_refused() -> None:
    with (
        pytest.raises(BrokerUnavailableError, match="localhost:9092 runs already"),
        open_broker("localhost:9092", port=1),
    ):
        pass


@pytest.mark.parametrize("choice", ["kafka", "embedded"])
def test_a_taken_port_is_refused_before_anything_starts(choice: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(BrokerUnavailableError, match=f"Port {port} is taken"), open_broker(choice, port=port):
            pass


def test_ports_are_distinct_and_outside_the_ephemeral_range() -> None:
    wanted, *others = loopback_ports(50, first=20_001)

    assert wanted == 20_001
    assert len({wanted, *others}) == 50
    assert all(20_000 <= port < 32_000 for port in others)


def test_without_java_kafka_names_the_package(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("JAVA_HOME", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(BrokerUnavailableError, match=r"No java in PATH.*apt-get install openjdk-17-jre-headless"):
        KafkaProcess().start()


def test_a_container_advertises_its_port_on_our_side_and_speaks_to_itself_inside() -> None:
    environment = _environment(Address("localhost", 20_001))

    assert environment["KAFKA_ADVERTISED_LISTENERS"] == "CLIENTS://localhost:20001,BROKERS://localhost:9093"
    assert environment["KAFKA_INTER_BROKER_LISTENER_NAME"] == "BROKERS"
    assert environment["KAFKA_PROCESS_ROLES"] == "broker,controller"
    assert environment["KAFKA_AUTO_CREATE_TOPICS_ENABLE"] == "false"
