"""The shares of an account's limits: who is given what, who is gone, and what another owner goes on with."""

from dataclasses import replace
from datetime import UTC, datetime

from router.catalogue import Account
from router.errors import UpstreamFailure
from router.models.aggregator import HealthAggregator
from router.models.histogram import SCALE
from router.models.model_state import STALE_S
from router.models.panes import Pane
from router.models.pool import ModelPool
from router.route import Estimate
from router.sharing.member import GONE_S, Member
from router.sharing.rate_limit import MINUTE_S
from schemas.health import AccountStats, ModelHealth, ModelStats
from schemas.responses import Usage
from schemas.vocabulary import AccountLimit, AttemptOutcome
from tests.stage import ALPHA, NOW_S, ONE, rate_limited

TOKENS = AccountLimit.TOKENS
LIMIT = 10_000
CATALOGUE = replace(ONE, accounts={ALPHA.provider_name: (Account("main", limits={TOKENS: LIMIT}), Account("other"))})


def told(worker: str, sequence: int, at_s: float, *, leaving: bool = False, **main: object) -> ModelStats:
    return ModelStats(
        worker=worker,
        epoch=1,
        sequence=sequence,
        request_model=ALPHA.name,
        second=int(at_s),
        latency_scale=SCALE,
        share_per_minute=100,
        leaving=leaving,
        accounts={"main": AccountStats.model_validate(main)},
    )


def shares(health: ModelHealth) -> dict[str, int]:
    return health.accounts["main"].shares[TOKENS]


def test_a_worker_alone_has_the_whole_limit_and_no_share_of_what_is_not_limited() -> None:
    aggregator = HealthAggregator(CATALOGUE, ALPHA)
    aggregator.ingest(told("a", 0, NOW_S, shares={TOKENS: 200}), NOW_S)
    health = aggregator.health(NOW_S + 1)
    assert shares(health) == {"a": LIMIT}
    assert health.accounts["other"].shares == {}
    assert health.accounts["other"].used == {AccountLimit.REQUESTS: 0}


def test_the_worker_that_has_no_room_gets_what_the_others_do_not_need() -> None:
    aggregator = HealthAggregator(CATALOGUE, ALPHA)
    found = {"busy": 200, "idle": 200}
    for second in range(5):
        at_s = NOW_S + second
        for worker, use in (("busy", {"limited": [TOKENS]}), ("idle", {"input_tokens": 0 if second else 10})):
            aggregator.ingest(told(worker, second, at_s, shares={TOKENS: found[worker]}, **use), at_s)
        found = shares(aggregator.health(at_s + 0.5))
        assert sum(found.values()) <= LIMIT
    assert found["busy"] > 0.9 * LIMIT


def test_calls_under_way_count_and_those_of_a_worker_that_has_fallen_silent_for_a_minute() -> None:
    aggregator = HealthAggregator(CATALOGUE, ALPHA)
    aggregator.ingest(told("a", 0, NOW_S, output_tokens_under_way=6_000, output_tokens=1_000), NOW_S)
    assert aggregator.health(NOW_S + 1).accounts["main"].used[TOKENS] == 7_000
    silent_s = NOW_S + GONE_S + 1
    aggregator.ingest(told("b", 0, silent_s), silent_s)
    found = aggregator.health(silent_s)
    assert found.accounts["main"].used[TOKENS] == 7_000
    assert shares(found) == {"b": 3_000}
    later_s = silent_s + MINUTE_S
    aggregator.ingest(told("b", 1, later_s, shares={TOKENS: 3_000}), later_s)
    assert shares(aggregator.health(later_s)) == {"b": LIMIT}


def test_who_says_goodbye_leaves_only_what_it_has_used() -> None:
    aggregator = HealthAggregator(CATALOGUE, ALPHA)
    aggregator.ingest(told("a", 0, NOW_S, leaving=True, output_tokens=1_000), NOW_S)
    aggregator.ingest(told("b", 0, NOW_S), NOW_S)
    assert shares(aggregator.health(NOW_S + 1)) == {"b": LIMIT - 1_000}


