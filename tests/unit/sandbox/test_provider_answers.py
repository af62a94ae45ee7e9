"""The simulated answers: deterministic, bounded, and counted in real tokens."""

from collections.abc import Mapping

import orjson
import pytest
import quicktok

from sandbox.provider.answers import compose, compose_choices, count_tokens, fingerprint
from sandbox.provider.ask import Ask, InvalidRequest
from sandbox.provider.dialects.chat import ChatCompletions
from sandbox.provider.dialects.dialect import Address
from sandbox.provider.outcome import Answer, FinishReason

WEATHER: Mapping[str, object] = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "parameters": {
            "type": "object",
            "properties": {
                "city": {"type": "string"},
                "days": {"type": ["integer", "null"]},
                "unit": {"enum": ["celsius", "kelvin"]},
                "hours": {"type": "array", "items": {"type": "number"}},
            },
        },
    },
}
CLOCK: Mapping[str, object] = {"type": "function", "function": {"name": "get_time"}}


def request(prompt: str = "Why is the sky blue?", **fields: object) -> Ask:
    return read({"model": "gpt-4.1", "messages": [{"role": "user", "content": prompt}], **fields})


def read(body: object) -> Ask:
    return ChatCompletions().read(orjson.dumps(body), Address())


def answer(asked: Ask, *, seed: int = 1) -> Answer:
    return compose(asked, fingerprint(seed, repr(asked).encode()))


def test_the_same_seed_and_request_give_the_same_answer_and_another_seed_another() -> None:
    assert answer(request()) == answer(request())
    assert answer(request()) != answer(request(), seed=2)


def test_answers_vary_in_text_and_length_and_quote_their_prompt() -> None:
    answers = {prompt: answer(request(prompt)) for prompt in (f"Question {number}" for number in range(200))}

    assert all(prompt in given.text for prompt, given in answers.items())
    lengths = sorted(given.output_tokens for given in answers.values())
    assert lengths[0] < 50
    assert lengths[-1] > 250
    assert len({given.text for given in answers.values()}) == 200


def test_output_tokens_are_the_tokens_of_the_text() -> None:
    given = answer(request("Giải thích vì sao trời xanh 🙂"))

    assert given.output_tokens == quicktok.get_encoding("o200k_base").count(given.text)
    assert given.finish_reason is FinishReason.STOP


@pytest.mark.parametrize("field", ["max_tokens", "max_completion_tokens"])
def test_an_answer_longer_than_its_limit_is_cut_there(field: str) -> None:
    given = answer(request("天空为什么是蓝色的🙃🙃🙃", **{field: 7}))

    assert (given.output_tokens, given.finish_reason) == (7, FinishReason.LENGTH)
    assert answer(request("天空为什么是蓝色的🙃🙃🙃")).text.startswith(given.text)


def test_several_choices_differ_and_the_first_is_the_one_there_is_alone() -> None:
    alone, several = (compose_choices(request(n=n), fingerprint(1, b"x")) for n in (1, 4))

    assert several[0] == alone[0]
    assert len({given.text for given in several}) == 4


def test_thoughts_count_as_output_and_leave_half_of_a_limit_to_the_text() -> None:
    given = compose(request(), fingerprint(1, b"x"), thinks=True)
    assert given.output_tokens == count_tokens(given.thoughts) + count_tokens(given.text)
    assert given.thought_tokens == count_tokens(given.thoughts) > 0

    cut = compose(request(max_tokens=8), fingerprint(1, b"x"), thinks=True)
    assert (cut.output_tokens, cut.thought_tokens, count_tokens(cut.text)) == (8, 4, 4)


def test_the_first_tool_is_called_with_arguments_of_its_schema() -> None:
    given = answer(request(tools=[WEATHER, CLOCK]))

    assert (given.tool, given.finish_reason) == ("get_weather", FinishReason.TOOL_CALLS)
    arguments = orjson.loads(given.text)
    assert "sky" in arguments.pop("city")
    assert arguments == {"days": 1, "unit": "celsius", "hours": [1]}


def test_tool_choice_forces_a_tool_or_forbids_them() -> None:
    forced = {"type": "function", "function": {"name": "get_time"}}

    assert answer(request(tools=[WEATHER, CLOCK], tool_choice=forced)).tool == "get_time"
    assert answer(request(tools=[WEATHER], tool_choice="none")).tool is None


def test_a_tools_result_is_answered_with_text() -> None:
    messages = [{"role": "user", "content": "Weather?"}, {"role": "tool", "content": "Rain."}]

    assert answer(request(messages=messages, tools=[WEATHER])).tool is None
    assert answer(request(messages=messages, tools=[WEATHER], tool_choice="required")).tool == "get_weather"


def test_a_json_answer_is_json_and_follows_its_schema() -> None:
    assert "answer" in orjson.loads(answer(request(response_format={"type": "json_object"})).text)
    schema = {"type": "object", "properties": {"ok": {"type": "boolean"}, "note": {"type": "null"}}}
    form = {"type": "json_schema", "json_schema": {"name": "verdict", "schema": schema}}
    assert orjson.loads(answer(request(response_format=form)).text) == {"ok": True, "note": None}


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"messages": []}, "messages"),
        ({"messages": [{"role": "king", "content": "x"}]}, "messages.0.role"),
        ({"max_tokens": 0}, "max_tokens"),
        ({"stream": True}, "stream"),
        ({"n": 0}, "n"),
        ({"model": 4}, "model"),
        ({"tools": [WEATHER], "tool_choice": {"type": "function", "function": {"name": "nope"}}}, "tool_choice"),
    ],
)
def test_a_wrong_field_is_named(fields: Mapping[str, object], param: str) -> None:
    with pytest.raises(InvalidRequest) as raised:
        read({"model": "gpt-4.1", "messages": [{"role": "user", "content": "x"}], **fields})

    assert raised.value.param == param


def test_a_body_that_is_no_json_is_rejected_without_a_field() -> None:
    with pytest.raises(InvalidRequest) as raised:
        ChatCompletions().read(b"\xff{", Address())

    assert raised.value.param is None
