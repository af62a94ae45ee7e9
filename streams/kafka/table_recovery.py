"""Faust's recovery of tables, made so that a broker that is away only delays it.

Faust gives each step of a recovery one `broker_request_timeout`, takes the end of that time for the end of the service,
and recovers nothing any more: no error, no crash, and whatever is assigned later is never read. Here a step waits until
the broker is back, or the group rebalances, or the app stops.

What it relies on stands in `streams.kafka.pinned`.
"""

from faust.tables.manager import TableManager
from faust.tables.recovery import RebalanceAgain, Recovery
from mode.services import WaitArgT

from streams.away import retry_while_unreachable


class PatientRecovery(Recovery):  # type: ignore[misc]  # faust is untyped
    """Waits for a broker that is away."""

    async def _wait(self, coro: WaitArgT, timeout: float | None = None) -> None:  # noqa: ARG002, ASYNC109  # Faust's signature
        await super()._wait(coro)

    async def on_recovery_completed(self, generation_id: int = 0) -> None:
        """Complete, unless the group has rebalanced, which Faust takes for the end of the changelog that it reads.

        Raises:
            RebalanceAgain: the tables are restored anew; a worker that took over now would begin with too little.
        """
        if self.signal_recovery_start.is_set() or self.app.consumer_generation_id != generation_id:
            raise RebalanceAgain
        await super().on_recovery_completed(generation_id)

    async def _build_highwaters(self, *step: object) -> None:
        await retry_while_unreachable(super()._build_highwaters, *step)

    async def _build_offsets(self, *step: object) -> None:
        await retry_while_unreachable(super()._build_offsets, *step)

    async def _seek_offsets(self, *step: object) -> None:
        await retry_while_unreachable(super()._seek_offsets, *step)


class Tables(TableManager):  # type: ignore[misc]  # faust is untyped
    """Faust's tables, which recover patiently; give it to the app as `TableManager`."""

    _recovery: PatientRecovery | None = None

    @property
    def recovery(self) -> PatientRecovery:
        """Return the one recovery of these tables."""
        if self._recovery is None:
            self._recovery = PatientRecovery(self.app, self, beacon=self.beacon, loop=self.loop)
        return self._recovery
