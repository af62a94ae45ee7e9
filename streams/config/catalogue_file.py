"""Reads `catalogue.toml` into a `Catalogue`, or says in one sentence which key is wrong and how to mend it.

Two steps: raw models take the file's shape and refuse unknown keys and impossible values; then the checks that need
more than one key make the checked values. Fractions are read as `Decimal`, so that prices stay exact.
"""

import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from types import MappingProxyType

from pydantic import ValidationError

from router.catalogue import BreakerRules, CascadeRules, Catalogue, HealthRules, Model, Price, RetryRules
from router.dialects.registry import DIALECTS
from router.dialects.wire import DialectName, Wire
from router.errors import CatalogueError
from router.experiments import CONTROL, Experiment
from router.quality.prior import Prior
from router.quality.rules import FeedbackRules
from router.tenants import Key, Tenant
from schemas.costs import SHADOW_TENANT
from schemas.vocabulary import Capability, FeedbackKind, Task, Tier
from streams.config.accounts import accounts_of
from streams.config.catalogue_batches import checked_form, checked_terms
from streams.config.catalogue_prices import checked_price, checked_windows
from streams.config.catalogue_providers import ProviderEntry, checked_parameters, checked_provider, checked_wire
from streams.config.catalogue_sentences import instead_of, key_of, sentence
from streams.config.catalogue_shadows import checked_shadow_calls
from streams.config.catalogue_shape import (
    RawCatalogue,
    RawFeedback,
    RawHealth,
    RawModel,
    RawTenant,
    RawThresholds,
)


@dataclass(frozen=True, slots=True)
class CatalogueFile:
    """What the file says: what routing needs, and what calling needs. Every model's provider is there."""

    catalogue: Catalogue
    providers: Mapping[str, ProviderEntry]


def load_catalogue(path: Path) -> CatalogueFile:
    """Read and check the catalogue file.

    Raises:
        CatalogueError: it cannot be read, or something in it is wrong; one sentence with file, key and fix.
    """
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except FileNotFoundError:
        raise CatalogueError(f"{path}: there is no such file; set TURNOUT_CATALOGUE to the catalogue's path.") from None
    except OSError as error:
        raise CatalogueError(
            f"{path}: the file cannot be read ({error.strerror}); set TURNOUT_CATALOGUE to a readable file."
        ) from None
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        raise CatalogueError(f"{path}: line {line} is not UTF-8; save the file as UTF-8.") from None
    return parse_catalogue(text, str(path))


def parse_catalogue(text: str, source: str = "the catalogue") -> CatalogueFile:
    """Check a catalogue's text; `source` names it in the error.

    Raises:
        CatalogueError: something is wrong; one sentence with source, key and fix.
    """
    try:
        return _checked(_read(text))
    except CatalogueError as error:
        raise CatalogueError(f"{source}: {error}") from None


def _read(text: str) -> RawCatalogue:
    try:
        return RawCatalogue.model_validate(tomllib.loads(text, parse_float=Decimal))
    except ValidationError as error:
        # A misspelt key is also a missing one: the misspelling is the cause.
        first = min(error.errors(), key=lambda one: one["type"] != "extra_forbidden")
        raise CatalogueError(sentence(first)) from None
    except tomllib.TOMLDecodeError as error:
        raise CatalogueError(f"this is not TOML: {error}; mend it.") from None
    except (ValueError, ArithmeticError, RecursionError):
        # What tomllib lets pass of Python's own limits: digits of a number, depth of brackets.
        raise CatalogueError("a number is too long or brackets are nested too deep; mend it.") from None


_ORDERED = (
    ("breaker", "pause_s", "max_pause_s"),
    ("health", "degraded_p99_ms", "unhealthy_p99_ms"),
    ("health", "degraded_error_rate", "unhealthy_error_rate"),
    ("retry", "base_s", "max_s"),
    ("retry", "attempts_per_model", "max_attempts"),
)
"""Table, and two of its keys of which the first may not exceed the second."""


