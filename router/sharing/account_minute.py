"""What one account has been used for within a minute: calls, and tokens, estimated before a call and settled after it.

A call counts as one request from its beginning on, for a minute. Its tokens count as estimated while it is under way,
and as settled for a minute after its end: providers differ in whether they count them when a call begins (OpenAI: by
its `max_tokens`) or when it ends, and this holds under both.
"""

from collections import deque
from typing import NamedTuple, Protocol

from router.sharing.rate_limit import MINUTE_S
from schemas.vocabulary import AccountLimit


class TokenCounts(Protocol):
    """The tokens of a call, expected or told."""

    @property
    def input_tokens(self) -> int:
        """Of the request."""
        ...

    @property
    def output_tokens(self) -> int:
        """Of the answer."""
        ...


class Use(NamedTuple):
    """Requests and tokens."""

    requests: int = 0
    input_tokens: int = 0
    output_tokens: int = 0

    def of(self, limit: AccountLimit) -> int:
        """Return what a limit counts of it."""
        match limit:
            case AccountLimit.REQUESTS:
                return self.requests
            case AccountLimit.TOKENS:
                return self.input_tokens + self.output_tokens
            case AccountLimit.INPUT_TOKENS:
                return self.input_tokens
            case AccountLimit.OUTPUT_TOKENS:
                return self.output_tokens

    def plus(self, other: "Use") -> "Use":
        """Return both together."""
        return Use(
            self.requests + other.requests,
            self.input_tokens + other.input_tokens,
            self.output_tokens + other.output_tokens,
        )

    def minus(self, other: "Use") -> "Use":
        """Return what is left without the other."""
        return Use(
            self.requests - other.requests,
            self.input_tokens - other.input_tokens,
            self.output_tokens - other.output_tokens,
        )


NOTHING = Use()


def use_of(counts: TokenCounts) -> Use:
    """Return a call with these tokens."""
    return Use(1, counts.input_tokens, counts.output_tokens)


class AccountMinute:
    """The last minute of one account. Memory: two entries a call of the minute."""

    __slots__ = ("_ended", "_entries", "_open", "_under_way")

    def __init__(self) -> None:
        self._entries: deque[tuple[float, Use]] = deque()
        self._ended = NOTHING
        self._open: dict[int, Use] = {}
        self._under_way = NOTHING

    @property
    def under_way(self) -> Use:
        """The tokens that calls under way may take, as estimated; their requests are counted already."""
        return self._under_way

    @property
    def is_idle(self) -> bool:
        """Whether no call is under way."""
        return not self._open

    @property
    def calls(self) -> frozenset[int]:
        """The numbers of the calls under way."""
        return frozenset(self._open)

    def called(self, number: int, estimate: TokenCounts, now_s: float) -> None:
        """Count a call that begins; `number` tells it from the others under way."""
        reserved = Use(0, estimate.input_tokens, estimate.output_tokens)
        self._open[number] = reserved
        self._under_way = self._under_way.plus(reserved)
        self._enter(now_s, Use(requests=1))

    def not_called(self, at_s: float) -> None:
        """Take back the request of a call that was counted at that moment."""
        entry = (at_s, Use(requests=1))
        if entry in self._entries:  # else it began more than a minute ago
            self._entries.remove(entry)
            self._ended = self._ended.minus(entry[1])

    def ended(self, number: int, told: TokenCounts | None, now_s: float) -> Use:
        """Settle a call with what it took, None: with its estimate. Return the tokens that count from now on."""
        reserved = self._open.pop(number)
        self._under_way = self._under_way.minus(reserved)
        settled = reserved if told is None else Use(0, told.input_tokens, told.output_tokens)
        if settled != NOTHING:
            self._enter(now_s, settled)
        return settled

    def used(self, now_s: float) -> Use:
        """Return what counts at this moment, calls under way included."""
        entries = self._entries
        while entries and entries[0][0] <= now_s - MINUTE_S:
            self._ended = self._ended.minus(entries.popleft()[1])
        return self._ended.plus(self._under_way)

    def free_at(self, limit: AccountLimit, per_minute: int, needed: int, now_s: float) -> float | None:
        """Return the moment from which so much more stays within the limit; None while it depends on calls under way.

        A call that needs more than the whole limit goes when nothing else counts: it would wait for ever otherwise.
        """
        if per_minute <= 0:
            return None
        excess = self.used(now_s).of(limit) + min(needed, per_minute) - per_minute
        if excess <= 0:
            return now_s
        for at_s, use in self._entries:
            excess -= use.of(limit)
            if excess <= 0:
                return at_s + MINUTE_S
        return None

    def _enter(self, now_s: float, use: Use) -> None:
        self._entries.append((now_s, use))
        self._ended = self._ended.plus(use)
