"""From a record's bytes to the JSON object that is meant, whatever its producer has wrapped it in.

| what comes | what becomes of it |
|---|---|
| UTF-8 with a byte order mark | read (RFC 8259, section 8.1: parsers may ignore it) |
| half of a surrogate pair in an escape | read with U+FFFD in its place |
| a schema registry's frame before JSON: Confluent's and Apicurio's, 0 and an id; AWS Glue's, 3, 0 and a UUID | read |
| a JSON object written as a JSON string, or in base64, as Connect's JsonConverter writes bytes | read |
| JSON with the zero at its end that a string of C has | read |
| Kafka Connect's JsonConverter with schemas, `{"schema": ..., "payload": ...}` | its payload |
| a CloudEvent in structured mode, `data` or `data_base64` in JSON | its data |
| a change event of Debezium that creates or reads a row, and Flink's `debezium-json` | the row after it |
| what Debezium adds to a flattened row (`__op`), and other tools to any object (`$schema`) | left out |
| anything else of these kinds | refused, with its name and the fix |

What needs none of this costs one attempt to read it and a look at three names.
"""

import re
from base64 import b64decode
from collections.abc import Mapping
from types import MappingProxyType

import orjson

BOM = b"\xef\xbb\xbf"
OWN = frozenset({"body", "messages", "prompt"})
"""One of them is in every request, and in no envelope."""
_ADDED = frozenset({"__db", "__deleted", "__lsn", "__op", "__schema", "__source_ts_ms", "__table", "__ts_ms"})
"""What Debezium's transform ExtractNewRecordState adds to a row, by its options."""
MARKS = frozenset({"$schema", "@class", "@timestamp", "@type", "@version"})
"""What JSON Schema, Jackson (`JsonTypeInfo`) and Logstash write into an object, and that says nothing of it."""
_BESIDE = _ADDED | MARKS
MOST_WRAPPINGS = 4
"""A CloudEvent inside of a frame inside of a string: this many, and no more."""
MAX_ID_CHARS = 256

_UTF16: Mapping[bytes, str] = MappingProxyType(
    {b"\xff\xfe": "utf-16", b"\xfe\xff": "utf-16", b"{\x00": "utf-16-le", b"\x00{": "utf-16-be"}
)
_FOREIGN: Mapping[bytes, tuple[str, str]] = MappingProxyType(
    {
        b"\x1f\x8b": ("gzip", "leave compression to the producer's compression.type"),
        b"\x28\xb5\x2f\xfd": ("zstd", "leave compression to the producer's compression.type"),
        b"\x04\x22\x4d\x18": ("lz4", "leave compression to the producer's compression.type"),
        b"\xac\xed\x00\x05": ("a serialized Java object", "use a serializer of JSON or of strings"),
        b"Obj\x01": ("an Avro file", "send JSON"),
        **dict.fromkeys(
            (b"\xff\x06\x00\x00sNaPpY", b"\x82SNAPPY\x00"),
            ("snappy", "leave compression to the producer's compression.type"),
        ),
        **dict.fromkeys(
            (b"\x78\x01", b"\x78\x9c", b"\x78\xda"),
            ("zlib", "leave compression to the producer's compression.type"),
        ),
        b"BZh": ("bzip2", "leave compression to the producer's compression.type"),
    }
)
"""First bytes of what is no JSON in UTF-8: its name, and the fix."""
_FRAMES = ((0, 5), (0, 9))
"""First byte and length of a schema registry's frame: Confluent's wire format; Apicurio's default, an id of 8 bytes."""
_GLUE, _GLUE_BYTES = b"\x03\x00", 18
_ESCAPE = re.compile(
    rb"\\(?:u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|(u[dD][89a-fA-F][0-9a-fA-F]{2})|.)", re.DOTALL
)
_ID = re.compile(
    r"""
    ["'] (?:request_id|custom_id) ["'] \s* : \s*
    (?: " ([^"\\\x00-\x1f]{1,256}) " | ' ([^'\\\x00-\x1f]{1,256}) ' | (\d{1,20}) (?=\s*[,}]) )
    """,
    re.VERBOSE,
)


