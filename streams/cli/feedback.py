"""`turnout feedback`: says how good an answer was, or many of a file."""

from asyncio import Future
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import orjson
import typer
from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError
from aiokafka.partitioner import murmur2
from aiokafka.structs import RecordMetadata
from pydantic import JsonValue, SecretStr, ValidationError

from schemas.feedback import Feedback
from schemas.topics import Topic
from schemas.vocabulary import FeedbackLabel
from streams.cli import options
from streams.cli.line_input import lines_of, opened_lines
from streams.cli.partitions import partitions_of
from streams.cli.running import keep_libraries_quiet, run
from streams.cli.speech import print_json, say
from streams.codec import KEY_HEADER, explained
from streams.config.load_settings import load_settings
from streams.config.settings import Settings
from streams.kafka.clients import producer

EPILOG = """\b
Examples:
    turnout feedback faq-0042 --label good --source ann
    turnout feedback faq-0042 --score 0.3 --source unit-tests --kind check --partition 5 --offset 1871
    turnout feedback --file judged.jsonl --source judge-v2 --kind judge --key-file ~/.turnout-acme

\b
A line of a file is a record of llm.feedback.v1, and may say where it goes:
    {"request_id": "faq-0042", "score": 0.8, "source": "unit-tests", "kind": "check"}
    {"request_id": "faq-0042", "label": "bad", "source": "ann", "key": "conversation-7"}
    {"request_id": "faq-0042", "label": "fair", "source": "ann", "request_partition": 5, "response_offset": 1871}

Options go before what a line says. A record has to reach the partition of the response: keyed as the request was (by
its id, as `turnout send` does, unless `key` says otherwise), or by `request_partition` of the response. A bad line is
named with its number, and the others are sent. Ends with 0 only if all were sent; what became of each is in the metric
turnout_feedback_total of the worker that counts, and in its log. docs/quality.md says more.
"""

AT_A_TIME = 500
"""Records that are under way to the broker."""
_SAME = (
    frozenset({"score", "label"}),
    frozenset({"key", "partition", "request_partition"}),
    frozenset({"offset", "response_offset"}),
)
_PLACE = frozenset({"key", "partition", "request_partition", "offset"})


class NotSent(ValueError):  # noqa: N818 - it reads as the sentence it starts
    """A feedback that is not sent, and why."""


@dataclass(frozen=True, slots=True)
class Addressed:
    """A feedback, and where it goes."""

    feedback: Feedback
    key: bytes
    partition: int | None


