"""A batch request is its request byte for byte, beside what was decided; and no key of a tenant is in it."""

from pathlib import Path

from router.job import Origin
from schemas.requests import Request
from schemas.waiting import Waiting
from streams.batch_requests import WAITING_HEADER, batch_key, batch_record, read_batch_request
from streams.codec import Delivery, read_record
from streams.internal_records import SKIPPED

GOLDEN = Path(__file__).parents[2] / "contract" / "golden" / "v1"
WAITING = Waiting.decode((GOLDEN / "waiting.json").read_bytes())
REQUEST = Delivery(
    Origin(WAITING.request_topic, WAITING.request_partition, WAITING.request_offset),
    WAITING.written_at_ms,
    WAITING.request_key,
    b'{"prompt": "Is it late?" }',
    (("traceparent", b"00-1-2-3"), ("Authorization", b"Bearer turnout-secret"), (WAITING_HEADER, b"a client's")),
)


def lying(value: bytes | None, headers: list[tuple[str, bytes]]) -> Delivery:
    return Delivery(Origin("llm.batch-requests.v1", 2, 77), 1, b"openai/m", value, headers)


def test_a_request_comes_back_as_it_was_but_for_its_tenants_key() -> None:
    record = batch_record("llm.batch-requests.v1", WAITING, REQUEST)
    assert record.partition is None
    read = read_batch_request(lying(record.value, record.headers))
    assert read is not None
    assert read.waiting == WAITING
    assert read.place == Origin("llm.batch-requests.v1", 2, 77)
    assert read.original.origin == REQUEST.origin
    assert (read.original.key, read.original.value) == (REQUEST.key, REQUEST.value)
    assert read.original.timestamp_ms == REQUEST.timestamp_ms
    assert list(read.original.headers) == [
        ("traceparent", b"00-1-2-3"), ("Authorization", b"redacted"), (WAITING_HEADER, b"a client's"),
    ]  # fmt: skip
    assert isinstance(read_record(read.original, 1000), Request)


def test_what_may_go_into_one_batch_has_one_key() -> None:
    assert batch_key(WAITING) == b"openai/text-embedding-3-small"
    assert WAITING.call is not None
    with_account = WAITING.model_copy(update={"call": WAITING.call.model_copy(update={"account": "team-a"})})
    assert batch_key(with_account) == b"openai/text-embedding-3-small/team-a"


def test_a_record_that_is_no_batch_request_is_counted_and_passed_over() -> None:
    def count() -> list[float]:
        (metric,) = SKIPPED.collect()
        topic = {"topic": "llm.batch-requests.v1"}
        return [sample.value for sample in metric.samples if sample.name.endswith("_total") and sample.labels == topic]

    SKIPPED.labels("llm.batch-requests.v1")
    (before,) = count()
    answered = (GOLDEN / "waiting-answered.json").read_bytes()
    for headers in ([], [("other", b"{}")], [(WAITING_HEADER, b"no JSON")], [(WAITING_HEADER, answered)]):
        assert read_batch_request(lying(b"{}", headers)) is None
    assert count() == [before + 4]
