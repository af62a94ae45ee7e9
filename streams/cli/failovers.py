"""`turnout failovers`: the history of breakers and of health, and what stood in."""

from typing import Annotated

import typer

from streams.cli import options
from streams.cli.tail import Shown, tail

EPILOG = """\b
Examples:
    turnout failovers
    turnout failovers --follow
    turnout failovers --from beginning --json
"""


def failovers(
    *,
    start: Annotated[
        str, typer.Option("--from", help="beginning, end, or -N: the last N records.", metavar="WHERE")
    ] = "-20",
    follow: Annotated[bool, typer.Option("--follow", help="Go on with what comes, until Ctrl-C.")] = False,
    as_json: options.AsJson = False,
    brokers: options.Brokers = None,
    env_file: options.EnvFile = None,
) -> None:
    """Show which breakers opened and closed, which models became degraded, unhealthy or well, and why."""
    tail(Shown.FAILOVERS, start=start, follow=follow, as_json=as_json, brokers=brokers, env_file=env_file)
