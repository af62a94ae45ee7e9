"""What `turnout cache` makes of the records of the index and of the responses."""

import sys
from decimal import Decimal
from pathlib import Path

import orjson
import pytest

from schemas.caching import CacheEntry, KeptAnswer, tenant_key
from schemas.message import utc_from_ms
from streams.cli import main
from streams.cli.cache import Kept, hit_of, take

ONE, OTHER = "1" * 32, "2" * 32


def entry(tenant: str, offset: int = 7) -> bytes:
    answer = KeptAnswer(partition=1, offset=offset, expires_at_ms=2, origin_request_id="r-1", answer_bytes=9)
    return CacheEntry(tenant=tenant, as_of=utc_from_ms(1), answer=answer).encode()


def test_the_last_record_of_a_question_stands_until_it_or_its_tenant_is_forgotten() -> None:
    found: dict[str, Kept] = {}
    take(found, ONE.encode(), entry("acme", 7))
    take(found, ONE.encode(), entry("acme", 8))
    take(found, OTHER.encode(), entry("globex"))
    take(found, b"x", b"no json")
    assert {key: (one.tenant, one.answer.offset) for key, one in found.items()} == {
        ONE: ("acme", 8),
        OTHER: ("globex", 7),
    }
    take(found, tenant_key("acme"), CacheEntry(tenant="acme", as_of=utc_from_ms(3)).encode())
    assert found.keys() == {OTHER}
    take(found, OTHER.encode(), None)
    take(found, OTHER.encode(), b"")
    assert not found


def test_a_hit_is_a_response_that_says_so() -> None:
    said = {"tenant": "acme", "cached": True, "saved_usd": "0.25"}
    assert hit_of(orjson.dumps(said)) == ("acme", Decimal("0.25"))
    assert hit_of(orjson.dumps({**said, "saved_usd": None})) == ("acme", Decimal(0))
    others: tuple[object, ...] = ({**said, "cached": False}, {"message": '"cached":true'}, [], {"cached": True})
    for other in others:
        assert hit_of(orjson.dumps(other)) is None
    assert hit_of(b'{"cached":true') is None


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (("forget",), "name keys, --tenant or --origin"),
        (("forget", "faq-0042"), "is no key: 32 hexadecimal digits"),
        (("forget", "--tenant", "x" * 257), "tenant: String should have at most 256 characters"),
        (("forget", "--tenant", "\udcff"), "tenant: Input should be a valid string"),
        (("--brokers", "other:9092", "forget", ONE), "--brokers stands before `forget`; write options behind it"),
        (("--tenant", "acme", "forget", ONE), "--tenant stands before `forget`; write options behind it"),
    ],
)
def test_what_is_to_be_forgotten_has_to_be_said(
    arguments: tuple[str, ...], complaint: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(Path(__file__).parents[3])
    monkeypatch.setattr(sys, "argv", ["turnout", "cache", *arguments])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 2
    assert complaint in " ".join(capsys.readouterr().err.replace("│", " ").split())
