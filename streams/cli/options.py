"""The options that several commands have. None means: as the settings say."""

from pathlib import Path
from typing import Annotated

import typer
from pydantic import SecretStr

from streams.config.key_files import read_key

Brokers = Annotated[
    str | None,
    typer.Option(
        help="Kafka brokers, HOST:PORT with commas between them.",
        metavar="HOST:PORT",
        show_default="TURNOUT_BROKERS, else 127.0.0.1:9092",
    ),
]
EnvFile = Annotated[
    Path | None, typer.Option(help="A file of settings, TURNOUT_NAME=value lines. The environment goes before it.")
]
CatalogueFile = Annotated[
    Path | None, typer.Option(help="The catalogue file.", show_default="TURNOUT_CATALOGUE, else catalogue.toml")
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON on stdout, for a program.")]
DuckDbFile = Annotated[
    Path | None,
    typer.Option("--duckdb", help="The warehouse, a DuckDB file.", show_default="TURNOUT_WAREHOUSE_DUCKDB"),
]
PostgresDsn = Annotated[
    str | None,
    typer.Option(
        "--postgres",
        help="The warehouse, a Postgres database. Others see this line: put the password into PGPASSWORD.",
        metavar="DSN",
        show_default="TURNOUT_WAREHOUSE_POSTGRES",
    ),
]


def tenant_key(file: Path | None) -> SecretStr | None:
    """Return the key that is shown with records: that in the file, none without one.

    Raises:
        typer.BadParameter: it cannot be read.
    """
    try:
        return None if file is None else read_key(file)
    except ValueError as error:
        raise typer.BadParameter(f"--key-file or TURNOUT_TENANT_KEY_FILE: {error}") from None
