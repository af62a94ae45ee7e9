"""`llm.requests.v1`: one prompt, in Turnout's own form, in OpenAI's, or as a line of an OpenAI batch file."""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from difflib import get_close_matches
from typing import Annotated, Any, ClassVar, Literal, Self, TypeGuard

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    JsonValue,
    PlainSerializer,
    ValidationError,
    ValidatorFunctionWrapHandler,
    WrapValidator,
    model_validator,
)

from schemas.caching import CacheWish
from schemas.message import SCHEMA_VERSION, Identifier, Message, SchemaVersion, TopicName
from schemas.vocabulary import Lane, Policy, Tier, member

PROVIDER_PARAMETERS = frozenset(
    {
        "audio",
        "frequency_penalty",
        "function_call",
        "functions",
        "logit_bias",
        "logprobs",
        "modalities",
        "parallel_tool_calls",
        "prediction",
        "presence_penalty",
        "prompt_cache_key",
        "prompt_cache_retention",
        "reasoning_effort",
        "safety_identifier",
        "seed",
        "service_tier",
        "stop",
        "store",
        "top_logprobs",
        "top_p",
        "user",
        "verbosity",
        "web_search_options",
    }
)
"""Parameters of OpenAI's chat completions that Turnout has no opinion on: they reach the provider as they came."""

NOT_OVERRIDABLE = frozenset(
    {
        "max_completion_tokens",
        "max_tokens",
        "messages",
        "model",
        "n",
        "response_format",
        "stream",
        "temperature",
        "tool_choice",
        "tools",
    }
)
"""What `parameters` must not carry, because Turnout decides or prices by it."""

BATCH_URL = "/v1/chat/completions"
EMBEDDINGS_URL = "/v1/embeddings"
BATCH_LINE_FIELDS = frozenset({"custom_id", "method", "url", "body"})
MAX_TAGS = 64
MAX_INPUTS = 2048
"""Of one request for embeddings. Source: OpenAI's reference."""
MAX_TAG_NAME = 256
MAX_TAG_VALUE = 512
"""Characters, as OpenAI has it of its `metadata`; of that it takes 16, with names of up to 64."""
COMPARED_CHARS = 64
"""Of an unknown field's name, so much is compared with the known ones: it may be a megabyte long."""


def _or_else(complaint: str) -> WrapValidator:
    """Complain in one sentence, where pydantic has one for each branch of a union and each element of a list."""

    def check(value: object, handler: ValidatorFunctionWrapHandler) -> object:
        try:
            return handler(value)
        except ValidationError:
            raise ValueError(complaint) from None

    return WrapValidator(check)


def _check_tag_count(tags: object) -> object:
    # pydantic looks at each tag before it counts them, which takes seconds for the 100,000 that a message can hold
    if isinstance(tags, Mapping) and len(tags) > MAX_TAGS:
        raise ValueError(f"at most {MAX_TAGS} tags are taken")
    return tags


def _without_nulls(fields: object) -> object:
    """Leave out what is null: clients write every optional field out, and a provider may refuse a null."""
    return {name: value for name, value in fields.items() if value is not None} if _has_null(fields) else fields


def _has_null(fields: object) -> TypeGuard[Mapping[Any, Any]]:
    return isinstance(fields, Mapping) and None in fields.values()


def _whole_number(number: object) -> object:
    """Take 256.0 for 256, as JSON Schema does: to JavaScript, pandas and others they are the same."""
    return int(number) if isinstance(number, float) and number.is_integer() else number


def _number_as_text(identifier: object) -> object:
    """Take a number for an id: many databases count."""
    return str(identifier) if isinstance(identifier, int) and not isinstance(identifier, bool) else identifier


def _check_moment(moment: object) -> object:
    # pydantic would take a number for seconds or milliseconds since 1970, whichever looks likelier
    if isinstance(moment, datetime) or (isinstance(moment, str) and moment[4:5] == "-"):
        return moment
    raise ValueError("not a date and time")


