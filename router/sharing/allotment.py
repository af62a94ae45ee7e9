"""How the workers share one limit, a model's or a tenant's, so that together they never exceed it.

Every worker keeps an exact sliding minute with its own share (`router.sharing.rate_limit`). The owner of the
shares keeps to

    sum over all workers of max(share granted, share in force, calls of the last minute) <= limit

where calls of workers that are gone count until they have left the minute. A decrease is granted at once but frees
nothing before the worker has taken it over and its calls have left the minute; an increase comes out of what is free.
So nothing has to arrive in time for the limit to hold. A worker that has no share yet allows itself `joining_share`,
which is the one thing by which the sum may exceed the limit.

A limit of calls at a time is shared by the same rule, with the calls under way in the place of those of the minute.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import ceil

JOINING = 0.02
"""The part of the limit that a worker may use before it has a share."""
HEADROOM = 1.5
"""A worker that is not held back is expected to need at most so much more than it has just used."""
SLACK = 0.02
"""Shares that are too large by less than this part of the limit are left alone."""


@dataclass(frozen=True, slots=True)
class Claim:
    """How one worker stands with a limit. All are calls a minute, or at a time."""

    worker: str
    granted: int | None
    """The last share it was given."""
    in_force: int
    """The share it allows itself, by its own account."""
    made: int
    """Its calls of the last minute, or those under way."""
    held_back: bool
    """It would call more often if it might."""

    @property
    def reserve(self) -> int:
        """The most calls that it can have made at the end of any minute from now on, without a new grant."""
        return max(self.granted or 0, self.in_force, self.made)


def joining_share(limit: int) -> int:
    """Return what a worker may call before it has a share."""
    return max(1, int(limit * JOINING))


def share_in_force(whole: int, granted: int | None, *, joining: bool, workers: int) -> int:
    """Return what a worker may call.

    Args:
        whole: the limit of all workers together.
        granted: its share; None if no shares are handed out.
        joining: it has not waited long for one.
        workers: how many there seem to be, itself included.
    """
    if granted is not None:
        return min(granted, whole)
    return joining_share(whole) if joining else max(1, whole // max(1, workers))


def allot(limit: int, claims: Sequence[Claim], gone: int) -> dict[str, int]:
    """Return the share of each worker; `gone` are calls of the last minute by workers that are no more.

    By demand: workers that are held back get as much as is left when the others have what they need, all equally; what
    is left then is spread equally too, so that a burst anywhere finds room.
    """
    demands = {claim.worker: limit if claim.held_back else min(limit, ceil(claim.made * HEADROOM)) for claim in claims}
    targets = _fill(limit, demands)
    spare = _fill(limit - sum(targets.values()), dict.fromkeys(demands, limit))
    shares: dict[str, int] = {}
    wanted: dict[str, int] = {}
    for claim in claims:
        target = targets[claim.worker] + spare[claim.worker]
        held = claim.granted or 0
        if claim.granted is not None and claim.in_force != claim.granted:
            shares[claim.worker] = held  # one change at a time: what it took over last is not known yet
        elif target < held:
            shares[claim.worker] = target if held - target > limit * SLACK else held
        else:
            # what is used without a grant is granted; a grant grows by what is free, however many calls seem to be made
            shares[claim.worker] = min(target, claim.reserve if claim.granted is None else held)
            wanted[claim.worker] = target - shares[claim.worker]
    free = limit - gone - sum(max(claim.reserve, shares[claim.worker]) for claim in claims)
    for worker, more in _fill(max(0, free), wanted).items():
        shares[worker] += more
    return shares


def _fill(total: int, demands: Mapping[str, int]) -> dict[str, int]:
    """Deal out `total` to the last unit, all alike but none more than it demands (max-min fairness)."""
    dealt: dict[str, int] = {}
    left = max(0, total)
    for place, (worker, demand) in enumerate(sorted(demands.items(), key=lambda item: (item[1], item[0]))):
        dealt[worker] = min(demand, left // (len(demands) - place))
        left -= dealt[worker]
    return dealt
