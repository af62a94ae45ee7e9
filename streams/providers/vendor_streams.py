"""Puts streamed answers of the dialects that are translated together, as what they answer without a stream.

Of one that breaks off, what was told of its usage by then is not taken for all of it.

Sources: platform.openai.com, "Streaming API responses"; platform.claude.com, "Streaming messages"; ai.google.dev,
"Generating content", streamGenerateContent.
"""

from collections.abc import Iterable

from pydantic import JsonValue

from schemas.requests import JsonObject

_ENDS = frozenset({"response.completed", "response.incomplete", "response.failed"})
"""Events of OpenAI's Responses that hold the whole response."""
_GROWN_BY = {"text_delta": "text", "thinking_delta": "thinking", "signature_delta": "signature"}


def assembled_of_vendor(chunks: Iterable[JsonValue]) -> JsonObject | None:
    """Return the reply that the chunks are the pieces of, in its dialect; None if they are of none."""
    objects = [chunk for chunk in chunks if isinstance(chunk, dict)]
    ends = [chunk["response"] for chunk in objects if chunk.get("type") in _ENDS]
    if ends:
        return ends[-1] if isinstance(ends[-1], dict) else None
    if any(chunk.get("type") == "message_start" for chunk in objects):
        return _message(objects)
    if any("candidates" in chunk or "promptFeedback" in chunk for chunk in objects):
        return _generated(objects)
    return None


def _message(events: list[JsonObject]) -> JsonObject:
    """Return Anthropic's message, or the error that ended it, with the choice that had begun."""
    message: JsonObject = {}
    blocks: dict[str, JsonObject] = {}
    has_ended = False
    for event in events:
        index, delta = str(event.get("index")), event.get("delta")
        match event.get("type"), event:
            case "error", _:
                said = "".join(str(block.get("text") or "") for block in blocks.values())
                begun_choice: JsonObject = {"index": 0, "message": {"content": said}, "finish_reason": "error"}
                return {**event, "choices": [begun_choice]} if blocks else event
            case "message_start", {"message": dict(begun)}:
                message = {**begun}
            case "content_block_start", {"content_block": dict(block)}:
                blocks[index] = {**block}
            case "content_block_delta", _ if isinstance(delta, dict):
                _grow(blocks.setdefault(index, {}), delta)
            case "message_delta", _:
                told = [part for part in (message.get("usage"), event.get("usage")) if isinstance(part, dict)]
                message |= delta if isinstance(delta, dict) else {}
                message["usage"] = {name: value for part in told for name, value in part.items()}
                has_ended = True
            case _:
                continue
    usage = message.get("usage")
    if isinstance(usage, dict) and not has_ended:  # the start tells the least that the output may have
        message["usage"] = {name: count for name, count in usage.items() if name != "output_tokens"}
    message["content"] = [_whole(block) for block in blocks.values()]
    return message


def _grow(block: JsonObject, delta: JsonObject) -> None:
    kind = delta.get("type")
    if kind == "citations_delta":
        cited = block.get("citations")
        block["citations"] = [*(cited if isinstance(cited, list) else ()), delta.get("citation")]
        return
    name = "partial_json" if kind == "input_json_delta" else _GROWN_BY.get(str(kind), "")
    if isinstance(piece := delta.get(name), str):
        block[name] = f"{block.get(name) or ''}{piece}"


def _whole(block: JsonObject) -> JsonObject:
    """Return a block with its pieces of JSON as the text that they are, as arguments are in a completion."""
    written = block.pop("partial_json", None)
    if isinstance(written, str) and written:
        block["input"] = written
    return block


def _generated(chunks: list[JsonObject]) -> JsonObject:
    """Return Gemini's response: the parts of each candidate in order, and the last of all else."""
    whole: JsonObject = {}
    candidates: dict[str, JsonObject] = {}
    for chunk in chunks:
        whole |= chunk
        given = chunk.get("candidates")
        for candidate in given if isinstance(given, list) else ():
            if isinstance(candidate, dict):
                known = candidates.setdefault(str(candidate.get("index", 0)), {})
                parts: list[JsonValue] = [*_parts(known), *_parts(candidate)]
                known.update(candidate)
                known["content"] = {"role": "model", "parts": parts}
    if candidates:
        whole["candidates"] = [*candidates.values()]
    if not all("finishReason" in candidate for candidate in candidates.values()):
        whole.pop("usageMetadata", None)  # each chunk tells what had come by then
    return whole


def _parts(candidate: JsonObject) -> list[JsonValue]:
    content = candidate.get("content")
    parts = content.get("parts") if isinstance(content, dict) else None
    return parts if isinstance(parts, list) else []
