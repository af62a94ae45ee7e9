"""Reads `catalogue.toml` into a `Catalogue`, or says in one sentence which key is wrong and how to mend it.

Two steps: raw models take the file's shape and refuse unknown keys and impossible values; then the checks that need
more than one key make the checked values. Fractions are read as `Decimal`, so that prices stay exact.
"""

import json
import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, Literal

from pydantic import AfterValidator, AwareDatetime, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError
from pydantic_core import ErrorDetails

from router.catalogue import BreakerRules, Catalogue, HealthRules, Model, RetryRules
from router.errors import CatalogueError
from router.models.health import PANE_S
from router.parameters import PICKS_THE_MODEL
from router.tenants import Key, Tenant, TenantMode
from schemas.message import Identifier
from schemas.requests import MAX_TAGS, Tag
from schemas.vocabulary import Policy, Tier
from streams.config.catalogue_prices import (
    LONGEST,
    RawContextTier,
    RawPrices,
    RawPriceWindow,
    checked_price,
    checked_windows,
    decimal,
)
from streams.config.settings import BaseUrl, closest, complaint


@dataclass(frozen=True, slots=True)
class Provider:
    """Where a provider is reached. All speak OpenAI's chat completions."""

    name: str
    base_url: str | None
    """Without a slash at the end. None: the settings' `provider_base_url`."""
    allow_http: bool = False
    """A key may go there in the clear."""


@dataclass(frozen=True, slots=True)
class CatalogueFile:
    """What the file says: what routing needs, and what calling needs. Every model's provider is there."""

    catalogue: Catalogue
    providers: Mapping[str, Provider]


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


def _float(value: object) -> object:
    return float(value) if isinstance(value, Decimal) else value


def _name(value: str) -> str:
    if not value or re.search(r"[\s\x00-\x1f\x7f]", value):
        raise ValueError("must not be empty or hold spaces")
    return value


_Name = Annotated[str, Field(max_length=128), AfterValidator(_name)]
_Label = Annotated[str, Field(min_length=1, max_length=128)]
_Usd = Annotated[Decimal, BeforeValidator(decimal), Field(gt=0, le=10_000, decimal_places=9)]
_Factor = Annotated[Decimal, BeforeValidator(decimal), Field(gt=0, le=100, decimal_places=6)]
_Surcharge = Annotated[Decimal, BeforeValidator(decimal), Field(ge=0, le=1000, decimal_places=9)]
_Share = Annotated[Decimal, BeforeValidator(decimal), Field(gt=0, le=1)]
_Budget = Annotated[Decimal, BeforeValidator(decimal), Field(gt=0, le=1_000_000_000, decimal_places=9)]
_Tokens = Annotated[int, Field(ge=1, le=100_000_000)]
_Quality = Annotated[int, Field(ge=1, le=10)]
_Seconds = Annotated[float, BeforeValidator(_float), Field(gt=0, le=86_400)]
_Milliseconds = Annotated[float, BeforeValidator(_float), Field(gt=0, le=86_400_000)]
_Rate = Annotated[float, BeforeValidator(_float), Field(gt=0, le=1)]
_Count = Annotated[int, Field(ge=1, le=1_000_000)]

_TAG_CHARS = 256
_BREAKER, _HEALTH, _RETRY = BreakerRules(), HealthRules(), RetryRules()


class _Raw(BaseModel):
    model_config = ConfigDict(frozen=True, strict=True, extra="forbid", allow_inf_nan=False)


class _RawProvider(_Raw):
    base_url: BaseUrl | None = None
    dialect: Literal["openai"] = "openai"
    parameters: list[_Label] = []
    allow_http: bool = False


class _RawThresholds(_Raw):
    min_requests: _Count | None = None
    unhealthy_p99_ms: _Milliseconds | None = None
    unhealthy_error_rate: _Rate | None = None
    unhealthy_timeout_rate: _Rate | None = None
    degraded_p99_ms: _Milliseconds | None = None
    degraded_error_rate: _Rate | None = None


class _RawModel(RawPrices):
    provider: str
    price_windows: tuple[RawPriceWindow, ...] = Field(default=(), strict=False)
    quality: _Quality
    context_tokens: _Tokens
    max_output_tokens: _Tokens
    requests_per_minute: _Count
    typical_latency_ms: Annotated[int, Field(ge=1, le=86_400_000)]
    timeout_s: _Seconds | None = None
    image_tokens: _Tokens | None = None
    audio_tokens: _Tokens | None = None
    file_tokens: _Tokens | None = None
    service_tiers: dict[_Label, _Factor] = Field(default={})
    surcharges_usd: dict[_Label, _Surcharge] = Field(default={})
    health: _RawThresholds | None = None