def test_another_owner_goes_on_with_the_shares_and_the_use_that_were_stored() -> None:
    first, stored = HealthAggregator(CATALOGUE, ALPHA), list[bytes]()
    pane = first.ingest(told("a", 0, NOW_S, output_tokens=4_000), NOW_S)
    assert pane is not None
    stored.append(pane.stored())
    before = first.health(NOW_S + 1)
    then = HealthAggregator(CATALOGUE, ALPHA)
    then.restore([Pane.restored(value) for value in stored], ModelHealth.decode(before.encode()), NOW_S + 2)
    then.ingest(told("b", 0, NOW_S + 2), NOW_S + 2)
    found = then.health(NOW_S + 3)
    assert found.accounts["main"].used[TOKENS] == 4_000
    assert shares(found) == {"a": LIMIT, "b": 200}, "a may not have spoken yet, and b has its joining share"


def test_a_pane_of_an_earlier_version_is_restored_without_accounts() -> None:
    pane = Pane.restored(b'{"number":1,"outcomes":{},"buckets":{},"tokens":0,"read_to":0}')
    assert pane.accounts == {}


# --- what a worker tells, and what it makes of its share ---


def member(now_s: float = NOW_S, **share: int) -> ModelPool:
    pool = ModelPool(CATALOGUE, Member("me", 1))
    pool.readiness(ALPHA, now_s)
    aggregator = HealthAggregator(CATALOGUE, ALPHA)
    health = aggregator.health(now_s).model_copy(update={"as_of": datetime.fromtimestamp(now_s, UTC)})
    main = health.accounts["main"].model_copy(update={"shares": {TOKENS: share}})
    pool.follow(health.model_copy(update={"accounts": {**health.accounts, "main": main}}), now_s)
    return pool


def test_a_worker_keeps_to_its_share_and_goes_on_with_another_account() -> None:
    pool, estimate = member(me=1_000), Estimate(300, 300)
    permits = [pool.call(ALPHA, NOW_S, estimate) for _ in range(6)]
    assert [permit.account for permit in permits].count("main") == 1
    assert pool.readiness(ALPHA, NOW_S, estimate).now(NOW_S), "the other account is not limited"


def test_a_worker_tells_calls_as_they_begin_and_tokens_as_they_are_settled() -> None:
    pool = member(me=LIMIT)
    permit = pool.call(ALPHA, NOW_S, Estimate(300, 700))
    assert permit.account == "main"
    (report,) = pool.take_reports(NOW_S + 1)
    began = report.accounts["main"]
    assert (began.calls, began.input_tokens_under_way, began.output_tokens_under_way) == (1, 300, 700)
    assert began.shares == {TOKENS: LIMIT}
    pool.answered(permit, 1, NOW_S + 1, Usage(input_tokens=200, output_tokens=50))
    pool.learn_limits(permit, {TOKENS: 30_000})
    (report,) = pool.take_reports(NOW_S + 2)
    ended = report.accounts["main"]
    assert (ended.calls, ended.input_tokens, ended.output_tokens, ended.output_tokens_under_way) == (0, 200, 50, 0)
    assert ended.told_limits == {TOKENS: 30_000}


def test_many_tokens_are_told_at_once() -> None:
    pool = member(me=LIMIT)
    pool.take_reports(NOW_S)
    pool.call(ALPHA, NOW_S, Estimate(10, 20))
    assert pool.take_reports(NOW_S + 0.1) == [], "less than a part that matters"
    pool.call(ALPHA, NOW_S, Estimate(10, 20))
    pool.call(ALPHA, NOW_S, Estimate(300, 700))
    assert len(pool.take_reports(NOW_S + 0.2)) == 1


def test_a_worker_tells_that_an_account_rests_and_the_health_says_for_whom() -> None:
    pool = member(me=LIMIT)
    refused = UpstreamFailure(AttemptOutcome.AUTHENTICATION, "no such key", status_code=401)
    pool.failed(pool.call(ALPHA, NOW_S), refused, 0.1, NOW_S)
    pool.failed(pool.call(ALPHA, NOW_S), rate_limited(9), 0.1, NOW_S)
    aggregator = HealthAggregator(CATALOGUE, ALPHA)
    for report in pool.take_reports(NOW_S + 1):
        aggregator.ingest(report, NOW_S + 1)
    rests = {name: one.rests["me"] for name, one in aggregator.health(NOW_S + 1).accounts.items()}
    assert {name: rest.reason for name, rest in rests.items()} == {"main": "refused", "other": "limited"}
    assert rests["other"].until.timestamp() == NOW_S + 9
    assert aggregator.health(NOW_S + STALE_S).accounts["other"].rests == {}
