"""`turnout worker`: serves requests, in this process or in several."""

import asyncio
import os
import signal
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import typer
import uvloop

from router.dead_letters import TooManyDeadLetters
from streams.cli import options
from streams.cli.running import keep_libraries_quiet, run
from streams.cli.speech import printable, say
from streams.cli.supervisor import HALTED, Supervisor
from streams.config.catalogue_file import CatalogueFile, load_catalogue
from streams.config.load_settings import load_settings
from streams.config.settings import Settings
from streams.kafka.clients import admin
from streams.kafka.pinned_check import check_pinned
from streams.ops.request_log import configure_logging

EPILOG = """\b
Examples:
    turnout worker --brokers kafka-1:9092,kafka-2:9092
    turnout worker --env-file production.env --processes 4
    turnout worker --provider-base-url http://127.0.0.1:8080/v1 --log-format console
    turnout control & turnout worker --no-control --processes 8

The first SIGTERM or Ctrl-C drains: requests under way end, what they used is committed. A second one stops at once.
Workers of one group share the requests; more than there are partitions are idle.
Exit code 3: halted because of too many dead letters; the rest is still on the topic, see docs/dead-letters.md.
"""


def worker(  # noqa: PLR0913 - one parameter an option
    *,
    brokers: options.Brokers = None,
    group: Annotated[
        str | None, typer.Option(help="The consumer group.", show_default="TURNOUT_GROUP, else turnout")
    ] = None,
    worker_id: Annotated[
        str | None, typer.Option(help="This worker's name, unique in the group.", show_default="host and process id")
    ] = None,
    catalogue: options.CatalogueFile = None,
    provider_base_url: Annotated[
        str | None,
        typer.Option(
            help="Where providers are reached that have no base_url in the catalogue.",
            metavar="URL",
            show_default="TURNOUT_PROVIDER_BASE_URL, else OpenAI's",
        ),
    ] = None,
    log_format: Annotated[
        str | None,
        typer.Option(help="json or console.", show_default="TURNOUT_LOG_FORMAT, else json"),
    ] = None,
    env_file: options.EnvFile = None,
    control: Annotated[
        bool | None,
        typer.Option(
            "--control/--no-control",
            help="Take part in what one worker at a time keeps for all (health, shares, budgets, quality, batches).",
            show_default="TURNOUT_CONTROL, else --control",
        ),
    ] = None,
    processes: Annotated[
        int, typer.Option(help="Worker processes; more than one are started again when they die.", min=1, max=256)
    ] = 1,
    supervised: Annotated[bool, typer.Option("--supervised", hidden=True)] = False,
) -> None:
    """Serve requests until SIGTERM or Ctrl-C. Calls the models, publishes answers and costs."""
    given = {
        "brokers": brokers,
        "group": group,
        "worker_id": worker_id,
        "catalogue": catalogue,
        "provider_base_url": provider_base_url,
        "log_format": log_format,
        "control": control,
    }
    settings = load_settings(env_file, **given)
    catalogue_file = load_catalogue(settings.catalogue)
    check_pinned()
    if processes > 1:
        configure_logging(settings.log_level, settings.log_format, settings.secrets())
        raise typer.Exit(uvloop.run(Supervisor(_children(settings.worker_id, processes, env_file, given)).run()))
    keep_libraries_quiet()
    try:
        run(settings, _serve(settings, catalogue_file, supervised=supervised))
    except TooManyDeadLetters as excess:
        say(
            f"Halted: {printable(str(excess), 1000)}. Those not yet written stay on the requests topic, uncommitted: "
            "mend what sends or reads them and start again, or raise TURNOUT_DEAD_LETTER_SHARE (1 is no limit)."
        )
        raise typer.Exit(HALTED) from None


async def _serve(settings: Settings, catalogue_file: CatalogueFile, *, supervised: bool) -> None:
    async with admin(settings):
        configure_logging(settings.log_level, settings.log_format, settings.secrets())
    if supervised:
        asyncio.get_running_loop().add_reader(sys.stdin.fileno(), _stop_without_supervisor)
    from streams.app import run_worker  # noqa: PLC0415  # which could not even be imported before `check_pinned`

    await run_worker(settings, catalogue_file)


def _stop_without_supervisor() -> None:
    # Nothing is written to the pipe: it is readable because the supervisor has ended, killed perhaps.
    asyncio.get_running_loop().remove_reader(sys.stdin.fileno())
    os.kill(os.getpid(), signal.SIGTERM)


def _children(
    base_id: str, processes: int, env_file: Path | None, given: Mapping[str, str | Path | bool | None]
) -> dict[str, list[str]]:
    command = [sys.executable, "-m", "streams.cli", "worker", "--supervised"]
    passed_on = {**given, "env_file": env_file, "worker_id": None, "control": None}
    if (control := given["control"]) is not None:
        command.append("--control" if control else "--no-control")
    command += [f"--{name.replace('_', '-')}={value}" for name, value in passed_on.items() if value is not None]
    names = [f"{base_id}-{number}" for number in range(1, processes + 1)]
    return {name: [*command, f"--worker-id={name}"] for name in names}
