"""Who may do what on which topic: the least that each role needs, as rules of Kafka's own authorizer."""

import shlex
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType

from schemas.topics import TOPICS, Topic
from streams.config.settings import Settings

CONTROL_SUFFIX = "-control"
"""Of the second group of a worker."""


class Role(StrEnum):
    """A principal of the cluster, by what it does."""

    WORKER = "worker"
    """`turnout worker`."""
    PRODUCER = "producer"
    """An application that publishes requests."""
    FEEDBACK = "feedback"
    """An application that says how good answers were; `turnout feedback`."""
    READER = "reader"
    """An application that consumes answers, in a group of its own."""
    WAREHOUSE = "warehouse"
    """`turnout warehouse`, or a sink connector without a group."""
    DASHBOARD = "dashboard"
    """`turnout dashboard`, `turnout health`, `turnout quality`, `turnout batches`, `turnout cache`."""
    OPERATOR = "operator"
    """`turnout topics create`, `turnout replay` and `turnout cache forget`."""


class Operation(StrEnum):
    """Kafka's name of what is allowed."""

    READ = "Read"
    WRITE = "Write"
    CREATE = "Create"
    DESCRIBE = "Describe"
    DESCRIBE_CONFIGS = "DescribeConfigs"


@dataclass(frozen=True, slots=True)
class AccessGrant:
    """What a role may do. Reading and writing a topic include describing it, by Kafka's own rules."""

    operations: tuple[Operation, ...]
    topics: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    transactional_id: str | None = None

    def options(self) -> list[str]:
        """Return the options of `kafka-acls`."""
        found = [part for operation in self.operations for part in ("--operation", operation)]
        found += [part for topic in self.topics for part in ("--topic", topic)]
        found += [part for group in self.groups for part in ("--group", group)]
        return found + (["--transactional-id", self.transactional_id] if self.transactional_id else [])


_READS: Mapping[Role, tuple[Topic, ...]] = MappingProxyType(
    {
        Role.WORKER: tuple(spec.topic for spec in TOPICS if spec.topic not in {Topic.FAILOVERS, Topic.DEAD_LETTERS}),
        Role.READER: (Topic.RESPONSES,),
        Role.WAREHOUSE: (Topic.COSTS, Topic.RESPONSES, Topic.SHADOW_ANSWERS),
        Role.DASHBOARD: (
            Topic.COSTS,
            Topic.RESPONSES,
            Topic.MODEL_HEALTH,
            Topic.MODEL_QUALITY,
            Topic.FAILOVERS,
            Topic.BUDGETS,
            Topic.CACHE_INDEX,
            Topic.BATCH_LANES,
        ),
        Role.OPERATOR: (Topic.DEAD_LETTERS, Topic.REQUESTS),
    }
)
_WRITES: Mapping[Role, tuple[Topic, ...]] = MappingProxyType(
    {
        # the requests topic too: an idle model is probed by an ordinary request
        Role.WORKER: tuple(topic for topic in Topic if topic is not Topic.FEEDBACK),
        Role.PRODUCER: (Topic.REQUESTS,),
        Role.FEEDBACK: (Topic.FEEDBACK,),
        Role.OPERATOR: (Topic.DEAD_LETTERS, Topic.REQUESTS, Topic.CACHE_INDEX),
    }
)


def grants(role: Role, settings: Settings, own_group: str | None = None) -> list[AccessGrant]:
    """Return the least that a role needs.

    Args:
        role: the role.
        settings: give the names of topics and of the workers' group.
        own_group: the consumer group of a reader, whose name is not known here.
    """
    found = []
    if role in _READS:
        groups = {Role.WORKER: _groups(settings), Role.READER: (own_group or "*",)}.get(role, ())
        found.append(AccessGrant((Operation.READ,), _names(_READS[role], settings), groups))
    if role in _WRITES:
        copies = tuple(settings.reply_to_allowed) if role is Role.WORKER else ()
        found.append(AccessGrant((Operation.WRITE,), _names(_WRITES[role], settings) + copies))
    if role is Role.WORKER:  # for how long what waits is kept
        lane = (spec.topic for spec in TOPICS if spec.lane)
        found.append(AccessGrant((Operation.DESCRIBE_CONFIGS,), _names(lane, settings)))
    if role is Role.DASHBOARD:  # the lag of the workers' group
        found.append(AccessGrant((Operation.DESCRIBE,), _names((Topic.REQUESTS,), settings), _groups(settings)))
    if role is Role.FEEDBACK:  # in which partition a request of a key lies
        found.append(AccessGrant((Operation.DESCRIBE,), _names((Topic.REQUESTS,), settings)))
    if role is Role.OPERATOR:
        found.append(AccessGrant((Operation.CREATE, Operation.DESCRIBE), _names(Topic, settings)))
        replay = settings.topic(Topic.DEAD_LETTERS) + ".replay"
        found.append(AccessGrant((Operation.WRITE, Operation.DESCRIBE), transactional_id=replay))
    return found


def acl_commands(role: Role, principal: str, settings: Settings, own_group: str | None = None) -> list[str]:
    """Return the `kafka-acls` commands that give a principal what its role needs, quoted for a shell."""
    start = ["kafka-acls", "--bootstrap-server", settings.brokers, "--add", "--allow-principal", principal]
    return [shlex.join([*start, *grant.options()]) for grant in grants(role, settings, own_group)]


def _names(topics: Iterable[Topic], settings: Settings) -> tuple[str, ...]:
    return tuple(settings.topic(topic) for topic in topics)


def _groups(settings: Settings) -> tuple[str, ...]:
    return settings.group, settings.group + CONTROL_SUFFIX
