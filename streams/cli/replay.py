"""`turnout replay`: shows dead letters, and puts them back on the requests topic if told to."""

from collections.abc import AsyncGenerator, Callable
from contextlib import AsyncExitStack, aclosing
from dataclasses import dataclass
from datetime import UTC, datetime
from time import time
from typing import Annotated

import typer
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from rich.table import Table

from schemas.message import utc_from_ms
from schemas.topics import Topic
from streams.cli import options
from streams.cli.letters import Letter, LetterPlace, Selection, replayed_place
from streams.cli.partitions import Start, partitions_of, read_records
from streams.cli.record_text import SNIPPET, json_form
from streams.cli.running import keep_libraries_quiet, run
from streams.cli.speech import empty_table, print_json, printable, say, stdout_console
from streams.codec import Headers, shown_reference
from streams.config.load_settings import load_settings
from streams.config.settings import Settings
from streams.kafka.clients import reader, transactional_producer
from streams.request.replay_signature import Copy, ReplaySignature

EPILOG = """\b
Examples:
    turnout replay                                             shows what has not been replayed
    turnout replay --code too_large --since 2026-01-31         shows some of it
    turnout replay --code too_large --since 2026-01-31 --yes   puts it back on the requests topic
    turnout replay --at 0:42 --yes

Values of one option are alternatives, different options must all be met; times are UTC. A letter is replayed once,
however often this is run. An answer to a replay has an id of its own: ID:replay:PARTITION:OFFSET. docs/dead-letters.md
says more.
"""

TIMES = ["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M:%S"]
BATCH_LETTERS = 100
BATCH_BYTES = 16_000_000
"""Letters and bytes that one transaction holds at most, one letter more or less."""
NO_KEY = (
    "Tenants prove themselves by keys, which dead letters do not keep: set TURNOUT_REPLAY_KEY, in the environment or "
    "with --env-file, to the same as the workers'. docs/dead-letters.md says how."
)


class _KeyMissingError(Exception):
    """A letter has a tenant that cannot be vouched for."""


@dataclass(frozen=True, slots=True)
class _Wish:
    selection: Selection
    limit: int | None
    do_replay: bool


def _places(texts: list[str] | None) -> frozenset[LetterPlace]:
    try:
        return frozenset(map(LetterPlace.parse, texts or ()))
    except ValueError as error:
        raise typer.BadParameter(f"--at {error}") from None


def _ms(moment: datetime | None) -> int | None:
    return None if moment is None else int(moment.replace(tzinfo=UTC).timestamp() * 1000)


def replay(  # noqa: PLR0913 - one parameter an option
    *,
    code: Annotated[
        list[str] | None, typer.Option(help="Only those with this code, such as too_large; may be repeated.")
    ] = None,
    since: Annotated[datetime | None, typer.Option(help="Only those buried then or later.", formats=TIMES)] = None,
    until: Annotated[datetime | None, typer.Option(help="Only those buried before.", formats=TIMES)] = None,
    request_id: Annotated[
        list[str] | None, typer.Option(help="Only that of this request; may be repeated.", metavar="ID")
    ] = None,
    at: Annotated[
        list[str] | None,
        typer.Option(
            help="Only that at this place of the dead-letter topic; may be repeated.", metavar="PARTITION:OFFSET"
        ),
    ] = None,
    limit: Annotated[int | None, typer.Option(help="No more than this, the oldest first.", min=1)] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Replay them; without it they are only shown.")] = False,
    as_json: options.AsJson = False,
    brokers: options.Brokers = None,
    env_file: options.EnvFile = None,
) -> None:
    """Put dead letters back on the requests topic, each once, with --yes; without it, show them."""
    keep_libraries_quiet()
    selection = Selection(code or (), request_id or (), _places(at), _ms(since), _ms(until))
    settings = load_settings(env_file, brokers=brokers)
    try:
        run(settings, _replay(settings, _Wish(selection, limit, yes), as_json=as_json))
    except _KeyMissingError:
        say(NO_KEY)
        raise typer.Exit(1) from None


async def _replay(settings: Settings, wish: _Wish, *, as_json: bool) -> None:
    columns = ("at", "buried", "code", "record", "tenant", "what")
    table = empty_table("Replayed" if wish.do_replay else "Dead letters", columns)

    def show(letter: Letter) -> None:
        if as_json:
            print_json(json_form(Topic.DEAD_LETTERS, letter.record))
        else:
            _add_row(table, letter)

    seen = await _Run(settings, wish, show).run()
    if table.rows:
        stdout_console().print(table)
    before = f"; {seen.before} of those meant had been replayed before" if seen.before else ""
    if seen.cut:
        say(f"{seen.cut} of those meant were too large to be kept whole, and cannot be replayed.")
    if seen.feedback:
        say(f"{seen.feedback} of those meant are feedback, no requests: mend it and publish it anew.")
    if wish.do_replay:
        say(f"Replayed {seen.found}{before}.")
    else:
        say(f"{seen.found} to replay{before}{'. Add --yes to do it.' if seen.found else '.'}")


