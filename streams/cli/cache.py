"""`turnout cache`: shows what the answer cache holds and what it has saved, and makes the workers forget."""

import time
from collections import defaultdict
from collections.abc import AsyncGenerator, Iterable, Mapping
from contextlib import aclosing
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Annotated, NamedTuple

import orjson
import typer
from pydantic import ValidationError
from rich.table import Table

from router.caching.forgotten import Forgotten
from schemas.caching import (
    FORGOTTEN_PREFIX,
    KEY_DIGITS,
    CacheEntry,
    KeptAnswer,
    forgotten_key,
    is_question,
    tenant_key,
)
from schemas.topics import Topic
from streams.cli import options
from streams.cli.partitions import Start, partitions_of, read_records, read_since
from streams.cli.running import keep_libraries_quiet, run
from streams.cli.speech import empty_table, print_json, say, stdout_console
from streams.codec import explained
from streams.config.load_settings import load_settings
from streams.config.settings import Settings
from streams.kafka.clients import producer, reader

EPILOG = """\b
Examples:
    turnout cache
    turnout cache --tenant support --questions
    turnout cache forget --tenant support
    turnout cache forget --origin faq-0042
    turnout cache forget 3f0c9a51c1de4b6fa2a96bb7f0b4c2d8

A row is a tenant: the questions whose answers may be used again, the bytes of these answers, the age of the oldest,
what they have cost, and what was answered from the cache within --within, as the responses say. What is there is what
the index topic says; a worker knows TURNOUT_CACHE_KEYS of it. docs/cache.md says what a question is.
"""

cache = typer.Typer(rich_markup_mode=None, help="Show what the answer cache holds, or make the workers forget.")


class Kept(NamedTuple):
    """One question's entry."""

    key: str
    tenant: str
    answered_s: float
    answer: KeptAnswer


@dataclass(slots=True)
class TenantRow:
    """What the cache holds for one tenant, and what it has brought."""

    tenant: str
    questions: int = 0
    answer_bytes: int = 0
    oldest_s: float | None = None
    cost_usd: Decimal = Decimal(0)
    hits: int = 0
    saved_usd: Decimal = Decimal(0)


@cache.callback(invoke_without_command=True)
def show(  # noqa: PLR0913 - one parameter an option
    context: typer.Context,
    *,
    tenant: Annotated[str | None, typer.Option(help="Only this one.", metavar="NAME")] = None,
    questions: Annotated[
        bool, typer.Option("--questions", help="A line for each question: its key, origin, age and time left.")
    ] = False,
    within: Annotated[
        float, typer.Option(help="How far back hits are counted on the responses topic, seconds.", min=0)
    ] = 3600.0,
    as_json: options.AsJson = False,
    brokers: options.Brokers = None,
    env_file: options.EnvFile = None,
) -> None:
    """Show what the answer cache holds and what it has saved, by tenant."""
    if context.invoked_subcommand is not None:
        _refuse_early_options(context)
        return
    keep_libraries_quiet()
    settings = load_settings(env_file, brokers=brokers)
    if questions:
        run(settings, _show_questions(settings, tenant, as_json=as_json))
    else:
        run(settings, _show_tenants(settings, tenant, within, as_json=as_json))


def _refuse_early_options(context: typer.Context) -> None:
    """Refuse options before a subcommand, which has its own: it would go to another broker than was named."""
    for parameter in context.command.params:
        source = context.get_parameter_source(parameter.name or "")
        if source is not None and source.name == "COMMANDLINE":
            name, subcommand = parameter.opts[0], context.invoked_subcommand
            raise typer.BadParameter(f"{name} stands before `{subcommand}`; write options behind it")


