"""What all workers together know of a model's accounts: use, rests, and each worker's shares of the limits."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice

from router.catalogue import Account
from router.models.panes import Pane
from router.sharing.account_minute import NOTHING, Use
from router.sharing.allotment import Claim, allot, joining_share
from router.sharing.rate_limit import MINUTE_S
from schemas.health import AccountHealth, AccountRest, AccountStats
from schemas.vocabulary import AccountLimit

MOST_TOLD = 16
"""Of more workers only some are named, and the shares of those that have not taken them over."""


@dataclass(slots=True)
class _Lost:
    """What calls were under way of a worker that has fallen silent: they count until they have left the minute."""

    until_s: float
    under_way: Mapping[str, Use]


@dataclass(slots=True)
class AccountShares:
    """The accounts of one model's provider, for that model. Not for several threads."""

    accounts: tuple[Account, ...]
    model: str
    _granted: dict[tuple[str, AccountLimit], dict[str, int]] = field(default_factory=dict)
    _lost: list[_Lost] = field(default_factory=list)

    @property
    def granted(self) -> dict[str, dict[str, dict[str, int]]]:
        """The shares as they were granted last, by account, limit and worker."""
        found: dict[str, dict[str, dict[str, int]]] = {}
        for (name, limit), shares in self._granted.items():
            found.setdefault(name, {})[limit] = dict(shares)
        return found

    def restore(self, granted: Mapping[str, Mapping[str, Mapping[str, int]]]) -> None:
        """Go on with the shares that another process has granted."""
        self._granted = {
            (name, limit): dict(shares[limit])
            for name, shares in granted.items()
            for limit in AccountLimit
            if limit in shares
        }

    def silent(self, accounts: Mapping[str, AccountStats], now_s: float) -> None:
        """Take in that a worker is gone without a word; `accounts` was its last one."""
        under_way = {name: _under_way(told) for name, told in accounts.items()}
        self._lost.append(_Lost(now_s + MINUTE_S, under_way))

    def health(
        self,
        panes: Iterable[Pane],
        workers: Mapping[str, Mapping[str, AccountStats]],
        now_s: float,
        *,
        resuming: bool,
        kept_by: frozenset[str] = frozenset(),
    ) -> dict[str, AccountHealth]:
        """Return how the accounts stand, with the shares that hold from now on.

        Args:
            panes: those that reach into the last minute.
            workers: the last word of each that is there.
            now_s: the moment.
            resuming: not all workers have had time to speak; those that were known before keep what they have.
            kept_by: the workers that need not be told a share that they have taken over.
        """
        self._lost = [lost for lost in self._lost if lost.until_s > now_s]
        found = list(panes)
        return {
            one.name: self._account(one, found, workers, now_s, resuming=resuming, kept_by=kept_by)
            for one in self.accounts
        }

    def _account(
        self,
        account: Account,
        panes: list[Pane],
        workers: Mapping[str, Mapping[str, AccountStats]],
        now_s: float,
        *,
        resuming: bool,
        kept_by: frozenset[str],
    ) -> AccountHealth:
        name, limits = account.name, account.limits_of(self.model)
        told = {worker: accounts[name] for worker, accounts in workers.items() if name in accounts}
        ended = _ended(name, panes, now_s)
        lost = NOTHING
        for use in (*(use for worker, use in ended.items() if worker not in workers), *self._lost_of(name)):
            lost = lost.plus(use)
        made = {
            worker: ended.get(worker, NOTHING).plus(_under_way(told.get(worker, AccountStats()))) for worker in workers
        }
        used = lost
        for use in made.values():
            used = used.plus(use)
        shares: dict[str, dict[str, int]] = {}
        for limit, whole in limits.items():
            claims = [
                Claim(
                    worker=worker,
                    granted=self._granted.get((name, limit), {}).get(worker),
                    in_force=told[worker].shares.get(limit, joining_share(whole)) if worker in told else 0,
                    made=made[worker].of(limit),
                    held_back=worker in told and limit in told[worker].limited,
                )
                for worker in sorted(workers)
            ]
            all_shares = self._allot(name, limit, whole, claims, lost.of(limit), resuming=resuming)
            shares[limit] = {
                worker: share
                for worker, share in all_shares.items()
                if not (worker in kept_by and worker in told and told[worker].shares.get(limit) == share)
            }
        return AccountHealth(
            limits=dict(limits),
            told_limits={limit: most for one in told.values() for limit, most in one.told_limits.items()},
            used={limit: used.of(limit) for limit in AccountLimit if limit in limits or limit is AccountLimit.REQUESTS},
            shares=shares,
            rests={
                worker: AccountRest(until=until, reason=one.rests_for or "")
                for worker, one, until in islice(_resting(told, now_s), MOST_TOLD)
            },
        )

    def _allot(
        self, name: str, limit: AccountLimit, whole: int, claims: list[Claim], gone: int, *, resuming: bool
    ) -> dict[str, int]:
        granted = self._granted.get((name, limit), {})
        present = {claim.worker for claim in claims}
        unheard = {worker: share for worker, share in granted.items() if worker not in present} if resuming else {}
        shares = {**unheard, **allot(whole, claims, gone + sum(unheard.values()))}
        self._granted[name, limit] = shares
        return dict(shares)

    def _lost_of(self, name: str) -> Iterable[Use]:
        return (lost.under_way.get(name, NOTHING) for lost in self._lost)


def _resting(told: Mapping[str, AccountStats], now_s: float) -> Iterator[tuple[str, AccountStats, datetime]]:
    """Give the workers for which an account rests, by name, and until when."""
    for worker, one in sorted(told.items()):
        if one.rests_until is not None and one.rests_until.timestamp() > now_s:
            yield worker, one, one.rests_until


def _under_way(told: AccountStats) -> Use:
    return Use(0, told.input_tokens_under_way, told.output_tokens_under_way)


def _ended(account: str, panes: Iterable[Pane], now_s: float) -> dict[str, Use]:
    """Return the use of each worker that has not certainly left the minute; a second counts whole."""
    found: dict[str, Use] = {}
    for pane in panes:
        for worker, seconds in pane.accounts.get(account, {}).items():
            for second, use in seconds.items():
                if second + 1 + MINUTE_S > now_s:
                    found[worker] = found.get(worker, NOTHING).plus(use)
    return found