class EnvelopeError(ValueError):
    """The value is no request. It says so in one sentence, and what of it is known."""

    def __init__(self, code: str, reason: str, *, field: str | None = None, data: object = None) -> None:
        super().__init__(reason)
        self.code = code
        self.field = field
        self.data = data
        """What was found inside, if anything was: it may have an id."""


def opened(value: bytes) -> object:
    """Return the JSON that is meant.

    Raises:
        EnvelopeError: there is none, or more than one may be meant.
    """
    data = parsed(value)
    for _ in range(MOST_WRAPPINGS):
        if isinstance(data, str) and data.lstrip().startswith(_BEGINS):
            data = _inside(data, None)
            continue
        if not isinstance(data, dict) or _is_bare(data):
            return data
        inner = _unwrapped(data)
        if inner is data:
            break
        data = inner
    if isinstance(data, dict):
        _refuse_an_unknown_envelope(data)
    return data


_BEGINS = ("{", '"', "ey", "ew")
"""What the text of an object or a text begins with, as it is and in base64 (RFC 4648)."""


def _is_bare(data: dict[str, object]) -> bool:
    return _BESIDE.isdisjoint(data) and not OWN.isdisjoint(data)


def parsed(value: bytes) -> object:
    """Return the JSON that the bytes hold, without a frame or a mark before it.

    Raises:
        EnvelopeError: they hold none.
    """
    try:
        return orjson.loads(value)
    except orjson.JSONDecodeError as error:
        problem = error
    for candidate in _candidates(value):
        try:
            return orjson.loads(candidate)
        except orjson.JSONDecodeError:
            continue
    raise _not_json(value, problem)


def found_id(value: bytes) -> str | None:
    """Return the id that stands in what is no JSON, if there is one and no other."""
    text = value.decode(next((codec for first, codec in _UTF16.items() if value.startswith(first)), "utf-8"), "replace")
    ids = {next(filter(None, match)) for match in _ID.findall(text)}
    return ids.pop().strip() or None if len(ids) == 1 else None


def _candidates(value: bytes) -> list[bytes]:
    """Return what may be meant, if it is JSON."""
    bare = value.removeprefix(BOM).rstrip(b"\0")
    framed = [bare[length:] for first, length in _FRAMES if bare[:1] == bytes([first])]
    if bare.startswith(_GLUE):
        framed.append(bare[_GLUE_BYTES:])
    found = [each for each in framed if each.lstrip()[:1] in (b"{", b'"')] or [bare]
    return [*found, *(_ESCAPE.sub(_whole, each) for each in found if b"\\u" in each)]


def _whole(escape: re.Match[bytes]) -> bytes:
    return rb"\ufffd" if escape[1] else escape[0]


def _not_json(value: bytes, error: orjson.JSONDecodeError) -> EnvelopeError:
    if value.startswith(tuple(_UTF16)):
        return EnvelopeError("not_utf8", "the value is UTF-16; encode the JSON as UTF-8")
    for first, (name, fix) in _FOREIGN.items():
        if value.startswith(first):
            return EnvelopeError("not_json", f"the value is {name}; {fix}")
    if value[:1] == b"\0" and len(value) > _FRAMES[0][1]:
        return EnvelopeError(
            "not_json",
            f"the value has a schema registry's frame (magic byte 0, schema {int.from_bytes(value[1:5])}) and no JSON "
            "behind it; use the JSON Schema serializer, not Avro or Protobuf, or send plain JSON",
        )
    if value[:1] == b"\3" and len(value) > _GLUE_BYTES:
        return EnvelopeError(
            "not_json",
            "the value has the frame of the AWS Glue schema registry and no plain JSON behind it; use its data format "
            "JSON without compression, or send plain JSON",
        )
    try:
        value.decode()
    except UnicodeDecodeError as problem:
        return EnvelopeError("not_utf8", f"byte {problem.start} is not UTF-8; encode the JSON as UTF-8")
    return EnvelopeError("not_json", f"the value is not JSON: {error}")


