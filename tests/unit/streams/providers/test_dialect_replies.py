"""What each vendor answers, by its public reference, and what a worker makes of it; golden, one file a reply.

A file holds the reference that it follows (`source`), the reply with its status and headers, and the `answer`, with the
message as a response has it, or the `failure`.
"""

from pathlib import Path

import httpx
import orjson
import pytest
from pydantic import BaseModel, ConfigDict, JsonValue

from router.dialects.registry import DIALECTS
from router.dialects.wire import DialectName
from router.errors import Answer, UpstreamFailure
from schemas.requests import JsonObject
from streams.providers.exchange import Reply
from streams.providers.outcomes import OutcomeReader
from tests.unit.streams.providers.replies import NOW_S

GOLDEN = Path(__file__).with_name("golden")
NAMES = sorted(path.stem for path in GOLDEN.glob("*.json"))


class GoldenReply(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    source: str
    status: int = 200
    headers: dict[str, str] = {}
    reply: JsonValue
    answer: JsonObject | None = None
    failure: JsonObject | None = None


def dialect_of(name: str) -> DialectName:
    return max((dialect for dialect in DialectName if name.startswith(f"{dialect}-")), key=len)


def told(outcome: Answer | UpstreamFailure) -> JsonObject:
    """Return what is known of an outcome, as the files have it."""
    usage = None if outcome.usage is None else outcome.usage.model_dump(mode="json", exclude_none=True)
    kept: JsonObject
    if isinstance(outcome, Answer):
        kept = {
            "message": outcome.message.model_dump(mode="json"),
            "finish_reason": outcome.finish_reason,
            "response_model": outcome.response_model,
            "response_id": outcome.response_id,
            "logprobs": outcome.logprobs,
        }
        assert outcome.other_choices == ()
        always = {"response_model", "response_id"}
    else:
        kept = {"category": outcome.category, "detail": outcome.detail, "retry_after_s": outcome.retry_after_s}
        always = set()
    return {name: value for name, value in {**kept, "usage": usage}.items() if value is not None or name in always}


@pytest.mark.parametrize("name", NAMES)
def test_a_vendors_reply_is_read(name: str) -> None:
    golden = GoldenReply.model_validate_json((GOLDEN / f"{name}.json").read_bytes())
    reader = OutcomeReader(dialect=DIALECTS[dialect_of(name)])
    reply = Reply(golden.status, httpx.Headers(golden.headers), orjson.dumps(golden.reply))

    outcome = reader.from_reply(reply, NOW_S)
    assert told(outcome) == (golden.answer or golden.failure)
    assert isinstance(outcome, UpstreamFailure) == (golden.failure is not None)


def test_every_dialect_has_answers_and_failures() -> None:
    for dialect in DialectName:
        kinds = {
            golden.failure is None
            for name in NAMES
            if dialect_of(name) is dialect
            for golden in [GoldenReply.model_validate_json((GOLDEN / f"{name}.json").read_bytes())]
        }
        assert kinds == ({True, False} if dialect is not DialectName.CHAT else set()), dialect
