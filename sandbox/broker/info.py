"""What a caller learns about an open broker, and the error that says why one cannot be had."""

from collections.abc import Callable
from dataclasses import dataclass

Progress = Callable[[str], None]
"""Receives sentences for a person, as things happen."""


class BrokerUnavailableError(Exception):
    """The chosen broker cannot be had; the message is one sentence that names the cause and the fix."""


@dataclass(frozen=True, slots=True)
class BrokerInfo:
    """An open broker.

    `bootstrap_servers` is what clients connect to: `host:port`, or several with commas. `description` is one sentence
    for a person. `durable`: acknowledged records outlive a crash and restart of the broker. `supports_idempotence`: it
    grants producer ids, so idempotent and transactional producers work.
    """

    bootstrap_servers: str
    description: str
    durable: bool
    supports_idempotence: bool


def silent(_: str) -> None:
    """Tell nobody: the default of every `on_progress`."""
