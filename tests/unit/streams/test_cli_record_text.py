from decimal import Decimal

import orjson
import pytest

from schemas.dead_letters import DeadLetter
from schemas.message import utc_from_ms
from schemas.responses import AnswerMessage, ErrorDetail, Response
from schemas.topics import Topic
from schemas.vocabulary import ErrorCode, Status, Task, Tier
from streams.cli.partitions import ReadRecord
from streams.cli.record_text import json_form, readable

NOON_MS = 1_767_268_800_000


def record(value: bytes | None, headers: tuple[tuple[str, bytes], ...] = ()) -> ReadRecord:
    return ReadRecord("topic", 3, 7, NOON_MS, value, headers)


def response(content: str | None, error: ErrorDetail | None = None) -> bytes:
    return Response(
        request_id="r1",
        status=Status.COMPLETED if error is None else Status.FAILED,
        tenant="research",
        task=Task.QA,
        tier=Tier.FAST,
        request_model="gemini-2.5-flash",
        message=None if content is None else AnswerMessage(content=content),
        error=error,
        cost_usd=Decimal("0.0012"),
        received_at=utc_from_ms(NOON_MS),
        completed_at=utc_from_ms(NOON_MS),
        latency_ms=180,
        request_topic="llm.requests.v1",
        request_partition=0,
        request_offset=0,
    ).encode()


def dead_letter(value: bytes | None) -> ReadRecord:
    letter = DeadLetter(
        value=value,
        headers=(("turnout-code", b"of an earlier burial"), ("theirs", b"\xff")),
        topic="llm.requests.v1",
        partition=1,
        offset=42,
        timestamp_ms=NOON_MS,
        code="not_utf8",
        reason="byte 0 is not UTF-8; encode the JSON as UTF-8",
        request_id=None,
    )
    return record(letter.value, tuple(letter.record_headers()))


def test_a_response_is_one_line_with_what_matters() -> None:
    line = readable(Topic.RESPONSES, record(response("Forty-two."))).plain
    assert line == ("01-01 12:00:00  completed  gemini-2.5-flash  180 ms  $0.0012  qa/fast  research  r1  Forty-two.")


def test_a_failed_response_says_why() -> None:
    error = ErrorDetail(code=ErrorCode.FALLBACK_EXHAUSTED, message="no model answered")
    assert "  failed  gemini-2.5-flash  " in readable(Topic.RESPONSES, record(response(None, error))).plain
    assert "fallback_exhausted: no model answered" in readable(Topic.RESPONSES, record(response(None, error))).plain


@pytest.mark.parametrize("evil", ["\x1b[2J", "\r", "\n", "\x07", "\u202e", "\ud800"])
def test_nothing_in_a_record_can_command_the_terminal(evil: str) -> None:
    requests = record(orjson.dumps({"request_id": "r", "prompt": "a" + evil.replace("\ud800", "\x9b") + "b"}))
    letters = dead_letter(evil.encode("utf-8", "surrogatepass"))
    for topic, found in ((Topic.REQUESTS, requests), (Topic.DEAD_LETTERS, letters)):
        assert readable(topic, found).plain.isprintable()


def test_a_long_answer_is_cut_and_a_broken_record_is_shown_as_its_bytes() -> None:
    assert readable(Topic.RESPONSES, record(response("x" * 500))).plain.endswith("x...")
    assert readable(Topic.RESPONSES, record(b"\xff\x00{")).plain.endswith(r"unreadable  \xff\x00{")
    assert readable(Topic.COSTS, record(None)).plain.endswith("unreadable  null")


def test_a_dead_letter_shows_reason_place_and_first_bytes() -> None:
    line = readable(Topic.DEAD_LETTERS, dead_letter(b"\xff{}")).plain
    assert line.endswith(r"not_utf8  llm.requests.v1-1-42  byte 0 is not UTF-8; encode the JSON as UTF-8  \xff{}")


def test_a_program_gets_the_value_itself() -> None:
    assert json_form(Topic.RESPONSES, record(b'{"any": ["thing"]}')) == {"any": ["thing"]}


def test_a_program_gets_the_place_and_the_bytes_of_what_is_no_json() -> None:
    assert json_form(Topic.REQUESTS, record(b"nonsense")) == {"partition": 3, "offset": 7, "value": "nonsense"}
    assert json_form(Topic.REQUESTS, record(b"\xff")) == {"partition": 3, "offset": 7, "value_base64": "/w=="}
    assert json_form(Topic.REQUESTS, record(None)) == {"partition": 3, "offset": 7, "value": None}


def test_a_program_gets_all_that_turnout_says_of_a_dead_letter() -> None:
    assert json_form(Topic.DEAD_LETTERS, dead_letter(b"\xff")) == {
        "partition": 3,
        "offset": 7,
        "timestamp_ms": NOON_MS,
        "code": "not_utf8",
        "reason": "byte 0 is not UTF-8; encode the JSON as UTF-8",
        "original_topic": "llm.requests.v1",
        "original_partition": 1,
        "original_offset": 42,
        "original_timestamp_ms": NOON_MS,
        "request_id": None,
        "value_base64": "/w==",
    }


def test_a_replayed_dead_letter_is_told_by_its_marker_for_people_and_for_programs() -> None:
    marker = record(None, (("turnout-replayed", b"0:42"),))
    assert readable(Topic.DEAD_LETTERS, marker).plain.endswith("  replayed  the dead letter at 0:42")
    assert json_form(Topic.DEAD_LETTERS, marker) == {
        "partition": 3,
        "offset": 7,
        "timestamp_ms": NOON_MS,
        "replayed": "0:42",
    }
