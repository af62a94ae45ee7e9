"""What a worker tells of models that stand still: the same, and as soon, as if it looked at all of them every time."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import NamedTuple

from hypothesis import given, settings
from hypothesis import strategies as st

from router.catalogue import Account
from router.errors import UpstreamFailure
from router.models.in_flight import MOSTLY
from router.models.model_state import STALE_S, Permit
from router.models.pool import ModelPool
from router.route import Estimate
from router.sharing.member import Member
from schemas.health import AccountHealth, BreakerState, HealthStatus, ModelHealth, ModelStats
from schemas.responses import Usage
from schemas.vocabulary import AccountLimit, AttemptOutcome
from tests.examples import examples
from tests.stage import ALPHA, BETA, NOW_S, UNAVAILABLE, make_catalogue, rate_limited

TOKENS = AccountLimit.TOKENS
ACCOUNTS = (Account("main", limits={TOKENS: 10_000}), Account("other"))
# both models are one provider's: a key that is refused for one of them rests for the other
MODELS = (ALPHA, replace(BETA, provider_name=ALPHA.provider_name), replace(BETA, name="gamma", provider_name="bare"))
CATALOGUE = replace(make_catalogue(*MODELS), accounts={ALPHA.provider_name: ACCOUNTS})
REFUSED = UpstreamFailure(AttemptOutcome.AUTHENTICATION, "no such key", status_code=401)
FAILURES = (UNAVAILABLE, REFUSED, rate_limited(3), rate_limited())


class Step(NamedTuple):
    """What happens after a while, and to which model or call of those there are."""

    after_s: float
    what: str
    which: int
    share: int


STEPS = st.lists(
    st.builds(
        Step,
        st.sampled_from([0.0, 0.1, 0.5, 1.0, 5.0, 31.0]),
        st.sampled_from(
            ["call", "many calls", "answer", "answer", "fail", "abandon", "follow", "replace key", "nothing"]
        ),
        st.integers(0, 11),
        st.sampled_from([0, 10, 500, 10_000]),
    ),
    max_size=25,
)


class Worker:
    """One pool that is asked for its reports all the time."""

    def __init__(self, *, forgets: bool) -> None:
        self.pool = ModelPool(CATALOGUE, Member("me", 1))
        self.told: list[tuple[float, ModelStats]] = []
        self._forgets = forgets
        self._permits: list[tuple[float, Permit]] = []

    def look(self, now_s: float) -> None:
        """Ask for what is due; one that forgets looks at every model as if it had never done so."""
        reports = self.pool._reports
        if self._forgets and reports is not None:
            reports._looked_at.clear()
        self.told += [(now_s, stats) for stats in self.pool.take_reports(now_s)]

    def take(self, step: Step, now_s: float) -> None:
        """Let something happen."""
        model, failure = MODELS[step.which % len(MODELS)], FAILURES[step.which % len(FAILURES)]
        match step.what:
            case "call" | "many calls":
                calls = 1 if step.what == "call" else MOSTLY
                self._permits += [(now_s, self.pool.call(model, now_s, Estimate(10, step.share))) for _ in range(calls)]
            case "follow":
                self.pool.follow(_health(model.name, step, now_s), now_s)
            case "replace key":
                self.pool.key_replaced(ALPHA.provider_name, "main")
            case "answer" | "fail" | "abandon" if self._permits:
                began_s, permit = self._permits.pop(step.which % len(self._permits))
                ends: dict[str, Callable[[], object]] = {
                    "answer": lambda: self.pool.answered(
                        permit, now_s - began_s, now_s, Usage(input_tokens=10, output_tokens=step.share)
                    ),
                    "fail": lambda: self.pool.failed(permit, failure, now_s - began_s, now_s),
                    "abandon": lambda: self.pool.abandoned(permit, now_s if step.share else None),
                }
                ends[step.what]()


def _health(model: str, step: Step, now_s: float) -> ModelHealth:
    return ModelHealth(
        request_model=model,
        as_of=datetime.fromtimestamp(now_s - (0 if step.which % 3 else STALE_S), UTC),
        window_s=300,
        requests=0,
        error_rate=0.0,
        timeout_rate=0.0,
        p50_ms=None,
        p90_ms=None,
        p99_ms=None,
        requests_per_minute=0,
        tokens_per_minute=0,
        in_flight=0,
        status=HealthStatus.UNHEALTHY if step.which % 4 == 0 else HealthStatus.HEALTHY,
        workers=2,
        limit_per_minute=1_000,
        shares={"me": step.share} if step.which % 2 else {},
        breakers={"other": BreakerState.OPEN} if step.which % 4 == 0 else {},
        accounts={"main": AccountHealth(shares={TOKENS: {"me": step.share}})},
    )


@settings(max_examples=examples(200), deadline=None)
@given(steps=STEPS)
def test_models_that_stand_still_are_told_of_as_if_all_were_looked_at(steps: list[Step]) -> None:
    one, other = Worker(forgets=False), Worker(forgets=True)
    now_s = NOW_S
    for step in steps:
        for look_s in (step.after_s * part / 10 for part in range(1, 11)):
            for worker in (one, other):
                worker.look(now_s + look_s)
        now_s += step.after_s
        for worker in (one, other):
            worker.take(step, now_s)
            worker.look(now_s)
    assert one.told == other.told