class _RawBreaker(_Raw):
    consecutive_failures: _Count = _BREAKER.consecutive_failures
    pause_s: _Seconds = _BREAKER.pause_s
    max_pause_s: _Seconds = _BREAKER.max_pause_s
    half_open_probes: _Count = _BREAKER.half_open_probes
    ramp_up_s: _Seconds = _BREAKER.ramp_up_s


class _RawHealth(_Raw):
    window_s: Annotated[float, BeforeValidator(_float), Field(ge=PANE_S, le=3600)] = _HEALTH.window_s
    min_requests: _Count = _HEALTH.min_requests
    unhealthy_p99_ms: _Milliseconds = _HEALTH.unhealthy_p99_ms
    unhealthy_error_rate: _Rate = _HEALTH.unhealthy_error_rate
    unhealthy_timeout_rate: _Rate = _HEALTH.unhealthy_timeout_rate
    degraded_p99_ms: _Milliseconds = _HEALTH.degraded_p99_ms
    degraded_error_rate: _Rate = _HEALTH.degraded_error_rate


class _RawRetry(_Raw):
    max_attempts: _Count = _RETRY.max_attempts
    attempts_per_model: _Count = _RETRY.attempts_per_model
    base_s: _Seconds = _RETRY.base_s
    max_s: _Seconds = _RETRY.max_s
    budget_ratio: _Rate = _RETRY.budget_ratio
    budget_floor_per_s: Annotated[float, BeforeValidator(_float), Field(gt=0, le=1_000_000)] = _RETRY.budget_floor_per_s


def _bare_hash(value: object) -> object:
    return {"hash": value} if isinstance(value, str) else value


def _hash(value: str) -> str:
    # the sentence never repeats the value: it may be the key itself
    if not re.fullmatch(r"sha256:[0-9a-f]{64}", value):
        raise ValueError("must be sha256: and 64 hexadecimal digits, never the key; `turnout tenant key` makes one")
    return value.removeprefix("sha256:")


def _tag(value: object) -> object:
    if not isinstance(value, str | int) or len(str(value)) > _TAG_CHARS:
        raise ValueError(f"must be text of up to {_TAG_CHARS} characters, a whole number, true or false")
    return value


def _listed(value: object) -> object:
    """Take one number for a list of one."""
    if isinstance(value, list):
        return value
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal):
        raise ValueError("must be a number or a list of numbers, such as [0.5, 0.8]")  # noqa: TRY004 - pydantic takes it
    if not 0 < value <= 1:
        raise ValueError("must be more than 0, and 1 or less")
    return [value]


class _RawKey(_Raw):
    hash: Annotated[str, AfterValidator(_hash)]
    expires: AwareDatetime | None = None
    revoked: bool = False


class _RawTenant(_Raw):
    keys: list[Annotated[_RawKey, BeforeValidator(_bare_hash)]] = []
    tiers: list[str] = []
    models: list[str] = []
    requests_per_minute: _Count | None = None
    concurrent_requests: _Count | None = None
    daily_budget_usd: _Budget | None = None
    monthly_budget_usd: _Budget | None = None
    alert_at: Annotated[list[_Share], BeforeValidator(_listed)] = [Decimal("0.8")]
    default_max_cost_usd: _Usd | None = None
    tags: Annotated[dict[Tag, Annotated[str | int | bool, BeforeValidator(_tag)]], Field(max_length=MAX_TAGS)] = {}
    mode: Annotated[TenantMode, Field(strict=False)] = TenantMode.ENFORCE


class _RawCatalogue(_Raw):
    name: _Label
    version: _Label
    baseline: str
    default_policy: Annotated[Policy, Field(strict=False)] = Policy.CHAIN
    default_max_cost_usd: _Usd = Decimal("0.10")
    default_max_tokens: _Tokens = 4096
    default_timeout_s: _Seconds = 20.0
    last_resort: bool = True
    chains: dict[str, list[str]]
    quality_floors: dict[str, _Quality]
    providers: dict[_Name, _RawProvider]
    models: dict[_Name, _RawModel]
    breaker: _RawBreaker = _RawBreaker()
    health: _RawHealth = _RawHealth()
    retry: _RawRetry = _RawRetry()
    tenants: dict[Annotated[Identifier, AfterValidator(_name)], _RawTenant] = {}


_TABLES: Mapping[str, type[BaseModel] | None] = MappingProxyType(
    {
        "chains": None,
        "quality_floors": None,
        "providers": _RawProvider,
        "models": _RawModel,
        "breaker": _RawBreaker,
        "health": _RawHealth,
        "retry": _RawRetry,
        "tenants": _RawTenant,
    }
)
"""The tables of the file, and what stands in them or in their sub-tables."""

