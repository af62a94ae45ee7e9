"""The documents and the docstrings name only what exists: files, modules, functions, and pages to go on to.

Three forms are held, in backticks: `router/errors.py` is a path from the root of the repository,
`router/errors.py:Next` a name in that file, `router.errors.Next` the same as Python spells it. A name is one that its
file defines.
"""

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGES = ("schemas", "router", "streams", "sandbox", "warehouse", "dashboard", "tests", "bench")
FOLDERS = (*PACKAGES, "docs", "examples")
DOCUMENTS = [page for page in (*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")) if page.name != "CHANGELOG.md"]
"""The changelog tells of what was."""
CODE = [path for package in PACKAGES for path in ROOT.glob(f"{package}/**/*.py")]

QUOTED = re.compile(r"`([^`\s]+)`")
PATH = re.compile(rf"((?:{'|'.join(FOLDERS)})/[\w./*-]*|\S+\.py)(?::([\w.]+))?")
DOTTED = re.compile(rf"(?:{'|'.join(PACKAGES)})(?:\.\w+)+")
LINK = re.compile(r"\]\(([^)\s]+)\)")
HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)


@cache
def defined(path: Path) -> frozenset[str]:
    """Return what a module defines: its names, and its classes' own as `Class.name`."""
    return frozenset(_names(ast.parse(path.read_text()).body))


def _names(body: list[ast.stmt], within: str = "") -> Iterator[str]:
    for node in body:
        match node:
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name):
                yield within + name
            case ast.ClassDef(name=name):
                yield within + name
                yield from _names(node.body, f"{within}{name}.")
            case ast.Assign(targets=targets):
                yield from (within + target.id for target in targets if isinstance(target, ast.Name))
            case ast.AnnAssign(target=ast.Name(id=name)):
                yield within + name
            case _:
                pass


def is_there(word: str) -> bool:
    """Say whether what the word names exists; a word that is none of the three forms names nothing."""
    if (match := PATH.fullmatch(word)) is not None:
        path, name = match.groups()
        return any(name is None or name in defined(found) for found in ROOT.glob(path.rstrip("/")))
    return DOTTED.fullmatch(word) is None or _module_has(word.split("."))


def _module_has(parts: list[str]) -> bool:
    for count in range(len(parts), 0, -1):
        path, name = ROOT.joinpath(*parts[:count]), ".".join(parts[count:])
        for module in (path.with_suffix(".py"), path / "__init__.py"):
            if module.is_file():
                return not name or name in defined(module)
        if path.is_dir() and not name:
            return True
    return False


@cache
def _anchors(page: Path) -> frozenset[str]:
    texts = (re.sub(r"[^\w\- ]", "", heading.lower()) for heading in HEADING.findall(page.read_text()))
    return frozenset(text.replace(" ", "-") for text in texts)


def leads_somewhere(page: Path, link: str) -> bool:
    """Say whether a relative link has an end, and the heading that it names."""
    path, _, anchor = link.partition("#")
    end = page.parent / path if path else page
    return end.exists() and (not anchor or anchor in _anchors(end))


@pytest.mark.parametrize("page", DOCUMENTS, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_relative_link_of_a_document_leads_somewhere(page: Path) -> None:
    links = [link for link in LINK.findall(page.read_text()) if "://" not in link]
    assert [link for link in links if not leads_somewhere(page, link)] == []


@pytest.mark.parametrize("path", [*DOCUMENTS, *CODE], ids=lambda path: str(path.relative_to(ROOT)))
def test_what_a_text_names_exists(path: Path) -> None:
    assert [word for word in QUOTED.findall(path.read_text()) if not is_there(word)] == []


def test_what_does_not_exist_is_found() -> None:
    assert is_there("router/errors.py:Next.STOP")
    assert is_there("tests/unit/router/*.py")
    assert is_there("streams.kafka.pinned")
    assert is_there("llm.costs.v1")
    for gone in (
        "router/mistakes.py",
        "errors.py",
        "router/errors.py:Previous",
        "router.errors.Next.GO",
        "streams.lane",
    ):
        assert not is_there(gone), gone
    assert leads_somewhere(ROOT / "README.md", "docs/security.md#who-may-write-where")
    assert not leads_somewhere(ROOT / "README.md", "docs/security.md#who-may-not")
