"""On a broker with an authorizer each role works with exactly the rights that `turnout topics acl` prints."""

import argparse
import asyncio
import os
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import duckdb
import orjson
import pytest
from aiokafka import AIOKafkaConsumer
from aiokafka.errors import ClusterAuthorizationFailedError, TopicAuthorizationFailedError
from confluent_kafka import KafkaError
from confluent_kafka.admin import (  # type: ignore[attr-defined]  # they are meant to be imported from there
    AclBinding,
    AclOperation,
    AclPermissionType,
    AdminClient,
    ResourcePatternType,
    ResourceType,
)

from sandbox.broker import KafkaProcess
from sandbox.broker.ports import loopback_ports
from schemas.responses import Response
from schemas.topics import Topic
from schemas.vocabulary import Status
from streams.access import Operation, Role, acl_commands
from streams.config.load_settings import load_settings
from streams.config.settings import Settings
from streams.kafka.clients import producer
from tests.harness import ROOT, MakeProvider, Pipeline
from tests.reference import in_chain_order

PASSWORD = "secret-of-"  # noqa: S105  # the beginning of every password of this broker


@pytest.fixture(scope="module")
def guarded() -> Iterator[tuple[str, str]]:
    """A broker with an authorizer: its address for administrators, and the one for users with a password."""
    clients, controller, guarded = loopback_ports(3)
    users = " ".join(f'user_turnout-{role}="{PASSWORD}{role}"' for role in Role)
    properties = {
        "listeners": f"CLIENTS://127.0.0.1:{clients},CONTROLLER://127.0.0.1:{controller},GUARDED://127.0.0.1:{guarded}",
        "advertised.listeners": f"CLIENTS://127.0.0.1:{clients},GUARDED://127.0.0.1:{guarded}",
        "listener.security.protocol.map": "CLIENTS:PLAINTEXT,CONTROLLER:PLAINTEXT,GUARDED:SASL_PLAINTEXT",
        "sasl.enabled.mechanisms": "PLAIN",
        "listener.name.guarded.plain.sasl.jaas.config": (
            f"org.apache.kafka.common.security.plain.PlainLoginModule required {users};"
        ),
        "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
        "super.users": "User:ANONYMOUS",  # whoever comes by the other listener
    }
    with KafkaProcess(port=clients, controller_port=controller, properties=properties) as kafka:
        yield kafka.bootstrap_servers, f"127.0.0.1:{guarded}"


def identity(role: Role, address: str) -> dict[str, str]:
    return {
        "TURNOUT_BROKERS": address,
        "TURNOUT_KAFKA_SECURITY_PROTOCOL": "SASL_PLAINTEXT",
        "TURNOUT_KAFKA_SASL_MECHANISM": "PLAIN",
        "TURNOUT_KAFKA_SASL_USERNAME": f"turnout-{role}",
        "TURNOUT_KAFKA_SASL_PASSWORD": f"{PASSWORD}{role}",
    }


def allow(role: Role, settings: Settings, group: str | None = None) -> None:
    """Carry the printed commands out, option by option, as `kafka-acls` reads them."""
    kinds = {
        "--topic": ResourceType.TOPIC,
        "--group": ResourceType.GROUP,
        "--transactional-id": ResourceType.TRANSACTIONAL_ID,
    }
    parser = argparse.ArgumentParser(allow_abbrev=False)
    for option in ("--bootstrap-server", "--allow-principal"):
        parser.add_argument(option, required=True)
    parser.add_argument("--add", action="store_true", required=True)
    for option in ("--operation", *kinds):
        parser.add_argument(option, action="append", default=[])
    client = AdminClient({"bootstrap.servers": settings.brokers})
    for command in acl_commands(role, f"User:turnout-{role}", settings, group):
        given = vars(parser.parse_args(shlex.split(command)[1:]))
        bindings = [
            AclBinding(
                kind,
                name,
                ResourcePatternType.LITERAL,
                given["allow_principal"],
                "*",
                AclOperation[Operation(operation).name],
                AclPermissionType.ALLOW,
            )
            for option, kind in kinds.items()
            for name in given[option.removeprefix("--").replace("-", "_")]
            for operation in given["operation"]
        ]
        for done in client.create_acls(bindings).values():
            done.result(timeout=10)


