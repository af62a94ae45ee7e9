"""Whose answer a feedback is about: what of a response matters for it, and the responses of the last minutes by id."""

from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from router.quality.table import Cell
from schemas.vocabulary import Difficulty, Form, Status, Task


@dataclass(frozen=True, slots=True)
class KnownAnswer:
    """A response that can be judged."""

    tenant: str
    request_id: str
    cell: Cell
    at_s: float
    """When it was completed, seconds since 1970."""


def known_answer(response: Mapping[str, object]) -> KnownAnswer | None:
    """Return what matters of a response, a JSON object; None if it holds no answer of a model, or not how hard it was.

    An answer from the cache is the one of another response, for which it counts, however often it is used again.
    Versions before did not tell the difficulty; those that told it did not all tell the form.
    """
    found = [response.get(name) for name in ("tenant", "request_id", "request_model", "task", "difficulty")]
    completed_at, form = response.get("completed_at"), response.get("form", Form.ANY)
    if response.get("status") != Status.COMPLETED or not isinstance(completed_at, str) or response.get("cached"):
        return None
    texts = [one for one in found if isinstance(one, str) and one]
    if len(texts) < len(found) or not isinstance(form, str):
        return None
    tenant, request_id, model, task, difficulty = texts
    try:
        cell = Cell(model, Task(task), Difficulty(difficulty), Form(form))
        at_s = datetime.fromisoformat(completed_at).timestamp()
    except (ValueError, OverflowError):
        return None
    return KnownAnswer(tenant, request_id, cell, at_s)


class RecentAnswers:
    """The last responses of one partition, and how far it was read."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._by_id: OrderedDict[tuple[str, str], KnownAnswer] = OrderedDict()
        self.read_to: int | None = None
        """The offset of the next response to read; None: not read yet."""

    def add(self, answered: KnownAnswer) -> None:
        """Remember a response."""
        self._by_id[answered.tenant, answered.request_id] = answered
        if len(self._by_id) > self._most:
            self._by_id.popitem(last=False)

    def find(self, tenant: str, request_id: str) -> KnownAnswer | None:
        """Return the response, if it is among the last ones."""
        return self._by_id.get((tenant, request_id))
