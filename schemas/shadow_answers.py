"""`llm.shadow-answers.v1`: what another model says to a request that has its answer, and what a judge says of both."""

from decimal import Decimal
from typing import ClassVar

from pydantic import BaseModel, ConfigDict, Field

from schemas.message import SCHEMA_VERSION, Message, SchemaVersion, Timestamp, Usd
from schemas.quality import Score
from schemas.responses import AnswerMessage, Attempt, ErrorDetail, Usage
from schemas.vocabulary import Difficulty, Form, Status, Task, Tier


class Verdict(BaseModel):
    """What the judge says of the two answers; it was not told whose they are."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    judge: str = Field(description="The model that was asked.")
    answered_score: Score = Field(description="Of the answer in the response, 0 to 1.")
    shadow_score: Score = Field(description="Of the shadow's answer, 0 to 1.")
    shadow_was_first: bool = Field(description="In which order it read them: a hash of the request decides it.")


class ShadowAnswer(Message):
    """What came of one request's shadow. The response itself is on `llm.responses.v1`, and nothing here changes it."""

    type_name: ClassVar[str] = "turnout.shadow-answer"

    schema_version: SchemaVersion = SCHEMA_VERSION
    request_id: str
    tenant: str = Field(description="Of the request. Who pays is another one: see the cost events.")
    status: Status = Field(description="`completed` if there is an answer of the shadow.")
    task: Task
    tier: Tier | None = None
    difficulty: Difficulty
    form: Form
    answered_by: str = Field(description="The model whose answer is in the response.")
    request_model: str = Field(description="The model that was asked in its shadow.")
    provider_name: str | None = None
    response_model: str | None = None
    experiment: str | None = Field(
        default=None,
        description="The catalogue's experiment whose policy chose the model; null: `shadow_calls.models`.",
    )
    message: AnswerMessage | None = Field(
        default=None, description="Null without an answer, and of one that is larger than the topic takes."
    )
    finish_reason: str | None = None
    usage: Usage | None = None
    error: ErrorDetail | None = None
    latency_ms: int = Field(ge=0, description="From the beginning of the shadow to its answer.")
    cost_usd: Usd | None = Field(description="Of the shadow's calls, without the judge's; null: not known.")
    judge_cost_usd: Usd | None = Field(default=Decimal(0), description="Of the judge's calls; null: not known.")
    verdict: Verdict | None = None
    not_judged: str | None = Field(default=None, description="Why there is no verdict.")
    attempts: tuple[Attempt, ...] = Field(
        default=(), description="All calls, the judge's too; each may have a cost event of `turnout-shadow`."
    )
    completed_at: Timestamp
    response_offset: int = Field(ge=0, description="Where the response lies, in the partition of the request's number.")
    request_topic: str
    request_partition: int = Field(ge=0)
    request_offset: int = Field(ge=0)
