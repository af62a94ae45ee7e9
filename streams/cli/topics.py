"""`turnout topics`: creates Turnout's topics and shows them."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Annotated

import typer
from rich.table import Table

from streams.cli import options
from streams.cli.running import keep_libraries_quiet, run
from streams.cli.speech import empty_table, print_json, say, stdout_console
from streams.config.settings import Settings, load_settings
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
