"""Writes down what stands on the topics: a JSON Schema for each message, and AsyncAPI for all of it.

python -m schemas.export docs
"""

import json
import sys
from argparse import ArgumentParser
from collections.abc import Iterable, Mapping
from pathlib import Path
from types import MappingProxyType

from pydantic import JsonValue
from pydantic.json_schema import GenerateJsonSchema

from schemas import dead_letters
from schemas.batch_lanes import BatchLane
from schemas.budgets import Budget
from schemas.caching import CacheEntry
from schemas.costs import CallStarted, CostEvent
from schemas.failovers import Failover
from schemas.feedback import Feedback
from schemas.health import ModelHealth, ModelStats
from schemas.message import SCHEMA_VERSION, Message
from schemas.quality import ModelQuality
from schemas.requests import BATCH_URL, PROVIDER_PARAMETERS, JsonObject, Request
from schemas.responses import Response
from schemas.shadow_answers import ShadowAnswer
from schemas.topics import TOPICS, Topic, TopicSpec

DIALECT = "https://json-schema.org/draft/2020-12/schema"
SCHEMA_FORMAT = "application/schema+json;version=2020-12"

MESSAGES: Mapping[Topic, type[Message]] = MappingProxyType(
    {
        Topic.REQUESTS: Request,
        Topic.RESPONSES: Response,
        Topic.COSTS: CostEvent,
        Topic.CALLS: CallStarted,
        Topic.MODEL_STATS: ModelStats,
        Topic.MODEL_HEALTH: ModelHealth,
        Topic.FAILOVERS: Failover,
        Topic.BUDGETS: Budget,
        Topic.FEEDBACK: Feedback,
        Topic.MODEL_QUALITY: ModelQuality,
        Topic.BATCH_LANES: BatchLane,
        Topic.CACHE_INDEX: CacheEntry,
        Topic.SHADOW_ANSWERS: ShadowAnswer,
    }
)
"""What the values of each topic are. Those of dead letters are the original ones, whatever they were."""
PUBLIC_TOPICS = tuple(spec for spec in TOPICS if not spec.internal)


class _Schema(GenerateJsonSchema):
    """Leaves out the title of each field: it only repeats the name."""

    def field_title_should_be_set(self, schema: object) -> bool:  # noqa: ARG002 - pydantic's signature
        return False


def documents() -> dict[str, str]:
    """Return the text of each document by its path in the documentation's folder."""
    written: dict[str, JsonObject] = {_schema_path(topic): json_schema(topic) for topic in MESSAGES}
    written["asyncapi.json"] = asyncapi()
    return {path: json.dumps(document, indent=2, ensure_ascii=False) + "\n" for path, document in written.items()}


def json_schema(topic: Topic) -> JsonObject:
    """Return the JSON Schema of a topic's message."""
    message = MESSAGES[topic]
    if message is Request:
        schema = _request_schema()
    else:
        schema = message.model_json_schema(mode="serialization", schema_generator=_Schema)
    return {"$schema": DIALECT, "$id": f"turnout:{topic}", **schema}


def _request_schema() -> JsonObject:
    """Return the schema of a request in all the forms in which it is accepted."""
    request: JsonObject = Request.model_json_schema(mode="validation", schema_generator=_Schema)
    definitions, fields = request.pop("$defs"), request["properties"]
    if not isinstance(definitions, dict) or not isinstance(fields, dict):
        raise TypeError("pydantic has changed the form of its schemas")
    description = request["description"]
    passed_on: JsonObject = {"description": "Passed to the provider as it is."}
    fields |= {name: _or(fields[name], "integer") for name in ("request_id", "tenant")}
    request |= {
        "properties": {
            **{name: _or(field, "null") for name, field in fields.items()},
            "max_completion_tokens": fields["max_tokens"],
            "stream": _only("An answer on a topic is whole.", value=False),
            "stream_options": {"type": "null", "description": "Goes with `stream`."},
            "n": _only("A response holds one message.", value=1),
            **dict.fromkeys(sorted(PROVIDER_PARAMETERS), passed_on),
        },
        "oneOf": [_given("prompt"), _given("messages")],
        "additionalProperties": False,
    }
    batch_line: JsonObject = {
        "title": "BatchLine",
        "description": "A line of an OpenAI batch file. Its `custom_id` is the request's id.",
        "type": "object",
        "properties": {
            "custom_id": fields["request_id"],
            "method": {"enum": ["POST", None]},
            "url": {"enum": [BATCH_URL, None]},
            "body": {"$ref": "#/$defs/Request"},
        },
        "required": ["custom_id", "body"],
        "additionalProperties": False,
    }
    return {
        "title": "Request",
        "description": description,
        "anyOf": [{"$ref": "#/$defs/Request"}, {"$ref": "#/$defs/BatchLine"}],
        "$defs": {**definitions, "BatchLine": batch_line, "Request": request},
    }


def _or(field: JsonValue, kind: str) -> JsonObject:
    """Return the schema of a field that may also be of this type."""
    if not isinstance(field, dict):
        raise TypeError("pydantic has changed the form of its schemas")
    options = field.get("anyOf")
    if not isinstance(options, list):
        said = {"default", "description", "title"}
        options = [{name: value for name, value in field.items() if name not in said}]
        field = {name: value for name, value in field.items() if name in said}
    other: JsonObject = {"type": kind}
    return {**field, "anyOf": options if other in options else [*options, other]}


def _given(name: str) -> JsonObject:
    return {"required": [name], "properties": {name: {"not": {"type": "null"}}}}


def _only(why: str, *, value: JsonValue) -> JsonObject:
    return {"enum": [value, None], "description": why}


