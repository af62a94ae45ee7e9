"""The accounts by which one model is called: which of them is next, which rests, and what each still allows.

Rules:
1. An account that the provider refuses (its key, its credit) rests for `REFUSED_S`, twice as long each time, at most
   `MOST_REFUSED_S`; then one call at a time tries it, until one is answered. One that is limited rests for as long as
   the provider asks. The others go on.
2. An account may be called when it does not rest, and this worker's share of each of its limits has room for the call.
3. Of those that may be called the next one is taken by `rotate`: in every run of calls each has its weight's part. But
   a call whose prefix the provider has in one of their caches goes by that one.
4. A refusal of the key itself (401, 402) rests the account for all models; anything else for the model that was asked.
5. A key that is replaced ends the rest of a refusal at once; calls that began with the one before say nothing of it.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from http import HTTPStatus
from typing import NamedTuple

from router.catalogue import Account
from router.charges import Charge
from router.errors import UpstreamFailure
from router.sharing.account_minute import AccountMinute, TokenCounts, Use, use_of
from schemas.vocabulary import AccountLimit, AttemptOutcome, SkipReason

REFUSED_S = 30.0
MOST_REFUSED_S = 300.0
LIMITED_REST_S = 1.0
"""How long an account rests that is limited when the provider does not say for how long."""
TRIAL_POLL_S = 0.25
"""How often to look while one call tries an account that was refused."""
ROOM_POLL_S = 0.5
"""How often to look whether calls under way have left room, or the share has grown."""

ACCOUNTS_OWN = frozenset({AttemptOutcome.AUTHENTICATION, AttemptOutcome.RATE_LIMITED})
"""What is held against the account that was called with, not against the model."""
OF_THE_KEY = frozenset({HTTPStatus.UNAUTHORIZED, HTTPStatus.PAYMENT_REQUIRED})

Shares = Callable[[str, AccountLimit, int], int]
"""Returns the part of an account's limit that this worker may use: of account, limit, and the whole."""


class RestReason(StrEnum):
    """Why an account rests."""

    REFUSED = "refused"
    LIMITED = "limited"


class _NoTokens(NamedTuple):
    """What a call took that was refused."""

    input_tokens: int = 0
    output_tokens: int = 0


NO_TOKENS = _NoTokens()


class AccountReadiness(NamedTuple):
    """When a call may be made by any of the accounts."""

    at_s: float
    reason: SkipReason | None = None
    limited: bool = False
    """A share of a limit is used up."""


class Turn(NamedTuple):
    """Which account is next, and the standing of all for the turn after it."""

    account: str
    saved: Mapping[str, int]


def rotate(saved: Mapping[str, int], weights: Mapping[str, int]) -> Turn:
    """Return whose turn it is among the accounts that may be called, by smooth weighted round-robin.

    Each gains its weight, and the richest is taken and pays what all have gained: over a run in which all may be called
    each is taken by its weight, as evenly as can be. Source: nginx, `ngx_http_upstream_round_robin.c` (2012).

    Args:
        saved: what each has saved up; those that cannot be called keep theirs.
        weights: of those that may be called; at least one.
    """
    gained = {name: saved.get(name, 0) + weight for name, weight in weights.items()}
    richest = max(gained, key=gained.__getitem__)
    gained[richest] -= sum(weights.values())
    return Turn(richest, {**saved, **gained})


@dataclass(slots=True)
class AccountState:
    """One account, as one worker has it for one model."""

    account: Account
    limits: Mapping[AccountLimit, int]
    minute: AccountMinute
    rests_until_s: float = 0.0
    rests_for: RestReason | None = None
    refusals: int = 0
    """In a row."""
    limited_s: Mapping[AccountLimit, float] = field(default_factory=dict)
    """When a call last found no room in the share of each limit."""
    told: Mapping[AccountLimit, int] = field(default_factory=dict)
    """Its limits by the provider's own headers."""
    with_old_key: frozenset[int] = frozenset()
    """The calls that were under way when its key was replaced."""

    def full(self, use: Use, shares: Shares, now_s: float) -> Mapping[AccountLimit, float]:
        """Return the limits without room for a call, and when each may have some."""
        found: dict[AccountLimit, float] = {}
        for limit, whole in self.limits.items():
            share = shares(self.account.name, limit, whole)
            free_s = self.minute.free_at(limit, share, use.of(limit), now_s)
            if free_s is None or share < whole:
                free_s = now_s + ROOM_POLL_S if free_s is None else min(free_s, now_s + ROOM_POLL_S)
            if free_s > now_s:
                found[limit] = free_s
        return found

    def ready_at(self, use: Use, shares: Shares, now_s: float) -> AccountReadiness:
        """Return when the account may be called."""
        if self.rests_until_s > now_s:
            is_refused = self.rests_for is RestReason.REFUSED
            return AccountReadiness(
                self.rests_until_s, SkipReason.ACCOUNTS_REFUSED if is_refused else SkipReason.RATE_LIMIT
            )
        if self.refusals and not self.minute.is_idle:
            return AccountReadiness(now_s + TRIAL_POLL_S, SkipReason.ACCOUNTS_REFUSED)
        if full := self.full(use, shares, now_s):
            return AccountReadiness(max(full.values()), SkipReason.RATE_LIMIT, limited=True)
        return AccountReadiness(now_s)

    def refused(self, now_s: float) -> None:
        """Let it rest; refusals of calls that began before the rest count once."""
        if self.rests_until_s > now_s and self.rests_for is RestReason.REFUSED:
            return
        self._rest(now_s + min(REFUSED_S * 2**self.refusals, MOST_REFUSED_S), RestReason.REFUSED)
        self.refusals += 1

    def key_replaced(self) -> None:
        """Call it again, if it was refused. A limit is the account's, whatever its key."""
        self.refusals, self.with_old_key = 0, self.minute.calls
        if self.rests_for is RestReason.REFUSED:
            self.rests_until_s = 0.0

    def limited(self, until_s: float) -> None:
        """Let it rest; a longer rest stays."""
        if until_s > self.rests_until_s:
            self._rest(until_s, RestReason.LIMITED)

    def _rest(self, until_s: float, reason: RestReason) -> None:
        self.rests_until_s, self.rests_for = until_s, reason


