"""Whose batches are late, as whoever collects them has told last: new requests do not wait for those."""

from schemas.batch_lanes import BatchLane


class LateBatches:
    """The verdicts on the batches of all models. Seconds are since 1970."""

    def __init__(self) -> None:
        self._until_s: dict[tuple[str, str, str | None], float] = {}

    def follow(self, lane: BatchLane) -> None:
        """Take in how a lane stands."""
        key = lane.provider_name, lane.request_model, lane.account
        if lane.late_until is None:
            self._until_s.pop(key, None)
        else:
            self._until_s[key] = lane.late_until.timestamp()

    def are_late(self, provider_name: str, model: str, account: str | None, now_s: float) -> bool:
        """Say whether the batches of a model, by an account of its provider, are late."""
        return now_s < self._until_s.get((provider_name, model, account), 0.0)
