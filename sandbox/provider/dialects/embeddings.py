"""OpenAI's embeddings, `POST /v1/embeddings`: equal texts have equal vectors of length 1.

Source: https://platform.openai.com/docs/api-reference/embeddings/create.
"""

import base64
import hashlib
import math
from array import array
from typing import Annotated, Literal

from pydantic import Field, JsonValue, NonNegativeInt

from sandbox.provider.answers import count_tokens
from sandbox.provider.ask import Ask, InvalidRequest, Turn, Vectors
from sandbox.provider.dialects.dialect import Address, Strict, parse
from sandbox.provider.dialects.openai import OpenAiApi
from sandbox.provider.outcome import Outcome

DIMENSIONS = 1536
"""Of text-embedding-3-small, unless fewer are asked for."""

MOST_INPUTS = 2048
MOST_TOKENS = 8192
"""Of one input."""

_Text = Annotated[str, Field(min_length=1)]
_Tokens = Annotated[list[NonNegativeInt], Field(min_length=1)]


class _Body(Strict):
    model: str
    input: _Text | _Tokens | Annotated[list[_Text] | list[_Tokens], Field(min_length=1, max_length=MOST_INPUTS)]
    dimensions: Annotated[int, Field(ge=1, le=DIMENSIONS)] | None = None
    encoding_format: Literal["float", "base64"] | None = None
    user: str | None = None


class Embeddings(OpenAiApi):
    """OpenAI's embeddings."""

    id_prefix = "embd-"
    caches_by_itself = False
    usage_field = "usage"
    answers_field = "data"

    def read(self, body: bytes, address: Address) -> Ask:  # noqa: ARG002 - the model is in the body
        """Read an embeddings request."""
        parsed = parse(_Body, body)
        turns = tuple(_turns(parsed))
        longest = max(count_tokens(turn.text) + turn.token_ids for turn in turns)
        if longest > MOST_TOKENS:
            problem = (
                f"This model's maximum context length is {MOST_TOKENS} tokens, however you requested {longest} tokens"
            )
            raise InvalidRequest(f"{problem} ({longest} in your prompt; 0 for the completion).", None)
        vectors = Vectors(parsed.dimensions or DIMENSIONS, as_base64=parsed.encoding_format == "base64")
        return Ask(model=parsed.model, turns=turns, vectors=vectors)

    def write(self, outcome: Outcome) -> dict[str, JsonValue]:
        """Write a list of embeddings."""
        vectors = outcome.ask.vectors
        if vectors is None:
            raise TypeError("Only what asks for vectors is answered with some.")
        tokens = outcome.counts.input_tokens
        return {
            "object": "list",
            "model": outcome.ask.model,
            "data": [
                {"object": "embedding", "index": index, "embedding": _embed(turn, vectors)}
                for index, turn in enumerate(outcome.ask.turns)
            ],
            "usage": {"prompt_tokens": tokens, "total_tokens": tokens},
        }

    def headers(self, outcome: Outcome) -> str:
        """Name the request, whose body has no id."""
        return f"x-request-id: {outcome.id}\r\n"


def _turns(body: _Body) -> list[Turn]:
    given = body.input
    inputs = [given] if isinstance(given, str) or isinstance(given[0], int) else given
    return [Turn(item) if isinstance(item, str) else Turn("", token_ids=len(item)) for item in inputs]


def _embed(turn: Turn, vectors: Vectors) -> JsonValue:
    drawn = hashlib.shake_256(f"{turn.text}|{turn.token_ids}".encode()).digest(2 * vectors.dimensions)
    numbers = [value - 32767.5 for value in array("H", drawn)]
    length = math.hypot(*numbers)
    unit = array("f", (number / length for number in numbers))
    return base64.b64encode(unit.tobytes()).decode() if vectors.as_base64 else list[JsonValue](unit)
