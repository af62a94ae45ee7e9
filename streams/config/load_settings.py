"""Reads the settings from options, environment and file, or says in one sentence which is wrong and what it must be."""

import os
from collections.abc import Iterable
from pathlib import Path

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from streams.config.complaints import closest, complaint
from streams.config.env_file import SettingsError, names_in
from streams.config.settings import PREFIX, Settings, variable

OTHERS = (
    "TURNOUT_KAFKA_CACHE",  # where the sandbox keeps Apache Kafka
    "TURNOUT_TEST_",  # the test suites' own
    "TURNOUT_PORT",  # Kubernetes sets this and the next for a Service named turnout
    "TURNOUT_SERVICE_",
)
"""Beginnings of variables with the prefix that are no settings."""

_VARIABLES = tuple(map(variable, Settings.model_fields))


def load_settings(env_file: Path | None = None, **overrides: object) -> Settings:
    """Read the settings: `overrides` before the environment before `env_file` before the defaults.

    Args:
        env_file: lines of `NAME=value`; variables without the prefix are not Turnout's and are passed over.
        overrides: fields by name, as options of a command give them; None is not given.

    Raises:
        SettingsError: a variable is unknown or wrong, or the file cannot be read; one sentence, never with a value.
        TypeError: an override is no field.
    """
    given = {name: value for name, value in overrides.items() if value is not None}
    if unknown := given.keys() - Settings.model_fields.keys():
        raise TypeError(f"load_settings() got unknown settings: {', '.join(sorted(unknown))}")
    if env_file is not None:
        _check_names(names_in(env_file), f" in {env_file}")
    _check_names(os.environ, "")
    try:
        return Settings(_env_file=env_file, **given)  # type: ignore[arg-type]  # pydantic checks them
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
    # Outside the handler: the error that pydantic raised holds the values, and secrets among them.
    raise SettingsError(_sentence(first))


def _sentence(error: ErrorDetails) -> str:
    field, *inside = error["loc"] or ("",)
    if not field:
        return f"{complaint(error)}."
    name = variable(str(field))
    match inside:
        case [int(index), *_]:
            name += f" (entry {index + 1})"
        case [str(key), *_]:
            name += f' (entry "{key}")'
    return f"{name} {complaint(error)}."


def _check_names(names: Iterable[str], where: str) -> None:
    for name in sorted(names):
        upper = name.upper()
        if upper.startswith(PREFIX) and upper not in _VARIABLES and not upper.startswith(OTHERS):
            meant = closest(upper, _VARIABLES)
            raise SettingsError(f"{name}{where} is no setting; {f'did you mean {meant}?' if meant else 'remove it.'}")
