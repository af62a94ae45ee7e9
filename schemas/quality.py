"""How well each model has answered, by task and difficulty, as all feedback says together: model-quality."""

from typing import ClassVar

from pydantic import Field

from schemas.message import SCHEMA_VERSION, Message, SchemaVersion, Timestamp
from schemas.vocabulary import Difficulty, Task


class ModelQuality(Message):
    """What feedback has shown of one model's answers to one task at one difficulty, without the catalogue's prior."""

    type_name: ClassVar[str] = "turnout.model-quality"

    schema_version: SchemaVersion = SCHEMA_VERSION
    request_model: str
    task: Task
    difficulty: Difficulty
    as_of: Timestamp
    mean: float = Field(ge=0, le=1, description="The mean score: 0 useless, 1 as good as an answer can be.")
    weight: float = Field(
        ge=0, le=1e9, allow_inf_nan=False, description="How many answers the mean is worth, as they count today."
    )
