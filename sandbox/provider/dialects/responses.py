"""OpenAI's Responses, `POST /v1/responses`.

Source: https://platform.openai.com/docs/api-reference/responses/object and the types of the `openai` package, 3.57.
"""

from collections.abc import Iterator
from dataclasses import replace

from pydantic import JsonValue

from sandbox.provider.ask import Ask
from sandbox.provider.dialects.dialect import Address
from sandbox.provider.dialects.openai import OpenAiApi
from sandbox.provider.dialects.responses_request import read_responses
from sandbox.provider.outcome import Answer, ErrorResponse, FinishReason, Outcome, Problem, ProblemKind

_INCOMPLETE = {FinishReason.LENGTH: "max_output_tokens", FinishReason.CONTENT_FILTER: "content_filter"}


class Responses(OpenAiApi):
    """OpenAI's Responses."""

    id_prefix = "resp_"
    usage_field = "usage"
    answers_field = "output"

    def read(self, body: bytes, address: Address) -> Ask:  # noqa: ARG002 - the model is in the body
        """Read a Responses request."""
        return read_responses(body)

    def write(self, outcome: Outcome) -> dict[str, JsonValue]:
        """Write a response."""
        (answer,) = outcome.answers
        reason = _INCOMPLETE.get(answer.finish_reason)
        return {
            "id": outcome.id,
            "object": "response",
            "created_at": int(outcome.created_at.timestamp()),
            "status": "incomplete" if reason else "completed",
            "background": False,
            "error": None,
            "incomplete_details": {"reason": reason} if reason else None,
            "model": outcome.ask.model,
            "output": list(_output(outcome, answer, "incomplete" if reason else "completed")),
            "previous_response_id": None,
            "service_tier": outcome.service_tier or "default",
            "usage": _usage(outcome),
            **outcome.ask.echo,
        }

    def write_error(self, problem: Problem) -> ErrorResponse:
        """Write OpenAI's error object, with the words that differ here."""
        if problem.kind is ProblemKind.CONTENT_FILTER:
            message = "Invalid prompt: your prompt was flagged as potentially violating our usage policy."
            problem = replace(problem, message=message, code="invalid_prompt", param="input")
        elif problem.kind is ProblemKind.CONTEXT_TOO_LONG:
            message = "Your input exceeds the context window of this model. Please adjust your input and try again."
            problem = replace(problem, message=message, param="input")
        return super().write_error(problem)


def _output(outcome: Outcome, answer: Answer, status: str) -> Iterator[JsonValue]:
    suffix = outcome.id.removeprefix("resp_")
    if answer.thoughts:
        summary: list[JsonValue] = [{"type": "summary_text", "text": answer.thoughts}]
        shown = summary if outcome.ask.shows_thoughts else []
        yield {"id": f"rs_{suffix}", "type": "reasoning", "summary": shown}
    if outcome.ask.may_search:
        query = outcome.ask.turns[-1].text
        action: JsonValue = {"type": "search", "query": query, "queries": [query]}
        yield {"id": f"ws_{suffix}", "type": "web_search_call", "status": "completed", "action": action}
    if answer.tool is not None:
        yield {
            "id": f"fc_{suffix}",
            "type": "function_call",
            "status": status,
            "call_id": f"call_{suffix}",
            "name": answer.tool,
            "arguments": answer.text,
        }
    elif answer.text:
        text: JsonValue = {"type": "output_text", "text": answer.text, "annotations": [], "logprobs": []}
        yield {"id": f"msg_{suffix}", "type": "message", "status": status, "role": "assistant", "content": [text]}


def _usage(outcome: Outcome) -> JsonValue:
    """Cached tokens are inside `input_tokens`, reasoning inside `output_tokens`."""
    counts = outcome.counts
    return {
        "input_tokens": counts.input_tokens,
        "input_tokens_details": {
            "cached_tokens": counts.cached_input_tokens,
            "cache_write_tokens": counts.cache_write_tokens,
        },
        "output_tokens": counts.output_tokens,
        "output_tokens_details": {"reasoning_tokens": counts.reasoning_tokens},
        "total_tokens": counts.input_tokens + counts.output_tokens,
    }
