"""Names a key of `catalogue.toml`, and says in one sentence what is wrong with it and how to mend it."""

import json
import re
from collections.abc import Iterable, Mapping
from decimal import Decimal
from types import NoneType, UnionType
from typing import Annotated, Union, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

from streams.config.catalogue_prices import LONGEST
from streams.config.catalogue_shape import RawCatalogue
from streams.config.complaints import closest, complaint


def sentence(error: ErrorDetails) -> str:
    """Return what is wrong with a key, and how to mend it."""
    path = error["loc"]
    key, last = key_of(*path), str(path[-1])
    match error["type"]:
        case "missing":
            if len(path) > 1:
                in_list = isinstance(path[-2], int)
                heading = f"[[{key_of(*path[:-2])}]]" if in_list else f"[{key_of(*path[:-1])}]"
                return f"{key} is missing; add it under {heading}."
            if get_origin(RawCatalogue.model_fields[last].annotation) is dict:
                return f"{key} is missing; add the table [{key}]."
            return f"{key} is missing; add it at the top of the file, before the first table."
        case "extra_forbidden":
            return f"{key} is not known; {_unknown_key(path, is_table=isinstance(error['input'], dict))}"
    if last == "[key]":
        return f"{key_of(*path[:-1])} {complaint(error)}; give the table another name."
    return f"{key} {_number(error['input'])}{complaint(error)}."


def _number(value: object) -> str:
    # Numbers only: any text may be a secret in the wrong place.
    if not isinstance(value, int | float | Decimal) or (isinstance(value, int) and abs(value) > LONGEST):
        return ""
    text = str(value).lower()
    return f"is {text}, " if len(text) <= len(str(LONGEST)) else ""


def _unknown_key(path: tuple[int | str, ...], *, is_table: bool) -> str:
    *above, last = map(str, path)
    known = _fields_at(path[:-1])
    if is_table and len(above) > 1 and closest(last, known) is None:
        if above[:1] == ["providers"] and above[2:3] == ["accounts"]:
            return "a name with a dot is written in quotes."
        return f'a name with a dot is written in quotes: [{above[0]}."{".".join((*above[1:], last))}"].'
    if "key" in last.lower() and above[:1] == ["providers"] and closest(last, known) is None:
        return "keys are settings: put it into TURNOUT_API_KEYS, and remove it here."
    return instead_of(last, known)


def _fields_at(path: Iterable[int | str]) -> Iterable[str]:
    """Return which keys the table at the path may have, as the shape of the file says."""
    table: object = RawCatalogue
    for part in path:
        fields = _fields_of(table)
        table = _bare(fields[str(part)].annotation if fields else get_args(table)[-1 if isinstance(part, str) else 0])
    return _fields_of(table)


def _fields_of(table: object) -> Mapping[str, FieldInfo]:
    """Return the keys that a table has; none where each may have any name."""
    return table.model_fields if isinstance(table, type) and issubclass(table, BaseModel) else {}


def _bare(annotation: object) -> object:
    """Return the type alone, without what is said about it, and without None."""
    while get_origin(annotation) in {Annotated, Union, UnionType}:
        annotation = next(one for one in get_args(annotation) if one is not NoneType)
    return annotation


def instead_of(word: str, known: Iterable[str]) -> str:
    """Return what to write instead of an unknown word: the known one that was probably meant, or all of them."""
    names = sorted(known)
    meant = closest(word, names)
    if meant is not None:
        return f'did you mean "{meant}"?'
    return f"known: {', '.join(names)}." if names else "there is none yet, add it."


def quoted(name: str) -> str:
    """Return the name as a key of a TOML table's path: bare, or in quotes if it has to be."""
    return name if re.fullmatch(r"[A-Za-z0-9_-]+", name) else json.dumps(name, ensure_ascii=False)


def key_of(*path: int | str) -> str:
    """Return a path into the file as TOML writes it: `models."gpt-4.1".context_tiers[0]`."""
    text = ""
    for part in path:
        if isinstance(part, int):
            text += f"[{part}]"
        else:
            text += f".{quoted(part)}" if text else quoted(part)
    return text
