"""Which models may answer a request, in which order, and why the others may not."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

from router.bounds import input_bound, output_bound
from router.capabilities import lacking, needs_of
from router.catalogue import Catalogue, Model
from router.cost import upper_cost
from router.dialects.dialect import Asked, Untranslatable
from router.dialects.registry import DIALECTS
from router.dialects.wire import DialectName
from router.errors import RequestRejected
from router.experiments import CONTROL, arm_of
from router.job import Job
from router.models.health import SEVERITY
from router.models.model_state import View
from router.models.pool import ModelPool
from router.obstacle import Obstacle
from router.parameters import LIST_PRICE, NotTaken, Terms, Unpriced, forbidden_parameter, has_list_price, terms_of
from router.prompt_caching.memory import PrefixMemory, caches, saving_usd
from router.prompt_caching.prefix import Prefix, prefix_of
from router.request.value import Ranked, Worth, by_value, likely_usd, worth_of
from router.retry import Chance
from router.route import Candidate, Estimate, Route, priced
from router.tasks.analysis import Analysis
from router.tenants import Tenant
from schemas.health import HealthStatus
from schemas.requests import Request
from schemas.responses import Skipped
from schemas.vocabulary import ErrorCode, Policy, SkipReason, Tier


@dataclass(frozen=True, slots=True)
class Plan:
    """The candidates in order, and the models that were left out."""

    route: Route
    policy: Policy
    candidates: tuple[Candidate, ...]
    skipped: tuple[Skipped, ...]
    max_cost_usd: Decimal
    worths: tuple[Worth, ...] = ()
    """What is expected of each, in order of value: of the policies `value` and `cascade`."""
    prefix: Prefix | None = None
    """What the request begins with, if that is long enough for a provider's cache."""
    overstated_tokens: int = 0
    """By how much the bounds of the input are likely to be too high."""


def make_plan(
    job: Job,
    analysis: Analysis,
    pool: ModelPool,
    now_s: float,
    chance: Chance | None = None,
    catalogue: Catalogue | None = None,
) -> Plan:
    """Decide who may answer. Without `chance` nothing is explored; the catalogue may be a part of the pool's.

    Raises:
        RequestRejected: an unknown model is pinned, or no model fits the request and its cost cap.
    """
    request, catalogue = job.request, pool.catalogue if catalogue is None else catalogue
    wanted = request.tier or analysis.tier
    tier = job.tenant.tier_for(wanted) if job.tenant else wanted
    reason = f"tier {wanted} pinned by the request" if request.tier else f"tier {wanted}: {analysis.reason}"
    if job.lane_note is not None:
        reason = f"{reason}; {job.lane_note}"
    if tier is not wanted:
        reason = f"{reason}; the tenant has tier {tier} instead"
    arm = arm_of(catalogue.experiments, request, job.identity.tenant, job.arm_key)
    policy, slack = request.policy, request.quality_slack
    if arm is not None and arm.name != CONTROL:
        policy, slack, reason = arm.policy, arm.quality_slack, f"{reason}; experiment {arm.name}"
    policy, slack = policy or catalogue.default_policy, catalogue.quality_slack if slack is None else slack
    max_cost_usd = request.max_cost_usd or catalogue.default_max_cost_usd
    needs_bound = _needs_bound(job)
    obstacles: dict[str, Obstacle] = {}
    views = _Views(pool, now_s, catalogue)

    def may_answer(candidate: Candidate) -> bool:
        obstacle = (
            _forbidden(candidate.model, job.tenant)
            or _obstacle(candidate, max_cost_usd, explicit=request.max_cost_usd is not None)
            or (_unbounded(candidate.model) if needs_bound else None)
            or _too_slow(candidate.model, request.max_latency_ms, views)
        )
        if obstacle is not None:
            obstacles[candidate.model.name] = obstacle
        return obstacle is None

    made = _Candidates(job, views)
    chosen = _chosen(job, tier, policy, made)
    candidates, near, worths = list(filter(may_answer, chosen)), 0, tuple[Worth, ...]()
    if policy in _BY_VALUE and candidates and request.model is None:
        ranked = _ranked(candidates, analysis, slack, made, chance)
        candidates, near, worths = ranked.candidates, ranked.near, ranked.worths
        reason = f"{reason}; {ranked.told}"
        if policy is Policy.CASCADE:
            candidates, near = ranked.cheapest_first(), 0
    candidates = _by_health(candidates, near, views)
    candidates += filter(may_answer, _last_resorts(job, chosen, made))
    if not candidates:
        raise _no_candidate(obstacles, max_cost_usd)
    skipped = (obstacle.skipped(name) for name, obstacle in obstacles.items())
    return Plan(
        Route(analysis.task, tier, reason, job.arm or (arm.name if arm else None)),
        policy,
        tuple(candidates),
        tuple(skipped),
        max_cost_usd,
        worths,
        made.prefix,
        made.overstated_tokens,
    )


