"""Apache Kafka from Maven Central, kept in a cache folder."""

import contextlib
import fcntl
import os
import re
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from sandbox.broker.info import BrokerUnavailableError, Progress

KAFKA_VERSION = "4.4.0"
_LOG4J_VERSION = "2.25.5"  # the one that this Kafka brings
_COPY_DEPENDENCIES = "org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy-dependencies"
_OLDEST_JAVA = 17
_DOWNLOAD_TIMEOUT_S = 600

_POM = f"""\
<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>turnout</groupId><artifactId>sandbox-kafka</artifactId><version>1</version>
  <dependencies>
    <dependency>
      <groupId>org.apache.kafka</groupId><artifactId>kafka_2.13</artifactId><version>{KAFKA_VERSION}</version>
    </dependency>
    <dependency>
      <groupId>org.apache.logging.log4j</groupId><artifactId>log4j-slf4j-impl</artifactId>
      <version>{_LOG4J_VERSION}</version>
    </dependency>
  </dependencies>
</project>
"""


@dataclass(frozen=True, slots=True)
class Distribution:
    """Apache Kafka's folder in the cache, filled by `install`."""

    folder: Path

    @classmethod
    def locate(cls) -> Self:
        """In TURNOUT_KAFKA_CACHE, else in `turnout` in XDG_CACHE_HOME or ~/.cache."""
        own = os.environ.get("TURNOUT_KAFKA_CACHE")
        cache = Path(own) if own else Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "turnout"
        return cls(cache.absolute() / f"kafka-{KAFKA_VERSION}")

    @property
    def class_path(self) -> str:
        """All of its jars, as `java -cp` takes them."""
        return f"{self.folder}/jars/*"

    @property
    def class_archive(self) -> Path:
        """Where its loaded classes are kept once dumped: they halve the start (https://openjdk.org/jeps/350)."""
        return self.folder / "classes.jsa"

    def install(self, on_progress: Progress) -> None:
        """Have Maven download it if it is not there yet.

        Safe when several processes do it at once: one downloads, the others wait for it.
        Raises BrokerUnavailableError when Maven is missing or cannot download.
        """
        cache = self.folder.parent
        try:
            if not self.folder.is_dir():
                cache.mkdir(parents=True, exist_ok=True)
                with (cache / f"{self.folder.name}.lock").open("w") as lock:
                    fcntl.flock(lock, fcntl.LOCK_EX)
                    if not self.folder.is_dir():
                        _download(self.folder, on_progress)
        except OSError as error:
            raise BrokerUnavailableError(f"Apache Kafka cannot be kept in {cache}: {error}") from error

    def keep_class_archive(self, dumped: Path) -> None:
        """Take over what a JVM dumped, if it did. A cache that cannot be written merely goes without."""
        with contextlib.suppress(OSError):
            if dumped.exists() and not self.class_archive.exists():
                # Renamed into place, because a JVM aborts on half an archive.
                unfinished = self.class_archive.with_suffix(f".{os.getpid()}")
                shutil.copyfile(dumped, unfinished)
                unfinished.rename(self.class_archive)


def find_java() -> Path:
    """The `java` of JAVA_HOME or PATH. Raises BrokerUnavailableError when there is none or it is too old."""
    home = os.environ.get("JAVA_HOME")
    found = shutil.which("java", path=f"{home}/bin") if home else shutil.which("java")
    fix = f"Apache Kafka needs Java {_OLDEST_JAVA} or newer: apt-get install openjdk-17-jre-headless"
    if found is None:
        raise BrokerUnavailableError(f"No java in {'JAVA_HOME' if home else 'PATH'}. {fix}")
    shown = subprocess.run([found, "-version"], capture_output=True, text=True, check=False).stderr  # noqa: S603
    version = re.search(r'version "(\d+)', shown)
    if version is None or int(version[1]) < _OLDEST_JAVA:
        raise BrokerUnavailableError(f"{found} is {shown.partition(os.linesep)[0] or 'broken'}. {fix}")
    return Path(found)


def _download(folder: Path, on_progress: Progress) -> None:
    maven = shutil.which("mvn")
    if maven is None:
        raise BrokerUnavailableError(
            f"No mvn in PATH to download Apache Kafka {KAFKA_VERSION} with: apt-get install maven"
        )
    on_progress(f"Downloading Apache Kafka {KAFKA_VERSION} from Maven Central into {folder} (43 MB, once).")
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=f"{folder.name}-") as temporary:
        pom = Path(temporary, "pom.xml")
        pom.write_text(_POM)
        complete = Path(temporary, "complete")
        command: list[str | Path] = [
            maven,
            "-B",
            "-f",
            pom,
            _COPY_DEPENDENCIES,
            f"-DoutputDirectory={complete / 'jars'}",
        ]
        command.append("-DincludeScope=runtime")
        try:
            done = subprocess.run(  # noqa: S603 -- our own command line
                command, capture_output=True, text=True, check=False, timeout=_DOWNLOAD_TIMEOUT_S
            )
        except subprocess.TimeoutExpired as error:
            raise BrokerUnavailableError(f"Maven took longer than {_DOWNLOAD_TIMEOUT_S} s to download.") from error
        if done.returncode != 0:
            errors = [line for line in done.stdout.splitlines() if line.startswith("[ERROR]")]
            raise BrokerUnavailableError(
                f"Maven cannot download Apache Kafka {KAFKA_VERSION}; is Maven Central, or a mirror of it in Maven's "
                f"settings.xml, within reach? {errors[0] if errors else done.stdout[-500:] + done.stderr[-500:]}"
            )
        complete.rename(folder)
