"""A file of settings: lines of `NAME=value`.

TurnoutError
└── SettingsError        the operator's; only at start-up
"""

from pathlib import Path

from dotenv.parser import parse_stream

from router.errors import TurnoutError


class SettingsError(TurnoutError):
    """Settings that cannot be used. The message is one sentence with the variable and the fix, and never a value."""


def names_in(env_file: Path) -> list[str]:
    """Return the names that the file gives values, in order.

    Raises:
        SettingsError: it cannot be read, or a line is no `NAME=value`; one sentence, never with a value.
    """
    try:
        with env_file.open(encoding="utf-8-sig") as lines:
            bindings = list(parse_stream(lines))
    except OSError as error:
        raise SettingsError(f"{env_file} cannot be read ({error.strerror}); name an existing file.") from None
    except UnicodeDecodeError:
        bindings = None
    if bindings is None:
        # Outside the handler: a decoding error carries the whole file.
        raise SettingsError(f"{env_file} is not UTF-8; save the file as UTF-8.")
    for binding in bindings:
        if binding.error or (binding.key is not None and binding.value is None):
            text = binding.original.string
            line = binding.original.line + text[: len(text) - len(text.lstrip())].count("\n")
            raise SettingsError(f"{env_file}: line {line} is not NAME=value; mend it.")
    return [binding.key for binding in bindings if binding.key is not None]
