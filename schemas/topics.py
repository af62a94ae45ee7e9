"""The topics: names, keys and clean-up. Partition counts, retention and replication are settings of `streams`."""

from dataclasses import dataclass
from enum import StrEnum

from schemas.caching import INDEX_RETENTION_S


class Topic(StrEnum):
    """The default name of each topic."""

    REQUESTS = "llm.requests.v1"
    RESPONSES = "llm.responses.v1"
    COSTS = "llm.costs.v1"
    CALLS = "llm.calls.v1"
    FINISHED_IDS = "llm.finished-ids.v1"
    MODEL_STATS = "llm.model-stats.v1"
    MODEL_HEALTH = "llm.model-health.v1"
    MODEL_PANES = "llm.model-panes.v2"
    FAILOVERS = "llm.failovers.v1"
    BUDGETS = "llm.budgets.v1"
    BUDGET_CLAIMS = "llm.budget-claims.v1"
    ACCOUNTS = "llm.accounts.v1"
    TENANT_DEMAND = "llm.tenant-demand.v1"
    TENANT_SHARES = "llm.tenant-shares.v1"
    FEEDBACK = "llm.feedback.v1"
    MODEL_QUALITY = "llm.model-quality.v1"
    QUALITY_COUNTS = "llm.quality-counts.v1"
    QUALITY_CELLS = "llm.quality-cells.v1"
    CACHE_INDEX = "llm.cache-index.v1"
    SHADOW_ANSWERS = "llm.shadow-answers.v1"
    DEAD_LETTERS = "llm.dead-letters.v1"
    BATCH_REQUESTS = "llm.batch-requests.v1"
    WAITING = "llm.waiting.v1"
    BATCH_LANES = "llm.batch-lanes.v1"
    BATCH_STATE = "llm.batch-state.v1"
    BUDGET_RESERVATIONS = "llm.budget-reservations.v1"


@dataclass(frozen=True, slots=True)
class TopicSpec:
    """How a topic is created. Without `retention_s` the broker's own retention holds; compacted, it keeps for ever."""

    topic: Topic
    key: str
    compacted: bool = False
    retention_s: int | None = None
    busy: bool = False
    """It has as many partitions as the requests topic; the others need one."""
    internal: bool = False
    """A table's changelog, or between workers: nobody else's to read."""
    lane: bool = False
    """Of the batch lane: a catalogue without it needs no such topic. What is not compacted for ever is kept for longer
    than a request may wait (`TURNOUT_MAX_BATCH_DEADLINE_S`)."""
    expires: bool = False
    """Compacted, and deleted all the same when it is old."""
    segment_s: int | None = None
    """Only closed segments are compacted: a table that is written all the time would be read back at length."""
    shadows: bool = False
    """Of shadow calls: a catalogue without them needs no such topic."""


TOPICS: tuple[TopicSpec, ...] = (
    TopicSpec(Topic.REQUESTS, "the producer's choice", busy=True),
    TopicSpec(Topic.RESPONSES, "the request's key, in the request's partition", busy=True),
    TopicSpec(Topic.CALLS, "the request's key, in the request's partition", busy=True),
    TopicSpec(Topic.FINISHED_IDS, "none, in the requests' partition", busy=True, internal=True),
    TopicSpec(Topic.COSTS, "tenant", busy=True),
    TopicSpec(Topic.MODEL_STATS, "model", retention_s=3600),
    TopicSpec(Topic.MODEL_HEALTH, "model", compacted=True),
    TopicSpec(
        Topic.MODEL_PANES, "model and pane, or shares", compacted=True, retention_s=7200, internal=True, segment_s=600
    ),
    TopicSpec(Topic.FAILOVERS, "model"),
    TopicSpec(Topic.BUDGETS, "tenant", compacted=True),
    TopicSpec(Topic.BUDGET_CLAIMS, "tenant", retention_s=3600, internal=True),
    TopicSpec(Topic.ACCOUNTS, "tenant, second or partition", compacted=True, internal=True),
    TopicSpec(Topic.TENANT_DEMAND, "worker", retention_s=3600, internal=True),
    TopicSpec(Topic.TENANT_SHARES, "tenant", compacted=True, internal=True),
    TopicSpec(Topic.FEEDBACK, "the request's key, in the request's partition", busy=True),
    TopicSpec(Topic.MODEL_QUALITY, "model, task, difficulty and form", compacted=True),
    TopicSpec(Topic.QUALITY_COUNTS, "model, task and difficulty", retention_s=86_400, internal=True),
    TopicSpec(Topic.QUALITY_CELLS, "cell, ids or partition", compacted=True, internal=True),
    TopicSpec(Topic.CACHE_INDEX, "question, or tenant", compacted=True, retention_s=INDEX_RETENTION_S),
    TopicSpec(Topic.SHADOW_ANSWERS, "the request's key", busy=True, shadows=True),
    TopicSpec(Topic.DEAD_LETTERS, "the original key"),
    TopicSpec(Topic.BATCH_REQUESTS, "provider, model and account", internal=True, lane=True),
    TopicSpec(
        Topic.WAITING,
        "the digest of the request's identity, in the request's partition",
        compacted=True,
        busy=True,
        internal=True,
        lane=True,
        expires=True,
    ),
    TopicSpec(Topic.BATCH_LANES, "provider, model and account", compacted=True, lane=True),
    TopicSpec(Topic.BATCH_STATE, "batch, members, model or partition", compacted=True, internal=True, lane=True),
    TopicSpec(Topic.BUDGET_RESERVATIONS, "tenant", internal=True, lane=True),
)
