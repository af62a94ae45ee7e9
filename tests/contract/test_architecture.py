"""`docs/architecture.md` is for newcomers: its steps name code, its searches find it, each word has one meaning.

That what it names exists is shown by `tests/contract/test_references.py`.
"""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/architecture.md").read_text()
NAMED = re.compile(r"`((?:schemas|router|streams|sandbox|warehouse|dashboard)/[\w/]+\.py)(?::[\w.]+)?`")


def section(title: str) -> str:
    return PAGE.split(f"\n## {title}\n")[1].split("\n## ")[0]


def rows(title: str) -> list[list[str]]:
    """Return the cells of the section's table, without its head."""
    table = section(title).strip().splitlines()
    return [[cell.strip() for cell in line.strip("| ").split(" | ")] for line in table if line.startswith("| ")][1:]


def steps(title: str) -> list[str]:
    """Return the texts of a walk's steps, which are numbered from 1."""
    found = re.findall(r"^(\d+)\. (.+(?:\n {3,}.+)*)", section(title), re.MULTILINE)
    assert [int(number) for number, _ in found] == list(range(1, len(found) + 1))
    return [text for _, text in found]


@pytest.mark.parametrize(
    ("title", "least"), [("One request", 15), ("One cost event", 8), ("One outcome into shared health", 8)]
)
def test_every_step_of_a_walk_names_its_code(title: str, least: int) -> None:
    texts = steps(title)
    assert len(texts) >= least
    assert [text for text in texts if not NAMED.search(text)] == []


def test_each_search_finds_a_file_of_its_answer_and_the_files_are_counted() -> None:
    questions = rows("Where eight things are decided")
    assert len(questions) == 8
    for question, search, answer, count in questions:
        files = set(NAMED.findall(answer))
        assert len(files) == int(count), question
        match = re.fullmatch(r'`git grep -n "?(.+?)"? -- (\w+)`', search)
        assert match is not None, search
        words, package = match.groups()
        assert [file for file in files if file.startswith(package) and words in (ROOT / file).read_text()], question


def test_every_word_has_one_meaning_and_an_owner() -> None:
    words = rows("Words")
    assert [whose for _, whose, *_ in words if whose not in {"Kafka", "field", "ours"}] == []
    assert [word for word, _, meaning, *_ in words if not meaning] == []
    names = [name.strip() for word, *_ in words for name in word.split(",")]
    assert len(names) > 100
    assert sorted({name for name in names if names.count(name) > 1}) == []
    assert [word for word, *_ in words] == sorted((word for word, *_ in words), key=str.lower)


def test_every_room_is_in_the_table() -> None:
    rooms = {cells[0].strip("`") for cells in rows("Rooms")}
    folders = {
        f"{folder.relative_to(ROOT)}/"
        for top in ("router", "streams")
        for folder in (ROOT / top).iterdir()
        if (folder / "__init__.py").is_file()
    }
    assert folders - rooms == set()
