"""The provider as a server: its listening socket, its routes and its control API."""

import asyncio
from collections import Counter
from collections.abc import Callable
from urllib.parse import parse_qs, urlsplit

import orjson
from pydantic import ValidationError

from sandbox.provider.batches.faults import BatchFault
from sandbox.provider.batches.service import BatchService
from sandbox.provider.calls import Calls
from sandbox.provider.connection import Connection, Exchange
from sandbox.provider.dialects import find_dialect
from sandbox.provider.faults import EVERY_MODEL, Fault, FaultKind
from sandbox.provider.invoice import Invoice
from sandbox.provider.models import MODELS, REFERENCE_MODELS
from sandbox.provider.options import ProviderOptions
from sandbox.provider.reports import ModelStats, ProviderStats
from sandbox.provider.unkind import KIND, Unkindness
from sandbox.provider.wire import ApiError

BACKLOG = 4096
REBIND_PAUSE_S = 0.05
MODELS_CREATED = 1744588800

_NOT_FOUND = ApiError(404, "There is nothing under this path.", "invalid_request_error", "unknown_url")
_WRONG_KEY = ApiError(401, "Incorrect API key provided.", "invalid_request_error", "invalid_api_key")
_MODELS = orjson.dumps(
    {
        "object": "list",
        "data": [
            {"id": model.name, "object": "model", "created": MODELS_CREATED, "owned_by": model.provider}
            for model in REFERENCE_MODELS.values()
        ],
    }
)


