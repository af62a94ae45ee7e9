"""The cache of Apache Kafka's jars, filled by a stand-in for Maven."""

import subprocess
import sys
from pathlib import Path

import pytest

from sandbox.broker import BrokerUnavailableError
from sandbox.broker.distribution import KAFKA_VERSION, Distribution, find_java
from sandbox.broker.info import silent

# Writes a jar where -DoutputDirectory= says, and a line for each time it was called.
_MAVEN = """#!/bin/sh
echo called >> "$0.calls"
for argument; do case $argument in -DoutputDirectory=*) folder=${argument#*=} ;; esac; done
/bin/mkdir -p "$folder" && echo jar > "$folder/kafka.jar"
"""
_BROKEN_MAVEN = """#!/bin/sh
echo "[INFO] Scanning"
echo "[ERROR] Could not transfer artifact: Unknown host"
exit 1
"""


@pytest.fixture
def programs(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A folder that is all of PATH, and an empty cache."""
    folder = tmp_path / "programs"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))
    monkeypatch.delenv("JAVA_HOME", raising=False)
    monkeypatch.setenv("TURNOUT_KAFKA_CACHE", str(tmp_path / "cache"))
    return folder


def _write_program(path: Path, script: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(script)
    path.chmod(0o755)


@pytest.mark.parametrize(
    ("environment", "folder"),
    [
        ({"TURNOUT_KAFKA_CACHE": "/own"}, "/own"),
        ({"XDG_CACHE_HOME": "/xdg"}, "/xdg/turnout"),
        ({"HOME": "/someone"}, "/someone/.cache/turnout"),
    ],
)
def test_the_cache_is_where_the_environment_says(
    monkeypatch: pytest.MonkeyPatch, environment: dict[str, str], folder: str
) -> None:
    for name in ("TURNOUT_KAFKA_CACHE", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)

    assert Distribution.locate().folder == Path(folder, f"kafka-{KAFKA_VERSION}")


def test_kafka_is_downloaded_once_and_leaves_nothing_half_done(programs: Path) -> None:
    _write_program(programs / "mvn", _MAVEN)
    distribution = Distribution.locate()
    said: list[str] = []

    distribution.install(said.append)
    distribution.install(said.append)

    assert [jar.name for jar in distribution.folder.glob("jars/*")] == ["kafka.jar"]
    assert (programs / "mvn.calls").read_text() == "called\n"
    assert len(said) == 1
    assert {path.name for path in distribution.folder.parent.iterdir()} == {
        f"kafka-{KAFKA_VERSION}",
        f"kafka-{KAFKA_VERSION}.lock",
    }


def test_of_processes_that_download_at_once_one_does(programs: Path) -> None:
    _write_program(programs / "mvn", _MAVEN)
    code = "from sandbox.broker.distribution import *; Distribution.locate().install(print)"
    installing = [subprocess.Popen([sys.executable, "-c", code]) for _ in range(4)]

    assert [process.wait() for process in installing] == [0] * 4
    assert (programs / "mvn.calls").read_text() == "called\n"


def test_without_maven_the_package_is_named(programs: Path) -> None:
    assert not list(programs.iterdir())
    with pytest.raises(BrokerUnavailableError, match=r"No mvn in PATH.*apt-get install maven"):
        Distribution.locate().install(silent)


def test_a_failed_download_shows_mavens_error_and_leaves_no_folder(programs: Path) -> None:
    _write_program(programs / "mvn", _BROKEN_MAVEN)
    distribution = Distribution.locate()

    with pytest.raises(BrokerUnavailableError, match=r"Maven Central.*within reach\? \[ERROR\].*Unknown host"):
        distribution.install(silent)
    assert not distribution.folder.exists()


def test_a_cache_that_cannot_be_written_is_told(programs: Path) -> None:
    _write_program(programs / "mvn", _MAVEN)
    distribution = Distribution.locate()
    distribution.folder.parent.write_text("a file, not a folder")

    with pytest.raises(BrokerUnavailableError, match="cannot be kept in"):
        distribution.install(silent)


@pytest.mark.parametrize("version", ["17.0.15", "21", "25-ea"])
def test_a_java_that_is_new_enough_is_found(programs: Path, version: str) -> None:
    _write_program(programs / "java", f"#!/bin/sh\necho 'openjdk version \"{version}\"' >&2")

    assert find_java() == programs / "java"


@pytest.mark.parametrize("version", ["1.8.0_412", "11.0.2"])
def test_a_java_that_is_too_old_is_named(programs: Path, version: str) -> None:
    _write_program(programs / "java", f"#!/bin/sh\necho 'openjdk version \"{version}\"' >&2")

    with pytest.raises(BrokerUnavailableError, match=f'{version}".*needs Java 17 or newer: apt-get install'):
        find_java()


def test_java_home_goes_before_path(monkeypatch: pytest.MonkeyPatch, programs: Path, tmp_path: Path) -> None:
    script = "#!/bin/sh\necho 'openjdk version \"17\"' >&2"
    _write_program(programs / "java", script)
    _write_program(tmp_path / "home/bin/java", script)
    monkeypatch.setenv("JAVA_HOME", str(tmp_path / "home"))

    assert find_java() == tmp_path / "home/bin/java"


def test_only_a_whole_class_archive_is_kept(tmp_path: Path) -> None:
    distribution = Distribution(tmp_path / "kafka")
    distribution.folder.mkdir()
    dumped = tmp_path / "dumped"

    distribution.keep_class_archive(dumped)
    assert not distribution.class_archive.exists()

    dumped.write_text("classes")
    distribution.keep_class_archive(dumped)
    assert [path.name for path in distribution.folder.iterdir()] == ["classes.jsa"]
