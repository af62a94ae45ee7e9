"""What one worker tells the others of its models, and when. The pool is asked ten times a second.

A snapshot is made only of a model with something to tell for certain, or that no longer stands as when it was last
looked at: of hundreds of models with accounts, most stand still.
"""

from collections.abc import Mapping
from itertools import count
from typing import NamedTuple

from router.catalogue import Catalogue, Model
from router.models.accounts import RestReason
from router.models.model_state import LIMITED_S, ModelState
from router.models.own_shares import OwnShares
from router.models.stats import ModelSnapshot
from router.sharing.member import HEARTBEAT_S, REPORT_EVERY_S, Member
from schemas.health import BreakerState, ModelHealth, ModelStats


class _Basis(NamedTuple):
    """All that the others act on at once follows from this, `ModelSnapshot.differs`."""

    shared: ModelHealth | None
    is_fresh: bool
    is_joining: bool
    breaker: BreakerState
    is_slow: bool
    is_browned_out: bool
    rests: tuple[RestReason | None, ...]


class Reports:
    """The reports of one worker. Not for several threads."""

    def __init__(self, catalogue: Catalogue, member: Member, shares: OwnShares) -> None:
        self._catalogue = catalogue
        self._member = member
        self._shares = shares
        self._sequence = count().__next__
        self._looked_at: dict[str, _Basis] = {}
        self._told_s = float("-inf")

    def take(self, model_states: Mapping[str, ModelState], now_s: float, *, leaving: bool) -> list[ModelStats]:
        """Return what is due, and when it is leaving everything; the states are as of this moment."""
        reports: list[ModelStats] = []
        for name, model_state in model_states.items():
            buffer = model_state.stats_buffer
            is_due = leaving or buffer.is_due(now_s, model_state.report_every_s(now_s))
            basis = self._basis(model_state, now_s)
            if not is_due and basis == self._looked_at.get(name) and not buffer.has_untold_use:
                continue
            self._looked_at[name] = basis
            snapshot = self._snapshot(self._catalogue.models[name], model_state, now_s)
            if is_due or buffer.is_news(snapshot):
                reports += self._report(name, model_state, snapshot, now_s, leaving=leaving)
        if not reports and now_s - self._told_s >= HEARTBEAT_S:  # however seldom models are told of, it is alive
            name, model_state = min(model_states.items(), key=lambda one: one[1].stats_buffer.told_s)
            snapshot = self._snapshot(self._catalogue.models[name], model_state, now_s)
            reports = self._report(name, model_state, snapshot, now_s, leaving=False)
        if reports:
            self._told_s = now_s
        return reports

    def _report(
        self, name: str, model_state: ModelState, snapshot: ModelSnapshot, now_s: float, *, leaving: bool
    ) -> list[ModelStats]:
        if model_state.report_every_s(now_s) > REPORT_EVERY_S:
            model_state.stats_buffer.come_together()
        return model_state.stats_buffer.report(name, self._member, self._sequence, snapshot, now_s, leaving=leaving)

    def _basis(self, model_state: ModelState, now_s: float) -> _Basis:
        breaker, shared = model_state.breaker, model_state.shared
        return _Basis(
            shared,
            model_state.shared_at(now_s) is shared,
            self._shares.is_joining(now_s),
            breaker.state,
            breaker.slow,
            model_state.is_browned_out(now_s),
            () if model_state.accounts is None else model_state.accounts.rests(now_s),
        )

    def _snapshot(self, model: Model, model_state: ModelState, now_s: float) -> ModelSnapshot:
        return ModelSnapshot(
            in_flight=len(model_state.flight),
            slow_in_flight=model_state.flight.slow,
            stuck_in_flight=model_state.flight.stuck,
            breaker=model_state.breaker.state,
            brown_out=model_state.is_browned_out(now_s) or model_state.is_slow,
            share=self._shares.of_model(model, model_state, now_s),
            limited=now_s - model_state.limited_s < LIMITED_S,
            accounts=self._shares.account_snapshots(model_state, now_s),
        )
