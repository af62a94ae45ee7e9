"""Reads a completion field by field: what is odd beside the answer never destroys it.

What is wrong in kind is put right where its meaning is plain (a number for an id, an object for a tool's arguments,
parts for a text), and left out where it is not. Fields that Turnout has no name for stand in the message's `extra`.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace

import orjson
from pydantic import JsonValue, TypeAdapter, ValidationError

from schemas.requests import JsonObject
from schemas.responses import AnswerMessage, Choice
from streams.providers.message_parts import (
    MAX_NAME_CHARS,
    Parts,
    fits,
    function_of,
    json_in,
    name_of,
    size_of,
    thought_in,
    tool_calls_in,
)
from streams.providers.thoughts import without_thought

MAX_WRAPPERS = 5
MAX_EXTRA_BYTES = 65_536
"""Larger fields beside the answer are left out, so that they do not make the response too large for its topic."""

FILTERED = frozenset(
    {
        "content_filter",
        "content_filtered",
        "content-filter",
        "safety",
        "recitation",
        "prohibited_content",
        "blocklist",
        "spii",
        "image_safety",
        "sensitive",
        "guardrail_intervened",
        "image_prohibited_content",
        "image_recitation",
        "model_armor",
        "language",
        "refusal",
        "data_inspection_failed",
        "error_toxic",
    }
)
"""Finish reasons of a withheld answer, lower case: OpenAI, Azure; Google; Zhipu; Bedrock; Cohere; DashScope."""
BROKEN_OFF = frozenset(
    {"error", "engine_error", "abort", "network_error", "insufficient_system_resource", "timeout", "user_cancel"}
    | {"malformed_function_call", "unexpected_tool_call", "too_many_tool_calls", "malformed_response"}
    | {"missing_thought_signature", "malformed_model_output", "malformed_tool_use"}
)
"""Finish reasons of an answer that is none: OpenRouter, vLLM, Zhipu, DeepSeek, Cohere; Google; Bedrock. Lower case."""
_CUT = ("length", "MAX_TOKENS")
_ENDS = ("finish_reason", "done_reason")
"""OpenAI's name, and Ollama's."""

_WRAPPERS = ("data", "response", "result", "output", "body", "completion")
"""Where gateways put the completion: Cloudflare's `result`, DashScope's `output`, batch lines' `response.body`."""
_BESIDE = ("citations", "search_results", "related_questions", "images", "videos")
"""Fields of the reply that belong to its answer: Perplexity, xAI."""
_TOLD = ("response", "text", "output_text", "generated_text")
"""Where an answer stands that is no chat's: Cloudflare, Ollama; DashScope; Hugging Face."""
_REASONING = ("reasoning_content", "reasoning", "thinking", "reasoning_text")
"""DeepSeek, Qwen, vLLM, Moonshot; OpenRouter, Groq; Ollama; GitHub Copilot."""
_READ = frozenset(
    {"role", "content", "tool_calls", "refusal", "annotations", "audio", "function_call", "extra", "reasoning_content"}
    | {"embeddings"}
)
_SHOWN = frozenset({"content_parts", "images", "videos"})
"""What of `extra` is an answer in itself."""
_NOTHING: tuple[JsonValue, ...] = (None, "", [], {})


