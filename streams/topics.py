"""Creates Turnout's topics, shows them, and checks before the start that they fit together."""

from collections.abc import Mapping
from dataclasses import dataclass

from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import TopicAlreadyExistsError, for_code

from router.errors import TurnoutError
from schemas.dead_letters import OVERHEAD_BYTES as DEAD_LETTER_OVERHEAD_BYTES
from schemas.topics import TOPICS, Topic, TopicSpec
from streams.config.settings import Settings


class TopicsError(TurnoutError):
    """Topics are missing or do not fit together. The message names the command that mends it."""


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
    if spec.compacted:
        configs["cleanup.policy"] = "compact" if spec.retention_s is None else "compact,delete"
    if spec.retention_s is not None:
        configs["retention.ms"] = str(spec.retention_s * 1000)
    elif not spec.compacted and settings.retention_hours is not None:
        configs["retention.ms"] = str(settings.retention_hours * 3_600_000)
    return configs


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


async def check_topics(client: AIOKafkaAdminClient, settings: Settings) -> Mapping[Topic, TopicState]:
    """See that all topics exist, and return them.

    Raises:
        TopicsError: they do not.
    """
    states = {state.spec.topic: state for state in await show_topics(client, settings)}
    if missing := [state.name for state in states.values() if not state.partitions]:
        raise TopicsError(f"topics are missing: {', '.join(missing)}; create them with `turnout topics create`.")
    return states


def check_sizes(states: Mapping[Topic, TopicState]) -> None:
    """See that calls and answers can lie in the partitions of their requests' numbers.

    No worker refuses to start for that (`streams.request.counterparts`): partitions may be being added.

    Raises:
        TopicsError: they cannot.
    """
    requests = states[Topic.REQUESTS]
    for topic in (Topic.RESPONSES, Topic.CALLS):
        state = states[topic]
        if state.partitions < requests.partitions:
            raise TopicsError(
                f"topic {state.name} has {state.partitions} partitions and {requests.name} has {requests.partitions}: "
                f"requests of the others would wait unread; add partitions to it: "
                f"kafka-topics.sh --alter --topic {state.name} --partitions {requests.partitions}"
            )