class Accounts:
    """All accounts of one model's provider, for that model."""

    def __init__(self, accounts: Sequence[Account], model: str) -> None:
        self.states = {one.name: AccountState(one, one.limits_of(model), AccountMinute()) for one in accounts}
        self._saved: Mapping[str, int] = {}

    def readiness(self, estimate: TokenCounts, shares: Shares, now_s: float) -> AccountReadiness:
        """Return when the first of them may be called. What holds them is a limit, unless all are refused."""
        use = use_of(estimate)
        waiting: list[AccountReadiness] = []
        for state in self.states.values():
            one = state.ready_at(use, shares, now_s)
            if one.at_s <= now_s:
                return one
            waiting.append(one)
        are_refused = all(one.reason is SkipReason.ACCOUNTS_REFUSED for one in waiting)
        reason = SkipReason.ACCOUNTS_REFUSED if are_refused else SkipReason.RATE_LIMIT
        return AccountReadiness(min(one.at_s for one in waiting), reason, any(one.limited for one in waiting))

    def call(self, number: int, estimate: TokenCounts, shares: Shares, now_s: float, prefers: str = "") -> str:
        """Choose the account of a call that begins now, and reserve what it may take.

        The one that it prefers is taken if it may be called, and pays no turn for that.
        """
        use = use_of(estimate)
        ready_s = {name: state.ready_at(use, shares, now_s).at_s for name, state in self.states.items()}
        soonest_s = max(min(ready_s.values()), now_s)
        weights = {name: self.states[name].account.weight for name, at_s in ready_s.items() if at_s <= soonest_s}
        if prefers in weights:
            weights = {prefers: weights[prefers]}
        turn = rotate(self._saved, weights)
        self._saved = turn.saved
        self.states[turn.account].minute.called(number, estimate, now_s)
        return turn.account

    def answered(self, account: str, number: int, told: TokenCounts | None, now_s: float) -> Use:
        """Settle a call that was answered; return the tokens that count."""
        state = self.states[account]
        state.refusals = 0
        if state.rests_for is RestReason.REFUSED:
            state.rests_until_s = 0.0
        return state.minute.ended(number, told, now_s)

    def abandoned(self, account: str, number: int, now_s: float | None) -> Use:
        """Settle a call that is waited for no more with its estimate; without a moment it was not made."""
        minute = self.states[account].minute
        return minute.ended(number, NO_TOKENS, 0.0) if now_s is None else minute.ended(number, None, now_s)

    def not_called(self, account: str, at_s: float) -> None:
        """Take back the request of a call that was noted at that moment: it was made as part of another one."""
        self.states[account].minute.not_called(at_s)

    def failed(self, account: str, number: int, failure: UpstreamFailure, now_s: float) -> Use:
        """Settle a call that failed, and let the account rest if it is to blame; return the tokens that count."""
        state = self.states[account]
        told = failure.usage or (NO_TOKENS if failure.charge is Charge.FREE else None)
        settled = state.minute.ended(number, told, now_s)
        match failure.category:
            case AttemptOutcome.AUTHENTICATION if number not in state.with_old_key:
                state.refused(now_s)
            case AttemptOutcome.RATE_LIMITED:
                wait_s = LIMITED_REST_S if failure.retry_after_s is None else failure.retry_after_s
                state.limited(now_s + wait_s)
        return settled

    def rests(self, now_s: float) -> tuple[RestReason | None, ...]:
        """Return why each rests, in their order; None: it does not."""
        return tuple(state.rests_for if state.rests_until_s > now_s else None for state in self.states.values())

    def is_of_old_key(self, account: str, number: int) -> bool:
        """Say whether a call began before the account's key was replaced."""
        return number in self.states[account].with_old_key

    def turned_away(self, estimate: TokenCounts, shares: Shares, now_s: float) -> None:
        """Note a request that no account had room for: the worker could do with larger shares of these limits."""
        use = use_of(estimate)
        for state in self.states.values():
            state.limited_s = {**state.limited_s, **dict.fromkeys(state.full(use, shares, now_s), now_s)}

    def go_on(self, failure: UpstreamFailure, estimate: TokenCounts, shares: Shares, now_s: float) -> bool:
        """Say whether the failure is of one account alone, and another is to be had.

        After a refusal that is so unless all are refused: an account that is limited only has room again. After a limit
        another has to be ready now, or the next model's turn has come.
        """
        if failure.category not in ACCOUNTS_OWN:
            return False
        others = self.readiness(estimate, shares, now_s)
        if failure.category is AttemptOutcome.AUTHENTICATION:
            return others.reason is not SkipReason.ACCOUNTS_REFUSED
        return others.at_s <= now_s


def is_of_the_key(failure: UpstreamFailure) -> bool:
    """Say whether a refusal holds for whatever else is asked with the key."""
    return failure.category is AttemptOutcome.AUTHENTICATION and failure.status_code in OF_THE_KEY
