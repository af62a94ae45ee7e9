"""Embeddings in OpenAI's form: what is asked, what is read, and what cannot be asked."""

import pytest
from pydantic import JsonValue, ValidationError

from router.dialects.dialect import Asked
from router.dialects.registry import EMBEDDINGS
from router.errors import Answer, UpstreamFailure
from schemas.requests import JsonObject, Request
from schemas.responses import Usage
from streams.providers.exchange import Reply
from streams.providers.outcomes import OutcomeReader

# the example of https://platform.openai.com/docs/api-reference/embeddings/create, its vector shortened
REFERENCE = b"""{
  "object": "list",
  "data": [
    {"object": "embedding", "embedding": [0.0023064255, -0.009327292, -0.0028842222], "index": 0}
  ],
  "model": "text-embedding-ada-002",
  "usage": {"prompt_tokens": 8, "total_tokens": 8}
}"""


def read(body: bytes) -> Answer | UpstreamFailure:
    return OutcomeReader(dialect=EMBEDDINGS).from_reply(Reply(200, {}, body), 0.0)


def body_of(**fields: JsonValue) -> JsonObject:
    request = Request.model_validate({"model": "small", **fields})
    return EMBEDDINGS.body(Asked(request, "text-embedding-3-small", 0))


def test_the_reference_reads_as_vectors_with_a_usage_that_adds_up() -> None:
    answer = read(REFERENCE)
    assert isinstance(answer, Answer)
    assert answer.message.embeddings == [[0.0023064255, -0.009327292, -0.0028842222]]
    assert answer.message.content is None
    assert answer.usage == Usage(input_tokens=8, output_tokens=0)
    assert answer.response_model == "text-embedding-ada-002"


def test_vectors_stand_in_the_order_of_their_inputs_and_may_be_base64() -> None:
    answer = read(b'{"data": [{"embedding": "AAB=", "index": 1}, {"embedding": "AAA=", "index": 0}]}')
    assert isinstance(answer, Answer)
    assert answer.message.embeddings == ["AAA=", "AAB="]
    assert answer.usage is None


@pytest.mark.parametrize(
    "body",
    [
        b'{"data": []}',
        b'{"data": [{"index": 0}]}',
        b'{"data": [{"embedding": [1, "x"], "index": 0}]}',
        b'{"data": [{"embedding": [1], "index": 0}, {"embedding": [2], "index": 0}]}',
        b'{"data": [{"embedding": [1], "index": 7}]}',
        b"[]",
    ],
)
def test_vectors_of_which_it_is_not_known_whose_they_are_are_no_answer(body: bytes) -> None:
    assert isinstance(read(body), UpstreamFailure)


def test_what_is_asked_is_what_the_reference_has() -> None:
    assert body_of(input="Hello", dimensions=256, encoding_format="base64", user="u-1") == {
        "model": "text-embedding-3-small",
        "input": "Hello",
        "dimensions": 256,
        "encoding_format": "base64",
        "user": "u-1",
    }
    assert body_of(input=["a", "b"])["input"] == ["a", "b"]
    assert body_of(input=[[1, 2], [3]])["input"] == [[1, 2], [3]]
    assert EMBEDDINGS.path("any") == "/embeddings"


@pytest.mark.parametrize(
    ("given", "inputs"),
    [("a", ["a"]), (["a", "b"], ["a", "b"]), ([1, 2], [[1, 2]]), ([[1], [2]], [[1], [2]])],
)
def test_each_input_has_a_vector(given: JsonValue, inputs: list[JsonValue]) -> None:
    assert Request.model_validate({"model": "small", "input": given}).inputs == inputs


REFUSED: dict[str, tuple[JsonObject, str]] = {
    "no model": ({"input": "a"}, "model: name it beside `input`"),
    "a prompt too": ({"model": "m", "input": "a", "prompt": "b"}, "prompt: does not go with `input`"),
    "a tier": ({"model": "m", "input": "a", "tier": "fast"}, "tier: does not go with `input`"),
    "dimensions of an answer": ({"prompt": "a", "dimensions": 3}, "dimensions: goes with `input`"),
    "nothing": ({"model": "m", "input": ""}, "an input is a text, token ids"),
    "an empty one": ({"model": "m", "input": ["a", ""]}, "an input is a text, token ids"),
    "a mixture": ({"model": "m", "input": ["a", 1]}, "an input is a text, token ids"),
    "too many": ({"model": "m", "input": ["a"] * 2049}, "up to 2048"),
    "another format": ({"model": "m", "input": "a", "encoding_format": "int8"}, "encoding_format"),
}


@pytest.mark.parametrize(("asked", "why"), REFUSED.values(), ids=REFUSED)
def test_what_cannot_be_embedded_is_refused_by_its_field(asked: JsonObject, why: str) -> None:
    with pytest.raises(ValidationError, match=why):
        Request.model_validate(asked)


def test_a_batch_line_for_embeddings_is_one_for_its_own_address() -> None:
    line = {"custom_id": "row-1", "method": "POST", "url": "/v1/embeddings", "body": {"model": "m", "input": "a"}}
    request = Request.model_validate(line)
    assert (request.request_id, request.input) == ("row-1", "a")
    with pytest.raises(ValidationError, match="url: only POST"):
        Request.model_validate({**line, "body": {"model": "m", "prompt": "a"}})
