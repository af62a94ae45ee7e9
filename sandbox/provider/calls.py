"""The course of every call: which ones fail, which wait, which are charged, and what answers them.

A call is charged when its answer has been generated, which is when its latency has passed. A caller who has left by
then, after a time-out of its own for example, is charged all the same, as real providers do. An unkind provider charges
for more: `sandbox.provider.unkind` says for what.
"""

import asyncio
import logging
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from random import Random

from sandbox.provider.accounts import Account, Accounts
from sandbox.provider.answers import fingerprint
from sandbox.provider.ask import InvalidRequest
from sandbox.provider.billing import Billing, Call
from sandbox.provider.connection import Exchange
from sandbox.provider.dialects.dialect import Address, Dialect, Keys
from sandbox.provider.faults import Fault, FaultKind, FaultScript, retry_headers
from sandbox.provider.invoice import ChargeReason, Invoice
from sandbox.provider.models import EMBEDDING_MODEL, MODELS, find_model
from sandbox.provider.options import ProviderOptions
from sandbox.provider.outcome import ErrorResponse, FinishReason, Outcome, Problem, ProblemKind
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
_SILENT = frozenset({FaultKind.HANG, FaultKind.REFUSED, FaultKind.RESET})
"""Faults that leave a call without a byte of an answer, and without a charge."""

_WITHHELD = {
    FaultKind.CONTENT_FILTER_FINISH: FinishReason.CONTENT_FILTER,
    FaultKind.CONTENT_FILTER: FinishReason.PROMPT_BLOCKED,
}


@dataclass(frozen=True, slots=True)
class _Caller:
    """One caller who waits, and the fault that befalls the answer on the way there."""

    exchange: Exchange
    call: Call
    traffic: Traffic
    fault: Fault | None
    account: Account | None = None


@dataclass(slots=True)
class _Generation:
    """An answer being generated, and everybody who waits for it."""

    call: Call
    repeated: bool
    """Whether its key had been used before, and was ignored."""
    withheld: FinishReason | None
    takes_s: float
    failure: ProblemKind | None
    waiting: list[_Caller]

    @property
    def reason(self) -> ChargeReason:
        """Why its answer is charged."""
        if self.repeated:
            return ChargeReason.KEY_IGNORED
        awaited = any(caller.exchange.open for caller in self.waiting)
        return ChargeReason.ANSWERED if awaited else ChargeReason.CALLER_LEFT


