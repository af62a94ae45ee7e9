"""Batches as the vendors' references show them; one file an API.

A file holds the reference (`source`), a request and the line that it becomes, what is asked to create, to ask for the
state, to cancel and to list, and replies with how they read.
"""

from pathlib import Path

import pytest
from pydantic import BaseModel, ConfigDict, JsonValue, TypeAdapter

from router.batches.api import Ask, Listed, Page
from router.batches.apis import BATCH_APIS
from router.batches.batch import BatchStatus
from router.batches.line import LineEnd
from router.dialects.dialect import Asked
from router.dialects.registry import DIALECTS
from router.dialects.wire import BatchForm, DialectName
from schemas.requests import JsonObject, Request

PUBLISHED = Path(__file__).with_name("published")
NAMES = sorted(path.stem for path in PUBLISHED.glob("*.json"))
_ASK = TypeAdapter(Ask)


class _Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class ReadStatus(_Strict):
    reply: JsonObject
    status: BatchStatus | None
    results: tuple[Ask, ...] = ()


class ReadResult(_Strict):
    line: JsonObject
    custom_id: str | None
    end: LineEnd
    status_code: int = 200
    body: JsonValue = None
    is_free: bool = False


class ReadList(_Strict):
    reply: JsonObject
    entries: tuple[Listed, ...]
    next_query: dict[str, str] | None = None


class Example(_Strict):
    source: str
    dialect: DialectName
    model: str
    max_tokens: int
    request: JsonObject
    line: JsonObject
    window_h: int = 24
    file_id: str | None
    create: Ask
    created: JsonObject
    batch_id: str
    status: Ask
    cancel: Ask
    delete: Ask
    """Of the file of lines, or of the batch where there is none."""
    batches: Ask
    statuses: list[ReadStatus]
    lines: list[ReadResult]
    listed: ReadList
    files: ReadList | None = None


def example(name: str) -> Example:
    return Example.model_validate_json((PUBLISHED / f"{name}.json").read_bytes())


def test_every_form_has_one() -> None:
    assert set(NAMES) == set(BatchForm)


@pytest.mark.parametrize("name", NAMES)
def test_a_batch_is_asked_for_as_the_reference_has_it(name: str) -> None:
    one, api = example(name), BATCH_APIS[BatchForm(name)]
    dialect = DIALECTS[one.dialect]
    endpoint = api.endpoint(dialect.path(one.model))
    body = dialect.body(Asked(Request.model_validate(one.request), one.model, one.max_tokens))

    assert api.line(str(one.line.get("custom_id") or one.line.get("key")), endpoint, body) == one.line
    assert api.create("ours-1", one.model, one.file_id, endpoint, one.window_h * 3600) == one.create
    assert api.batch_id(one.created) == one.batch_id
    assert api.status(one.batch_id) == one.status
    assert api.cancel(one.batch_id) == one.cancel
    assert api.delete(one.file_id or one.batch_id) == one.delete
    assert api.batches({}) == one.batches


@pytest.mark.parametrize("name", NAMES)
def test_its_replies_read_as_the_reference_says(name: str) -> None:
    one, api = example(name), BATCH_APIS[BatchForm(name)]
    for told in one.statuses:
        assert api.read_status(told.reply) == told.status, told.reply
        assert api.results(one.batch_id, told.reply) == told.results, told.reply
    for line in one.lines:
        read = api.read_line(line.line)
        assert read.custom_id == line.custom_id
        assert (read.end, read.status_code, read.is_free) == (line.end, line.status_code, line.is_free)
        if line.body is not None:
            assert read.body == line.body
    assert api.read_batches(one.listed.reply, {}) == Page(one.listed.entries, one.listed.next_query)
    if one.files is not None:
        assert api.by_files is not None
        assert api.by_files.read_files(one.files.reply, {}) == Page(one.files.entries, one.files.next_query)
