"""Which question a request asks: everything that decides its answer, in one digest.

That is its tenant, whether the tenant is proven, all fields of the request that decide (`router.identity.ASKED`), the
arm of an experiment that it is in, and the policy that holds for it where it names none. No answer is another tenant's,
and none that was given without proof is given to a tenant that is proven.
"""

from hashlib import blake2b

import orjson

from router.catalogue import Catalogue
from router.experiments import CONTROL, arm_of
from router.job import Job
from schemas.caching import KEY_BITS
from schemas.responses import Response
from schemas.vocabulary import Policy
from schemas.waiting import Waiting

KEY_BYTES = KEY_BITS // 8
"""At a hundred million questions the chance that two have one key is 1.5e-23."""


def question_key(tenant: str, asked: str, arm: str | None, policy: Policy, *, proven: bool) -> str:
    """Return the key of a question, 32 hexadecimal digits.

    Args:
        tenant: who asks.
        asked: SHA-256 of what is asked (`router.identity.asked_of`).
        arm: the experiment that the request is in, or `control`; None: in none.
        policy: the order of candidates that holds for it.
        proven: whether the tenant is.
    """
    parts = orjson.dumps((tenant, asked, arm, policy, proven))
    return blake2b(parts, digest_size=KEY_BYTES).hexdigest()


def key_of_job(job: Job, catalogue: Catalogue) -> str | None:
    """Return the key of what a request asks; None if that is not known."""
    identity, request = job.identity, job.request
    if identity.asked is None:
        return None
    arm = arm_of(catalogue.experiments, request, identity.tenant, job.arm_key)
    policy = request.policy if arm is None or arm.name == CONTROL else arm.policy
    return question_key(
        identity.tenant,
        identity.asked,
        None if arm is None else arm.name,
        policy or catalogue.default_policy,
        proven=identity.authenticated,
    )


def key_of_response(response: Response) -> str | None:
    """Return the key of what was asked for this response; None if it does not tell."""
    if response.asked_sha256 is None or response.policy is None:
        return None
    return question_key(
        response.tenant, response.asked_sha256, response.arm, response.policy, proven=response.authenticated
    )


def key_of_waiting(waiting: Waiting) -> str | None:
    """Return the key of what a request asks that waits for a batch; None if that is not known."""
    if waiting.asked_sha256 is None or waiting.policy is None or waiting.call is None:
        return None
    return question_key(
        waiting.tenant, waiting.asked_sha256, waiting.call.arm, waiting.policy, proven=waiting.authenticated
    )