class Calls:
    """Answers every call in its dialect."""

    def __init__(self, options: ProviderOptions, invoice: Invoice) -> None:
        script_rng = Random(f"{options.seed}:faults")  # noqa: S311 - a simulation has to be repeatable
        self.script = FaultScript(script_rng, options.time_scale)
        self.traffic = {name: Traffic(model, options) for name, model in MODELS.items()}
        self.billing = Billing(options, invoice)
        self.generating = 0
        self._keys = Keys(options.api_key, options.aws_secret)
        self._accounts = Accounts(options.accounts, options.time_scale)
        self._options = options
        self._invoice = invoice
        self._running: dict[str, _Generation] = {}
        self._loop = asyncio.get_running_loop()

    def handle(self, exchange: Exchange, dialect: Dialect, address: Address) -> None:
        """Begin one call; it is answered later, or never."""
        request = exchange.request
        problem = dialect.refuse(request, address, self._keys)
        account = self._accounts.of(request.headers) if self._accounts else None
        if problem is None and self._accounts and account is None:
            problem = Problem(ProblemKind.UNAUTHORIZED)
        if problem is not None:
            _refuse(exchange, dialect, problem)
            return
        try:
            ask = dialect.read(request.body, address)
        except InvalidRequest as error:
            _refuse(exchange, dialect, Problem(ProblemKind.INVALID, str(error), error.param))
            return
        model = find_model(ask.model)
        if model is None or (ask.vectors is not None) != (model is EMBEDDING_MODEL):
            _refuse(exchange, dialect, Problem(ProblemKind.MODEL_NOT_FOUND, model=ask.model))
            return
        traffic = self.traffic[model.name]
        exchange.model = model.name
        traffic.calls += 1
        fault = self.script.hit(model.name, self._loop.time())
        key = request.headers.get(b"idempotency-key", b"").decode("latin-1") or None
        choice = fingerprint(self._options.seed, address.model.encode() + request.body)
        call = Call(ask, model, dialect, choice, key, None if account is None else account.name)
        caller = _Caller(exchange, call, traffic, fault, account)
        if fault is not None:
            traffic.faults[fault.fault] += 1
            if not fault.fault.charged and not _blocks(caller, fault):
                self._break_off(caller, fault)
                return
        self._generate(caller)

    def _generate(self, caller: _Caller) -> None:
        call, traffic, fault = caller.call, caller.traffic, caller.fault
        key = call.idempotency_key
        if key is not None and len(key) > LONGEST_KEY:
            message = f"An Idempotency-Key has at most {LONGEST_KEY} characters."
            self._fail(caller, Problem(ProblemKind.KEY_TOO_LONG, message))
            return
        repeated = key is not None and (key in self._running or self._invoice.find(key) is not None)
        if key is not None and repeated and not self.billing.unkind.ignores_keys:
            self._answer_again(caller, key)
            return
        if self._options.limits and (wait_s := traffic.limit.admit(self._loop.time())) > 0:
            self._rate_limit(caller, wait_s)
            return
        if caller.account is not None and (wait_s := caller.account.admit(call.model.name, self._loop.time())) > 0:
            self._rate_limit(caller, wait_s)
            return
        delay_s = traffic.draw_latency_s()
        if fault is not None and fault.fault is FaultKind.SCHEMA_VIOLATION:
            call = replace(call, ask=replace(call.ask, breaks_schema=True))
        if fault is not None and fault.fault is FaultKind.SLOW:
            delay_s *= fault.factor
        withheld = None if fault is None else _WITHHELD.get(fault.fault)
        generation = _Generation(call, repeated, withheld, delay_s, traffic.draw_failure(), [caller])
        if key is not None and not repeated:
            self._running[key] = generation
        self.generating += 1
        self._loop.call_later(delay_s, self._settle, generation)

    def _answer_again(self, caller: _Caller, key: str) -> None:
        """Answer a known key from the invoice, or let the caller join the call that is running under it."""
        running = self._running.get(key)
        row = None if running else self._invoice.find(key)
        keyed_id = caller.call.keyed_id
        if (running and running.call.keyed_id != keyed_id) or (row and row.id != keyed_id):
            self._fail(caller, Problem(ProblemKind.KEY_REUSED))
        elif running:
            running.waiting.append(caller)
        elif row:
            self._send(caller, self.billing.recall(caller.call, row))

    def _settle(self, generation: _Generation) -> None:
        """Charge a call whose latency has passed, then answer whoever still waits."""
        self.generating -= 1
        key = generation.call.idempotency_key
        if key is not None and not generation.repeated:
            del self._running[key]
        failure, outcome = generation.failure, None
        if failure is None:
            try:
                outcome = self.billing.charge(
                    generation.call, generation.reason, 200, withheld=generation.withheld, takes_s=generation.takes_s
                )
                self._count_tokens(generation.waiting[0], outcome)
            except OSError:
                _log.exception("The invoice could not be written; the call is answered with 500 and not charged.")
                failure = ProblemKind.SERVER_ERROR
        for caller in generation.waiting:
            if outcome is not None:
                self._send(caller, outcome)
            elif failure is not None:
                self._fail(caller, Problem(failure))

    def _count_tokens(self, caller: _Caller, outcome: Outcome) -> None:
        if caller.account is not None:
            tokens = outcome.counts.input_tokens + outcome.counts.output_tokens
            caller.account.charged(caller.call.model.name, tokens, self._loop.time())

    def _break_off(self, caller: _Caller, fault: Fault) -> None:
        """Perform a fault that leaves no answer. What an unkind provider charges for it is charged at once."""
        scale = self._options.time_scale
        delay_s = (fault.delay_s or 0.0) * scale
        silent = fault.fault in _SILENT or (fault.fault is FaultKind.OUTAGE and fault.hang)
        if silent and self.billing.unkind.charges_unanswered:
            self._charge_no_answer(caller, ChargeReason.UNANSWERED, None)
        match fault.fault:
            case FaultKind.REFUSED:
                caller.exchange.reset()
            case FaultKind.RESET:
                latency_s = caller.traffic.draw_latency_s() if fault.delay_s is None else delay_s
                self._loop.call_later(latency_s, caller.exchange.reset)
            case kind if not silent:
                headers, wait_s = "", None
                if fault.retry_after_s is not None:
                    wait_s = fault.retry_after_s * scale
                    if not caller.call.dialect.waits_in_body:
                        headers = retry_headers(wait_s, fault.retry_after_form, datetime.now(UTC))
                problem = Problem(_SCRIPTED[kind], status=fault.status, wait_s=wait_s)
                response = self._charged_error(caller, problem)
                self._loop.call_later(delay_s, self._respond, caller, response, headers)

    def _rate_limit(self, caller: _Caller, wait_s: float) -> None:
        headers = caller.call.dialect.limit_headers(caller.traffic.limit.limit, wait_s, datetime.now(UTC))
        self._fail(caller, Problem(ProblemKind.RATE_LIMITED, wait_s=wait_s), headers)

    def _send(self, caller: _Caller, outcome: Outcome) -> None:
        fault = caller.fault
        if fault is None or fault.fault is not FaultKind.CHARGED_BUT_SILENT:
            caller.traffic.statuses[200] += 1
        send_outcome(caller.exchange, caller.call.dialect, outcome, fault, self._options.time_scale)

    def _fail(self, caller: _Caller, problem: Problem, headers: str = "") -> None:
        self._respond(caller, self._charged_error(caller, problem), headers)

    def _charged_error(self, caller: _Caller, problem: Problem) -> ErrorResponse:
        """Put a problem in the caller's dialect, and charge for it if errors of its status are charged."""
        response = caller.call.dialect.write_error(problem)
        if self.billing.unkind.charges(response.status):
            self._charge_no_answer(caller, ChargeReason.ERROR, response.status)
        return response

    def _charge_no_answer(self, caller: _Caller, reason: ChargeReason, status: int | None) -> None:
        try:
            self.billing.charge(caller.call, reason, status)
        except OSError:
            _log.exception("The invoice could not be written; the call is not charged.")

    def _respond(self, caller: _Caller, response: ErrorResponse, headers: str) -> None:
        caller.traffic.statuses[response.status] += 1
        caller.exchange.respond(response.status, response.body, headers + response.headers)


def _blocks(caller: _Caller, fault: Fault) -> bool:
    """Whether the fault blocks the prompt in a dialect that answers so."""
    return fault.fault is FaultKind.CONTENT_FILTER and caller.call.dialect.blocks_in_answer


def _refuse(exchange: Exchange, dialect: Dialect, problem: Problem) -> None:
    response = dialect.write_error(problem)
    exchange.respond(response.status, response.body, response.headers)
