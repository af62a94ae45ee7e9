"""The documents in `docs/` say what the code says."""

import re
from pathlib import Path

import orjson

from router import state_machines
from schemas.export import MESSAGES, PUBLIC_TOPICS, documents
from schemas.topics import Topic

DOCS = Path(__file__).parents[2] / "docs"
GOLDEN = Path(__file__).parent / "golden" / "v1"
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
    golden = [orjson.loads(path.read_bytes()) for path in GOLDEN.iterdir()]
    assert len(examples) >= len(MESSAGES)
    assert [example for example in examples if example not in golden] == []


def test_the_documentation_names_every_topic() -> None:
    text = (DOCS / "messages.md").read_text(encoding="utf-8")
    assert [topic for topic in Topic if f"`{topic}`" not in text] == []


def _is(path: Path, text: str) -> bool:
    return path.is_file() and path.read_text(encoding="utf-8") == text
