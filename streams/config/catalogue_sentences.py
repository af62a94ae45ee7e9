"""Names a key of `catalogue.toml`, and says in one sentence what is wrong with it and how to mend it."""

import json
import re
from collections.abc import Iterable, Mapping
from decimal import Decimal
from types import MappingProxyType

from pydantic import BaseModel
from pydantic_core import ErrorDetails

from streams.config.catalogue_batches import RawBatch, RawModelBatch
from streams.config.catalogue_prices import LONGEST, RawContextTier, RawPriceWindow
from streams.config.catalogue_shape import (
    RawAccount,
    RawAccountLimits,
    RawBreaker,
    RawCapabilities,
    RawCatalogue,
    RawEmbeddingModel,
    RawHealth,
    RawKey,
    RawModel,
    RawProvider,
    RawRetry,
    RawTenant,
    RawThresholds,
)
from streams.config.complaints import closest, complaint

_TABLES: Mapping[str, type[BaseModel] | None] = MappingProxyType(
    {
        "chains": None,
        "quality_floors": None,
        "providers": RawProvider,
        "models": RawModel,
        "embedding_models": RawEmbeddingModel,
        "breaker": RawBreaker,
        "health": RawHealth,
        "retry": RawRetry,
        "tenants": RawTenant,
    }
)
"""The tables of the file, and what stands in them or in their sub-tables."""

_ACCOUNT = len(("providers", "NAME", "accounts", "NAME"))
_BELOW_MODELS: Mapping[str, type[BaseModel]] = MappingProxyType(
    {
        "capabilities": RawCapabilities,
        "health": RawThresholds,
        "context_tiers": RawContextTier,
        "price_windows": RawPriceWindow,
        "batch": RawModelBatch,
    }
)


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
            if last in _TABLES:
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
    table = _TABLES[above[0]] if above else RawCatalogue
    if above[:1] == ["models"] and len(above) > 2:  # noqa: PLR2004 - models, a name, and what is below
        deepest = [name for name in above[2:] if not name.isdecimal()][-1]
        table = _BELOW_MODELS[deepest]
    if above[:1] == ["providers"] and above[2:3] == ["batch"]:
        table = RawBatch
    if above[:1] == ["providers"] and above[2:3] == ["accounts"]:
        table = RawAccount if len(above) == _ACCOUNT else RawAccountLimits
        if is_table:
            return "a name with a dot is written in quotes."
    if is_table and len(above) > 1:
        return f'a name with a dot is written in quotes: [{above[0]}."{".".join((*above[1:], last))}"].'
    if above[:1] == ["tenants"] and above[2:3] == ["keys"]:
        table = RawKey
    if "key" in last.lower() and above[:1] == ["providers"]:
        return "keys are settings: put it into TURNOUT_API_KEYS, and remove it here."
    return instead_of(last, () if table is None else table.model_fields)


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
