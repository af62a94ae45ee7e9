"""Bedrock's Converse, `POST /model/{modelId}/converse`, signed in AWS's manner or with a Bedrock API key.

Sources: https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_Converse.html,
https://docs.aws.amazon.com/bedrock/latest/userguide/api-keys.html and the service model of `botocore`, 1.44.
"""

from collections.abc import Iterator
from datetime import UTC, datetime
from uuid import uuid4

import orjson
from pydantic import JsonValue

from sandbox.provider import sigv4
from sandbox.provider.ask import Ask
from sandbox.provider.connection import Request
from sandbox.provider.dialects.bedrock_request import read_converse
from sandbox.provider.dialects.dialect import Address, Dialect, Keys, parse_object
from sandbox.provider.outcome import Answer, ErrorResponse, FinishReason, Outcome, Problem, ProblemKind

SERVICE = "bedrock"

_FINISH = {
    FinishReason.STOP: "end_turn",
    FinishReason.LENGTH: "max_tokens",
    FinishReason.TOOL_CALLS: "tool_use",
    FinishReason.CONTENT_FILTER: "content_filtered",
}
_SIGNATURE = {
    sigv4.SignatureFault.MISSING: "Missing Authentication Token",
    sigv4.SignatureFault.INCOMPLETE: "Authorization header requires 'Credential', 'Signature' and 'SignedHeaders' "
    "parameters, and a request its 'X-Amz-Date'.",
    sigv4.SignatureFault.WRONG: "The request signature we calculated does not match the signature you provided. Check "
    "your AWS Secret Access Key and signing method. Consult the service documentation for details.",
}
_ERRORS = {
    ProblemKind.INVALID: (400, "The request is invalid."),
    ProblemKind.NOT_FOUND: (404, "Unknown operation."),
    ProblemKind.MODEL_NOT_FOUND: (400, "The provided model identifier is invalid."),
    ProblemKind.UNAUTHORIZED: (403, "The security token included in the request is invalid."),
    ProblemKind.RATE_LIMITED: (429, "Too many requests, please wait before trying again."),
    ProblemKind.SERVER_ERROR: (500, "The system encountered an unexpected error during processing. Try again."),
    ProblemKind.BAD_GATEWAY: (502, "Bad gateway."),
    ProblemKind.OVERLOADED: (503, "Bedrock is unable to process your request."),
    ProblemKind.CONTEXT_TOO_LONG: (400, "Input is too long for requested model."),
    ProblemKind.KEY_REUSED: (409, "This Idempotency-Key was used for another request."),
    ProblemKind.KEY_TOO_LONG: (400, "The Idempotency-Key is too long."),
}
_TYPES = {
    400: "ValidationException",
    403: "AccessDeniedException",
    404: "ResourceNotFoundException",
    408: "ModelTimeoutException",
    409: "ConflictException",
    424: "ModelErrorException",
    429: "ThrottlingException",
    500: "InternalServerException",
    503: "ServiceUnavailableException",
}


class Converse(Dialect):
    """Bedrock's Converse."""

    id_prefix = ""
    caches_by_itself = False
    usage_field = "usage"
    answers_field = "output"

    def refuse(self, request: Request, address: Address, keys: Keys) -> Problem | None:  # noqa: ARG002 - in the headers
        """Ask for a signature, or for a bearer key as Bedrock also takes one."""
        authorization = request.headers.get(b"authorization", b"")
        if authorization.startswith(b"Bearer "):
            known = keys.api_key is None or authorization == b"Bearer " + keys.api_key.encode()
            return None if known else Problem(ProblemKind.UNAUTHORIZED)
        fault = sigv4.check(_signed(request), SERVICE, keys.aws_secret, datetime.now(UTC))
        return None if fault is None else Problem(ProblemKind.UNAUTHORIZED, _SIGNATURE[fault], code=fault)

    def read(self, body: bytes, address: Address) -> Ask:
        """Read a Converse request."""
        return read_converse(body, address.model)

    def write(self, outcome: Outcome) -> dict[str, JsonValue]:
        """Write what Converse returns."""
        (answer,) = outcome.answers
        body: dict[str, JsonValue] = {
            "output": {"message": {"role": "assistant", "content": list(_content(outcome, answer))}},
            "stopReason": _FINISH[answer.finish_reason],
            "usage": _usage(outcome),
            "metrics": {"latencyMs": outcome.latency_ms},
        }
        if outcome.service_tier is not None:
            body["serviceTier"] = {"type": outcome.service_tier}
        return body

    def headers(self, outcome: Outcome) -> str:
        """Name the request, whose body has no id."""
        return f"x-amzn-requestid: {outcome.id}\r\n"

    def leave_out_answers(self, fields: dict[str, JsonValue]) -> None:
        """Leave a message without content."""
        fields["output"] = {"message": {"role": "assistant", "content": []}}

    def write_error(self, problem: Problem) -> ErrorResponse:
        """Write an exception, whose name is in a header; a guardrail that intervenes answers, and nothing is used."""
        request_id = f"x-amzn-requestid: {uuid4()}\r\n"
        if problem.kind is ProblemKind.CONTENT_FILTER:
            return ErrorResponse(200, orjson.dumps(_BLOCKED), request_id)
        status, message = _ERRORS[problem.kind]
        status = problem.status or status
        name = problem.code or _TYPES.get(status, "InternalServerException")
        body = orjson.dumps({"message": problem.sentence(message)})
        return ErrorResponse(status, body, f"x-amzn-errortype: {name}\r\n{request_id}")


def _signed(request: Request) -> sigv4.Signed:
    path, _, query = request.target.decode("latin-1").partition("?")
    headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in request.headers.items()}
    return sigv4.Signed(request.method.decode(), path, query, headers, request.body)


def _content(outcome: Outcome, answer: Answer) -> Iterator[JsonValue]:
    if answer.thoughts and outcome.ask.shows_thoughts:
        yield {"reasoningContent": {"reasoningText": {"text": answer.thoughts, "signature": f"sig-{outcome.id}"}}}
    if answer.tool is not None:
        use: JsonValue = {
            "toolUseId": f"tooluse_{outcome.id[:48]}",
            "name": answer.tool,
            "input": parse_object(answer.text),
        }
        yield {"toolUse": use}
    elif answer.text:
        yield {"text": answer.text}


def _usage(outcome: Outcome) -> JsonValue:
    """Cached tokens are beside `inputTokens` and in the total, thoughts inside `outputTokens`."""
    counts = outcome.counts
    return {
        "inputTokens": counts.input_tokens - counts.cached_input_tokens - counts.cache_write_tokens,
        "outputTokens": counts.output_tokens,
        "totalTokens": counts.input_tokens + counts.output_tokens,
        "cacheReadInputTokens": counts.cached_input_tokens,
        "cacheWriteInputTokens": counts.cache_write_tokens,
    }


_BLOCKED = {
    "output": {
        "message": {"role": "assistant", "content": [{"text": "Sorry, the model cannot answer this question."}]},
    },
    "stopReason": "guardrail_intervened",
    "usage": {"inputTokens": 0, "outputTokens": 0, "totalTokens": 0},
    "metrics": {"latencyMs": 0},
}
