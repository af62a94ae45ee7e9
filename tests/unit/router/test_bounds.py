"""The bound of a request's tokens holds everything that is sent, and says what it has no figure for."""

from dataclasses import replace

import pytest

from router.bounds import InputBound, byte_bound, input_bound, output_bound
from schemas.requests import ChatMessage, JsonObject, Request
from tests.stage import ALPHA


@pytest.mark.parametrize(
    ("text", "tokens"), [("", 0), ("a", 1), ("zq" * 5, 10), ("A1 \n", 4), ("天", 3), ("\ud800", 1), ("0" * 9, 9)]
)
def test_a_text_has_at_most_one_token_a_byte(text: str, tokens: int) -> None:
    assert byte_bound(text) == tokens


def words(request: Request) -> int:
    return input_bound(request, len).words


def test_every_text_and_every_message_counts() -> None:
    assert words(Request(prompt="12345")) == 5 + 4 + 3
    assert words(Request(prompt="12345", system_prompt="67")) == 7 + 2 * 4 + 3
    messages = tuple(ChatMessage(role="user", content="12345") for _ in range(10))
    assert words(Request(messages=messages)) == 10 * (5 + 4 + 1) + 3


@pytest.mark.parametrize(
    "beside",
    [
        {"tools": [{"type": "function", "function": {"name": "f" * 500}}]},
        {"response_format": {"type": "json_schema", "json_schema": {"name": "s", "schema": {"title": "t" * 500}}}},
        {"tool_choice": {"type": "function", "function": {"name": "f" * 500}}},
        {"functions": [{"name": "f" * 500, "parameters": {}}]},
        {"messages": [{"role": "user", "content": "hi", "name": "n" * 500}]},
        {"messages": [{"role": "assistant", "tool_calls": [{"function": {"arguments": "x" * 500}}]}]},
        {"messages": [{"role": "user", "content": [{"type": "text", "text": "x" * 500}]}]},
        {"messages": [{"role": "assistant", "content": [{"type": "refusal", "refusal": "x" * 500}]}]},
        {"messages": [{"role": "assistant", "content": "hi", "reasoning_content": "x" * 500}]},
    ],
)
def test_what_stands_beside_the_words_counts(beside: JsonObject) -> None:
    request = Request.model_validate(beside if "messages" in beside else {"prompt": "hi", **beside})
    assert words(request) > 500


def test_a_prediction_may_be_charged_as_output() -> None:
    # https://platform.openai.com/docs/guides/predicted-outputs: rejected tokens are charged as completion tokens
    predicted = Request(prompt="hi", prediction={"type": "content", "content": "x" * 500})
    assert output_bound(predicted, 100, len) > 600
    assert output_bound(Request(prompt="hi"), 100, len) == 100


IMAGE = {"type": "image_url", "image_url": {"url": "data:image/png;base64," + "A" * 10_000}}


def of_parts(*parts: JsonObject) -> InputBound:
    return input_bound(Request.model_validate({"messages": [{"role": "user", "content": list(parts)}]}), len)


def test_images_audio_and_files_count_by_the_models_figures_and_not_by_their_bytes() -> None:
    audio, file = {"type": "input_audio", "input_audio": {}}, {"type": "file", "file": {}}
    bound = of_parts(IMAGE, IMAGE, audio, file)  # type: ignore[arg-type]
    assert (bound.words, bound.images, bound.audio, bound.files) == (8, 2, 1, 1)
    model = replace(ALPHA, image_tokens=1000, audio_tokens=50, file_tokens=7)
    assert bound.tokens(model) == 8 + 2000 + 50 + 7
    for missing, named in (("image_tokens", "image"), ("audio_tokens", "audio"), ("file_tokens", "file")):
        unbounded = replace(model, **{missing: None})  # type: ignore[arg-type]  # each of them may be None
        assert bound.tokens(unbounded) is None
        assert named in bound.unbounded(unbounded)


def test_a_part_of_an_unknown_type_has_no_bound() -> None:
    bound = of_parts({"type": "hologram", "hologram": {}})
    model = replace(ALPHA, image_tokens=1, audio_tokens=1, file_tokens=1)
    assert bound.tokens(model) is None
    assert "unknown type" in bound.unbounded(model)


def test_an_earlier_spoken_answer_is_audio() -> None:
    request = Request.model_validate({"messages": [{"role": "assistant", "audio": {"id": "a-1"}}]})
    assert input_bound(request, len).audio == 1


TEXT_SOURCE: JsonObject = {"type": "text", "media_type": "text/plain", "data": "x" * 5000}
FILE_SOURCE: JsonObject = {"type": "base64", "media_type": "application/pdf", "data": "x" * 5000}


@pytest.mark.parametrize(
    ("source", "files", "others", "at_least"),
    [
        (TEXT_SOURCE, 0, 0, 5000),
        ({"type": "content", "content": "x" * 5000}, 0, 0, 5000),
        ({"type": "content", "content": [{"type": "image"}]}, 0, 1, 0),
        (FILE_SOURCE, 1, 0, 0),
        ({"type": "url", "url": "https://example.com/a.pdf"}, 1, 0, 0),
    ],
)
def test_a_document_of_text_is_text(source: JsonObject, files: int, others: int, at_least: int) -> None:
    # Anthropic's reference of messages: the sources of a document
    bound = of_parts({"type": "document", "source": source})
    assert (bound.files, bound.others) == (files, others)
    assert bound.words >= at_least
    assert bound.likely_words >= at_least / 5


@pytest.mark.parametrize("name", ["title", "context"])
def test_the_words_beside_a_document_count(name: str) -> None:
    assert of_parts({"type": "document", "source": FILE_SOURCE, name: "x" * 5000}).words > 5000


@pytest.mark.parametrize("field", ["tools", "functions"])
def test_each_tool_counts_more_than_its_json(field: str) -> None:
    def of_tools(count: int) -> int:
        return input_bound(Request.model_validate({"prompt": "hi", field: [{"name": "f"}] * count}), lambda _: 0).words

    assert of_tools(500) - of_tools(1) == 499 * 20
