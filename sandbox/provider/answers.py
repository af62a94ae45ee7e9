"""The simulated models' answers: a pure function of seed and request, with real token counts."""

import hashlib
from collections.abc import Mapping

import orjson
import quicktok
from pydantic import JsonValue

from sandbox.provider.ask import Ask, Function, ToolUse
from sandbox.provider.outcome import Answer, FinishReason

_TOKENIZER = quicktok.get_encoding("o200k_base")
_QUOTED_WORDS = 12
_SENTENCES = (
    "The short answer is that it depends on what you already have in place.",
    "Start with the part that changes least, and let everything else follow from it.",
    "A first look shows three things worth separating: the input, the rule and the exception.",
    "In practice the second step takes longer than the first.",
    "That holds for small numbers as well as for large ones.",
    "The usual mistake here is to treat an estimate as if it were a measurement.",
    "Consider a railway junction: the points are set before the train arrives, never while it passes.",
    "If the two sides disagree, trust the one that was written down first.",
    "Written as a list it would be: prepare, check, act, and check again.",
    "It costs little to try, and the result can be undone.",
    "There is one exception, which concerns empty input.",
    "Most of the time is spent waiting, so the order of the steps matters more than their speed.",
    "The numbers add up: what goes in on the left comes out on the right.",
    "A simpler way exists when all the values are known beforehand.",
    "Taken together, this supports the first reading rather than the second.",
    "To be sure, repeat it once with the roles exchanged.",
)


def fingerprint(seed: int, body: bytes) -> bytes:
    """Return the 32 bytes that choose the answer to a request body."""
    return hashlib.blake2b(body, digest_size=32, salt=seed.to_bytes(8, "big", signed=True)).digest()


def compose(
    ask: Ask, choice: bytes, *, withheld: FinishReason | None = None, thinks: bool = False, says: str | None = None
) -> Answer:
    """Answer a request; `choice` is its fingerprint, `withheld` says why there is no content, `thinks` adds thoughts.

    `says` is the sentence that it all comes down to, if the answer is to be right or wrong.
    A tool is called if the request offers or forces one, unless the last message already brings a tool's result.
    """
    if withheld is not None:
        return Answer("", None, withheld, 0)
    if ask.vectors is not None:
        return Answer("", None, FinishReason.STOP, 0)
    limit = ask.output_limit
    thoughts, thought_tokens = "", 0
    if thinks:
        thoughts, thought_tokens = _cut(_think(choice), None if limit is None else limit // 2)
    function = _tool_to_call(ask)
    prose = _prose(ask, choice, says)
    if function is not None:
        text = _fitting(function.parameters, prose, ask)
    elif ask.schema is not None:
        text = _fitting(ask.schema, prose, ask)
    elif ask.as_json:
        text = orjson.dumps({"answer": prose}).decode()
    else:
        text = prose
    name = function.name if function else None
    before = thought_tokens + (count_tokens(name) if name else 0)
    whole = before + count_tokens(text)
    if limit is not None and whole > limit:
        text, _ = _cut(text, max(limit - before, 0))
        return Answer(text, name, FinishReason.LENGTH, limit, thoughts, thought_tokens)
    finish_reason = FinishReason.TOOL_CALLS if function else FinishReason.STOP
    return Answer(text, name, finish_reason, whole, thoughts, thought_tokens)


def compose_choices(
    ask: Ask, choice: bytes, *, withheld: FinishReason | None = None, thinks: bool = False, says: str | None = None
) -> tuple[Answer, ...]:
    """Answer as often as the request asks for; the first answer is the one there is alone."""
    if ask.choices == 1:
        return (compose(ask, choice, withheld=withheld, thinks=thinks, says=says),)
    seeds = [choice, *(hashlib.blake2b(choice + index.to_bytes(2)).digest() for index in range(1, ask.choices))]
    return tuple(compose(ask, seed, withheld=withheld, thinks=thinks, says=says) for seed in seeds)


def count_tokens(text: str) -> int:
    """Count the o200k tokens of a text."""
    return int(_TOKENIZER.count(text))


def _cut(text: str, limit: int | None) -> tuple[str, int]:
    """Return at most the first `limit` tokens of a text, and how many they are."""
    tokens = _TOKENIZER.encode_ordinary(text)
    if limit is None or len(tokens) <= limit:
        return text, len(tokens)
    return str(_TOKENIZER.decode(tokens[:limit], "ignore")), limit


def _think(choice: bytes) -> str:
    return " ".join(_SENTENCES[byte % len(_SENTENCES)] for byte in choice[-(1 + choice[-1] % 8) :])


def _tool_to_call(ask: Ask) -> Function | None:
    if not ask.functions or ask.tool_use is ToolUse.NONE:
        return None
    if ask.forced_tool is not None:
        return next((function for function in ask.functions if function.name == ask.forced_tool), None)
    if ask.tool_use is not ToolUse.REQUIRED and ask.turns[-1].brings_result:
        return None
    return ask.functions[0]


def _prose(ask: Ask, choice: bytes, says: str | None) -> str:
    """Quote the prompt's first words, which tells whose answer it is, then say 2 to 31 sentences.

    What it all comes down to stands first, where a limit of the answer's length seldom cuts it off.
    """
    quoted = " ".join(ask.turns[-1].text[:200].split()[:_QUOTED_WORDS])
    # The product of two draws: most answers are short, some are long.
    length = 2 + (choice[0] % 30) * (choice[1] + 1) // 256
    sentences = (_SENTENCES[byte % len(_SENTENCES)] for byte in choice[1 : 1 + length])
    words = " ".join(sentences) if says is None else " ".join((says, *sentences))
    return f"On “{quoted}”: {words}"


def _fitting(schema: Mapping[str, JsonValue], words: str, ask: Ask) -> str:
    """Return JSON that fits the schema; or, to break it, that within an array."""
    example = _example(schema, words)
    return orjson.dumps([example] if ask.breaks_schema else example).decode()


def _example(schema: Mapping[str, JsonValue], words: str) -> JsonValue:
    """Return a value that has the schema's shape. References and numeric or length bounds are not followed."""
    match schema:
        case {"const": value} | {"enum": [value, *_]}:
            return value
        case {"anyOf": [dict(inner), *_]} | {"oneOf": [dict(inner), *_]}:
            return _example(inner, words)
        case {"properties": dict(inner)}:
            return {name: _example(field, words) for name, field in inner.items() if isinstance(field, dict)}
        case {"type": "array", "items": dict(inner)}:
            return [_example(inner, words)]
        case {"type": [str(kind), *_]} | {"type": str(kind)}:
            simple: dict[str, JsonValue] = {"string": words, "integer": 1, "number": 1, "boolean": True, "array": []}
            return None if kind == "null" else simple.get(kind, {})
    return {}
