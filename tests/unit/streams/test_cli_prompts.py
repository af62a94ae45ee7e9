import orjson
import pytest

from streams.cli.prompts import Overrides, Prompt, prompt_of, read_line
from streams.codec import Unreadable

NOTHING = Overrides({}, {})
MAX_BYTES = 1_048_576


def test_an_option_for_lines_that_name_a_deadline_of_their_own_is_none_to_refuse() -> None:
    lane = Overrides({"lane": "batch"}, {})
    assert isinstance(prompt_of("?", lane, MAX_BYTES), Unreadable)
    assert isinstance(prompt_of("?", lane.with_a_deadline(), MAX_BYTES), Prompt)


def read(line: object, overrides: Overrides = NOTHING) -> dict[str, object]:
    reading = read_line(orjson.dumps(line), overrides, MAX_BYTES)
    assert isinstance(reading, Prompt), reading
    value: dict[str, object] = orjson.loads(reading.value)
    return value


def refusal(line: bytes) -> Unreadable:
    reading = read_line(line, NOTHING, MAX_BYTES)
    assert isinstance(reading, Unreadable)
    return reading


def test_a_request_goes_out_as_it_came() -> None:
    line = {"request_id": "r1", "prompt": "hi", "max_cost_usd": "0.01", "metadata": {"a": 1}}
    assert read(line) == line


def test_a_line_of_an_openai_batch_file_stays_one_and_keeps_its_id() -> None:
    line = {"custom_id": "c1", "method": "POST", "url": "/v1/chat/completions", "body": {"messages": [USER]}}
    reading = read_line(orjson.dumps(line), NOTHING, MAX_BYTES)
    assert isinstance(reading, Prompt)
    assert reading.request_id == "c1"
    assert orjson.loads(reading.value) == line


def test_options_reach_into_the_body_of_a_batch_line_and_go_before_what_it_says() -> None:
    line = {"custom_id": "c1", "body": {"messages": [USER], "model": "gpt-4o", "metadata": {"own": "1", "run": "old"}}}
    sent = read(line, Overrides({"model": "gpt-4.1"}, {"run": "7"}))
    body = {"messages": [USER], "model": "gpt-4.1", "metadata": {"own": "1", "run": "7"}}
    assert sent == {"custom_id": "c1", "body": body}


def test_a_string_is_a_prompt() -> None:
    assert read("What is a turnout?")["prompt"] == "What is a turnout?"


def test_the_first_turn_of_a_benchmark_question_is_the_prompt_and_its_short_fields_are_tags() -> None:
    line = {"question_id": 81, "category": "writing", "turns": ["first", "second"], "reference": ["no tag"]}
    sent = read(line)
    assert sent["prompt"] == "first"
    assert sent["metadata"] == {"question_id": 81, "category": "writing"}


def test_the_text_of_a_data_set_is_the_prompt_and_a_long_field_is_no_tag() -> None:
    sent = read({"text": "who?", "label": "qa", "shippable": True, "essay": "x" * 513})
    assert sent["prompt"] == "who?"
    assert sent["metadata"] == {"label": "qa", "shippable": True}


def test_every_request_gets_an_id_of_its_own_if_it_has_none() -> None:
    first, second = read("a")["request_id"], read("a")["request_id"]
    assert first
    assert first != second


def test_the_tenant_is_read_for_the_key() -> None:
    reading = prompt_of("hi", Overrides({"tenant": "research"}, {}), MAX_BYTES)
    assert isinstance(reading, Prompt)
    assert reading.tenant == "research"


@pytest.mark.parametrize(
    ("line", "word"),
    [
        (b"nonsense", "not JSON"),
        (b"\xff", "not UTF-8"),
        (b"[1]", "the value"),
        (b'{"promt": "x"}', "did you mean 'prompt'?"),
        (b'{"turns": []}', "turns"),
        (b'{"custom_id": "1", "body": 7}', "body"),
        (b'{"custom_id": [7], "body": {"messages": [{"role": "user", "content": "x"}]}}', "request_id"),
        (b'{"prompt": "x", "metadata": 7}', "metadata"),
        (b'{"prompt": "' + b"x" * MAX_BYTES + b'"}', "bytes"),
    ],
)
def test_what_a_worker_would_refuse_is_refused_with_the_workers_reason(line: bytes, word: str) -> None:
    assert word in refusal(line).reason


USER = {"role": "user", "content": "hi"}
