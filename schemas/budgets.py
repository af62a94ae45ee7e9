"""`llm.budgets.v1`: what a tenant has spent in its current window, and how much it may."""

from enum import StrEnum
from typing import ClassVar

from schemas.message import SCHEMA_VERSION, Message, SchemaVersion, Timestamp, Usd


class BudgetState(StrEnum):
    """How a tenant stands against its limit."""

    WITHIN = "within"
    WARNED = "warned"
    EXHAUSTED = "exhausted"


class Budget(Message):
    """Spend of one tenant in one window."""

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
