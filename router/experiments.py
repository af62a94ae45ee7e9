"""Experiments: a share of the requests goes by another policy, and the rest is what it is compared with.

Tenant and key of the record decide which requests those are: a conversation stays in its arm, on every worker, until
the shares change. A request with a policy, a model or a slack of its own or its tenant's gets that, and is in no arm.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from schemas.requests import Request
from schemas.vocabulary import Policy

CONTROL: Final = "control"
"""The arm of the requests that take part in no experiment and might have."""


@dataclass(frozen=True, slots=True)
class Experiment:
    """One arm. What is None is as without it."""

    name: str
    share: float
    """Of the requests, 0 to 1; those of all experiments add up to 1 or less."""
    policy: Policy | None = None
    quality_slack: float | None = None
    shadow: bool = False
    """Whether only shadows go by it, after their requests' answers (`router.shadow_rules`)."""


_CONTROL: Final = Experiment(CONTROL, 1.0)


def arm_of(experiments: Sequence[Experiment], request: Request, tenant: str, key: bytes) -> Experiment | None:
    """Return the experiment that the request is in, or the one named `CONTROL`; None if it can be in none.

    Args:
        experiments: in the catalogue's order, each with its part of the keys.
        request: as its tenant asks for it.
        tenant: who asks.
        key: what keeps its arm: the key of the record, or the request's id.
    """
    if not experiments or any(own is not None for own in (request.policy, request.model, request.quality_slack)):
        return None
    digest = hashlib.blake2b(tenant.encode() + b"\x1f" + key, digest_size=8).digest()
    lot, below = int.from_bytes(digest) / 2**64, 0.0
    for experiment in experiments:
        below += experiment.share
        if lot < below:
            return experiment
    return _CONTROL
