"""`python -m sandbox.demo`."""

import typer

from sandbox.demo.cli import EPILOG, demo

app = typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)
app.command(epilog=EPILOG)(demo)
app(prog_name="python -m sandbox.demo")
