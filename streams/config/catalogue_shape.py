"""The shape of `catalogue.toml`: its tables and keys as raw models, which refuse unknown keys and impossible values."""

import re
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, AwareDatetime, BaseModel, BeforeValidator, ConfigDict, Field

from router.catalogue import Agreement, BreakerRules, HealthRules, RetryRules
from router.charges import Charge
from router.dialects.wire import DialectName
from router.models.health import PANE_S
from router.quality.prior import Scores
from router.quality.rules import WEIGHTS
from router.tenants import TenantMode
from schemas.caching import MAX_TTL_S
from schemas.message import Identifier
from schemas.requests import MAX_TAGS, Tag
from schemas.vocabulary import Difficulty, FeedbackKind, Lane, Policy, member
from streams.config.catalogue_batches import OfModel, OfProvider, RawModelBatch
from streams.config.catalogue_prices import RawPrices, RawPriceWindow, UsdPerMtok, decimal
from streams.config.values import BaseUrl


def _float(value: object) -> object:
    return float(value) if isinstance(value, Decimal) else value


def _name(value: str) -> str:
    if not value or re.search(r"[\s\x00-\x1f\x7f]", value):
        raise ValueError("must not be empty or hold spaces")
    return value


def _source_name(value: str) -> str:
    if not re.fullmatch(r"[^/\x00-\x1f\x7f]+/[^/\x00-\x1f\x7f]+", value) or value == "*/*":
        raise ValueError('must be "TENANT/SOURCE", "TENANT/*" for all of a tenant, or "*/SOURCE" for one of any tenant')
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
_Slack = Annotated[float, BeforeValidator(_float), Field(ge=0, le=1)]
_Rate = Annotated[float, BeforeValidator(_float), Field(gt=0, le=1)]
_Count = Annotated[int, Field(ge=1, le=1_000_000)]
_Weight = Annotated[float, BeforeValidator(_float), Field(ge=0, le=100)]
_SourceName = Annotated[str, AfterValidator(_source_name)]
_TokensPerMinute = Annotated[int, Field(ge=1, le=1_000_000_000)]

_TAG_CHARS = 256
_BREAKER, _HEALTH, _RETRY = BreakerRules(), HealthRules(), RetryRules()


class _Raw(BaseModel):
    model_config = ConfigDict(frozen=True, strict=True, extra="forbid", allow_inf_nan=False)


class RawAccountLimits(_Raw):
    """`[providers.NAME.accounts.NAME.models."NAME"]`: what an account is allowed in a minute of one model."""

    requests_per_minute: _Count | None = None
    tokens_per_minute: _TokensPerMinute | None = None
    input_tokens_per_minute: _TokensPerMinute | None = None
    output_tokens_per_minute: _TokensPerMinute | None = None


class RawAccount(RawAccountLimits):
    """`[providers.NAME.accounts.NAME]`."""

    key_name: Annotated[str, Field(pattern=r"^[A-Za-z0-9._-]{1,128}$")] | None = None
    weight: Annotated[int, Field(ge=1, le=1000)] = 1
    models: dict[_Label, RawAccountLimits] = {}


class RawProvider(_Raw):
    """`[providers.NAME]`."""

    base_url: BaseUrl | None = None
    dialect: Annotated[DialectName, Field(strict=False)] = DialectName.CHAT
    parameters: list[_Label] = []
    max_tokens_field: Literal["max_completion_tokens", "max_tokens"] | None = None
    api_version: Annotated[str, Field(pattern=r"^[A-Za-z0-9.-]{1,64}$")] | None = None
    region: Annotated[str, Field(pattern=r"^[a-z0-9-]{1,64}$")] | None = None
    drop_parameters: list[_Label] = []
    rename_parameters: dict[_Label, _Label] = {}
    prompt_cache: bool | None = None
    allow_http: bool = False
    ca_file: Annotated[Path, Field(strict=False)] | None = None
    client_certificate_file: Annotated[Path, Field(strict=False)] | None = None
    client_key_file: Annotated[Path, Field(strict=False)] | None = None
    charges: dict[str, Annotated[Charge, Field(strict=False)]] = {}
    accounts: dict[_Name, RawAccount] = {}
    batch: OfProvider = None


