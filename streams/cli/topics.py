"""`turnout topics`: creates Turnout's topics and shows them."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Annotated

import typer
from rich.table import Table

from streams.access import Role, acl_commands
from streams.cli import options
from streams.cli.running import keep_libraries_quiet, run
from streams.cli.speech import empty_table, print_json, say, stdout_console
from streams.config.load_settings import load_settings
from streams.config.settings import Settings
from streams.kafka.clients import admin
from streams.topics import TopicState, create_topics, show_topics

topics = typer.Typer(rich_markup_mode=None, no_args_is_help=True, help="Create or show the topics.")


@topics.command(epilog="\b\nExample:\n    turnout topics create --partitions 32 --replication 3")
def create(
    *,
    brokers: options.Brokers = None,
    partitions: Annotated[
        int | None,
        typer.Option(
            help="Partitions of the busy topics: the most workers that can share them.",
            show_default="TURNOUT_PARTITIONS, else 8",
        ),
    ] = None,
    replication: Annotated[
        int | None,
        typer.Option(help="Replicas; 3 in production.", show_default="TURNOUT_REPLICATION, else 1"),
    ] = None,
    env_file: options.EnvFile = None,
    as_json: options.AsJson = False,
) -> None:
    """Create the topics that do not exist yet. Those that do are left as they are."""
    keep_libraries_quiet()
    settings = load_settings(env_file, brokers=brokers, partitions=partitions, replication=replication)
    created = run(settings, _create(settings))
    if as_json:
        print_json({"created": created})
    elif created:
        say(f"Created {', '.join(created)}.")
    else:
        say("All topics exist already.")


@topics.command(epilog="\b\nExample:\n    turnout topics show --json")
def show(*, brokers: options.Brokers = None, env_file: options.EnvFile = None, as_json: options.AsJson = False) -> None:
    """Show the topics as the cluster has them."""
    keep_libraries_quiet()
    settings = load_settings(env_file, brokers=brokers)
    states = run(settings, read_topics(settings))
    if as_json:
        print_json([asdict(state) for state in states])
    else:
        stdout_console().print(topics_table(states))


@topics.command(epilog="\b\nExample:\n    turnout topics acl --role worker --principal User:turnout | sh")
def acl(
    *,
    role: Annotated[
        Role | None, typer.Option(help="Only this role.", show_default="all of them", case_sensitive=False)
    ] = None,
    principal: Annotated[
        str | None, typer.Option(help="Who gets it, as Kafka names it.", show_default="User:turnout-ROLE")
    ] = None,
    group: Annotated[
        str | None, typer.Option(help="The consumer group of a reader of answers.", show_default="every group")
    ] = None,
    brokers: options.Brokers = None,
    env_file: options.EnvFile = None,
) -> None:
    """Print the kafka-acls commands that give each role the least it needs. Nothing is changed."""
    settings = load_settings(env_file, brokers=brokers)
    if principal is not None and role is None:
        raise typer.BadParameter("goes with --role: roles of one principal would have each other's rights")
    for one in [role] if role else Role:
        for command in acl_commands(one, principal or f"User:turnout-{one}", settings, group):
            typer.echo(command)


async def read_topics(settings: Settings) -> list[TopicState]:
    """Return every topic as the cluster has it."""
    async with admin(settings) as client:
        return await show_topics(client, settings)


def topics_table(states: Sequence[TopicState]) -> Table:
    """Return the topics as a table for a person."""
    table = empty_table("Topics", ("topic", "partitions", "replicas", "clean-up", "key"))
    for state in states:
        counts = (str(state.partitions), str(state.replication)) if state.partitions else ("missing", "")
        table.add_row(state.name, *counts, "compact" if state.spec.compacted else "delete", state.spec.key)
    return table


async def _create(settings: Settings) -> list[str]:
    async with admin(settings) as client:
        return await create_topics(client, settings)
