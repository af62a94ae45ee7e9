"""Plays defects on a copy of the tree and sees whether a test fails."""

import os
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from tests.mutants.mutant import ROOT, Mutant

LIMIT_S = 150.0
TEST_LIMIT_S = 40
PACKAGES = ("router", "sandbox", "schemas", "streams", "warehouse", "dashboard")
TESTS_FAILED = 1
"""pytest's exit code; any other than 0 says that no test has judged."""


class Verdict(StrEnum):
    """What came of a defect."""

    CAUGHT = "caught"
    SURVIVED = "survived"
    NOT_FOUND = "not found"
    """The place is no longer in the code."""
    NOT_JUDGED = "not judged"
    """The tests could not be run: the defect does not compile, or there are no such tests."""


@dataclass(frozen=True, slots=True)
class Result:
    """How one trial ended. `by` is the first test that failed, or why there was none."""

    mutant: Mutant
    verdict: Verdict
    by: str
    seconds: float


class Copy:
    """A copy of the tree in which one defect at a time is played."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
        listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
        for name in filter(None, listed.split("\0")):
            if (ROOT / name).is_file():
                (folder / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(ROOT / name, folder / name)
        # byte code by the text's hash: what was compiled may be of the same second and size as a defect
        compile_all = [sys.executable, "-m", "compileall", "-q", "--invalidation-mode", "checked-hash", *PACKAGES]
        subprocess.run(compile_all, cwd=folder, check=True)

    def play(self, mutant: Mutant) -> Result:
        """Put the defect in, run its tests until one fails, and take it out again."""
        start = time.monotonic()
        path = self._folder / mutant.file
        try:
            sound = path.read_text()
            path.write_text(mutant.applied_to(sound))
        except (LookupError, FileNotFoundError) as error:
            return Result(mutant, Verdict.NOT_FOUND, str(error), 0.0)
        try:
            verdict, by = self._judge(mutant.tests)
        finally:
            path.write_text(sound)
        return Result(mutant, verdict, by, time.monotonic() - start)

    def sound(self, tests: tuple[str, ...]) -> str | None:
        """Run tests without any defect; return what is wrong, or None."""
        verdict, by = self._judge(tests)
        return None if verdict is Verdict.SURVIVED else by

    def _judge(self, tests: tuple[str, ...]) -> tuple[Verdict, str]:
        command = [sys.executable, "-m", "pytest", "-x", "-q", "--no-header", "--tb=no", "-p", "no:cacheprovider"]
        command += ["--hypothesis-profile=unshrunk", f"--timeout={TEST_LIMIT_S}", *tests]
        environment = {**os.environ, "PYTHONPATH": str(self._folder)}  # not the installed tree
        environment.pop("PYTHONDONTWRITEBYTECODE", None)
        try:
            done = subprocess.run(
                command,
                cwd=self._folder,
                env=environment,
                capture_output=True,
                text=True,
                timeout=LIMIT_S,
                check=False,
            )
        except subprocess.TimeoutExpired:
            return Verdict.NOT_JUDGED, f"nothing ended within {LIMIT_S:.0f} s"
        if done.returncode == 0:
            return Verdict.SURVIVED, "every test passed"
        failed = next((line for line in done.stdout.splitlines() if line.startswith("FAILED ")), None)
        if done.returncode == TESTS_FAILED and failed is not None:
            return Verdict.CAUGHT, failed.removeprefix("FAILED ").partition(" - ")[0]
        return Verdict.NOT_JUDGED, (done.stdout + done.stderr).strip()[-300:]
