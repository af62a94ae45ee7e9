"""The course of every call: which ones fail, which wait, which are charged, and what answers them.

A call is charged when its answer has been generated, which is when its latency has passed. A caller who has left by
then, after a time-out of its own for example, is charged all the same, as real providers do.
"""

import asyncio
import hashlib
import logging
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from random import Random

from sandbox.provider.answers import compose, count_input_tokens, fingerprint
from sandbox.provider.ask import Ask, InvalidRequest
from sandbox.provider.charges import Extras, itemize, total_usd
from sandbox.provider.connection import Exchange
from sandbox.provider.dialects.dialect import Address, Dialect
from sandbox.provider.faults import Fault, FaultKind, FaultScript, RetryAfterForm, retry_headers
from sandbox.provider.invoice import ChargeReason, Invoice, InvoiceRow
from sandbox.provider.models import REFERENCE_MODELS, TokenCounts, list_price_of
from sandbox.provider.options import ProviderOptions
from sandbox.provider.outcome import FinishReason, Outcome, Problem, ProblemKind
from sandbox.provider.traffic import Traffic
from sandbox.provider.wire import send_outcome

LONGEST_KEY = 255

_log = logging.getLogger(__name__)
_SCRIPTED = {
    FaultKind.STATUS_500: ProblemKind.SERVER_ERROR,
    FaultKind.STATUS_502: ProblemKind.BAD_GATEWAY,
    FaultKind.STATUS_503: ProblemKind.OVERLOADED,
    FaultKind.STATUS_429: ProblemKind.RATE_LIMITED,
    FaultKind.OUTAGE: ProblemKind.OVERLOADED,
    FaultKind.UNAUTHORIZED: ProblemKind.UNAUTHORIZED,
    FaultKind.CONTEXT_TOO_LONG: ProblemKind.CONTEXT_TOO_LONG,
    FaultKind.CONTENT_FILTER: ProblemKind.CONTENT_FILTER,
}


@dataclass(frozen=True, slots=True)
class _Caller:
    """One caller who waits, and the fault that befalls the answer on the way there."""

    exchange: Exchange
    dialect: Dialect
    ask: Ask
    traffic: Traffic
    fault: Fault | None


@dataclass(slots=True)
class _Generation:
    """An answer being generated, and everybody who waits for it."""

    choice: bytes
    idempotency_key: str | None
    filtered: bool
    failure: ProblemKind | None
    waiting: list[_Caller]

    @property
    def awaited(self) -> bool:
        """Whether a caller is still there."""
        return any(caller.exchange.open for caller in self.waiting)


