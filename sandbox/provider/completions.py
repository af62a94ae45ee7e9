"""The chat-completions endpoint: which calls fail, which wait, which are charged, and what answers them.

A call is charged when its answer has been generated, which is when its latency has passed. A caller who has left by
then, after a time-out of its own for example, is charged all the same, as real providers do.
"""

import asyncio
import hashlib
import logging
import time
from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime
from random import Random

from sandbox.provider.answers import compose, count_input_tokens, fingerprint
from sandbox.provider.chat import ChatRequest, FinishReason, InvalidRequest, read_chat_request
from sandbox.provider.connection import Exchange
from sandbox.provider.faults import Fault, FaultKind, FaultScript, RetryAfterForm, retry_headers
from sandbox.provider.invoice import Invoice, InvoiceRow
from sandbox.provider.models import REFERENCE_MODELS, ReferenceModel, RequestLimit, TokenCounts, list_price_of
from sandbox.provider.options import ProviderOptions
from sandbox.provider.wire import ApiError, Completion

LONGEST_KEY = 255
LIMIT_WINDOW_S = 60.0

_log = logging.getLogger(__name__)
_OVERLOADED = ApiError(503, "The model is overloaded, please try again later.", "server_error", "overloaded")
_RATE_LIMITED = ApiError(429, "Rate limit reached: too many requests per minute.", "requests", "rate_limit_exceeded")
_SERVER_ERRORS = (
    ApiError(500, "The server had an error while processing your request.", "server_error", None),
    ApiError(502, "Bad gateway.", "server_error", None),
    _OVERLOADED,
)
_KEY_REUSED = ApiError(
    422, "This Idempotency-Key was used for another request.", "invalid_request_error", "idempotency_key_reused"
)
_KEY_TOO_LONG = ApiError(
    400,
    f"An Idempotency-Key has at most {LONGEST_KEY} characters.",
    "invalid_request_error",
    "idempotency_key_too_long",
)
_SCRIPTED = {
    FaultKind.STATUS_500: _SERVER_ERRORS[0],
    FaultKind.STATUS_502: _SERVER_ERRORS[1],
    FaultKind.STATUS_503: _OVERLOADED,
    FaultKind.STATUS_429: _RATE_LIMITED,
    FaultKind.OUTAGE: _OVERLOADED,
    FaultKind.UNAUTHORIZED: ApiError(401, "Incorrect API key provided.", "invalid_request_error", "invalid_api_key"),
    FaultKind.CONTEXT_TOO_LONG: ApiError(
        400,
        "This model's maximum context length is exceeded: please reduce the length of the messages.",
        "invalid_request_error",
        "context_length_exceeded",
        "messages",
    ),
    FaultKind.CONTENT_FILTER: ApiError(
        400,
        "The response was filtered due to the prompt triggering the content management policy.",
        "invalid_request_error",
        "content_filter",
        "prompt",
    ),
}


def _detailed(counts: TokenCounts, choice: bytes, *, writes_cache: bool) -> TokenCounts:
    """Divide the tokens by lot: what was found in a cache, what was written into it, what was reasoning."""
    cached = counts.input_tokens * choice[2] // 256
    written = (counts.input_tokens - cached) * choice[3] // 256 if writes_cache else 0
    reasoning = counts.output_tokens * choice[4] // 256
    return TokenCounts(counts.input_tokens, counts.output_tokens, cached, written, reasoning)


class Traffic:
    """One model's state: its chances, its rate limit and its counters."""

    def __init__(self, model: ReferenceModel, options: ProviderOptions) -> None:
        self.model = model
        self.rng = Random(f"{options.seed}:{model.name}")  # noqa: S311 - a simulation has to be repeatable
        self.limit = RequestLimit(model.requests_per_minute, LIMIT_WINDOW_S * options.time_scale)
        self.calls = 0
        self.statuses: Counter[int] = Counter()
        self.faults: Counter[FaultKind] = Counter()


