"""Each role gets the least it needs, by the names that the settings give."""

import shlex

import pytest

from schemas.topics import TOPICS, Topic
from streams.access import Operation, Role, acl_commands, grants
from streams.config.load_settings import load_settings
from streams.config.settings import Settings


@pytest.fixture
def settings() -> Settings:
    return load_settings(None, brokers="b:9092", topic_prefix="x.", group="g", reply_to_allowed="answers")


def allowed(role: Role, operation: Operation, settings: Settings) -> set[str]:
    return {topic for grant in grants(role, settings) if operation in grant.operations for topic in grant.topics}


def test_only_workers_and_operators_write_anything_but_requests(settings: Settings) -> None:
    assert allowed(Role.PRODUCER, Operation.WRITE, settings) == {"x.llm.requests.v1"}
    for role in (Role.READER, Role.WAREHOUSE, Role.DASHBOARD):
        assert allowed(role, Operation.WRITE, settings) == set()
    assert allowed(Role.OPERATOR, Operation.WRITE, settings) == {
        *("x.llm.requests.v1", "x.llm.dead-letters.v1", "x.llm.cache-index.v1")
    }


def test_nobody_but_a_worker_reads_what_is_between_workers_or_other_peoples_prompts(settings: Settings) -> None:
    internal = {settings.topic(spec.topic) for spec in TOPICS if spec.internal}
    for role in set(Role) - {Role.WORKER}:
        assert not internal & allowed(role, Operation.READ, settings)
    for role in set(Role) - {Role.WORKER, Role.OPERATOR}:
        assert settings.topic(Topic.REQUESTS) not in allowed(role, Operation.READ, settings)


def test_a_worker_writes_copies_only_where_they_are_allowed(settings: Settings) -> None:
    own = {settings.topic(topic) for topic in Topic if topic is not Topic.FEEDBACK}
    assert allowed(Role.WORKER, Operation.WRITE, settings) == {*own, "answers"}


def test_the_commands_are_a_shells(settings: Settings) -> None:
    first, *_ = acl_commands(Role.READER, "User:my app", settings, "my group")
    assert shlex.split(first) == [
        *("kafka-acls", "--bootstrap-server", "b:9092", "--add", "--allow-principal", "User:my app"),
        *("--operation", "Read", "--topic", "x.llm.responses.v1", "--group", "my group"),
    ]
