"""What the readers of all dialects' answers share."""

from collections.abc import Iterable

from pydantic import JsonValue

from schemas.requests import JsonObject


def objects_in(value: JsonValue) -> list[JsonObject]:
    """Return the objects of a list; none of anything else."""
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def joined(parts: Iterable[JsonObject], name: str) -> str | None:
    """Return the texts of this name in all parts as one, None if there is none."""
    texts = [text for part in parts if isinstance(text := part.get(name), str)]
    return "".join(texts) if texts else None
