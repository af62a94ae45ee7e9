"""Whether a request that has been answered is asked of another model too, and of which.

It is not where somebody has said who may read it or what it may cost in a way that a second call would break: a request
that pins its model, and a tenant that has said `shadow_calls = false`. A tenant's `models` hold for the shadow and for
the judge as well.
"""

from collections.abc import Collection
from dataclasses import dataclass, replace

from router.experiments import Experiment
from router.job import Job
from router.shadow_rules import ShadowRules, lot_of
from router.tenants import Tenant
from schemas.costs import SHADOW_TENANT
from schemas.requests import Request
from schemas.responses import Response
from schemas.vocabulary import Purpose, Status

SHADOW_S = 60.0
"""How long a shadow may take, its judge apart, seconds."""
JUDGE_S = 60.0


@dataclass(frozen=True, slots=True)
class Shadow:
    """What is asked besides."""

    model: str | None
    """Whom; None: the policy of the experiment chooses."""
    reads_first: bool
    """Whether the judge reads the shadow's answer before the other one."""
    experiment: Experiment | None = None


def shadow_of(rules: ShadowRules, job: Job, response: Response) -> Shadow | None:
    """Return the shadow of a request that was answered by a call of its own; None: it has none."""
    tenant, request_id = job.identity.tenant, job.request_id
    lot = lot_of("sample", tenant, request_id)
    experiment = None if lot < rules.share else _experiment(rules, lot)
    if (lot >= rules.share and experiment is None) or not _may_have_one(job, response):
        return None
    reads_first = lot_of("order", tenant, request_id) < 0.5  # noqa: PLR2004  (a fair coin)
    if experiment is not None:
        has_own_policy = job.request.policy is not None or job.request.quality_slack is not None
        return None if has_own_policy else Shadow(None, reads_first, experiment)
    others = [name for name in rules.models if name != response.request_model and _may_read(job.tenant, name)]
    if not others:
        return None
    return Shadow(others[int(lot_of("model", tenant, request_id) * len(others))], reads_first)


def _experiment(rules: ShadowRules, lot: float) -> Experiment | None:
    """Return the experiment whose part of the lots, behind those of the models, holds this one."""
    below = rules.share
    for experiment in rules.experiments:
        below += experiment.share
        if lot < below:
            return experiment
    return None


def judge_of(rules: ShadowRules, job: Job, models: Collection[str | None]) -> str | None:
    """Return who may compare the answers of these models: the judge, if it is none of them and may read them."""
    judge = rules.judge
    if judge is None or judge in models or not _may_read(job.tenant, judge):
        return None
    return judge


def shadow_job(job: Job, shadow: Shadow, rules: ShadowRules, now_s: float) -> Job:
    """Return the request as the shadow's model is asked it, at the expense of who pays for shadow calls."""
    experiment, own = shadow.experiment, job.tenant
    changes: dict[str, object] = dict.fromkeys(("tier", "max_latency_ms", "deadline", "cache", "lane", "reply_to"))
    changes |= {"model": shadow.model, "policy": None, "quality_slack": None}
    if experiment is not None:
        changes |= {"policy": experiment.policy, "quality_slack": experiment.quality_slack}
    payer = rules.payer
    if own is not None:
        payer = replace(payer, models=own.models, tiers=own.tiers)
    asked = job.request.model_copy(update=changes)
    return replace(
        job,
        request=asked,
        identity=replace(job.identity, tenant=SHADOW_TENANT),
        received_s=now_s,
        deadline_s=now_s + SHADOW_S,
        tenant=payer,
        arm=None if experiment is None else experiment.name,
        lane_note=None,
        earlier=(),
        first_attempt=1,
        purpose=Purpose.SHADOW,
    )


def judge_job(shadow: Job, asked: Request, attempts: int, now_s: float) -> Job:
    """Return what the judge is asked, as calls that follow the shadow's `attempts`."""
    return replace(
        shadow,
        request=asked,
        received_s=now_s,
        deadline_s=now_s + JUDGE_S,
        first_attempt=attempts + 1,
        purpose=Purpose.JUDGE,
    )


def _may_have_one(job: Job, response: Response) -> bool:
    request, message = job.request, response.message
    return (
        response.status is Status.COMPLETED
        and not response.cached
        and message is not None
        and message.embeddings is None
        and response.task is not None
        and response.difficulty is not None
        and response.form is not None
        and request.model is None
        and request.input is None
        and job.identity.tenant != SHADOW_TENANT
        and (job.tenant is None or job.tenant.shadow_calls)
    )


def _may_read(tenant: Tenant | None, model: str) -> bool:
    """Say whether the tenant's data may go to the model. That is no limit that `mode` could lift."""
    return tenant is None or not tenant.models or model in tenant.models
