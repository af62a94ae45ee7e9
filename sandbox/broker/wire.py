"""Just enough of Kafka's wire protocol, on a plain blocking socket, to tell whether a broker really answers.

A client library would do, but the ones at hand want an event loop, and brokers are also started from inside one.
Layouts: https://kafka.apache.org/protocol, Metadata v4 and InitProducerId v0.
"""

import socket
import struct
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Self

_METADATA = (3, 4)
_INIT_PRODUCER_ID = (22, 0)
_RETRIABLE = {b"\0\x0e", b"\0\x0f", b"\0\x10"}  # coordinator load in progress, not available, not here
_CORRELATION_ID = 1
_CLIENT_ID = b"turnout-sandbox"
_LARGEST_ANSWER_BYTES = 16 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Address:
    """Where a broker listens."""

    host: str
    port: int

    @classmethod
    def parse(cls, text: str) -> Self:
        """`host:port` or `[ipv6]:port`. Raises ValueError."""
        host, _, port = text.strip().rpartition(":")
        host = host.removeprefix("[").removesuffix("]")
        if not host or not port.isdecimal() or not 0 < int(port) < 1 << 16:
            raise ValueError(f"{text!r} is not HOST:PORT")
        return cls(host, int(port))

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


def check_answers(address: Address, *, timeout_s: float = 2.0) -> None:
    """Return if the cluster behind `address` knows at least one live broker and its controller; else raise OSError."""
    answer = _request(address, _METADATA, struct.pack(">i?", 0, False), timeout_s)  # noqa: FBT003 -- a wire field
    try:
        _throttle_ms, brokers = struct.unpack_from(">ii", answer)
        at = 8
        for _ in range(brokers):
            at = _after_string(answer, at + 4) + 4
            at = _after_string(answer, at)
        (controller_id,) = struct.unpack_from(">i", answer, _after_string(answer, at))
    except struct.error as error:
        raise OSError("something answers there, but it does not speak Kafka") from error
    if brokers < 1 or controller_id < 0:
        raise OSError("it answers, but no broker of the cluster is ready")


def grants_producer_ids(address: Address, *, timeout_s: float = 5.0) -> bool:
    """Whether idempotent producers would work there."""
    end = time.monotonic() + timeout_s
    while True:
        try:
            answer = _request(address, _INIT_PRODUCER_ID, struct.pack(">hi", -1, 60_000), timeout_s)
        except OSError:
            return False
        error_code = answer[4:6]
        # A broker that has just started has yet to get its first block of ids.
        if error_code not in _RETRIABLE or time.monotonic() > end:
            return error_code == b"\0\0"
        time.sleep(0.05)


def wait_until_answers(address: Address, *, timeout_s: float, give_up: Callable[[], str | None]) -> None:
    """Ask again and again until the broker is ready.

    `give_up` says why waiting has become pointless (its process ended), or None. Raises TimeoutError with that, or with
    the last thing that went wrong after `timeout_s` seconds.
    """
    end = time.monotonic() + timeout_s
    while True:
        try:
            return check_answers(address)
        except OSError as error:
            why = give_up() or (f"no answer within {timeout_s:.0f} s ({error})" if time.monotonic() > end else None)
            if why:
                raise TimeoutError(why) from error
        time.sleep(0.02)


def _request(address: Address, api: tuple[int, int], body: bytes, timeout_s: float) -> bytes:
    head = struct.pack(">hhih", *api, _CORRELATION_ID, len(_CLIENT_ID)) + _CLIENT_ID
    with socket.create_connection((address.host, address.port), timeout_s) as connection:
        connection.sendall(struct.pack(">i", len(head) + len(body)) + head + body)
        size, correlation_id = struct.unpack(">ii", _receive(connection, 8))
        if correlation_id != _CORRELATION_ID or size > _LARGEST_ANSWER_BYTES:
            raise OSError("something answers there, but it does not speak Kafka")
        return _receive(connection, size - 4)


def _receive(connection: socket.socket, size: int) -> bytes:
    received = b""
    while len(received) < size:
        chunk = connection.recv(size - len(received))
        if not chunk:
            raise ConnectionResetError("it hangs up on a plaintext Kafka request")
        received += chunk
    return received


def _after_string(answer: bytes, at: int) -> int:
    length: int = struct.unpack_from(">h", answer, at)[0]
    return at + 2 + max(length, 0)
