"""`llm.budgets.v1`: what a tenant has spent in its current window, and how much it may."""

from decimal import Decimal
from enum import StrEnum
from typing import ClassVar

from pydantic import BaseModel, ConfigDict, Field

from schemas.message import SCHEMA_VERSION, Count, Day, EpochMs, Message, SchemaVersion, Timestamp, Usd


class BudgetState(StrEnum):
    """How a tenant stands against its limit."""

    WITHIN = "within"
    WARNED = "warned"
    EXHAUSTED = "exhausted"


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


class BudgetWindow(_Part):
    """Spend of one tenant in one window of UTC, a `day` or a `month`."""

    window: str
    window_start: Timestamp
    window_end: Timestamp
    spent_usd: Usd
    limit_usd: Usd | None
    state: BudgetState
    crossed: float | None = Field(
        default=None, description="The highest share of the limit that is an alert and has been reached; 1: the limit."
    )
    reserved_usd: Usd = Field(
        default=Decimal(0), description="Held for requests that wait in the batch lane, beside what is spent."
    )


class Grant(_Part):
    """What one worker process may spend of a day, cumulative, in answer to its claim of that number."""

    holder: str
    day: str
    granted_usd: Usd
    sequence: Count


class Budget(Message):
    """Spend of one tenant: in the window that is nearest to its limit, and in each of `windows`."""

    type_name: ClassVar[str] = "turnout.budget"

    schema_version: SchemaVersion = SCHEMA_VERSION
    tenant: str
    window: str
    window_start: Timestamp
    window_end: Timestamp
    spent_usd: Usd
    limit_usd: Usd | None
    state: BudgetState
    as_of: Timestamp
    windows: tuple[BudgetWindow, ...] = ()
    grants: tuple[Grant, ...] = Field(default=(), description="What each worker may spend. For workers only.")
    scarce: bool = Field(default=False, description="Workers return what they have not reserved.")
    version: Count = Field(default=0, description="Rises with every record of the tenant.")
    crossed: float | None = Field(
        default=None, description="The highest share of the limit that is an alert and has been reached; 1: the limit."
    )


class BudgetClaim(Message):
    """`llm.budget-claims.v1`: what a worker keeps of its grant for a day, and what it needs. Between workers."""

    type_name: ClassVar[str] = "turnout.budget-claim"

    schema_version: SchemaVersion = SCHEMA_VERSION
    tenant: str
    holder: str = Field(max_length=300)
    day: Day
    sequence: Count
    cap_usd: Usd = Field(description="It will not spend more than this of the day, unless it is granted more.")
    left_usd: Usd = Field(description="The part of it that is neither spent nor reserved.")
    needed_usd: Usd = Field(description="The smallest reservation that waits; 0 if none does.")
    wanted_usd: Usd = Field(description="More is asked for unless this is 0.")


class BudgetReservation(Message):
    """`llm.budget-reservations.v1`: what a budget holds for one request of the batch lane, or need not hold any more.

    Between workers. Each id is counted once for each of the two. The cost event of the call, which has the same id and
    carries the amount, frees it too: of a call that is charged nothing else does.
    """

    type_name: ClassVar[str] = "turnout.budget-reservation"

    schema_version: SchemaVersion = SCHEMA_VERSION
    tenant: str
    event_id: str = Field(max_length=100, description="Of the call, as in its cost event.")
    occurred_at_ms: EpochMs = Field(description="When the call was decided on; its day and month hold the amount.")
    amount_usd: Usd
    is_released: bool = Field(
        default=False, description="The call was certainly not charged, and never will be: the amount is free."
    )
