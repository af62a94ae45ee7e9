"""Whoever replays a dead letter vouches for its tenant, and nobody else can."""

from dataclasses import replace

import pytest
from pydantic import SecretStr

from router.job import Origin
from router.tenancy.admission import Presented, Vouched
from streams.codec import Delivery
from streams.request.api_keys import key_digest
from streams.request.replay_signature import Copy, ReplaySignature, presented

NOW_S = 1_800_000_000.0
OURS = ReplaySignature(SecretStr("s" * 32), 600)
COPY = Copy("acme", "0:7", 3, b'{"prompt": "Hello"}')
PLACE, ACME = ("turnout-replay-of", b"0:7"), ("turnout-replay-tenant", b"acme")


def delivery(*headers: tuple[str, bytes]) -> Delivery:
    return Delivery(Origin("llm.requests.v1", 3, 99), int(NOW_S * 1000), b"key", COPY.value, headers)


SIGNED = delivery(("authorization", b"redacted"), PLACE, *OURS.headers(COPY, NOW_S))


@pytest.mark.parametrize("later_s", [-599, 0, 599])
def test_a_signed_copy_stands_for_its_tenant_as_long_as_ids_are_remembered(later_s: float) -> None:
    assert presented(SIGNED, OURS, NOW_S + later_s) == Vouched("acme")


@pytest.mark.parametrize(
    "changed",
    [
        replace(SIGNED, value=b'{"prompt": "Spend more"}'),
        replace(SIGNED, value=None),
        replace(SIGNED, origin=Origin("llm.requests.v1", 2, 99)),
        replace(SIGNED, headers=(*SIGNED.headers, ("turnout-replay-of", b"0:8"))),
        replace(SIGNED, headers=(*SIGNED.headers, ("turnout-replay-tenant", b"rich"))),
        replace(SIGNED, headers=[header for header in SIGNED.headers if header != PLACE]),
        delivery(PLACE, *ReplaySignature(SecretStr("t" * 32), 600).headers(COPY, NOW_S)),
        delivery(PLACE, ("turnout-replay-tenant", b"acme"), ("turnout-replay-signature", b"")),
        delivery(PLACE, ("turnout-replay-tenant", b"acme"), ("turnout-replay-signature", b"\xff:" + 64 * b"a")),
        delivery(
            PLACE, ("turnout-replay-tenant", b"acme"), ("turnout-replay-signature", b"1800000000000:" + 64 * b"a")
        ),
    ],
)
def test_whatever_is_changed_the_signature_does_not_hold(changed: Delivery) -> None:
    assert presented(changed, OURS, NOW_S) is Presented.FORGED


def test_an_old_signature_one_with_another_moment_and_one_without_a_key_to_check_it_do_not_hold() -> None:
    assert presented(SIGNED, OURS, NOW_S + 601) is Presented.FORGED
    assert presented(SIGNED, None, NOW_S) is Presented.FORGED
    name, signature = SIGNED.headers[-1]
    renewed = signature.replace(b"1800000000000", b"1800000600000")
    assert presented(replace(SIGNED, headers=[*SIGNED.headers[:-1], (name, renewed)]), OURS, NOW_S) is Presented.FORGED


def test_a_record_without_a_signature_is_known_by_its_key() -> None:
    assert presented(delivery(("authorization", b"Bearer abc")), OURS, NOW_S) == key_digest(b"abc")
    assert presented(delivery(PLACE, ACME), OURS, NOW_S) is Presented.NOTHING


def test_a_signature_of_a_reference_holds_for_no_other_one() -> None:
    copy = replace(COPY, value=None, reference="s3://bucket/acme/1.json")
    signed = [("ce_dataref", b"s3://bucket/acme/1.json"), PLACE, *OURS.headers(copy, NOW_S)]
    record = replace(SIGNED, value=None, headers=signed)
    assert presented(record, OURS, NOW_S) == Vouched("acme")
    other = [("ce_dataref", b"s3://bucket/acme/2.json"), *signed[1:]]
    for changed in (replace(record, headers=other), replace(record, headers=signed[1:])):
        assert presented(changed, OURS, NOW_S) is Presented.FORGED
