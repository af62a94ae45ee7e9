"""Which broker: one interface over all kinds."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from enum import StrEnum

from sandbox.broker.apache import KafkaProcess
from sandbox.broker.container import container_broker
from sandbox.broker.embedded import embedded_broker
from sandbox.broker.info import BrokerInfo, BrokerUnavailableError, Progress, silent
from sandbox.broker.wire import Address, check_answers, grants_producer_ids


class BrokerChoice(StrEnum):
    """The brokers that are started for the caller; anything else is the address of one that runs already."""

    AUTO = "auto"
    KAFKA = "kafka"
    DOCKER = "docker"
    EMBEDDED = "embedded"


@contextmanager
def open_broker(choice: str, *, port: int | None = None, on_progress: Progress = silent) -> Iterator[BrokerInfo]:
    """Open the chosen broker; one that is started here ends with the context.

    `choice` is a BrokerChoice, or the HOST:PORT (or several, with commas) of a broker that runs already. `auto` takes
    Apache Kafka as a process, else in a container, else the embedded broker, and says which and why. `port` is where a
    broker that is started listens, on loopback; by default any free one.
    Raises BrokerUnavailableError.
    """
    match choice:
        case BrokerChoice.AUTO:
            opening = _first_that_opens(port, on_progress)
        case BrokerChoice.KAFKA:
            opening = _kafka_broker(port, on_progress)
        case BrokerChoice.DOCKER:
            opening = container_broker(port, on_progress)
        case BrokerChoice.EMBEDDED:
            opening = embedded_broker(port, on_progress)
        case _:
            opening = _external_broker(choice, port)
    with opening as info:
        yield info


@contextmanager
def _first_that_opens(port: int | None, on_progress: Progress) -> Iterator[BrokerInfo]:
    obstacles: list[str] = []
    with ExitStack() as stack:
        for opening in (_kafka_broker, container_broker, embedded_broker):
            try:
                info = stack.enter_context(opening(port, on_progress))
            except BrokerUnavailableError as error:
                obstacles.append(str(error).partition("\n")[0])
                continue
            why = " ".join(obstacles) or "Java and its jars are here."
            on_progress(f"Chosen: {info.description.partition(';')[0]}. Why: {why}")
            yield info
            return
    raise BrokerUnavailableError(" ".join(obstacles))


@contextmanager
def _kafka_broker(port: int | None, on_progress: Progress) -> Iterator[BrokerInfo]:
    with KafkaProcess(port=port, on_progress=on_progress) as kafka:
        yield kafka.info


@contextmanager
def _external_broker(choice: str, port: int | None) -> Iterator[BrokerInfo]:
    try:
        addresses = [Address.parse(part) for part in choice.split(",")]
    except ValueError as error:
        kinds = ", ".join(BrokerChoice)
        raise BrokerUnavailableError(f"A broker is one of {kinds} or HOST:PORT, not {choice!r}: {error}.") from error
    if port is not None:
        raise BrokerUnavailableError(f"A port is for a broker that is started here; {choice} runs already.")
    obstacles: list[str] = []
    for address in addresses:
        try:
            check_answers(address)
        except OSError as error:
            obstacles.append(f"{address}: {error.strerror or error}")
            continue
        yield BrokerInfo(
            bootstrap_servers=",".join(map(str, addresses)),
            description=f"The broker at {choice}; what it keeps is up to it.",
            durable=True,
            supports_idempotence=grants_producer_ids(address),
        )
        return
    raise BrokerUnavailableError(f"No Kafka broker answers ({'; '.join(obstacles)}); is it running, and unencrypted?")
