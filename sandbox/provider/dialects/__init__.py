"""The vendors' APIs that the simulated provider speaks, each by the path it answers on."""

from urllib.parse import urlsplit

from sandbox.provider.dialects.chat import ChatCompletions
from sandbox.provider.dialects.dialect import Address, Dialect

_BY_PATH: dict[str, Dialect] = {"/v1/chat/completions": ChatCompletions()}


def find_dialect(target: str) -> tuple[Dialect, Address] | None:
    """Return who answers a POST to this target, and what its address says; None: there is nothing there."""
    path = urlsplit(target).path
    dialect = _BY_PATH.get(path)
    return None if dialect is None else (dialect, Address())