@cache.command(
    epilog="\b\nExamples:\n    turnout cache forget --tenant support\n    turnout cache forget --origin faq-0042\n\n"
    "A record on the index topic says so, and workers heed it within a second or two. An answer that is under way then "
    "is not kept; what is answered later is. The responses themselves stay on their topic."
)
def forget(
    *,
    keys: Annotated[list[str] | None, typer.Argument(help="Keys of questions, as --questions shows them.")] = None,
    tenant: Annotated[str | None, typer.Option(help="All of this tenant.", metavar="NAME")] = None,
    origin: Annotated[
        str | None, typer.Option(help="The answers that were made for this request.", metavar="REQUEST_ID")
    ] = None,
    as_json: options.AsJson = False,
    brokers: options.Brokers = None,
    env_file: options.EnvFile = None,
) -> None:
    """Forget answers: of these questions, of a tenant, or of the request that they were made for."""
    named = [key.lower() for key in keys or ()]
    for key in named:
        if not is_question(key.encode(errors="replace")):
            raise typer.BadParameter(
                f"{key!r} is no key: {KEY_DIGITS} hexadecimal digits, as `turnout cache --questions` shows"
            )
    if not (named or tenant or origin):
        raise typer.BadParameter("name keys, --tenant or --origin; `turnout cache --questions` shows what there is")
    try:
        of_tenant = None if tenant is None else CacheEntry(tenant=tenant, as_of=datetime.now(UTC))
    except ValidationError as error:
        raise typer.BadParameter(explained(error)[1]) from None
    keep_libraries_quiet()
    settings = load_settings(env_file, brokers=brokers)
    forgotten, answers = run(settings, _forget(settings, named, of_tenant, origin))
    if as_json:
        print_json({"forgotten": forgotten, "answers": answers})
    elif forgotten:
        say(f"Forgotten: {', '.join(forgotten)}, with {answers:,} {'answer' if answers == 1 else 'answers'}.")
    else:
        say(f"No answer is kept that was made for {origin}.")
    raise typer.Exit(0 if forgotten else 1)


async def _forget(
    settings: Settings, keys: list[str], of_tenant: CacheEntry | None, origin: str | None
) -> tuple[list[str], int]:
    """Write what is to be forgotten, and return it, and how many answers were kept of that."""
    kept = await read_index(settings)
    named = dict.fromkeys((*keys, *(one.key for one in kept.values() if one.answer.origin_request_id == origin)))
    tenant = None if of_tenant is None else of_tenant.tenant
    answers = sum(one.key in named or one.tenant == tenant for one in kept.values())
    # the word that outlives compaction first, then the answer's own record
    wanted: list[tuple[bytes, bytes | None]] = []
    for key in named:
        of_question = CacheEntry(tenant=kept[key].tenant if key in kept else "", as_of=datetime.now(UTC))
        wanted += [(forgotten_key(key), of_question.encode()), (key.encode(), None)]
    if of_tenant is not None:
        wanted.append((tenant_key(of_tenant.tenant), of_tenant.encode()))
    async with producer(settings) as client:
        for record_key, value in wanted:
            await client.send_and_wait(settings.topic(Topic.CACHE_INDEX), value, record_key, partition=0)
    return [*named, *(() if of_tenant is None else (tenant_key(of_tenant.tenant).decode(),))], answers


async def read_index(settings: Settings) -> Mapping[str, Kept]:
    """Return what the index topic says now, by key, but for what has expired.

    Raises:
        TopicsError: the topic does not exist.
    """
    partitions = await partitions_of(settings, Topic.CACHE_INDEX)
    index = IndexRead()
    async with (
        reader(settings) as consumer,
        aclosing(read_records(consumer, partitions[Topic.CACHE_INDEX], Start(None), follow=False)) as records,
    ):
        async for record in records:
            index.take(record.key or b"", record.value, record.offset)
    now_ms = time.time() * 1000
    return {key: one for key, one in index.kept.items() if one.answer.expires_at_ms > now_ms}


class IndexRead:
    """The index topic as a worker reads it, but whole."""

    def __init__(self) -> None:
        self.kept: dict[str, Kept] = {}
        self._forgotten = Forgotten()

    def take(self, key: bytes, value: bytes | None, offset: int) -> None:
        """Take a record in."""
        name = key.decode(errors="replace")
        question = key.removeprefix(FORGOTTEN_PREFIX)
        if not value:
            if is_question(key):
                self._forget(name, offset)
            return
        try:
            entry = CacheEntry.decode(value)
        except ValueError:
            return
        if entry.answer is not None:
            if is_question(key):
                self._learn(Kept(name, entry.tenant, entry.as_of.timestamp(), entry.answer), offset)
        elif is_question(question):
            self._forget(question.decode(), offset)
        else:
            self._forgotten.tenant(entry.tenant, offset)
            for gone in [one.key for one in self.kept.values() if one.tenant == entry.tenant]:
                del self.kept[gone]

    def _learn(self, one: Kept, offset: int) -> None:
        followed = offset if one.answer.followed is None else one.answer.followed
        if self._forgotten.since(followed, int(one.key, 16), one.tenant):
            self.kept.pop(one.key, None)
        else:
            self.kept[one.key] = one

    def _forget(self, key: str, offset: int) -> None:
        self._forgotten.question(int(key, 16), offset)
        self.kept.pop(key, None)


