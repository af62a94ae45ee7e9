"""A request's messages in parts that every dialect has a word for, or is refused for want of one."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from enum import Enum, auto

import orjson
from pydantic import JsonValue

from router.dialects.dialect import Untranslatable
from schemas.requests import JsonObject, Request


class Role(Enum):
    """Who speaks. Results of tools are the user's, as in all dialects but OpenAI's."""

    SYSTEM = auto()
    USER = auto()
    ASSISTANT = auto()


class MediaKind(Enum):
    """What else than text a message may hold."""

    IMAGE = "image"
    AUDIO = "audio"
    FILE = "file"


@dataclass(frozen=True, slots=True)
class Text:
    """Words, never none."""

    text: str
    is_cached: bool = False
    """The provider is to cache all up to here."""


@dataclass(frozen=True, slots=True)
class Media:
    """An image, a recording or a file: its base64 and media type, its address, or the provider's id of it."""

    kind: MediaKind
    place: str
    """The request's field, for who has to mend it."""
    data: str = ""
    mime_type: str = ""
    url: str = ""
    file_id: str = ""
    name: str = ""
    detail: str = ""
    is_cached: bool = False


@dataclass(frozen=True, slots=True)
class ToolCall:
    """A call of a tool that the model made."""

    id: str
    name: str
    arguments: JsonObject
    written: str
    """The arguments as the model wrote them."""
    signature: str | None = None
    """Gemini's, of the thoughts before it."""
    is_cached: bool = False


@dataclass(frozen=True, slots=True)
class ToolResult:
    """What came of a call."""

    call_id: str
    name: str
    content: "tuple[Text | Media, ...]"
    is_cached: bool = False

    @property
    def text(self) -> str:
        """Its words."""
        return "".join(part.text for part in self.content if isinstance(part, Text))

    @property
    def json_object(self) -> JsonObject | None:
        """The object that its words are, if they are one."""
        if any(not isinstance(part, Text) for part in self.content):
            return None
        try:
            value = orjson.loads(self.text)
        except orjson.JSONDecodeError:
            return None
        return value if isinstance(value, dict) else None


@dataclass(frozen=True, slots=True)
class Thought:
    """What a model thought, signed by its vendor, or the vendor's sealed form of it."""

    text: str
    signature: str | None
    sealed: str | None = None
    is_cached: bool = False


Part = Text | Media | ToolCall | ToolResult | Thought


@dataclass(frozen=True, slots=True)
class Turn:
    """One message."""

    role: Role
    parts: tuple[Part, ...]


@dataclass(frozen=True, slots=True)
class Conversation:
    """What the system says, and turns that alternate; the last one is the user's."""

    system: tuple[Text, ...]
    turns: tuple[Turn, ...]


_ROLES = {
    "system": Role.SYSTEM,
    "developer": Role.SYSTEM,
    "user": Role.USER,
    "tool": Role.USER,
    "assistant": Role.ASSISTANT,
}
_SPOKEN = frozenset({"role", "content", "tool_calls", "extra", "thinking_blocks", "cache_control"})
_UNHEARD = frozenset({"annotations", "reasoning_content", "refusal"})
"""Of an answer that is sent back: its citations, and thoughts without a signature, which no vendor takes."""


def read_conversation(request: Request) -> Conversation:
    """Return what the system says, and the turns; neighbours of one role are one turn.

    Vendors hold what the system says apart from the conversation, so that its place is lost. Anthropic's own endpoint
    for OpenAI's clients does the same. Source: platform.claude.com, "OpenAI SDK compatibility".

    Raises:
        Untranslatable: something has no counterpart, or the conversation does not end with the user.
    """
    system: list[Text] = []
    turns: list[Turn] = []
    for turn in read_turns(request):
        if turn.role is Role.SYSTEM:
            for part in turn.parts:
                if not isinstance(part, Text):
                    raise Untranslatable("messages: a system message holds more than text")
                system.append(part)
        elif not turn.parts:
            continue
        elif turns and turns[-1].role is turn.role:
            turns[-1] = Turn(turn.role, turns[-1].parts + turn.parts)
        else:
            turns.append(turn)
    if not turns or turns[-1].role is not Role.USER:
        raise Untranslatable("messages: the last one is not the user's, or says nothing; elsewhere that is continued")
    return Conversation(tuple(system), tuple(turns))


def read_turns(request: Request) -> Iterator[Turn]:
    """Yield the messages, each with its parts.

    Raises:
        Untranslatable: something has no counterpart in any other dialect.
    """
    if request.messages is None:
        if request.system_prompt:
            yield Turn(Role.SYSTEM, (Text(request.system_prompt),))
        yield Turn(Role.USER, _words(request.prompt or ""))
        return
    names: dict[str, str] = {}
    for number, message in enumerate(request.chat_messages()):
        yield _turn(message, f"messages[{number}]", names)


def _turn(message: JsonObject, place: str, names: dict[str, str]) -> Turn:
    role = str(message["role"])
    if role not in _ROLES:
        raise Untranslatable(f"{place}: the role {role!r} is OpenAI's alone; use tools instead of functions")
    odd = sorted(
        name
        for name, value in message.items()
        if value is not None and name not in _SPOKEN | _UNHEARD and (role, name) not in _TOOLS_OWN
    )
    if odd:
        raise Untranslatable(f"{place}.{odd[0]}: no other dialect has a word for it")
    if role == "tool":
        call_id = str(message.get("tool_call_id") or "")
        found = tuple(part for part in _content(message.get("content"), place) if isinstance(part, Text | Media))
        result = ToolResult(call_id, names.get(call_id, ""), found)
        return Turn(Role.USER, _cached((result,), message))
    parts: list[Part] = [*_thoughts(message)] if role == "assistant" else []
    parts += _content(message.get("content"), place)
    calls = message.get("tool_calls")
    for call in calls if isinstance(calls, list) else ():
        read = _call(call, f"{place}.tool_calls")
        names[read.id] = read.name
        parts.append(read)
    return Turn(_ROLES[role], _cached(tuple(parts), message))