class RawThresholds(_Raw):
    """`[models.NAME.health]`: what differs from `[health]` for this model."""

    min_requests: _Count | None = None
    unhealthy_p99_ms: _Milliseconds | None = None
    unhealthy_error_rate: _Rate | None = None
    unhealthy_timeout_rate: _Rate | None = None
    degraded_p99_ms: _Milliseconds | None = None
    degraded_error_rate: _Rate | None = None


class RawCapabilities(_Raw):
    """`[models.NAME.capabilities]`, a field for each `Capability`; None: not stated."""

    images: bool | None = None
    audio: bool | None = None
    files: bool | None = None
    tools: bool | None = None
    json_schema: bool | None = None
    reasoning: bool | None = None


def _scores(value: object) -> object:
    """Take one score for that of every difficulty, and three for those of easy, medium and hard."""
    given: list[object] = value if isinstance(value, list) else [value] * len(Difficulty)
    scores = tuple(float(one) for one in given if isinstance(one, int | Decimal) and not isinstance(one, bool))
    if not len(given) == len(scores) == len(Difficulty) or not all(0 <= score <= 1 for score in scores):
        raise ValueError("must be a score from 0 to 1, or a list of three: of easy, medium and hard prompts")
    return scores


class RawModel(RawPrices):
    """`[models.NAME]`."""

    provider: str
    upstream_model: _Label | None = None
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
    image_usd: _Surcharge = Decimal(0)
    capabilities: RawCapabilities = RawCapabilities()
    expected_quality: dict[str, Annotated[Scores, BeforeValidator(_scores)]] = Field(default={})
    health: RawThresholds | None = None
    batch: OfModel = RawModelBatch()


class RawEmbeddingModel(_Raw):
    """`[embedding_models.NAME]`."""

    provider: str
    upstream_model: _Label | None = None
    input_usd_per_mtok: UsdPerMtok | None = None
    context_tokens: _Tokens
    requests_per_minute: _Count
    typical_latency_ms: Annotated[int, Field(ge=1, le=86_400_000)]
    timeout_s: _Seconds | None = None
    join_inputs: Annotated[int, Field(ge=1, le=2048)] = 64


class RawBreaker(_Raw):
    """`[breaker]`."""

    consecutive_failures: _Count = _BREAKER.consecutive_failures
    pause_s: _Seconds = _BREAKER.pause_s
    max_pause_s: _Seconds = _BREAKER.max_pause_s
    half_open_probes: _Count = _BREAKER.half_open_probes
    ramp_up_s: _Seconds = _BREAKER.ramp_up_s


class RawHealth(_Raw):
    """`[health]`."""

    window_s: Annotated[float, BeforeValidator(_float), Field(ge=PANE_S, le=3600)] = _HEALTH.window_s
    min_requests: _Count = _HEALTH.min_requests
    unhealthy_p99_ms: _Milliseconds = _HEALTH.unhealthy_p99_ms
    unhealthy_error_rate: _Rate = _HEALTH.unhealthy_error_rate
    unhealthy_timeout_rate: _Rate = _HEALTH.unhealthy_timeout_rate
    degraded_p99_ms: _Milliseconds = _HEALTH.degraded_p99_ms
    degraded_error_rate: _Rate = _HEALTH.degraded_error_rate


class RawFeedbackWeights(_Raw):
    """`[feedback.weights]`, a field for each kind that clients write."""

    person: _Weight = WEIGHTS[FeedbackKind.PERSON]
    check: _Weight = WEIGHTS[FeedbackKind.CHECK]
    judge: _Weight = WEIGHTS[FeedbackKind.JUDGE]


class RawFeedback(_Raw):
    """`[feedback]`."""

    weights: RawFeedbackWeights = RawFeedbackWeights()
    ignore_sources: list[_SourceName] = []