@dataclass(slots=True)
class _Call:
    """An answer being generated, and everybody who waits for it."""

    request: ChatRequest
    choice: bytes
    idempotency_key: str | None
    traffic: Traffic
    filtered: bool
    error: ApiError | None
    waiting: list[tuple[Exchange, Fault | None]]


class ChatCompletions:
    """Answers `POST /v1/chat/completions` and writes the invoice."""

    def __init__(self, options: ProviderOptions, invoice: Invoice) -> None:
        script_rng = Random(f"{options.seed}:faults")  # noqa: S311 - a simulation has to be repeatable
        self.script = FaultScript(script_rng, options.time_scale)
        self.traffic = {name: Traffic(model, options) for name, model in REFERENCE_MODELS.items()}
        self.generating = 0
        self._options = options
        self._invoice = invoice
        self._running: dict[str, _Call] = {}
        self._started_ns = time.time_ns()
        self._loop = asyncio.get_running_loop()

    def handle(self, exchange: Exchange) -> None:
        """Begin one call; it is answered later, or never."""
        try:
            request = read_chat_request(exchange.request.body)
        except InvalidRequest as error:
            ApiError(400, str(error), "invalid_request_error", None, error.param).send(exchange)
            return
        traffic = self.traffic.get(request.model)
        if traffic is None:
            message = f"The model {request.model!r} does not exist."
            ApiError(404, message, "invalid_request_error", "model_not_found", "model").send(exchange)
            return
        exchange.model = request.model
        traffic.calls += 1
        fault = self.script.hit(request.model, self._loop.time())
        if fault is not None:
            traffic.faults[fault.fault] += 1
            if not fault.fault.charged:
                self._break_off(exchange, fault, traffic)
                return
        self._generate(exchange, request, fault, traffic)

    def _generate(self, exchange: Exchange, request: ChatRequest, fault: Fault | None, traffic: Traffic) -> None:
        choice = fingerprint(self._options.seed, exchange.request.body)
        key = exchange.request.headers.get(b"idempotency-key", b"").decode("latin-1") or None
        if key is not None and len(key) > LONGEST_KEY:
            self._send_error(exchange, _KEY_TOO_LONG, traffic)
            return
        if key is not None and self._answered_before(exchange, request, fault, key, choice):
            return
        if self._options.limits and (wait_s := traffic.limit.admit(self._loop.time())) > 0:
            self._rate_limit(exchange, wait_s, traffic)
            return
        delay_s = self._draw_latency_s(traffic)
        if fault is not None and fault.fault is FaultKind.SLOW:
            delay_s *= fault.factor
        error = None
        if self._options.failures and traffic.rng.random() >= traffic.model.uptime:
            error = traffic.rng.choice(_SERVER_ERRORS)
        filtered = fault is not None and fault.fault is FaultKind.CONTENT_FILTER_FINISH
        call = _Call(request, choice, key, traffic, filtered, error, [(exchange, fault)])
        if key is not None:
            self._running[key] = call
        self.generating += 1
        self._loop.call_later(delay_s, self._settle, call)

    def _answered_before(
        self, exchange: Exchange, request: ChatRequest, fault: Fault | None, key: str, choice: bytes
    ) -> bool:
        """Answer a known key from the invoice, or let the caller join the call that is running under it."""
        running = self._running.get(key)
        row = None if running else self._invoice.find(key)
        if running is None and row is None:
            return False
        traffic = self.traffic[request.model]
        if (running and running.choice != choice) or (row and row.id != _keyed_id(key, choice)):
            self._send_error(exchange, _KEY_REUSED, traffic)
        elif running:
            running.waiting.append((exchange, fault))
        elif row:
            answer = compose(request, choice, filtered=row.finish_reason is FinishReason.CONTENT_FILTER)
            counts = TokenCounts(
                row.input_tokens,
                row.output_tokens,
                row.cached_input_tokens,
                row.cache_write_tokens,
                row.reasoning_tokens,
            )
            completion = Completion(row.id, row.model, row.charged_at, counts, answer)
            self._send(exchange, completion, fault, traffic)
        return True

    def _settle(self, call: _Call) -> None:
        """Charge a call whose latency has passed, then answer whoever still waits."""
        self.generating -= 1
        if call.idempotency_key is not None:
            del self._running[call.idempotency_key]
        completion = None
        if call.error is None:
            try:
                completion = self._charge(call)
            except OSError:
                _log.exception("The invoice could not be written; the call is answered with 500 and not charged.")
        for exchange, fault in call.waiting:
            if completion is not None:
                self._send(exchange, completion, fault, call.traffic)
            else:
                self._send_error(exchange, call.error or _SERVER_ERRORS[0], call.traffic)

    def _charge(self, call: _Call) -> Completion:
        model = call.traffic.model
        answer = compose(call.request, call.choice, filtered=call.filtered)
        counts = TokenCounts(count_input_tokens(call.request), answer.output_tokens)
        if self._options.list_prices:
            counts = _detailed(counts, call.choice, writes_cache=model.provider == "anthropic")
            cost_usd = list_price_of(model.name, counts.input_tokens).price_usd(counts)
        else:
            cost_usd = model.price_usd(counts.input_tokens, counts.output_tokens)
        charged_at = datetime.now(UTC)
        key = call.idempotency_key
        row = InvoiceRow(
            id=self._unique_id(call.traffic) if key is None else _keyed_id(key, call.choice),
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
        )
        self._invoice.charge(row)
        return Completion(row.id, model.name, charged_at, counts, answer)

    def _break_off(self, exchange: Exchange, fault: Fault, traffic: Traffic) -> None:
        """Perform a fault that leaves no answer."""
        scale = self._options.time_scale
        delay_s = (fault.delay_s or 0.0) * scale
        match fault.fault:
            case FaultKind.HANG:
                return
            case FaultKind.OUTAGE if fault.hang:
                return
            case FaultKind.REFUSED:
                exchange.reset()
            case FaultKind.RESET:
                latency_s = self._draw_latency_s(traffic) if fault.delay_s is None else delay_s
                self._loop.call_later(latency_s, exchange.reset)
            case kind:
                headers = ""
                if fault.retry_after_s is not None:
                    headers = retry_headers(fault.retry_after_s * scale, fault.retry_after_form, datetime.now(UTC))
                self._loop.call_later(delay_s, self._send_error, exchange, _SCRIPTED[kind], traffic, headers)

    def _rate_limit(self, exchange: Exchange, wait_s: float, traffic: Traffic) -> None:
        now = datetime.now(UTC)
        forms = (RetryAfterForm.SECONDS, RetryAfterForm.RETRY_AFTER_MS, RetryAfterForm.X_RATELIMIT_RESET_REQUESTS)
        headers = "".join(retry_headers(wait_s, form, now) for form in forms)
        limits = f"x-ratelimit-limit-requests: {traffic.limit.limit}\r\nx-ratelimit-remaining-requests: 0\r\n"
        self._send_error(exchange, _RATE_LIMITED, traffic, headers + limits)

    def _send(self, exchange: Exchange, completion: Completion, fault: Fault | None, traffic: Traffic) -> None:
        if fault is None or fault.fault is not FaultKind.CHARGED_BUT_SILENT:
            traffic.statuses[200] += 1
        completion.send(exchange, fault, self._options.time_scale)

    def _send_error(self, exchange: Exchange, error: ApiError, traffic: Traffic, headers: str = "") -> None:
        traffic.statuses[error.status] += 1
        error.send(exchange, headers)

    def _draw_latency_s(self, traffic: Traffic) -> float:
        fixed_ms = self._options.latency_ms
        latency_s = traffic.model.draw_latency_s(traffic.rng) if fixed_ms is None else fixed_ms / 1000
        return latency_s * self._options.time_scale

    def _unique_id(self, traffic: Traffic) -> str:
        return f"chatcmpl-{self._started_ns:x}-{traffic.model.name}-{self._invoice.totals[traffic.model.name].calls}"


def _keyed_id(key: str, choice: bytes) -> str:
    """The same request under the same key has the same id, also after a restart; another request has another."""
    return f"chatcmpl-{hashlib.blake2b(key.encode(), digest_size=12, key=choice).hexdigest()}"
