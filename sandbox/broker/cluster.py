"""Three Apache Kafka nodes as one cluster, so that one of them can be lost."""

from concurrent.futures import ThreadPoolExecutor
from types import TracebackType
from typing import Self

from sandbox.broker.apache import VOTERS, KafkaProcess
from sandbox.broker.ports import loopback_ports

NODES = 3


class KafkaCluster:
    """Three nodes, each broker and controller; every topic of theirs survives the loss of one.

    As a context manager it starts and closes.
    """

    def __init__(self) -> None:
        controllers = loopback_ports(NODES)
        voters = ",".join(f"{number}@127.0.0.1:{port}" for number, port in enumerate(controllers, start=1))
        self.nodes = {
            number: KafkaProcess(
                controller_port=port,
                properties={
                    VOTERS: voters,
                    "node.id": str(number),
                    "default.replication.factor": str(NODES),
                    "min.insync.replicas": "2",
                    "offsets.topic.replication.factor": str(NODES),
                    "transaction.state.log.replication.factor": str(NODES),
                    "transaction.state.log.min.isr": "2",
                    "share.coordinator.state.topic.replication.factor": str(NODES),
                    "share.coordinator.state.topic.min.isr": "2",
                },
            )
            for number, port in enumerate(controllers, start=1)
        }
        """The nodes by their ids."""

    @property
    def bootstrap_servers(self) -> str:
        """Where they listen."""
        return ",".join(node.bootstrap_servers for node in self.nodes.values())

    def start(self) -> None:
        """Start them all at once, since none answers before it sees another. Raises BrokerUnavailableError."""
        with ThreadPoolExecutor(NODES) as threads:
            for started in [threads.submit(node.start) for node in self.nodes.values()]:
                started.result()

    def close(self) -> None:
        """Stop them and remove their data."""
        for node in self.nodes.values():
            node.kill()
            node.close()

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
