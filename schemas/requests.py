"""`llm.requests.v1`: one prompt, in Turnout's own form, in OpenAI's, or as a line of an OpenAI batch file."""

from collections.abc import Mapping
from decimal import Decimal
from difflib import get_close_matches
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, JsonValue, PlainSerializer, model_validator

from schemas.message import SCHEMA_VERSION, Identifier, Message, TopicName
from schemas.vocabulary import Policy, Tier

PROVIDER_PARAMETERS = frozenset(
    {
        "audio",
        "frequency_penalty",
        "logit_bias",
        "logprobs",
        "modalities",
        "parallel_tool_calls",
        "prediction",
        "presence_penalty",
        "prompt_cache_key",
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
    }
)
"""Parameters of OpenAI's chat completions that Turnout has no opinion on: they reach the provider as they came."""

NOT_OVERRIDABLE = frozenset({"model", "messages", "stream", "n", "max_tokens", "max_completion_tokens"})
"""What `parameters` must not carry, because Turnout decides or prices by it."""

Tag = Annotated[str, Field(max_length=256)]
JsonObject = dict[str, JsonValue]


class ChatMessage(BaseModel):
    """One message of an OpenAI conversation. Fields that Turnout does not read are passed on untouched."""

    model_config = ConfigDict(frozen=True, extra="allow")

    role: Literal["system", "developer", "user", "assistant", "tool"]
    content: str | list[JsonObject] | None = None

    @property
    def text(self) -> str:
        """The words of the message, without images and other parts."""
        if isinstance(self.content, str):
            return self.content
        parts = (part.get("text") for part in self.content or ())
        return "\n".join(text for text in parts if isinstance(text, str))


class Request(Message):
    """One prompt to be routed and answered. Exactly one of `prompt` and `messages` is given."""

    model_config = ConfigDict(frozen=True, extra="allow")

    type_name: ClassVar[str] = "turnout.request"

    request_id: Identifier | None = Field(
        default=None,
        description="Identifies the request for ever; a second request of the same id is not paid twice. "
        "Without one it is `<topic>-<partition>-<offset>`.",
    )
    tenant: Identifier = Field(default="default", description="Who pays.")
    prompt: str | None = Field(default=None, min_length=1)
    system_prompt: str | None = None
    messages: tuple[ChatMessage, ...] | None = Field(default=None, min_length=1)
    tier: Tier | None = Field(default=None, description="Pins the tier; the analysis then only names the task.")
    model: Identifier | None = Field(default=None, description="Pins the model; no other is tried.")
    policy: Policy | None = Field(default=None, description="The order of candidates; the catalogue has the default.")
    max_cost_usd: Annotated[Decimal, PlainSerializer(str, return_type=str)] | None = Field(
        default=None, gt=0, le=1000, allow_inf_nan=False, description="The most that all attempts together may cost."
    )
    deadline: AwareDatetime | None = Field(
        default=None, description="Absolute. Default: the record's timestamp plus the worker's setting."
    )
    max_tokens: int | None = Field(default=None, ge=1, le=1_000_000, description="Most output tokens.")
    temperature: float | None = Field(default=None, ge=0, le=2, allow_inf_nan=False)
    tools: list[JsonObject] | None = Field(default=None, max_length=128)
    tool_choice: str | JsonObject | None = None
    response_format: JsonObject | None = None
    parameters: JsonObject = Field(
        default_factory=dict, description="Other parameters, passed to the provider as they are."
    )
    reply_to: TopicName | None = Field(
        default=None, description="A topic that receives a copy of the response; the worker has a list of allowed ones."
    )
    metadata: dict[Tag, Tag | int | float | bool] = Field(
        default_factory=dict, max_length=64, description="Tags. They come back in the response and in the cost events."
    )

    @model_validator(mode="before")
    @classmethod
    def _accept_openai_forms(cls, data: object) -> object:
        if not isinstance(data, Mapping):
            return data
        fields = _unwrap_batch_line(data) if "custom_id" in data and "body" in data else dict(data)
        if "max_completion_tokens" in fields:
            fields.setdefault("max_tokens", fields.pop("max_completion_tokens"))
        if fields.pop("stream", None):
            raise ValueError("stream: an answer on a topic is whole; leave `stream` out")
        if fields.pop("n", None) not in (None, 1):
            raise ValueError("n: a response holds one message; send the request n times under different ids")
        passed_on = {name: fields.pop(name) for name in PROVIDER_PARAMETERS & fields.keys()}
        if passed_on:
            own = fields.get("parameters")
            fields["parameters"] = {**(own if isinstance(own, Mapping) else {}), **passed_on}
        return fields

    @model_validator(mode="after")
    def _check_whole(self) -> Self:
        unknown = sorted(self.model_extra or ())
        if unknown and self.schema_version <= SCHEMA_VERSION:
            near = get_close_matches(unknown[0], type(self).model_fields, n=1)
            hint = f"did you mean {near[0]!r}?" if near else "provider parameters go into `parameters`"
            raise ValueError(f"{unknown[0]}: unknown field; {hint}")
        if (self.prompt is None) == (self.messages is None):
            raise ValueError("prompt: give either `prompt` or `messages`, and not both")
        if self.system_prompt is not None and self.messages is not None:
            raise ValueError("system_prompt: goes with `prompt`; with `messages` send a message of role 'system'")
        decided = sorted(NOT_OVERRIDABLE & self.parameters.keys())
        if decided:
            raise ValueError(f"parameters.{decided[0]}: is decided by Turnout; use the request's own field")
        return self

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


def _unwrap_batch_line(line: Mapping[Any, Any]) -> dict[Any, Any]:  # JSON as it came; the model checks it next
    body = line["body"]
    if not isinstance(body, Mapping):
        raise ValueError("body: a batch line's body is an object")  # noqa: TRY004 - pydantic reports ValueErrors
    if line.get("method", "POST") != "POST" or line.get("url", "/v1/chat/completions") != "/v1/chat/completions":
        raise ValueError("url: only POST /v1/chat/completions can be routed")
    return {**body, "request_id": line["custom_id"]}
