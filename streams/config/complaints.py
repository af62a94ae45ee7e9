"""What an operator is told of a wrong value: what it must be, and which word was probably meant, never the value."""

from collections.abc import Iterable
from difflib import get_close_matches
from types import MappingProxyType

from pydantic_core import ErrorDetails


def closest(word: str, known: Iterable[str]) -> str | None:
    """Return the known word that was probably meant, if there is one. Case does not count."""
    by_lower = {name.lower(): name for name in known}
    matches = get_close_matches(word.lower(), by_lower, n=1)
    return by_lower[matches[0]] if matches else None


def complaint(error: ErrorDetails) -> str:
    """Say what must be, as what follows the key: "must be 1 or more". The value is not repeated: it may be a secret."""
    phrase = _PHRASES.get(error["type"])
    if phrase is None:
        return error["msg"].replace("Input should be", "must be")
    limits = error.get("ctx", {}).items()
    return phrase.format(
        **{name: int(limit) if isinstance(limit, float) and limit.is_integer() else limit for name, limit in limits}
    )


_PHRASES = MappingProxyType(
    {
        "bool_parsing": "must be true or false",
        "bool_type": "must be true or false, without quotes",
        "date_from_datetime_inexact": "must be a day without a time, such as 2027-01-31",
        "date_type": "must be a day without quotes, such as 2027-01-31",
        "datetime_type": "must be a date and time with its zone, such as 2027-01-01T00:00:00Z",
        "decimal_max_places": "must have at most {decimal_places} decimal places",
        "dict_type": "must be a table",
        "enum": "must be {expected}",
        "finite_number": "must be a finite number",
        "float_parsing": "must be a number",
        "float_type": "must be a number, without quotes",
        "greater_than": "must be more than {gt}",
        "greater_than_equal": "must be {ge} or more",
        "int_from_float": "must be a whole number",
        "int_parsing": "must be a whole number",
        "int_type": "must be a whole number, without quotes",
        "is_instance_of": "must be a number, without quotes",
        "less_than_equal": "must be {le} or less",
        "list_type": "must be a list in square brackets",
        "literal_error": "must be {expected}",
        "model_type": "must be a table",
        "path_not_file": "must be the path of an existing file",
        "string_pattern_mismatch": "must consist of letters, digits, dots, underscores and hyphens",
        "string_too_long": "must have at most {max_length} characters",
        "string_too_short": "must not be empty",
        "string_type": "must be text in quotes",
        "time_type": "must be a time without quotes, such as 16:30:00",
        "tuple_type": "must be tables, each under a heading in double square brackets",
        "timezone_aware": "must be a date and time with its zone, such as 2027-01-01T00:00:00Z",
        "value_error": "{error}",
    }
)
"""What pydantic's types of error demand; a type that is missing here speaks in pydantic's own words."""
