"""Azure OpenAI's chat completions: `POST /openai/deployments/{deployment}/chat/completions?api-version=...`.

A deployment goes by the name of its model. Sources: https://learn.microsoft.com/azure/ai-foundry/openai/reference and
https://learn.microsoft.com/azure/ai-foundry/openai/concepts/content-filter.
"""

from dataclasses import replace

import orjson
from pydantic import JsonValue

from sandbox.provider.ask import Ask
from sandbox.provider.connection import Request
from sandbox.provider.dialects.chat import ChatBody, ChatCompletions
from sandbox.provider.dialects.dialect import Address, Keys, parse
from sandbox.provider.outcome import ErrorResponse, FinishReason, Outcome, Problem, ProblemKind

_CATEGORIES = ("hate", "self_harm", "sexual", "violence")
_WRONG_KEY = """\
Access denied due to invalid subscription key or wrong API endpoint. Make sure to provide a valid key for an active \
subscription and use a correct regional API endpoint for your resource."""
_NO_DEPLOYMENT = """\
The API deployment for this resource does not exist. If you created the deployment within the last 5 minutes, please \
wait a moment and try again."""
_TOO_MANY = """\
Requests to the ChatCompletions_Create Operation under Azure OpenAI API have exceeded call rate limit of your current \
pricing tier."""
_FILTERED = """\
The response was filtered due to the prompt triggering Azure OpenAI's content management policy. Please modify your \
prompt and retry."""
_GATEWAY = {
    ProblemKind.UNAUTHORIZED: ("401", _WRONG_KEY),
    ProblemKind.NOT_FOUND: ("404", "Resource not found"),
    ProblemKind.MODEL_NOT_FOUND: ("DeploymentNotFound", _NO_DEPLOYMENT),
    ProblemKind.RATE_LIMITED: ("429", _TOO_MANY),
    ProblemKind.SERVER_ERROR: ("InternalServerError", "The server had an error while processing your request."),
    ProblemKind.OVERLOADED: ("503", "The service is temporarily unable to process your request."),
}
"""Where Azure's own gateway answers, with fewer fields than OpenAI."""


class AzureBody(ChatBody):
    """A chat-completions request whose model is in its address."""

    model: str = ""


class AzureChatCompletions(ChatCompletions):
    """Azure OpenAI's chat completions."""

    def refuse(self, request: Request, address: Address, keys: Keys) -> Problem | None:
        """Ask for a version of the API, and for a key or a token."""
        if not address.query.get("api-version"):
            return Problem(ProblemKind.NOT_FOUND)
        key = request.headers.get(b"api-key") or request.headers.get(b"authorization", b"").removeprefix(b"Bearer ")
        if not key or (keys.api_key is not None and key != keys.api_key.encode()):
            return Problem(ProblemKind.UNAUTHORIZED)
        return None

    def read(self, body: bytes, address: Address) -> Ask:
        """Read a chat-completions request for a deployment."""
        return parse(AzureBody, body).to_ask(address.model)

    def write(self, outcome: Outcome) -> dict[str, JsonValue]:
        """Write a chat completion with what the content filter found."""
        body = super().write(outcome)
        body["prompt_filter_results"] = [{"prompt_index": 0, "content_filter_results": _found(filtered=False)}]
        choices = body["choices"]
        if isinstance(choices, list):
            for choice, answer in zip(choices, outcome.answers, strict=True):
                if isinstance(choice, dict):
                    filtered = answer.finish_reason is FinishReason.CONTENT_FILTER
                    choice["content_filter_results"] = _found(filtered=filtered)
        return body

    def write_error(self, problem: Problem) -> ErrorResponse:
        """Write Azure's error object, or OpenAI's where the model itself answers."""
        usual = super().write_error(problem)
        if problem.kind is ProblemKind.CONTENT_FILTER:
            return replace(usual, body=orjson.dumps({"error": _FILTERED_PROMPT}))
        if problem.kind not in _GATEWAY:
            return usual
        code, message = _GATEWAY[problem.kind]
        error = {
            "code": code if problem.status is None else str(problem.status),
            "message": problem.sentence(message),
        }
        return replace(usual, body=orjson.dumps({"error": error}))


def _found(*, filtered: bool) -> dict[str, JsonValue]:
    found: dict[str, JsonValue] = {category: {"filtered": False, "severity": "safe"} for category in _CATEGORIES}
    if filtered:
        found["violence"] = {"filtered": True, "severity": "medium"}
    return found


_FILTERED_PROMPT = {
    "message": _FILTERED,
    "type": None,
    "param": "prompt",
    "code": "content_filter",
    "status": 400,
    "innererror": {"code": "ResponsibleAIPolicyViolation", "content_filter_result": _found(filtered=True)},
}