def _checked(raw: RawCatalogue) -> CatalogueFile:
    wires = {name: checked_wire(name, provider) for name, provider in raw.providers.items()}
    models = {name: _model(name, raw, wires) for name in raw.models}
    if not models:
        raise CatalogueError('models is empty; add a model, such as [models."gpt-4.1"].')
    embedding_models = {name: _embedding_model(name, raw, wires) for name in raw.embedding_models}
    rules = raw.model_dump(include={"breaker", "health", "retry"})
    for table, lower, upper in _ORDERED:
        _check_order(table, lower, upper, rules[table])
    experiments = _experiments(raw)
    catalogue = Catalogue(
        name=raw.name,
        version=raw.version,
        models=MappingProxyType({**models, **embedding_models}),
        chains=_chains(raw.chains, models),
        quality_floors=_quality_floors(raw.quality_floors, models),
        baseline=_baseline(raw.baseline, models),
        default_policy=raw.default_policy,
        quality_slack=raw.quality_slack,
        explored_share=raw.explored_share,
        lane=raw.lane,
        batch_if_deadline_s=raw.batch_if_deadline_s,
        default_max_cost_usd=raw.default_max_cost_usd,
        default_max_tokens=raw.default_max_tokens,
        last_resort=raw.last_resort,
        breaker=BreakerRules(**rules["breaker"]),
        health=HealthRules(**rules["health"]),
        retry=RetryRules(**rules["retry"]),
        feedback=_feedback(raw.feedback),
        cascade=_cascade(raw, models),
        experiments=tuple(one for one in experiments if not one.shadow),
        shadow_calls=checked_shadow_calls(raw, models, [one for one in experiments if one.shadow]),
        tenants=_tenants(raw.tenants, {**models, **embedding_models}),
        accounts=accounts_of(
            raw.providers, {name: model.provider_name for name, model in {**models, **embedding_models}.items()}
        ),
    )
    providers = {name: checked_provider(name, provider, wires[name]) for name, provider in raw.providers.items()}
    return CatalogueFile(catalogue, MappingProxyType(providers))


def _check_order(key: str, lower: str, upper: str, values: Mapping[str, float]) -> None:
    low, high = values[lower], values[upper]
    if low > high:
        raise CatalogueError(f"{key}.{lower} is {low:g}, more than {upper}, {high:g}; lower it, or raise {upper}.")


def _thresholds(key: str, own: RawThresholds | None, all_models: RawHealth) -> HealthRules | None:
    if own is None:
        return None
    values = {**all_models.model_dump(), **own.model_dump(exclude_none=True)}
    for table, lower, upper in _ORDERED:
        if table == "health":
            _check_order(f"{key}.health", lower, upper, values)
    return HealthRules(**values)


def _model(name: str, file: RawCatalogue, wires: Mapping[str, Wire]) -> Model:
    raw, key = file.models[name], key_of("models", name)
    if raw.provider not in file.providers:
        instead = instead_of(raw.provider, file.providers)
        raise CatalogueError(f'{key}.provider is "{raw.provider}", which is not in [providers]; {instead}')
    if raw.max_output_tokens > raw.context_tokens:
        raise CatalogueError(
            f"{key}.max_output_tokens is {raw.max_output_tokens}, more than context_tokens, {raw.context_tokens}, "
            "which it is part of; lower it."
        )
    price = checked_price(key, raw, raw.context_tokens)
    windows = checked_windows(key, raw.price_windows, price, raw.context_tokens)
    dialect = DIALECTS[wires[raw.provider].dialect]
    batch = file.providers[raw.provider].batch
    form = checked_form(key_of("providers", raw.provider), dialect.name, batch)
    in_batches = raw.batch if batch is not None or "batch" in raw.model_fields_set else None
    return Model(
        name=name,
        provider_name=raw.provider,
        price=price,
        quality=raw.quality,
        context_tokens=raw.context_tokens,
        max_output_tokens=raw.max_output_tokens,
        requests_per_minute=raw.requests_per_minute,
        typical_latency_ms=raw.typical_latency_ms,
        timeout_s=file.default_timeout_s if raw.timeout_s is None else raw.timeout_s,
        health=_thresholds(key, raw.health, file.health),
        price_windows=windows,
        image_tokens=raw.image_tokens,
        audio_tokens=raw.audio_tokens,
        file_tokens=raw.file_tokens,
        parameters=checked_parameters(raw.provider, file.providers[raw.provider]) | dialect.own_parameters,
        service_tiers=raw.service_tiers,
        surcharges_usd={**dict.fromkeys(dialect.own_parameters, Decimal(0)), **raw.surcharges_usd},
        image_usd=raw.image_usd,
        lacks=frozenset(one for one in Capability if getattr(raw.capabilities, one) is False),
        wire=wires[raw.provider],
        upstream_model=raw.upstream_model,
        expected_quality=_expected_quality(key, raw),
        batch=checked_terms(
            key, batch, form, in_batches, price=price, windows=windows, context_tokens=raw.context_tokens
        ),
    )


