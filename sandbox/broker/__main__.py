"""`python -m sandbox.broker`."""

import typer

from sandbox.broker.cli import broker

typer.run(broker)