def asyncapi() -> JsonObject:
    """Return the AsyncAPI document. It is told from Turnout's side: it receives requests and sends everything else."""
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Turnout",
            "version": str(SCHEMA_VERSION),
            "description": "LLM prompts in on Kafka, each routed to the right model; answers out on one topic, exact "
            "costs on another. The names of the topics are the default ones; a worker may put a prefix before each.",
        },
        "defaultContentType": "application/json",
        "channels": {_short(spec.topic): _channel(spec) for spec in PUBLIC_TOPICS},
        "operations": {_operation_name(spec.topic): _operation(spec.topic) for spec in PUBLIC_TOPICS},
        "components": {
            "messages": {_short(spec.topic): _message(spec) for spec in PUBLIC_TOPICS},
            "schemas": {"EventHeaders": _event_headers(), "TraceHeaders": _headers(TRACE_HEADERS, ())},
        },
    }


TRACE_HEADERS: Mapping[str, str] = MappingProxyType(
    {
        "traceparent": "W3C trace context; it passes through unchanged.",
        "tracestate": "W3C trace context; it passes through unchanged.",
    }
)
EVENT_HEADERS: Mapping[str, str] = MappingProxyType(
    {
        "ce_specversion": "The version of CloudEvents.",
        "ce_id": "The same for every copy of the same event.",
        "ce_source": "Who tells.",
        "ce_type": "What the value is.",
        "ce_time": "When it happened, RFC 3339, UTC.",
        "ce_subject": "What it is about: a request's id, a model or a tenant.",
        "content-type": "application/json",
    }
)
"""The CloudEvents Kafka binding in binary mode."""
DEAD_LETTER_HEADERS: Mapping[str, str] = MappingProxyType(
    {
        dead_letters.CODE: "One word for a program.",
        dead_letters.REASON: "A sentence that names the field and the fix.",
        dead_letters.TOPIC: "Where the record stood: its topic,",
        dead_letters.PARTITION: "its partition,",
        dead_letters.OFFSET: "its offset,",
        dead_letters.TIMESTAMP_MS: "and its timestamp, milliseconds since 1970.",
        dead_letters.REQUEST_ID: "Present when an id could be read; a response of that id was published too.",
        dead_letters.TENANT: "Present when the record showed a key that held: whose it is.",
        dead_letters.REPLAYED: "Only of a marker, which has no other: the dead letter that has been replayed, "
        "PARTITION:OFFSET.",
    }
)


def _channel(spec: TopicSpec) -> JsonObject:
    configuration: JsonObject = {"cleanup.policy": ["compact" if spec.compacted else "delete"]}
    if spec.retention_s is not None:
        configuration["retention.ms"] = spec.retention_s * 1000
    partitions = "as many partitions as the requests topic" if spec.busy else "one partition"
    return {
        "address": spec.topic.value,
        "description": f"Key: {spec.key}. By default it has {partitions}.",
        "messages": {_short(spec.topic): {"$ref": f"#/components/messages/{_short(spec.topic)}"}},
        "bindings": {"kafka": {"topicConfiguration": configuration, "bindingVersion": "0.5.0"}},
    }


def _operation(topic: Topic) -> JsonObject:
    return {
        "action": "receive" if topic is Topic.REQUESTS else "send",
        "channel": {"$ref": f"#/channels/{_short(topic)}"},
    }


def _message(spec: TopicSpec) -> JsonObject:
    key: JsonObject = {"kafka": {"key": {"type": "string", "description": spec.key}, "bindingVersion": "0.5.0"}}
    message = MESSAGES.get(spec.topic)
    if message is None:
        return {
            "name": "turnout.dead-letter",
            "summary": "The original bytes, key and headers of what could not be understood, and why.",
            "contentType": "application/octet-stream",
            "headers": _headers(DEAD_LETTER_HEADERS, ()),
            "bindings": key,
        }
    headers = "TraceHeaders" if message is Request else "EventHeaders"
    described: JsonObject = {
        "name": message.type_name,
        "title": message.__name__,
        "summary": (message.__doc__ or "").partition("\n")[0],
        "headers": {"$ref": f"#/components/schemas/{headers}"},
        "payload": {"schemaFormat": SCHEMA_FORMAT, "schema": {"$ref": f"./{_schema_path(spec.topic)}"}},
        "bindings": key,
    }
    if "request_id" in message.model_fields:
        described["correlationId"] = {"location": "$message.payload#/request_id"}
    return described


def _event_headers() -> JsonObject:
    return _headers({**EVENT_HEADERS, **TRACE_HEADERS}, EVENT_HEADERS)


def _headers(described: Mapping[str, str], required: Iterable[str]) -> JsonObject:
    properties: JsonObject = {name: {"type": "string", "description": text} for name, text in described.items()}
    return {"type": "object", "properties": properties, "required": list[JsonValue](sorted(required))}


def _schema_path(topic: Topic) -> str:
    return f"schemas/{topic}.schema.json"


def _short(topic: Topic) -> str:
    """`llm.model-stats.v1` is `modelStats`."""
    first, *rest = topic.name.lower().split("_")
    return first + "".join(word.capitalize() for word in rest)


def _operation_name(topic: Topic) -> str:
    verb = "receive" if topic is Topic.REQUESTS else "send"
    return verb + _short(topic)[0].upper() + _short(topic)[1:]


def main() -> None:
    """Write the documents into the folder that the command line names."""
    parser = ArgumentParser(prog="python -m schemas.export", description=__doc__)
    parser.add_argument("folder", type=Path, help="where the documentation is")
    folder: Path = parser.parse_args().folder
    for path, text in documents().items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text, encoding="utf-8")
        sys.stdout.write(f"{folder / path}\n")


if __name__ == "__main__":
    main()
