"""What OpenAI is sent for a batch: the form that a file comes in, its lines, and the window."""

from collections.abc import Sequence

import orjson
from pydantic import JsonValue

from sandbox.provider.batches.jobs import Line
from sandbox.provider.batches.openai_words import HOUR_S
from sandbox.provider.models import ReferenceModel, find_model

_MOST_LINES = 50_000


class InvalidInput(Exception):  # noqa: N818 - named after the batch that it fails
    """The input cannot be a batch; with OpenAI's code and the line."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


def window_s(text: JsonValue) -> float:
    """Return how long a `completion_window` is: 24 h unless it says otherwise."""
    hours = {"h": 1, "d": 24}
    if isinstance(text, str) and text[:-1].isdecimal() and text[-1] in hours:
        return int(text[:-1]) * hours[text[-1]] * HOUR_S
    return 24 * HOUR_S


def read_lines(content: bytes, of_all: str | None) -> tuple[Sequence[Line], ReferenceModel]:
    """Return the lines of a file, and the model that all of them ask. Raises InvalidInput."""
    lines: list[Line] = []
    names: set[str] = set()
    models: set[str] = set()
    for number, raw in enumerate(content.splitlines(), start=1):
        try:
            value = orjson.loads(raw)
        except orjson.JSONDecodeError:
            raise InvalidInput("invalid_json_line", f"This line is not parseable as valid JSON: {number}.") from None
        body, custom_id = value.get("body"), value.get("custom_id")
        if not isinstance(body, dict) or not isinstance(custom_id, str):
            raise InvalidInput("missing_required_parameter", f"custom_id or body is missing in line {number}.")
        if custom_id in names:
            raise InvalidInput("duplicate_custom_id", f"The custom_id {custom_id!r} is there twice.")
        names.add(custom_id)
        if of_all is not None:
            body = {**body, "model": of_all}
        models.add(str(body.get("model")))
        lines.append(Line(custom_id, orjson.dumps(body)))
    if not lines:
        raise InvalidInput("empty_file", "The file is empty.")
    if len(lines) > _MOST_LINES:
        raise InvalidInput("too_many_tasks", f"A batch has {_MOST_LINES} requests at the most.")
    if len(models) > 1:
        raise InvalidInput("mismatched_model", "All requests of a batch are for one model.")
    (name,) = models
    model = find_model(name)
    if model is None:
        raise InvalidInput("model_not_found", f"The model {name!r} does not exist.")
    return lines, model


def parse_form(body: bytes, content_type: bytes) -> dict[str, tuple[str, bytes]] | None:
    """Return the fields of a form, each with its file's name and its content (RFC 7578); None: it is none."""
    kind, _, boundary = content_type.partition(b"boundary=")
    if not kind.startswith(b"multipart/form-data") or not boundary:
        return None
    fields: dict[str, tuple[str, bytes]] = {}
    for part in body.split(b"--" + boundary.strip(b'"'))[1:-1]:
        head, _, content = part.partition(b"\r\n\r\n")
        told = dict(
            item.strip().partition("=")[::2]
            for line in head.decode("latin-1").split("\r\n")
            if line.lower().startswith("content-disposition")
            for item in line.split(";")[1:]
        )
        fields[told.get("name", "").strip('"')] = (told.get("filename", "").strip('"'), content.removesuffix(b"\r\n"))
    return fields
