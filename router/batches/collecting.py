"""Requests that wait for a batch, and when and how many of them go.

A batch goes as soon as it is full (requests, bytes, tokens), its first request has waited for `max_age_s`, or the first
deadline leaves no more than the time that a batch takes. None goes that would exceed the tokens which the provider lets
one account have enqueued; it goes when others have ended.
"""

from array import array
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import islice
from typing import TypeVar

from router.batches.members import DIGEST_BYTES, Members, whole_s

MOST_REQUESTS = 50_000
"""In one batch, whatever its provider takes: who is answered is stored, a bit a request, after each hundred results."""
MOST_DUE = 2000
"""So many are taken at a time whose deadline has come: some milliseconds."""


@dataclass(frozen=True, slots=True)
class CollectingRules:
    """How large a batch of one model becomes, and how long it is waited for."""

    max_requests: int = MOST_REQUESTS
    max_bytes: int = 100_000_000
    """Of the records, which the provider's lines are about as long as."""
    max_enqueued_tokens: int | None = None
    """Of all batches of one account and model that have not ended; None: there is no bound."""
    max_age_s: float = 300.0
    """The longest time that the first request waits for others."""


class Go(StrEnum):
    """Why a batch goes."""

    REQUESTS = "requests"
    BYTES = "bytes"
    TOKENS = "tokens"
    AGE = "age"
    DEADLINE = "deadline"


@dataclass(frozen=True, slots=True)
class WaitingRequest:
    """A request that waits for a batch. Moments are seconds since 1970."""

    offset: int
    digest: bytes
    """Of its identity: a second record of it is known by that."""
    size_bytes: int
    tokens: int
    """Input and the longest answer: what it counts as while it is enqueued."""
    deadline_s: float
    since_s: float


@dataclass(frozen=True, slots=True)
class Taken:
    """The requests of a new batch."""

    members: Members
    tokens: int
    size_bytes: int


class Collecting:
    """The requests of one partition for one model and account. Memory: 40 bytes a request."""

    __slots__ = ("_deadlines", "_digests", "_offsets", "_since", "_sizes", "_tokens", "size_bytes", "tokens")

    def __init__(self) -> None:
        self._offsets, self._digests = array("q"), bytearray()
        self._sizes, self._tokens = array("Q"), array("Q")
        self._deadlines, self._since = array("I"), array("I")
        self.size_bytes = 0
        self.tokens = 0

    def __len__(self) -> int:
        return len(self._offsets)

    def add(self, request: WaitingRequest) -> None:
        """Take in a request. Most come by rising offset; those of a batch that was given up come again before them."""
        place = bisect_left(self._offsets, request.offset)
        self._offsets.insert(place, request.offset)
        self._digests[place * DIGEST_BYTES : place * DIGEST_BYTES] = request.digest
        self._sizes.insert(place, request.size_bytes)
        self._tokens.insert(place, request.tokens)
        self._deadlines.insert(place, whole_s(request.deadline_s))
        self._since.insert(place, whole_s(request.since_s))
        self.size_bytes += request.size_bytes
        self.tokens += request.tokens

    @property
    def first_offset(self) -> int | None:
        """The offset of the request that waits longest; None without one."""
        return self._offsets[0] if self._offsets else None

    def first_since_s(self) -> float | None:
        """Return since when the first one waits; None without one."""
        return float(self._since[0]) if self._since else None

    def ready(self, rules: CollectingRules, enqueued_tokens: int, takes_s: float | None, now_s: float) -> Go | None:
        """Say why a batch goes now; None: it does not yet.

        Args:
            rules: how large it may become.
            enqueued_tokens: of the batches of this model and account that have not ended.
            takes_s: the time from now until a batch's answers are published, with a margin; None: not known.
            now_s: this moment.
        """
        if not self._offsets:
            return None
        limit = rules.max_enqueued_tokens
        if limit is not None and enqueued_tokens and enqueued_tokens + self._tokens[0] > limit:
            return None
        first_s = now_s if takes_s is None else min(self._deadlines) - takes_s
        reasons = {
            Go.REQUESTS: len(self) >= rules.max_requests,
            Go.BYTES: self.size_bytes >= rules.max_bytes,
            Go.TOKENS: limit is not None and self.tokens >= limit - enqueued_tokens,
            Go.AGE: now_s - self._since[0] >= rules.max_age_s,
            Go.DEADLINE: takes_s is not None and first_s <= now_s,
        }
        return next((reason for reason, holds in reasons.items() if holds), None)

    def take(self, rules: CollectingRules, enqueued_tokens: int) -> Taken:
        """Take the requests of one batch, the first ones, at least one."""
        count = size = tokens = 0
        limit = rules.max_enqueued_tokens
        room = None if limit is None else limit - enqueued_tokens
        for one_size, one_tokens in zip(self._sizes, self._tokens, strict=True):
            is_full = count >= rules.max_requests or size + one_size > rules.max_bytes
            if count and (is_full or (room is not None and tokens + one_tokens > room)):
                break
            count, size, tokens = count + 1, size + one_size, tokens + one_tokens
        return self._split([(0, count)])

    def take_due(self, by_s: float) -> Taken | None:
        """Take the first `MOST_DUE` of those whose deadline is not after `by_s`; None if there are none."""
        if not self._offsets or min(self._deadlines) > by_s:
            return None
        due = (place for place, deadline in enumerate(self._deadlines) if deadline <= by_s)
        return self._split([(place, place + 1) for place in islice(due, MOST_DUE)])

    def _split(self, runs: Sequence[tuple[int, int]]) -> Taken:
        """Take the requests from each first place up to the second one, and keep the others."""
        offsets, self._offsets = _parted(self._offsets, runs)
        deadlines, self._deadlines = _parted(self._deadlines, runs)
        sizes, self._sizes = _parted(self._sizes, runs)
        tokens, self._tokens = _parted(self._tokens, runs)
        _, self._since = _parted(self._since, runs)
        digests, self._digests = _parted(
            self._digests, [(begin * DIGEST_BYTES, end * DIGEST_BYTES) for begin, end in runs]
        )
        taken = Taken(Members(offsets, deadlines, bytes(digests)), sum(tokens), sum(sizes))
        self.size_bytes -= taken.size_bytes
        self.tokens -= taken.tokens
        return taken


ColumnT = TypeVar("ColumnT", "array[int]", bytearray)


def _parted(column: ColumnT, runs: Sequence[tuple[int, int]]) -> tuple[ColumnT, ColumnT]:
    """Return what lies in the runs, and what does not: by slices, as there may be a hundred thousand of each."""
    taken, kept, at = column[:0], column[:0], 0
    for begin, end in runs:
        kept += column[at:begin]
        taken += column[begin:end]
        at = end
    kept += column[at:]
    return taken, kept