class RawRetry(_Raw):
    """`[retry]`."""

    max_attempts: _Count = _RETRY.max_attempts
    attempts_per_model: _Count = _RETRY.attempts_per_model
    base_s: _Seconds = _RETRY.base_s
    max_s: _Seconds = _RETRY.max_s
    budget_ratio: _Rate = _RETRY.budget_ratio
    budget_floor_per_s: Annotated[float, BeforeValidator(_float), Field(gt=0, le=1_000_000)] = _RETRY.budget_floor_per_s


class RawExperiment(_Raw):
    """`[experiments.NAME]`."""

    share: _Rate
    policy: Annotated[Policy, Field(strict=False), AfterValidator(member)] | None = None
    quality_slack: _Slack | None = None
    shadow: bool = False


class RawShadowCalls(_Raw):
    """`[shadow_calls]`."""

    share: _Slack = 0.0
    budget_usd_per_day: _Budget
    models: list[str] = []
    judge: str | None = None
    at_once: Annotated[int, Field(ge=1, le=1000)] = 8


class RawCascade(_Raw):
    """`[cascade]`."""

    agreement: Annotated[Agreement, Field(strict=False)] = Agreement.OFF
    judge: str | None = None


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


class RawKey(_Raw):
    """An entry of `keys`: the hash alone, or a table with its end."""

    hash: Annotated[str, AfterValidator(_hash)]
    expires: AwareDatetime | None = None
    revoked: bool = False


class RawTenant(_Raw):
    """`[tenants.NAME]`."""

    keys: list[Annotated[RawKey, BeforeValidator(_bare_hash)]] = []
    tiers: list[str] = []
    models: list[str] = []
    requests_per_minute: _Count | None = None
    concurrent_requests: _Count | None = None
    daily_budget_usd: _Budget | None = None
    monthly_budget_usd: _Budget | None = None
    alert_at: Annotated[list[_Share], BeforeValidator(_listed)] = [Decimal("0.8")]
    default_max_cost_usd: _Usd | None = None
    quality_slack: _Slack | None = None
    lane: Annotated[Lane, Field(strict=False), AfterValidator(member)] | None = None
    batch_if_deadline_s: _Seconds | None = None
    cache_ttl_s: Annotated[int, Field(ge=1, le=MAX_TTL_S)] | None = None
    shadow_calls: bool = True
    tags: Annotated[dict[Tag, Annotated[str | int | bool, BeforeValidator(_tag)]], Field(max_length=MAX_TAGS)] = {}
    mode: Annotated[TenantMode, Field(strict=False)] = TenantMode.ENFORCE


class RawCatalogue(_Raw):
    """The whole file."""

    name: _Label
    version: _Label
    baseline: str
    default_policy: Annotated[Policy, Field(strict=False), AfterValidator(member)] = Policy.CHAIN
    quality_slack: _Slack = 0.05
    explored_share: _Slack = 0.0
    lane: Annotated[Lane, Field(strict=False), AfterValidator(member)] = Lane.LIVE
    batch_if_deadline_s: _Seconds = 3600.0
    default_max_cost_usd: _Usd = Decimal("0.10")
    default_max_tokens: _Tokens = 4096
    default_timeout_s: _Seconds = 20.0
    last_resort: bool = True
    chains: dict[str, list[str]]
    quality_floors: dict[str, _Quality]
    providers: dict[_Name, RawProvider]
    models: dict[_Name, RawModel]
    embedding_models: dict[_Name, RawEmbeddingModel] = {}
    breaker: RawBreaker = RawBreaker()
    health: RawHealth = RawHealth()
    retry: RawRetry = RawRetry()
    feedback: RawFeedback = RawFeedback()
    cascade: RawCascade = RawCascade()
    experiments: dict[_Name, RawExperiment] = {}
    shadow_calls: RawShadowCalls | None = None
    tenants: dict[Annotated[Identifier, AfterValidator(_name)], RawTenant] = {}