def _expected_quality(key: str, raw: RawModel) -> Prior | None:
    for task in raw.expected_quality:
        if task not in (_EVERY_TASK, *Task):
            instead = instead_of(task, (_EVERY_TASK, *Task))
            raise CatalogueError(f"{key}.expected_quality.{task} is no task; {instead}")
    by_task = {Task(task): scores for task, scores in raw.expected_quality.items() if task != _EVERY_TASK}
    default = raw.expected_quality.get(_EVERY_TASK)
    if default is not None:
        return Prior(default, by_task)
    return Prior.from_quality(raw.quality, by_task) if by_task else None


_EVERY_TASK = "default"
"""Of `expected_quality`: the scores of the tasks that are not there."""


def _embedding_model(name: str, file: RawCatalogue, wires: Mapping[str, Wire]) -> Model:
    raw, key = file.embedding_models[name], key_of("embedding_models", name)
    if name in file.models:
        raise CatalogueError(f"{key} has the name of a model in [models]; give it another, and set upstream_model.")
    if raw.provider not in file.providers:
        instead = instead_of(raw.provider, file.providers)
        raise CatalogueError(f'{key}.provider is "{raw.provider}", which is not in [providers]; {instead}')
    if wires[raw.provider].dialect is not DialectName.CHAT:
        raise CatalogueError(
            f'{key}.provider is "{raw.provider}", whose dialect has no embeddings; add a provider of dialect '
            f'"{DialectName.CHAT}" for it.'
        )
    return Model(
        name=name,
        provider_name=raw.provider,
        price=None if raw.input_usd_per_mtok is None else Price(raw.input_usd_per_mtok, Decimal(0)),
        quality=1,
        context_tokens=raw.context_tokens,
        max_output_tokens=raw.context_tokens,
        requests_per_minute=raw.requests_per_minute,
        typical_latency_ms=raw.typical_latency_ms,
        timeout_s=file.default_timeout_s if raw.timeout_s is None else raw.timeout_s,
        parameters=checked_parameters(raw.provider, file.providers[raw.provider]),
        embeds=True,
        join_inputs=raw.join_inputs,
        wire=wires[raw.provider],
        upstream_model=raw.upstream_model,
    )


def _chains(raw: Mapping[str, list[str]], models: Mapping[str, Model]) -> Mapping[Tier, tuple[Model, ...]]:
    _check_tiers("chains", raw)
    for tier, names in raw.items():
        key = key_of("chains", tier)
        if not names:
            raise CatalogueError(f"{key} is empty; name at least one model.")
        for place, name in enumerate(names):
            if name not in models:
                instead = instead_of(name, models)
                raise CatalogueError(f'{key}[{place}] is "{name}", which is not in [models]; {instead}')
            if name in names[:place]:
                raise CatalogueError(f'{key}[{place}] is "{name}" for the second time; remove it.')
    return MappingProxyType({tier: tuple(models[name] for name in raw[tier]) for tier in Tier})


def _quality_floors(raw: Mapping[str, int], models: Mapping[str, Model]) -> Mapping[Tier, int]:
    _check_tiers("quality_floors", raw)
    best = max(model.quality for model in models.values())
    for tier, floor in raw.items():
        if floor > best:
            raise CatalogueError(f"quality_floors.{tier} is {floor}, and no model's quality is above {best}; lower it.")
    return MappingProxyType({tier: raw[tier] for tier in Tier})


def _check_tiers(table: str, given: Iterable[str]) -> None:
    names = set(given)
    for name in sorted(names - set(Tier)):
        raise CatalogueError(f"{key_of(table, name)} is no tier; {instead_of(name, Tier)}")
    for tier in Tier:
        if tier not in names:
            raise CatalogueError(f"{table}.{tier} is missing; add it under [{table}].")


