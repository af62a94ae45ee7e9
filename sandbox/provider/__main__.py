"""`python -m sandbox.provider`."""

import typer

from sandbox.provider.cli import EPILOG, provider

app = typer.Typer(add_completion=False, rich_markup_mode=None)
app.command(epilog=EPILOG)(provider)
app(prog_name="python -m sandbox.provider")