JsonObject = dict[str, JsonValue]
Tag = Annotated[str, Field(max_length=MAX_TAG_NAME)]
TagValue = Annotated[
    Annotated[str, Field(max_length=MAX_TAG_VALUE)] | int | float | bool,
    _or_else(f"a tag is a string of up to {MAX_TAG_VALUE} characters, a number, true or false"),
]
AnyIdentifier = Annotated[Identifier, BeforeValidator(_number_as_text)]
Count = Annotated[int, Field(strict=True), BeforeValidator(_whole_number)]
Content = Annotated[
    str | Annotated[list[JsonObject], Field(fail_fast=True)] | None,
    _or_else("content is a string or a list of objects, its parts"),
]
ToolChoice = Annotated[str | JsonObject | None, _or_else("a tool choice is a word or an object")]
Deadline = Annotated[
    AwareDatetime,
    BeforeValidator(_check_moment),
    _or_else("a deadline is a date and time with its zone, such as 2026-01-31T12:00:00Z"),
]
MaxCost = Annotated[
    Decimal,
    Field(gt=0, le=1000, allow_inf_nan=False, max_digits=30),
    PlainSerializer(str, return_type=str),
]


_SAID_BY_NULL = frozenset({"role", "content"})
"""Of a message: OpenAI's reference wants the content of a call of a tool to be null, or to be left out."""
_MAY_SAY_NOTHING = frozenset({"assistant", "function"})


TokenIds = Annotated[list[Annotated[int, Field(ge=0, strict=True)]], Field(min_length=1, fail_fast=True)]
Text = Annotated[str, Field(min_length=1)]
EmbeddingInput = Annotated[
    Text
    | Annotated[list[Text], Field(min_length=1, max_length=MAX_INPUTS, fail_fast=True)]
    | TokenIds
    | Annotated[list[TokenIds], Field(min_length=1, max_length=MAX_INPUTS, fail_fast=True)],
    _or_else(f"an input is a text, token ids, or a list of up to {MAX_INPUTS} of one of these, none of them empty"),
]


class ChatMessage(BaseModel):
    """One message of an OpenAI conversation. Fields that Turnout does not read are passed on untouched, nulls not."""

    model_config = ConfigDict(frozen=True, extra="allow")

    role: Literal["system", "developer", "user", "assistant", "tool", "function"]
    content: Content = None

    @model_validator(mode="before")
    @classmethod
    def _leave_nulls_out(cls, data: object) -> object:
        if not _has_null(data):
            return data
        return {name: value for name, value in data.items() if value is not None or name in _SAID_BY_NULL}

    @model_validator(mode="after")
    def _check_content(self) -> Self:
        if self.content is None and self.role not in _MAY_SAY_NOTHING:
            raise ValueError(f"content: a message of role {self.role!r} needs it")
        return self

    @property
    def text(self) -> str:
        """The words of the message, without images and other parts."""
        if isinstance(self.content, str):
            return self.content
        parts = (part.get("text") for part in self.content or ())
        return "\n".join(text for text in parts if isinstance(text, str))


_OF_INPUT = ("dimensions", "encoding_format")
_NOT_OF_INPUT = (
    *(
        "prompt",
        "messages",
        "system_prompt",
        "tier",
        "policy",
        "quality_slack",
        "max_tokens",
        "temperature",
        "tools",
        "tool_choice",
    ),
    "response_format",
)


