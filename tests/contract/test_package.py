"""What the wheel must carry besides the code, and what is installed beside it."""

import re
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())


def test_every_package_that_is_shipped_says_that_it_is_typed() -> None:
    shipped = PROJECT["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]
    assert len(shipped) > 5
    assert [name for name in shipped if not (ROOT / name / "py.typed").is_file()] == []


def test_the_licence_is_the_one_that_is_declared() -> None:
    assert PROJECT["project"]["license"] == "Apache-2.0"
    text = (ROOT / "LICENSE").read_text()
    assert "Apache License\n                           Version 2.0, January 2004" in text
    assert text.rstrip().endswith("limitations under the License.")


LOCKED = re.compile(r"([a-z0-9-]+)==[^ ]+(?: ; [^\\]+)?((?: --hash=sha256:[0-9a-f]{64})+)")


def locked() -> list[str]:
    """The lock's entries, one a line."""
    return re.sub(r" \\\n +", " ", (ROOT / "requirements.lock").read_text()).splitlines()


def test_whatever_is_installed_is_locked_by_version_and_hash_and_by_no_address() -> None:
    assert [entry for entry in locked() if not LOCKED.fullmatch(entry)] == []


def test_what_the_project_asks_for_is_in_the_lock() -> None:
    asked = PROJECT["project"]["dependencies"] + PROJECT["dependency-groups"]["dev"]
    asked += [name for extra in PROJECT["project"]["optional-dependencies"].values() for name in extra]
    asked += PROJECT["build-system"]["requires"]
    names = {re.split(r"[^A-Za-z0-9-]", requirement)[0] for requirement in asked}
    assert names - {entry.split("==")[0] for entry in locked()} == set()


IMAGE = re.compile(r"[a-z0-9./-]+:[A-Za-z0-9._-]+@sha256:[0-9a-f]{64}")
NAMES_AN_IMAGE = re.compile(r"^\s*(?:FROM\s+|ARG\s+BASE=|BASE:\s*|image:\s*|-?\s*COPY\s+--from=)(\S+)", re.MULTILINE)
OURS = {"${BASE}", "build", "turnout"}
"""A variable, a stage, and the image that is built."""


def images(name: str) -> list[str]:
    """What a file names as an image, by default."""
    named = NAMES_AN_IMAGE.findall((ROOT / name).read_text())
    return [re.sub(r"^\$\{\w+:-(.*)\}$", r"\1", image) for image in named if image not in OURS]


def test_every_image_is_named_by_its_digest_and_alike_in_every_file() -> None:
    files = [path.name for path in ROOT.iterdir() if re.match(r"(Docker|Container)file|(docker-)?compose", path.name)]
    found = {name: images(name) for name in files}
    assert set(found) == {"Dockerfile", "compose.yaml"}
    assert all(found.values())
    named = [image for some in found.values() for image in some]
    assert [image for image in named if not IMAGE.fullmatch(image)] == []
    repositories = {image.partition(":")[0] for image in named}
    assert len(repositories) == len(set(named)), "one image has two digests"