@dataclass(slots=True)
class _Seen:
    found: int = 0
    before: int = 0
    cut: int = 0
    feedback: int = 0


class _Run:
    """One call of the command."""

    def __init__(self, settings: Settings, wish: _Wish, show: Callable[[Letter], None]) -> None:
        self._settings = settings
        self._wish = wish
        self._show = show
        self._seen = _Seen()
        self._vouching = ReplaySignature.of(settings)

    async def run(self) -> _Seen:
        """Show or replay what is meant; a letter counts when its transaction has been committed."""
        settings = self._settings
        topics = await partitions_of(settings, Topic.DEAD_LETTERS, Topic.REQUESTS)
        self._partitions, self._request_partitions = topics[Topic.DEAD_LETTERS], len(topics[Topic.REQUESTS])
        async with AsyncExitStack() as stack:
            producer = None
            if self._wish.do_replay:
                # First: it ends whatever another run has left open, and that run can commit nothing after it.
                name = settings.topic(Topic.DEAD_LETTERS) + ".replay"
                producer = await stack.enter_async_context(transactional_producer(settings, name))
            consumer = await stack.enter_async_context(reader(settings, committed_only=True))
            replayed = await self._replayed(consumer)
            batches = await stack.enter_async_context(aclosing(self._batches(consumer, replayed)))
            async for batch in batches:
                if producer is not None:
                    await self._send_again(producer, batch)
                for letter in batch:
                    self._show(letter)
                self._seen.found += len(batch)
        return self._seen

    async def _replayed(self, consumer: AIOKafkaConsumer) -> set[LetterPlace]:
        records = read_records(consumer, self._partitions, Start(None), follow=False)
        async with aclosing(records):
            return {place async for record in records if (place := replayed_place(record)) is not None}

    async def _batches(
        self, consumer: AIOKafkaConsumer, replayed: set[LetterPlace]
    ) -> AsyncGenerator[list[Letter], None]:
        batch: list[Letter] = []
        size, left = 0, self._wish.limit
        async with aclosing(read_records(consumer, self._partitions, Start(None), follow=False)) as records:
            async for record in records:
                if left == 0:
                    break
                letter = Letter.of(record)
                if letter is None or not self._wish.selection.holds(letter):
                    continue
                if letter.origin_topic == self._settings.topic(Topic.FEEDBACK):
                    self._seen.feedback += 1
                    continue
                if letter.is_cut:
                    self._seen.cut += 1
                    continue
                if letter.place in replayed:
                    self._seen.before += 1
                    continue
                batch.append(letter)
                size += len(record.value or b"")
                left = None if left is None else left - 1
                if len(batch) >= BATCH_LETTERS or size >= BATCH_BYTES:
                    yield batch
                    batch, size = [], 0
        if batch:
            yield batch

    async def _send_again(self, producer: AIOKafkaProducer, batch: list[Letter]) -> None:
        """Copy and mark, both or neither."""
        requests, letters = self._settings.topic(Topic.REQUESTS), self._settings.topic(Topic.DEAD_LETTERS)
        # before anything is marked as replayed that would only be refused
        vouched = [self._vouch(letter) for letter in batch]
        async with producer.transaction():
            for letter, (partition, headers) in zip(batch, vouched, strict=True):
                await producer.send(
                    requests,
                    value=letter.record.value,
                    key=letter.original_key(),
                    partition=partition,
                    headers=letter.replay_headers(headers),
                )
                await producer.send(
                    letters,
                    value=None,
                    key=letter.record.key,
                    partition=letter.place.partition,
                    headers=letter.marker_headers(),
                )

    def _vouch(self, letter: Letter) -> tuple[int | None, Headers]:
        """Return where the copy goes, and what vouches for its tenant if it has one that showed a key."""
        # The partition of the original, where its worker knows what has already been answered.
        partition = letter.origin_partition
        if partition is not None and partition >= self._request_partitions:
            partition = None
        if letter.tenant is None:
            return partition, []
        if self._vouching is None:
            raise _KeyMissingError
        if partition is None:  # it is signed for, so it must be known
            partition = letter.place.offset % self._request_partitions
        reference = None if letter.record.value else shown_reference(letter.record.headers)
        copy = Copy(letter.tenant, str(letter.place), partition, letter.record.value, reference)
        return partition, self._vouching.headers(copy, time())


def _add_row(table: Table, letter: Letter) -> None:
    value = (letter.record.value or b"null")[: 4 * SNIPPET].decode(errors="backslashreplace")
    table.add_row(
        str(letter.place),
        f"{utc_from_ms(letter.record.timestamp_ms):%m-%d %H:%M:%S}",
        printable(letter.code, SNIPPET),
        printable(letter.request_id or letter.origin, SNIPPET),
        printable(letter.tenant or "", SNIPPET),
        f"{printable(letter.reason, 2 * SNIPPET)}\n{printable(value, SNIPPET)}",
    )
