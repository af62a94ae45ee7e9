"""Requests that ask the same at once: one of them, the leader, is answered by a model, the others wait for that.

| what becomes of the leader                              | the others                                              |
|---------------------------------------------------------|---------------------------------------------------------|
| its answer may be used again                            | are answered with it                                    |
| its answer may not: cut off, a call of a tool, ...      | go on by themselves, all at once: they would get no other |
| it fails, or is given up (a rebalance, a worker's stop, | go on one by one: the next of them leads                |
| a place in the batch lane), or it is to be forgotten    |                                                         |

No request waits for another's call beyond half of the time that it has, and then goes on by itself.
"""

from enum import Enum, auto

PATIENCE = 0.5


class Landing(Enum):
    """What became of a leader, if there is no answer of it to use."""

    FAILED = auto()
    NOT_KEPT = auto()


def waits_until_s(now_s: float, deadline_s: float) -> float:
    """Return how long a request waits for another one's answer: half of its time is left for a call of its own."""
    return now_s + max(0.0, deadline_s - now_s) * PATIENCE
