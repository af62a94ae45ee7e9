"""How one request stands with its candidates: how often each was tried, and when it may be again."""

from dataclasses import dataclass

from router.catalogue import RetryRules
from router.errors import Next
from router.retry import Chance, backoff_s
from router.route import Candidate


@dataclass(slots=True)
class CandidateState:
    """How this request stands with one candidate."""

    round: int = 0
    tries: int = 0
    failures: int = 0
    not_before_s: float = 0.0
    left: bool = False
    apart: bool = False
    """It is asked for this request alone."""
    repair: Candidate | None = None
    """How it is asked after an answer that does not fit the schema."""

    def failed(self, then: Next, rules: RetryRules, chance: Chance, now_s: float) -> None:
        """Take in a failure, and what follows from it."""
        self.failures += 1
        self.tries += 1
        self.not_before_s = now_s + backoff_s(rules, self.failures, chance)
        match then:
            case Next.LEAVE_MODEL:
                self.left = True
            case Next.RETRY_HERE if self.tries < rules.attempts_per_model:
                pass
            case Next.RETRY_HERE | Next.NEXT_MODEL:
                self.round += 1
                self.tries = 0
