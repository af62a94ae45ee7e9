"""A deliberate defect: a place in the code, what stands there instead, and the promise that it breaks."""

import tomllib
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
LIST = ROOT / "tests" / "mutants.toml"
ONE_IN = 10
"""The gate plays every tenth."""


@dataclass(frozen=True, slots=True)
class Mutant:
    """One defect. `tests` are the paths that ought to catch it, as pytest takes them."""

    name: str
    promise: str
    file: str
    find: str
    replace: str
    tests: tuple[str, ...]

    def applied_to(self, text: str) -> str:
        """Return the file's text with the defect in it.

        Raises:
            LookupError: the place is not in the file, or stands there more than once.
        """
        found = text.count(self.find)
        if found != 1:
            raise LookupError(f"the place stands {found} times in {self.file}; correct `find` in tests/mutants.toml")
        return text.replace(self.find, self.replace)


def all_mutants(path: Path = LIST) -> tuple[Mutant, ...]:
    """Return the listed defects.

    Raises:
        TypeError: an entry lacks a key, or has one too many.
    """
    entries = tomllib.loads(path.read_text())["mutant"]
    return tuple(Mutant(**{**entry, "tests": tuple(entry["tests"])}) for entry in entries)


def some_mutants() -> tuple[Mutant, ...]:
    """Return those that the gate plays, always the same ones."""
    return all_mutants()[::ONE_IN]
