"""What the tests of this folder share: one plain completion, and the shortest way from a reply to its outcome."""

import httpx
import orjson
from pydantic import JsonValue

from router.errors import Answer, UpstreamFailure
from schemas.requests import JsonObject
from streams.config.charges import charge_rules
from streams.providers.exchange import Reply
from streams.providers.outcomes import OutcomeReader

NOW_S = 1_800_000_000.0  # 2027-01-15T08:00:00Z
READER = OutcomeReader(charges=charge_rules("openai"))
USAGE: JsonObject = {"prompt_tokens": 100, "completion_tokens": 10, "total_tokens": 110}
MESSAGE: JsonObject = {"role": "assistant", "content": "an answer"}


def completion(message: JsonValue = None, usage: JsonValue = None, **fields: JsonValue) -> JsonObject:
    """Return a chat completion; `fields` are the choice's, but `top` holds those of the completion."""
    top = fields.pop("top", {})
    assert isinstance(top, dict)
    choice: JsonObject = {"index": 0, "message": message or MESSAGE, "finish_reason": "stop", **fields}
    return {"id": "x1", "model": "alpha-2026", "choices": [choice], "usage": usage or USAGE, **top}


def outcome_of(body: object, status: int = 200, **headers: str) -> Answer | UpstreamFailure:
    """Return what a reply of OpenAI's means. Underscores in the names of headers stand for hyphens."""
    content = body if isinstance(body, bytes) else orjson.dumps(body)
    names = httpx.Headers({name.replace("_", "-"): value for name, value in headers.items()})
    return READER.from_reply(Reply(status, names, content), NOW_S)


def answer_of(body: object, status: int = 200, **headers: str) -> Answer:
    """Return the answer; the test fails if it is none."""
    outcome = outcome_of(body, status, **headers)
    assert isinstance(outcome, Answer), outcome
    return outcome


def failure_of(body: object, status: int = 200, **headers: str) -> UpstreamFailure:
    """Return the failure; the test fails if it is none."""
    outcome = outcome_of(body, status, **headers)
    assert isinstance(outcome, UpstreamFailure), outcome
    return outcome
