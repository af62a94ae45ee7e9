"""`turnout prices`: the catalogue beside what public lists say, or what they say, ready to be pasted into it."""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from types import MappingProxyType
from typing import Annotated

import typer
from rich.table import Table

from router.catalogue import Model, Price, Rates
from streams.cli import options
from streams.cli.running import keep_libraries_quiet
from streams.cli.speech import empty_table, print_json, say, stdout_console
from streams.config.catalogue_file import load_catalogue
from streams.config.list_prices import list_price
from streams.config.load_settings import load_settings
from streams.config.public_lists import ListedModel, PublicList, read_public_list

EPILOG = """\b
Examples:
    turnout prices
    turnout prices --toml
    turnout prices --catalogue examples/list-prices.toml --json
    turnout prices --list model_prices_and_context_window.json --toml

List prices come from the data inside the package genai-prices: pip install "turnout[prices]". A file named by --list is
read instead: LiteLLM's model_prices_and_context_window.json, or what https://openrouter.ai/api/v1/models replies. These
say limits and capabilities too. All are what others publish, not what your contract says.
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


_LIMITS = ("context_tokens", "max_output_tokens")


@dataclass(frozen=True, slots=True)
class _Fact:
    """A limit of one model, in tokens, or whether it can do something."""

    model: str
    name: str
    catalogue: int | bool
    public_list: int | bool


def prices(
    *,
    catalogue: options.CatalogueFile = None,
    env_file: options.EnvFile = None,
    toml: Annotated[
        bool, typer.Option("--toml", "--write", help="Print what the list says as TOML, to paste into the catalogue.")
    ] = False,
    public_list: Annotated[
        Path | None,
        typer.Option("--list", help="A file: LiteLLM's or OpenRouter's list, with limits and capabilities."),
    ] = None,
    as_json: options.AsJson = False,
) -> None:
    """Compare the catalogue's prices, as they are at this moment, with public lists. Needs no network."""
    keep_libraries_quiet()
    settings = load_settings(env_file, catalogue=catalogue)
    models = tuple(load_catalogue(settings.catalogue).catalogue.models.values())
    now_ms = time.time_ns() // 1_000_000
    now = datetime.fromtimestamp(now_ms / 1000, UTC)
    from_file = None if public_list is None else read_public_list(public_list)
    listed = {model.name: _listed(model, from_file, now) for model in models}
    if toml:
        typer.echo("\n".join(text for model in models if (text := _toml(listed[model.name], model))))
    else:
        lines = [line for model in models for line in _lines(model, model.price_at(now_ms), listed[model.name].price)]
        facts = [fact for model in models for fact in _facts(model, listed[model.name])]
        if as_json:
            print_json([*map(_row, lines), *map(_fact_row, facts)])
        else:
            stdout_console().print(_table(lines))
            if facts:
                stdout_console().print(_fact_table(facts))
    if unlisted := [name for name, one in listed.items() if one.price is None]:
        say(f"No public price is known for {', '.join(unlisted)}")


def _listed(model: Model, from_file: PublicList | None, now: datetime) -> ListedModel:
    if from_file is None:
        prices = (list_price(name, model.provider_name, now) for name in _names_of(model))
        return ListedModel(next((price for price in prices if price is not None), None))
    found = (from_file.find(name, model.provider_name) for name in _names_of(model))
    return next((listed for listed in found if listed is not None), ListedModel())


def _names_of(model: Model) -> tuple[str, ...]:
    """Return the names that a list may have for it: the provider's, then ours."""
    return (model.name,) if model.upstream_name == model.name else (model.upstream_name, model.name)


def _facts(model: Model, listed: ListedModel) -> Iterator[_Fact]:
    for name in _limits(model):
        if (limit := getattr(listed, name)) is not None:
            yield _Fact(model.name, name, getattr(model, name), limit)
    if not model.embeds:
        for capability, is_able in listed.capabilities.items():
            yield _Fact(model.name, capability, capability not in model.lacks, is_able)


def _limits(model: Model) -> Sequence[str]:
    return _LIMITS[:1] if model.embeds else _LIMITS


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


_SHOWN: Mapping[type, Callable[[int], str]] = MappingProxyType({bool: ("no", "yes").__getitem__, int: "{:,}".format})


def _fact_table(facts: Sequence[_Fact]) -> Table:
    table = empty_table("Limits and capabilities", ("model", "what"), ("catalogue", "public list"))
    before = None
    for fact in facts:
        shown = map(_SHOWN[type(fact.public_list)], (fact.catalogue, fact.public_list))
        table.add_row("" if fact.model == before else fact.model, fact.name, *shown)
        before = fact.model
    return table


def _fact_row(fact: _Fact) -> dict[str, object]:
    return {"model": fact.model, "what": fact.name, "catalogue": fact.catalogue, "list": fact.public_list}


def _toml(listed: ListedModel, model: Model) -> str:
    name = '"' + model.name.replace("\\", "\\\\").replace('"', '\\"') + '"'
    price = listed.price
    text = "" if price is None else _toml_rates(price, _METERS[:1] if model.embeds else _METERS)
    for limit in _limits(model):
        if (tokens := getattr(listed, limit)) is not None:
            text += f"{limit} = {tokens}\n"
    if listed.capabilities and not model.embeds:
        stated = ", ".join(f"{one} = {str(is_able).lower()}" for one, is_able in listed.capabilities.items())
        text += f"capabilities = {{ {stated} }}\n"
    if not text:
        return ""
    text = f"[{'embedding_models' if model.embeds else 'models'}.{name}]\n{text}"
    for tier in price.tiers if price and not model.embeds else ():
        if tier.above_input_tokens < (listed.context_tokens or model.context_tokens):
            text += f"\n[[models.{name}.context_tiers]]\nabove_input_tokens = {tier.above_input_tokens}\n"
            text += _toml_rates(tier)
    return text


def _toml_rates(rates: Rates, meters: Sequence[tuple[str, str]] = _METERS) -> str:
    named = ((name, _rate(rates, name)) for _, name in meters)
    return "".join(f"{name} = {rate:f}\n" for name, rate in named if rate is not None)
