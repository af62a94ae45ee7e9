"""The documents in `docs/` say what the code says."""

import re
from decimal import Decimal
from pathlib import Path

import duckdb
import orjson

from router import state_machines
from schemas.costs import CostEvent
from schemas.export import MESSAGES, PUBLIC_TOPICS, documents
from schemas.topics import Topic
from streams.config import settings_page

DOCS = Path(__file__).parents[2] / "docs"
GOLDEN = Path(__file__).parent / "golden"
MEND = "the documents are stale; run `make schemas` and commit them with the change"


def test_the_committed_schemas_are_those_of_the_code() -> None:
    expected = documents()
    stale = [path for path, text in expected.items() if not _is(DOCS / path, text)]
    left_over = {path.name for path in (DOCS / "schemas").iterdir()} - {Path(path).name for path in expected}
    assert not stale, f"{MEND}: {', '.join(stale)}"
    assert not left_over, f"no message has these schemas; delete them: {', '.join(sorted(left_over))}"


def test_the_documents_are_the_same_each_time() -> None:
    assert documents() == documents()


def test_every_topic_but_that_of_dead_letters_has_a_message_with_a_type_of_its_own() -> None:
    assert {spec.topic for spec in PUBLIC_TOPICS} - MESSAGES.keys() == {Topic.DEAD_LETTERS}
    assert len({message.type_name for message in MESSAGES.values()}) == len(MESSAGES)


def test_the_diagrams_are_those_of_the_tables() -> None:
    mend = "the diagrams are stale; run `make diagrams` and commit them with the change"
    assert _is(DOCS / state_machines.PATH, state_machines.document()), mend


def test_the_settings_are_those_of_the_code() -> None:
    mend = "the page is stale; run `make settings` and commit it with the change"
    assert _is(DOCS / settings_page.PATH, settings_page.document()), mend


def test_every_reference_leads_somewhere() -> None:
    written = {path: orjson.loads(text) for path, text in documents().items()}
    for path, document in written.items():
        for reference in re.findall(r'"\$ref": "([^"]+)"', documents()[path]):
            file, _, pointer = reference.partition("#")
            found = written[file.removeprefix("./")] if file else document
            for step in filter(None, pointer.split("/")):
                found = found[step]


def test_the_examples_in_the_documentation_are_golden() -> None:
    text = (DOCS / "messages.md").read_text(encoding="utf-8")
    examples = [orjson.loads(block) for block in re.findall(r"```json\n(.*?)```", text, re.DOTALL)]
    golden = [orjson.loads(path.read_bytes()) for path in GOLDEN.rglob("*.json")]
    assert len(examples) >= len(MESSAGES)
    assert [example for example in examples if example not in golden] == []


def test_the_examples_are_of_the_version_that_is_written() -> None:
    text = (DOCS / "messages.md").read_text(encoding="utf-8")
    examples = [orjson.loads(block) for block in re.findall(r"```json\n(.*?)```", text, re.DOTALL)]
    versions = {example["schema_version"] for example in examples if "event_id" in example}
    assert versions == {CostEvent.model_fields["schema_version"].default}


def test_the_join_of_costs_with_responses_keeps_tenants_and_records_apart() -> None:
    (join,) = re.findall(r"```sql\n(.*?)```", (DOCS / "messages.md").read_text(encoding="utf-8"), re.DOTALL)
    place = "'llm.requests.v1' AS request_topic, 0 AS request_partition, {offset} AS request_offset"
    rows = [("acme", "same-id", 1, "1"), ("beta", "same-id", 2, "10"), ("acme", "same-id", 3, "100")]
    with duckdb.connect() as database:
        for name, more in (("responses", ", 'qa' AS task, 'completed' AS status"), ("costs", "")):
            selects = [
                f"SELECT '{tenant}' AS tenant, '{request_id}' AS request_id, {place.format(offset=offset)}"
                + (more or f", '{tenant}-{offset}' AS event_id, '{usd}' AS cost_usd, 'metered' AS certainty")
                for tenant, request_id, offset, usd in rows
            ]
            database.execute(
                f"CREATE TABLE {name} AS {' UNION ALL '.join([*selects, *selects[:1]][: 3 if more else 4])}"
            )
        found = {(tenant, usd) for tenant, _, _, _, usd, _ in database.execute(join).fetchall()}
    assert found == {("acme", Decimal(101)), ("beta", Decimal(10))}


def test_the_documentation_names_every_topic() -> None:
    text = (DOCS / "messages.md").read_text(encoding="utf-8")
    assert [topic for topic in Topic if f"`{topic}`" not in text] == []


def _is(path: Path, text: str) -> bool:
    return path.is_file() and path.read_text(encoding="utf-8") == text
