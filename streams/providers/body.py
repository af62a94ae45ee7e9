"""From the bytes of a provider's reply to a JSON value, whatever stands around it or in it that is not JSON.

orjson reads what is JSON. Only what it refuses is read again, forgivingly: a byte order mark, text before and after,
bytes that are not UTF-8, NaN and Infinity (then null), control characters in strings, halves of surrogate pairs (then
U+FFFD). What is packed is unpacked, and an event stream is assembled (`streams.providers.event_stream`).
"""

import json
import re
import zlib
from collections.abc import Iterable, Mapping
from html import unescape
from math import isfinite
from types import MappingProxyType

import orjson
from pydantic import JsonValue

from streams.providers.event_stream import assembled, data_of_events, lines_of
from streams.providers.vendor_streams import assembled_of_vendor

WRITABLE_DEPTH = 250
"""What is nested deeper cannot be written again: orjson writes 254 levels."""
MAX_DIGITS = 300
"""A longer integer is read as a float, which may be infinite; Python itself refuses to read more than 4300 digits."""
_ORJSON_INTEGERS = range(-(2**63), 2**64)
MAX_TEXT_CHARS = 8000
"""Of a text that is no JSON, so much is looked at."""
LONG_INTEGER = re.compile(rb"\d{19}")
"""What may be an integer beyond 64 bits, of which orjson makes a float."""
_BOMS = ((b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16"), (b"\xef\xbb\xbf", "utf-8-sig"))
_WINDOW_BITS: Mapping[str, tuple[int, ...]] = MappingProxyType(
    {
        "gzip": (zlib.MAX_WBITS | 16,),
        "x-gzip": (zlib.MAX_WBITS | 16,),
        "deflate": (zlib.MAX_WBITS, -zlib.MAX_WBITS),  # by RFC 9110 with zlib's frame; many send it bare
    }
)
_GZIP_MAGIC = b"\x1f\x8b"
_CHARSET = re.compile(r"charset\s*=\s*\"?([\w.:-]{1,40})", re.IGNORECASE)
_BLANK = " \t\r\n\f\v\x00\u00a0\ufeff"
_LONE_SURROGATE = re.compile(r"[\ud800-\udfff]")
_STRING_OR_BRACKET = re.compile(r'"(?:[^"\\]++|\\.)*+"|[\[\]{}]', re.DOTALL)
_HTML = re.compile(r"\s*<(?:!--|(?:!doctype\s+html|html|head|body|title|center|h1)\b)", re.IGNORECASE)
_TITLE = re.compile(r"<(title|h1)\b[^>]*>(.*?)</\1", re.IGNORECASE | re.DOTALL)
_TAG = re.compile(r"<(script|style)\b.*?</\1\s*>|<[^>]*>", re.IGNORECASE | re.DOTALL)
_EVENT_LINE = re.compile(r"(?:data|event|id|retry)?:", re.IGNORECASE)


class UnreadableBody(Exception):  # noqa: N818 - reads as the sentence it starts
    """A reply that holds no JSON; the message says what it is instead."""


class BodyTooLarge(UnreadableBody):
    """A reply that is larger than is read."""


def unpacked(content: bytes, encoding: str, limit: int) -> bytes:
    """Return the body without the codings that the `content-encoding` header names, at most `limit` bytes of it.

    Raises:
        UnreadableBody: a coding that is not known here.
        BodyTooLarge: more than `limit` bytes.
    """
    codings = [name.strip().lower() for name in encoding.split(",")] if encoding else []
    if not codings and content.startswith(_GZIP_MAGIC):
        codings = ["gzip"]
    for coding in reversed(codings):
        if coding in ("", "identity"):
            continue
        if coding in _WINDOW_BITS:
            content = _inflated(content, _WINDOW_BITS[coding], limit)
        elif content.lstrip()[:1] not in (b"{", b"["):
            raise UnreadableBody(f"the body is packed as {coding[:20]!r}, which was not asked for")
    return content


def parsed(content: bytes, content_type: str = "", *, exact: bool = False) -> JsonValue:
    """Return the JSON value of an unpacked body, or the completion that a stream of events adds up to.

    Args:
        content: the bytes.
        content_type: the header's value; it decides nothing that the bytes say otherwise.
        exact: keep integers beyond 64 bits as they are, where orjson makes floats of them.

    Raises:
        UnreadableBody: there is no JSON in it.
    """
    if not exact:
        try:
            return orjson.loads(content)  # type: ignore[no-any-return]  # JSON is what it returns
        except orjson.JSONDecodeError:
            pass
    text = text_of(content, content_type).strip(_BLANK)
    try:
        return _found(text, content_type, exact=exact)
    except RecursionError:
        return _found(_flattened(text), content_type, exact=exact)


def text_of(content: bytes, content_type: str = "") -> str:
    """Return the body as text; what is not in its character set becomes U+FFFD.

    JSON is UTF-8 (RFC 8259, section 8.1), whatever the header names; another character set counts where it is not.
    """
    for bom, name in _BOMS:
        if content.startswith(bom):
            return content.decode(name, "replace")
    try:
        return content.decode()
    except UnicodeDecodeError:
        named = _CHARSET.search(content_type)
    try:
        return content.decode(named[1] if named else "utf-8", "replace")
    except (LookupError, UnicodeError):  # no character set, or one for names alone
        return content.decode("utf-8", "replace")


def plain_text(text: str) -> str:
    """Return what a text or an HTML page says: a page's title, or else its words, on one line."""
    text = text[:MAX_TEXT_CHARS]
    if _HTML.match(text):
        title = _TITLE.search(text)
        words = title[2] if title else text
        said = " ".join(unescape(_TAG.sub(" ", words)).split())
        return f"an HTML page: {said}" if said else "an HTML page"
    return " ".join(text.split())


def _inflated(content: bytes, window_bits: tuple[int, ...], limit: int) -> bytes:
    for bits in window_bits:
        out = bytearray()
        rest = content
        try:
            while rest:  # a gzip file may have several members
                inflate = zlib.decompressobj(bits)
                out += inflate.decompress(rest, limit - len(out) + 1)
                if len(out) > limit:
                    raise BodyTooLarge(f"the body is larger than {limit} bytes when it is unpacked")
                rest = inflate.unused_data if bits > zlib.MAX_WBITS else b""
        except zlib.error:
            if not out:
                continue
        return bytes(out)  # as far as it can be unpacked; a cut one may still hold the answer
    return content  # not packed after all


def _found(text: str, content_type: str, *, exact: bool) -> JsonValue:
    if not text:
        raise UnreadableBody("the body is empty")
    if _HTML.match(text):
        raise UnreadableBody(f"the body is {plain_text(text)}")
    if _EVENT_LINE.match(text):
        data = data_of_events(text)
        if data:
            return _assembled(data, "an event stream (SSE)")
        text = "\n".join(line for line in lines_of(text) if not _EVENT_LINE.match(line)).strip(_BLANK)
    text = text.removeprefix(")]}'").lstrip(_BLANK)
    if not text:
        raise UnreadableBody("the body is empty but for comments")
    try:
        value, end = _DECODER.raw_decode(text)
    except ValueError as error:
        raise UnreadableBody(_complaint(text, content_type, error)) from None
    rest = text[end:].strip(_BLANK)
    if rest.startswith("{") and _is_chunk(value):
        return _assembled(lines_of(text), "a stream of JSON lines")
    return _mended(value, exact=exact)


def _is_chunk(value: JsonValue) -> bool:
    return isinstance(value, dict) and ("done" in value or value.get("object") == "chat.completion.chunk")


def _assembled(data: Iterable[str], what: str) -> JsonValue:
    chunks: list[JsonValue] = []
    for line in data:
        try:
            chunks.append(_mended(_DECODER.raw_decode(line.strip(_BLANK))[0]))
        except ValueError:
            continue  # the words that end a stream, or a line that was cut
    whole = assembled_of_vendor(chunks) or assembled(chunks)
    if whole is None:
        raise UnreadableBody(f"the body is {what} without a completion in it")
    return whole


def _flattened(text: str) -> str:
    """Return the JSON with null in place of what is nested deeper than `WRITABLE_DEPTH`."""
    kept: list[str] = []
    depth = start = 0
    for token in _STRING_OR_BRACKET.finditer(text):
        if token[0] in "[{":
            depth += 1
            if depth == WRITABLE_DEPTH + 1:
                kept += [text[start : token.start()], "null"]
        elif token[0] in "]}":
            if depth == WRITABLE_DEPTH + 1:
                start = token.end()
            depth -= 1
    if depth <= WRITABLE_DEPTH:
        kept.append(text[start:])
    return "".join(kept)


def _complaint(text: str, content_type: str, error: ValueError) -> str:
    kind = f" ({content_type.partition(';')[0].strip()[:60]})" if content_type else ""
    if text[0] not in '{["':
        return f"the body is not JSON{kind}: {plain_text(text[:400])}"
    return f"the body is broken JSON{kind}: {error}"


def _integer(digits: str) -> int | float:
    return int(digits) if len(digits) < MAX_DIGITS else float(digits)


_DECODER = json.JSONDecoder(parse_constant=lambda _name: None, parse_int=_integer, strict=False)


def _mended(value: JsonValue, *, exact: bool = False) -> JsonValue:
    """Return the value without what no JSON of ours can hold: infinities and halves of surrogate pairs."""
    if isinstance(value, str):
        return _paired(value)
    if isinstance(value, dict):
        return {_paired(name): _mended(inner, exact=exact) for name, inner in value.items()}
    if isinstance(value, list):
        return [_mended(inner, exact=exact) for inner in value]
    if isinstance(value, int) and not exact and value not in _ORJSON_INTEGERS:
        return float(value)
    return None if isinstance(value, float) and not isfinite(value) else value


def _paired(text: str) -> str:
    if not _LONE_SURROGATE.search(text):
        return text
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
