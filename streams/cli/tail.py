"""`turnout tail`: shows a topic's records as they come."""

from contextlib import aclosing
from enum import StrEnum
from typing import Annotated

import typer

from schemas.topics import Topic
from streams.cli import options
from streams.cli.partitions import Start, partitions_of, read_records
from streams.cli.record_text import json_form, readable
from streams.cli.running import keep_libraries_quiet, run
from streams.cli.speech import print_json, stdout_console
from streams.config.load_settings import load_settings
from streams.config.settings import Settings
from streams.kafka.clients import reader

EPILOG = """\b
Examples:
    turnout tail responses
    turnout tail costs --from beginning --no-follow --json > costs.jsonl
    turnout tail dead-letters --from -20

With --json a line is the record's value. A dead letter's line holds its reason and place too, and its bytes in `value`,
or in `value_base64` if they are not UTF-8. Once `turnout replay` has sent one again, a line says so: `replayed`, its
place.
"""


class Shown(StrEnum):
    """The topics that can be shown, by their short names."""

    RESPONSES = "responses"
    COSTS = "costs"
    DEAD_LETTERS = "dead-letters"
    CALLS = "calls"
    FAILOVERS = "failovers"
    REQUESTS = "requests"
    FEEDBACK = "feedback"

    @property
    def topic(self) -> Topic:
        """The topic."""
        return Topic[self.name]


def _start(text: str) -> Start:
    try:
        return Start.parse(text)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from None


def tail(  # noqa: PLR0913 - one parameter an option
    what: Annotated[Shown, typer.Argument(help="What to show.", show_default=False)],
    *,
    start: Annotated[
        str, typer.Option("--from", help="beginning, end, or -N: the last N records.", metavar="WHERE")
    ] = "-10",
    follow: Annotated[bool, typer.Option("--follow/--no-follow", help="Go on with what comes, until Ctrl-C.")] = True,
    limit: Annotated[int | None, typer.Option(help="End after so many records.", min=1)] = None,
    as_json: options.AsJson = False,
    brokers: options.Brokers = None,
    env_file: options.EnvFile = None,
) -> None:
    """Show responses, costs, dead letters and the like. One line each; times are UTC."""
    keep_libraries_quiet()
    place = _start(start)
    settings = load_settings(env_file, brokers=brokers)
    run(settings, _tail(settings, what.topic, place, follow=follow, limit=limit, as_json=as_json))


async def _tail(
    settings: Settings, topic: Topic, start: Start, *, follow: bool, limit: int | None, as_json: bool
) -> None:
    console = stdout_console()
    partitions = await partitions_of(settings, topic)
    async with (
        reader(settings, committed_only=True, follows=True) as consumer,
        aclosing(read_records(consumer, partitions[topic], start, follow=follow)) as records,
    ):
        left = limit
        async for record in records:
            if as_json:
                print_json(json_form(topic, record))
            else:
                console.print(readable(topic, record), soft_wrap=True)
            if left is not None and (left := left - 1) == 0:
                return
