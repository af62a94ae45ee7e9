"""What `turnout feedback` reads and where it sends it, and what `turnout quality` shows."""

import re
from io import StringIO
from pathlib import Path

import orjson
import pytest
from aiokafka.partitioner import DefaultPartitioner
from pydantic import JsonValue
from rich.console import Console

from schemas.quality import ModelQuality
from streams.cli.feedback import NotSent, addressed, overridden, partition_of
from streams.cli.quality import quality_table

GOLDEN = Path(__file__).parents[2] / "contract" / "golden" / "v1"
SAID: dict[str, JsonValue] = {"request_id": "r-1", "score": 1, "source": "ann"}


def test_a_line_says_what_and_where() -> None:
    one = addressed({**SAID, "key": "conversation-7", "offset": 9})
    assert (one.feedback.value, one.feedback.response_offset, one.key, one.partition) == (
        1.0,
        9,
        b"conversation-7",
        None,
    )
    assert addressed(SAID).key == b"r-1"
    assert addressed({**SAID, "request_partition": 3}).partition == 3


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"score": 2}, "score: Input should be less than or equal to 1"),
        ({"score": None}, "score: give a `score` from 0 to 1 or a `label` (good, fair, bad), and not both"),
        ({"label": "good"}, "score: give a `score` from 0 to 1 or a `label` (good, fair, bad), and not both"),
        ({"source": "a/b"}, "source: must hold no control character, slash or star; it is told as TENANT/SOURCE"),
        ({"source": None}, "source: Field required"),
        ({"kind": "Person"}, "kind: should be one of person, check, judge"),
        ({"kind": "built-in"}, "kind: should be one of person, check, judge"),
        ({"sorce": "ann"}, "sorce: is no field of feedback; docs/quality.md lists them"),
        ({"partition": "1"}, "partition: must be a whole number, that of the response's partition"),
        ({"key": 7}, "key: must be a string, what the request was keyed by"),
    ],
)
def test_what_is_no_feedback_is_refused_by_its_field(changes: dict[str, JsonValue], complaint: str) -> None:
    with pytest.raises(NotSent, match=f"^{re.escape(complaint)}$"):
        addressed({**SAID, **changes})


def test_null_is_as_good_as_leaving_a_field_out() -> None:
    optional: dict[str, JsonValue] = dict.fromkeys(("schema_version", "tenant", "label", "kind", "response_offset"))
    assert addressed({**SAID, **optional}) == addressed(SAID)
    assert addressed({**SAID, "tenant": None}).feedback.model_fields_set == addressed(SAID).feedback.model_fields_set


@pytest.mark.parametrize(
    ("line", "given", "together"),
    [
        ({"label": "bad", "source": "ann"}, {"score": 1.0}, {"score": 1.0, "source": "ann"}),
        ({"score": 1}, {"label": "bad"}, {"label": "bad"}),
        ({"score": 1, "request_partition": 3, "key": "a"}, {"key": "b"}, {"score": 1, "key": "b"}),
        ({"score": 1, "request_partition": 3, "key": "a"}, {"partition": 4}, {"score": 1, "partition": 4}),
        ({"score": 1, "offset": 3}, {"response_offset": 4}, {"score": 1, "response_offset": 4}),
    ],
)
def test_an_option_goes_before_what_a_line_says_in_other_words(
    line: dict[str, JsonValue], given: dict[str, JsonValue], together: dict[str, JsonValue]
) -> None:
    assert overridden(line, given) == together


@pytest.mark.parametrize("request_id", ["r-1", "faq-0042", "Huế", "x" * 200])
def test_feedback_goes_where_clients_put_a_request_of_its_key(request_id: str) -> None:
    partitions = list(range(32))
    theirs = DefaultPartitioner()(request_id.encode(), partitions, partitions)
    assert partition_of(addressed({**SAID, "request_id": request_id}), 32, 32) == theirs


def test_a_partition_that_the_topic_lacks_is_named_with_the_fix() -> None:
    with pytest.raises(NotSent, match="has no partition 9, only 8; correct it, or add partitions"):
        partition_of(addressed({**SAID, "partition": 9}), 8, 8)


def test_the_table_shows_means_with_their_margins_by_kind_and_who_is_outvoted() -> None:
    record = ModelQuality.decode((GOLDEN / "model-quality.json").read_bytes())
    nothing = ModelQuality.model_validate(
        {**orjson.loads(record.encode()), "weight": 0, "count": 0, "by_kind": {}, "sources": [], "answers": 0}
    )
    console = Console(file=StringIO(), width=140)
    console.print(quality_table([record, nothing]))
    shown = console.file.getvalue()  # type: ignore[attr-defined]  # it is a StringIO
    told = r"qa +easy +any +deepseek-v3.2 +0.81 +0.03 +310 +412 +0.59 \(212\) +0.81 \(200\) +97.0% +1,830"
    assert re.search(told, shown)
    assert re.search(r"qa +easy +any +deepseek-v3.2 +0 +0 +0 *\n", shown)
    assert "deepseek-v3.2, qa, easy, any: acme/mallory (person, 100 scores, mean 0.00) is outvoted" in shown