_BELOW_MODELS: Mapping[str, type[BaseModel]] = MappingProxyType(
    {"health": _RawThresholds, "context_tiers": RawContextTier, "price_windows": RawPriceWindow}
)


def _read(text: str) -> _RawCatalogue:
    try:
        return _RawCatalogue.model_validate(tomllib.loads(text, parse_float=Decimal))
    except ValidationError as error:
        # A misspelt key is also a missing one: the misspelling is the cause.
        first = min(error.errors(), key=lambda one: one["type"] != "extra_forbidden")
        raise CatalogueError(_sentence(first)) from None
    except tomllib.TOMLDecodeError as error:
        raise CatalogueError(f"this is not TOML: {error}; mend it.") from None
    except (ValueError, ArithmeticError, RecursionError):
        # What tomllib lets pass of Python's own limits: digits of a number, depth of brackets.
        raise CatalogueError("a number is too long or brackets are nested too deep; mend it.") from None


def _sentence(error: ErrorDetails) -> str:
    path = error["loc"]
    key, last = _key(*path), str(path[-1])
    match error["type"]:
        case "missing":
            if len(path) > 1:
                in_list = isinstance(path[-2], int)
                heading = f"[[{_key(*path[:-2])}]]" if in_list else f"[{_key(*path[:-1])}]"
                return f"{key} is missing; add it under {heading}."
            if last in _TABLES:
                return f"{key} is missing; add the table [{key}]."
            return f"{key} is missing; add it at the top of the file, before the first table."
        case "extra_forbidden":
            return f"{key} is not known; {_unknown_key(path, is_table=isinstance(error['input'], dict))}"
    if last == "[key]":
        return f"{_key(*path[:-1])} {complaint(error)}; give the table another name."
    return f"{key} {_number(error['input'])}{complaint(error)}."


def _number(value: object) -> str:
    # Numbers only: any text may be a secret in the wrong place.
    if not isinstance(value, int | float | Decimal) or (isinstance(value, int) and abs(value) > LONGEST):
        return ""
    text = str(value).lower()
    return f"is {text}, " if len(text) <= len(str(LONGEST)) else ""


def _unknown_key(path: tuple[int | str, ...], *, is_table: bool) -> str:
    *above, last = map(str, path)
    table = _TABLES[above[0]] if above else _RawCatalogue
    if above[:1] == ["models"] and len(above) > 2:  # noqa: PLR2004 - models, a name, and what is below
        deepest = [name for name in above[2:] if not name.isdecimal()][-1]
        table = _BELOW_MODELS[deepest]
    if is_table and len(above) > 1:
        return f'a name with a dot is written in quotes: [{above[0]}."{".".join((*above[1:], last))}"].'
    if above[:1] == ["tenants"] and above[2:3] == ["keys"]:
        table = _RawKey
    if "key" in last.lower() and above[:1] == ["providers"]:
        return "keys are settings: put it into TURNOUT_API_KEYS, and remove it here."
    return _instead(last, () if table is None else table.model_fields)


def _instead(word: str, known: Iterable[str]) -> str:
    names = sorted(known)
    meant = closest(word, names)
    if meant is not None:
        return f'did you mean "{meant}"?'
    return f"known: {', '.join(names)}." if names else "there is none yet, add it."


def quoted(name: str) -> str:
    """Return the name as a key of a TOML table's path: bare, or in quotes if it has to be."""
    return name if re.fullmatch(r"[A-Za-z0-9_-]+", name) else json.dumps(name, ensure_ascii=False)


def _key(*path: int | str) -> str:
    text = ""
    for part in path:
        if isinstance(part, int):
            text += f"[{part}]"
        else:
            text += f".{quoted(part)}" if text else quoted(part)
    return text


_ORDERED = (
    ("breaker", "pause_s", "max_pause_s"),
    ("health", "degraded_p99_ms", "unhealthy_p99_ms"),
    ("health", "degraded_error_rate", "unhealthy_error_rate"),
    ("retry", "base_s", "max_s"),
    ("retry", "attempts_per_model", "max_attempts"),
)
"""Table, and two of its keys of which the first may not exceed the second."""