def _unwrapped(data: dict[str, object]) -> object:
    """Return what is in the envelope, or the object itself where it is none."""
    if data.keys() == {"schema", "payload"}:
        return _of_connect(data["payload"])
    if data.keys() >= {"specversion", "type", "source"}:
        return _of_cloud_event(data)
    if ("after" in data or "before" in data) and (data.keys() >= {"op", "source"} or data.keys() == _OF_FLINK):
        return _of_debezium(data)
    if not _BESIDE.isdisjoint(data):
        return _of_flattened(data)
    return data


def _of_connect(payload: object) -> object:
    if isinstance(payload, str):
        return _inside(payload, "payload")
    if isinstance(payload, dict):
        return payload
    raise EnvelopeError(
        "invalid_request",
        "payload: Kafka Connect's JsonConverter envelope holds no object; send the request as JSON with "
        "value.converter.schemas.enable=false",
        field="payload",
    )


def _of_cloud_event(event: dict[str, object]) -> object:
    if isinstance(event.get("data_base64"), str):
        try:
            raw = b64decode(str(event["data_base64"]), validate=True)
        except ValueError:
            raw = b""
        return _inside(raw, "data_base64")
    data = event.get("data")
    if isinstance(data, str):
        return _inside(data, "data")
    if isinstance(data, dict):
        return data
    raise EnvelopeError(
        "invalid_request",
        "data: the CloudEvent holds no request; put it into `data` as a JSON object, or use the binary content mode",
        field="data",
    )


_OF_FLINK = {"before", "after", "op"}
"""Flink writes no more into its format `debezium-json`. Source: nightlies.apache.org/flink, "Debezium format"."""


def _of_debezium(event: dict[str, object]) -> object:
    after = event.get("after")
    if isinstance(after, str):  # of MongoDB: debezium.io, "Connector for MongoDB", change events
        after = _inside(after, "after")
    if event["op"] in ("c", "r") and isinstance(after, dict):
        return after
    raise EnvelopeError(
        "invalid_request",
        "op: the value is a change event of Debezium that creates no row; let its source send rows that are created "
        "alone, such as with the transform ExtractNewRecordState and a filter",
        field="op",
        data=after or event.get("before"),
    )


def _of_flattened(row: dict[str, object]) -> object:
    kept = {name: value for name, value in row.items() if name not in MARKS and not name.startswith("__")}
    if row.get("__deleted") in (True, "true") or row.get("__op") in ("d", "u"):
        raise EnvelopeError(
            "invalid_request",
            "__op: the value is a row that Debezium saw changed or deleted; let its source send rows that are created "
            "alone",
            field="__op",
            data=kept,
        )
    return kept


def _inside(value: str | bytes, field: str | None) -> object:
    raw = value if isinstance(value, bytes) else value.encode("utf-8", "replace")
    for meant in (raw, _from_base64(raw)):
        try:
            found = parsed(meant)
        except EnvelopeError:
            continue
        if isinstance(found, dict | str):
            return found
    place = "" if field is None else f"{field}: "
    raise EnvelopeError(
        "invalid_request", f"{place}what is written inside is no JSON object; send the request itself", field=field
    )


def _from_base64(raw: bytes) -> bytes:
    try:
        return b64decode(raw, validate=True)
    except ValueError:
        return b""


def _refuse_an_unknown_envelope(data: dict[str, object]) -> None:
    """Name the one field that looks like a request, where the object around it does not.

    It may be an object, the only one of a list (Canal's `data`), or a text (`Message` of Amazon SNS, `message` of
    Filebeat).
    """
    if not OWN.isdisjoint(data):
        return
    looked_at = {name: _object_in(inner) for name, inner in data.items()}
    within = {name: inner for name, inner in looked_at.items() if inner is not None and not OWN.isdisjoint(inner)}
    if len(within) == 1:
        ((name, inner),) = within.items()
        name = name[:100]
        raise EnvelopeError(
            "invalid_request",
            f"{name}: holds the request; send it as the value itself, without what is around it",
            field=name,
            data={**data, **inner},
        )


def _object_in(value: object) -> dict[str, object] | None:
    if isinstance(value, list) and len(value) == 1:
        (value,) = value
    if isinstance(value, str) and value.lstrip().startswith("{"):
        try:
            value = parsed(value.encode("utf-8", "replace"))
        except EnvelopeError:
            return None
    return value if isinstance(value, dict) else None