_BY_VALUE = frozenset({Policy.VALUE, Policy.CASCADE})


def _needs_bound(job: Job) -> bool:
    """Say whether a call without a bound on its cost would break a promise."""
    has_budget = job.tenant is not None and job.tenant.enforced and job.tenant.has_budget
    return job.request.max_cost_usd is not None or has_budget


def plan_judge(job: Job, model: Model, asked: Request, pool: ModelPool, now_s: float) -> Candidate | None:
    """Return the model as it is asked to judge an answer, or None if it may not be for this request."""
    candidate = _Candidates(replace(job, request=asked), _Views(pool, now_s, pool.catalogue)).of(
        model, "judges the answer before"
    )
    max_cost_usd = job.request.max_cost_usd or pool.catalogue.default_max_cost_usd
    obstacle = _forbidden(model, job.tenant)
    obstacle = obstacle or _obstacle(candidate, max_cost_usd, explicit=job.request.max_cost_usd is not None)
    obstacle = obstacle or (_unbounded(model) if _needs_bound(job) else None)
    return None if obstacle is not None else candidate._replace(request=asked)


def plan_repair(job: Job, broken: Candidate, asked: Request, pool: ModelPool, now_s: float) -> Candidate | None:
    """Return the candidate as it is asked again, or None if that is more than it takes, or than the cap allows."""
    why = f"{broken.why}; asked again, since its answer did not fit the schema"
    candidate = _Candidates(replace(job, request=asked), _Views(pool, now_s, pool.catalogue)).of(broken.model, why)
    max_cost_usd = job.request.max_cost_usd or pool.catalogue.default_max_cost_usd
    if _obstacle(candidate, max_cost_usd, explicit=job.request.max_cost_usd is not None) is not None:
        return None
    return candidate._replace(request=asked)


class _Views:
    """How the models look at the moment of the plan."""

    def __init__(self, pool: ModelPool, now_s: float, catalogue: Catalogue) -> None:
        self.pool = pool
        self.catalogue = catalogue
        self.now_s = now_s
        self._seen: dict[str, View] = {}

    def of(self, model: Model) -> View:
        view = self._seen.get(model.name)
        if view is None:
            view = self._seen[model.name] = self.pool.view(model, self.now_s)
        return view

    def p99_ms(self, model: Model) -> float:
        measured = self.of(model).p99_ms
        return model.typical_latency_ms if measured is None else measured


class _Candidates:
    """Makes candidates for one request of the models that it may go to."""

    def __init__(self, job: Job, views: _Views) -> None:
        request, pool, catalogue = job.request, views.pool, views.catalogue
        self.views = views
        self.prefix = prefix_of(request, job.identity.tenant)
        self._request = request
        self._life_ms = int(views.now_s * 1000), int(job.deadline_s * 1000)
        self._sent = input_bound(request, pool.text_bound)
        self._max_tokens = 0 if request.input is not None else request.max_tokens or catalogue.default_max_tokens
        self._needs = needs_of(request, self._sent)
        self._has_list_price = has_list_price(request, self._sent.images)
        self._predicted_tokens = output_bound(request, 0, pool.text_bound)

    @property
    def overstated_tokens(self) -> int:
        """By how much the bound of the input is likely to be too high."""
        return max(0, self._sent.words - self._sent.likely_words)

    def likely_usd(self, candidate: Candidate) -> Decimal | None:
        """Return what a call is likely to cost now, less what its provider has in its cache."""
        views = self.views
        return likely_live_usd(candidate, self.overstated_tokens, self.prefix, views.pool.prefixes, views.now_s)

    def of(self, model: Model, why: str = "") -> Candidate:
        note = self.views.of(model).note
        if note:
            why = f"{why} ({note})" if why else note
        input_tokens, max_tokens = self._sent.tokens(model), min(self._max_tokens, model.max_output_tokens)
        asked = Asked(self._request, model.upstream_name, max_tokens, model.wire)
        words = self._sent.words if input_tokens is None else input_tokens
        if model.wire.dialect is not DialectName.CHAT:
            words += DIALECTS[model.wire.dialect].added_tokens(asked)
        bound = Estimate(words, max_tokens + self._predicted_tokens)
        likely_tokens = min(words, self._sent.likely_words + words - self._sent.words) + max_tokens
        if likely_tokens > model.context_tokens:
            too_long = Obstacle(SkipReason.CONTEXT_TOO_SMALL, likely_tokens, model.context_tokens)
            return Candidate(model, why, bound, None, max_tokens, None, not_taken=too_long)
        cannot = lacking(model.lacks, self._needs) if self._needs else None
        unable = Obstacle(SkipReason.CAPABILITY_LACKING, detail=cannot) if cannot is not None else None
        if (unable := unable or _untranslatable(asked)) is not None:
            return Candidate(model, why, bound, None, max_tokens, None, not_taken=unable)
        terms: Terms | Unpriced | NotTaken = LIST_PRICE
        if not self._has_list_price:
            terms = terms_of(asked.parameters, self._request, self._sent.images, model)
        match terms:
            case NotTaken(detail):
                unknown = Obstacle(SkipReason.PARAMETER_NOT_TAKEN, detail=detail)
                return Candidate(model, why, bound, None, max_tokens, None, not_taken=unknown)
            case Unpriced(detail):
                return Candidate(model, why, bound, None, max_tokens, None, unpriced=detail)
        if input_tokens is None:
            return Candidate(model, why, bound, None, max_tokens, terms, unpriced=self._sent.unbounded(model))
        upper_usd = upper_cost([priced(price, terms) for price in model.prices_between(*self._life_ms)], bound)
        return Candidate(model, why, bound, upper_usd, max_tokens, terms)


