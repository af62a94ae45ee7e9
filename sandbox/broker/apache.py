"""Apache Kafka as a local process: one node, broker and controller in one, on loopback, in a temporary folder."""

import subprocess
import time
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType, TracebackType
from typing import Self

from sandbox.broker.child import Child
from sandbox.broker.distribution import KAFKA_VERSION, Distribution, find_java
from sandbox.broker.info import BrokerInfo, BrokerUnavailableError, Progress, silent
from sandbox.broker.ports import loopback_ports
from sandbox.broker.wire import Address, wait_until_answers

_CLASSES = "classes.jsa"
VOTERS = "controller.quorum.voters"
"""The property that makes a node one of several; without it, it is alone."""
_CLUSTER_ID = "dHVybm91dC1zYW5kYm94MA"  # any 16 bytes in base64url
SINGLE_NODE = MappingProxyType(
    {
        "process.roles": "broker,controller",
        "node.id": "1",
        # After a kill the controller waits this long for the dead broker before it lets the new one in (else 9 s).
        "broker.session.timeout.ms": "2000",
        "broker.heartbeat.interval.ms": "400",
        "auto.create.topics.enable": "false",
        "group.initial.rebalance.delay.ms": "0",
        "offsets.topic.replication.factor": "1",
        "offsets.topic.num.partitions": "4",
        "transaction.state.log.replication.factor": "1",
        "transaction.state.log.min.isr": "1",
        "transaction.state.log.num.partitions": "4",
        "share.coordinator.state.topic.replication.factor": "1",
        "share.coordinator.state.topic.min.isr": "1",
    }
)
_LOGGING = """\
Configuration:
  status: ERROR
  Appenders:
    Console: {name: stdout, PatternLayout: {pattern: "%d %-5p %c{1}: %m%n"}}
  Loggers:
    Root: {level: WARN, AppenderRef: {ref: stdout}}
"""
# The serial collector is the one with the least memory and CPU for so small a heap.
_JVM = (
    *("-Xms256m", "-Xmx512m", "-XX:+UseSerialGC", "-Dlog4j2.configurationFile=log4j2.yaml"),
    "-XX:TieredStopAtLevel=1",  # it lives for minutes: what the second compiler costs would not come back
)


class KafkaProcess:
    """One Apache Kafka node. `start` after `stop` or `kill` finds the same data on the same port; `close` removes it.

    As a context manager it starts and closes. `properties` are added to server.properties and win over ours.
    The constructor raises BrokerUnavailableError if the port is taken.
    Acknowledged records survive `kill`: the page cache outlives the process.
    """

    def __init__(
        self,
        *,
        port: int | None = None,
        controller_port: int | None = None,
        properties: Mapping[str, str] = MappingProxyType({}),
        on_progress: Progress = silent,
    ) -> None:
        clients, controller = loopback_ports(2, first=port)
        self._address = Address("127.0.0.1", clients)
        self._controller = Address("127.0.0.1", controller_port or controller)
        self._properties = properties
        self._on_progress = on_progress
        self._distribution = Distribution.locate()
        self._child: Child | None = None

    @property
    def info(self) -> BrokerInfo:
        """What its clients need; valid before the start too."""
        return BrokerInfo(
            bootstrap_servers=str(self._address),
            description=f"Apache Kafka {KAFKA_VERSION} as a local process; its data is gone when it is closed.",
            durable=True,
            supports_idempotence=True,
        )

    @property
    def bootstrap_servers(self) -> str:
        """Where it listens, now or after `start`."""
        return str(self._address)

    @property
    def pid(self) -> int:
        """The JVM's process id. Raises RuntimeError when it does not run."""
        if self._child is None:
            raise RuntimeError("the broker is not running")
        return self._child.pid

    def start(self, *, timeout_s: float = 60.0) -> None:
        """Start it and return when it answers; the first time, download Kafka if need be and format the storage.

        Raises BrokerUnavailableError, RuntimeError if it runs already.
        """
        java = find_java()
        self._distribution.install(self._on_progress)
        began = time.monotonic()
        if self._child is None:
            self._child = self._prepare(java)
        child = self._child
        command = self._java(java)
        if not self._distribution.class_archive.exists():
            command.append(f"-XX:ArchiveClassesAtExit={child.folder / _CLASSES}")
        child.start([*command, "kafka.Kafka", "server.properties"])
        try:
            wait_until_answers(self._address, timeout_s=timeout_s, give_up=child.ended)
        except TimeoutError as error:
            child.kill()
            raise BrokerUnavailableError(f"Apache Kafka {KAFKA_VERSION} did not start: {error}") from error
        self._on_progress(
            f"Apache Kafka {KAFKA_VERSION} answers at {self._address} after {time.monotonic() - began:.1f} s."
        )

    def stop(self, *, timeout_s: float = 20.0) -> None:
        """End it in an orderly way (SIGTERM; SIGKILL after `timeout_s`), keeping its data. Harmless if it is down."""
        if self._child is not None:
            self._child.stop(timeout_s=timeout_s)
            self._distribution.keep_class_archive(self._child.folder / _CLASSES)

    def kill(self) -> None:
        """End it with SIGKILL, keeping its data. Harmless if it is down."""
        if self._child is not None:
            self._child.kill()

    def close(self) -> None:
        """Stop it and remove its data."""
        if self._child is not None:
            self.stop()
            self._child.close()
            self._child = None

    def __enter__(self) -> Self:
        try:
            self.start()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def _prepare(self, java: Path) -> Child:
        child = Child("turnout-kafka-")
        try:
            self._format(child.folder, java)
        except BaseException:
            child.close()
            raise
        return child

    def _format(self, folder: Path, java: Path) -> None:
        properties = {
            **SINGLE_NODE,
            "listener.security.protocol.map": "CLIENTS:PLAINTEXT,CONTROLLER:PLAINTEXT",
            "inter.broker.listener.name": "CLIENTS",
            "controller.listener.names": "CONTROLLER",
            "listeners": f"CLIENTS://{self._address},CONTROLLER://{self._controller}",
            "advertised.listeners": f"CLIENTS://{self._address}",
            **({} if VOTERS in self._properties else {"controller.quorum.bootstrap.servers": str(self._controller)}),
            "log.dirs": str(folder / "data"),
            **self._properties,
        }
        (folder / "server.properties").write_text("".join(f"{name}={value}\n" for name, value in properties.items()))
        (folder / "log4j2.yaml").write_text(_LOGGING)
        done = subprocess.run(  # noqa: S603 -- our own command line
            [
                *self._java(java),
                "kafka.tools.StorageTool",
                *("format", "--cluster-id", _CLUSTER_ID, "--config", "server.properties"),
                *([] if VOTERS in self._properties else ["--standalone"]),
            ],
            cwd=folder,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode != 0:
            raise BrokerUnavailableError(f"Apache Kafka cannot format {folder}: {done.stdout}{done.stderr}")

    def _java(self, java: Path) -> list[str | Path]:
        command: list[str | Path] = [java, *_JVM, "-cp", self._distribution.class_path]
        archive = self._distribution.class_archive
        return [*command, f"-XX:SharedArchiveFile={archive}"] if archive.exists() else command
