"""What the control API reports while the provider runs."""

from pydantic import BaseModel, ConfigDict


class _Report(BaseModel):
    model_config = ConfigDict(frozen=True)


class Ready(_Report):
    """The one line on stdout that says the provider is listening."""

    base_url: str
    control_url: str
    pid: int


class ModelStats(_Report):
    """One model's traffic since the start. `in_flight` are the calls whose caller still waits."""

    calls: int
    in_flight: int
    statuses: dict[int, int]
    faults: dict[str, int]
    charged_calls: int
    cost_nano_usd: int


class ProviderStats(_Report):
    """All traffic since the start, and the invoice's totals.

    `generating` are the calls that will still be charged or fail, whether or not their caller has left: the invoice is
    complete when it is 0.
    """

    generating: int
    connections: int
    models: dict[str, ModelStats]


class BatchReport(_Report):
    """One batch since the start."""

    id: str
    name: str
    model: str
    state: str
    lines: int
    answered: int


class BatchReports(_Report):
    """All batches, oldest first."""

    batches: list[BatchReport]