def _checked(raw: _RawCatalogue) -> CatalogueFile:
    models = {name: _model(name, raw) for name in raw.models}
    if not models:
        raise CatalogueError('models is empty; add a model, such as [models."gpt-4.1"].')
    rules = raw.model_dump(include={"breaker", "health", "retry"})
    for table, lower, upper in _ORDERED:
        _check_order(table, lower, upper, rules[table])
    catalogue = Catalogue(
        name=raw.name,
        version=raw.version,
        models=MappingProxyType(models),
        chains=_chains(raw.chains, models),
        quality_floors=_quality_floors(raw.quality_floors, models),
        baseline=_baseline(raw.baseline, models),
        default_policy=raw.default_policy,
        default_max_cost_usd=raw.default_max_cost_usd,
        default_max_tokens=raw.default_max_tokens,
        last_resort=raw.last_resort,
        breaker=BreakerRules(**rules["breaker"]),
        health=HealthRules(**rules["health"]),
        retry=RetryRules(**rules["retry"]),
        tenants=_tenants(raw.tenants, models),
    )
    providers = {
        name: Provider(name, provider.base_url, provider.allow_http) for name, provider in raw.providers.items()
    }
    return CatalogueFile(catalogue, MappingProxyType(providers))


def _check_order(key: str, lower: str, upper: str, values: Mapping[str, float]) -> None:
    low, high = values[lower], values[upper]
    if low > high:
        raise CatalogueError(f"{key}.{lower} is {low:g}, more than {upper}, {high:g}; lower it, or raise {upper}.")


def _thresholds(key: str, own: _RawThresholds | None, all_models: _RawHealth) -> HealthRules | None:
    if own is None:
        return None
    values = {**all_models.model_dump(), **own.model_dump(exclude_none=True)}
    for table, lower, upper in _ORDERED:
        if table == "health":
            _check_order(f"{key}.health", lower, upper, values)
    return HealthRules(**values)


def _model(name: str, file: _RawCatalogue) -> Model:
    raw, key = file.models[name], _key("models", name)
    if raw.provider not in file.providers:
        instead = _instead(raw.provider, file.providers)
        raise CatalogueError(f'{key}.provider is "{raw.provider}", which is not in [providers]; {instead}')
    if raw.max_output_tokens > raw.context_tokens:
        raise CatalogueError(
            f"{key}.max_output_tokens is {raw.max_output_tokens}, more than context_tokens, {raw.context_tokens}, "
            "which it is part of; lower it."
        )
    price = checked_price(key, raw, raw.context_tokens)
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
        price_windows=checked_windows(key, raw.price_windows, price, raw.context_tokens),
        image_tokens=raw.image_tokens,
        audio_tokens=raw.audio_tokens,
        file_tokens=raw.file_tokens,
        parameters=_parameters(raw.provider, file),
        service_tiers=raw.service_tiers,
        surcharges_usd=raw.surcharges_usd,
    )


def _parameters(provider: str, file: _RawCatalogue) -> frozenset[str]:
    names = file.providers[provider].parameters
    for place, name in enumerate(names):
        if name in PICKS_THE_MODEL:
            raise CatalogueError(
                f'{_key("providers", provider)}.parameters[{place}] is "{name}", which lets another model answer; '
                "remove it: Turnout routes."
            )
    return frozenset(names)


def _chains(raw: Mapping[str, list[str]], models: Mapping[str, Model]) -> Mapping[Tier, tuple[Model, ...]]:
    _check_tiers("chains", raw)
    for tier, names in raw.items():
        key = _key("chains", tier)
        if not names:
            raise CatalogueError(f"{key} is empty; name at least one model.")
        for place, name in enumerate(names):
            if name not in models:
                instead = _instead(name, models)
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
        raise CatalogueError(f"{_key(table, name)} is no tier; {_instead(name, Tier)}")
    for tier in Tier:
        if tier not in names:
            raise CatalogueError(f"{table}.{tier} is missing; add it under [{table}].")


def _tenants(raw: Mapping[str, _RawTenant], models: Mapping[str, Model]) -> Mapping[str, Tenant]:
    owners: dict[str, str] = {}
    tenants: dict[str, Tenant] = {}
    for name, one in raw.items():
        key = _key("tenants", name)
        for place, tier in enumerate(one.tiers):
            if tier not in set(Tier):
                raise CatalogueError(f'{key}.tiers[{place}] is "{tier}", which is no tier; {_instead(tier, Tier)}')
        for place, model in enumerate(one.models):
            if model not in models:
                instead = _instead(model, models)
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
            tags=MappingProxyType(one.tags),
            mode=one.mode,
        )
    return MappingProxyType(tenants)


def _baseline(name: str, models: Mapping[str, Model]) -> Model:
    if name not in models:
        raise CatalogueError(f'baseline is "{name}", which is not in [models]; {_instead(name, models)}')
    price = models[name].price
    if price is None or price.input_usd_per_mtok == 0:
        raise CatalogueError(f'baseline is "{name}", which has no price to compare with; choose a model that has one.')
    return models[name]
