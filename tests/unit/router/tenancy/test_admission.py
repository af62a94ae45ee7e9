"""Who is let in, and by which limits."""

from collections.abc import Mapping
from decimal import Decimal

import pytest

from router.tenancy.admission import Admission, Admit, Defer, Identified, Presented, Refuse, Vouched
from router.tenants import Key, Tenant, TenantMode
from schemas.requests import Request
from schemas.vocabulary import ErrorCode, Tier

NOW_S = 1_800_000_000.0
DEADLINE_S = NOW_S + 60
A, B, C = 64 * "a", 64 * "b", 64 * "c"
REQUEST = Request(prompt="Hello")
LATE = Tenant("late", keys=(Key(64 * "1", revoked=True), Key(64 * "2", expires_s=NOW_S)))


def admission(**fields: object) -> Admission:
    acme = Tenant("acme", keys=(Key(A), Key(B, expires_s=NOW_S), Key(C, revoked=True)), **fields)  # type: ignore[arg-type]
    return Admission({"acme": acme, "other": Tenant("other", keys=(Key(64 * "d"),)), "late": LATE})


def identified(tenants: Admission, request: Request = REQUEST) -> Identified:
    found = tenants.identify(request, A, NOW_S)
    assert isinstance(found, Identified)
    return found


def test_a_replay_that_is_vouched_for_is_its_tenants_as_if_it_had_shown_the_key() -> None:
    tenants = admission(tags={"team": "search"})
    found = tenants.identify(REQUEST, Vouched("acme"), NOW_S)
    assert isinstance(found, Identified)
    assert (found.request.tenant, found.request.metadata) == ("acme", {"team": "search"})
    other = tenants.identify(Request(prompt="x", tenant="other"), Vouched("acme"), NOW_S)
    assert refused(other).code is ErrorCode.TENANT_MISMATCH


def refused(decision: object) -> Refuse:
    assert isinstance(decision, Refuse)
    return decision


@pytest.mark.parametrize(
    ("presented", "word"),
    [
        (Presented.NOTHING, "has no key"),
        (Presented.MALFORMED, "malformed"),
        (Presented.FORGED, "signature does not hold"),
        (Vouched("nobody"), "no key any more"),
        (Vouched("late"), "no key any more"),
        (64 * "e", "not known"),
        (A[:-1], "not known"),
        (B, "expired"),
        (C, "revoked"),
    ],
)
def test_a_key_that_proves_nothing_is_refused_with_its_reason(presented: str | Presented, word: str) -> None:
    refuse = refused(admission().identify(REQUEST, presented, NOW_S))
    assert refuse.code is ErrorCode.UNAUTHENTICATED
    assert word in refuse.message


def test_a_key_holds_until_the_moment_it_expires() -> None:
    assert isinstance(admission().identify(REQUEST, B, NOW_S - 0.001), Identified)


def test_a_request_may_name_its_own_tenant_and_no_other() -> None:
    tenants = admission()
    assert identified(tenants, Request(prompt="x", tenant="acme")).request.tenant == "acme"
    refuse = refused(tenants.identify(Request(prompt="x", tenant="other"), A, NOW_S))
    assert (refuse.code, refuse.field) == (ErrorCode.TENANT_MISMATCH, "tenant")


def test_the_tenant_puts_its_name_its_cap_and_its_tags_into_the_request() -> None:
    tenants = admission(default_max_cost_usd=Decimal("0.5"), tags={"team": "search"})
    request = identified(tenants, Request(prompt="x", metadata={"team": "mine", "job": 7})).request
    assert (request.tenant, request.max_cost_usd) == ("acme", Decimal("0.5"))
    assert request.metadata == {"team": "search", "job": 7}
    own = Request(prompt="x", max_cost_usd=Decimal("0.1"))
    assert identified(tenants, own).request.max_cost_usd == Decimal("0.1")


@pytest.mark.parametrize("tenants", [{}, {"acme": Tenant("acme", requests_per_minute=1)}])
def test_without_keys_the_pipeline_is_open_and_a_request_is_left_as_it_is(tenants: Mapping[str, Tenant]) -> None:
    open_pipeline = Admission(tenants)
    assert open_pipeline.is_open
    assert open_pipeline.identify(REQUEST, Presented.NOTHING, NOW_S) == Identified(REQUEST, None)
    named = Request(prompt="x", tenant="acme")
    found = open_pipeline.identify(named, Presented.NOTHING, NOW_S)
    assert isinstance(found, Identified)
    assert found.request is named
    assert found.tenant is tenants.get("acme")