class Provider:
    """One simulated provider inside a running event loop."""

    def __init__(self, options: ProviderOptions, invoice: Invoice) -> None:
        self.port = options.port
        self._options = options
        self._invoice = invoice
        self._calls = Calls(options, invoice)
        self._batches = BatchService(options, self._calls.billing)
        self._connections: set[Connection] = set()
        self._listener: asyncio.Server | None = None
        self._reopening: asyncio.Task[None] | None = None
        self._expected_key = None if options.api_key is None else b"Bearer " + options.api_key.encode()
        self._control: dict[tuple[bytes, str], Callable[[Exchange, str], None]] = {
            (b"POST", "/sandbox/faults"): self._add_fault,
            (b"GET", "/sandbox/faults"): self._list_faults,
            (b"DELETE", "/sandbox/faults"): self._clear_faults,
            (b"PUT", "/sandbox/unkind"): self._set_unkind,
            (b"GET", "/sandbox/unkind"): self._show_unkind,
            (b"DELETE", "/sandbox/unkind"): self._be_kind,
            (b"GET", "/sandbox/invoice"): self._show_invoice,
            (b"GET", "/sandbox/stats"): self._show_stats,
            (b"POST", "/sandbox/batch-faults"): self._add_batch_fault,
            (b"GET", "/sandbox/batch-faults"): self._list_batch_faults,
            (b"DELETE", "/sandbox/batch-faults"): self._clear_batch_faults,
            (b"GET", "/sandbox/batches"): self._list_batches,
        }

    async def open(self) -> None:
        """Listen. Raises OSError if the address cannot be had."""
        loop = asyncio.get_running_loop()
        self._listener = await loop.create_server(
            lambda: Connection(self._handle, self._connections), self._options.host, self.port, backlog=BACKLOG
        )
        self.port = self._listener.sockets[0].getsockname()[1]

    def close(self) -> None:
        """Stop listening and cut every connection. Calls that were being generated are never charged."""
        self._close_listener()

    def _close_listener(self, spare: Exchange | None = None) -> None:
        if self._reopening is not None:
            self._reopening.cancel()
        if self._listener is not None:
            self._listener.close()
            self._listener = None
        for connection in tuple(self._connections):
            if spare is None or connection.current is not spare:
                connection.reset()

    async def _reopen_after(self, pause_s: float) -> None:
        await asyncio.sleep(pause_s)
        while self._listener is None:
            try:
                await self.open()
            except OSError:  # an outgoing connection may have borrowed the port for its own end
                await asyncio.sleep(REBIND_PAUSE_S)

    def _handle(self, exchange: Exchange) -> None:
        request = exchange.request
        target = request.target.decode("latin-1")
        found = find_dialect(target) if request.method == b"POST" else None
        if found is not None:
            self._calls.handle(exchange, *found)
        elif target == "/v1/models" and request.method == b"GET":
            if self._authorized(exchange):
                exchange.respond(200, _MODELS)
        elif not self._batches.handle(exchange):
            url = urlsplit(target)
            control = self._control.get((request.method, url.path))
            if control is None:
                _NOT_FOUND.send(exchange)
            else:
                control(exchange, url.query)

    def _authorized(self, exchange: Exchange) -> bool:
        if self._expected_key is None or exchange.request.headers.get(b"authorization") == self._expected_key:
            return True
        _WRONG_KEY.send(exchange)
        return False

    def _add_fault(self, exchange: Exchange, _query: str) -> None:
        try:
            fault = Fault.model_validate_json(exchange.request.body)
        except ValidationError as error:
            ApiError(400, str(error), "invalid_request_error", None).send(exchange)
            return
        if fault.model != EVERY_MODEL and fault.model not in MODELS:
            ApiError(400, f"There is no model {fault.model!r}.", "invalid_request_error", None, "model").send(exchange)
            return
        if fault.fault is FaultKind.LISTENER and fault.duration_s is not None:
            self._close_listener(spare=exchange)
            self._reopening = asyncio.create_task(self._reopen_after(fault.duration_s * self._options.time_scale))
        else:
            self._calls.script.add(fault, asyncio.get_running_loop().time())
        exchange.respond(201, fault.model_dump_json().encode())

    def _list_faults(self, exchange: Exchange, _query: str) -> None:
        faults = self._calls.script.active(asyncio.get_running_loop().time())
        exchange.respond(200, orjson.dumps({"faults": [fault.model_dump() for fault in faults]}))

    def _clear_faults(self, exchange: Exchange, query: str) -> None:
        self._calls.script.clear(parse_qs(query).get("model", [None])[0])
        self._list_faults(exchange, query)

    def _add_batch_fault(self, exchange: Exchange, _query: str) -> None:
        try:
            fault = BatchFault.model_validate_json(exchange.request.body)
        except ValidationError as error:
            ApiError(400, str(error), "invalid_request_error", None).send(exchange)
            return
        self._batches.jobs.script.add(fault)
        exchange.respond(201, fault.model_dump_json().encode())

    def _list_batch_faults(self, exchange: Exchange, _query: str) -> None:
        faults = [fault.model_dump() for fault in self._batches.jobs.script.active()]
        exchange.respond(200, orjson.dumps({"faults": faults}))

    def _clear_batch_faults(self, exchange: Exchange, query: str) -> None:
        self._batches.jobs.script.clear()
        self._list_batch_faults(exchange, query)

    def _list_batches(self, exchange: Exchange, _query: str) -> None:
        exchange.respond(200, self._batches.jobs.report().model_dump_json().encode())

    def _set_unkind(self, exchange: Exchange, query: str) -> None:
        try:
            self._calls.billing.unkind = Unkindness.model_validate_json(exchange.request.body)
        except ValidationError as error:
            ApiError(400, str(error), "invalid_request_error", None).send(exchange)
            return
        self._show_unkind(exchange, query)

    def _show_unkind(self, exchange: Exchange, _query: str) -> None:
        exchange.respond(200, self._calls.billing.unkind.model_dump_json().encode())

    def _be_kind(self, exchange: Exchange, query: str) -> None:
        self._calls.billing.unkind = KIND
        self._show_unkind(exchange, query)

    def _show_invoice(self, exchange: Exchange, _query: str) -> None:
        totals = orjson.dumps(dict(self._invoice.totals))
        rows = b",".join(self._invoice.path.read_bytes().splitlines())
        exchange.respond(200, b'{"totals":' + totals + b',"rows":[' + rows + b"]}")

    def _show_stats(self, exchange: Exchange, _query: str) -> None:
        in_flight = Counter(connection.current.model for connection in self._connections if connection.current)
        models = {}
        for name, traffic in self._calls.traffic.items():
            total = self._invoice.totals[name]
            models[name] = ModelStats(
                calls=traffic.calls,
                in_flight=in_flight[name],
                statuses=dict(traffic.statuses),
                faults=dict(traffic.faults),
                charged_calls=total.calls,
                cost_nano_usd=total.cost_nano_usd,
            )
        stats = ProviderStats(generating=self._calls.generating, connections=len(self._connections), models=models)
        exchange.respond(200, stats.model_dump_json().encode())
