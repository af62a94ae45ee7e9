"""Shows the last records of a compacted topic: once, or live as they come."""

from collections.abc import Callable, Iterable
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from rich.live import Live
from rich.table import Table

from schemas.message import Message
from schemas.topics import Topic
from streams.cli.partitions import read_values
from streams.cli.speech import print_json, say, stdout_console
from streams.config.settings import Settings

Record = TypeVar("Record", bound=Message)


@dataclass(frozen=True, slots=True)
class Latest(Generic[Record]):
    """The last record of each key of a topic, and how they are shown."""

    topic: Topic
    kind: type[Record]
    key: Callable[[Record], Any]
    """Orders the records, and is the same of two of which only the later one holds."""
    table: Callable[[Iterable[Record]], Table]
    nothing: str
    """What is said if there is none."""

    async def once(self, settings: Settings, *, as_json: bool) -> None:
        """Show what there is now: a table, or a line of JSON for each."""
        latest: dict[object, Record] = {}
        async with aclosing(read_values(settings, self.topic, self.kind.decode, follow=False)) as found:
            async for one in found:
                latest[self.key(one)] = one
        if as_json:
            for one in self._in_order(latest):
                print_json(one.model_dump())
        elif latest:
            stdout_console().print(self.table(self._in_order(latest)))
        else:
            say(self.nothing)

    async def follow(self, settings: Settings, *, as_json: bool) -> None:
        """Show what there is, and what comes, until it is cancelled; of JSON each record as it comes."""
        latest: dict[object, Record] = {}
        async with aclosing(read_values(settings, self.topic, self.kind.decode, follow=True)) as found:
            if as_json:
                async for one in found:
                    print_json(one.model_dump())
                return
            with Live(console=stdout_console(), auto_refresh=False) as live:
                async for one in found:
                    latest[self.key(one)] = one
                    live.update(self.table(self._in_order(latest)), refresh=True)

    def _in_order(self, latest: dict[object, Record]) -> list[Record]:
        return sorted(latest.values(), key=self.key)