def feedback(  # noqa: PLR0913 - one parameter an option
    request_id: Annotated[str | None, typer.Argument(help="Whose answer it is.")] = None,
    *,
    score: Annotated[float | None, typer.Option(help="From 0, useless, to 1.", min=0, max=1)] = None,
    label: Annotated[FeedbackLabel | None, typer.Option(help="The same in a word.")] = None,
    source: Annotated[
        str | None, typer.Option(help="Who says so, by a name that stays the same.", metavar="NAME")
    ] = None,
    kind: Annotated[str | None, typer.Option(help="person, check or judge.", show_default="person")] = None,
    tenant: Annotated[str | None, typer.Option(help="Whose request it was.")] = None,
    key: Annotated[
        str | None, typer.Option(help="What the request was keyed by.", show_default="the request's id")
    ] = None,
    partition: Annotated[int | None, typer.Option(help="Or the partition of the response.", min=0)] = None,
    offset: Annotated[
        int | None, typer.Option(help="Where in it the response lies; needed after some minutes.", min=0)
    ] = None,
    file: Annotated[Path | None, typer.Option(help="Lines of feedback; - is stdin.")] = None,
    key_file: Annotated[
        Path | None,
        typer.Option(
            help="Where tenants have keys: the file that holds the tenant's.", show_default="TURNOUT_TENANT_KEY_FILE"
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print where each record lies, as JSON lines.")] = False,
    brokers: options.Brokers = None,
    env_file: options.EnvFile = None,
) -> None:
    """Say how good an answer was, or send a file of such feedback."""
    keep_libraries_quiet()
    if (request_id is None) == (file is None):
        raise typer.BadParameter("give either a request's id or --file; `turnout feedback --help` shows both")
    given: dict[str, JsonValue] = {
        "request_id": request_id,
        "score": score,
        "label": None if label is None else str(label),
        "source": source,
        "kind": kind,
        "tenant": tenant,
        "key": key,
        "partition": partition,
        "response_offset": offset,
    }
    given = {name: value for name, value in given.items() if value is not None}
    settings = load_settings(env_file, brokers=brokers, tenant_key_file=key_file)
    if file is None:
        try:
            addressed(given)
        except NotSent as error:
            raise typer.BadParameter(str(error)) from None
    sender = _Sender(settings, given, options.tenant_key(settings.tenant_key_file), as_json=as_json)
    run(settings, sender.run(None if file is None else opened_lines(file)))
    if not as_json:
        say(f"Sent {sender.sent}{f', {sender.bad} not' if sender.bad else ''}.")
    raise typer.Exit(1 if sender.bad else 0)


def overridden(said: dict[str, JsonValue], given: dict[str, JsonValue]) -> dict[str, JsonValue]:
    """Return what a line says with the options over it: an option also takes the place of another word for the same."""
    replaced = {other for same in _SAME for name in same & given.keys() for other in same - {name}}
    return {**{name: value for name, value in said.items() if name not in replaced}, **given}


def addressed(said: dict[str, JsonValue]) -> Addressed:
    """Read a feedback with what says where it goes.

    Raises:
        NotSent: it is none.
    """
    place = {name: said[name] for name in _PLACE if said.get(name) is not None}
    fields = {name: value for name, value in said.items() if name not in _PLACE}
    if "offset" in place:
        fields.setdefault("response_offset", place["offset"])
    if unknown := sorted(fields.keys() - Feedback.model_fields.keys()):
        raise NotSent(f"{unknown[0]}: is no field of feedback; docs/quality.md lists them")
    try:
        read = Feedback.model_validate(fields)
    except ValidationError as error:
        raise NotSent(explained(error)[1]) from None
    key, partition = place.get("key", read.request_id), place.get("partition", place.get("request_partition"))
    if not isinstance(key, str):
        raise NotSent("key: must be a string, what the request was keyed by")
    if partition is not None and (not isinstance(partition, int) or isinstance(partition, bool) or partition < 0):
        raise NotSent("partition: must be a whole number, that of the response's partition")
    return Addressed(read, key.encode(errors="replace"), partition)


def partition_of(one: Addressed, requests: int, feedback_partitions: int) -> int:
    """Return where the record goes: where Kafka's clients put a request of its key, unless it says so itself.

    Raises:
        NotSent: the feedback topic has no such partition.
    """
    partition = one.partition
    if partition is None:
        partition = (murmur2(one.key) & 0x7FFFFFFF) % requests
    if partition >= feedback_partitions:
        raise NotSent(
            f"partition: the feedback topic has no partition {partition}, only {feedback_partitions}; correct it, or "
            "add partitions until it has as many as the requests topic"
        )
    return partition


class _Sender:
    """Sends what is read, and counts."""

    def __init__(
        self, settings: Settings, given: dict[str, JsonValue], tenant_key: SecretStr | None, *, as_json: bool
    ) -> None:
        self._settings = settings
        self._given = given
        self._headers = [("content-type", b"application/json")]
        if tenant_key is not None:
            self._headers.append((KEY_HEADER, b"Bearer " + tenant_key.get_secret_value().encode()))
        self._as_json = as_json
        self.sent = self.bad = 0
        self._under_way: list[tuple[str, str, Future[RecordMetadata]]] = []

    async def run(self, descriptor: int | None) -> None:
        """Send all.

        Raises:
            TopicsError: the topics are missing.
            KafkaError: the broker is out of reach.
        """
        topics = await partitions_of(self._settings, Topic.FEEDBACK, Topic.REQUESTS)
        counts = len(topics[Topic.REQUESTS]), len(topics[Topic.FEEDBACK])
        async with producer(self._settings) as client:
            async for number, said in self._read(descriptor):
                place = "Not sent: " if number is None else f"Line {number} is not sent: "
                try:
                    one = addressed(overridden(_object(said), self._given))
                    await self._send(client, place, one, partition_of(one, *counts))
                except (NotSent, KafkaError) as error:
                    self._refuse(place, error)
            await self._settle()

    async def _read(self, descriptor: int | None) -> AsyncIterator[tuple[int | None, bytes]]:
        if descriptor is None:
            yield None, b"{}"
            return
        async for number, line in lines_of(descriptor):
            yield number, line

    async def _send(self, client: AIOKafkaProducer, place: str, one: Addressed, partition: int) -> None:
        acknowledged = await client.send(
            self._settings.topic(Topic.FEEDBACK),
            value=orjson.dumps(one.feedback.model_dump(mode="json", exclude_unset=True)),
            key=one.key,
            partition=partition,
            headers=self._headers,
        )
        self._under_way.append((place, one.feedback.request_id, acknowledged))
        if len(self._under_way) >= AT_A_TIME:
            await self._settle()

    async def _settle(self) -> None:
        """Wait for what is under way, and tell of it."""
        under_way, self._under_way = self._under_way, []
        for place, request_id, acknowledged in under_way:
            try:
                record = await acknowledged
            except KafkaError as error:
                self._refuse(place, error)
                continue
            self.sent += 1
            if self._as_json:
                where = {"topic": record.topic, "partition": record.partition, "offset": record.offset}
                print_json({"request_id": request_id, **where})

    def _refuse(self, place: str, error: Exception) -> None:
        self.bad += 1
        say(f"{place}{error}")


def _object(line: bytes) -> dict[str, JsonValue]:
    try:
        said = orjson.loads(line)
    except orjson.JSONDecodeError as error:
        raise NotSent(f"is not JSON: {error}") from None
    if not isinstance(said, dict):
        raise NotSent("must be a JSON object, such as the examples of `turnout feedback --help`")
    return said