def likely_live_usd(
    candidate: Candidate, overstated_tokens: int, prefix: Prefix | None, prefixes: PrefixMemory, now_s: float
) -> Decimal | None:
    """Return what a call is likely to cost now, less what its provider has in its cache; None if that is not known."""
    cost = likely_usd(candidate, overstated_tokens, now_s)
    price = candidate.price_at(int(now_s * 1000))
    if cost is None or price is None or prefix is None or not caches(candidate.model, price):
        return cost
    is_warm = prefixes.is_warm(prefix, candidate.model, now_s)
    return max(Decimal(0), cost - saving_usd(price, prefix.tokens)) if is_warm else cost


def _check_pinned(request: Request, catalogue: Catalogue) -> None:
    if request.model is not None and request.model not in catalogue.models:
        known = ", ".join(sorted(catalogue.models))
        raise RequestRejected(
            ErrorCode.UNKNOWN_MODEL, f"model {request.model!r} is not in the catalogue; known: {known}", "model"
        )
    if request.model is not None and catalogue.models[request.model].embeds != (request.input is not None):
        does = "embeds and does not answer: ask it with `input`" if request.input is None else "does not embed"
        raise RequestRejected(ErrorCode.NO_ELIGIBLE_MODEL, f"model {request.model!r} {does}", "model")
    if (other_model := forbidden_parameter(request.parameters)) is not None:
        raise RequestRejected(
            ErrorCode.INVALID_REQUEST,
            f"parameters.{other_model}: would let another model answer; Turnout routes: pin `model` or `tier` instead",
            f"parameters.{other_model}",
        )


def _chosen(job: Job, tier: Tier, policy: Policy, made: _Candidates) -> list[Candidate]:
    """Return the candidates of the policy; in its order, but for `value`, which has to know first who may answer."""
    views, request, catalogue = made.views, job.request, made.views.catalogue
    _check_pinned(request, catalogue)
    if request.model is not None:
        why = "model pinned by the request" if job.purpose is None else f"{job.purpose} call"
        return [made.of(catalogue.models[request.model], why)]
    chain, floor = catalogue.chains[tier], catalogue.quality_floors[tier]
    answering = [model for model in catalogue.models.values() if not model.embeds]
    good_enough = [model for model in answering if model.quality >= floor]
    match policy:
        case Policy.COST:
            chosen = [made.of(model, f"cheapest of quality {floor} or more") for model in good_enough]
            chosen.sort(key=lambda one: Decimal("Infinity") if one.upper_usd is None else one.upper_usd)
        case Policy.LATENCY:
            chosen = [made.of(model, f"fastest of quality {floor} or more") for model in good_enough]
            chosen.sort(key=lambda one: views.p99_ms(one.model))
        case Policy.VALUE | Policy.CASCADE:
            # what it asks for is in the expectation; a tier that somebody insists on is not
            insisted = good_enough if request.tier is not None else answering
            if job.tenant is not None and job.tenant.enforced and job.tenant.tiers:
                insisted = list(chain)
            chosen = [made.of(model) for model in insisted]
        case _:
            chosen = [made.of(model, f"chain {tier}, place {place}") for place, model in enumerate(chain, start=1)]
    return chosen


