"""Reading what workers write for each other: a bad record is skipped, counted and told, and ends no worker.

Bounds of amounts, counts and moments are in `schemas`. A record of more than `AHEAD_S` in the future is bad too: it
would outlive, and outrank, whatever is written in the meantime.
"""

from collections.abc import Callable
from datetime import datetime
from typing import TypeVar

import structlog
from prometheus_client import Counter

from schemas.message import Message

log = structlog.get_logger()

AHEAD_S = 3600.0
"""As far as the clocks of others may be ahead; brokers refuse records from later, by default."""
SKIPPED = Counter(
    "turnout_internal_records_skipped",
    "Records between workers that cannot be read, by topic.",
    ("topic",),
    registry=None,
)

MessageT = TypeVar("MessageT", bound=Message)
"""PEP 695's `def f[T]` is for Python 3.12; this one is for 3.11 too."""


def read_internal(
    kind: type[MessageT],
    value: bytes | None,
    topic: str,
    now_s: float,
    moment: Callable[[MessageT], datetime] | None = None,
) -> MessageT | None:
    """Read a record between workers; None if it is bad, and that is counted and told.

    Args:
        kind: what the topic's records are.
        value: the record's value.
        topic: its full name.
        now_s: the moment of reading, in seconds since 1970.
        moment: which moment the message speaks of, where it may not be in the future.
    """
    try:
        message = kind.decode(value or b"")
        is_ahead = moment is not None and moment(message).timestamp() > now_s + AHEAD_S
    except (ValueError, OverflowError) as error:
        skipped(topic, error)
        return None
    if is_ahead:
        skipped(topic, ValueError(f"it is of a moment more than {AHEAD_S:.0f} s ahead"))
        return None
    return message


def skipped(topic: str, error: Exception) -> None:
    """Count and tell a record that cannot be read."""
    SKIPPED.labels(topic).inc()
    log.warning("a record between workers cannot be read", topic=topic, error=str(error).partition("\n")[0])
