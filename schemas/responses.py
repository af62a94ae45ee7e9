"""`llm.responses.v1`: the one terminal answer to one request."""

from collections.abc import Sized
from typing import ClassVar

from pydantic import BaseModel, ConfigDict, Field

from schemas.message import SCHEMA_VERSION, Message, SchemaVersion, Timestamp, Tokens, Usd
from schemas.requests import JsonObject
from schemas.vocabulary import (
    AnswerCheck,
    AttemptOutcome,
    CascadeVerdict,
    Certainty,
    Difficulty,
    ErrorCode,
    Form,
    IdSource,
    Lane,
    Policy,
    SchemaResult,
    SkipReason,
    Status,
    Task,
    Tier,
)


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


def _is_none(value: object) -> bool:
    return value is None


def _is_false(value: object) -> bool:
    return value is False


def _is_empty(value: Sized) -> bool:
    return not value


class Usage(_Part):
    """Tokens of one call as the provider counted them; cached tokens are part of the input, reasoning of the output."""

    input_tokens: Tokens
    output_tokens: Tokens
    cached_input_tokens: Tokens | None = None
    cache_write_tokens: Tokens | None = None
    reasoning_tokens: Tokens | None = None
    provider_cost_usd: Usd | None = Field(
        default=None, exclude_if=_is_none, description="What the provider itself says that the call cost."
    )
    service_tier: str | None = Field(
        default=None, exclude_if=_is_none, description="The provider's service tier that the call was served in."
    )
    doubt: str | None = Field(
        default=None,
        exclude_if=_is_none,
        description="Why the counts are not to be relied on; the cost of the call is then an estimate.",
    )


class Attempt(_Part):
    """One upstream call, whatever became of it."""

    attempt: int = Field(ge=1)
    provider_name: str
    request_model: str
    response_model: str | None = None
    outcome: AttemptOutcome
    status_code: int | None = None
    detail: str | None = Field(default=None, description="What the provider said, shortened.")
    started_at: Timestamp
    latency_ms: int | None
    usage: Usage | None = None
    certainty: Certainty | None = Field(default=None, description="null: the call was certainly not charged.")
    cost_usd: Usd | None = None


class Skipped(_Part):
    """A model that was a candidate and was not called."""

    request_model: str
    reason: str
    code: SkipReason | None = Field(
        default=None, description="The reason for a program; null in responses of versions before it was added."
    )


class AnswerMessage(_Part):
    """What the model said. Optional fields that hold nothing are left out, so that it can be sent back as it is."""

    role: str = "assistant"
    content: str | None
    tool_calls: list[JsonObject] | None = Field(default=None, exclude_if=_is_none)
    refusal: str | None = None
    reasoning_content: str | None = Field(
        default=None,
        exclude_if=_is_none,
        description="The reasoning before the answer, as far as the provider shows it.",
    )
    annotations: list[JsonObject] | None = Field(
        default=None, exclude_if=_is_none, description="Citations of what the answer rests on."
    )
    audio: JsonObject | None = Field(default=None, exclude_if=_is_none)
    function_call: JsonObject | None = Field(
        default=None, exclude_if=_is_none, description="OpenAI's form before `tool_calls`."
    )
    embeddings: list[list[float] | str] | None = Field(
        default=None,
        exclude_if=_is_none,
        description="A vector for each `input` of the request, in its order: numbers, or base64 of 32-bit floats.",
    )
    extra: JsonObject | None = Field(
        default=None,
        exclude_if=_is_none,
        description="What else the provider's message holds, by its names; not sent back to a provider.",
    )


class Choice(_Part):
    """A further answer to the same request, where several were asked for."""

    index: int
    message: AnswerMessage
    finish_reason: str | None = None
    logprobs: JsonObject | None = Field(default=None, exclude_if=_is_none)


class SchemaCheck(_Part):
    """Whether the message fits the JSON schema that the request has for it."""

    result: SchemaResult
    detail: str | None = Field(default=None, description="What does not fit, and where, or why it was not checked.")


class CascadeCheck(_Part):
    """A check of the first answer of a cascade: one that failed, or one that took a call."""

    check: AnswerCheck
    passed: bool | None = Field(description="null: it could not be told; that counts as passed.")
    detail: str | None = None
    attempt: int | None = Field(
        default=None, ge=1, exclude_if=_is_none, description="The number of the call that was made for it."
    )


