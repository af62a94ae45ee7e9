"""One run of `turnout send`: reads prompts, publishes them, waits if asked, and shows how it goes and how it went."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from aiokafka import AIOKafkaConsumer
from aiokafka.errors import KafkaError
from pydantic import SecretStr
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from router.batches.settling import saved_usd
from router.errors import CatalogueError
from schemas.responses import Response
from schemas.topics import Topic
from schemas.vocabulary import Lane, Status
from streams.cli.line_input import lines_of
from streams.cli.partitions import Start, go_to, partitions_of
from streams.cli.prompts import Overrides, Prompt, prompt_of, read_line
from streams.cli.sending import Outbox, Receipt, RecordKey, read_answers
from streams.cli.speech import PlainConsole, print_json, print_text, say, stdout_console, usd
from streams.cli.tally import Saved, Tally
from streams.codec import Unreadable
from streams.config.catalogue_file import load_catalogue
from streams.config.settings import Settings
from streams.kafka.clients import producer, reader


@dataclass(frozen=True, slots=True)
class Order:
    """What to send, and how. Either `text`, the one prompt, or `descriptor`, an open file of lines, is given."""

    text: str | None
    descriptor: int | None
    overrides: Overrides
    deadline_s: float | None
    key: RecordKey
    tenant_key: SecretStr | None
    """Shown with every record."""
    per_second: float | None
    wait: bool
    patience_s: float
    as_json: bool

    def overrides_now(self) -> Overrides:
        """Return what goes over a request that is sent now; a deadline is absolute."""
        if self.deadline_s is None:
            return self.overrides
        deadline = datetime.now(tz=UTC) + timedelta(seconds=self.deadline_s)
        return replace(self.overrides, fields={**self.overrides.fields, "deadline": deadline.isoformat()})


class Dispatch:
    """Carries out an order."""

    def __init__(self, settings: Settings, order: Order) -> None:
        self._settings = settings
        self._order = order
        self._tally = Tally(savings(settings)) if order.wait else Tally()
        self._sent = 0
        self._not_sent = 0
        self._all_sent = asyncio.Event()
        stderr = PlainConsole(stderr=True)
        self._progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            console=stderr,
            transient=True,
            disable=not stderr.is_terminal or (order.as_json and stdout_console().is_terminal),
            redirect_stdout=False,  # it would send what is asked for to stderr
        )
        self._task = self._progress.add_task("sending", total=None)

    @property
    def is_complete(self) -> bool:
        """Whether every request was sent and, if that was waited for, completed."""
        completed = self._tally.total.statuses[Status.COMPLETED]
        return not self._not_sent and (not self._order.wait or completed == self._tally.expected)

    async def run(self) -> None:
        """Send, and wait if asked.

        Raises:
            KafkaError: the broker is out of reach or refuses.
            TopicsError: a topic does not exist.
        """
        order, settings = self._order, self._settings
        partitions = await partitions_of(settings, Topic.REQUESTS, Topic.RESPONSES)
        async with AsyncExitStack() as stack:
            consumer = await stack.enter_async_context(reader(settings)) if order.wait else None
            if consumer is not None:
                await go_to(consumer, partitions[Topic.RESPONSES], Start(last=0))
            client = await stack.enter_async_context(producer(settings))
            stack.enter_context(self._progress)
            outbox = Outbox(
                client,
                settings.topic(Topic.REQUESTS),
                order.key,
                order.per_second,
                self._on_sent,
                self._on_refused,
                order.tenant_key,
            )
            if consumer is None:
                await outbox.publish(self._prompts())
            else:
                await self._publish_and_read(outbox, consumer)

    def report(self) -> None:
        """Say how it went."""
        order = self._order
        if not order.wait:
            if order.text is None:
                say(f"Sent {self._sent} requests{self._failures()}.")
            return
        if order.text is None:
            say(f"Sent {self._sent} requests{self._failures()}; {self._tally}.")
            if not order.as_json:
                stdout_console().print(self._tally.table())
        if self._tally.pending:
            say(
                f"No answer to {self._tally.pending} of {self._tally.expected} within {order.patience_s:g} s. Does a "
                f"worker run? An id that was answered before is not answered again."
            )

    def _failures(self) -> str:
        return f", {self._not_sent} could not be sent" if self._not_sent else ""

    async def _publish_and_read(self, outbox: Outbox, consumer: AIOKafkaConsumer) -> None:
        reading = asyncio.create_task(
            read_answers(consumer, self._tally, self._all_sent, self._order.patience_s, self._on_answer)
        )
        try:
            await outbox.publish(self._prompts())
            self._all_sent.set()
            await reading
        finally:
            reading.cancel()

    async def _prompts(self) -> AsyncIterator[Prompt]:
        async for place, reading in self._readings():
            if isinstance(reading, Unreadable):
                self._not_sent += 1
                say(f"{place} is not sent: {reading.reason}")
            else:
                self._tally.expect(reading.request_id)
                yield reading

    async def _readings(self) -> AsyncIterator[tuple[str, Prompt | Unreadable]]:
        order, max_bytes = self._order, self._settings.max_request_bytes
        if order.text is not None:
            yield "The prompt", prompt_of(order.text, order.overrides_now(), max_bytes)
        if order.descriptor is not None:
            async for number, line in lines_of(order.descriptor):
                yield f"Line {number}", read_line(line, order.overrides_now(), max_bytes)

    def _on_sent(self, receipt: Receipt) -> None:
        self._sent += 1
        refusal = self._tally.sent(receipt.partition, receipt.offset)
        if refusal is not None and self._tally.add(refusal):
            self._on_answer(refusal)
        self._show_progress()
        if self._order.wait:
            return
        if self._order.as_json:
            print_json(asdict(receipt))
        elif self._order.text is not None:
            place = f"{receipt.topic}, partition {receipt.partition}, offset {receipt.offset}"
            say(f"Sent request {receipt.request_id} to {place}.")

    def _on_refused(self, prompt: Prompt, error: KafkaError) -> None:
        self._not_sent += 1
        self._tally.forget(prompt.request_id)
        say(f"Request {prompt.request_id} is not sent: {error}")

    def _on_answer(self, response: Response) -> None:
        self._show_progress()
        if self._order.as_json:
            print_json(response.model_dump())
        elif self._order.text is not None:
            _print_answer(response)

    def _show_progress(self) -> None:
        if self._order.wait:
            done = self._tally.total.statuses.total()
            self._progress.update(self._task, total=self._sent, completed=done, description=str(self._tally))
        else:
            self._progress.update(self._task, completed=self._sent)


def savings(settings: Settings) -> Saved:
    """Return what tells what a response has saved: that of a batch by the live prices of this machine's catalogue."""
    try:
        models = load_catalogue(settings.catalogue).catalogue.models
    except (CatalogueError, OSError):  # it need not be here
        models = {}

    def saved(response: Response) -> Decimal:
        told = response.saved_usd or Decimal(0)
        model = models.get(response.request_model or "")
        if response.cached or response.lane is not Lane.BATCH or model is None:
            return told
        price = model.price_at(int(response.completed_at.timestamp() * 1000))
        return sum((saved_usd(price, attempt) for attempt in response.attempts), told)

    return saved


def _print_answer(response: Response) -> None:
    if response.message is not None:
        message = response.message
        if (text := message.content or message.refusal) is not None:
            print_text(text)
        for tool_call in message.tool_calls or ():
            print_json(tool_call)
    if response.error is None:
        price = usd(response.cost_usd)
        say(f"{response.request_model} in {response.latency_ms} ms for {price}: {response.route_reason}.")
    else:
        say(f"{response.status.capitalize()}, {response.error.code}: {response.error.message}")