@dataclass(frozen=True, slots=True)
class ReadChoice:
    """One choice of a completion, as far as it can be read."""

    index: int
    message: AnswerMessage
    finish_reason: str | None
    logprobs: JsonObject | None
    error: JsonValue
    """What the provider says went wrong with it."""

    @property
    def says_something(self) -> bool:
        """Whether there is anything that a reader could use."""
        said = self.message
        return bool(
            said.content
            or said.tool_calls
            or said.function_call
            or said.audio
            or said.refusal
            or said.embeddings
            or not _SHOWN.isdisjoint(said.extra or ())
        )

    @property
    def is_broken_off(self) -> bool:
        """Whether the provider says that this is no answer."""
        return self.error not in _NOTHING or not BROKEN_OFF.isdisjoint(_ends(self.finish_reason))

    @property
    def is_withheld(self) -> bool:
        """Whether a filter has left nothing of it."""
        return not FILTERED.isdisjoint(_ends(self.finish_reason)) and not self.says_something

    @property
    def is_usable(self) -> bool:
        """Whether it is an answer: words, a call, a thought, or at least a reason to have ended without any."""
        if self.is_broken_off:
            return False
        if self.says_something:
            return True
        said, ends = self.message, _ends(self.finish_reason)
        if not FILTERED.isdisjoint(ends):
            return False
        return said.content is not None or bool(said.reasoning_content) or bool(ends)

    @property
    def text(self) -> str:
        """All that the model wrote, to count its tokens by."""
        said = self.message
        texts = [said.reasoning_content or "", said.content or "", said.refusal or ""]
        calls = [*(said.tool_calls or ()), *((said.function_call,) if said.function_call else ())]
        return "".join(texts) + (orjson.dumps(calls).decode() if calls else "")

    def as_choice(self) -> Choice:
        """Return it as it stands in a response beside the main one."""
        return Choice(index=self.index, message=self.message, finish_reason=self.finish_reason, logprobs=self.logprobs)


def _ends(finish_reason: str | None) -> set[str]:
    """Return the reason's words; Google behind OpenAI's dialect has two: `content_filter: PROHIBITED_CONTENT`."""
    return {word.strip() for word in finish_reason.lower().split(":")} if finish_reason else set()


def completion_in(reply: JsonValue) -> JsonObject:
    """Return the object that holds the completion: the reply, or what it is wrapped in; empty if there is none."""
    outer: JsonObject = {}
    for _ in range(MAX_WRAPPERS):
        if isinstance(reply, str):
            reply = json_in(reply)
        if isinstance(reply, list):
            reply = next((item for item in reply if isinstance(item, dict)), None)
        if not isinstance(reply, dict):
            break
        if isinstance(reply.get("choices"), list | dict) or isinstance(reply.get("message"), dict):
            return {**outer, **reply} if outer else reply
        outer = {**reply, **outer}
        reply = next((reply[name] for name in _WRAPPERS if isinstance(reply.get(name), dict | list)), None)
    return outer


def read_choices(completion: JsonObject) -> list[ReadChoice]:
    """Return the choices that there are, the main one first: index 0 if it is usable, else the first that is."""
    given = completion.get("choices")
    if isinstance(given, dict):
        given = [given]
    if not isinstance(given, list):
        given = [completion] if isinstance(completion.get("message"), dict) else _told_without_choices(completion)
    beside = {name: completion[name] for name in _BESIDE if completion.get(name)}
    choices = [_choice(choice, place, beside) for place, choice in enumerate(given) if isinstance(choice, dict)]
    if isinstance(error := completion.get("error"), dict) and error.get("message"):
        # what came before the error is no answer, unless it had come to its end
        choices = [
            choice if choice.finish_reason else replace(choice, error=choice.error or error) for choice in choices
        ]
    if len(choices) > 1:
        choices.sort(key=lambda choice: (not choice.is_usable, choice.index))
    return choices


def _told_without_choices(completion: JsonObject) -> list[JsonValue]:
    """Return the answer of a reply that is no chat completion: one that was counted, since an error may have a text."""
    text = next((text for name in _TOLD if isinstance(text := completion.get(name), str)), None)
    if text is None or not (completion.get("usage") or completion.keys() & {"generated_text", "eval_count"}):
        return []
    message: JsonObject = {"content": text, "tool_calls": completion.get("tool_calls")}
    return [{"message": message, **{name: completion[name] for name in _ENDS if name in completion}}]


def with_exact_arguments(choices: list[ReadChoice], exact: JsonValue) -> list[ReadChoice]:
    """Return the choices with the tool calls of the same reply as it reads with all digits of its integers."""
    calls = {choice.index: choice.message.tool_calls for choice in read_choices(completion_in(exact))}
    return [
        replace(choice, message=choice.message.model_copy(update={"tool_calls": calls.get(choice.index)}))
        for choice in choices
    ]


