"""Which member of the control group carries which role: as evenly as weights allow, and moved as little as possible."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import ceil


@dataclass(frozen=True, slots=True)
class Role:
    """What one member at a time does, as the topics of which it then has the partitions."""

    name: str
    weight: int
    candidates: tuple[str, ...]
    """The members that can."""
    holder: str | None = None
    """The one that has it already."""


def placed(roles: Sequence[Role], members: Sequence[str]) -> Mapping[str, str]:
    """Return the member of each role: such that nothing would move if it were asked again.

    The heaviest come first. A role stays where it is while that is no more than the member's part; a member that has
    nothing else keeps even one that is heavier.
    """
    held = {role.name: role.holder for role in roles}
    found = _round(roles, members, held)
    for _ in roles:
        held = {**found}
        found = _round(roles, members, held)
        if found == held:
            break
    return found


def _round(roles: Sequence[Role], members: Sequence[str], held: Mapping[str, str | None]) -> dict[str, str]:
    load = dict.fromkeys(members, 0)
    fair = ceil(sum(role.weight for role in roles) / max(1, len(members)))
    found: dict[str, str] = {}
    in_order = sorted(roles, key=lambda role: (-role.weight, role.name))
    for role in in_order:
        holder = held[role.name]
        if (
            holder is not None
            and holder in role.candidates
            and (not load[holder] or load[holder] + role.weight <= fair)
        ):
            found[role.name] = holder
            load[holder] += role.weight
    for role in in_order:
        if role.name not in found:
            found[role.name] = min(role.candidates, key=lambda candidate: (load[candidate], candidate))
            load[found[role.name]] += role.weight
    return found
