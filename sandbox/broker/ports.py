"""Ports on loopback for brokers to listen on."""

import random
import socket
from itertools import islice

from sandbox.broker.info import BrokerUnavailableError

# Below the ephemeral ranges of Linux and macOS: a broker that is killed and started again must not find its port taken
# by somebody's outgoing connection, nor may a client that reconnects meanwhile connect to itself.
_PORTS = range(20_000, 32_000)


def loopback_ports(count: int, *, first: int | None = None) -> list[int]:
    """Distinct ports that nobody listens on now; the first is `first`, if given.

    Raises BrokerUnavailableError if that one is taken.
    """
    if first is not None and not _is_free(first):
        raise BrokerUnavailableError(
            f"Port {first} is taken: choose another, or use what listens there with --broker 127.0.0.1:{first}."
        )
    # Not the shared generator: two test runs with one seed would choose the same ports.
    shuffled = random.SystemRandom().sample(_PORTS, len(_PORTS))
    free = islice((port for port in shuffled if port != first and _is_free(port)), count - (first is not None))
    return [*([] if first is None else [first]), *free]


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True
