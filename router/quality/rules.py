"""What the catalogue says of feedback: how much each kind of source weighs, and which sources do not count at all."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final

from schemas.vocabulary import FeedbackKind

WEIGHTS: Final[Mapping[FeedbackKind, float]] = MappingProxyType(
    {FeedbackKind.PERSON: 1.0, FeedbackKind.CHECK: 1.0, FeedbackKind.JUDGE: 0.5}
)
"""What a score of each kind is worth, in answers, unless the catalogue says otherwise. A judgement: judges share the
faults of the models that they judge."""
ALL_OF = "*"


@dataclass(frozen=True, slots=True)
class FeedbackRules:
    """`[feedback]` of the catalogue."""

    weights: Mapping[FeedbackKind, float] = field(default_factory=lambda: WEIGHTS, hash=False)
    ignored: frozenset[str] = frozenset()
    """Sources that do not count, with what they said before: TENANT/SOURCE, TENANT/* or */SOURCE."""

    def ignores(self, tenant: str, source: str) -> bool:
        """Say whether a source does not count."""
        return not self.ignored.isdisjoint({f"{tenant}/{source}", f"{tenant}/{ALL_OF}", f"{ALL_OF}/{source}"})