async def _show_questions(settings: Settings, tenant: str | None, *, as_json: bool) -> None:
    now_s, kept = time.time(), await read_index(settings)
    rows = sorted((one for one in kept.values() if tenant in {None, one.tenant}), key=lambda one: one.answered_s)
    if as_json:
        for one in rows:
            told = one.answer.model_dump()
            print_json({"key": one.key, "tenant": one.tenant, "age_s": round(now_s - one.answered_s), **told})
        return
    table = empty_table("Questions whose answers are kept", ("key", "tenant", "origin"), ("age s", "left s", "USD"))
    for one in rows:
        cost = "" if one.answer.saved_usd is None else f"{one.answer.saved_usd:.6f}"
        age, left = now_s - one.answered_s, one.answer.expires_at_ms / 1000 - now_s
        table.add_row(one.key, one.tenant, one.answer.origin_request_id, f"{age:,.0f}", f"{left:,.0f}", cost)
    stdout_console().print(table)


async def _show_tenants(settings: Settings, tenant: str | None, within_s: float, *, as_json: bool) -> None:
    rows = await tenant_rows(settings, within_s)
    shown = [row for row in rows if tenant in {None, row.tenant}]
    if as_json:
        for row in shown:
            print_json(asdict(row))
    elif shown:
        stdout_console().print(_table(shown, within_s))
    elif rows:
        known = ", ".join(row.tenant for row in rows)
        say(f"Nothing is kept of tenant {tenant}, and nothing was used; there is of {known}.")
    else:
        say('Nothing is kept and nothing was used: no request asked for the cache. `"cache": {"ttl_s": 3600}` does.')


async def tenant_rows(settings: Settings, within_s: float) -> list[TenantRow]:
    """Return what is kept and what was used of it within so many seconds, by tenant."""
    rows: defaultdict[str, TenantRow] = defaultdict(lambda: TenantRow(""))
    now_s = time.time()
    for one in (await read_index(settings)).values():
        row = rows[one.tenant]
        row.questions += 1
        row.answer_bytes += one.answer.answer_bytes
        row.oldest_s = max(row.oldest_s or 0.0, now_s - one.answered_s)
        row.cost_usd += one.answer.saved_usd or 0
    async with aclosing(_hits(settings, int(max(0.0, now_s - within_s) * 1000))) as hits:
        async for tenant, saved_usd in hits:
            rows[tenant].hits += 1
            rows[tenant].saved_usd += saved_usd
    for name, row in rows.items():
        row.tenant = name
    return sorted(rows.values(), key=lambda row: (-row.saved_usd, row.tenant))


async def _hits(settings: Settings, since_ms: int) -> AsyncGenerator[tuple[str, Decimal], None]:
    """Give tenant and saving of each answer from the cache since then."""
    partitions = (await partitions_of(settings, Topic.RESPONSES))[Topic.RESPONSES]
    async with (
        reader(settings) as consumer,
        aclosing(read_since(consumer, partitions, since_ms)) as records,
    ):
        async for record in records:
            if record.value is not None and b'"cached":true' in record.value and (hit := hit_of(record.value)):
                yield hit


def hit_of(value: bytes) -> tuple[str, Decimal] | None:
    """Return tenant and saving of a response from the cache; None of any other record."""
    try:
        response = orjson.loads(value)
        if response.get("cached") is not True:
            return None
        return str(response["tenant"]), Decimal(response.get("saved_usd") or 0)
    except (ValueError, LookupError, AttributeError, ArithmeticError):
        return None


def _table(rows: Iterable[TenantRow], within_s: float) -> Table:
    headings = ("questions", "bytes", "oldest s", "cost USD", "hits", "saved USD")
    table = empty_table(f"The answer cache; hits of the last {within_s:,.0f} s", ("tenant",), headings)
    for row in rows:
        oldest = "" if row.oldest_s is None else f"{row.oldest_s:,.0f}"
        sizes = (f"{row.questions:,}", f"{row.answer_bytes:,}", oldest, f"{row.cost_usd:.6f}")
        table.add_row(row.tenant, *sizes, f"{row.hits:,}", f"{row.saved_usd:.6f}")
    return table