def test_a_pinned_tier_or_model_that_is_not_allowed_is_refused_with_the_allowed_ones() -> None:
    tenants = admission(tiers=frozenset({Tier.FAST}), models=frozenset({"alpha"}))
    tier = refused(tenants.admit(identified(tenants, Request(prompt="x", tier=Tier.POWERFUL)), NOW_S, DEADLINE_S))
    assert (tier.code, tier.field, "allowed: fast" in tier.message) == (ErrorCode.NOT_ALLOWED, "tier", True)
    model = refused(tenants.admit(identified(tenants, Request(prompt="x", model="beta")), NOW_S, DEADLINE_S))
    assert (model.code, model.field, "allowed: alpha" in model.message) == (ErrorCode.NOT_ALLOWED, "model", True)
    assert isinstance(tenants.admit(identified(tenants), NOW_S, DEADLINE_S), Admit)


def test_the_rate_is_over_a_sliding_minute_and_its_refusal_says_when_to_try_again() -> None:
    tenants = admission(requests_per_minute=2)
    entry = identified(tenants)
    for second in (0, 10):
        assert isinstance(tenants.admit(entry, NOW_S + second, DEADLINE_S), Admit)
    refuse = refused(tenants.admit(entry, NOW_S + 59.5, DEADLINE_S))
    assert refuse.code is ErrorCode.RATE_EXCEEDED
    assert "try again in 0.5 s" in refuse.message
    assert refuse.retry_after_s == pytest.approx(0.5)
    assert isinstance(tenants.admit(entry, NOW_S + 60, DEADLINE_S), Admit)
    assert "try again in 9.0 s" in refused(tenants.admit(entry, NOW_S + 61, DEADLINE_S)).message


def test_requests_beyond_the_places_wait_inside_their_deadline() -> None:
    tenants = admission(concurrent_requests=1)
    entry = identified(tenants)
    assert isinstance(tenants.admit(entry, NOW_S, DEADLINE_S), Admit)
    hold = tenants.admit(entry, NOW_S, NOW_S + 0.05)
    assert hold == Defer(NOW_S + 0.05)
    assert refused(tenants.admit(entry, NOW_S + 0.05, NOW_S + 0.05)).code is ErrorCode.CONCURRENCY_EXCEEDED
    tenants.release(entry.tenant)
    assert isinstance(tenants.admit(entry, NOW_S, DEADLINE_S), Admit)


def test_shadow_mode_counts_what_it_lets_pass() -> None:
    tenants = admission(requests_per_minute=1, concurrent_requests=1, mode=TenantMode.SHADOW, tiers={Tier.FAST})
    entry = identified(tenants)
    for _ in range(3):
        assert isinstance(tenants.admit(entry, NOW_S, DEADLINE_S), Admit)
    assert isinstance(tenants.admit(identified(tenants, Request(prompt="x", tier=Tier.POWERFUL)), NOW_S, 0), Admit)
    assert tenants.beyond_limits == {("acme", ErrorCode.RATE_EXCEEDED): 2, ("acme", ErrorCode.NOT_ALLOWED): 1}


def test_shadow_mode_counts_who_would_have_to_wait_for_a_place_and_lets_them_in_at_once() -> None:
    tenants = admission(concurrent_requests=1, mode=TenantMode.SHADOW)
    entry = identified(tenants)
    for _ in range(3):
        assert isinstance(tenants.admit(entry, NOW_S, DEADLINE_S), Admit)
    assert tenants.beyond_limits == {("acme", ErrorCode.CONCURRENCY_EXCEEDED): 2}


def test_shadow_mode_counts_exactly_what_would_be_refused() -> None:
    tenants = admission(requests_per_minute=60, mode=TenantMode.SHADOW)
    entry = identified(tenants)
    for number in range(300):  # two a second, twice the limit
        assert isinstance(tenants.admit(entry, NOW_S + number / 2, DEADLINE_S + 300), Admit)
    assert tenants.beyond_limits == {("acme", ErrorCode.RATE_EXCEEDED): 120}


@pytest.mark.parametrize(
    ("allowed", "wanted", "given"),
    [
        ((), Tier.POWERFUL, Tier.POWERFUL),
        ((Tier.POWERFUL,), Tier.POWERFUL, Tier.POWERFUL),
        ((Tier.FAST, Tier.BALANCED), Tier.POWERFUL, Tier.BALANCED),
        ((Tier.POWERFUL,), Tier.FAST, Tier.POWERFUL),
    ],
)
def test_a_tier_that_is_not_allowed_is_stood_in_for(allowed: tuple[Tier, ...], wanted: Tier, given: Tier) -> None:
    assert Tenant("acme", tiers=frozenset(allowed)).tier_for(wanted) is given
    assert Tenant("acme", tiers=frozenset(allowed), mode=TenantMode.SHADOW).tier_for(wanted) is wanted