class Cascade(_Part):
    """How the answer of a request with the policy `cascade` came about."""

    verdict: CascadeVerdict
    first_attempt: int = Field(ge=1, description="The number of the call whose answer was checked.")
    checks: tuple[CascadeCheck, ...] = ()


class ErrorDetail(_Part):
    """Why there is no answer, for a program and for a person."""

    code: ErrorCode
    message: str
    field: str | None = Field(default=None, description="The request's field to mend, if it is the request's fault.")
    retry_after_ms: int | None = Field(
        default=None, ge=0, description="The same may be asked again, under another id, after so long."
    )


class Response(Message):
    """The end of one request: completed, rejected or failed.

    There is exactly one with `finishes_id` for each tenant and request id of a partition.
    """

    type_name: ClassVar[str] = "turnout.response"

    schema_version: SchemaVersion = SCHEMA_VERSION
    request_id: str
    status: Status
    tenant: str
    task: Task | None = None
    tier: Tier | None = None
    difficulty: Difficulty | None = Field(
        default=None,
        exclude_if=_is_none,
        description="How hard the prompt was taken to be; quality is counted by it.",
    )
    form: Form | None = Field(
        default=None,
        exclude_if=_is_none,
        description="What the prompt looks like; quality is counted by it, too.",
    )
    policy: Policy | None = None
    arm: str | None = Field(
        default=None,
        exclude_if=_is_none,
        description="The catalogue's experiment that the request was in, or `control`; absent: it could be in none.",
    )
    lane: Lane | None = Field(
        default=None,
        exclude_if=_is_none,
        description="`batch`: a provider's batch has answered; absent: live calls have, or nothing has.",
    )
    batch_id: str | None = Field(
        default=None, exclude_if=_is_none, description="The provider's id of the batch that has answered."
    )
    route_reason: str | None = Field(default=None, description="Why this tier and this model.")
    message: AnswerMessage | None = None
    finish_reason: str | None = None
    logprobs: JsonObject | None = Field(
        default=None, exclude_if=_is_none, description="Of the message's tokens, if they were asked for."
    )
    other_choices: tuple[Choice, ...] = Field(
        default=(), exclude_if=_is_empty, description="The choices beside `message`, which is the one with index 0."
    )
    schema_check: SchemaCheck | None = Field(
        default=None, exclude_if=_is_none, description="If the request has a JSON schema for what the message holds."
    )
    cascade: Cascade | None = Field(
        default=None,
        exclude_if=_is_none,
        description="With the policy `cascade`: what the first answer was checked by.",
    )
    provider_name: str | None = None
    request_model: str | None = None
    response_model: str | None = None
    provider_response_id: str | None = None
    usage: Usage | None = None
    cost_usd: Usd | None = Field(
        default=None, description="All attempts together; calls of unknown outcome count with their estimate."
    )
    cached: bool = Field(
        default=False,
        exclude_if=_is_false,
        description="true: the answer was given before, to `origin_request_id`; for this request nothing was called "
        "or paid, and there is no cost event.",
    )
    saved_usd: Usd | None = Field(
        default=None, exclude_if=_is_none, description="Of a cached answer: what it had cost, and did not cost again."
    )
    origin_request_id: str | None = Field(
        default=None, exclude_if=_is_none, description="Of a cached answer: the request that it was made for."
    )
    error: ErrorDetail | None = None
    attempts: tuple[Attempt, ...] = ()
    skipped: tuple[Skipped, ...] = ()
    metadata: dict[str, str | int | float | bool] = Field(default_factory=dict)
    received_at: Timestamp
    completed_at: Timestamp
    latency_ms: int = Field(description="From the moment the worker took the request to its end.")
    request_topic: str
    request_partition: int
    request_offset: int
    authenticated: bool = Field(
        default=False, description="Whether the tenant was proven, by its key or by the signature of a replay."
    )
    id_source: IdSource = IdSource.REQUEST
    asked_sha256: str | None = Field(
        default=None,
        description="SHA-256 of what decides the answer or its price: the same id with another one is `id_reused`.",
    )
    finishes_id: bool = Field(
        default=True,
        description="false: a refusal that leaves the id free, since it proves no tenant, or since the id is another "
        "request's. The answer to the id may still come.",
    )
    dataref: str | None = Field(
        default=None,
        exclude_if=_is_none,
        description="Where the whole response is, as JSON, if it is larger than its topic takes. `message`, `logprobs` "
        "and `other_choices` are only there.",
    )