def _tenants(raw: Mapping[str, RawTenant], models: Mapping[str, Model]) -> Mapping[str, Tenant]:
    owners: dict[str, str] = {}
    tenants: dict[str, Tenant] = {}
    for name, one in raw.items():
        key = key_of("tenants", name)
        if name == SHADOW_TENANT:
            raise CatalogueError(f"{key}: {SHADOW_TENANT} is who pays for shadow calls; give it another name.")
        for place, tier in enumerate(one.tiers):
            if tier not in set(Tier):
                raise CatalogueError(f'{key}.tiers[{place}] is "{tier}", which is no tier; {instead_of(tier, Tier)}')
        for place, model in enumerate(one.models):
            if model not in models:
                instead = instead_of(model, models)
                raise CatalogueError(f'{key}.models[{place}] is "{model}", which is not in [models]; {instead}')
        for place, own in enumerate(one.keys):
            if (owner := owners.setdefault(own.hash, f"{key}.keys[{place}]")) != f"{key}.keys[{place}]":
                raise CatalogueError(f"{key}.keys[{place}] is the same as {owner}; a key is one tenant's, once.")
        daily, monthly = one.daily_budget_usd, one.monthly_budget_usd
        if daily is not None and monthly is not None and daily > monthly:
            raise CatalogueError(
                f"{key}.daily_budget_usd is {daily}, more than monthly_budget_usd, {monthly}; lower it, or raise "
                "monthly_budget_usd."
            )
        tenants[name] = Tenant(
            name=name,
            keys=tuple(
                Key(own.hash, own.expires.timestamp() if own.expires else None, own.revoked) for own in one.keys
            ),
            tiers=frozenset(map(Tier, one.tiers)),
            models=frozenset(one.models),
            requests_per_minute=one.requests_per_minute,
            concurrent_requests=one.concurrent_requests,
            daily_budget_usd=daily,
            monthly_budget_usd=monthly,
            alert_at=tuple(sorted(set(one.alert_at))),
            default_max_cost_usd=one.default_max_cost_usd,
            quality_slack=one.quality_slack,
            lane=one.lane,
            batch_if_deadline_s=one.batch_if_deadline_s,
            cache_ttl_s=one.cache_ttl_s,
            shadow_calls=one.shadow_calls,
            tags=MappingProxyType(one.tags),
            mode=one.mode,
        )
    return MappingProxyType(tenants)


def _cascade(raw: RawCatalogue, models: Mapping[str, Model]) -> CascadeRules:
    judge = raw.cascade.judge
    if judge is not None and judge not in models:
        raise CatalogueError(f'cascade.judge is "{judge}", which is not in [models]; {instead_of(judge, models)}')
    return CascadeRules(raw.cascade.agreement, judge)


def _experiments(raw: RawCatalogue) -> tuple[Experiment, ...]:
    for name, one in raw.experiments.items():
        key = key_of("experiments", name)
        if name == CONTROL:
            raise CatalogueError(f"{key}: {CONTROL} is what experiments are compared with; give it another name.")
        if one.policy is None and one.quality_slack is None:
            raise CatalogueError(f"{key} changes nothing; add a policy or a quality_slack.")
    answering = [one for one in raw.experiments.values() if not one.shadow]
    if (total := sum(Decimal(str(one.share)) for one in answering)) > 1:
        raise CatalogueError(f"the shares of [experiments] are {total} together, must be 1 or less; lower one.")
    return tuple(
        Experiment(name, one.share, one.policy, one.quality_slack, one.shadow) for name, one in raw.experiments.items()
    )


def _baseline(name: str, models: Mapping[str, Model]) -> Model:
    if name not in models:
        raise CatalogueError(f'baseline is "{name}", which is not in [models]; {instead_of(name, models)}')
    price = models[name].price
    if price is None or price.input_usd_per_mtok == 0:
        raise CatalogueError(f'baseline is "{name}", which has no price to compare with; choose a model that has one.')
    return models[name]


def _feedback(raw: RawFeedback) -> FeedbackRules:
    weights = {FeedbackKind(kind): weight for kind, weight in raw.weights.model_dump().items()}
    return FeedbackRules(MappingProxyType(weights), frozenset(raw.ignore_sources))
