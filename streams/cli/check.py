"""`turnout check`: reads settings and catalogue as a worker would, and says what it found."""

import os
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Annotated

import typer
from rich.table import Table

from router.catalogue import Catalogue, Price
from router.tenants import Tenant
from schemas.requests import JsonObject
from schemas.vocabulary import Lane, Tier
from streams.cli import options
from streams.cli.running import keep_libraries_quiet, run
from streams.cli.speech import empty_table, print_json, say, stdout_console
from streams.cli.topics import topics_table
from streams.config.catalogue_file import CatalogueFile, load_catalogue
from streams.config.load_settings import load_settings
from streams.config.settings import Settings
from streams.kafka.clients import admin
from streams.providers.connections import connections_of
from streams.providers.endpoints import endpoints_of
from streams.topics import TopicState, check_sizes, check_topics

EPILOG = """\b
Examples:
    turnout check
    turnout check --catalogue new.toml --env-file production.env --topics

Ends with 2 and a sentence that names the key and the fix if something is wrong.
"""


WAITING = (Lane.BATCH, Lane.AUTO)


@dataclass(frozen=True, slots=True)
class _Reached:
    """A provider as a worker would call it."""

    name: str
    base_url: str
    has_key: bool
    accounts: tuple[str, ...] = ()
    """By name, where there are several keys."""


def check(
    *,
    catalogue: options.CatalogueFile = None,
    brokers: options.Brokers = None,
    env_file: options.EnvFile = None,
    topics: Annotated[bool, typer.Option("--topics", help="Look at the topics too; this needs the broker.")] = False,
    as_json: options.AsJson = False,
) -> None:
    """Check settings and catalogue as a worker does. Shows models, prices and chains, or names the first mistake."""
    keep_libraries_quiet()
    settings = load_settings(env_file, brokers=brokers, catalogue=catalogue)
    catalogue_file = load_catalogue(settings.catalogue)
    states = run(settings, _checked_topics(settings, catalogue_file.catalogue)) if topics else None
    endpoints = endpoints_of(settings, catalogue_file.providers)
    connections_of(settings, catalogue_file.providers, os.environ)
    providers = [
        _Reached(
            name,
            endpoint.base_url,
            has_key=endpoint.api_key is not None or bool(endpoint.account_keys),
            accounts=tuple(endpoint.account_keys),
        )
        for name, endpoint in endpoints.by_provider.items()
    ]
    if as_json:
        print_json(_report(settings, catalogue_file, providers, states))
        return
    console = stdout_console()
    console.print(_models_table(catalogue_file.catalogue))
    console.print(_providers_table(providers))
    console.print(_chains_table(catalogue_file.catalogue))
    if catalogue_file.catalogue.tenants:
        console.print(_tenants_table(catalogue_file.catalogue))
    if states is not None:
        console.print(topics_table(states))
    for sentence in (*_sentences(settings, catalogue_file.catalogue, providers), *endpoints.warnings):
        say(sentence)


async def _checked_topics(settings: Settings, catalogue: Catalogue) -> list[TopicState]:
    async with admin(settings) as client:
        states = await check_topics(client, settings, with_shadows=catalogue.shadow_calls is not None)
    check_sizes(states)
    return list(states.values())


def _models_table(catalogue: Catalogue) -> Table:
    title = f"{catalogue.name} {catalogue.version}: prices in US dollars per million tokens"
    numbers = ("input", "cached", "output", "quality", "rpm", "context")
    table = empty_table(title, ("model", "provider"), numbers)
    for model in catalogue.models.values():
        table.add_row(
            model.name,
            model.provider_name,
            *_prices(model.price),
            str(model.quality),
            str(model.requests_per_minute),
            f"{model.context_tokens:,}",
        )
    return table


def _prices(price: Price | None) -> tuple[str, str, str]:
    if price is None:
        return "unknown", "", "unknown"
    cached = price.cached_input_usd_per_mtok
    return str(price.input_usd_per_mtok), "" if cached is None else str(cached), str(price.output_usd_per_mtok)


def _providers_table(providers: Sequence[_Reached]) -> Table:
    table = empty_table("Providers", ("provider", "reached at", "key"))
    for provider in providers:
        table.add_row(
            provider.name, provider.base_url, ", ".join(provider.accounts) or ("yes" if provider.has_key else "no")
        )
    return table


def _chains_table(catalogue: Catalogue) -> Table:
    table = empty_table("Fallback chains", ("tier", "chain"), ("quality floor",))
    for tier, chain in catalogue.chains.items():
        table.add_row(tier, " -> ".join(model.name for model in chain), str(catalogue.quality_floors[tier]))
    return table


