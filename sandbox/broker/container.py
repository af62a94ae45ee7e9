"""Apache Kafka in a container, through testcontainers and whatever Docker-compatible engine answers."""

from collections.abc import Iterator
from contextlib import closing, contextmanager

from sandbox.broker.apache import SINGLE_NODE
from sandbox.broker.distribution import KAFKA_VERSION
from sandbox.broker.info import BrokerInfo, BrokerUnavailableError, Progress
from sandbox.broker.ports import loopback_ports
from sandbox.broker.wire import Address, wait_until_answers

IMAGE = f"apache/kafka:{KAFKA_VERSION}"
_CLIENTS_PORT = 9092
_START_TIMEOUT_S = 60.0
_ENGINE_TIMEOUT_S = 5


@contextmanager
def container_broker(port: int | None, on_progress: Progress) -> Iterator[BrokerInfo]:
    """Run it while the context is open. Raises BrokerUnavailableError."""
    try:
        # Optional: only the `sandbox` extra brings them.
        import docker  # type: ignore[import-untyped]  # noqa: PLC0415
        from docker.errors import DockerException  # type: ignore[import-untyped]  # noqa: PLC0415
        from testcontainers.core.container import DockerContainer  # noqa: PLC0415
    except ImportError as error:
        raise BrokerUnavailableError("testcontainers is not installed: pip install 'turnout[sandbox]'") from error
    try:
        with closing(docker.from_env(timeout=_ENGINE_TIMEOUT_S)) as engine:
            engine.ping()
    except DockerException as error:
        raise BrokerUnavailableError(
            f"No Docker engine answers; is it running, and does DOCKER_HOST name it? ({error})"
        ) from error

    # Not testcontainers' own KafkaContainer, which knows only Confluent's image.
    container = DockerContainer(IMAGE)
    address = Address(container.get_docker_client().host(), *loopback_ports(1, first=port))
    container.with_bind_ports(_CLIENTS_PORT, address.port).with_envs(**_environment(address))
    on_progress(f"Starting a container of {IMAGE}; the first time its image is downloaded.")
    try:
        container.start()
        wait_until_answers(address, timeout_s=_START_TIMEOUT_S, give_up=lambda: None)
    except (DockerException, TimeoutError) as error:
        container.stop()
        raise BrokerUnavailableError(f"The container of {IMAGE} did not start: {error}") from error
    try:
        on_progress(f"Apache Kafka {KAFKA_VERSION} in a container answers at {address}.")
        yield BrokerInfo(
            bootstrap_servers=str(address),
            description=f"Apache Kafka {KAFKA_VERSION} in a container; its data is gone when it is closed.",
            durable=True,
            supports_idempotence=True,
        )
    finally:
        container.stop()


def _environment(advertised: Address) -> dict[str, str]:
    properties = {
        **SINGLE_NODE,
        # Brokers speak to themselves too, and the clients' address need not be reachable from inside the container.
        "listener.security.protocol.map": "CLIENTS:PLAINTEXT,BROKERS:PLAINTEXT,CONTROLLER:PLAINTEXT",
        "listeners": f"CLIENTS://:{_CLIENTS_PORT},BROKERS://localhost:9093,CONTROLLER://localhost:9094",
        "advertised.listeners": f"CLIENTS://{advertised},BROKERS://localhost:9093",
        "inter.broker.listener.name": "BROKERS",
        "controller.listener.names": "CONTROLLER",
        "controller.quorum.voters": "1@localhost:9094",
    }
    return {f"KAFKA_{name.upper().replace('.', '_')}": value for name, value in properties.items()}