async def test_each_role_works_with_the_rights_that_are_printed_and_has_no_others(
    guarded: tuple[str, str], make_provider: MakeProvider, tmp_path: Path
) -> None:
    administrators, everybody = guarded
    catalogue = tmp_path / "catalogue.toml"
    catalogue.write_text(in_chain_order() + "\n[tenants.acme]\ndaily_budget_usd = 5\n")
    own = {"TURNOUT_CATALOGUE": str(catalogue), "TURNOUT_REPLY_TO_ALLOWED": ""}
    pipeline = await Pipeline.create(administrators, make_provider(), tmp_path, **own)
    for role in (Role.WORKER, Role.PRODUCER, Role.READER, Role.FEEDBACK, Role.WAREHOUSE):
        allow(role, pipeline.settings, "readers")
    settings = {role: settings_of(pipeline, role, everybody) for role in Role}
    worker = pipeline.start_worker(**identity(Role.WORKER, everybody))
    try:
        await until_in_force(settings[Role.PRODUCER])
        async with producer(settings[Role.PRODUCER]) as client:
            for number in range(20):
                value = orjson.dumps({"request_id": str(number), "tenant": "acme", "prompt": "Why is the sky blue?"})
                await client.send_and_wait(pipeline.settings.topic(Topic.REQUESTS), value)
            await client.send_and_wait(pipeline.settings.topic(Topic.REQUESTS), b"no request")
        answers = await read_in_a_group(settings[Role.READER], pipeline.settings.topic(Topic.RESPONSES), 20)
        assert {answer.status for answer in answers} == {Status.COMPLETED}
        assert len(await pipeline.records(Topic.DEAD_LETTERS)) == 1
        assert (await pipeline.reconcile()).bill_equals_invoice
        await fill_the_warehouse(pipeline, everybody, tmp_path / "costs.duckdb")
        assert b"not authorized" not in worker.log.read_bytes().lower()
        await judge_an_answer(pipeline, everybody)
        await see_that_nothing_else_is_allowed(settings, pipeline)
        assert worker.stop() == 0
    finally:
        pipeline.end()


def settings_of(pipeline: Pipeline, role: Role, address: str) -> Settings:
    variables = {**pipeline.environment, **identity(role, address)}
    names = {variable.removeprefix("TURNOUT_").lower(): value for variable, value in variables.items()}
    return load_settings(None, **names)


async def read_in_a_group(settings: Settings, topic: str, count: int) -> list[Response]:
    async with AIOKafkaConsumer(
        topic,
        bootstrap_servers=settings.brokers,
        security_protocol="SASL_PLAINTEXT",
        sasl_mechanism="PLAIN",
        sasl_plain_username=settings.kafka_sasl_username,
        sasl_plain_password=settings.kafka_sasl_password.get_secret_value() if settings.kafka_sasl_password else None,
        group_id="readers",
        auto_offset_reset="earliest",
    ) as consumer:
        async with asyncio.timeout(60):
            return [Response.decode((await consumer.getone()).value) for _ in range(count)]


async def until_in_force(settings: Settings) -> None:
    """Wait until the broker knows the rights that its controller has been given."""
    async with asyncio.timeout(30):
        while True:
            try:
                async with producer(settings):
                    return
            except ClusterAuthorizationFailedError:
                await asyncio.sleep(0.1)


async def judge_an_answer(pipeline: Pipeline, address: str) -> None:
    command = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "streams.cli", "feedback", "7", "--label", "good", "--source", "ann"),
        cwd=ROOT,
        env={**os.environ, **pipeline.environment, **identity(Role.FEEDBACK, address)},
        stderr=subprocess.PIPE,
    )
    _, said = await asyncio.wait_for(command.communicate(), 60)
    assert (command.returncode, said.decode()) == (0, "Sent 1.\n")
    assert len(await pipeline.records(Topic.FEEDBACK)) == 1


async def fill_the_warehouse(pipeline: Pipeline, address: str, path: Path) -> None:
    sink = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "streams.cli", "warehouse", "--duckdb", str(path), "--once"),
        cwd=ROOT,
        env={**os.environ, **pipeline.environment, **identity(Role.WAREHOUSE, address)},
        stderr=subprocess.PIPE,
    )
    _, said = await asyncio.wait_for(sink.communicate(), 60)
    assert sink.returncode == 0, said.decode()
    with duckdb.connect(str(path), read_only=True) as database:
        assert database.execute("SELECT count(DISTINCT request_id) FROM costs").fetchone() == (20,)


async def see_that_nothing_else_is_allowed(settings: dict[Role, Settings], pipeline: Pipeline) -> None:
    refused = (TopicAuthorizationFailedError, ClusterAuthorizationFailedError)
    for role, topic in (
        (Role.PRODUCER, Topic.RESPONSES),
        (Role.READER, Topic.REQUESTS),
        (Role.FEEDBACK, Topic.REQUESTS),
        (Role.WAREHOUSE, Topic.COSTS),
        (Role.DASHBOARD, Topic.BUDGETS),
    ):
        with pytest.raises(refused):  # who may write nothing at all is refused when the producer starts
            async with asyncio.timeout(20), producer(settings[role]) as client:
                await client.send_and_wait(pipeline.settings.topic(topic), b"forged")
    for role, topic in ((Role.PRODUCER, Topic.RESPONSES), (Role.READER, Topic.REQUESTS), (Role.WAREHOUSE, Topic.CALLS)):
        name = pipeline.settings.topic(topic)
        known = AdminClient(
            {
                "bootstrap.servers": settings[role].brokers,
                "security.protocol": "SASL_PLAINTEXT",
                "sasl.mechanism": "PLAIN",
                "sasl.username": f"turnout-{role}",
                "sasl.password": f"{PASSWORD}{role}",
            }
        ).list_topics(name, timeout=20)
        error = known.topics[name].error
        assert error is not None
        assert error.code() == KafkaError.TOPIC_AUTHORIZATION_FAILED
