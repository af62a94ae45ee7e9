"""`llm.feedback.v1`: how good one answer was, and who says so."""

import re
from collections.abc import Mapping
from typing import Annotated, ClassVar, Self

from pydantic import AfterValidator, BeforeValidator, Field, StringConstraints, model_validator

from schemas.message import SCHEMA_VERSION, Count, Message, SchemaVersion
from schemas.requests import AnyIdentifier
from schemas.vocabulary import FeedbackKind, FeedbackLabel

SOURCE_CHARS = 64
CLIENTS_KINDS = (FeedbackKind.PERSON, FeedbackKind.CHECK, FeedbackKind.JUDGE)
_SOURCE = re.compile(r"[^\x00-\x1f\x7f/*]+")


def _a_name(source: str) -> str:
    if not _SOURCE.fullmatch(source):
        raise ValueError("must hold no control character, slash or star; it is told as TENANT/SOURCE")
    return source


def _a_clients(kind: object) -> object:
    if kind not in CLIENTS_KINDS:
        raise ValueError(f"should be one of {', '.join(CLIENTS_KINDS)}")
    return kind


Source = Annotated[
    str, StringConstraints(min_length=1, max_length=SOURCE_CHARS, strip_whitespace=True), AfterValidator(_a_name)
]


class Feedback(Message):
    """One source's score of one answer. A later one of the same source takes the place of its earlier one.

    The record is keyed as its request was, or put into the partition of the response, and carries the tenant's key as
    the request did.
    """

    type_name: ClassVar[str] = "turnout.feedback"

    schema_version: SchemaVersion = SCHEMA_VERSION
    request_id: AnyIdentifier
    tenant: AnyIdentifier = Field(default="default", description="Whose request it was.")
    score: Annotated[float, Field(ge=0, le=1, allow_inf_nan=False, strict=True)] | None = Field(
        default=None, description="From 0, useless, to 1, as good as an answer can be."
    )
    label: FeedbackLabel | None = Field(default=None, description="The same in a word: good is 1, fair 0.5, bad 0.")
    source: Source = Field(description="Who says so: a person, a check, a judge, by a name that stays the same.")
    kind: Annotated[FeedbackKind, BeforeValidator(_a_clients)] = FeedbackKind.PERSON
    response_offset: Count | None = Field(
        default=None, description="Where the response lies in its partition. Needed once it is no longer recent."
    )

    @model_validator(mode="before")
    @classmethod
    def _leave_nulls_out(cls, data: object) -> object:
        if not isinstance(data, Mapping):
            return data
        return {name: value for name, value in data.items() if value is not None}

    @model_validator(mode="after")
    def _check_score(self) -> Self:
        if (self.score is None) == (self.label is None):
            raise ValueError("score: give a `score` from 0 to 1 or a `label` (good, fair, bad), and not both")
        return self

    @property
    def value(self) -> float:
        """The score, however it was given."""
        return self.label.score if self.label is not None else self.score or 0.0