def _tenants_table(catalogue: Catalogue) -> Table:
    numbers = ("keys", "rpm", "at a time", "USD a day", "USD a month")
    table = empty_table("Tenants", ("tenant", "mode", "tiers", "models"), numbers)
    for tenant in catalogue.tenants.values():
        limits = (
            tenant.requests_per_minute,
            tenant.concurrent_requests,
            tenant.daily_budget_usd,
            tenant.monthly_budget_usd,
        )
        table.add_row(
            tenant.name,
            tenant.mode,
            ", ".join(tier for tier in Tier if tier in tenant.tiers) or "all",
            ", ".join(sorted(tenant.models)) or "all",
            str(sum(not key.revoked for key in tenant.keys)),
            *("" if limit is None else str(limit) for limit in limits),
        )
    return table


def _sentences(settings: Settings, catalogue: Catalogue, providers: Sequence[_Reached]) -> Iterator[str]:
    yield (
        f"{settings.catalogue} is right: {len(catalogue.models)} models of {len(providers)} providers; savings are "
        f"measured against {catalogue.baseline.name}."
    )
    if unpriced := [model.name for model in catalogue.models.values() if model.price is None]:
        yield f"The price of {', '.join(unpriced)} is unknown, so no cost will be stated for it."
    if not any(tenant.keys for tenant in catalogue.tenants.values()):
        yield "The pipeline is open: no tenant has a key, so whoever may write requests may spend."
    if (shadows := catalogue.shadow_calls) is not None:
        parts = [f"{shadows.share:.1%} of them is asked of {' or '.join(shadows.models)}"] if shadows.share else []
        parts += [f"{one.share:.1%} of whom experiment {one.name} chooses" for one in shadows.experiments]
        judge = "no model judges" if shadows.judge is None else f"{shadows.judge} judges"
        yield (
            f"Answered requests have shadow calls: {', '.join(parts)}; {judge}, for up to "
            f"{shadows.budget_usd_per_day:f} USD a day together."
        )
    yield from _waiting_in_vain(catalogue)
    if keyless := [provider.name for provider in providers if not provider.has_key]:
        yield f"There is no key for {', '.join(keyless)}; set TURNOUT_API_KEYS unless none is needed there."


def _waiting_in_vain(catalogue: Catalogue) -> Iterator[str]:
    """Say whose default lane is not the live one though nobody has batches, by keys of the catalogue."""
    names = [f"tenants.{name}.lane" for name, tenant in catalogue.tenants.items() if tenant.lane in WAITING]
    who = ["lane"] * (catalogue.lane in WAITING) + names
    if who and not catalogue.has_batches:
        yield (
            f"No provider has batches, so nothing waits in spite of {', '.join(who)}; set `batch` of a provider, "
            'or `lane` to "live".'
        )


def _report(
    settings: Settings, file: CatalogueFile, providers: Sequence[_Reached], states: Sequence[TopicState] | None
) -> dict[str, object]:
    catalogue = file.catalogue
    secret_free: JsonObject = settings.model_dump(mode="json", exclude=_SECRETS)
    return {
        "settings": secret_free,
        "providers": [asdict(provider) for provider in providers],
        "catalogue": {
            "name": catalogue.name,
            "version": catalogue.version,
            "baseline": catalogue.baseline.name,
            "default_policy": catalogue.default_policy,
            "default_max_cost_usd": catalogue.default_max_cost_usd,
            "models": [asdict(model) for model in catalogue.models.values()],
            "chains": {tier.value: [model.name for model in chain] for tier, chain in catalogue.chains.items()},
            "tenants": [_tenant_report(tenant) for tenant in catalogue.tenants.values()],
            "shadow_calls": None if catalogue.shadow_calls is None else asdict(catalogue.shadow_calls),
            "quality_floors": {tier.value: floor for tier, floor in catalogue.quality_floors.items()},
        },
        **({} if states is None else {"topics": [asdict(state) for state in states]}),
    }


def _tenant_report(tenant: Tenant) -> dict[str, object]:
    return {
        "name": tenant.name,
        "mode": tenant.mode,
        "keys": sum(not key.revoked for key in tenant.keys),
        "tiers": sorted(tenant.tiers),
        "models": sorted(tenant.models),
        "requests_per_minute": tenant.requests_per_minute,
        "concurrent_requests": tenant.concurrent_requests,
        "daily_budget_usd": tenant.daily_budget_usd,
        "monthly_budget_usd": tenant.monthly_budget_usd,
        "alert_at": tenant.alert_at,
        "default_max_cost_usd": tenant.default_max_cost_usd,
        "shadow_calls": tenant.shadow_calls,
        "tags": dict(tenant.tags),
    }


_SECRETS = {"api_key", "api_keys", "kafka_sasl_password"}
