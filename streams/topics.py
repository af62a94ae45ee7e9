"""Creates Turnout's topics, shows them, and checks before the start that they fit together."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import structlog
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import KafkaError, TopicAlreadyExistsError, for_code

from router.errors import TurnoutError
from schemas.dead_letters import OVERHEAD_BYTES as DEAD_LETTER_OVERHEAD_BYTES
from schemas.topics import TOPICS, Topic, TopicSpec
from streams.config.settings import Settings


class TopicsError(TurnoutError):
    """Topics are missing or do not fit together. The message names the command that mends it."""


log = structlog.get_logger()

LANE_SPARE_S = 86_400
"""How much longer than a request may wait the batch lane's topics keep their records: bills of late batches follow."""
LANE_SEGMENT_S = 3600
"""Only closed segments are compacted, and a worker reads the whole of what waits when it is given a partition."""


@dataclass(frozen=True, slots=True)
class TopicState:
    """One topic as the cluster has it; `partitions` is 0 if it does not exist."""

    spec: TopicSpec
    name: str
    partitions: int
    replication: int


async def create_topics(client: AIOKafkaAdminClient, settings: Settings) -> list[str]:
    """Create the topics that do not exist yet, and return their names.

    Raises:
        KafkaError: the broker refuses.
    """
    missing = [state for state in await show_topics(client, settings) if not state.partitions]
    new = [
        NewTopic(
            state.name,
            settings.partitions if state.spec.busy else 1,
            settings.replication,
            topic_configs=_configs(state.spec, settings),
        )
        for state in missing
    ]
    if not new:
        return []
    answer = await client.create_topics(new)
    for name, code, *_ in answer.topic_errors:
        error = for_code(code)
        if code and error is not TopicAlreadyExistsError:
            raise error(f"topic {name}")
    return [state.name for state in missing]


def _configs(spec: TopicSpec, settings: Settings) -> dict[str, str]:
    largest = settings.max_message_bytes
    if spec.topic is Topic.DEAD_LETTERS:
        largest += DEAD_LETTER_OVERHEAD_BYTES
    configs = {"max.message.bytes": str(largest)}
    kept_s = kept_by_the_lane(settings) if spec.lane and (spec.expires or not spec.compacted) else spec.retention_s
    if spec.compacted:
        configs["cleanup.policy"] = "compact" if kept_s is None else "compact,delete"
    if spec.lane and spec.compacted:
        configs["segment.ms"] = str(LANE_SEGMENT_S * 1000)
    if spec.segment_s is not None:
        configs["segment.ms"] = str(spec.segment_s * 1000)
    if kept_s is not None:
        configs["retention.ms"] = str(kept_s * 1000)
    elif not spec.compacted and settings.retention_hours is not None:
        configs["retention.ms"] = str(settings.retention_hours * 3_600_000)
    return configs


def kept_by_the_lane(settings: Settings) -> int:
    """Return how long topics of the batch lane keep their records, seconds: longer than any request waits."""
    return max(int(settings.max_batch_deadline_s) + LANE_SPARE_S, (settings.retention_hours or 0) * 3600)


async def show_topics(client: AIOKafkaAdminClient, settings: Settings) -> list[TopicState]:
    """Return every topic as the cluster has it."""
    existing = set(await client.list_topics())
    names = {spec: settings.topic(spec.topic) for spec in TOPICS}
    described = await client.describe_topics([name for name in names.values() if name in existing])
    partitions = {topic["topic"]: topic["partitions"] for topic in described}
    states = []
    for spec, name in names.items():
        found = partitions.get(name, [])
        states.append(TopicState(spec, name, len(found), len(found[0]["replicas"]) if found else 0))
    return states


async def check_topics(
    client: AIOKafkaAdminClient, settings: Settings, *, with_lane: bool = False, with_shadows: bool = False
) -> Mapping[Topic, TopicState]:
    """See that all topics exist, and return them; of the batch lane's and shadow calls' those that are used.

    Raises:
        TopicsError: they do not, or the batch lane's would lose a request while it waits.
    """
    states = {state.spec.topic: state for state in await show_topics(client, settings)}
    needed = [state for state in states.values() if _is_needed(state.spec, with_lane, with_shadows)]
    if missing := [state.name for state in needed if not state.partitions]:
        raise TopicsError(f"topics are missing: {', '.join(missing)}; create them with `turnout topics create`.")
    if with_lane:
        await _check_retention(client, [state for state in needed if state.spec.lane], settings)
    return states


def _is_needed(spec: TopicSpec, with_lane: bool, with_shadows: bool) -> bool:  # noqa: FBT001 - of `check_topics`
    return (with_lane or not spec.lane) and (with_shadows or not spec.shadows)


async def _check_retention(client: AIOKafkaAdminClient, states: Sequence[TopicState], settings: Settings) -> None:
    names = [state.name for state in states if state.spec.expires or not state.spec.compacted]
    try:
        kept = await _kept_ms(client, names)
    except KafkaError as error:  # a broker that does not tell, or not to this principal
        log.warning("how long topics of the batch lane are kept is not known", topics=names, error=str(error))
        return
    longest_ms = int(settings.max_batch_deadline_s * 1000)
    for name, kept_ms in kept.items():
        if 0 <= kept_ms <= longest_ms:
            raise TopicsError(
                f"topic {name} keeps its records for {kept_ms} ms, and a request may wait in the batch lane for "
                f"{longest_ms} ms (TURNOUT_MAX_BATCH_DEADLINE_S); kafka-configs.sh --alter --topic {name} --add-config "
                f"retention.ms={kept_by_the_lane(settings) * 1000}"
            )


async def _kept_ms(client: AIOKafkaAdminClient, names: Sequence[str]) -> Mapping[str, int]:
    """Return how long these topics keep their records, milliseconds; -1: for ever."""
    resources = [ConfigResource(ConfigResourceType.TOPIC, name, configs={"retention.ms": None}) for name in names]
    kept: dict[str, int] = {}
    for answer in await client.describe_configs(resources):
        for code, message, _, name, entries in answer.resources:
            if code:
                raise for_code(code)(f"topic {name}: {message}")
            kept.update((name, int(value)) for config, value, *_ in entries if config == "retention.ms")
    return kept


def check_sizes(states: Mapping[Topic, TopicState]) -> None:
    """See that calls and answers can lie in the partitions of their requests' numbers.

    No worker refuses to start for that (`streams.request.counterparts`): partitions may be being added.

    Raises:
        TopicsError: they cannot.
    """
    requests = states[Topic.REQUESTS]
    for topic in (Topic.RESPONSES, Topic.CALLS, Topic.FINISHED_IDS):
        state = states[topic]
        if state.partitions < requests.partitions:
            raise TopicsError(
                f"topic {state.name} has {state.partitions} partitions and {requests.name} has {requests.partitions}: "
                f"requests of the others would wait unread; add partitions to it: "
                f"kafka-topics.sh --alter --topic {state.name} --partitions {requests.partitions}"
            )
