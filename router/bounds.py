"""The most tokens that a request may be counted as, before it is called for.

Everything that a provider counts is in the bound: the words, names, tool calls and tools, the schema of the answer, a
prediction, and images, audio and files by the model's own figures. What has no figure has no bound, and is not called
for by a tenant or request that has a cap or a budget.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from math import ceil

import orjson

from router.catalogue import Model
from router.cost import estimate_tokens, utf8_bytes
from schemas.requests import ChatMessage, JsonObject, Request

TextBound = Callable[[str], int]
"""Gives the most tokens that a text may be, with any tokenizer."""

MESSAGE_TOKENS = 4
NAME_TOKENS = 1
REPLY_TOKENS = 3
"""Of one message, of its name, and of the reply's beginning. Source: OpenAI's cookbook, "How to count tokens"."""
TOOL_TOKENS = 20
"""Of one tool beside its JSON: what a template of a server writes around it, or in place of what the JSON leaves out.
The cookbook counts 7 for each function and 12 for all."""

LIKELY_MARGIN = 1.3
"""On the estimate of a text: 94 of 100 real prompts are within it."""


def byte_bound(text: str) -> int:
    """Bound the tokens of a text by its bytes: no byte-level tokenizer finds more than one a byte.

    Some texts have as many: in o200k each letter of "zqzqzq" is a token. Prose has a fourth.
    """
    return utf8_bytes(text)


@dataclass(frozen=True, slots=True)
class InputBound:
    """The most that a request's input may be. `words` are tokens; the others are counts of parts."""

    words: int
    likely_words: int
    """What they are in all likelihood, for questions that no money depends on, such as whether a context holds them."""
    images: int = 0
    audio: int = 0
    files: int = 0
    others: int = 0
    """Parts of a kind that is not known."""

    def tokens(self, model: Model) -> int | None:
        """Return the bound for a model; None if the model has no figure for something that the request holds."""
        total = self.words
        for count, each in (
            (self.images, model.image_tokens),
            (self.audio, model.audio_tokens),
            (self.files, model.file_tokens),
            (self.others, None),
        ):
            if count:
                if each is None:
                    return None
                total += count * each
        return total

    def unbounded(self, model: Model) -> str:
        """Name what the model has no figure for, as a person would mend it."""
        if self.images and model.image_tokens is None:
            return "an image has no bound; set the model's image_tokens"
        if self.audio and model.audio_tokens is None:
            return "audio has no bound; set the model's audio_tokens"
        if self.files and model.file_tokens is None:
            return "a file has no bound; set the model's file_tokens"
        return "a content part of an unknown type has no bound"


def input_bound(request: Request, text_bound: TextBound = byte_bound) -> InputBound:
    """Bound everything that is sent of the request."""
    if request.input is not None:
        return _bound_of_inputs(request.inputs, text_bound)
    texts: list[str] = []
    parts: list[JsonObject] = []
    overhead = REPLY_TOKENS
    if request.messages is None:
        texts = [text for text in (request.system_prompt, request.prompt) if text]
        overhead += MESSAGE_TOKENS * len(texts)
    else:
        for message in request.messages:
            texts += _texts(message)
            parts += _media(message)
            overhead += MESSAGE_TOKENS + NAME_TOKENS
    legacy = request.parameters.get("functions")
    overhead += TOOL_TOKENS * (len(request.tools or ()) + (len(legacy) if isinstance(legacy, list) else 0))
    texts += [_json(said) for said in (request.tools, request.response_format, request.tool_choice, legacy) if said]
    kinds = [_kind(part) for part in parts]
    return InputBound(
        words=overhead + sum(map(text_bound, texts)),
        likely_words=overhead + ceil(sum(map(estimate_tokens, texts)) * LIKELY_MARGIN),
        images=kinds.count("image"),
        audio=kinds.count("audio"),
        files=kinds.count("file"),
        others=kinds.count("other"),
    )


def _bound_of_inputs(inputs: Iterable[str | list[int]], text_bound: TextBound) -> InputBound:
    """Bound what is to be embedded: all of it is paid, and the longest has to fit the context."""
    most = likely = 0
    for one in inputs:
        bound, estimate = (text_bound(one), estimate_tokens(one)) if isinstance(one, str) else (len(one), len(one))
        most += bound
        likely = max(likely, min(bound, ceil(estimate * LIKELY_MARGIN)))
    return InputBound(most, likely)


def output_bound(request: Request, max_tokens: int, text_bound: TextBound = byte_bound) -> int:
    """Bound the answer: its limit, and what of a prediction may be rejected, which is charged as output.

    Source: OpenAI's guide "Predicted Outputs".
    """
    prediction = request.parameters.get("prediction")
    return max_tokens + (text_bound(_json(prediction)) if prediction else 0)


def _texts(message: ChatMessage) -> Iterable[str]:
    yield message.text
    if beside := {name: value for name, value in (message.model_extra or {}).items() if value is not None}:
        yield _json(beside)
    if isinstance(message.content, list):
        yield from (_json(rest) for part in message.content if _kind(part) == "text" and (rest := _beside_text(part)))
        yield from (said for part in message.content if _kind(part) == "file" for said in _titles(part))


def _titles(part: JsonObject) -> Iterable[str]:
    """Yield the words beside a document that is no text itself. Source: Anthropic's reference of citations."""
    yield from (said for name in ("title", "context") if isinstance(said := part.get(name), str))


def _beside_text(part: JsonObject) -> JsonObject:
    return {name: value for name, value in part.items() if name not in {"text", "type"}}


def _media(message: ChatMessage) -> Iterable[JsonObject]:
    if isinstance(message.content, list):
        yield from (part for part in message.content if _kind(part) != "text")
    if (message.model_extra or {}).get("audio"):  # an earlier spoken answer, referred to by its id
        yield {"type": "input_audio"}


_KINDS: Mapping[str, str] = {
    "text": "text",
    "input_text": "text",
    "output_text": "text",
    "refusal": "text",
    "thinking": "text",
    "image_url": "image",
    "input_image": "image",
    "image": "image",
    "input_audio": "audio",
    "audio": "audio",
    "file": "file",
    "input_file": "file",
    "document": "file",
}
"""Types of content parts, by the public references of OpenAI and Anthropic."""


_TEXT_SOURCES = ("text", "content")
"""A document of the first is a text, one of the second a text or any parts. Source: Anthropic's reference."""


def _kind(part: JsonObject) -> str:
    kind = part.get("type", "text" if "text" in part else None)
    source = part.get("source")
    if kind == "document" and isinstance(source, dict) and source.get("type") in _TEXT_SOURCES:
        return "text" if source["type"] == "text" or isinstance(source.get("content"), str) else "other"
    return _KINDS.get(kind, "other") if isinstance(kind, str) else "other"


def _json(value: object) -> str:
    return orjson.dumps(value).decode()
