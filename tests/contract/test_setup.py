"""`tests/setup` on a machine that lacks everything, really run: only its PATH is bare."""

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

SETUP = Path(__file__).parents[1] / "setup"
SHELL = shutil.which("sh")


def run(path: Path, *names: str, user: str | None = None) -> "subprocess.CompletedProcess[str]":
    assert SHELL is not None
    return subprocess.run(
        [SHELL, "-s", "--", *names],
        input=SETUP.read_text(),
        env={"PATH": str(path), "PYTHON": sys.executable},
        user=user,
        cwd="/",
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )


def test_a_machine_with_python_alone_is_told_in_one_sentence_what_it_lacks(tmp_path: Path) -> None:
    done = run(tmp_path, "java", "maven", "chromium", "kcat")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == (
        "This machine lacks Java 17 or newer, Maven (mvn), Chromium (chromium), kcat: install what is missing "
        "(on Debian: apt-get install default-jre-headless maven chromium kcat), then run this again.\n"
    )


def test_nothing_is_installed_and_no_more_said_when_all_is_there(tmp_path: Path) -> None:
    done = run(tmp_path, "venv")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_without_names_everything_is_looked_for(tmp_path: Path) -> None:
    done = run(tmp_path)
    assert done.returncode == 1
    assert all(program in done.stderr for program in ("Java", "mvn", "chromium", "kcat"))


def test_an_unknown_name_is_a_mistake(tmp_path: Path) -> None:
    done = run(tmp_path, "kcat", "cow")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "tests/setup knows venv java maven chromium postgres kcat valgrind, not 'cow'.\n"


@pytest.mark.parametrize(("version", "enough"), [("1.8.0_392", 0), ("11.0.2", 0), ("17.0.15", 1), ("25", 1)])
def test_an_old_java_is_none(tmp_path: Path, version: str, enough: int) -> None:
    java = tmp_path / "java"
    java.write_text(
        f"#!{SHELL}\necho 'Picked up JAVA_TOOL_OPTIONS: -Dx=1' >&2\necho 'openjdk version \"{version}\"' >&2\n"
    )
    java.chmod(0o755)
    assert run(tmp_path, "java").returncode == 1 - enough


def test_without_the_right_to_install_apt_get_is_left_alone() -> None:
    looked = shutil.which("id")
    assert looked is not None
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder)
        path.chmod(0o755)  # for a user without rights, where the tests are root's
        (path / "id").symlink_to(looked)
        (path / "apt-get").write_text(f"#!{SHELL}\necho apt-get ran\n")
        (path / "apt-get").chmod(0o755)
        done = run(path, "kcat", user="nobody" if os.getuid() == 0 else None)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("This machine lacks kcat:")