def _choice(choice: JsonObject, place: int, beside: JsonObject) -> ReadChoice:
    index = choice.get("index")
    message = choice.get("message")
    if message is None:
        message = choice.get("delta")
    if isinstance(message, str):
        message = {"content": message}
    elif not isinstance(message, dict):
        message = {"content": choice.get("text")}
    logprobs = choice.get("logprobs")
    finish_reason = next((reason for name in _ENDS if (reason := name_of(choice.get(name)))), None)
    return ReadChoice(
        index if type(index) is int and index >= 0 else place,
        _message(message, beside, finish_reason),
        finish_reason,
        None if logprobs is None else _object(logprobs),
        choice.get("error"),
    )


def _message(message: JsonObject, beside: JsonObject, finish_reason: str | None) -> AnswerMessage:
    role, content, refusal = message.get("role"), message.get("content"), message.get("refusal")
    parts = Parts()
    if content is not None and not isinstance(content, str):
        parts.take(content)
        content = parts.text
    reasoning, extra = _reasoning_and_extra(message, parts.reasoning)
    if content:
        is_cut = finish_reason in _CUT
        content, thought = without_thought(content, is_cut=is_cut, has_reasoning=reasoning is not None)
        if thought and thought not in (reasoning or ""):
            reasoning = f"{reasoning}\n{thought}" if reasoning else thought
    if parts.others:
        extra["content_parts"] = parts.others
    extra.update(beside)
    calls, call = message.get("tool_calls") or parts.calls, message.get("function_call")
    annotations, audio = message.get("annotations"), message.get("audio")
    return AnswerMessage(
        role=role if isinstance(role, str) and role else "assistant",
        content=content,
        tool_calls=tool_calls_in(calls) if calls else None,
        refusal=refusal if isinstance(refusal, str) else parts.refusal,
        reasoning_content=reasoning,
        annotations=_objects(annotations) if annotations else None,
        audio=_object(audio) if audio else None,
        function_call=function_of(call) if isinstance(call, dict) and call else None,
        embeddings=_vectors(vectors) if (vectors := message.get("embeddings")) else None,
        extra=_extra(extra) if extra else None,
    )


def _reasoning_and_extra(message: JsonObject, reasoning: str | None) -> tuple[str | None, JsonObject]:
    """Return what was thought, by the first field that tells it, and the fields that have no name here."""
    extra: JsonObject = {}
    for name, value in message.items():
        if name in _REASONING and reasoning is None and (thought := thought_in(value)):
            reasoning = thought
        elif name not in _READ and value not in _NOTHING:
            extra[name] = value
    if reasoning is None:
        reasoning = thought_in(message.get("reasoning_details"))
    told = message.get("reasoning_content")
    if told not in _NOTHING and (thought_in(told) or "") not in (reasoning or ""):
        extra["reasoning_content"] = told
    return reasoning, extra


def _vectors(vectors: JsonValue) -> list[list[float] | str] | None:
    """Return vectors of numbers, or texts of base64; None if they are anything else."""
    try:
        return _VECTORS.validate_python(vectors, strict=True)
    except ValidationError:
        return None


_VECTORS = TypeAdapter(list[list[float] | str])


def _objects(values: JsonValue) -> list[JsonObject] | None:
    given = values if isinstance(values, list) else [values]
    return [value for value in given if isinstance(value, dict) and fits(value)] or None


def _object(value: JsonValue) -> JsonObject | None:
    if isinstance(value, list):
        value = {"content": value}
    return value if isinstance(value, dict) and value and fits(value) else None


def _extra(fields: JsonObject) -> JsonObject | None:
    """Return the fields, smaller ones first, as long as they are no burden to the response."""
    kept: JsonObject = {}
    left = MAX_EXTRA_BYTES
    sizes = {name: size_of(value) for name, value in fields.items()}
    for name in sorted((name for name in fields if sizes[name] is not None), key=lambda name: sizes[name] or 0):
        left -= len(name) + (sizes[name] or 0)
        if left >= 0 and len(name) <= MAX_NAME_CHARS:
            kept[name] = fields[name]
    return {name: kept[name] for name in fields if name in kept} or None


def texts_of(choices: Iterable[ReadChoice]) -> str:
    """Return all that was written in all choices."""
    return "".join(choice.text for choice in choices)
