"""Takes the busiest model down in the middle of the demo, and tells what Turnout makes of it."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sandbox.demo.figures import Outage
from sandbox.demo.tally import Tally
from sandbox.provider.faults import Fault, FaultKind
from sandbox.provider.process import ProviderProcess
from schemas.health import BreakerState

OUTAGE_S = 5.0


@dataclass(slots=True)
class OutageDirector:
    """Told the time again and again, it begins the outage when it is due and narrates its turning points, once each."""

    provider: ProviderProcess
    tally: Tally
    say: Callable[[str], None]
    due_at: datetime
    outage: Outage | None = None
    _told_end: bool = False
    _told_opening: bool = False
    _told_recovery: bool = False

    def look(self, now: datetime) -> None:
        """Do and say what is due. Raises httpx.HTTPError if the provider does not answer."""
        if self.outage is not None:
            self._tell(self.outage, now)
        elif now >= self.due_at and (model := self.tally.busiest_model()) is not None:
            self.outage = self._begin(model)

    def _begin(self, model: str) -> Outage:
        began_at = datetime.now(UTC)
        # The provider's time is scaled; the breaker's is not, and the outage is to outlast its pause.
        duration_s = OUTAGE_S / self.provider.options.time_scale
        self.provider.add_fault(Fault(model=model, fault=FaultKind.OUTAGE, duration_s=duration_s))
        self.say(f"{model} goes down: for {OUTAGE_S:.0f} s its provider answers every call with 503.")
        return Outage(model, began_at, began_at + timedelta(seconds=OUTAGE_S))

    def _tell(self, outage: Outage, now: datetime) -> None:
        count = self.tally.models[outage.model]
        opened = count.workers_with(BreakerState.OPEN, BreakerState.HALF_OPEN)
        if opened and not self._told_opening:
            self._told_opening = True
            self.say("Its breaker opens: what was to go there goes to the next candidate at once.")
        if now >= outage.ended_at and not self._told_end:
            self._told_end = True
            self.say(f"{outage.model} is up again; Turnout's next probes will find out.")
        if self._told_end and self._told_opening and not opened and not self._told_recovery:
            self._told_recovery = True
            self.say(f"Probes succeeded and every breaker is closed: {outage.model} has recovered.")
