"""What `turnout cache` makes of the records of the index and of the responses."""

import sys
from decimal import Decimal
from pathlib import Path

import orjson
import pytest

from schemas.caching import CacheEntry, KeptAnswer, forgotten_key, tenant_key
from schemas.message import utc_from_ms
from streams.cli import main
from streams.cli.cache import IndexRead, hit_of

ONE, OTHER = "1" * 32, "2" * 32
FORGET = CacheEntry(tenant="acme", as_of=utc_from_ms(3)).encode()


def entry(tenant: str, offset: int = 7, followed: int | None = None) -> bytes:
    answer = KeptAnswer(
        partition=1, offset=offset, expires_at_ms=2, origin_request_id="r-1", answer_bytes=9, followed=followed
    )
    return CacheEntry(tenant=tenant, as_of=utc_from_ms(1), answer=answer).encode()


def test_the_last_record_of_a_question_stands_until_it_or_its_tenant_is_forgotten() -> None:
    index = IndexRead()
    index.take(ONE.encode(), entry("acme", 7), 0)
    index.take(ONE.encode(), entry("acme", 8), 1)
    index.take(OTHER.encode(), entry("globex"), 2)
    index.take(b"x", b"no json", 3)
    assert {key: (one.tenant, one.answer.offset) for key, one in index.kept.items()} == {
        ONE: ("acme", 8),
        OTHER: ("globex", 7),
    }
    index.take(tenant_key("acme"), FORGET, 4)
    assert index.kept.keys() == {OTHER}
    index.take(OTHER.encode(), None, 5)
    index.take(OTHER.encode(), b"", 6)
    assert not index.kept


@pytest.mark.parametrize("key", [tenant_key("acme"), forgotten_key(ONE)])
def test_an_answer_that_was_asked_for_before_it_was_to_be_forgotten_is_not_there(key: bytes) -> None:
    index = IndexRead()
    index.take(key, FORGET, 4)
    for followed, offset in ((4, 5), (0, 6), (None, 3)):
        index.take(ONE.encode(), entry("acme", followed=followed), offset)
        assert not index.kept
    index.take(ONE.encode(), entry("acme", followed=5), 7)
    index.take(OTHER.encode(), entry("globex", followed=0), 8)
    assert index.kept.keys() == {ONE, OTHER}
    index.take(ONE.encode(), entry("acme", followed=4), 9)
    assert index.kept.keys() == {OTHER}, "what its last record leads to is not to be used"


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
