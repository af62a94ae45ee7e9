"""The page of all settings in the documentation, made from `Settings`: `make settings`."""

import sys
from argparse import ArgumentParser
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from pydantic_core import PydanticUndefined

from streams.config.settings import Settings, variable

PATH = "settings.md"


@dataclass(frozen=True, slots=True)
class SettingRow:
    """One setting, for the documentation."""

    name: str
    default: str
    """Empty: none, or one that depends on the machine."""
    description: str


def settings_table() -> list[SettingRow]:
    """Return every setting, in the order of `Settings`."""
    return [
        SettingRow(variable(name), _as_text(field.default), field.description or "")
        for name, field in Settings.model_fields.items()
    ]


def document() -> str:
    """Return the page."""
    return "\n".join(_lines())


def _lines() -> Iterator[str]:
    yield from (
        "# Settings",
        "",
        "Made from `streams/config/settings.py` by `make settings`. Each is a variable of the environment, or a line",
        "of a file that `--env-file` names; an option of a command goes before the environment, that before the file.",
        "A name with `TURNOUT_` that is not here stops the start, as does a wrong value, with one sentence that names",
        "the variable and the fix. What models cost and when they are left alone stands in the catalogue instead.",
        "",
        "| setting | default | what it says |",
        "|---|---|---|",
    )
    for row in settings_table():
        default = f"`{row.default}`" if row.default else ""
        yield f"| `{row.name}` | {default} | {row.description.replace('|', chr(92) + '|')} |"
    yield ""


def _as_text(default: object) -> str:
    if default is None or default is PydanticUndefined or default in ((), {}):
        return ""
    return str(default).lower() if isinstance(default, bool) else str(default)


def main() -> None:
    """Write the page into the folder that the command line names."""
    parser = ArgumentParser(prog="python -m streams.config.settings_page", description=__doc__)
    parser.add_argument("folder", type=Path, help="where the documentation is")
    path: Path = parser.parse_args().folder / PATH
    path.write_text(document(), encoding="utf-8")
    sys.stdout.write(f"{path}\n")


if __name__ == "__main__":
    main()
