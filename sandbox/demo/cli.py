"""The command `turnout demo`, also `python -m sandbox.demo`."""

import logging
import signal
import sys
from decimal import Decimal
from typing import Annotated

import httpx
import orjson
import typer
from aiokafka.errors import KafkaError
from rich.console import Console

from sandbox.broker import BrokerUnavailableError
from sandbox.demo.commands import DemoFailed
from sandbox.demo.figures import Figures
from sandbox.demo.show import WIDTH, open_show
from sandbox.demo.stage import DemoOptions, play
from sandbox.demo.tables import print_figures
from sandbox.provider.process import ProviderDidNotStart

EPILOG = """\b
Examples:
    turnout demo
    turnout demo --broker embedded --requests 1000
    turnout demo --json > figures.json

The exit code is 0 only if every request was answered exactly once and the bill equals the provider's invoice.
"""
_INTERRUPTED = 130


def demo(
    *,
    broker: Annotated[
        str, typer.Option(help="auto, kafka, docker, embedded, or the HOST:PORT of one that runs already.")
    ] = "auto",
    requests: Annotated[
        int | None, typer.Option(help="How many; the prompts repeat as needed.", min=1, show_default="each prompt once")
    ] = None,
    seed: Annotated[
        int, typer.Option(help="Chooses the provider's answers, latencies and failures.", min=0, max=2**63 - 1)
    ] = 1,
    workers: Annotated[int, typer.Option(help="Worker processes.", min=1, max=16)] = 2,
    time_scale: Annotated[float, typer.Option(help="Multiplies the provider's latencies.", min=0.01, max=5)] = 1.0,
    as_json: Annotated[bool, typer.Option("--json", help="Print the figures as JSON on stdout.")] = False,
) -> None:
    """See it work: prompts through Kafka, a model that fails and recovers, and a bill that equals the invoice."""
    for ending in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(ending, signal.default_int_handler)
    # What its clients log here is passing, a partition without a leader yet for example.
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)
    stage, stdout = _console(stderr=as_json), _console()
    try:
        with open_show(stage, workers) as show:
            figures = play(DemoOptions(broker, requests, seed, workers, time_scale), show)
    except (BrokerUnavailableError, ProviderDidNotStart, DemoFailed) as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(1) from error
    except (KafkaError, httpx.HTTPError, TimeoutError) as error:
        typer.echo(f"The demo broke off: {str(error) or type(error).__name__}.", err=True)
        raise typer.Exit(1) from error
    except KeyboardInterrupt:
        typer.echo("Stopped; no process is left behind.", err=True)
        raise typer.Exit(_INTERRUPTED) from None
    if as_json:
        sys.stdout.write(to_json(figures) + "\n")
    else:
        print_figures(stdout, figures)
    raise typer.Exit(1 if figures.problems else 0)


def to_json(figures: Figures) -> str:
    """Return the figures as one line of JSON; money is decimal strings of US dollars with 9 places."""
    return orjson.dumps(figures, default=_as_text).decode()


def _as_text(value: object) -> str:
    if isinstance(value, Decimal):
        return f"{value:.9f}"
    raise TypeError


def _console(*, stderr: bool = False) -> Console:
    console = Console(stderr=stderr, highlight=False, markup=False)
    return console if console.is_terminal else Console(stderr=stderr, highlight=False, markup=False, width=WIDTH)