class Request(Message):
    """One prompt to be routed and answered, or texts to be embedded: one of `prompt`, `messages` and `input`."""

    model_config = ConfigDict(frozen=True, extra="allow")

    type_name: ClassVar[str] = "turnout.request"

    schema_version: SchemaVersion = SCHEMA_VERSION
    request_id: AnyIdentifier | None = Field(
        default=None,
        description="Identifies the request for ever; a second request of the same id is not paid twice. "
        "Without one it is `<topic>-<partition>-<offset>`.",
    )
    tenant: AnyIdentifier = Field(default="default", description="Who pays.")
    prompt: str | None = Field(default=None, min_length=1)
    system_prompt: str | None = None
    messages: Annotated[tuple[ChatMessage, ...], Field(min_length=1, fail_fast=True)] | None = None
    input: EmbeddingInput | None = Field(default=None, description="Texts, or token ids, to be embedded by `model`.")
    dimensions: Count | None = Field(default=None, ge=1, le=100_000, description="Of the vectors.")
    encoding_format: Literal["float", "base64"] | None = Field(default=None, description="Of the vectors.")
    tier: Annotated[Tier, AfterValidator(member)] | None = Field(
        default=None, description="Pins the tier; the analysis then only names the task."
    )
    model: Identifier | None = Field(default=None, description="Pins the model; no other is tried.")
    policy: Annotated[Policy, AfterValidator(member)] | None = Field(
        default=None, description="The order of candidates; the catalogue has the default."
    )
    quality_slack: Annotated[float, Field(ge=0, le=1, allow_inf_nan=False, strict=True)] | None = Field(
        default=None,
        description="With the policy `value`: how much worse than the best model a cheaper one may be, by the expected "
        "share of good answers.",
    )
    max_cost_usd: MaxCost | None = Field(default=None, description="The most that all attempts together may cost.")
    max_latency_ms: Count | None = Field(
        default=None,
        ge=1,
        le=86_400_000,
        description="Leaves out models whose p99 latency, as measured by all workers, is above it.",
    )
    deadline: Deadline | None = Field(
        default=None, description="Absolute. Default: the record's timestamp plus the worker's setting."
    )
    cache: Annotated[CacheWish, BeforeValidator(_without_nulls)] | None = Field(
        default=None, description="Whether an earlier answer to the same question will do. Default: the tenant's."
    )
    lane: Annotated[Lane, AfterValidator(member)] | None = Field(
        default=None,
        description="Whether it may wait for a provider's batch, which costs less: `live`, `batch` or `auto`; the "
        "tenant or the catalogue has the default.",
    )
    max_tokens: Count | None = Field(default=None, ge=1, le=1_000_000, description="Most output tokens.")
    temperature: float | None = Field(default=None, ge=0, le=2, allow_inf_nan=False, strict=True)
    tools: Annotated[list[JsonObject], Field(fail_fast=True)] | None = None
    tool_choice: ToolChoice = None
    response_format: JsonObject | None = None
    parameters: JsonObject = Field(
        default_factory=dict, description="Other parameters, passed to the provider as they are."
    )
    reply_to: TopicName | None = Field(
        default=None, description="A topic that receives a copy of the response; the worker has a list of allowed ones."
    )
    metadata: Annotated[dict[Tag, TagValue], Field(max_length=MAX_TAGS), BeforeValidator(_check_tag_count)] = Field(
        default_factory=dict, description="Tags. They come back in the response and in the cost events."
    )

    @model_validator(mode="before")
    @classmethod
    def _accept_openai_forms(cls, data: object) -> object:
        if not isinstance(data, Mapping):
            return data
        fields = {name: value for name, value in _flat(data).items() if value is not None}
        if "max_completion_tokens" in fields:
            fields.setdefault("max_tokens", fields.pop("max_completion_tokens"))
        if fields.pop("stream", None):
            raise ValueError("stream: an answer on a topic is whole; leave `stream` out")
        if "stream_options" in fields:
            raise ValueError("stream_options: goes with `stream`, and an answer on a topic is whole; leave it out")
        if fields.pop("n", None) not in (None, 1):
            raise ValueError("n: a response holds one message; send the request n times under different ids")
        passed_on = {name: fields.pop(name) for name in PROVIDER_PARAMETERS & fields.keys()}
        own = _without_nulls(fields.get("parameters", {}))
        if isinstance(own, Mapping) and (own or passed_on):
            fields["parameters"] = {**own, **passed_on}
        if "metadata" in fields:
            fields["metadata"] = _without_nulls(fields["metadata"])
        return fields

    @model_validator(mode="after")
    def _check_whole(self) -> Self:
        unknown = sorted(self.model_extra or ())
        if unknown and self.schema_version <= SCHEMA_VERSION:
            known = [*type(self).model_fields, *PROVIDER_PARAMETERS]
            near = get_close_matches(unknown[0][:COMPARED_CHARS].lower(), known, n=1)
            hint = f"did you mean {near[0]!r}?" if near else "provider parameters go into `parameters`"
            raise ValueError(f"{unknown[0]}: unknown field; {hint}")
        if self.input is not None:
            self._check_input()
        elif (self.prompt is None) == (self.messages is None):
            raise ValueError("prompt: give either `prompt` or `messages`, and not both")
        elif (only := next((name for name in _OF_INPUT if getattr(self, name) is not None), None)) is not None:
            raise ValueError(f"{only}: goes with `input`, of a request for embeddings")
        if self.system_prompt is not None and self.messages is not None:
            raise ValueError("system_prompt: goes with `prompt`; with `messages` send a message of role 'system'")
        if self.lane is Lane.BATCH and self.deadline is None:
            raise ValueError("lane: `batch` goes with a `deadline`, until which the request may wait")
        decided = sorted(NOT_OVERRIDABLE & self.parameters.keys())
        if decided:
            raise ValueError(f"parameters.{decided[0]}: is decided by Turnout; use the request's own field")
        return self

    def _check_input(self) -> None:
        if (other := next((name for name in _NOT_OF_INPUT if getattr(self, name) is not None), None)) is not None:
            raise ValueError(f"{other}: does not go with `input`, which is embedded and not answered")
        if self.model is None:
            raise ValueError("model: name it beside `input`; vectors of different models cannot be compared")

    @property
    def inputs(self) -> list[str | list[int]]:
        """What is to be embedded, one for each vector: texts, or token ids."""
        given = self.input
        if given is None:
            return []
        if isinstance(given, str):
            return [given]
        return [given] if isinstance(given[0], int) else given  # type: ignore[return-value]  # as checked

    @property
    def question(self) -> str:
        """The words that say what is wanted: the prompt, or the last message of the user."""
        if self.prompt is not None:
            return self.prompt
        spoken = self.messages or ()
        return next((message.text for message in reversed(spoken) if message.role == "user"), "")

    def chat_messages(self) -> list[JsonObject]:
        """Return the conversation as OpenAI's `messages`."""
        if self.messages is not None:
            return [message.model_dump(exclude_unset=True) for message in self.messages]
        system: list[JsonObject] = [{"role": "system", "content": self.system_prompt}] if self.system_prompt else []
        return [*system, {"role": "user", "content": self.prompt}]


