"""`turnout control`: keeps for all workers what one at a time has to keep, and serves no requests."""

from typing import Annotated

import typer

from streams.cli import options
from streams.cli.running import keep_libraries_quiet, run
from streams.config.catalogue_file import CatalogueFile, load_catalogue
from streams.config.load_settings import load_settings
from streams.config.settings import Settings
from streams.kafka.clients import admin
from streams.kafka.pinned_check import check_pinned
from streams.ops.request_log import configure_logging

EPILOG = """\b
Examples:
    turnout control --brokers kafka-1:9092,kafka-2:9092
    turnout control & turnout worker --no-control --processes 8

Start two of them: they share the work, and when one ends the other goes on within TURNOUT_SESSION_TIMEOUT_S. They need
the settings and the catalogue of the workers, and the keys of providers only where requests wait for batches.
"""


def control(
    *,
    brokers: options.Brokers = None,
    group: Annotated[
        str | None, typer.Option(help="The workers' consumer group.", show_default="TURNOUT_GROUP, else turnout")
    ] = None,
    worker_id: Annotated[
        str | None, typer.Option(help="This process's name, unique in the group.", show_default="host and process id")
    ] = None,
    catalogue: options.CatalogueFile = None,
    log_format: Annotated[
        str | None, typer.Option(help="json or console.", show_default="TURNOUT_LOG_FORMAT, else json")
    ] = None,
    env_file: options.EnvFile = None,
) -> None:
    """Keep shared health, shares, budgets, quality and batches for workers with --no-control. Serves no requests."""
    settings = load_settings(
        env_file, brokers=brokers, group=group, worker_id=worker_id, catalogue=catalogue, log_format=log_format
    )
    catalogue_file = load_catalogue(settings.catalogue)
    check_pinned()
    keep_libraries_quiet()
    run(settings, _keep(settings, catalogue_file))


async def _keep(settings: Settings, catalogue_file: CatalogueFile) -> None:
    async with admin(settings):
        configure_logging(settings.log_level, settings.log_format, settings.secrets())
    from streams.app import run_control  # noqa: PLC0415  # which could not even be imported before `check_pinned`

    await run_control(settings, catalogue_file)