_TOOLS_OWN = frozenset({("tool", "tool_call_id"), ("tool", "name")})


def _cached(parts: tuple[Part, ...], message: JsonObject) -> tuple[Part, ...]:
    """Mark the last part if the message itself says that all up to it is to be cached."""
    if not parts or not is_cached(message, "messages"):
        return parts
    return (*parts[:-1], replace(parts[-1], is_cached=True))


def is_cached(holder: JsonObject, place: str) -> bool:
    """Say whether a message, a part or a tool carries Anthropic's `cache_control`, as gateways of its models take it.

    Raises:
        Untranslatable: it asks for an hour, which has a price of its own that the catalogue does not hold.
    """
    control = holder.get("cache_control")
    if not isinstance(control, dict):
        return False
    if control.get("ttl", "5m") != "5m":
        raise Untranslatable(f"{place}.cache_control.ttl: only the cache of five minutes has a price in the catalogue")
    return True


def _words(text: str) -> tuple[Text, ...]:
    return (Text(text),) if text.strip() else ()


def _content(content: JsonValue, place: str) -> Iterator[Part]:
    if isinstance(content, str):
        yield from _words(content)
    for number, part in enumerate(content if isinstance(content, list) else ()):
        if isinstance(part, dict):
            yield from _part(part, f"{place}.content[{number}]")


def _part(part: JsonObject, place: str) -> Iterator[Part]:
    kind = part.get("type", "text" if "text" in part else None)
    within = part.get(kind) if isinstance(kind, str) else None
    cached = is_cached(part, place)
    match kind, within:
        case (("text" | "input_text" | "output_text"), _) if isinstance(text := part.get("text"), str):
            if text.strip():
                yield Text(text, cached)
        case "refusal", str(text):
            yield from _words(text)
        case "image_url", (str() | dict()):
            given = {"url": within} if isinstance(within, str) else within
            url, detail = given.get("url"), given.get("detail")
            if not isinstance(url, str):
                raise Untranslatable(f"{place}.image_url.url: is missing")
            image = _media(MediaKind.IMAGE, url, place, cached=cached)
            yield replace(image, detail=detail if isinstance(detail, str) else "")
        case "input_audio", dict(given):
            data, form = str(given.get("data") or ""), str(given.get("format") or "wav")
            yield Media(MediaKind.AUDIO, place, data, f"audio/{form}", is_cached=cached)
        case "file", dict(given):
            name, data, file_id = (str(given.get(key) or "") for key in ("filename", "file_data", "file_id"))
            media = _media(MediaKind.FILE, data, place, cached=cached)
            yield replace(media, name=name, file_id=file_id)
        case _:
            raise Untranslatable(f"{place}: a part of type {kind!r} is known to no other dialect")


def _media(kind: MediaKind, given: str, place: str, *, cached: bool) -> Media:
    """Read a `data:` URL, an address, or plain base64."""
    if given.startswith("data:"):
        head, _, data = given.partition(",")
        mime_type, *options = head.removeprefix("data:").split(";")
        if "base64" not in options:
            raise Untranslatable(f"{place}: the data URL is not base64")
        return Media(kind, place, data, mime_type.lower(), is_cached=cached)
    if "://" in given[:16]:
        return Media(kind, place, url=given, is_cached=cached)
    return Media(kind, place, given, is_cached=cached)


def _call(call: JsonValue, place: str) -> ToolCall:
    function = call.get("function") if isinstance(call, dict) else None
    if not isinstance(call, dict) or not isinstance(function, dict):
        raise Untranslatable(f"{place}: a call that is no function's is known to no other dialect")
    name, written = str(function.get("name") or ""), str(function.get("arguments") or "{}")
    try:
        arguments = orjson.loads(written)
    except orjson.JSONDecodeError:
        arguments = None
    if not isinstance(arguments, dict):
        raise Untranslatable(f"{place}: the arguments of {name[:64]!r} are no JSON object")
    return ToolCall(str(call.get("id") or ""), name, arguments, written, _signature(call), is_cached(call, place))


def _signature(call: JsonObject) -> str | None:
    """Return Gemini's thought signature, where Google's endpoint for OpenAI's clients has it."""
    found: JsonValue = call
    for key in ("extra_content", "google", "thought_signature"):
        found = found.get(key) if isinstance(found, dict) else None
    return found if isinstance(found, str) else None


def _thoughts(message: JsonObject) -> Iterator[Thought]:
    """Yield the signed thoughts of an answer that is sent back, from where Turnout's response has them."""
    extra = message.get("extra")
    blocks = message.get("thinking_blocks") or (extra.get("thinking_blocks") if isinstance(extra, dict) else None)
    for block in blocks if isinstance(blocks, list) else ():
        match block:
            case {"type": "thinking", "thinking": str(text), "signature": str(signature)}:
                yield Thought(text, signature)
            case {"type": "redacted_thinking", "data": str(sealed)}:
                yield Thought("", None, sealed)
            case _:
                continue
