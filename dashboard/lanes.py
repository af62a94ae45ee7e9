"""The batches of the batch lane, as the page shows them."""

from collections.abc import Iterable
from dataclasses import dataclass

from schemas.batch_lanes import BatchLane, LaneBatch

MOST_BATCHES_SHOWN = 30
WAITING = "waiting"
"""The state of what is in no batch yet."""
SETTLED = "settled"
_MS = 1000


@dataclass(frozen=True, slots=True)
class BatchRow:
    """A batch at a provider, or the requests of a model that are in none yet."""

    model: str
    provider: str
    account: str | None
    batch: str | None
    """The provider's id, or our name for it until that is known; None: the requests are in none yet."""
    state: str
    requests: int
    answered: int
    returned: int
    """Handed to the live path."""
    since_ms: int | None
    ended_ms: int | None
    expected_ms: int | None
    cost_usd: str
    saved_usd: str
    is_late: bool
    """The model's batches are late, so that new requests go elsewhere."""


def batch_rows(lanes: Iterable[BatchLane], now_s: float) -> list[BatchRow]:
    """Return what is under way, the oldest first, and then what has ended, the latest first; both bounded."""
    rows = [row for lane in lanes for row in _rows(lane, now_s)]
    under_way = sorted((row for row in rows if row.state != SETTLED), key=lambda row: row.since_ms or 0)
    ended = sorted((row for row in rows if row.state == SETTLED), key=lambda row: -(row.ended_ms or 0))
    return [*under_way, *ended][:MOST_BATCHES_SHOWN]


def _rows(lane: BatchLane, now_s: float) -> Iterable[BatchRow]:
    is_late = lane.late_until is not None and lane.late_until.timestamp() > now_s
    if lane.waiting:
        since_ms = None if lane.waiting_since is None else int(lane.waiting_since.timestamp() * _MS)
        place = lane.request_model, lane.provider_name, lane.account
        yield BatchRow(*place, None, WAITING, lane.waiting, 0, 0, since_ms, None, None, "0", "0", is_late)
    for batch in lane.batches:
        yield _row(lane, batch, is_late=is_late)


def _row(lane: BatchLane, batch: LaneBatch, *, is_late: bool) -> BatchRow:
    ended, expected = batch.ended_at, batch.expected_at
    return BatchRow(
        model=lane.request_model,
        provider=lane.provider_name,
        account=lane.account,
        batch=batch.batch_id or batch.our_id,
        state=batch.state,
        requests=batch.requests,
        answered=batch.answered,
        returned=batch.returned,
        since_ms=int(batch.formed_at.timestamp() * _MS),
        ended_ms=None if ended is None else int(ended.timestamp() * _MS),
        expected_ms=None if expected is None or batch.state == SETTLED else int(expected.timestamp() * _MS),
        cost_usd=f"{batch.cost_usd:.9f}",
        saved_usd=f"{batch.saved_usd:.9f}",
        is_late=is_late,
    )