class Calls:
    """Answers every call in its dialect and writes the invoice."""

    def __init__(self, options: ProviderOptions, invoice: Invoice) -> None:
        script_rng = Random(f"{options.seed}:faults")  # noqa: S311 - a simulation has to be repeatable
        self.script = FaultScript(script_rng, options.time_scale)
        self.traffic = {name: Traffic(model, options) for name, model in REFERENCE_MODELS.items()}
        self.generating = 0
        self._options = options
        self._invoice = invoice
        self._running: dict[str, _Generation] = {}
        self._started_ns = time.time_ns()
        self._loop = asyncio.get_running_loop()

    def handle(self, exchange: Exchange, dialect: Dialect, address: Address) -> None:
        """Begin one call; it is answered later, or never."""
        problem = dialect.refuse(exchange.request, address, self._options.api_key)
        if problem is not None:
            _refuse(exchange, dialect, problem)
            return
        try:
            ask = dialect.read(exchange.request.body, address)
        except InvalidRequest as error:
            _refuse(exchange, dialect, Problem(ProblemKind.INVALID, str(error), error.param))
            return
        traffic = self.traffic.get(ask.model)
        if traffic is None:
            message = f"The model {ask.model!r} does not exist."
            _refuse(exchange, dialect, Problem(ProblemKind.MODEL_NOT_FOUND, message))
            return
        exchange.model = traffic.model.name
        traffic.calls += 1
        fault = self.script.hit(traffic.model.name, self._loop.time())
        caller = _Caller(exchange, dialect, ask, traffic, fault)
        if fault is not None:
            traffic.faults[fault.fault] += 1
            if not fault.fault.charged:
                self._break_off(caller, fault)
                return
        self._generate(caller)

    def _generate(self, caller: _Caller) -> None:
        request = caller.exchange.request
        choice = fingerprint(self._options.seed, request.body)
        key = request.headers.get(b"idempotency-key", b"").decode("latin-1") or None
        if key is not None and len(key) > LONGEST_KEY:
            message = f"An Idempotency-Key has at most {LONGEST_KEY} characters."
            self._fail(caller, Problem(ProblemKind.KEY_TOO_LONG, message))
            return
        if key is not None and self._answered_before(caller, key, choice):
            return
        traffic, fault = caller.traffic, caller.fault
        if self._options.limits and (wait_s := traffic.limit.admit(self._loop.time())) > 0:
            self._rate_limit(caller, wait_s)
            return
        delay_s = traffic.draw_latency_s()
        if fault is not None and fault.fault is FaultKind.SLOW:
            delay_s *= fault.factor
        filtered = fault is not None and fault.fault is FaultKind.CONTENT_FILTER_FINISH
        generation = _Generation(choice, key, filtered, traffic.draw_failure(), [caller])
        if key is not None:
            self._running[key] = generation
        self.generating += 1
        self._loop.call_later(delay_s, self._settle, generation)

    def _answered_before(self, caller: _Caller, key: str, choice: bytes) -> bool:
        """Answer a known key from the invoice, or let the caller join the call that is running under it."""
        running = self._running.get(key)
        row = None if running else self._invoice.find(key)
        if running is None and row is None:
            return False
        if (running and running.choice != choice) or (row and row.id != _keyed_id(caller.dialect, key, choice)):
            self._fail(caller, Problem(ProblemKind.KEY_REUSED))
        elif running:
            running.waiting.append(caller)
        elif row:
            answer = compose(caller.ask, choice, filtered=row.finish_reason is FinishReason.CONTENT_FILTER)
            counts = TokenCounts(
                row.input_tokens,
                row.output_tokens,
                row.cached_input_tokens,
                row.cache_write_tokens,
                row.reasoning_tokens,
            )
            self._send(caller, Outcome(row.id, caller.ask, row.charged_at, counts, (answer,)))
        return True

    def _settle(self, generation: _Generation) -> None:
        """Charge a call whose latency has passed, then answer whoever still waits."""
        self.generating -= 1
        if generation.idempotency_key is not None:
            del self._running[generation.idempotency_key]
        failure, outcome = generation.failure, None
        if failure is None:
            try:
                outcome = self._charge(generation)
            except OSError:
                _log.exception("The invoice could not be written; the call is answered with 500 and not charged.")
                failure = ProblemKind.SERVER_ERROR
        for caller in generation.waiting:
            if outcome is not None:
                self._send(caller, outcome)
            elif failure is not None:
                self._fail(caller, Problem(failure))

    def _charge(self, generation: _Generation) -> Outcome:
        first = generation.waiting[0]
        model = first.traffic.model
        answer = compose(first.ask, generation.choice, filtered=generation.filtered)
        counts = TokenCounts(count_input_tokens(first.ask), answer.output_tokens)
        price = model.price
        if self._options.list_prices:
            counts = _detailed(counts, generation.choice, writes_cache=model.provider == "anthropic")
            price = list_price_of(model.name, counts.input_tokens)
        lines = itemize(counts, price, Extras())
        cost_usd = total_usd(lines)
        charged_at = datetime.now(UTC)
        key = generation.idempotency_key
        row = InvoiceRow(
            id=self._unique_id(first) if key is None else _keyed_id(first.dialect, key, generation.choice),
            idempotency_key=key,
            model=model.name,
            input_tokens=counts.input_tokens,
            cached_input_tokens=counts.cached_input_tokens,
            output_tokens=counts.output_tokens,
            finish_reason=answer.finish_reason,
            cost_usd=cost_usd,
            cost_nano_usd=int(cost_usd.scaleb(9)),
            charged_at=charged_at,
            cache_write_tokens=counts.cache_write_tokens,
            reasoning_tokens=counts.reasoning_tokens,
            reason=ChargeReason.ANSWERED if generation.awaited else ChargeReason.CALLER_LEFT,
            lines=lines,
        )
        self._invoice.charge(row)
        return Outcome(row.id, first.ask, charged_at, counts, (answer,))

    def _break_off(self, caller: _Caller, fault: Fault) -> None:
        """Perform a fault that leaves no answer."""
        scale = self._options.time_scale
        delay_s = (fault.delay_s or 0.0) * scale
        match fault.fault:
            case FaultKind.HANG:
                return
            case FaultKind.OUTAGE if fault.hang:
                return
            case FaultKind.REFUSED:
                caller.exchange.reset()
            case FaultKind.RESET:
                latency_s = caller.traffic.draw_latency_s() if fault.delay_s is None else delay_s
                self._loop.call_later(latency_s, caller.exchange.reset)
            case kind:
                headers = ""
                if fault.retry_after_s is not None:
                    headers = retry_headers(fault.retry_after_s * scale, fault.retry_after_form, datetime.now(UTC))
                self._loop.call_later(delay_s, self._fail, caller, Problem(_SCRIPTED[kind]), headers)

    def _rate_limit(self, caller: _Caller, wait_s: float) -> None:
        now = datetime.now(UTC)
        forms = (RetryAfterForm.SECONDS, RetryAfterForm.RETRY_AFTER_MS, RetryAfterForm.X_RATELIMIT_RESET_REQUESTS)
        headers = "".join(retry_headers(wait_s, form, now) for form in forms)
        limits = f"x-ratelimit-limit-requests: {caller.traffic.limit.limit}\r\nx-ratelimit-remaining-requests: 0\r\n"
        self._fail(caller, Problem(ProblemKind.RATE_LIMITED), headers + limits)

    def _send(self, caller: _Caller, outcome: Outcome) -> None:
        fault = caller.fault
        if fault is None or fault.fault is not FaultKind.CHARGED_BUT_SILENT:
            caller.traffic.statuses[200] += 1
        send_outcome(caller.exchange, caller.dialect, outcome, fault, self._options.time_scale)

    def _fail(self, caller: _Caller, problem: Problem, headers: str = "") -> None:
        response = caller.dialect.write_error(problem)
        caller.traffic.statuses[response.status] += 1
        caller.exchange.respond(response.status, response.body, headers + response.headers)

    def _unique_id(self, caller: _Caller) -> str:
        name = caller.traffic.model.name
        return f"{caller.dialect.id_prefix}{self._started_ns:x}-{name}-{self._invoice.totals[name].calls}"


def _refuse(exchange: Exchange, dialect: Dialect, problem: Problem) -> None:
    response = dialect.write_error(problem)
    exchange.respond(response.status, response.body, response.headers)


def _keyed_id(dialect: Dialect, key: str, choice: bytes) -> str:
    """The same request under the same key has the same id, also after a restart; another request has another."""
    return dialect.id_prefix + hashlib.blake2b(key.encode(), digest_size=12, key=choice).hexdigest()


def _detailed(counts: TokenCounts, choice: bytes, *, writes_cache: bool) -> TokenCounts:
    """Divide the tokens by lot: what was found in a cache, what was written into it, what was reasoning."""
    cached = counts.input_tokens * choice[2] // 256
    written = (counts.input_tokens - cached) * choice[3] // 256 if writes_cache else 0
    reasoning = counts.output_tokens * choice[4] // 256
    return TokenCounts(counts.input_tokens, counts.output_tokens, cached, written, reasoning)
