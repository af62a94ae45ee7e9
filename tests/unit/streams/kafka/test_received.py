"""Records of Faust's streams, handed over."""

from collections.abc import AsyncIterator, Sequence
from types import SimpleNamespace
from typing import NoReturn

import pytest

from streams.kafka.received import deliver
from streams.ports import Received


async def test_what_is_raised_by_whoever_takes_a_record_ends_the_app() -> None:
    crashes: list[BaseException] = []
    message = SimpleNamespace(topic="requests", partition=0, offset=7, timestamp=1.0, key=b"k", value=b"{}", headers=())

    async def events() -> AsyncIterator[SimpleNamespace]:
        yield SimpleNamespace(message=message)

    async def crash(problem: BaseException) -> None:
        crashes.append(problem)

    def defective(_batch: Sequence[Received]) -> NoReturn:
        raise TypeError("of a deliberate defect")

    app = SimpleNamespace(consumer=None, crash=crash)
    stream = SimpleNamespace(noack=lambda: SimpleNamespace(events=events))
    with pytest.raises(TypeError, match="deliberate") as raised:
        await deliver(app, stream, defective)
    assert crashes == [raised.value], "else Faust drops it, and the record is held for ever"
