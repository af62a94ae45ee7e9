"""The options that several commands have. None means: as the settings say."""

from pathlib import Path
from typing import Annotated

import typer

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
