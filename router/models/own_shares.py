"""What one worker may use of the limits that all share: as much as it was granted, or what one that joins has."""

from router.catalogue import Model
from router.models.accounts import Shares
from router.models.model_state import LIMITED_S, STALE_S, ModelState
from router.models.stats import AccountSnapshot
from router.sharing.allotment import share_in_force
from router.sharing.member import Member
from schemas.vocabulary import AccountLimit


class OwnShares:
    """This worker's shares; without a member of a group, the whole. Not for several threads."""

    def __init__(self, member: Member | None) -> None:
        self._member = member
        self._since_s: float | None = None

    def of_model(self, model: Model, model_state: ModelState, now_s: float) -> int:
        """Return how many requests a minute of the model are this worker's."""
        whole = model.requests_per_minute
        if self._member is None:
            return whole
        granted, workers = self.granted(model_state, now_s), self._workers(model_state)
        return share_in_force(whole, granted, joining=self.is_joining(now_s), workers=workers)

    def of_accounts(self, model_state: ModelState, now_s: float) -> Shares:
        """Return what this worker may use of each limit of an account."""
        if self._member is None:
            return _whole
        known = model_state.granted_of_accounts if model_state.shared_at(now_s) is not None else {}
        workers, joining = self._workers(model_state), self.is_joining(now_s)

        def share(account: str, limit: AccountLimit, whole: int) -> int:
            granted = known[account].get(limit) if account in known else None
            return share_in_force(whole, granted, joining=joining, workers=workers)

        return share

    def granted(self, model_state: ModelState, now_s: float) -> int | None:
        """Return what it was granted of the model's requests; None: nothing was said, or not lately."""
        return None if model_state.shared_at(now_s) is None else model_state.granted

    def account_snapshots(self, model_state: ModelState, now_s: float) -> dict[str, AccountSnapshot]:
        """Return how each account of the model's provider stands, to be told to the others."""
        if model_state.accounts is None:
            return {}
        shares = self.of_accounts(model_state, now_s)
        return {
            name: AccountSnapshot(
                under_way=state.minute.under_way,
                shares={limit: shares(name, limit, whole) for limit, whole in state.limits.items()},
                limited=tuple(limit for limit, at_s in state.limited_s.items() if now_s - at_s < LIMITED_S),
                told=state.told,
                rests_until_s=state.rests_until_s if state.rests_until_s > now_s else None,
                rests_for=state.rests_for if state.rests_until_s > now_s else None,
            )
            for name, state in model_state.accounts.states.items()
        }

    def is_joining(self, now_s: float) -> bool:
        """Say whether it has not waited long for its shares."""
        if self._since_s is None:
            self._since_s = now_s
        return now_s - self._since_s <= STALE_S

    def _workers(self, model_state: ModelState) -> int:
        """Return how many workers there seem to be."""
        if model_state.shared is None or self._member is None:
            return 1
        return model_state.shared.workers + (model_state.granted is None)


def _whole(_account: str, _limit: AccountLimit, whole: int) -> int:
    return whole