def is_batch_line(data: Mapping[str, object]) -> bool:
    """Say whether the object is a line of an OpenAI batch file."""
    return "custom_id" in data and "body" in data


def _flat(data: Mapping[Any, Any]) -> Mapping[Any, Any]:
    return _unwrap_batch_line(data) if is_batch_line(data) else data


def _unwrap_batch_line(line: Mapping[Any, Any]) -> dict[Any, Any]:  # JSON as it came; the model checks it next
    body = line["body"]
    if not isinstance(body, Mapping):
        raise ValueError("body: a batch line's body is an object")  # noqa: TRY004 - pydantic reports ValueErrors
    url = EMBEDDINGS_URL if "input" in body else BATCH_URL
    given = line.get("url") or url
    # Azure's have no version in it: learn.microsoft.com, "Getting started with global batch deployments"
    if (line.get("method") or "POST") != "POST" or given not in (url, url.removeprefix("/v1")):
        raise ValueError(f"url: only POST {BATCH_URL} with messages and {EMBEDDINGS_URL} with input can be routed")
    misplaced = sorted(name for name, value in line.items() if value is not None and name not in BATCH_LINE_FIELDS)
    if misplaced:
        raise ValueError(f"{misplaced[0]}: belongs into the batch line's body")
    return {**body, "request_id": line["custom_id"]}
