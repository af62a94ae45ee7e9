"""The batch lane's topics on a real broker: needed where the lane is used, kept for longer than a request may wait."""

import asyncio

import pytest
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType

from schemas.topics import TOPICS, Topic
from streams.config.settings import Settings
from streams.kafka.clients import admin
from streams.topics import TopicsError, check_topics, create_topics, show_topics
from tests.harness import MakePipeline

LANE = [spec.topic for spec in TOPICS if spec.lane]


async def test_without_its_topics_the_lane_cannot_be_used_and_all_else_can(make_pipeline: MakePipeline) -> None:
    settings = (await make_pipeline()).settings
    earlier = settings.model_copy(update={"topic_prefix": settings.topic_prefix + "earlier."})
    others = {spec.topic for spec in TOPICS if not spec.lane}
    async with admin(settings) as client:
        await client.create_topics([NewTopic(earlier.topic(topic), 1, 1) for topic in others])
        await until_created(client, earlier, others)
        await check_topics(client, earlier)
        with pytest.raises(TopicsError, match=f"missing: {earlier.topic(LANE[0])}.*turnout topics create"):
            await check_topics(client, earlier, with_lane=True)
        assert await create_topics(client, earlier) == [earlier.topic(topic) for topic in LANE]
        await until_created(client, earlier, {*others, *LANE})
        await check_topics(client, earlier, with_lane=True)


async def until_created(client: AIOKafkaAdminClient, settings: Settings, topics: set[Topic]) -> None:
    """Wait until the broker tells of them: it answers before that."""
    async with asyncio.timeout(20):
        while topics - {state.spec.topic for state in await show_topics(client, settings) if state.partitions}:  # noqa: ASYNC110
            await asyncio.sleep(0.1)


async def test_a_topic_that_forgets_what_still_waits_is_told_with_the_fix(make_pipeline: MakePipeline) -> None:
    settings = (await make_pipeline()).settings
    name = settings.topic(Topic.WAITING)
    async with admin(settings) as client:
        (shown,) = await client.describe_configs(
            [ConfigResource(ConfigResourceType.TOPIC, name, {"retention.ms": None, "cleanup.policy": None})]
        )
        kept = {config: value for *_, entries in shown.resources for config, value, *_ in entries}
        assert kept == {"retention.ms": str((172_800 + 86_400) * 1000), "cleanup.policy": "compact,delete"}
        longer = settings.model_copy(update={"max_batch_deadline_s": 259_200.0})
        with pytest.raises(TopicsError, match=r"keeps its records for 259200000 ms.*retention\.ms=345600000"):
            await check_topics(client, longer, with_lane=True)
