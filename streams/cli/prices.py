"""`turnout prices`: the catalogue's prices beside the public list prices, or list prices ready to be pasted into it."""

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Annotated

import typer
from rich.table import Table

from router.catalogue import Model, Price, Rates
from streams.cli import options
from streams.cli.running import keep_libraries_quiet
from streams.cli.speech import empty_table, print_json, say, stdout_console
from streams.config.catalogue_file import load_catalogue
from streams.config.list_prices import list_price
from streams.config.settings import load_settings

EPILOG = """\b
Examples:
    turnout prices
    turnout prices --toml
    turnout prices --catalogue examples/list-prices.toml --json

List prices come from the data inside the package genai-prices: pip install "turnout[prices]". They are what providers
publish, not what your contract says.
"""

_METERS = (
    ("input", "input_usd_per_mtok"),
    ("cached input", "cached_input_usd_per_mtok"),
    ("cache write", "cache_write_usd_per_mtok"),
    ("output", "output_usd_per_mtok"),
)


@dataclass(frozen=True, slots=True)
class _Line:
    """One unit price of one model, US dollars per million tokens; None where there is none."""

    model: str
    meter: str
    catalogue_usd_per_mtok: Decimal | None
    list_usd_per_mtok: Decimal | None

    @property
    def difference_percent(self) -> Decimal | None:
        """How much dearer the catalogue is than the list."""
        ours, theirs = self.catalogue_usd_per_mtok, self.list_usd_per_mtok
        return None if ours is None or not theirs else (ours - theirs) / theirs * 100


def prices(
    *,
    catalogue: options.CatalogueFile = None,
    env_file: options.EnvFile = None,
    toml: Annotated[
        bool, typer.Option("--toml", "--write", help="Print the list prices as TOML, to paste into the catalogue.")
    ] = False,
    as_json: options.AsJson = False,
) -> None:
    """Compare the catalogue's prices, as they are at this moment, with the public list prices. Needs no network."""
    keep_libraries_quiet()
    settings = load_settings(env_file, catalogue=catalogue)
    models = tuple(load_catalogue(settings.catalogue).catalogue.models.values())
    now_ms = time.time_ns() // 1_000_000
    now = datetime.fromtimestamp(now_ms / 1000, UTC)
    listed = {model.name: list_price(model.name, model.provider_name, now) for model in models}
    unlisted = [name for name, price in listed.items() if price is None]
    if toml:
        typer.echo("\n".join(_toml(listed[model.name], model) for model in models if listed[model.name]))
    else:
        lines = [line for model in models for line in _lines(model, model.price_at(now_ms), listed[model.name])]
        if as_json:
            print_json([_row(line) for line in lines])
        else:
            stdout_console().print(_table(lines))
    if unlisted:
        say(f"No public price is known for {', '.join(unlisted)}")


def _lines(model: Model, ours: Price | None, theirs: Price | None) -> Iterator[_Line]:
    lengths = {tier.above_input_tokens for price in (ours, theirs) if price for tier in price.tiers}
    for above in (0, *sorted(lengths)):
        own = ours and ours.at(above + 1)
        listed = theirs and theirs.at(above + 1)
        for meter, name in _METERS:
            one, other = (_rate(rates, name) for rates in (own, listed))
            if one is not None or other is not None or meter in {"input", "output"}:
                yield _Line(model.name, f"{meter} above {above:,}" if above else meter, one, other)


def _rate(rates: Rates | None, name: str) -> Decimal | None:
    rate: Decimal | None = getattr(rates, name, None)
    return rate


def _table(lines: Sequence[_Line]) -> Table:
    table = empty_table(
        "US dollars per million tokens", ("model", "tokens"), ("catalogue", "public list", "difference")
    )
    before = None
    for line in lines:
        table.add_row(
            "" if line.model == before else line.model,
            line.meter,
            _shown(line.catalogue_usd_per_mtok),
            _shown(line.list_usd_per_mtok),
            "" if line.difference_percent is None else f"{line.difference_percent:+.0f} %",
        )
        before = line.model
    return table


def _shown(rate: Decimal | None) -> str:
    return "-" if rate is None else f"{rate:f}"


def _row(line: _Line) -> dict[str, object]:
    percent = line.difference_percent
    return {
        "model": line.model,
        "meter": line.meter,
        "catalogue_usd_per_mtok": line.catalogue_usd_per_mtok,
        "list_usd_per_mtok": line.list_usd_per_mtok,
        "difference_percent": None if percent is None else round(float(percent), 2),
    }


def _toml(price: Price | None, model: Model) -> str:
    if price is None:
        return ""
    name = '"' + model.name.replace("\\", "\\\\").replace('"', '\\"') + '"'
    text = f"[models.{name}]\n{_toml_rates(price)}"
    for tier in price.tiers:
        if tier.above_input_tokens < model.context_tokens:
            text += f"\n[[models.{name}.context_tiers]]\nabove_input_tokens = {tier.above_input_tokens}\n"
            text += _toml_rates(tier)
    return text


def _toml_rates(rates: Rates) -> str:
    named = ((name, _rate(rates, name)) for _, name in _METERS)
    return "".join(f"{name} = {rate:f}\n" for name, rate in named if rate is not None)