def _ranked(
    candidates: Sequence[Candidate], analysis: Analysis, slack: float, made: _Candidates, chance: Chance | None
) -> Ranked:
    pool, catalogue = made.views.pool, made.views.catalogue
    explores = chance is not None and catalogue.explored_share > 0 and chance() < catalogue.explored_share
    worths = worth_of(candidates, analysis, pool.quality, made.likely_usd)
    return by_value(worths, slack, analysis, chance if explores else None)


def _by_health(candidates: Sequence[Candidate], near: int, views: _Views) -> list[Candidate]:
    """Put the unhealthy last, and the degraded behind the healthy; but the first `near`, if any, before all others."""
    if not any(views.of(candidate.model).severity for candidate in candidates):
        return list(candidates)

    def key(placed: tuple[int, Candidate]) -> tuple[bool, bool, int]:
        place, candidate = placed
        severity = views.of(candidate.model).severity
        return severity >= SEVERITY[HealthStatus.UNHEALTHY], place >= near, severity

    # the sort is stable: what is equal keeps the policy's order
    return [candidate for _, candidate in sorted(enumerate(candidates), key=key)]


def _last_resorts(job: Job, chosen: Sequence[Candidate], made: _Candidates) -> Iterator[Candidate]:
    views, catalogue = made.views, made.views.catalogue
    if job.request.model is not None or not catalogue.last_resort:
        return
    taken = {one.model.name for one in chosen}
    rest = [
        model
        for model in catalogue.models.values()
        if not model.embeds and model.name not in taken and views.pool.is_closed(model)
    ]
    for model in sorted(rest, key=lambda model: (views.of(model).severity, -model.quality)):
        yield made.of(model, "last resort outside the chain")


def _forbidden(model: Model, tenant: Tenant | None) -> Obstacle | None:
    return None if tenant is None or tenant.may_use(model.name) else Obstacle(SkipReason.NOT_ALLOWED)


def _too_slow(model: Model, max_latency_ms: int | None, views: _Views) -> Obstacle | None:
    if max_latency_ms is None or views.p99_ms(model) <= max_latency_ms:
        return None
    return Obstacle(SkipReason.TOO_SLOW, views.p99_ms(model), max_latency_ms)


def _obstacle(candidate: Candidate, max_cost_usd: Decimal, *, explicit: bool) -> Obstacle | None:
    if candidate.not_taken is not None:
        return candidate.not_taken
    if candidate.upper_usd is None:
        detail = candidate.unpriced or "its price is not known"
        return Obstacle(SkipReason.PRICE_UNKNOWN, detail=detail) if explicit else None
    if candidate.upper_usd > max_cost_usd:
        return Obstacle(SkipReason.ABOVE_COST_CAP, candidate.upper_usd, max_cost_usd)
    return None


def _untranslatable(asked: Asked) -> Obstacle | None:
    """Return what a dialect has no words for. OpenAI's own chat completions have some for everything."""
    if asked.wire.dialect is DialectName.CHAT:
        return None
    try:
        DIALECTS[asked.wire.dialect].body(asked)
    except Untranslatable as why:
        return Obstacle(SkipReason.NOT_TRANSLATABLE, detail=str(why))
    return None


def _unbounded(model: Model) -> Obstacle | None:
    if model.wire.is_bounded:
        return None
    key = f"providers.{model.provider_name}.max_tokens_field"
    return Obstacle(
        SkipReason.PRICE_UNKNOWN, detail=f"its provider is not known to heed a limit of the answer; set {key}"
    )


def _no_candidate(obstacles: Mapping[str, Obstacle], max_cost_usd: Decimal) -> RequestRejected:
    texts = "; ".join(f"{name}: {obstacle}" for name, obstacle in obstacles.items()) or "the chain is empty"
    reasons = {obstacle.reason for obstacle in obstacles.values()}
    if reasons and reasons <= {SkipReason.PRICE_UNKNOWN, SkipReason.ABOVE_COST_CAP}:
        return RequestRejected(
            ErrorCode.COST_CAP_EXCEEDED,
            f"no model answers for {max_cost_usd:f} USD at the most ({texts}); raise max_cost_usd or lower max_tokens",
            "max_cost_usd",
        )
    if reasons == {SkipReason.NOT_ALLOWED}:
        return RequestRejected(ErrorCode.NOT_ALLOWED, f"no model of the tier is the tenant's to use ({texts})")
    return RequestRejected(ErrorCode.NO_ELIGIBLE_MODEL, f"no model can take this request ({texts})")
