"""From a line of a batch's results to the outcome that a live call would have had."""

import json
import re
from dataclasses import replace

import orjson
from pydantic import JsonValue

from router.batches.api import BatchApi, ResultLine
from router.batches.line import BATCH_TIER, BatchLine, LineEnd
from router.charges import Charge
from router.errors import Answer, UpstreamFailure
from router.parameters import SAME_PRICE_TIERS
from schemas.responses import Usage
from schemas.vocabulary import AttemptOutcome
from streams.providers.body import LONG_INTEGER, UnreadableBody, parsed
from streams.providers.exchange import Reply
from streams.providers.line_stream import Line
from streams.providers.outcomes import OutcomeReader

_NAME = re.compile(rb'"(?:custom_id|key)"\s*:\s*"([A-Za-z0-9_-]{1,64})"')
"""Where a line that cannot be read says whose it is."""
_NEVER_BEGUN = {
    LineEnd.EXPIRED: UpstreamFailure(AttemptOutcome.TIMEOUT, "the batch expired before it was the request's turn"),
    LineEnd.CANCELLED: UpstreamFailure(
        AttemptOutcome.UNAVAILABLE, "the batch was cancelled before it was the request's turn"
    ),
}


class BatchLineReader:
    """Reads the lines of one provider."""

    def __init__(self, api: BatchApi, outcomes: OutcomeReader) -> None:
        self._api = api
        self._outcomes = outcomes

    def read(self, number: int, line: Line, now_s: float) -> BatchLine:
        """Return what the line says, whatever stands in it. Seconds are since 1970. Raises nothing."""
        if line.is_cut:
            why = f"the line is longer than is read; it begins with {len(line.content)} bytes of an answer"
            return self._unreadable(number, line.content, AttemptOutcome.ANSWER_TOO_LARGE, why)
        try:
            exact = LONG_INTEGER.search(line.content) is not None
            value = parsed(line.content, exact=exact)
        except UnreadableBody as error:
            return self._unreadable(number, line.content, AttemptOutcome.MALFORMED, str(error))
        read = self._api.read_line(value) if isinstance(value, dict) else ResultLine(None, LineEnd.UNREADABLE)
        if (never := _NEVER_BEGUN.get(read.end)) is not None:
            return BatchLine(number, read.custom_id, read.end, never)
        if read.end is LineEnd.UNREADABLE:
            why = "the line has neither an answer nor an error"
            return self._unreadable(number, line.content, AttemptOutcome.MALFORMED, why, read.custom_id)
        reply = Reply(read.status_code, {}, _written(read.body, exact=exact))
        outcome = _in_batch(self._outcomes.from_reply(reply, now_s))
        if isinstance(outcome, Answer):
            return BatchLine(number, read.custom_id, LineEnd.ANSWERED, outcome)
        if read.is_free and outcome.usage is None:
            outcome = replace(outcome, charge=Charge.FREE)
        return BatchLine(number, read.custom_id, LineEnd.FAILED, outcome)

    def _unreadable(
        self, number: int, content: bytes, outcome: AttemptOutcome, why: str, custom_id: str | None = None
    ) -> BatchLine:
        if custom_id is None and (name := _NAME.search(content)):
            custom_id = name[1].decode()
        failure = self._outcomes.unread(outcome, why)
        return BatchLine(number, custom_id, LineEnd.UNREADABLE, failure)


def _written(body: JsonValue, *, exact: bool) -> bytes:
    return json.dumps(body, ensure_ascii=False).encode() if exact else orjson.dumps(body)


def _in_batch(outcome: Answer | UpstreamFailure) -> Answer | UpstreamFailure:
    """Return it with its usage in the tier of batches, unless the provider names a tier with another price."""
    usage = outcome.usage
    if usage is None or usage.service_tier not in (None, *SAME_PRICE_TIERS):
        return outcome
    in_batch: Usage = usage.model_copy(update={"service_tier": BATCH_TIER})
    return replace(outcome, usage=in_batch)
