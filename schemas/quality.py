"""How well each model has answered, by kind of prompt: what all feedback says, and what workers count for it."""

from typing import Annotated, ClassVar

from pydantic import BaseModel, ConfigDict, Field

from schemas.message import SCHEMA_VERSION, Count, Message, SchemaVersion, SmallCount, Timestamp
from schemas.vocabulary import Difficulty, FeedbackKind, Flaw, Form, Task

Score = Annotated[float, Field(ge=0, le=1)]
AnswersWorth = Annotated[float, Field(ge=0, le=1e9, allow_inf_nan=False)]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


class KindQuality(_Part):
    """What sources of one kind have said."""

    count: Count = Field(description="Scores, as many as are kept, whatever their age.")
    mean: Score = Field(description="Their mean as it counts today, those that are outvoted included.")


class SourceQuality(_Part):
    """What one source has said, or several together that have said too little to be heard by themselves."""

    source: str = Field(description="TENANT/SOURCE; TENANT/* are those that are heard together.")
    kind: FeedbackKind
    count: Count
    mean: Score
    outvoted: bool = Field(default=False, description="It contradicts the others, and does not count.")


class ModelQuality(Message):
    """What feedback has shown of one model's answers to one kind of prompt, without the catalogue's prior.

    A kind of prompt is a task, a difficulty and a form.
    """

    type_name: ClassVar[str] = "turnout.model-quality"

    schema_version: SchemaVersion = SCHEMA_VERSION
    request_model: str
    task: Task
    difficulty: Difficulty
    form: Form = Field(
        default=Form.ANY,
        exclude_if=lambda form: form is Form.ANY,
        description="What the prompts look like; absent: all forms, of what is not counted by form.",
    )
    as_of: Timestamp
    mean: float = Field(ge=0, le=1, description="The mean score: 0 useless, 1 as good as an answer can be.")
    weight: float = Field(
        ge=0, le=1e9, allow_inf_nan=False, description="How many answers the mean is worth, as they count today."
    )
    margin: Score = Field(default=1.0, description="Half of the 80 % interval around the mean.")
    count: Count = Field(default=0, description="Scores that are kept, of whatever weight; built-in ones apart.")
    by_kind: dict[FeedbackKind, KindQuality] = Field(default_factory=dict)
    sources: tuple[SourceQuality, ...] = Field(
        default=(), description="The sources with most to say, and those that are outvoted."
    )
    usable: Score = Field(
        default=1.0,
        description="The share of answers without a flaw that shows by itself (built-in feedback), a flaw that leaves "
        "something of use counted half.",
    )
    answers: AnswersWorth = Field(default=0.0, description="How many answers `usable` is worth, as they count today.")
    flaws: dict[Flaw, Count] = Field(default_factory=dict, description="How many answers showed which flaw.")


class QualityCounts(Message):
    """`llm.quality-counts.v1`: what one worker saw of a cell since its last record. Between workers; they add up."""

    type_name: ClassVar[str] = "turnout.quality-counts"

    schema_version: SchemaVersion = SCHEMA_VERSION
    worker: str = Field(max_length=300)
    epoch: Count = Field(description="Rises when the worker starts anew.")
    sequence: Count
    request_model: str = Field(max_length=300)
    task: Task
    difficulty: Difficulty
    as_of: Timestamp
    answers: SmallCount
    flaws: dict[Flaw, SmallCount] = Field(default_factory=dict)
    judged_good: SmallCount = Field(default=0, exclude_if=lambda count: not count)
    judged_bad: SmallCount = Field(
        default=0, exclude_if=lambda count: not count, description="By the judge of the policy `cascade`."
    )
