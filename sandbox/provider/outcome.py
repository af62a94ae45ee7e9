"""What came of a call, in no vendor's words: an answer with its usage, or a problem."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from http import HTTPStatus

from sandbox.provider.ask import Ask
from sandbox.provider.models import TokenCounts


class FinishReason(StrEnum):
    """Why an answer ended where it did."""

    STOP = "stop"
    LENGTH = "length"
    TOOL_CALLS = "tool_calls"
    CONTENT_FILTER = "content_filter"
    PROMPT_BLOCKED = "prompt_blocked"
    """A filter took offence at the prompt, and the dialect says so in an answer."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a model says: text, or the arguments for one tool."""

    text: str
    tool: str | None
    finish_reason: FinishReason
    output_tokens: int
    """Those of the thoughts included."""
    thoughts: str = ""
    thought_tokens: int = 0


@dataclass(frozen=True, slots=True)
class Outcome:
    """The answers to one call, one a choice, with what the caller is told about them."""

    id: str
    ask: Ask
    created_at: datetime
    counts: TokenCounts
    answers: tuple[Answer, ...]
    reasoning_beside: bool = False
    """Whether the usage of a dialect that can say it either way tells reasoning tokens apart from the output's."""
    cached_beside: bool = False
    """The same of cached tokens and the input's."""
    service_tier: str | None = None
    """The tier that was charged for, where tiers have prices."""
    cost_usd: Decimal | None = None
    """What was charged, where that is told."""
    latency_ms: int = 0
    """How long the answer took to generate; 0 for one that is given again."""


_PHRASES = {status.value: f"{status.phrase}." for status in HTTPStatus} | {529: "Overloaded."}


class ProblemKind(StrEnum):
    """Why there is no answer. Each dialect has its own status and words for it."""

    INVALID = "invalid"
    NOT_FOUND = "not_found"
    """The address is wrong."""
    MODEL_NOT_FOUND = "model_not_found"
    UNAUTHORIZED = "unauthorized"
    RATE_LIMITED = "rate_limited"
    SERVER_ERROR = "server_error"
    BAD_GATEWAY = "bad_gateway"
    OVERLOADED = "overloaded"
    CONTEXT_TOO_LONG = "context_too_long"
    CONTENT_FILTER = "content_filter"
    KEY_REUSED = "key_reused"
    KEY_TOO_LONG = "key_too_long"


@dataclass(frozen=True, slots=True)
class Problem:
    """A refusal or a failure. `message` None leaves the sentence to the dialect."""

    kind: ProblemKind
    message: str | None = None
    param: str | None = None
    """The dotted field to blame."""
    status: int | None = None
    """Another status than the dialect has for this kind."""
    code: str | None = None
    """The vendor's own word for it, where its dialect has several."""
    wait_s: float | None = None
    """When to come back."""
    model: str = ""
    """The model's name as it was asked for."""

    def sentence(self, usual: str) -> str:
        """Return what to say; `usual` is the dialect's sentence for the kind under its own status, with a `{model}`."""
        if self.message is not None:
            return self.message
        return usual.replace("{model}", self.model) if self.status is None else _PHRASES.get(self.status, "Failed.")


@dataclass(frozen=True, slots=True)
class ErrorResponse:
    """A problem in a vendor's words; `headers` are complete lines, each ended by CRLF."""

    status: int
    body: bytes
    headers: str = ""
