"""Reads what a worker serves at `/metrics`."""

import re
import socket


def free_port() -> int:
    """Return a port on which nothing listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def value(text: str, name: str, labels: str = "") -> float:
    """Return the sum of the samples of that name whose labels contain the text."""
    found = re.findall(rf"^{name}(\{{[^}}]*\}})? (\S+)$", text, re.MULTILINE)
    return sum(float(number) for written, number in found if labels in written)
