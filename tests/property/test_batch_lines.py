"""Whatever a vendor writes into results, into a status or into a list is read without an error."""

import json

import orjson
from hypothesis import given, settings
from hypothesis import strategies as st

from router.batches.apis import BATCH_APIS
from router.batches.line import BatchLine, LineEnd
from router.dialects.registry import DIALECTS
from router.dialects.wire import BatchForm, DialectName
from router.errors import Answer, UpstreamFailure
from streams.providers.batch_lines import BatchLineReader
from streams.providers.line_stream import Line
from streams.providers.outcomes import OutcomeReader
from tests.examples import examples

NOW_S = 1_800_000_000.0
DIALECT_OF = {
    BatchForm.OPENAI: DialectName.CHAT,
    BatchForm.AZURE: DialectName.AZURE,
    BatchForm.MISTRAL: DialectName.CHAT,
    BatchForm.ANTHROPIC: DialectName.ANTHROPIC,
    BatchForm.GEMINI: DialectName.GEMINI,
}
READERS = {
    form: BatchLineReader(BATCH_APIS[form], OutcomeReader(dialect=DIALECTS[dialect]))
    for form, dialect in DIALECT_OF.items()
}
NAMES = st.sampled_from(
    [
        *(
            "custom_id",
            "key",
            "response",
            "result",
            "error",
            "body",
            "status_code",
            "type",
            "message",
            "code",
            "metadata",
        ),
        *(
            "choices",
            "candidates",
            "content",
            "usage",
            "usageMetadata",
            "status",
            "state",
            "request_counts",
            "id",
            "name",
        ),
        *(
            "processing_status",
            "batchStats",
            "errors",
            "data",
            "operations",
            "createTime",
            "created_at",
            "done",
            "output",
        ),
        *("output_file_id", "responsesFile", "has_more", "last_id", "nextPageToken", "cancel_initiated_at"),
    ]
)
WORDS = st.sampled_from(
    ["succeeded", "errored", "expired", "ended", "completed", "failed", "BATCH_STATE_FAILED", "text", ""]
)
LEAVES = st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats() | st.text(max_size=8) | WORDS
VALUES = st.recursive(
    LEAVES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=5), max_leaves=25
)
OBJECTS = st.dictionaries(NAMES, VALUES, max_size=6)
FORMS = st.sampled_from(list(BatchForm))


def written(value: object) -> bytes:
    return json.dumps(value).encode()


def is_read(line: BatchLine) -> None:
    assert line.number == 1
    assert isinstance(line.outcome, Answer if line.end is LineEnd.ANSWERED else UpstreamFailure)
    assert line.custom_id is None or isinstance(line.custom_id, str)
    tier = None if line.outcome.usage is None else line.outcome.usage.service_tier
    assert tier != "default"


@settings(max_examples=examples(300), deadline=None)
@given(FORMS, OBJECTS)
def test_any_object_is_read_as_a_line(form: BatchForm, value: dict[str, object]) -> None:
    is_read(READERS[form].read(1, Line(written(value)), NOW_S))


@settings(max_examples=examples(200), deadline=None)
@given(FORMS, st.binary(max_size=60), st.booleans())
def test_any_bytes_are_read_as_a_line(form: BatchForm, content: bytes, is_cut: bool) -> None:  # noqa: FBT001 - drawn
    is_read(READERS[form].read(1, Line(content, is_cut=is_cut), NOW_S))


@settings(max_examples=examples(300), deadline=None)
@given(FORMS, OBJECTS)
def test_any_object_is_read_as_a_reply(form: BatchForm, value: dict[str, object]) -> None:
    reply, api = orjson.loads(orjson.dumps(_finite(value))), BATCH_APIS[form]
    status = api.read_status(reply)
    assert status is None or status.counts is None or status.counts.total > 0
    files = api.by_files
    for read in (api.batch_id(reply), files.file_id(reply) if files else None):
        assert read is None or read
    assert all(ask.path.startswith("/") for ask in api.results("b", reply))
    for page in (api.read_batches(reply, {}), *([files.read_files(reply, {})] if files else [])):
        assert all(entry.id for entry in page.entries)


def _finite(value: object) -> object:
    """Return the value with what orjson does not write left out."""
    if isinstance(value, dict):
        return {name: _finite(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [_finite(inner) for inner in value]
    if isinstance(value, str):
        return value.encode(errors="replace").decode()
    return None if isinstance(value, int) and abs(value) > 2**62 else value
